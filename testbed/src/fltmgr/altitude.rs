//! Altitudes: the decimal strings that order the instances on one volume.
//!
//! They are compared as numbers of unlimited precision, zeros in front and behind ignored
//! (`FltGetVolumeInstanceFromName`, remarks; "Load Order Groups and Altitudes for Minifilter
//! Drivers").

use std::cmp::Ordering;
use std::fmt;

/// A well-formed altitude, kept as written.
///
/// # Invariants
///
/// Digits with at most one point among them, and at least one digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Altitude(String);

impl Altitude {
    /// Checks the text; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let points = text.bytes().filter(|byte| *byte == b'.').count();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 || points > 1 || digits + points != text.len() {
            return Err(format!(
                "{text:?} is not an altitude: digits with at most one point"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whole part without zeros in front, fraction without zeros behind.
    fn parts(&self) -> (&str, &str) {
        let (whole, fraction) = self.0.split_once('.').unwrap_or((&self.0, ""));
        (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        )
    }

    /// Above (`Greater`), below or at the height of `other`.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let ((whole, fraction), (other_whole, other_fraction)) = (self.parts(), other.parts());
        whole
            .len()
            .cmp(&other_whole.len())
            .then_with(|| whole.cmp(other_whole))
            .then_with(|| fraction.cmp(other_fraction))
    }
}

impl fmt::Display for Altitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(left: &str, right: &str) -> Ordering {
        let parse = |text| Altitude::parse(text).expect("a well-formed altitude");
        parse(left).compare(&parse(right))
    }

    #[test]
    fn the_example_of_the_reference_page_holds() {
        assert_eq!(order("03333", "100.123456"), Ordering::Greater);
    }

    #[test]
    fn precision_is_unlimited_and_zeros_do_not_count() {
        assert_eq!(order("360000.10", "360000.1"), Ordering::Equal);
        assert_eq!(order("0360000", "360000.0"), Ordering::Equal);
        assert_eq!(
            order("1.00000000000000000000000000000000000000001", "1"),
            Ordering::Greater
        );
        assert_eq!(order("389999.9", "390000"), Ordering::Less);
        assert_eq!(order("1.19", "1.2"), Ordering::Less);
    }

    #[test]
    fn what_is_no_altitude_is_named() {
        for text in ["", ".", "1.2.3", "-1", "36x", "1 "] {
            let error = Altitude::parse(text).expect_err("not an altitude");
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
