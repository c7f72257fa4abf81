//! From a judged request to the bytes of its record.
//!
//! A [`Draft`] borrows everything that is known at the decision and encodes it. Its parts are written
//! by `encode.rs`; what the end of the request adds is in `outcome.rs`; the layout belongs to `wire`.

use crate::{
    Bitness, Capture, Claim, ClusterSize, Facts, Judgement, NAME_UNITS_MAX, Name, RequestorMode,
    SeenCode, StructuralFinding,
};
use wire::{NAMES, OutcomeKind, PolicyMatch, RecordHead};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U64;

/// Bytes of the smallest record: one without names.
pub const RECORD_SIZE_MIN: usize = size_of::<RecordHead>();

/// Bytes of the largest record.
pub const RECORD_SIZE_MAX: usize = 0x1998;
const _: () = assert!(
    RECORD_SIZE_MAX == size_of::<RecordHead>() + NAMES * NAME_UNITS_MAX * 2,
    "RECORD_SIZE_MAX is not the head and three names"
);

/// What the instance knows about its volume since it was set up.
#[derive(Clone, Copy, Debug)]
pub struct VolumeFacts {
    /// `FLT_FILESYSTEM_TYPE`, as the filter manager gave it.
    pub file_system: u32,
    /// Cluster size, if known.
    pub cluster_size: Option<ClusterSize>,
    /// `FLT_INSTANCE_SETUP_FLAGS`, as the filter manager gave them. WDK `fltKernel.h`:
    /// 0x10 is a developer volume (Dev Drive), 0x20 a trusted one.
    pub flags: u32,
    /// NTSTATUS: why not, if it is not known.
    pub cluster_reason: u32,
    /// GUID of the volume in the order of its fields in memory, if known.
    pub guid: Option<[u8; 16]>,
    /// NTSTATUS: why not, if it is not known.
    pub guid_reason: u32,
}

/// Who asked, and when.
#[derive(Clone, Copy, Debug)]
pub struct Requestor<'a> {
    /// Processor mode.
    pub mode: RequestorMode,
    /// Pointer width.
    pub bitness: Bitness,
    /// Process; 0 if unknown.
    pub process_id: u32,
    /// Thread; 0 if unknown.
    pub thread_id: u32,
    /// Whether the request came from another machine, if known.
    pub remote: Option<bool>,
    /// Binary SID of the user. Bytes that are no SID (MS-DTYP 2.4.2.2: 8 bytes and 4 for each of at
    /// most 15 sub-authorities) are recorded as an unknown user.
    pub user_sid: Option<&'a [u8]>,
    /// NTSTATUS: why the user is not known; 0 if it is, or if nobody could ask.
    pub user_reason: u32,
    /// Time of the decision: FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: u64,
    /// The same instant on a clock that only runs forward, in 100 ns; its start means nothing.
    pub started: u64,
}

/// The names that a record holds.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Image of the requestor's process.
    pub image: Name<'a>,
    /// Source file.
    pub source: Name<'a>,
    /// Target file.
    pub target: Name<'a>,
}

/// The policy by which a request was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyMark {
    /// Revision of the policy in force; 0 for the default.
    pub revision: u64,
    /// What its rules say.
    pub answer: PolicyMatch,
    /// Number of the rule that says it, from 1; 0 for none.
    pub rule: u32,
}

/// A clone request that was judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The input as captured.
    pub capture: &'a Capture,
    /// What [`Capture::read`] made of it.
    pub claim: &'a Result<Claim, StructuralFinding>,
    /// What it was judged by.
    pub facts: &'a Facts,
    /// What [`crate::decide`] made of that.
    pub judgement: &'a Judgement,
    /// The policy.
    pub policy: PolicyMark,
}

/// A request with another code, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The code.
    pub code: SeenCode,
    /// Length of the input buffer in bytes.
    pub input_length: u32,
    /// Length of the output buffer in bytes.
    pub output_length: u32,
}

/// What a record is about.
#[derive(Clone, Copy, Debug)]
pub enum Matter<'a> {
    /// A clone request.
    Clone(Judged<'a>),
    /// A request with another code.
    Seen(Seen),
}

/// All that is known about a request when it has been judged.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The request.
    pub matter: Matter<'a>,
    /// The volume of the target.
    pub volume: VolumeFacts,
    /// Who asked.
    pub requestor: Requestor<'a>,
    /// What the names are.
    pub names: Names<'a>,
}

/// Why a record could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The place has not exactly the size of the record.
    WrongSize,
}

impl Draft<'_> {
    /// Bytes of the record: a multiple of 8, at most [`RECORD_SIZE_MAX`].
    #[must_use]
    pub fn encoded_size(&self) -> usize {
        // `None` would take a name beyond 65534 bytes, and stored names end at NAME_UNITS_MAX.
        wire::record_size(&self.names()).unwrap_or(RECORD_SIZE_MAX)
    }

    /// The same without names, all absent for one reason: for when there is no memory for them.
    #[must_use]
    pub const fn without_names(&self, reason: u32) -> Self {
        let absent = Name::absent(reason);
        Self {
            names: Names {
                image: absent,
                source: absent,
                target: absent,
            },
            ..*self
        }
    }

    /// Writes the record of a request that has not ended yet. [`crate::Journal::reserve`] numbers it.
    ///
    /// Until the end is known, the field for the duration holds [`Requestor::started`]; no record is
    /// delivered before that.
    ///
    /// # Errors
    ///
    /// `WrongSize` if `out` is not [`Draft::encoded_size`] bytes long.
    pub fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        let mut head = RecordHead::zeroed();
        head.outcome = OutcomeKind::Pending.raw();
        match &self.matter {
            Matter::Clone(judged) => judged.put(&mut head),
            Matter::Seen(seen) => seen.put(&mut head),
        }
        self.requestor.put(&mut head);
        self.volume.put(&mut head);
        let Names {
            image,
            source,
            target,
        } = &self.names;
        head.names = [image.head(), source.head(), target.head()];
        wire::write_record(&head, &self.names(), out).ok_or(EncodeError::WrongSize)
    }

    /// What the three names store.
    fn names(&self) -> [&[u16]; NAMES] {
        let Names {
            image,
            source,
            target,
        } = &self.names;
        [image.stored(), source.stored(), target.stored()]
    }
}

/// Numbers an encoded record that has just been copied to its place.
///
/// # Errors
///
/// `WrongSize` if the bytes are too few for a record or not as many as its head says.
pub(crate) fn number(
    record: &mut [u8],
    sequence: u64,
    lost_before: u64,
) -> Result<(), EncodeError> {
    let found = record.len();
    let (head, _) = RecordHead::mut_from_prefix(record).map_err(|_| EncodeError::WrongSize)?;
    if usize::try_from(head.total_size.get()) != Ok(found) {
        return Err(EncodeError::WrongSize);
    }
    head.sequence = U64::new(sequence);
    head.lost_before = U64::new(lost_before);
    Ok(())
}
