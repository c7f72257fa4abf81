//! `Rtl*UnicodeString`.

use crate::boundary::import::Call;
use crate::verifier::{Rule, Violation};

/// Longest string that a UNICODE_STRING can hold, terminator included, in bytes.
const MAXIMUM: u16 = 0xFFFE;

/// "RtlInitUnicodeString function (wdm.h)", Microsoft Learn.
pub(crate) fn rtl_init_unicode_string(
    call: &Call,
    target: u64,
    source: u64,
) -> Result<(), Violation> {
    let guest = call.guest();
    guest.check_aligned(target, 8, "DestinationString")?;
    let (mut length, mut maximum) = (0_u16, 0_u16);
    if source != 0 {
        guest.check_aligned(source, 2, "SourceString")?;
        while guest.read_u16(source + u64::from(length), "SourceString")? != 0 {
            length += 2;
            if length >= MAXIMUM {
                return Err(call.violation(Rule::String, "SourceString has no end"));
            }
        }
        maximum = length + 2;
    }
    guest.write_u16(target, length, "DestinationString")?;
    guest.write_u16(target + 2, maximum, "DestinationString")?;
    guest.write_u64(target + 8, source, "DestinationString")
}

/// "RtlCompareUnicodeString function (wdm.h)", Microsoft Learn. Case is ignored by simple upper-casing,
/// for ASCII only: other letters would need the system's table, which is not modelled.
pub(crate) fn rtl_compare_unicode_string(
    call: &Call,
    left: u64,
    right: u64,
    ignore_case: bool,
) -> Result<i32, Violation> {
    let guest = call.guest();
    let mut left = guest.read_unicode_string(left, "String1")?;
    let mut right = guest.read_unicode_string(right, "String2")?;
    if ignore_case {
        for unit in left.iter_mut().chain(right.iter_mut()) {
            *unit = upper(call, *unit)?;
        }
    }
    let common = left.iter().zip(&right).find(|(a, b)| a != b);
    Ok(match common {
        Some((a, b)) => i32::from(*a) - i32::from(*b),
        None => i32::try_from(left.len()).unwrap_or(0) - i32::try_from(right.len()).unwrap_or(0),
    })
}

fn upper(call: &Call, unit: u16) -> Result<u16, Violation> {
    match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => Ok(byte.to_ascii_uppercase().into()),
        _ => Err(call.violation(Rule::NotModelled, "case of a letter outside ASCII")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_call::{block, broken, in_system};
    use super::*;

    /// A UNICODE_STRING for `text`, initialised by the routine.
    fn string(call: &Call, text: &str) -> u64 {
        let units: Vec<u8> = text
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        let (characters, target) = (block(call, units.len() as u64), block(call, 16));
        call.guest()
            .write_bytes(characters, &units, "characters")
            .expect("written");
        rtl_init_unicode_string(call, target, characters).expect("initialised");
        target
    }

    #[test]
    fn a_string_is_measured_without_its_end() {
        in_system(|call| {
            let target = string(call, "abc");
            assert_eq!(call.guest().read_u32(target, "lengths"), Ok(0x0008_0006));
            rtl_init_unicode_string(call, target, 0).expect("NULL is allowed");
            assert_eq!(call.guest().read_u32(target, "lengths"), Ok(0));
        });
    }

    #[test]
    fn strings_compare_by_letters_then_by_length() {
        in_system(|call| {
            let [small, capital, long, other] =
                ["abc", "ABC", "abcd", "\u{e9}"].map(|t| string(call, t));
            let sign =
                |a, b, ignore| rtl_compare_unicode_string(call, a, b, ignore).map(i32::signum);
            assert_eq!(sign(small, small, false), Ok(0));
            assert_eq!(sign(small, capital, false), Ok(1));
            assert_eq!(sign(small, capital, true), Ok(0));
            assert_eq!(sign(small, long, true), Ok(-1));
            assert_eq!(
                broken(rtl_compare_unicode_string(call, other, small, true)),
                Rule::NotModelled
            );
        });
    }

    #[test]
    fn an_odd_length_is_a_violation() {
        in_system(|call| {
            let target = string(call, "abc");
            call.guest()
                .write_u16(target, 5, "Length")
                .expect("written");
            assert_eq!(
                broken(rtl_compare_unicode_string(call, target, target, false)),
                Rule::String
            );
        });
    }
}
