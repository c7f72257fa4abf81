//! Points in time as Windows counts them and as people write them.

mod parse;

pub use parse::NoTime;

use core::fmt;
use serde::{Serialize, Serializer};
use std::time::{SystemTime, UNIX_EPOCH};

/// Units of 100 ns in a second.
const SECOND: u64 = 10_000_000;
/// 1970-01-01 as a FILETIME, by "Converting a time_t value to a FILETIME", Win32.
const FILETIME_OF_1970: u64 = 116_444_736_000_000_000;

/// A FILETIME: 100 ns since 1601-01-01 UTC. Shown, and written to JSON, as RFC 3339 with all seven
/// digits, so nothing of it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// A point in time from its count.
    #[must_use]
    pub const fn from_filetime(count: u64) -> Self {
        Self(count)
    }

    /// The time of this machine's clock; 1970 if it stands before that.
    #[must_use]
    pub fn now() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let ticks = since_1970.map_or(0, |since| since.as_nanos() / 100);
        Self(FILETIME_OF_1970.saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX)))
    }

    /// The count.
    #[must_use]
    pub const fn filetime(self) -> u64 {
        self.0
    }

    /// The time of day in UTC with milliseconds: `23:59:59.999`.
    #[must_use]
    pub fn time_of_day(self) -> String {
        let (hour, minute, second) = self.clock();
        format!(
            "{hour:02}:{minute:02}:{second:02}.{:03}",
            self.0 % SECOND / 10_000
        )
    }

    /// The date in UTC: `2026-11-26`.
    #[must_use]
    pub fn date_text(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Hour, minute and second.
    const fn clock(self) -> (u64, u64, u64) {
        let second = self.0 / SECOND;
        (second / 3600 % 24, second / 60 % 60, second % 60)
    }

    /// Year, month and day in the Gregorian calendar, whose cycle of 400 years begins in 1601.
    fn date(self) -> (u64, usize, u64) {
        let days = self.0 / SECOND / 86400;
        let (cycles, days) = (days / 146_097, days % 146_097);
        // The last century of a cycle and the last year of four have a day more than the others.
        let centuries = (days / 36_524).min(3);
        let days = days - centuries * 36_524;
        let (fours, days) = (days / 1461, days % 1461);
        let years = (days / 365).min(3);
        let mut day = days - years * 365;
        let is_leap = years == 3 && (fours != 24 || centuries == 3);
        let lengths = [
            31,
            28 + u64::from(is_leap),
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ];
        let mut month = 0;
        for length in lengths {
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        (
            1601 + cycles * 400 + centuries * 100 + fours * 4 + years,
            month + 1,
            day + 1,
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.clock();
        let fraction = self.0 % SECOND;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}Z"
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{FILETIME_OF_1970, Timestamp};

    /// The text of so many seconds after 1970.
    fn unix(seconds: u64) -> String {
        Timestamp::from_filetime(FILETIME_OF_1970 + seconds * 10_000_000).to_string()
    }

    #[test]
    fn known_points_in_time() {
        assert_eq!(
            Timestamp::from_filetime(0).to_string(),
            "1601-01-01T00:00:00.0000000Z"
        );
        assert_eq!(unix(0), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(unix(951_782_400), "2000-02-29T00:00:00.0000000Z");
        assert_eq!(unix(978_307_199), "2000-12-31T23:59:59.0000000Z");
        assert_eq!(unix(1_709_251_199), "2024-02-29T23:59:59.0000000Z");
        assert_eq!(unix(1_795_392_000), "2026-11-23T00:00:00.0000000Z");
        assert_eq!(unix(4_107_542_399), "2100-02-28T23:59:59.0000000Z");
        assert_eq!(unix(4_107_542_400), "2100-03-01T00:00:00.0000000Z");
        assert_eq!(unix(253_402_300_799), "9999-12-31T23:59:59.0000000Z");
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let mut previous = (1600, 12, 31);
        for day in 0..800 * 366 {
            let (year, month, date) = Timestamp::from_filetime(day * 864_000_000_000).date();
            let next_day = (previous.0, previous.1, previous.2 + 1);
            let next_month = (previous.0, previous.1 + 1, 1);
            let next_year = (previous.0 + 1, 1, 1);
            let found = (year, month, date);
            assert!(
                [next_day, next_month, next_year].contains(&found),
                "{previous:?} {found:?}"
            );
            assert!(date <= 31 && month <= 12, "{found:?}");
            previous = found;
        }
    }

    #[test]
    fn all_seven_digits_are_kept() {
        let point = Timestamp::from_filetime(FILETIME_OF_1970 + 1);
        assert_eq!(point.to_string(), "1970-01-01T00:00:00.0000001Z");
        let point = Timestamp::from_filetime(FILETIME_OF_1970 + 9_999_999);
        assert_eq!(point.to_string(), "1970-01-01T00:00:00.9999999Z");
        assert_eq!(point.time_of_day(), "00:00:00.999");
        assert!(
            Timestamp::from_filetime(u64::MAX)
                .to_string()
                .ends_with("Z")
        );
    }
}
