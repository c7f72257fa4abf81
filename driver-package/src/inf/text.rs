//! The text of an INF file: encoding, lines, comments.
//!
//! What two readers could understand in two ways is refused here, before anything is made of it: a rule is worth
//! nothing if Windows reads another file than the one that was judged.

use crate::problem::Problem;

/// UTF-16, least byte first.
const MARK: [u8; 2] = [0xFF, 0xFE];
/// The longest file that is read. A driver's has some KiB, and what some of the rules cost grows with the square.
const BYTES_MAX: usize = 64 << 10;

/// The text of a file. InfVerif 1003: "must be ANSI or UTF-16 LE". What ANSI means is a setting of the machine, so
/// of ANSI only the part that means the same everywhere will do.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Problem> {
    if bytes.len() > BYTES_MAX {
        return Err(Problem::whole("it is longer than 64 KiB"));
    }
    if let Some(wide) = bytes.strip_prefix(&MARK) {
        let (units, rest) = wide.as_chunks();
        if !rest.is_empty() {
            return Err(Problem::whole("the file ends in half a letter"));
        }
        let units: Vec<_> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        return String::from_utf16(&units)
            .map_err(|_| Problem::whole("it is no UTF-16: half of a pair is alone"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err(Problem::whole(
            "letters beyond ASCII need UTF-16 with a byte order mark (InfVerif 1003)",
        )),
    }
}

/// The lines without comments, those that go on joined, and the number of the first.
pub(super) fn logical_lines(text: &str) -> Result<Vec<(usize, String)>, Problem> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let wrong = |what| Problem::at(number, what);
        let line = without_comment(line).map_err(wrong)?;
        let went_on = goes_on;
        let continued = line.strip_suffix('\\');
        goes_on = continued.is_some();
        let part = continued.unwrap_or(line);
        if goes_on && part.ends_with('\\') {
            return Err(wrong("of two backslashes at the end Windows ignores one"));
        }
        match lines.last_mut() {
            Some((_, last)) if went_on => last.push_str(part),
            _ => lines.push((number, part.to_owned())),
        }
        // The page has continuations in "an entry or directive".
        let begins_section = lines.last().is_some_and(|(_, last)| last.starts_with('['));
        if begins_section && (went_on || goes_on) {
            return Err(wrong("the line that begins a section cannot go on"));
        }
    }
    Ok(lines)
}

/// A line up to its comment, or what is wrong with it.
fn without_comment(line: &str) -> Result<&str, &'static str> {
    if line.chars().any(is_strange) {
        return Err("a control character, or a blank that not every reader takes for one");
    }
    let (mut in_quote, mut in_token) = (false, false);
    for (index, letter) in line.char_indices() {
        match letter {
            // The page lets a semicolon be part of a token's name.
            '"' | ';' if in_token => return Err("a token does not end"),
            ';' if !in_quote => return Ok(line.get(..index).unwrap_or_default().trim()),
            '%' => in_token = !in_token,
            '"' => in_quote = !in_quote,
            _ => {}
        }
    }
    match (in_quote, in_token) {
        (_, true) => Err("a token does not end"),
        (true, false) => Err("a quote does not end"),
        (false, false) => Ok(line.trim()),
    }
}

/// A return alone is the most dangerous: to Windows it ends a line, and a comment with it.
fn is_strange(letter: char) -> bool {
    letter != '\t' && (letter.is_control() || letter.is_whitespace() && letter != ' ')
}
