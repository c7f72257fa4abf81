//! The date and version of a package, and the INF file with them: what StampInf does.
//!
//! <https://learn.microsoft.com/windows-hardware/drivers/devtest/stampinf-command-options>

use std::fmt;
use std::str::FromStr;

use der::DateTime;
use der::asn1::UtcTime;

use crate::digits;

/// What stands for the architecture in an INX file.
const ARCHITECTURE: &str = "$ARCH$";
/// The directive that StampInf writes.
const DIRECTIVE: &str = "DriverVer";

/// Why a text is no date, no version, or no place for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampError(String);

impl fmt::Display for StampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StampError {}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day of a time in a catalogue, if it is its first moment.
    pub(crate) fn of(time: UtcTime) -> Option<Self> {
        let time = time.to_date_time();
        let date = Self {
            year: time.year(),
            month: time.month(),
            day: time.day(),
        };
        (date.time() == Ok(time)).then_some(date)
    }

    /// The first moment of the day.
    pub(crate) fn midnight(self) -> der::Result<UtcTime> {
        UtcTime::from_date_time(self.time()?)
    }

    fn time(self) -> der::Result<DateTime> {
        DateTime::new(self.year, self.month, self.day, 0, 0, 0)
    }
}

impl FromStr for Date {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        let date = date(text).filter(|date| date.time().is_ok());
        date.ok_or_else(|| StampError(format!("\"{text}\" is no date of the form month/day/year")))
    }
}

/// Reads `11/26/2026`. Whether there is such a day is for others to say.
fn date(text: &str) -> Option<Date> {
    let parts: Vec<_> = text.split('/').collect();
    let [month, day, year] = parts.as_slice() else {
        return None;
    };
    let has_digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    if !(has_digits(month, 2) && has_digits(day, 2) && has_digits(year, 4)) {
        return None;
    }
    Some(Date {
        year: year.parse().ok()?,
        month: month.parse().ok()?,
        day: day.parse().ok()?,
    })
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}/{:02}/{:04}", self.month, self.day, self.year)
    }
}

/// Four numbers of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version([u16; 4]);

impl FromStr for Version {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        let parts: Option<Vec<_>> = text.split('.').map(digits).collect();
        let numbers = parts.and_then(|parts| parts.try_into().ok());
        let wrong = || format!("\"{text}\" is no version of four numbers below 65536");
        numbers.map(Self).ok_or_else(|| StampError(wrong()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

/// What `DriverVer` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The day of the package.
    pub date: Date,
    /// The version of the driver.
    pub version: Version,
}

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        let wrong = || StampError("a date and a version, with a comma in between".to_owned());
        let (date, version) = text.split_once(',').ok_or_else(wrong)?;
        Ok(Self {
            date: date.trim().parse()?,
            version: version.trim().parse()?,
        })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.date, self.version)
    }
}

/// The INF file of an INX file, for what decorations call an architecture. Lines end as Windows ends them.
pub fn inf(inx: &str, architecture: &str, stamp: Stamp) -> Result<String, StampError> {
    let is_directive = |line: &str| {
        let key = line.split('=').next().unwrap_or_default();
        line.contains('=') && key.trim().eq_ignore_ascii_case(DIRECTIVE)
    };
    let count = inx.lines().filter(|line| is_directive(line)).count();
    if count != 1 {
        let what = format!("{count} lines say {DIRECTIVE}, instead of one");
        return Err(StampError(what));
    }
    let mut inf = String::new();
    for line in inx.lines() {
        if is_directive(line) {
            let key = line.split_inclusive('=').next().unwrap_or_default();
            inf.push_str(&format!("{key} {stamp}"));
        } else {
            inf.push_str(&line.replace(ARCHITECTURE, architecture));
        }
        inf.push_str("\r\n");
    }
    Ok(inf)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "11/26/2026,0.1.0.0";

    #[test]
    fn a_stamp_is_a_date_and_four_numbers() {
        assert_eq!(STAMP.parse::<Stamp>().unwrap().to_string(), STAMP);
        for wrong in [
            "",
            "11/26/2026",
            "2026/11/26,0.1.0.0",
            "1/26/2026,0.1.0.0",
            "02/30/2026,0.1.0.0",
            "13/01/2026,0.1.0.0",
            "11/26/2026,0.1.0",
            "11/26/2026,0.1.0.65536",
            "11/26/2026,0.1.0.0.0",
            "11/26/2026,0.1.-1.0",
            "11/26/2026,0.1.+1.0",
        ] {
            assert!(wrong.parse::<Stamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn stamping_changes_the_directive_and_the_decorations_and_nothing_else() {
        let inx = "; DriverVer and $ARCH$\n[Version]\nDriverVer   =\n[DefaultInstall.NT$ARCH$]\n";
        let inf = inf(inx, "arm64", STAMP.parse().unwrap()).unwrap();
        assert_eq!(
            inf,
            "; DriverVer and arm64\r\n[Version]\r\nDriverVer   = 11/26/2026,0.1.0.0\r\n\
             [DefaultInstall.NTarm64]\r\n"
        );
    }

    #[test]
    fn an_inx_file_has_one_place_for_the_stamp() {
        for inx in ["[Version]\n", "DriverVer=\nDriverVer =\n"] {
            assert!(inf(inx, "amd64", STAMP.parse().unwrap()).is_err());
        }
    }

    #[test]
    fn dates_survive_the_catalogue() {
        let date: Date = "02/29/2028".parse().unwrap();
        assert_eq!(Date::of(date.midnight().unwrap()).unwrap(), date);
    }
}
