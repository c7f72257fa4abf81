//! From a judged request to the bytes of its record.
//!
//! A [`Draft`] borrows everything that is known at the decision and encodes it; [`Outcome`] is what
//! the end of the request adds. The layout belongs to `wire`.

use crate::{Capture, Claim, ClusterSize, Facts, Judgement, RequestorMode, StructuralFinding};
use wire::{NAMES, NameHead, NameState, OutcomeKind, RecordHead, RecordKind, SID_SIZE_MAX};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::{I64, U16, U32, U64, U128};

/// The most 16-bit units of a name that a record stores. A longer name is cut, never inside a
/// surrogate pair, and the record keeps its full length.
pub const NAME_UNITS_MAX: usize = 1024;

/// Bytes of the smallest record: one without names.
pub const RECORD_SIZE_MIN: usize = size_of::<RecordHead>();

/// Bytes of the largest record.
pub const RECORD_SIZE_MAX: usize = 0x1900;
const _: () = assert!(
    RECORD_SIZE_MAX == size_of::<RecordHead>() + NAMES * NAME_UNITS_MAX * 2,
    "RECORD_SIZE_MAX is not the head and three names"
);

/// A name as the driver has it, of any length.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The 16-bit units, without a terminator.
    pub units: &'a [u16],
    /// Where the name comes from.
    pub state: NameState,
    /// NTSTATUS: why there is no name, or why not the normalised one; 0 if neither.
    pub reason: u32,
}

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
}

/// All that is known about a request when it has been judged.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The input as captured.
    pub capture: &'a Capture,
    /// What [`Capture::read`] made of it.
    pub claim: &'a Result<Claim, StructuralFinding>,
    /// What [`crate::judge`] made of that.
    pub judgement: &'a Judgement,
    /// What it was judged by.
    pub facts: &'a Facts,
    /// The volume of the target.
    pub volume: VolumeFacts,
    /// Processor mode of the requestor.
    pub mode: RequestorMode,
    /// Process of the requestor; 0 if unknown.
    pub process_id: u32,
    /// Thread of the requestor; 0 if unknown.
    pub thread_id: u32,
    /// Time of the decision: FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: u64,
    /// The same instant on a clock that only runs forward, in 100 ns; its start means nothing.
    pub started: u64,
    /// Binary SID of the user. Bytes that are no SID (MS-DTYP 2.4.2.2: 8 bytes and 4 for each of at
    /// most 15 sub-authorities) are recorded as an unknown user.
    pub user_sid: Option<&'a [u8]>,
    /// Image of the requestor's process.
    pub image: Name<'a>,
    /// Name of the source file.
    pub source: Name<'a>,
    /// Name of the target file.
    pub target: Name<'a>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Final NTSTATUS. Not looked at unless `kind` is `Completed`.
    pub status: u32,
    /// `IoStatus.Information`. Not looked at unless `kind` is `Completed`.
    pub information: u64,
    /// The end on the clock of [`Draft::started`].
    pub ended: u64,
    /// How the end was learned.
    pub kind: OutcomeKind,
}

/// Why a record could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The place has not exactly the size of the record.
    WrongSize,
}

impl<'a> Name<'a> {
    /// No name, and why.
    #[must_use]
    pub const fn absent(reason: u32) -> Self {
        Self {
            units: &[],
            state: NameState::Absent,
            reason,
        }
    }

    /// The units that a record stores.
    fn stored(&self) -> &'a [u16] {
        if self.state == NameState::Absent {
            return &[];
        }
        let Some((stored, rest)) = self.units.split_at_checked(NAME_UNITS_MAX) else {
            return self.units;
        };
        match (stored.split_last(), rest.first()) {
            (Some((0xD800..=0xDBFF, before)), Some(0xDC00..=0xDFFF)) => before,
            _ => stored,
        }
    }

    /// The head of the name. `stored_bytes` is left to the writer of the record.
    fn head(&self) -> NameHead {
        // An absent name has no length even if units came with it. A UNICODE_STRING cannot be
        // longer than 65534 bytes, so the ceiling changes nothing that Windows can hand over.
        let full_units = if self.state == NameState::Absent {
            0
        } else {
            self.units.len()
        };
        let full_bytes = u16::try_from(full_units)
            .ok()
            .and_then(|units| units.checked_mul(2));
        NameHead {
            stored_bytes: U16::ZERO,
            full_bytes: U16::new(full_bytes.unwrap_or(0xFFFE)),
            state: self.state.raw(),
            reserved: [0; 3],
            reason: U32::new(self.reason),
        }
    }
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
            image: absent,
            source: absent,
            target: absent,
            ..*self
        }
    }

    /// Writes the record of a request that has not ended yet. [`crate::Journal::reserve`] numbers it.
    ///
    /// Until the end is known, the field for the duration holds [`Draft::started`]; no record is
    /// delivered before that.
    ///
    /// # Errors
    ///
    /// `WrongSize` if `out` is not [`Draft::encoded_size`] bytes long.
    pub fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        let mut head = RecordHead::zeroed();
        head.kind = RecordKind::Clone.raw();
        head.outcome = OutcomeKind::Pending.raw();
        self.put_request(&mut head);
        self.put_judgement(&mut head);
        self.put_requestor(&mut head);
        self.put_volume(&mut head);
        head.names = [self.image.head(), self.source.head(), self.target.head()];
        wire::write_record(&head, &self.names(), out).ok_or(EncodeError::WrongSize)
    }

    /// What the three names store.
    fn names(&self) -> [&[u16]; NAMES] {
        [
            self.image.stored(),
            self.source.stored(),
            self.target.stored(),
        ]
    }

    /// The request as it was made.
    fn put_request(&self, head: &mut RecordHead) {
        head.control_code = U32::new(self.capture.code.raw());
        head.bitness = self.capture.bitness.to_wire().raw();
        head.input_length = U32::new(self.capture.input_length);
        head.output_length = U32::new(self.capture.output_length);
        if let Ok(claim) = self.claim {
            head.claim_known = 1;
            head.source_offset = I64::new(claim.source_offset);
            head.target_offset = I64::new(claim.target_offset);
            head.byte_count = I64::new(claim.byte_count);
            head.ex_size = U64::new(claim.ex_size.unwrap_or(0));
            head.ex_flags = U32::new(claim.flags);
        }
    }

    /// What was decided and by which facts about the source.
    fn put_judgement(&self, head: &mut RecordHead) {
        head.verdict = self.judgement.verdict.raw();
        head.rules = U128::new(self.judgement.fired.bits());
        head.deciding_rule = self.judgement.deciding.map_or(0, wire::RuleId::number);
        head.source_state = self.facts.source.to_wire().raw();
        head.source_status = U32::new(self.facts.source.status());
    }

    /// Who asked, and when.
    fn put_requestor(&self, head: &mut RecordHead) {
        head.time = U64::new(self.time);
        head.duration = U64::new(self.started);
        head.requestor_mode = self.mode.to_wire().raw();
        head.process_id = U32::new(self.process_id);
        head.thread_id = U32::new(self.thread_id);
        if let Some((size, sid)) = self.user_sid.and_then(whole_sid)
            && let Some(place) = head.user_sid.get_mut(..sid.len())
        {
            place.copy_from_slice(sid);
            head.user_sid_size = size;
        }
    }

    /// Where it was asked.
    fn put_volume(&self, head: &mut RecordHead) {
        head.file_system = U32::new(self.volume.file_system);
        head.cluster_size = U32::new(self.volume.cluster_size.map_or(0, ClusterSize::get));
        head.volume_flags = U32::new(self.volume.flags);
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

impl Outcome {
    /// Whether the request is known to have succeeded: `NT_SUCCESS` of a final status.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.kind == OutcomeKind::Completed && self.status < 0x8000_0000
    }

    /// Adds the end of the request to its record.
    ///
    /// # Errors
    ///
    /// `WrongSize` if the bytes are too few for a record.
    pub(crate) fn patch(&self, record: &mut [u8]) -> Result<(), EncodeError> {
        let (head, _) = RecordHead::mut_from_prefix(record).map_err(|_| EncodeError::WrongSize)?;
        head.outcome = self.kind.raw();
        let started = head.duration.get();
        head.duration = U64::new(self.ended.saturating_sub(started));
        if self.kind == OutcomeKind::Completed {
            head.status = U32::new(self.status);
            head.information = U64::new(self.information);
        }
        Ok(())
    }
}

/// The bytes and their number, if they are one whole SID by its own count of sub-authorities.
fn whole_sid(sid: &[u8]) -> Option<(u8, &[u8])> {
    let count = sid.get(1)?;
    let size = count.checked_mul(4)?.checked_add(8)?;
    let whole = sid.len() == usize::from(size) && sid.len() <= SID_SIZE_MAX;
    whole.then_some((size, sid))
}
