//! What a policy's rules are compared with: the facts about a request, each of which may be missing.

use super::{and, glob};
use wire::policy::{PathPattern, SEPARATOR, VolumeSelector, upcase};
use zerocopy::little_endian::U16;

/// The facts about a request. `None` means that the fact is not known; the default knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicySubject<'a> {
    /// Image of the requestor's process.
    pub image: Option<PathName<'a>>,
    /// Binary SID of the user on whose behalf the request is made.
    pub user: Option<&'a [u8]>,
    /// Source file.
    pub source: Option<PathName<'a>>,
    /// Target file.
    pub target: Option<PathName<'a>>,
    /// NT device name of the volume of the target, `\Device\NAME`.
    pub volume_device: Option<&'a [u16]>,
    /// GUID of the volume of the target, in the byte order of Windows' `GUID` structure.
    pub volume_guid: Option<[u8; 16]>,
    /// Whether the request came over the network.
    pub remote: Option<bool>,
    /// How many bytes are to be cloned, as the caller says.
    pub byte_count: Option<i64>,
}

impl PolicySubject<'_> {
    /// Whether the target is on the volume that is meant.
    pub(super) fn is_on(&self, volume: VolumeSelector<'_>) -> Option<bool> {
        is_volume(volume, self.volume_device, self.volume_guid)
    }
}

/// The name of a file as the kernel knows it, in the letter case that it happens to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathName<'a> {
    /// NT device name of the volume, `\Device\NAME`.
    pub device: &'a [u16],
    /// The part behind the device, which begins with a backslash.
    pub rest: &'a [u16],
    /// GUID of the volume, if known, in the byte order of Windows' `GUID` structure.
    pub volume_guid: Option<[u8; 16]>,
    /// Whether `rest` lacks its end: more follows that is not known.
    pub is_cut: bool,
}

impl<'a> PathName<'a> {
    /// Takes a whole name apart: `\Device\NAME` and the rest. `None` if it does not begin so. The
    /// empty name, that of a process without an image, has two empty parts: it is known and
    /// matches nothing.
    #[must_use]
    pub fn split(name: &'a [u16]) -> Option<Self> {
        let (device, rest) = split_device(name)?;
        Some(Self {
            device,
            rest,
            volume_guid: None,
            is_cut: false,
        })
    }

    /// Whether the name fits a pattern; `None` if that depends on what is not known of it.
    #[must_use]
    pub fn fits(&self, pattern: PathPattern<'_>) -> Option<bool> {
        let volume = is_volume(pattern.volume, Some(self.device), self.volume_guid);
        and(volume, || {
            glob::fits(pattern.path, self.matched_units(), self.is_cut)
        })
    }

    /// What the path of a pattern is compared with.
    pub(super) fn matched_units(&self) -> &'a [u16] {
        without_type(self.rest, self.is_cut)
    }
}

/// The name without the type of its stream: `a::$DATA` is `a`, and `a:s:$DATA` is `a:s`. A
/// normalized name never has it and an opened one may (WDK, `FLT_FILE_NAME_INFORMATION`), so
/// without this a program could choose a name that no pattern expects. A cut name ends where the
/// type may begin.
fn without_type(rest: &[u16], is_cut: bool) -> &[u16] {
    if is_cut {
        let tail = rest.len().saturating_sub(DATA.len());
        let colon = rest.iter().skip(tail).position(|unit| *unit == COLON);
        return colon
            .and_then(|place| rest.get(..tail.saturating_add(place)))
            .unwrap_or(rest);
    }
    let end = rest.len().saturating_sub(DATA.len());
    match rest.split_at_checked(end) {
        Some((name, tail)) if is_equal(DATA.iter().copied(), tail) => {
            name.strip_suffix(&[COLON]).unwrap_or(name)
        }
        Some(_) | None => rest,
    }
}

/// `:`, before the name of a stream and before its type.
const COLON: u16 = 0x3A;
/// `:$DATA` in upper case, the type of every stream that can be cloned.
const DATA: [u16; 6] = [COLON, 0x24, 0x44, 0x41, 0x54, 0x41];

/// Cuts a name behind `\Device\NAME`. The empty name has two empty parts.
fn split_device(name: &[u16]) -> Option<(&[u16], &[u16])> {
    if name.is_empty() {
        return Some((name, name));
    }
    let (prefix, tail) = name.split_at_checked(DEVICE.len())?;
    let is_separator = |unit: &u16| *unit == SEPARATOR;
    let end = tail.iter().position(is_separator).unwrap_or(tail.len());
    if !is_equal(DEVICE.iter().copied(), prefix) || end == 0 {
        return None;
    }
    name.split_at_checked(DEVICE.len().saturating_add(end))
}

/// `\DEVICE\` in upper case, as every device name begins.
const DEVICE: [u16; 8] = [0x5C, 0x44, 0x45, 0x56, 0x49, 0x43, 0x45, 0x5C];

/// Whether a volume is the one that is meant.
fn is_volume(
    meant: VolumeSelector<'_>,
    device: Option<&[u16]>,
    guid: Option<[u8; 16]>,
) -> Option<bool> {
    match meant {
        VolumeSelector::Any => Some(true),
        VolumeSelector::Device(name) => {
            device.map(|device| is_equal(name.iter().map(|unit| U16::get(*unit)), device))
        }
        VolumeSelector::Guid(wanted) => guid.map(|guid| guid == wanted),
    }
}

/// Whether a name equals a text that is in upper case already.
fn is_equal(upper: impl Iterator<Item = u16>, name: &[u16]) -> bool {
    upper.eq(name.iter().map(|unit| upcase(*unit)))
}
