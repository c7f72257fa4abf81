//! Values in a filter, and how the values of a record stand to them.

use super::Comparison;
use super::glob::{is_like, is_same_text};
use crate::Timestamp;
use core::cmp::Ordering;

/// A value of a record, as its JSON has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar<'v> {
    Null,
    Flag(bool),
    Number(i128),
    Text(&'v str),
}

/// A value in a filter, in every reading that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// As it was written.
    pub(super) text: String,
    /// Read as a number, if it is one.
    pub(super) number: Option<i128>,
    /// Read as a point in time, in the one way in which the JSON writes it.
    pub(super) time: Option<String>,
}

/// Units behind a number: of bytes, and of time in 100 ns.
const UNITS: &[(&str, i128)] = &[
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("T", 1 << 40),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("us", 10),
    ("ms", 10_000),
    ("s", 10_000_000),
];

impl Literal {
    /// A value without quotes.
    pub(super) fn bare(text: &str) -> Self {
        Self {
            number: number(text),
            time: time(text),
            text: text.to_owned(),
        }
    }

    /// A value in quotes: no number, even if it looks like one.
    pub(super) fn quoted(text: &str) -> Self {
        Self {
            number: None,
            time: time(text),
            text: text.to_owned(),
        }
    }

    /// Whether a value of a record stands so to this one. What cannot be compared does not.
    pub(super) fn compare(&self, scalar: Scalar<'_>, comparison: Comparison) -> bool {
        let order = || self.order(scalar);
        match comparison {
            Comparison::Equal => self.is_equal(scalar),
            Comparison::NotEqual => !self.is_equal(scalar),
            Comparison::Less => order().is_some_and(Ordering::is_lt),
            Comparison::LessOrEqual => order().is_some_and(Ordering::is_le),
            Comparison::Greater => order().is_some_and(Ordering::is_gt),
            Comparison::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
            Comparison::Like => matches!(scalar, Scalar::Text(text) if is_like(text, &self.text)),
            Comparison::NotLike => !self.compare(scalar, Comparison::Like),
        }
    }

    fn is_equal(&self, scalar: Scalar<'_>) -> bool {
        match scalar {
            Scalar::Null => false,
            Scalar::Flag(flag) => self.text == if flag { "true" } else { "false" },
            Scalar::Number(_) => self.order(scalar) == Some(Ordering::Equal),
            Scalar::Text(text) => {
                let short = text.strip_prefix("STATUS_");
                is_same_text(text, &self.text)
                    || short.is_some_and(|short| is_same_text(short, &self.text))
                    || self.order(scalar) == Some(Ordering::Equal)
            }
        }
    }

    /// How a number or a point in time of a record stands to this one.
    fn order(&self, scalar: Scalar<'_>) -> Option<Ordering> {
        match scalar {
            Scalar::Null | Scalar::Flag(_) => None,
            Scalar::Number(number) => self.number.map(|other| number.cmp(&other)),
            Scalar::Text(text) => match (&self.time, self.number) {
                // All are written in UTC with seven digits, so their texts have the order of time.
                (Some(time), _) if text.len() == time.len() => Some(text.cmp(time)),
                (_, Some(other)) => hexadecimal(text).map(|number| number.cmp(&other)),
                (_, None) => None,
            },
        }
    }
}

/// The number that a text is: decimal, hexadecimal with `0x`, or decimal with a unit.
fn number(text: &str) -> Option<i128> {
    if let Some(number) = hexadecimal(text) {
        return Some(number);
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '-')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let number = digits.parse::<i64>().map(i128::from);
    let number = number.or_else(|_| digits.parse::<u64>().map(i128::from));
    let number = number.ok()?;
    if unit.is_empty() {
        return Some(number);
    }
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(number * factor)
}

/// The number that a text with `0x` is.
fn hexadecimal(text: &str) -> Option<i128> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(digits, 16).ok()?;
    is_plain.then_some(i128::from(number))
}

/// A point in time as the JSON writes it.
fn time(text: &str) -> Option<String> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_bases_and_units() {
        for (text, expected) in [
            ("0", 0),
            ("-1", -1),
            ("18446744073709551615", i128::from(u64::MAX)),
            ("0xC0000022", 0xC000_0022),
            ("0Xff", 255),
            ("1K", 1024),
            ("2MiB", 2 << 20),
            ("3T", 3 << 40),
            ("5us", 50),
            ("10ms", 100_000),
            ("1s", 10_000_000),
            ("18446744073709551615T", i128::from(u64::MAX) << 40),
        ] {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "-",
            "x",
            "1k",
            "1 K",
            "0x",
            "0x+1",
            "1-2",
            "18446744073709551616",
            "MiB",
            "é",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
