//! How values are written in JSON and shown: names of open lists, hexadecimal numbers, GUIDs, ids.

use crate::NtStatus;
use core::fmt;
use serde::{Serialize, Serializer};
use wire::Ternary;

/// A number that means nothing but itself: `0x` and hexadecimal digits, as the Event Log writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex64(pub u64);

impl fmt::Display for Hex64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for Hex64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The name of a value, or a text with its number if this build has none for it.
pub(crate) fn label(name: Option<&str>, raw: u8) -> String {
    name.map_or_else(|| format!("unknown-{raw}"), str::to_owned)
}

/// The label of the value of an open list.
macro_rules! labelled {
    ($value:expr) => {{
        let value = $value;
        $crate::label::label(value.name(), value.raw())
    }};
}
pub(crate) use labelled;

/// A reason, if there is one.
pub(crate) fn reason(status: u32) -> Option<NtStatus> {
    (status != 0).then(|| NtStatus::new(status))
}

/// An id, if it is known.
pub(crate) fn known(id: u32) -> Option<u32> {
    (id != 0).then_some(id)
}

/// An answer that may be unknown.
pub(crate) const fn answer(answer: Ternary) -> Option<bool> {
    match answer {
        Ternary::Yes => Some(true),
        Ternary::No => Some(false),
        Ternary::Unasked | Ternary::Unknown(_) => None,
    }
}

/// Bytes in their order, two digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| {
        if value < 10 {
            b'0' + value
        } else {
            b'a' - 10 + value
        }
    };
    let mut digits = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.extend([digit(byte >> 4), digit(byte & 0xF)]);
    }
    // ASCII only, so it is a text.
    String::from_utf8(digits).unwrap_or_default()
}

/// A file id as the number that it is in memory, most significant digit first, as `fsutil` shows it.
pub(crate) fn file_id(mut id: [u8; wire::FILE_ID_SIZE]) -> String {
    id.reverse();
    hex(&id)
}

/// A GUID as the registry writes it, without braces: the first three fields are little-endian.
pub(crate) fn guid_text(guid: [u8; wire::GUID_SIZE]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
    let mut text = hex(&[d, c, b, a, f, e, h, g]) + &hex(&rest);
    for hyphen in [20, 16, 12, 8] {
        text.insert(hyphen, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Hex64, file_id, guid_text, label};

    #[test]
    fn a_guid_is_written_as_the_registry_writes_it() {
        let guid = core::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(guid_text(guid), "03020100-0504-0706-0809-0a0b0c0d0e0f");
    }

    #[test]
    fn an_id_of_a_file_is_a_number_of_32_digits() {
        let mut id = [0; 16];
        (id[0], id[15]) = (0x5A, 0x01);
        assert_eq!(file_id(id), "0100000000000000000000000000005a");
    }

    #[test]
    fn numbers_of_no_meaning_are_hexadecimal() {
        assert_eq!(Hex64(0x3E7).to_string(), "0x3e7");
        assert_eq!(Hex64(0).to_string(), "0x0");
        assert_eq!(label(None, 99), "unknown-99");
        assert_eq!(label(Some("x"), 1), "x");
    }
}
