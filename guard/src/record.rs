//! From a judged request to the bytes of its record.
//!
//! A [`Draft`] borrows everything that is known at the decision and encodes it in place, into the
//! caller's buffer: a record is too large for a kernel stack. Its parts are written by `encode.rs` and
//! `identity.rs`; what the end of the request adds is in `outcome.rs`; the layout belongs to `wire`.

use crate::{
    Bitness, Capture, Claim, ClusterSize, Fact, Facts, Identity, Judgement, NAME_UNITS_MAX, Name,
    RequestorMode, SeenCode, StructuralFinding,
};
use wire::{
    FILE_ID_SIZE, GUID_SIZE, Heading, LossClass, OutcomeKind, PolicyMatch, REQUEST_NAMES,
    RecordHead, RequestBody, Verdict,
};

/// Bytes of the smallest record of a request: one without names.
pub const RECORD_SIZE_MIN: usize = size_of::<RecordHead>() + size_of::<RequestBody>();

/// Bytes of the largest record of any kind.
pub const RECORD_SIZE_MAX: usize =
    (RECORD_SIZE_MIN + REQUEST_NAMES * NAME_UNITS_MAX * 2).next_multiple_of(8);

/// What the instance knows about its volume since it was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub guid: Option<[u8; GUID_SIZE]>,
    /// NTSTATUS: why not, if it is not known.
    pub guid_reason: u32,
}

/// Who asked, how, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requestor<'a> {
    /// Processor mode.
    pub mode: RequestorMode,
    /// Pointer width.
    pub bitness: Bitness,
    /// Whether the request came from another machine, if known.
    pub remote: Option<bool>,
    /// Time of the decision: FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: u64,
    /// The same instant on a clock that only runs forward, in 100 ns; its start means nothing.
    pub started: u64,
    /// Process, token and users.
    pub identity: Identity<'a>,
}

/// What no rule looks at and the record tells all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// The volume of the target.
    pub volume: VolumeFacts,
    /// GUID of the source's volume, in the order of its fields in memory.
    pub source_volume: Fact<[u8; GUID_SIZE]>,
    /// Id of the source, 128 bits as the file system gave them.
    pub source_id: Fact<[u8; FILE_ID_SIZE]>,
    /// Id of the target, likewise.
    pub target_id: Fact<[u8; FILE_ID_SIZE]>,
}

/// The names that a record holds.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Image of the requestor's process.
    pub image: Name<'a>,
    /// Image of its parent.
    pub parent: Name<'a>,
    /// Source file; of a summary its directory.
    pub source: Name<'a>,
    /// Target file; of a summary its directory.
    pub target: Name<'a>,
}

impl<'a> Names<'a> {
    /// None of them, all for one reason.
    #[must_use]
    pub const fn absent(reason: u32) -> Self {
        let absent = Name::absent(reason);
        Self {
            image: absent,
            parent: absent,
            source: absent,
            target: absent,
        }
    }

    /// In the order in which they lie in a record.
    pub(crate) const fn in_order(&self) -> [&Name<'a>; REQUEST_NAMES] {
        [&self.image, &self.parent, &self.source, &self.target]
    }

    /// What is stored of each.
    pub(crate) fn stored(&self) -> [&'a [u16]; REQUEST_NAMES] {
        self.in_order().map(Name::stored)
    }
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
    /// Who asked.
    pub requestor: Requestor<'a>,
    /// Which volumes and files it is about.
    pub places: Places,
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
    /// What the record is worth when room is short.
    #[must_use]
    pub const fn class(&self) -> LossClass {
        class_of(match &self.matter {
            Matter::Clone(judged) => judged.judgement.verdict,
            Matter::Seen(_) => Verdict::Passed,
        })
    }

    /// Bytes of the record: a multiple of 8, at most [`RECORD_SIZE_MAX`].
    #[must_use]
    pub fn encoded_size(&self) -> usize {
        // `None` would take a name beyond 65534 bytes, and stored names end at NAME_UNITS_MAX.
        wire::record_size::<RequestBody>(&self.names.stored()).unwrap_or(RECORD_SIZE_MAX)
    }

    /// The same without names, all absent for one reason: for when there is no memory for them.
    #[must_use]
    pub const fn without_names(&self, reason: u32) -> Self {
        Self {
            names: Names::absent(reason),
            ..*self
        }
    }

    /// Writes the record of a request that has not ended yet, for [`crate::Journal::reserve`].
    ///
    /// Until the end is known, the field for the duration holds [`Requestor::started`]; no record is
    /// delivered with it.
    ///
    /// # Errors
    ///
    /// `WrongSize` if `out` is not [`Draft::encoded_size`] bytes long.
    pub fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        let heading = Heading {
            kind: self.matter.kind(),
            class: self.class(),
            time: self.requestor.time,
            // The journal's, like the sequence number.
            request: 0,
        };
        let fill = |body: &mut RequestBody| {
            body.end.outcome = OutcomeKind::Pending.raw();
            match &self.matter {
                Matter::Clone(judged) => judged.put(body),
                Matter::Seen(seen) => seen.put(body),
            }
            self.requestor.put(body);
            self.places.put(body);
            body.names = self.names.in_order().map(Name::head);
        };
        wire::write_record(out, heading, &self.names.stored(), fill).ok_or(EncodeError::WrongSize)
    }
}

/// What a record with that verdict is worth when room is short.
pub(crate) const fn class_of(verdict: Verdict) -> LossClass {
    match verdict {
        Verdict::Passed => LossClass::Routine,
        Verdict::Flagged
        | Verdict::WouldRefuse
        | Verdict::Refused
        | Verdict::NotInspected
        | Verdict::Unknown(_) => LossClass::Finding,
    }
}
