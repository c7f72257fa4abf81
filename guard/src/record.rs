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
    GUID_SIZE, Heading, LossClass, NameHead, OutcomeKind, PolicyMatch, REQUEST_NAMES, RecordHead,
    RequestBody, Verdict,
};

/// Bytes of the smallest record of a request: one without names.
pub const RECORD_SIZE_MIN: usize = size_of::<RecordHead>() + size_of::<RequestBody>();

/// Bytes of the largest record of any kind.
pub const RECORD_SIZE_MAX: usize =
    (RECORD_SIZE_MIN + REQUEST_NAMES * NAME_UNITS_MAX * 2).next_multiple_of(8);

/// The unique id of a volume: the bytes of a GUID in the order of its fields in memory. Aligned, so that it is copied in
/// whole words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub struct VolumeGuid(pub [u8; GUID_SIZE]);

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
    /// GUID of the volume, if known.
    pub guid: Option<VolumeGuid>,
    /// NTSTATUS: why not, if it is not known.
    pub guid_reason: u32,
}

impl VolumeFacts {
    /// A volume of which nothing is known.
    pub const UNKNOWN: Self = Self {
        file_system: 0,
        cluster_size: None,
        flags: 0,
        cluster_reason: 0,
        guid: None,
        guid_reason: 0,
    };
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
    /// GUID of the source's volume.
    pub source_volume: Fact<VolumeGuid>,
    /// Id of the source, 128 bits as the file system gave them, the first byte lowest.
    pub source_id: Fact<u128>,
    /// Id of the target, likewise.
    pub target_id: Fact<u128>,
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

    /// What is stored of each, in the order in which they lie in a record.
    #[inline(always)]
    pub(crate) fn stored(&self) -> [&'a [u16]; REQUEST_NAMES] {
        [
            self.image.stored(),
            self.parent.stored(),
            self.source.stored(),
            self.target.stored(),
        ]
    }

    /// Writes what is said of each, in the same order.
    #[inline(always)]
    pub(crate) fn put(&self, heads: &mut [NameHead; REQUEST_NAMES]) {
        let [image, parent, source, target] = heads;
        self.image.put(image);
        self.parent.put(parent);
        self.source.put(source);
        self.target.put(target);
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
    pub requestor: &'a Requestor<'a>,
    /// Which volumes and files it is about.
    pub places: &'a Places,
    /// What the names are.
    pub names: &'a Names<'a>,
}

/// Why a record could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The place does not have the size that the record needs.
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

    /// Writes the record of a request that has not ended yet, for [`crate::Journal::reserve`], at the start of `out`,
    /// and answers with it.
    ///
    /// Until the end is known, the field for the duration holds [`Requestor::started`]; no record is
    /// delivered with it.
    ///
    /// # Errors
    ///
    /// `WrongSize` if `out` is shorter than [`Draft::encoded_size`].
    pub fn encode<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], EncodeError> {
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
            self.names.put(&mut body.names);
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
