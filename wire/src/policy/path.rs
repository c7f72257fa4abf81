//! What a text of a policy may look like, and the one rule by which letter case is ignored.
//!
//! The compiler and the blob's check call the same functions, so what one accepts the other does.

use super::PolicyFault;

/// The separator of names on Windows.
pub const SEPARATOR: u16 = 0x5C;
/// `*`: alone any run of units without a separator, twice in a row any run.
pub const STAR: u16 = 0x2A;
/// `?`: one unit that is no separator.
pub const QUESTION: u16 = 0x3F;

/// The longest text of a policy in 16-bit units. It bounds the work of a match.
pub const TEXT_UNITS_MAX: usize = 1024;

/// What every device name begins with.
const DEVICE_PREFIX: &[u8] = b"\\DEVICE\\";

/// A unit in upper case: the character's own upper case if that is one character of the basic
/// plane, else the unit as it is. A character outside ASCII never becomes one of ASCII, because
/// file systems tell `ı` from `I` and a rule about one must not be met by the other.
#[must_use]
pub fn upcase(unit: u16) -> u16 {
    if let Ok(byte) = u8::try_from(unit)
        && byte.is_ascii()
    {
        return u16::from(byte.to_ascii_uppercase());
    }
    let Some(character) = char::from_u32(u32::from(unit)) else {
        return unit;
    };
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) if !single.is_ascii() => {
            u16::try_from(u32::from(single)).unwrap_or(unit)
        }
        (Some(_), _) | (None, _) => unit,
    }
}

/// Checks the part of a pattern behind the volume.
///
/// # Errors
///
/// The place of the first wrong unit and what is wrong with it.
pub fn check_path(units: impl Iterator<Item = u16> + Clone) -> Result<(), (usize, PolicyFault)> {
    check_text(units.clone())?;
    let mut stars = 0_u8;
    let mut before = None;
    // Counted by hand, here and below: `enumerate` and `count` would leave a call to panic
    // in the driver.
    let mut place = 0_usize;
    for unit in units {
        if before.is_none() && unit != SEPARATOR {
            return Err((place, PolicyFault::PathStart));
        }
        if !may_stand_in_path(unit) {
            return Err((place, PolicyFault::Character));
        }
        if upcase(unit) != unit {
            return Err((place, PolicyFault::Case));
        }
        if unit == SEPARATOR && before == Some(SEPARATOR) {
            return Err((place, PolicyFault::Separator));
        }
        stars = if unit == STAR {
            stars.saturating_add(1)
        } else {
            0
        };
        if stars > 2 {
            return Err((place, PolicyFault::Stars));
        }
        before = Some(unit);
        place = place.saturating_add(1);
    }
    if before == Some(SEPARATOR) {
        return Err((place.saturating_sub(1), PolicyFault::Separator));
    }
    Ok(())
}

/// Checks the name of a device: `\DEVICE\` and one name, in upper case.
///
/// # Errors
///
/// The place of the first wrong unit and what is wrong with it.
pub fn check_device(units: impl Iterator<Item = u16> + Clone) -> Result<(), (usize, PolicyFault)> {
    check_text(units.clone())?;
    let mut prefix = DEVICE_PREFIX.iter();
    let mut place = 0_usize;
    for unit in units {
        match prefix.next() {
            Some(expected) if unit == u16::from(*expected) => {}
            Some(_) => return Err((place, PolicyFault::Device)),
            None if unit == SEPARATOR => return Err((place, PolicyFault::Device)),
            None if !may_stand_in_path(unit) || unit == STAR || unit == QUESTION => {
                return Err((place, PolicyFault::Character));
            }
            None if upcase(unit) != unit => return Err((place, PolicyFault::Case)),
            None => {}
        }
        place = place.saturating_add(1);
    }
    if place <= DEVICE_PREFIX.len() {
        return Err((place.saturating_sub(1), PolicyFault::Device));
    }
    Ok(())
}

/// Checks the name of a rule: text for people, without control characters.
///
/// # Errors
///
/// The place of the first wrong unit and what is wrong with it.
pub fn check_rule_name(
    units: impl Iterator<Item = u16> + Clone,
) -> Result<(), (usize, PolicyFault)> {
    check_text(units.clone())?;
    let mut place = 0_usize;
    for unit in units {
        if char::from_u32(u32::from(unit)).is_some_and(char::is_control) {
            return Err((place, PolicyFault::Character));
        }
        place = place.saturating_add(1);
    }
    Ok(())
}

/// What holds for every text: a length within bounds, well-formed UTF-16.
fn check_text(units: impl Iterator<Item = u16> + Clone) -> Result<(), (usize, PolicyFault)> {
    let one_more = |count: usize, _| count.saturating_add(1);
    let length = units.clone().fold(0, one_more);
    if length == 0 || length > TEXT_UNITS_MAX {
        return Err((length.min(TEXT_UNITS_MAX), PolicyFault::TextLength));
    }
    let mut place = 0_usize;
    for character in char::decode_utf16(units) {
        let character = character.map_err(|_| (place, PolicyFault::Encoding))?;
        place = place.saturating_add(character.len_utf16());
    }
    Ok(())
}

/// Whether a unit can occur in a name or is a wildcard. The characters left out are those that
/// "Naming Files, Paths, and Namespaces" (Win32) reserves, but for the ones with a meaning here;
/// the colon stands before the name of a stream.
fn may_stand_in_path(unit: u16) -> bool {
    let reserved = b"\"/<>|".iter().any(|byte| u16::from(*byte) == unit);
    unit >= 0x20 && !reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_is_a_fixed_point_of_itself() {
        for unit in (0..=u16::MAX).step_by(if cfg!(miri) { 61 } else { 1 }) {
            assert_eq!(upcase(upcase(unit)), upcase(unit), "{unit:#06x}");
            assert!(
                unit < 0x80 || upcase(unit) >= 0x80,
                "{unit:#06x} becomes ASCII"
            );
        }
    }

    #[test]
    fn letters_of_any_script_fold_one_to_one() {
        for (lower, upper) in [('a', 'A'), ('é', 'É'), ('я', 'Я'), ('ς', 'Σ'), ('ÿ', 'Ÿ')] {
            let of = |c: char| u16::try_from(u32::from(c)).unwrap();
            assert_eq!(upcase(of(lower)), of(upper), "{lower}");
        }
    }

    #[test]
    fn what_has_no_single_upper_case_stays() {
        // Two characters, a character of ASCII, half of a pair, no letter.
        for unit in [0xDF, 0x149, 0x131, 0x17F, 0xD801, 0xDC28, 0x5C, 0x2A] {
            assert_eq!(upcase(unit), unit, "{unit:#06x}");
        }
    }

    /// What a check says about a text.
    fn path(text: &str) -> Result<(), (usize, PolicyFault)> {
        let mut units = [0; 40];
        let count = text
            .encode_utf16()
            .zip(&mut units)
            .map(|(unit, place)| *place = unit);
        let count = count.count();
        check_path(units[..count].iter().copied())
    }

    #[test]
    fn paths_that_are_well_formed() {
        for text in [
            r"\A",
            r"\**",
            r"\A\*\B?.TXT",
            r"\A**B",
            r"\A:S",
            r"\**\*.VHDX*",
        ] {
            assert_eq!(path(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn paths_that_are_not() {
        for (text, place, fault) in [
            ("", 0, PolicyFault::TextLength),
            ("A", 0, PolicyFault::PathStart),
            (r"\A\\B", 3, PolicyFault::Separator),
            (r"\A\", 2, PolicyFault::Separator),
            (r"\", 0, PolicyFault::Separator),
            (r"\A***", 4, PolicyFault::Stars),
            (r"\Ab", 2, PolicyFault::Case),
            (r"\A/B", 2, PolicyFault::Character),
            ("\\A\nB", 2, PolicyFault::Character),
        ] {
            assert_eq!(path(text), Err((place, fault)), "{text}");
        }
        let pair = [SEPARATOR, 0xD801, 0x41];
        let error = check_path(pair.iter().copied());
        assert_eq!(error, Err((1, PolicyFault::Encoding)));
        let long = core::iter::once(SEPARATOR).chain(core::iter::repeat_n(0x41, 1023));
        assert_eq!(check_path(long), Ok(()));
        let longer = core::iter::once(SEPARATOR).chain(core::iter::repeat_n(0x41, 1024));
        assert_eq!(check_path(longer), Err((1024, PolicyFault::TextLength)));
    }
}
