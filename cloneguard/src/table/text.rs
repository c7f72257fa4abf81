//! Text in columns: cut, padded, without what would confuse a terminal or its reader.

/// Shortens a text to `width` characters by an ellipsis in its middle; the end, which tells files
/// apart, keeps the larger part.
#[must_use]
pub fn shorten(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else {
        return String::new();
    };
    let front = room / 3;
    let back = count - (room - front);
    let head = text.chars().take(front);
    head.chain(['…']).chain(text.chars().skip(back)).collect()
}

/// The text with U+FFFD for what a terminal would not print as a character of its own: controls,
/// and marks that are invisible or change the direction of writing.
#[must_use]
pub fn printable(text: &str) -> String {
    let shown = |character| {
        if is_hidden(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    text.chars().map(shown).collect()
}

/// Whether a character is a control, ends a line, or is one that Unicode lets be invisible: those with the property
/// `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`), which has all marks of direction, and the other
/// format characters that have no form of their own (`Cf`).
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{1343F}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A number of bytes: in the largest unit that divides it, up to GiB.
#[must_use]
pub fn byte_size(value: i64) -> String {
    // Beyond a pebibyte nobody means a size: the bits tell more.
    if value.unsigned_abs() >= 1 << 50 {
        let sign = if value < 0 { "-" } else { "" };
        return format!("{sign}{:#x}", value.unsigned_abs());
    }
    let units = [(1_i64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let unit = units
        .iter()
        .find(|(size, _)| value != 0 && value % size == 0);
    unit.map_or_else(
        || value.to_string(),
        |(size, name)| format!("{}{name}", value / size),
    )
}

/// Cuts a text to `width` characters, with an ellipsis at its end.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).take(width).collect()
}

/// The path with `\Device\HarddiskVolume4` as `V4:`, which leaves room for the rest.
pub(crate) fn brief(path: &str) -> String {
    let Some(rest) = path.strip_prefix(r"\Device\HarddiskVolume") else {
        return path.to_owned();
    };
    match rest.find('\\') {
        Some(end) if end > 0 && rest[..end].bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("V{}:{}", &rest[..end], &rest[end..])
        }
        Some(_) | None => path.to_owned(),
    }
}

/// A cell: the text, cut or padded to its width.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{:<width$}", shorten(text, width))
}
