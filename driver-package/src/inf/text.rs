//! The text of an INF file: encoding, lines, quotes, tokens.

use std::collections::BTreeMap;

use crate::problem::Problem;

/// UTF-16, least byte first.
const MARK: [u8; 2] = [0xFF, 0xFE];

/// The text of a file. InfVerif 1003: "must be ANSI or UTF-16 LE". What ANSI means is a setting of the machine, so
/// of ANSI only the part that means the same everywhere will do.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Problem> {
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
        let line =
            without_comment(line).ok_or_else(|| Problem::at(number, "a quote does not end"))?;
        let continued = line.strip_suffix('\\');
        let part = continued.unwrap_or(line);
        match lines.last_mut() {
            Some((_, last)) if goes_on => last.push_str(part),
            _ => lines.push((number, part.to_owned())),
        }
        goes_on = continued.is_some();
    }
    Ok(lines)
}

/// A line up to its comment; nothing if a quote does not end.
fn without_comment(line: &str) -> Option<&str> {
    let mut is_quoted = false;
    for (index, letter) in line.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => return line.get(..index).map(str::trim),
            _ => {}
        }
    }
    (!is_quoted).then_some(line.trim())
}

/// What tokens stand for, and those that stand for nothing.
pub(super) struct Tokens<'a> {
    pub(super) strings: &'a BTreeMap<String, String>,
    pub(super) undefined: Vec<String>,
}

impl Tokens<'_> {
    /// Puts the value of a token in. A number is a directory, for whoever installs to know.
    fn put(&mut self, name: &str, into: &mut String) {
        if name.is_empty() {
            into.push('%');
        } else if let Some(value) = self.strings.get(&name.to_ascii_lowercase()) {
            into.push_str(value);
        } else {
            if name.parse::<u32>().is_err() {
                self.undefined.push(name.to_owned());
            }
            into.push_str(&format!("%{name}%"));
        }
    }
}

/// The key and the values of a line.
pub(super) fn fields(line: &str, tokens: &mut Tokens<'_>) -> (Option<String>, Vec<String>) {
    let mut reader = Reader::default();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if reader.is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                reader.field.push('"');
            }
            '"' => reader.is_quoted = !reader.is_quoted,
            '%' => {
                let name: String = letters
                    .by_ref()
                    .take_while(|letter| *letter != '%')
                    .collect();
                reader.keep();
                tokens.put(&name, &mut reader.field);
                reader.keep();
            }
            _ if reader.is_quoted => {
                reader.field.push(letter);
                reader.keep();
            }
            '=' if reader.key.is_none() && reader.values.is_empty() => {
                reader.key = Some(reader.take());
            }
            ',' => {
                let value = reader.take();
                reader.values.push(value);
            }
            _ if letter.is_whitespace() && reader.field.is_empty() => {}
            _ => reader.field.push(letter),
        }
    }
    let last = reader.take();
    reader.values.push(last);
    (reader.key, reader.values)
}

#[derive(Default)]
struct Reader {
    key: Option<String>,
    values: Vec<String>,
    field: String,
    /// How much of the field was quoted or put in, so that blanks at its end belong to it.
    kept: usize,
    is_quoted: bool,
}

impl Reader {
    fn keep(&mut self) {
        self.kept = self.field.len();
    }

    /// The field that ends here, without the blanks around it.
    fn take(&mut self) -> String {
        let end = self.field.trim_end().len().max(self.kept);
        self.field.truncate(end);
        self.kept = 0;
        std::mem::take(&mut self.field)
    }
}
