//! Layout of a record: a fixed head, three names back to back, zeros up to a multiple of 8.
//!
//! The names are image, source, target, each UTF-16LE without a terminator. [`RecordHead`] is the
//! head as it lies in memory; [`write_record`] is the one place that puts the parts together and
//! `view.rs` the one that takes them apart.

use crate::VERSION;
use zerocopy::little_endian::{I64, U16, U32, U64, U128};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How many names a record has: image, source, target.
pub const NAMES: usize = 3;

/// How many files a record tells about: source, target.
pub const FILES: usize = 2;

/// The largest security identifier (`SECURITY_MAX_SID_SIZE`): 8 bytes and 15 sub-authorities.
pub const SID_SIZE_MAX: usize = 68;

/// Size of [`RecordHead`] as it stands in its own field.
pub(crate) const HEAD_SIZE: u16 = 408;
const _: () = assert!(
    size_of::<RecordHead>() == 408,
    "HEAD_SIZE is not the size of RecordHead"
);

/// Lengths and origin of one name.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct NameHead {
    /// Bytes of the name in this record; even.
    pub stored_bytes: U16,
    /// Bytes of the whole name; larger than `stored_bytes` if it was cut.
    pub full_bytes: U16,
    /// [`crate::NameState`].
    pub state: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// NTSTATUS: why there is no name, or why not the normalised one. Zero if neither.
    pub reason: U32,
}

/// What the file system said of one file when the request was judged.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct FileHead {
    /// [`crate::FactState`]; unless it is known, what follows is zero but for `reason`.
    pub state: u8,
    /// [`crate::FileKind`].
    pub kind: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// NTSTATUS: why it is not known; zero if nobody asked.
    pub reason: U32,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: U32,
    /// Zero.
    pub padding: U32,
    /// Bytes in the stream.
    pub end_of_file: I64,
    /// Bytes of its clusters, holes included.
    pub allocation_size: I64,
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RecordHead {
    /// Bytes of the whole record, a multiple of 8.
    pub total_size: U32,
    /// Bytes of this head.
    pub head_size: U16,
    /// [`VERSION`].
    pub version: U16,
    /// [`crate::RecordKind`].
    pub kind: u8,
    /// [`crate::Verdict`].
    pub verdict: u8,
    /// [`crate::Mode`].
    pub requestor_mode: u8,
    /// [`crate::Bitness`].
    pub bitness: u8,
    /// [`crate::OutcomeKind`].
    pub outcome: u8,
    /// [`crate::SourceState`].
    pub source_state: u8,
    /// 1 if the claim could be read from the input; 0 if not, and then its fields are zero.
    pub claim_known: u8,
    /// The rule that decided; 0 for none.
    pub deciding_rule: u8,
    /// Number of the record, from 1, without holes, taken at the decision.
    pub sequence: U64,
    /// How many numbers directly below this one belong to records that were lost.
    pub lost_before: U64,
    /// Time of the decision: FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: U64,
    /// From the decision to the end, in 100 ns.
    pub duration: U64,
    /// The file-system control code.
    pub control_code: U32,
    /// Claim: flags of the EX structure.
    pub ex_flags: U32,
    /// Length of the caller's input buffer in bytes.
    pub input_length: U32,
    /// Length of the caller's output buffer in bytes.
    pub output_length: U32,
    /// Claim: `SourceFileOffset`.
    pub source_offset: I64,
    /// Claim: `TargetFileOffset`.
    pub target_offset: I64,
    /// Claim: `ByteCount`.
    pub byte_count: I64,
    /// Claim: `Size` of the EX structure; zero for the plain code.
    pub ex_size: U64,
    /// The rules that fired: bit n stands for rule n.
    pub rules: U128,
    /// Those of `rules` that are reason enough to refuse, if mode and policy say so.
    pub grounds: U128,
    /// Process of the requestor; 0 if unknown.
    pub process_id: U32,
    /// Thread of the requestor; 0 if unknown.
    pub thread_id: U32,
    /// Final NTSTATUS; zero while `outcome` is neither 1 nor 3.
    pub status: U32,
    /// NTSTATUS of the refused source handle; zero unless `source_state` is 3.
    pub source_status: U32,
    /// `IoStatus.Information` at the end; zero while `outcome` is neither 1 nor 3.
    pub information: U64,
    /// `FLT_FILESYSTEM_TYPE` of the volume.
    pub file_system: U32,
    /// Cluster size of the volume in bytes; 0 if unknown.
    pub cluster_size: U32,
    /// `FLT_INSTANCE_SETUP_FLAGS` of the instance as the filter manager gave them.
    pub volume_flags: U32,
    /// `FileSystemAttributes` of the volume when the request was judged; zero unless known.
    pub volume_attributes: U32,
    /// NTSTATUS: why they are not known; zero if nobody asked.
    pub volume_reason: U32,
    /// NTSTATUS with which the request was, or in enforce mode would be, refused; zero for none.
    pub refusal: U32,
    /// Revision of the policy in force; zero for the default.
    pub policy_revision: U64,
    /// Number of the policy's rule that matched, from 1; zero for none.
    pub policy_rule: U32,
    /// Of a faulty policy: the byte at which it is wrong.
    pub policy_offset: U32,
    /// Of a faulty policy: what is wrong there.
    pub policy_fault: U16,
    /// [`crate::PolicyEvent`].
    pub policy_event: u8,
    /// [`crate::PolicyMatch`].
    pub policy_match: u8,
    /// Rights of the source handle; zero unless it was resolved.
    pub granted_access: U32,
    /// [`crate::Ternary`]: whether the request came from another machine.
    pub remote: u8,
    /// [`crate::Ternary`]: whether source and target are one stream.
    pub same_stream: u8,
    /// [`crate::FactState`] of `volume_attributes`.
    pub volume_state: u8,
    /// 1 if `volume_guid` is known; 0 if not, and then it is zero.
    pub volume_guid_known: u8,
    /// Bytes of `user_sid` in use; 0 if the user is unknown.
    pub user_sid_size: u8,
    /// [`crate::SourceAfter`]: what became of the source handle meanwhile.
    pub source_after: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// NTSTATUS: why the source was not looked at; zero if it was, or if nobody could ask.
    pub source_reason: U32,
    /// NTSTATUS: why `cluster_size` is not known.
    pub cluster_reason: U32,
    /// NTSTATUS: why `volume_guid` is not known.
    pub guid_reason: U32,
    /// NTSTATUS: why `user_sid` is not known; zero if nobody could ask.
    pub user_reason: U32,
    /// GUID of the volume, in the order of its fields in memory on Windows.
    pub volume_guid: [u8; 16],
    /// Source, target.
    pub files: [FileHead; FILES],
    /// Binary SID of the user, then zeros.
    pub user_sid: [u8; SID_SIZE_MAX],
    /// Image, source, target.
    pub names: [NameHead; NAMES],
}

impl RecordHead {
    /// A head of zeros, to be filled in.
    #[must_use]
    pub fn zeroed() -> Self {
        Self::new_zeroed()
    }
}

/// Bytes of a record with these names; `None` if a name is longer than a `UNICODE_STRING` can be
/// (65534 bytes).
#[must_use]
pub fn record_size(names: &[&[u16]; NAMES]) -> Option<usize> {
    let mut size = size_of::<RecordHead>();
    for name in names {
        size = size.checked_add(usize::from(byte_length(name)?))?;
    }
    size.checked_next_multiple_of(8)
}

/// Writes a record into `out`, which must be exactly [`record_size`] bytes long.
///
/// From `head` everything is taken but what follows from the parts: `total_size`, `head_size`,
/// `version` and each name's `stored_bytes`. `None`, with `out` in an unspecified state, if the
/// size of `out` is another one.
#[must_use]
pub fn write_record(head: &RecordHead, names: &[&[u16]; NAMES], out: &mut [u8]) -> Option<()> {
    let size = record_size(names)?;
    if out.len() != size {
        return None;
    }
    let (place, mut rest) = RecordHead::mut_from_prefix(out).ok()?;
    *place = *head;
    place.total_size = U32::new(u32::try_from(size).ok()?);
    place.head_size = U16::new(HEAD_SIZE);
    place.version = U16::new(VERSION);
    for (name_head, name) in place.names.iter_mut().zip(names) {
        let length = byte_length(name)?;
        name_head.stored_bytes = U16::new(length);
        let (name_place, after) = rest.split_at_mut_checked(usize::from(length))?;
        for (pair, unit) in name_place.chunks_exact_mut(2).zip(*name) {
            pair.copy_from_slice(&unit.to_le_bytes());
        }
        rest = after;
    }
    rest.fill(0);
    Some(())
}

/// Bytes of a name.
fn byte_length(name: &[u16]) -> Option<u16> {
    u16::try_from(name.len()).ok()?.checked_mul(2)
}
