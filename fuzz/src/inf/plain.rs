//! A second reading of INF files, letter by letter, from the page on their syntax.
//!
//! What the page leaves open, or lets one reader understand in another way than the next, is refused:
//! <https://learn.microsoft.com/windows-hardware/drivers/install/general-syntax-rules-for-inf-files>

use std::collections::BTreeMap;

/// "The maximum length [...] of an INF file string is 4096, which includes a terminating NULL character."
const FIELD_MAX: usize = 4095;
/// "A section name has a maximum length of 255 characters".
const NAME_MAX: usize = 255;
/// No page says so; it bounds what reading costs.
pub(super) const FILE_MAX: usize = 64 << 10;

/// A line of a section: its number, its key, its values.
pub(super) type Line = (usize, Option<String>, Vec<String>);

/// A section before its strings are put in: its name, its line, its lines with their numbers.
type Raw = (String, usize, Vec<(usize, String)>);

/// A file: for each section its name, its line, its lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) sections: Vec<(String, usize, Vec<Line>)>,
    /// Tokens without a string, by line.
    pub(super) undefined: Vec<(usize, String)>,
}

impl Plain {
    /// The lines of a section.
    pub(super) fn section(&self, name: &str) -> Option<&[Line]> {
        let mut sections = self.sections.iter();
        let found = sections.find(|(own, ..)| own.eq_ignore_ascii_case(name));
        found.map(|(_, _, lines)| lines.as_slice())
    }
}

/// The letters of a file; nothing where it has to be refused.
pub(super) fn letters(bytes: &[u8]) -> Option<String> {
    if bytes.len() > FILE_MAX {
        return None;
    }
    match bytes {
        [0xFF, 0xFE, wide @ ..] => {
            let pairs = wide.chunks(2).map(|pair| match pair {
                [low, high] => Some(u16::from(*low) | u16::from(*high) << 8),
                _ => None,
            });
            String::from_utf16(&pairs.collect::<Option<Vec<_>>>()?).ok()
        }
        narrow if narrow.iter().all(|byte| *byte < 0x80) => {
            Some(narrow.iter().copied().map(char::from).collect())
        }
        _ => None,
    }
}

/// Reads a file; nothing where it has to be refused.
pub(super) fn read(text: &str) -> Option<Plain> {
    let is_blank = |letter: char| letter.is_whitespace() && !" \t\n\r".contains(letter);
    let is_control = |letter: char| letter.is_control() && !"\t\n\r".contains(letter);
    let text = text.replace("\r\n", "\n");
    if text.contains('\r') || text.contains(is_blank) || text.contains(is_control) {
        return None;
    }
    let mut sections: Vec<Raw> = Vec::new();
    let mut current = None;
    for (number, line) in joined(&text)? {
        if line.starts_with('[') {
            current = Some(header(&mut sections, &line, number)?);
        } else if !line.is_empty() {
            sections[current?].2.push((number, line));
        }
    }
    resolved(&sections)
}

/// Lines without their comments, and what goes on with what it goes on with.
fn joined(text: &str) -> Option<Vec<(usize, String)>> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.split('\n').enumerate() {
        let line = without_comment(line)?;
        let line = line.trim_matches([' ', '\t']);
        let part = line.strip_suffix('\\');
        if part.is_some_and(|part| part.ends_with('\\')) {
            return None;
        }
        let went_on = goes_on;
        goes_on = part.is_some();
        if !went_on {
            lines.push((index + 1, String::new()));
        }
        let (_, last) = lines.last_mut()?;
        last.push_str(part.unwrap_or(line));
        // "In an entry or directive": the line that begins a section is neither.
        if (went_on || goes_on) && last.starts_with('[') {
            return None;
        }
    }
    Some(lines)
}

/// A quote and a token end in their line, and a token has neither a quote nor a semicolon in it.
fn without_comment(line: &str) -> Option<String> {
    let mut kept = String::new();
    let (mut in_quote, mut in_token) = (false, false);
    for letter in line.chars() {
        match (letter, in_quote, in_token) {
            (';', false, false) => return Some(kept),
            (';' | '"', _, true) => return None,
            ('%', ..) => in_token = !in_token,
            ('"', ..) => in_quote = !in_quote,
            _ => {}
        }
        kept.push(letter);
    }
    (!in_quote && !in_token).then_some(kept)
}

/// The place of the section that a line begins.
fn header(sections: &mut Vec<Raw>, line: &str, number: usize) -> Option<usize> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let name = name.trim_matches([' ', '\t']);
    if name.is_empty() || name.contains(['[', ']', '%', '"']) || name.ends_with('\\') {
        return None;
    }
    if name.encode_utf16().count() > NAME_MAX {
        return None;
    }
    let known = |(own, ..): &Raw| own.eq_ignore_ascii_case(name);
    if let Some(place) = sections.iter().position(known) {
        return Some(place);
    }
    sections.push((name.to_owned(), number, Vec::new()));
    Some(sections.len() - 1)
}

/// Puts the strings in.
fn resolved(sections: &[Raw]) -> Option<Plain> {
    let mut strings = BTreeMap::new();
    let own = sections
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case("strings"));
    for (_, line) in own.into_iter().flat_map(|(_, _, lines)| lines) {
        let (key, values) = fields(line, &BTreeMap::new(), &mut Vec::new())?;
        let [value] = values.as_slice() else {
            return None;
        };
        let key = key?.to_ascii_lowercase();
        if strings.insert(key, value.clone()).is_some() {
            return None;
        }
    }
    if sections.is_empty() {
        return None;
    }
    let mut plain = Plain::default();
    for (name, number, lines) in sections {
        let mut read = Vec::new();
        for (number, line) in lines {
            let mut undefined = Vec::new();
            let (key, values) = fields(line, &strings, &mut undefined)?;
            let undefined = undefined.into_iter().map(|token| (*number, token));
            plain.undefined.extend(undefined);
            read.push((*number, key, values));
        }
        plain.sections.push((name.clone(), *number, read));
    }
    Some(plain)
}

/// A letter of a field, and whether it stays where it is a blank at the end; or what separates fields.
enum Piece {
    Letter(char, bool),
    Comma,
    Equals,
}

fn fields(
    line: &str,
    strings: &BTreeMap<String, String>,
    undefined: &mut Vec<String>,
) -> Option<(Option<String>, Vec<String>)> {
    let pieces = pieces(line, strings, undefined);
    let is_comma = |piece: &Piece| matches!(piece, Piece::Comma);
    let head = pieces.split(is_comma).next()?;
    let equals = head.iter().position(|piece| matches!(piece, Piece::Equals));
    let (key, rest) = match equals {
        Some(place) => (Some(field(&pieces[..place])?), &pieces[place + 1..]),
        None => (None, &pieces[..]),
    };
    let values: Option<Vec<_>> = rest.split(is_comma).map(field).collect();
    Some((key, values?))
}

/// Quotes taken away, tokens put in.
fn pieces(
    line: &str,
    strings: &BTreeMap<String, String>,
    undefined: &mut Vec<String>,
) -> Vec<Piece> {
    let letters: Vec<char> = line.chars().collect();
    let mut pieces = Vec::new();
    let mut in_quote = false;
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        at += 1;
        match letter {
            '%' => {
                let rest = &letters[at..];
                let end = rest.iter().position(|letter| *letter == '%');
                let name: String = rest[..end.unwrap_or(rest.len())].iter().collect();
                at += name.chars().count() + 1;
                let put = token(&name, strings, undefined);
                pieces.extend(put.chars().map(|letter| Piece::Letter(letter, true)));
            }
            '"' if in_quote && letters.get(at) == Some(&'"') => {
                at += 1;
                pieces.push(Piece::Letter('"', true));
            }
            '"' => in_quote = !in_quote,
            ',' if !in_quote => pieces.push(Piece::Comma),
            '=' if !in_quote => pieces.push(Piece::Equals),
            _ => pieces.push(Piece::Letter(*letter, in_quote)),
        }
    }
    pieces
}

/// What a token stands for. One that is a number is a directory.
fn token(name: &str, strings: &BTreeMap<String, String>, undefined: &mut Vec<String>) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    if let Some(value) = strings.get(&name.to_ascii_lowercase()) {
        return value.clone();
    }
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && name.parse::<u32>().is_ok();
    if !is_number {
        undefined.push(name.to_owned());
    }
    format!("%{name}%")
}

/// A field without the blanks around it that nobody quoted; nothing if it is too long.
fn field(mut pieces: &[Piece]) -> Option<String> {
    let is_loose = |piece: &Piece| matches!(piece, Piece::Letter(' ' | '\t', false));
    while let [first, rest @ ..] = pieces
        && is_loose(first)
    {
        pieces = rest;
    }
    while let [rest @ .., last] = pieces
        && is_loose(last)
    {
        pieces = rest;
    }
    let letters = pieces.iter().map(|piece| match piece {
        Piece::Letter(letter, _) => *letter,
        Piece::Comma => ',',
        // Only the first one separates.
        Piece::Equals => '=',
    });
    let field: String = letters.collect();
    (field.encode_utf16().count() <= FIELD_MAX).then_some(field)
}
