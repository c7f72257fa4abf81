//! JSON as this program writes it, on a terminal or anywhere: an object in each line.
//!
//! JSON escapes the controls below U+0020. All else that a terminal would not print as a character of its own
//! is escaped here too, so a file name cannot move the cursor or turn the text round. A reader gets the
//! same characters either way (RFC 8259, section 7).

use crate::table::is_hidden;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// Writes a value in a line, the line feed included.
///
/// # Errors
///
/// What the writer reports.
pub fn write_line<W: Write>(mut out: W, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut out, Printable))?;
    out.write_all(b"\n")
}

/// Compact JSON in which only what can be seen stands for itself.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Nearly every name is of letters of this alphabet.
        if fragment.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut shown = 0;
        for (start, character) in fragment.char_indices().filter(|(_, c)| is_hidden(*c)) {
            writer.write_all(&fragment.as_bytes()[shown..start])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            shown = start + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[shown..])
    }
}

#[cfg(test)]
mod tests {
    use super::write_line;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn line(value: &Value) -> String {
        let mut bytes = Vec::new();
        write_line(&mut bytes, value).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_cannot_be_seen_is_escaped_and_nothing_else() {
        let value = json!({ "a\u{9b}": "größe \u{202e}txt.\u{7f}exe \u{e0041}\n\"\\" });
        assert_eq!(
            line(&value),
            "{\"a\\u009b\":\"größe \\u202etxt.\\u007fexe \\udb40\\udc41\\n\\\"\\\\\"}\n"
        );
    }

    proptest! {
        #[test]
        fn a_reader_gets_every_text_back(text: String, number: u64) {
            let value = json!({ "text": text, "number": number });
            let line = line(&value);
            prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
            prop_assert!(!line.trim_end_matches('\n').chars().any(crate::table::is_hidden));
        }
    }
}
