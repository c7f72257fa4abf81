//! Security identifiers as text.

use core::fmt::Write as _;

/// A binary SID as `S-1-...` (MS-DTYP 2.4.2.1 and 2.4.2.2); `None` if the bytes are no SID.
#[must_use]
pub fn sid_text(sid: &[u8]) -> Option<String> {
    let (head, subs) = sid.split_first_chunk::<8>()?;
    let [revision, count, a, b, c, d, e, f] = *head;
    if subs.len() != usize::from(count) * 4 || count > 15 {
        return None;
    }
    let authority = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    // The authority is decimal below 2^32 and hexadecimal from there on.
    let mut text = if authority >> 32 == 0 {
        format!("S-{revision}-{authority}")
    } else {
        format!("S-{revision}-0x{authority:012X}")
    };
    for sub in subs.chunks_exact(4) {
        let sub = sub.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
        // A string takes all that is written to it.
        let _ = write!(text, "-{sub}");
    }
    Some(text)
}

/// The binary SID of a text as [`sid_text`] writes it, with 1 to 15 sub-authorities. The error is
/// the place, from 1, of the first character that is wrong.
pub(crate) fn sid_bytes(text: &str) -> Result<Vec<u8>, usize> {
    let mut numbers = Vec::new();
    let mut place = 1;
    for (index, group) in text.split('-').enumerate() {
        let number = match index {
            0 => group.eq_ignore_ascii_case("S").then_some(0),
            1 => number(group).filter(|revision| *revision == 1),
            2 => number(group).filter(|authority| authority >> 48 == 0),
            3..=17 => number(group).filter(|sub| u32::try_from(*sub).is_ok()),
            _ => None,
        };
        numbers.push(number.ok_or(place)?);
        place += group.chars().count() + 1;
    }
    let behind = place - 1;
    let [_, _, authority, subs @ ..] = &numbers[..] else {
        return Err(behind);
    };
    let count = u8::try_from(subs.len()).map_err(|_| behind)?;
    if count == 0 {
        return Err(behind);
    }
    let mut sid = vec![1, count];
    sid.extend(&authority.to_be_bytes()[2..]);
    let subs = subs.iter().filter_map(|sub| u32::try_from(*sub).ok());
    sid.extend(subs.flat_map(u32::to_le_bytes));
    Ok(sid)
}

/// A decimal number, or one in hexadecimal behind `0x`; without a sign.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, radix).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::{sid_bytes, sid_text};

    #[test]
    fn text_becomes_the_bytes_that_it_came_from() {
        for text in [
            "S-1-5-18",
            "S-1-5-32-544",
            "S-1-0x123456789ABC-4294967295",
            "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
        ] {
            let sid = sid_bytes(text).unwrap();
            assert_eq!(sid_text(&sid).as_deref(), Some(text));
        }
        assert_eq!(sid_bytes("s-1-5-18"), sid_bytes("S-1-5-18"));
    }

    #[test]
    fn a_text_that_is_no_sid_is_wrong_at_its_first_wrong_group() {
        for (text, place) in [
            ("", 1),
            ("Administrators", 1),
            ("S-2-5-18", 3),
            ("S-1", 4),
            ("S-1-5", 6),
            ("S-1-281474976710656-1", 5),
            ("S-1-5-4294967296", 7),
            ("S-1-5-18-", 10),
            ("S-1-5-+8", 7),
            ("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", 43),
        ] {
            assert_eq!(sid_bytes(text), Err(place), "{text}");
        }
    }

    #[test]
    fn well_known_sids() {
        let system = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        assert_eq!(sid_text(&system).as_deref(), Some("S-1-5-18"));
        let everyone = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(sid_text(&everyone).as_deref(), Some("S-1-1-0"));
        let administrators = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(sid_text(&administrators).as_deref(), Some("S-1-5-32-544"));
    }

    #[test]
    fn numbers_are_unsigned_and_large_authorities_hexadecimal() {
        let sid = [1, 1, 0xA, 0, 0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(
            sid_text(&sid).as_deref(),
            Some("S-1-0x0A0000000005-4294967295")
        );
        assert_eq!(
            sid_text(&[1, 0, 0, 0, 0, 0, 0, 5]).as_deref(),
            Some("S-1-5")
        );
    }

    #[test]
    fn other_lengths_are_no_sid() {
        assert_eq!(sid_text(&[]), None);
        assert_eq!(sid_text(&[1, 1, 0, 0, 0, 0, 0, 5]), None);
        assert_eq!(sid_text(&[1, 0, 0, 0, 0, 0, 0, 5, 0]), None);
        let mut large = vec![0; 8 + 16 * 4];
        large[1] = 16;
        assert_eq!(sid_text(&large), None);
    }
}
