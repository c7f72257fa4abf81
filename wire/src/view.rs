//! A record as its readers see it.
//!
//! [`Record`] borrows bytes that have been checked as a whole; its methods give native numbers and
//! cannot fail. Values of open lists come as enums with `Unknown`.

use crate::check::{check_fields, check_rules, split_names};
use crate::record::{HEAD_SIZE, NAMES, NameHead, RecordHead};
use crate::{
    Bitness, DecodeError, Mode, NameState, OutcomeKind, RecordKind, RuleId, RuleSet, SourceState,
    Text, Units, VERSION, Verdict,
};
use zerocopy::FromBytes as _;

/// A record whose every field has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    pub(crate) head: &'a RecordHead,
    rules: RuleSet,
    grounds: RuleSet,
    names: [&'a [u8]; NAMES],
}

/// What the caller asked for, as it stood in the input buffer. An allegation, not a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// First byte of the source range.
    pub source_offset: i64,
    /// First byte of the target range.
    pub target_offset: i64,
    /// Bytes of the range.
    pub byte_count: i64,
    /// `Size` of the EX structure; zero for the plain code.
    pub ex_size: u64,
    /// Flags of the EX structure; zero for the plain code.
    pub ex_flags: u32,
}

/// A name inside a record.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    bytes: &'a [u8],
    head: &'a NameHead,
}

impl<'a> Record<'a> {
    /// Checks exactly one record.
    ///
    /// # Errors
    ///
    /// Any [`DecodeError`] but those of requests and batches; `Length` also if bytes follow.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (record, rest) = Self::split(bytes)?;
        if rest.is_empty() {
            return Ok(record);
        }
        let stated = u64::from(record.head.total_size.get());
        Err(DecodeError::Length {
            stated,
            found: bytes.len(),
        })
    }

    /// Checks the record at the start of `bytes` and returns what follows it.
    pub(crate) fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let found = bytes.len();
        let Ok((head, _)) = RecordHead::ref_from_prefix(bytes) else {
            return Err(DecodeError::Short {
                needed: size_of::<RecordHead>(),
                found,
            });
        };
        if head.version != VERSION {
            return Err(DecodeError::Version(head.version.get()));
        }
        if head.head_size != HEAD_SIZE {
            return Err(DecodeError::HeadSize(head.head_size.get()));
        }
        let stated = u64::from(head.total_size.get());
        let total = usize::try_from(stated).map_err(|_| DecodeError::Length { stated, found })?;
        let (bytes, rest) = bytes
            .split_at_checked(total)
            .ok_or(DecodeError::Length { stated, found })?;
        let names = split_names(head, bytes)?;
        check_fields(head)?;
        let (rules, grounds) = check_rules(head)?;
        Ok((
            Self {
                bytes,
                head,
                rules,
                grounds,
                names,
            },
            rest,
        ))
    }

    /// The bytes of the whole record.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the record tells about.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        RecordKind::from_raw(self.head.kind)
    }

    /// What was decided.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        Verdict::from_raw(self.head.verdict)
    }

    /// Processor mode of the requestor.
    #[must_use]
    pub const fn requestor_mode(&self) -> Mode {
        Mode::from_raw(self.head.requestor_mode)
    }

    /// Pointer width of the requestor.
    #[must_use]
    pub const fn bitness(&self) -> Bitness {
        Bitness::from_raw(self.head.bitness)
    }

    /// How the end of the request was learned.
    #[must_use]
    pub const fn outcome(&self) -> OutcomeKind {
        OutcomeKind::from_raw(self.head.outcome)
    }

    /// What became of the source handle.
    #[must_use]
    pub const fn source_state(&self) -> SourceState {
        SourceState::from_raw(self.head.source_state)
    }

    /// The claim, if the input could be read.
    #[must_use]
    pub const fn claim(&self) -> Option<Claim> {
        if self.head.claim_known == 0 {
            return None;
        }
        Some(Claim {
            source_offset: self.head.source_offset.get(),
            target_offset: self.head.target_offset.get(),
            byte_count: self.head.byte_count.get(),
            ex_size: self.head.ex_size.get(),
            ex_flags: self.head.ex_flags.get(),
        })
    }

    /// The rules that fired.
    #[must_use]
    pub const fn rules(&self) -> RuleSet {
        self.rules
    }

    /// Those of [`Record::rules`] that are reason enough to refuse, if mode and policy say so.
    #[must_use]
    pub const fn grounds(&self) -> RuleSet {
        self.grounds
    }

    /// The rule that decided, if one fired. It is one of [`Record::rules`].
    #[must_use]
    pub const fn deciding_rule(&self) -> Option<RuleId> {
        RuleId::new(self.head.deciding_rule)
    }

    /// Number of the record, from 1, without holes over all requests that were judged.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.head.sequence.get()
    }

    /// How many numbers directly below this one belong to lost records.
    #[must_use]
    pub const fn lost_before(&self) -> u64 {
        self.head.lost_before.get()
    }

    /// Time of the decision: FILETIME, 100 ns since 1601-01-01 UTC.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.head.time.get()
    }

    /// From the decision to the end, in 100 ns.
    #[must_use]
    pub const fn duration(&self) -> u64 {
        self.head.duration.get()
    }

    /// The file-system control code.
    #[must_use]
    pub const fn control_code(&self) -> u32 {
        self.head.control_code.get()
    }

    /// Length of the caller's input buffer in bytes.
    #[must_use]
    pub const fn input_length(&self) -> u32 {
        self.head.input_length.get()
    }

    /// Length of the caller's output buffer in bytes.
    #[must_use]
    pub const fn output_length(&self) -> u32 {
        self.head.output_length.get()
    }

    /// Process of the requestor; 0 if unknown.
    #[must_use]
    pub const fn process_id(&self) -> u32 {
        self.head.process_id.get()
    }

    /// Thread of the requestor; 0 if unknown.
    #[must_use]
    pub const fn thread_id(&self) -> u32 {
        self.head.thread_id.get()
    }

    /// Final NTSTATUS; `None` if neither the post-operation callback saw it nor the driver gave it.
    #[must_use]
    pub fn status(&self) -> Option<u32> {
        self.end_is_known().then(|| self.head.status.get())
    }

    /// `IoStatus.Information` at the end; `None` where [`Record::status`] is.
    #[must_use]
    pub fn information(&self) -> Option<u64> {
        self.end_is_known().then(|| self.head.information.get())
    }

    /// Whether the final status is in the record.
    const fn end_is_known(&self) -> bool {
        matches!(
            self.outcome(),
            OutcomeKind::Completed | OutcomeKind::Refused
        )
    }

    /// NTSTATUS with which the object manager refused the source handle, if it did.
    #[must_use]
    pub fn source_status(&self) -> Option<u32> {
        (self.source_state() == SourceState::HandleRefused).then(|| self.head.source_status.get())
    }

    /// `FLT_FILESYSTEM_TYPE` of the volume.
    #[must_use]
    pub const fn file_system(&self) -> u32 {
        self.head.file_system.get()
    }

    /// Cluster size of the volume in bytes; `None` if unknown.
    #[must_use]
    pub const fn cluster_size(&self) -> Option<u32> {
        match self.head.cluster_size.get() {
            0 => None,
            size => Some(size),
        }
    }

    /// `FLT_INSTANCE_SETUP_FLAGS` of the instance as the filter manager gave them.
    #[must_use]
    pub const fn volume_flags(&self) -> u32 {
        self.head.volume_flags.get()
    }

    /// Binary SID of the user: revision, count, authority and that many sub-authorities.
    #[must_use]
    pub fn user_sid(&self) -> Option<&'a [u8]> {
        self.head
            .user_sid
            .get(..usize::from(self.head.user_sid_size))
            .filter(|sid| !sid.is_empty())
    }

    /// Image of the requestor's process.
    #[must_use]
    pub const fn image(&self) -> Name<'a> {
        let [bytes, _, _] = self.names;
        let [head, _, _] = &self.head.names;
        Name { bytes, head }
    }

    /// Name of the source file.
    #[must_use]
    pub const fn source(&self) -> Name<'a> {
        let [_, bytes, _] = self.names;
        let [_, head, _] = &self.head.names;
        Name { bytes, head }
    }

    /// Name of the target file.
    #[must_use]
    pub const fn target(&self) -> Name<'a> {
        let [_, _, bytes] = self.names;
        let [_, _, head] = &self.head.names;
        Name { bytes, head }
    }
}

impl<'a> Name<'a> {
    /// Where the name comes from.
    #[must_use]
    pub const fn state(&self) -> NameState {
        NameState::from_raw(self.head.state)
    }

    /// NTSTATUS: why there is no name, or why not the normalised one; 0 if neither.
    #[must_use]
    pub const fn reason(&self) -> u32 {
        self.head.reason.get()
    }

    /// Bytes of the whole name, of which the record may hold fewer.
    #[must_use]
    pub const fn full_bytes(&self) -> u16 {
        self.head.full_bytes.get()
    }

    /// Whether the record holds less than the whole name.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.head.stored_bytes.get() < self.head.full_bytes.get()
    }

    /// The 16-bit units as they are.
    #[must_use]
    pub fn units(&self) -> Units<'a> {
        Units::new(self.bytes)
    }

    /// The name for people; what is no character becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> Text<'a> {
        Text::new(self.units())
    }
}
