//! The bytes of a journal: heads of segments and frames, the anchor, and what chains them.
//!
//! A head is parsed by [`SegmentHead::parse`] and [`FrameHead::parse`] out of bytes of exactly its
//! size. Parsing says whether the fields make sense by themselves; whether they belong where they
//! stand is decided in `segment.rs` and `walk.rs`.

use super::damage::Fault;
use sha2::{Digest as _, Sha256};
use wire::BOOT_ID_SIZE;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Version of the files, frozen.
pub const VERSION: u16 = 1;
/// No frame is larger. A record is at most half of it, by the widths of its lengths.
pub const FRAME_SIZE_MAX: u32 = 1 << 20;

/// No number of a segment or frame is larger, so that one can be counted on from every one that is read. No
/// journal comes near it.
pub const NUMBER_MAX: u64 = 1 << 63;

/// A SHA-256.
pub type Hash = [u8; 32];

/// `CGJS` as bytes in a file.
const SEGMENT_MAGIC: u32 = u32::from_le_bytes(*b"CGJS");
/// `CGJA` as bytes in a file.
const ANCHOR_MAGIC: u32 = u32::from_le_bytes(*b"CGJA");

/// Sizes as they stand in the heads' own fields, and as `u32` for sums.
const SEGMENT_HEAD_SIZE: u16 = 168;
const ANCHOR_SIZE: u16 = 160;
pub(super) const FRAME_HEAD_SIZE: u32 = 88;
const _: () = assert!(
    size_of::<SegmentHead>() == 168 && size_of::<AnchorHead>() == 160,
    "a size above is not the size of its type"
);
const _: () = assert!(
    size_of::<FrameHead>() == 88,
    "a size above is not the size of its type"
);

/// The first bytes of a segment file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SegmentHead {
    /// `CGJS`.
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// Bytes of this head.
    pub head_size: U16,
    /// Zero.
    pub reserved: U64,
    /// Number of the segment, from 1; the file is named after it.
    pub number: U64,
    /// When the segment was begun, a FILETIME.
    pub created: U64,
    /// Random, the same in all segments of a journal.
    pub journal_id: [u8; 16],
    /// Frames in the segments before.
    pub frames_before: U64,
    /// Records among them.
    pub records_before: U64,
    /// Retention has removed the segments up to this number; 0 for none.
    pub removed_through: U64,
    /// How many of those were there to be removed.
    pub removed_count: U64,
    /// The load of the last record in the segments before; zero if there is none.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// Its number within the load.
    pub sequence: U64,
    /// Hash of the last frame of the segment before; zero in the first segment.
    pub previous_hash: Hash,
    /// SHA-256 of everything above.
    pub hash: Hash,
}

impl SegmentHead {
    /// A head without its numbers and its hash.
    pub(super) const fn empty() -> Self {
        Self {
            magic: U32::new(SEGMENT_MAGIC),
            version: U16::new(VERSION),
            head_size: U16::new(SEGMENT_HEAD_SIZE),
            reserved: U64::ZERO,
            number: U64::ZERO,
            created: U64::ZERO,
            journal_id: [0; 16],
            frames_before: U64::ZERO,
            records_before: U64::ZERO,
            removed_through: U64::ZERO,
            removed_count: U64::ZERO,
            boot_id: [0; BOOT_ID_SIZE],
            sequence: U64::ZERO,
            previous_hash: [0; 32],
            hash: [0; 32],
        }
    }

    /// The hash that the fields ask for.
    #[must_use]
    pub fn computed_hash(&self) -> Hash {
        hash_before_last_field(self.as_bytes())
    }

    /// Why these bytes are not the head of a segment, if they are not.
    pub(super) fn fault(&self) -> Option<Fault> {
        if self.magic.get() != SEGMENT_MAGIC {
            return Some(Fault::NoSegment);
        }
        if self.version.get() != VERSION {
            return Some(Fault::Version {
                stated: self.version.get(),
            });
        }
        let is_sound = self.head_size.get() == SEGMENT_HEAD_SIZE
            && self.reserved == U64::ZERO
            && self.hash == self.computed_hash();
        if !is_sound {
            return Some(Fault::HeadHash);
        }
        let numbers = [
            self.number,
            self.frames_before,
            self.records_before,
            self.removed_through,
            self.removed_count,
        ];
        // Retention removes what lies before. A head that says it was removed itself would hide what is written now.
        let is_before =
            self.removed_through < self.number && self.removed_count <= self.removed_through;
        (!are_countable(&numbers) || !is_before).then_some(Fault::Numbers)
    }
}

/// The first bytes of a frame; the payload follows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct FrameHead {
    /// Bytes of the frame, this head included.
    pub size: U32,
    /// [`FrameKind`](super::FrameKind).
    pub kind: U16,
    /// Zero.
    pub reserved: U16,
    /// Number of the frame within the journal, from 1.
    pub index: U64,
    /// When the frame was written, a FILETIME.
    pub written: U64,
    /// The load that the frame is about; zero for none.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// Number of the record within its load; zero in other frames.
    pub sequence: U64,
    /// How many numbers directly below belong to lost records; zero in other frames.
    pub lost_before: U64,
    /// SHA-256 of the hash before, everything above and the payload.
    pub hash: Hash,
}

impl FrameHead {
    /// Bytes of the payload; `None` if the size cannot be one.
    pub(super) fn payload_size(&self) -> Option<u32> {
        let size = self.size.get();
        if size > FRAME_SIZE_MAX {
            return None;
        }
        size.checked_sub(FRAME_HEAD_SIZE)
    }

    /// The hash that fields and payload ask for behind a frame with the hash `previous`.
    #[must_use]
    pub fn computed_hash(&self, previous: &Hash, payload: &[u8]) -> Hash {
        let bytes = self.as_bytes();
        Sha256::new()
            .chain_update(previous)
            .chain_update(&bytes[..bytes.len() - size_of::<Hash>()])
            .chain_update(payload)
            .finalize()
            .into()
    }
}

/// The anchor file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct AnchorHead {
    /// `CGJA`.
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// Bytes of the file.
    pub size: U16,
    /// Zero.
    pub reserved: U64,
    /// Of all segments of this journal.
    pub journal_id: [u8; 16],
    /// The segment that was written last.
    pub segment: U64,
    /// Bytes of it that were durable.
    pub length: U64,
    /// Frames of the journal that were durable.
    pub frames: U64,
    /// Records among them.
    pub records: U64,
    /// When the anchor was written, a FILETIME.
    pub written: U64,
    /// The load of the last durable record; zero if there is none.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// Its number within the load.
    pub sequence: U64,
    /// Hash of the last durable frame; zero if there is none.
    pub hash: Hash,
    /// SHA-256 of everything above.
    pub checksum: Hash,
}

impl AnchorHead {
    /// An anchor of nothing, without its checksum.
    pub(super) const fn empty() -> Self {
        Self {
            magic: U32::new(ANCHOR_MAGIC),
            version: U16::new(VERSION),
            size: U16::new(ANCHOR_SIZE),
            reserved: U64::ZERO,
            journal_id: [0; 16],
            segment: U64::ZERO,
            length: U64::ZERO,
            frames: U64::ZERO,
            records: U64::ZERO,
            written: U64::ZERO,
            boot_id: [0; BOOT_ID_SIZE],
            sequence: U64::ZERO,
            hash: [0; 32],
            checksum: [0; 32],
        }
    }

    /// The checksum that the fields ask for.
    #[must_use]
    pub fn computed_checksum(&self) -> Hash {
        hash_before_last_field(self.as_bytes())
    }

    /// Whether these bytes are an anchor.
    pub(super) fn is_sound(&self) -> bool {
        self.magic.get() == ANCHOR_MAGIC
            && self.version.get() == VERSION
            && self.size.get() == ANCHOR_SIZE
            && self.reserved == U64::ZERO
            && self.checksum == self.computed_checksum()
            && are_countable(&[self.segment, self.length, self.frames, self.records])
    }
}

/// Whether one can count on from all these numbers.
fn are_countable(numbers: &[U64]) -> bool {
    numbers.iter().all(|number| number.get() <= NUMBER_MAX)
}

/// SHA-256 of all bytes of a head but those of its last field, which is to hold it.
fn hash_before_last_field(bytes: &[u8]) -> Hash {
    Sha256::digest(&bytes[..bytes.len() - size_of::<Hash>()]).into()
}

/// File name of a segment.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("cloneguard-{number:08}.cgj")
}

/// Number of the segment with this file name; `None` if no segment is named so.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("cloneguard-")?.strip_suffix(".cgj")?;
    let number = digits.parse().ok()?;
    let is_number = (1..=NUMBER_MAX).contains(&number);
    (is_number && segment_name(number) == name).then_some(number)
}

/// Bytes as 32 or 64 hexadecimal digits and the like.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{NUMBER_MAX, segment_name, segment_number};

    #[test]
    fn a_name_has_one_spelling() {
        for number in [1, 99_999_999, 100_000_000, NUMBER_MAX] {
            assert_eq!(segment_number(&segment_name(number)), Some(number));
        }
        for name in [
            "cloneguard-00000000.cgj",
            "cloneguard-1.cgj",
            "cloneguard-000000001.cgj",
            "cloneguard-+0000001.cgj",
            "cloneguard-00000001.cgj.new",
            "cloneguard-9223372036854775809.cgj",
            "cloneguard-18446744073709551615.cgj",
            "cloneguard-18446744073709551616.cgj",
        ] {
            assert_eq!(segment_number(name), None, "{name}");
        }
    }
}
