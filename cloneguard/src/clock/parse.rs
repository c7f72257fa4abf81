//! Points in time as people and other programs write them: RFC 3339, or the day alone.

use super::{SECOND, Timestamp};
use core::fmt;
use core::str::FromStr;

/// A text that is no point in time which a FILETIME can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTime;

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no time: write 2026-11-24, 2026-11-24T09:30:00Z or 2026-11-24T10:30:00.5+01:00",
        )
    }
}

impl core::error::Error for NoTime {}

impl FromStr for Timestamp {
    type Err = NoTime;

    /// Reads what RFC 3339 allows, but for leap seconds; the zone may be left out and is UTC then. A day
    /// alone is its first instant.
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let mut rest = Rest(text);
        let days = rest.days().ok_or(NoTime)?;
        let seconds = days.checked_mul(86400).ok_or(NoTime)?;
        if rest.0.is_empty() {
            return filetime(seconds, 0).ok_or(NoTime);
        }
        rest.one_of(&['T', 't', ' ']).ok_or(NoTime)?;
        let (second, fraction) = rest.clock().ok_or(NoTime)?;
        let offset = rest.zone().ok_or(NoTime)?;
        if !rest.0.is_empty() {
            return Err(NoTime);
        }
        filetime(seconds + second - offset, fraction).ok_or(NoTime)
    }
}

/// The time of so many seconds since 1601 and a fraction in 100 ns.
fn filetime(seconds: i64, fraction: u64) -> Option<Timestamp> {
    let whole = u64::try_from(seconds).ok()?.checked_mul(SECOND)?;
    whole.checked_add(fraction).map(Timestamp)
}

/// What has not been read yet.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    /// Takes exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        digits.parse().ok()
    }

    /// Takes a number of two digits below `limit`.
    fn below(&mut self, limit: i64) -> Option<i64> {
        self.digits(2).filter(|number| *number < limit)
    }

    /// Takes one of some characters.
    fn one_of(&mut self, wanted: &[char]) -> Option<char> {
        let first = self.0.chars().next()?;
        self.0 = self.0.strip_prefix(wanted)?;
        Some(first)
    }

    /// Takes a date: the days since 1601.
    fn days(&mut self) -> Option<i64> {
        let year = self.digits(4)?;
        self.one_of(&['-'])?;
        let month = self.digits(2)?;
        self.one_of(&['-'])?;
        let day = self.digits(2)?;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = 28 + i64::from(is_leap);
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let before = usize::try_from(month.checked_sub(1)?).ok()?;
        let length = lengths.get(before)?;
        if year < 1601 || day < 1 || day > *length {
            return None;
        }
        let years = year - 1601;
        let leap_days = years / 4 - years / 100 + years / 400;
        let of_months: i64 = lengths.iter().take(before).sum();
        Some(years * 365 + leap_days + of_months + day - 1)
    }

    /// Takes a time of day: seconds, and the rest in 100 ns. Digits beyond the seventh are dropped.
    fn clock(&mut self) -> Option<(i64, u64)> {
        let hour = self.below(24)?;
        self.one_of(&[':'])?;
        let minute = self.below(60)?;
        self.one_of(&[':'])?;
        let second = self.below(60)?;
        let whole = hour * 3600 + minute * 60 + second;
        if self.one_of(&['.']).is_none() {
            return Some((whole, 0));
        }
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        let seven: String = digits.chars().chain("0000000".chars()).take(7).collect();
        self.0 = rest;
        (count > 0).then_some((whole, seven.parse().ok()?))
    }

    /// Takes a zone: the seconds that it is ahead of UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.0.is_empty() {
            return Some(0);
        }
        let sign = match self.one_of(&['Z', 'z', '+', '-'])? {
            '+' => 1,
            '-' => -1,
            _ => return Some(0),
        };
        let hours = self.below(24)?;
        self.one_of(&[':'])?;
        Some(sign * (hours * 3600 + self.below(60)? * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    fn parsed(text: &str) -> Option<String> {
        let time: Timestamp = text.parse().ok()?;
        Some(time.to_string())
    }

    #[test]
    fn what_rfc_3339_allows_is_read() {
        for (text, expected) in [
            ("1601-01-01", "1601-01-01T00:00:00.0000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.0000000Z"),
            ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00.0000000Z"),
            ("2026-11-24t09:30:00z", "2026-11-24T09:30:00.0000000Z"),
            ("2026-11-24 09:30:00", "2026-11-24T09:30:00.0000000Z"),
            ("2026-11-24T09:30:00.5", "2026-11-24T09:30:00.5000000Z"),
            (
                "2026-11-24T09:30:00.123456789Z",
                "2026-11-24T09:30:00.1234567Z",
            ),
            ("2026-11-24T00:30:00+01:00", "2026-11-23T23:30:00.0000000Z"),
            ("2026-12-31T23:30:00-00:45", "2027-01-01T00:15:00.0000000Z"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-1-1",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2026-11-31",
            "2026-11-00",
            "1600-12-31",
            "2026-11-24T",
            "2026-11-24T09:30",
            "2026-11-24T24:00:00",
            "2026-11-24T09:60:00",
            "2026-11-24T09:30:60",
            "2026-11-24T09:30:00.",
            "2026-11-24T09:30:00.Z",
            "2026-11-24T09:30:00+1",
            "2026-11-24T09:30:00Zx",
            "2026-11-24x",
            "1601-01-01T00:00:00+00:01",
            "é026-11-24",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        // A day and an odd fraction apart, over several cycles of 400 years.
        let counts = (0..600_000_u64).map(|day| day * 864_000_000_000 + day * 7 % 10_000_000);
        for count in counts {
            let time = Timestamp::from_filetime(count);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
