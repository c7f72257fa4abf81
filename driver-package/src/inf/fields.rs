//! The fields of a line: quotes, tokens, commas.

use std::collections::BTreeMap;

use crate::digits;
use crate::problem::Problem;

/// "After string substitution, the maximum length, in characters, of an INF file string is 4096, which includes a
/// terminating NULL character."
const FIELD_MAX: usize = 4095;

/// What tokens stand for, and those that stand for nothing.
pub(super) struct Tokens<'a> {
    strings: &'a BTreeMap<String, String>,
    pub(super) undefined: Vec<String>,
}

impl<'a> Tokens<'a> {
    /// Of these strings.
    pub(super) fn of(strings: &'a BTreeMap<String, String>) -> Self {
        Self {
            strings,
            undefined: Vec::new(),
        }
    }

    /// Puts the value of a token in. A number is a directory, for whoever installs to know.
    fn put(&mut self, name: &str, into: &mut String) {
        if name.is_empty() {
            into.push('%');
        } else if let Some(value) = self.strings.get(&name.to_ascii_lowercase()) {
            into.push_str(value);
        } else {
            if digits::<u32>(name).is_none() {
                self.undefined.push(name.to_owned());
            }
            into.push_str(&format!("%{name}%"));
        }
    }
}

/// The key and the values of a line.
pub(super) type Fields = (Option<String>, Vec<String>);

/// Takes a line apart.
pub(super) fn read(number: usize, line: &str, tokens: &mut Tokens<'_>) -> Result<Fields, Problem> {
    let (key, values) = separate(line, tokens);
    let is_long = |field: &String| field.encode_utf16().count() > FIELD_MAX;
    if key.iter().chain(&values).any(is_long) {
        let what = format!("a field of more than {FIELD_MAX} letters");
        return Err(Problem::at(number, what));
    }
    Ok((key, values))
}

fn separate(line: &str, tokens: &mut Tokens<'_>) -> Fields {
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
