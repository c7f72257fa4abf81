//! Single values as people write them: patterns, volumes, users, sizes.

use super::model::{Pattern, Volume};
use wire::policy::{PolicyFault, TEXT_UNITS_MAX, check_device, check_path, upcase};

/// Why a text is not what it should be: what is wrong, and what to do.
pub(crate) type Wrong = (String, String);

/// How volumes are written, for messages.
const VOLUMES: &str =
    r"write \Device\NAME (fltmc volumes lists them) or \\?\Volume{GUID} (mountvol lists them)";
/// How patterns begin, for messages.
const BEGINNINGS: &str = r"begin with *:\ or \ for any volume, with \Device\NAME\ (fltmc volumes lists them) or with \\?\Volume{GUID}\ (mountvol lists them)";

/// What to do about a backslash that TOML took for the start of something else.
pub(crate) const SINGLE_QUOTES: &str =
    r"write names in single quotes, 'like \this', where \ is an ordinary character";

/// Reads a pattern for the name of a file.
pub(crate) fn pattern(text: &str) -> Result<Pattern, Wrong> {
    let (volume, path) = match split_volume(text)? {
        Some((_, "")) => {
            let what = format!("the pattern \"{text}\" names a volume and no path");
            return Err((what, r"add \** for everything on the volume".to_owned()));
        }
        Some((volume, path)) => (Some(volume), path),
        None => (None, text.strip_prefix("*:").unwrap_or(text)),
    };
    let behind = text.len() - path.len();
    let before = text[..behind].chars().count();
    let path = upper(path);
    check_path(path.encode_utf16()).map_err(|(unit, fault)| {
        let place = before + characters(&path, unit) + 1;
        let (what, advice) = explain(fault, character(&path, unit));
        (
            format!("the pattern \"{text}\" {what} at character {place}"),
            advice,
        )
    })?;
    if path.ends_with(":$DATA") {
        let what = format!("the pattern \"{text}\" ends with the type of a stream");
        let advice = "names are compared without it: leave out ::$DATA, or :$DATA behind a stream";
        return Err((what, advice.to_owned()));
    }
    Ok(Pattern { volume, path })
}

/// Reads a pattern for the image of a process, whose volume has no GUID.
pub(crate) fn image(text: &str) -> Result<Pattern, Wrong> {
    let pattern = pattern(text)?;
    if matches!(pattern.volume, Some(Volume::Guid(_))) {
        let what = format!("the pattern \"{text}\" names the volume of an image by GUID");
        let advice = r"images are known by device: begin with \ or *:\ for any volume, or with \Device\NAME\";
        return Err((what, advice.to_owned()));
    }
    Ok(pattern)
}

/// Reads the name of a volume.
pub(crate) fn volume(text: &str) -> Result<Volume, Wrong> {
    if has_drive_letter(text) {
        let what = format!("\"{text}\" is a drive letter, which the kernel does not know");
        return Err((what, VOLUMES.to_owned()));
    }
    match split_volume(text)? {
        Some((volume, "" | "\\")) => Ok(volume),
        Some((_, path)) => Err((
            format!("the volume \"{text}\" goes on with a path, \"{path}\""),
            "name the volume alone; paths belong into source and target".to_owned(),
        )),
        None => Err((format!("\"{text}\" names no volume"), VOLUMES.to_owned())),
    }
}

/// Takes a volume off the start of a name; `None` if it begins with a path or with `*:`.
fn split_volume(text: &str) -> Result<Option<(Volume, &str)>, Wrong> {
    let upper_text = upper(text);
    if upper_text.starts_with(r"\\?\VOLUME{") {
        let (guid, path) = split_guid(text)?;
        return Ok(Some((Volume::Guid(guid), path)));
    }
    if upper_text == r"\DEVICE" || upper_text.starts_with(r"\DEVICE\") {
        // Upper case never changes the number of characters, but it may change their bytes.
        let name = text.get(r"\DEVICE\".len()..).unwrap_or_default();
        let end = name.find('\\').unwrap_or(name.len());
        let (name, path) = name.split_at(end);
        return device(text, name).map(|volume| Some((volume, path)));
    }
    if has_drive_letter(text) {
        let what = format!("\"{text}\" begins with a drive letter, which the kernel does not know");
        return Err((what, BEGINNINGS.to_owned()));
    }
    let foreign = [r"\\", r"\??\", r"\DOSDEVICES\", r"\GLOBAL??\"];
    if foreign.iter().any(|prefix| upper_text.starts_with(prefix)) {
        let what = format!("\"{text}\" begins with a name that the kernel replaces early");
        return Err((what, BEGINNINGS.to_owned()));
    }
    Ok(None)
}

/// Whether a name begins as those of Win32 programs do.
fn has_drive_letter(text: &str) -> bool {
    let mut start = text.chars();
    start.next().is_some_and(char::is_alphabetic) && start.next() == Some(':')
}

/// Reads the name of a device.
fn device(text: &str, name: &str) -> Result<Volume, Wrong> {
    let device = upper(&format!(r"\Device\{name}"));
    check_device(device.encode_utf16()).map_err(|(unit, fault)| {
        if fault == PolicyFault::Device {
            let what = format!("\"{text}\" names no device");
            return (
                what,
                r"write \Device\NAME; *:\Device\ is a directory".to_owned(),
            );
        }
        let place = characters(&device, unit) + 1;
        match character(&device, unit) {
            Some('*' | '?') => (
                format!("the device in \"{text}\" has a wildcard at character {place}"),
                r"name one device, or begin with *:\ for any volume".to_owned(),
            ),
            character => {
                let (what, advice) = explain(fault, character);
                (
                    format!("the device in \"{text}\" {what} at character {place}"),
                    advice,
                )
            }
        }
    })?;
    Ok(Volume::Device(device))
}

/// Reads `\\?\Volume{GUID}` and gives what follows.
fn split_guid(text: &str) -> Result<([u8; 16], &str), Wrong> {
    let wrong = || {
        let what = format!("\"{text}\" has no well-formed GUID");
        let advice =
            r"write \\?\Volume{01234567-89ab-cdef-0123-456789abcdef}, as mountvol shows it";
        (what, advice.to_owned())
    };
    let behind = text.get(r"\\?\Volume{".len()..).ok_or_else(wrong)?;
    let (guid, rest) = behind.split_once('}').ok_or_else(wrong)?;
    if !rest.is_empty() && !rest.starts_with('\\') {
        return Err(wrong());
    }
    Ok((guid_bytes(guid).ok_or_else(wrong)?, rest))
}

/// The bytes of a GUID in the order of Windows' `GUID` structure: three numbers in little-endian
/// order, then eight bytes (MS-DTYP 2.3.4.2).
pub(crate) fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_hex = text
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if lengths != [8, 4, 4, 4, 12] || !is_hex {
        return None;
    }
    let number = u128::from_str_radix(&groups.concat(), 16).ok()?;
    let mut bytes = number.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    Some(bytes)
}

/// The text of a GUID, without braces.
pub(crate) fn guid_text(bytes: [u8; 16]) -> String {
    let mut ordered = bytes;
    ordered[..4].reverse();
    ordered[4..6].reverse();
    ordered[6..8].reverse();
    let digits = format!("{:032x}", u128::from_be_bytes(ordered));
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups.map(|range| &digits[range]).join("-")
}

/// Reads a number of bytes: digits, or digits and a binary unit.
pub(crate) fn size(text: &str) -> Result<u64, Wrong> {
    let digits = text.trim_end_matches(|last: char| !last.is_ascii_digit());
    let unit = text[digits.len()..].trim_start();
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => u32::MAX,
    };
    let number = digits.parse::<u64>().ok();
    let bytes = number.and_then(|number| number.checked_mul(1_u64.checked_shl(shift)?));
    bytes.ok_or_else(|| {
        let what = format!("\"{text}\" is no number of bytes");
        (
            what,
            "write 65536, \"64KiB\", \"16MiB\", \"4GiB\" or \"1TiB\"".to_owned(),
        )
    })
}

/// The text in upper case, by the rule of the driver.
pub(crate) fn upper(text: &str) -> String {
    let fold = |character: char| {
        let unit = u16::try_from(u32::from(character)).ok();
        let folded = unit.and_then(|unit| char::from_u32(u32::from(upcase(unit))));
        folded.unwrap_or(character)
    };
    text.chars().map(fold).collect()
}

/// What a fault of a text means to its author, and what to do.
fn explain(fault: PolicyFault, character: Option<char>) -> (String, String) {
    let has = |what: &str, advice: &str| (format!("has {what}"), advice.to_owned());
    match (fault, character) {
        (PolicyFault::Character, Some('/')) => has("a slash", r"write \ between directories"),
        (PolicyFault::Character, Some(other)) if other.is_control() => {
            has(&format!("the character {other:?}"), SINGLE_QUOTES)
        }
        (PolicyFault::Character, Some(other)) => has(
            &format!("the character {other:?}"),
            "no file name on Windows has it: take it out",
        ),
        (PolicyFault::PathStart, _) => (
            "does not name a volume or a path".to_owned(),
            BEGINNINGS.to_owned(),
        ),
        (PolicyFault::Separator, _) => has(
            r"a \ behind which no name follows",
            r"write one \ between names; end with \** for everything below a directory",
        ),
        (PolicyFault::Stars, _) => has(
            "more than two stars in a row",
            r"write * for a part of one name, ** for any number of directories",
        ),
        (PolicyFault::TextLength, _) => (
            "is empty or too long".to_owned(),
            format!("write 1 to {TEXT_UNITS_MAX} characters"),
        ),
        (other, _) => (format!("is wrong ({other})"), "correct it".to_owned()),
    }
}

/// How many characters stand before a unit.
fn characters(text: &str, unit: usize) -> usize {
    let mut units = 0;
    text.chars()
        .take_while(|character| {
            let is_before = units < unit;
            units += character.len_utf16();
            is_before
        })
        .count()
}

/// The character at a unit.
fn character(text: &str, unit: usize) -> Option<char> {
    text.chars().nth(characters(text, unit))
}
