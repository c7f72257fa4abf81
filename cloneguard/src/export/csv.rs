//! A table for spreadsheets and for programs that read nothing else: RFC 4180, with a line of headings.
//!
//! A heading is the path of a field in the JSON, so `cloneguard schema --fields` explains it. New columns
//! come behind the old ones. A field that an entry does not have is empty; the elements of a list are
//! parted by semicolons.
//!
//! Spreadsheets take a text that begins with `=`, `+`, `-`, `@` or the full-width form of one for a formula, and
//! a file name may be one (OWASP, "CSV Injection"). Such a sign gets an apostrophe before it, at the beginning and behind
//! a semicolon, which parts cells where the comma is in numbers. Numbers do not. What a terminal would not print as a
//! character of its own is U+FFFD. JSON has all names as they are.

use super::Format;
use crate::Entry;
use crate::table::printable;
use serde_json::Value;
use std::io;

/// The headings.
pub const COLUMNS: &[&str] = &[
    "time",
    "boot_id",
    "sequence",
    "lost_before",
    "kind",
    "class",
    "request",
    "verdict",
    "outcome",
    "status.code",
    "status.name",
    "information",
    "duration_100ns",
    "rules.id",
    "rules.name",
    "deciding_rule.name",
    "refusal.code",
    "refusal.name",
    "policy.revision",
    "policy.match",
    "policy.rule",
    "control_code.code",
    "control_code.name",
    "requestor_mode",
    "bitness",
    "remote",
    "claim.source_offset",
    "claim.target_offset",
    "claim.byte_count",
    "claim.ex_flags",
    "process_id",
    "thread_id",
    "process_start_key",
    "process_create_time",
    "image.text",
    "parent_process_id",
    "parent_image.text",
    "session_id",
    "logon_id",
    "integrity_level.name",
    "elevated",
    "impersonating",
    "user_sid",
    "primary_user_sid",
    "source.text",
    "source_file.id",
    "source_volume.guid",
    "target.text",
    "target_file.id",
    "volume.guid",
    "volume.file_system",
    "volume.cluster_size",
    "first_time",
    "last_time",
    "count",
    "completed",
    "failed",
    "byte_count",
    "source_directory.text",
    "target_directory.text",
    "event",
    "cause",
    "device.text",
    "driver_version",
    "previous_stop",
    "counters.seen",
    "counters.completed",
    "counters.failed",
    "counters.refused",
    "counters.delivered",
    "counters.lost",
    "total",
];

/// Comma-separated values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Csv;

impl Format for Csv {
    fn begin(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        write!(out, "{}\r\n", COLUMNS.join(","))
    }

    fn entry(&mut self, entry: &Entry, out: &mut dyn io::Write) -> io::Result<bool> {
        let value = serde_json::to_value(entry)?;
        for (number, column) in COLUMNS.iter().enumerate() {
            if number != 0 {
                out.write_all(b",")?;
            }
            let cell = cell(&value, column);
            out.write_all(escaped(&cell).as_bytes())?;
        }
        out.write_all(b"\r\n")?;
        Ok(true)
    }

    fn end(&mut self, _out: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }
}

/// What stands in a column.
fn cell(value: &Value, path: &str) -> String {
    let Some((name, rest)) = path.split_once('.') else {
        return value.get(path).map(text).unwrap_or_default();
    };
    match value.get(name) {
        Some(Value::Array(elements)) => {
            let texts: Vec<String> = elements.iter().map(|element| cell(element, rest)).collect();
            texts.join(";")
        }
        Some(inner) => cell(inner, rest),
        None => String::new(),
    }
}

/// A value as the text of a cell.
fn text(value: &Value) -> String {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => without_formulas(&printable(text)),
    }
}

/// A text in which no cell that somebody might make of it begins with what makes a formula.
fn without_formulas(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut is_start = true;
    for character in text.chars() {
        let is_sign = matches!(
            character,
            '=' | '+' | '-' | '@' | '\u{FF1D}' | '\u{FF0B}' | '\u{FF0D}' | '\u{FF20}'
        );
        if is_start && is_sign {
            safe.push('\'');
        }
        let is_before = matches!(character, ',' | '"' | '\'') || character.is_whitespace();
        is_start = character == ';' || is_start && is_before;
        safe.push(character);
    }
    safe
}

/// A cell as it stands in the line: in quotes if it would not be read as one cell without.
fn escaped(cell: &str) -> String {
    if cell.contains(['"', ',', ';', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, cell, escaped};
    use crate::schema;
    use serde_json::json;

    #[test]
    fn every_column_is_a_field_of_the_schema_once() {
        let fields = schema::every_field();
        for (number, column) in COLUMNS.iter().enumerate() {
            assert!(fields.iter().any(|(path, _)| path == column), "{column}");
            assert!(!COLUMNS[..number].contains(column), "{column} comes twice");
        }
    }

    #[test]
    fn quotes_commas_and_line_ends_are_escaped() {
        assert_eq!(escaped("plain text"), "plain text");
        assert_eq!(escaped("a,b"), "\"a,b\"");
        assert_eq!(escaped("20;99"), "\"20;99\"");
        assert_eq!(escaped("a\"b"), "\"a\"\"b\"");
        assert_eq!(escaped("a\r\nb"), "\"a\r\nb\"");
    }

    #[test]
    fn texts_that_would_be_formulas_are_none_and_numbers_stay() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\u{ff1d}1",
            "\u{ff0b}1",
            "\u{ff0d}1",
            "\u{ff20}A",
        ] {
            assert_eq!(cell(&json!({ "a": text }), "a"), format!("'{text}"));
        }
        for (text, safe) in [
            (" =1", " '=1"),
            ("\u{3000}\"=1", "\u{3000}\"'=1"),
            (",=1", ",'=1"),
            (";=1", ";'=1"),
            ("a; =1", "a; '=1"),
            ("a,-b;c", "a,-b;c"),
            ("\n=1", "\u{fffd}=1"),
            ("\t=1", "\u{fffd}=1"),
            ("a\u{9b}\u{202e}b", "a\u{fffd}\u{fffd}b"),
        ] {
            assert_eq!(cell(&json!({ "a": text }), "a"), safe);
        }
        assert_eq!(cell(&json!({ "a": -5 }), "a"), "-5");
        assert_eq!(cell(&json!({ "a": "b=c" }), "a"), "b=c");
    }

    #[test]
    fn lists_are_joined_and_what_is_not_there_is_empty() {
        let value =
            json!({ "rules": [{ "id": 20, "name": "x" }, { "id": 99 }], "no": null, "yes": true });
        assert_eq!(cell(&value, "rules.id"), "20;99");
        assert_eq!(cell(&value, "rules.name"), "x;");
        assert_eq!(cell(&value, "no"), "");
        assert_eq!(cell(&value, "no.inner"), "");
        assert_eq!(cell(&value, "gone.inner"), "");
        assert_eq!(cell(&value, "yes"), "true");
    }
}
