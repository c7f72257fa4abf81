//! What file is asked for.

use super::clone::FileKey;
use crate::filter::is_like;
use core::fmt;
use core::str::FromStr;

/// A file, by its id or by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// 32 hexadecimal digits, in lower case.
    Id(String),
    /// A name as records have it; `*` and `?` stand for others.
    Name {
        /// GUID of the volume, if the name said it.
        volume: Option<String>,
        /// Whether the pattern begins at the root of a volume and not with a device.
        is_from_root: bool,
        /// The pattern.
        pattern: String,
    },
}

/// A text that names no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoQuery;

impl fmt::Display for NoQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "names no file: write a path from the root of its volume (C:\\a\\b), a device path, \
             or the 32 digits of a file id",
        )
    }
}

impl core::error::Error for NoQuery {}

impl FromStr for Query {
    type Err = NoQuery;

    fn from_str(text: &str) -> Result<Self, NoQuery> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Id(text.to_ascii_lowercase()));
        }
        let text = text.replace('/', "\\");
        let (volume, is_from_root, pattern) = if let Some(rest) = text.strip_prefix(VOLUME) {
            let (guid, path) = rest.split_once('}').ok_or(NoQuery)?;
            (Some(guid.to_ascii_lowercase()), true, path)
        } else if let Some(path) = without_drive(&text) {
            (None, true, path)
        } else {
            (None, false, text.as_str())
        };
        let is_path = pattern.starts_with(['\\', '*']);
        let pattern = pattern.to_owned();
        let name = Self::Name {
            volume,
            is_from_root,
            pattern,
        };
        is_path.then_some(name).ok_or(NoQuery)
    }
}

/// What the name of a volume begins with.
const VOLUME: &str = "\\\\?\\Volume{";

/// A path without its drive. What letter a volume had is not in the records.
fn without_drive(path: &str) -> Option<&str> {
    let (drive, path) = path.split_once(':')?;
    let is_drive = drive.len() == 1 && drive.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_drive.then_some(path)
}

/// A name without the device that it begins with.
fn without_device(name: &str) -> &str {
    let rest = name.strip_prefix("\\Device\\");
    let end = rest.and_then(|rest| rest.find('\\').map(|end| rest.split_at(end).1));
    end.unwrap_or(name)
}

impl Query {
    /// Whether a file with this name is asked for.
    pub(super) fn means(&self, key: &FileKey, name: Option<&str>) -> bool {
        match self {
            Self::Id(id) => key.id == *id,
            Self::Name {
                volume,
                is_from_root,
                pattern,
            } => {
                let is_there = volume.as_ref().is_none_or(|volume| *volume == key.volume);
                let part = |name| {
                    if *is_from_root {
                        without_device(name)
                    } else {
                        name
                    }
                };
                is_there && name.is_some_and(|name| is_like(part(name), pattern))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FileKey, NoQuery, Query};

    #[test]
    fn a_file_is_named_in_several_ways() {
        let key = FileKey {
            volume: "11111111-2222-3333-4444-555555555555".to_owned(),
            id: "0000000000000000000000000000abcd".to_owned(),
            stream: String::new(),
        };
        let name = Some(r"\Device\HarddiskVolume4\a\größe.txt");
        for text in [
            r"\device\harddiskvolume4\A\GRÖßE.TXT",
            r"C:\a\größe.txt",
            "c:/a/größe.txt",
            r"\\?\Volume{11111111-2222-3333-4444-555555555555}\a\größe.txt",
            r"*\größe.*",
            "0000000000000000000000000000ABCD",
        ] {
            assert!(text.parse::<Query>().unwrap().means(&key, name), "{text}");
        }
        for text in [
            r"C:\größe.txt",
            r"\\?\Volume{21111111-2222-3333-4444-555555555555}\a\größe.txt",
            "0000000000000000000000000000abce",
            r"\Device\HarddiskVolume4\a",
        ] {
            assert!(!text.parse::<Query>().unwrap().means(&key, name), "{text}");
        }
        for text in ["", "x", "größe.txt", r"\\?\Volume{x", "ä:"] {
            assert_eq!(text.parse::<Query>(), Err(NoQuery), "{text}");
        }
    }
}
