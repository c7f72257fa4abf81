//! What a record says of a file and of a name.

use crate::NtStatus;
use crate::label::{file_id, labelled, reason};
use serde::Serialize;
use wire::{FactState, File, Name, NameState};

/// What the file system said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventFile {
    /// `known`, `refused` or `not_asked`.
    pub state: String,
    /// Why it is not known, if somebody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NtStatus>,
    /// `data`, `directory` or `volume`; none if not known.
    pub kind: Option<String>,
    /// `FILE_ATTRIBUTE_*`; none if not known.
    pub attributes: Option<u32>,
    /// Bytes in the stream; none if not known.
    pub end_of_file: Option<i64>,
    /// Bytes of its clusters, holes included; none if not known.
    pub allocation_size: Option<i64>,
    /// Id of the file on its volume, 32 hexadecimal digits; none if not known.
    pub id: Option<String>,
    /// Why the id is not known, if somebody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_reason: Option<NtStatus>,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventName {
    /// The name, or as much of it as the record holds; none if there is none. What is no character
    /// is U+FFFD.
    pub text: Option<String>,
    /// The units as they are; only if `text` does not say them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utf16: Option<Vec<u16>>,
    /// Where it comes from.
    pub state: String,
    /// Why there is no name, or why not the normalised one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NtStatus>,
    /// Whether the record holds less than the whole name.
    pub is_truncated: bool,
}

impl EventFile {
    pub(super) fn new(file: &File) -> Self {
        let is_known = file.state == FactState::Known;
        Self {
            state: labelled!(file.state),
            reason: reason(file.reason),
            kind: is_known.then(|| labelled!(file.kind)),
            attributes: is_known.then_some(file.attributes),
            end_of_file: is_known.then_some(file.end_of_file),
            allocation_size: is_known.then_some(file.allocation_size),
            id: file.id.map(file_id),
            id_reason: reason(file.id_reason),
        }
    }
}

/// A text of nothing but ASCII, as most names are: many units at a time.
fn ascii(units: &[u16]) -> Option<String> {
    let is_ascii = units.iter().fold(0, |all, unit| all | unit) < 0x80;
    let bytes = || units.iter().map(|unit| unit.to_le_bytes()[0]).collect();
    is_ascii
        .then(bytes)
        .and_then(|bytes| String::from_utf8(bytes).ok())
}

impl EventName {
    pub(super) fn new(name: &Name<'_>) -> Self {
        let units: Vec<u16> = name.units().collect();
        let whole = ascii(&units).or_else(|| String::from_utf16(&units).ok());
        let is_lossy = whole.is_none();
        let text = whole.unwrap_or_else(|| String::from_utf16_lossy(&units));
        let is_absent = name.state() == NameState::Absent;
        Self {
            text: (!is_absent).then_some(text),
            utf16: is_lossy.then_some(units),
            state: labelled!(name.state()),
            reason: reason(name.reason()),
            is_truncated: name.is_truncated(),
        }
    }
}
