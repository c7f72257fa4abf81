//! A checked body and the names behind it, and what every reader asks of a request.
//!
//! The methods give native numbers and cannot fail. Values of open lists come as enums with `Unknown`.
//! What was found out about the parties is in `facts.rs`.

use crate::body::REQUEST_NAMES;
use crate::{
    Bitness, ConsumerBody, EndHead, EndedBody, Mode, NameHead, NameState, OutcomeKind, PolicyMatch,
    RequestBody, RuleId, RuleSet, SourceAfter, SourceState, SummaryBody, Ternary, Text, Units,
    Verdict, VolumeBody,
};

/// A body whose every field has been checked, and its names.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, B, const N: usize> {
    body: &'a B,
    names: [&'a [u8]; N],
}

/// One request: kinds `clone` and `seen`.
pub type Request<'a> = View<'a, RequestBody, REQUEST_NAMES>;
/// Many passed requests: kind `summary`.
pub type Summary<'a> = View<'a, SummaryBody, REQUEST_NAMES>;
/// The end of a request: kind `ended`.
pub type Ended<'a> = View<'a, EndedBody, 0>;
/// A volume: kind `volume`.
pub type VolumeNote<'a> = View<'a, VolumeBody, 1>;
/// A program that wanted the records: kind `consumer`.
pub type ConsumerNote<'a> = View<'a, ConsumerBody, 1>;

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

impl<'a, B, const N: usize> View<'a, B, N> {
    /// A body and names that have been checked.
    pub(crate) const fn new(body: &'a B, names: [&'a [u8]; N]) -> Self {
        Self { body, names }
    }

    /// The fields as they lie in the record.
    #[must_use]
    pub const fn body(&self) -> &'a B {
        self.body
    }
}

/// The four names of a record about requests.
macro_rules! four_names {
    ($view:ident: $source:literal, $target:literal) => {
        impl<'a> $view<'a> {
            /// Image of the requestor's process.
            #[must_use]
            pub const fn image(&self) -> Name<'a> {
                let ([bytes, _, _, _], [head, _, _, _]) = (self.names, &self.body.names);
                Name { bytes, head }
            }

            /// Image of its parent.
            #[must_use]
            pub const fn parent_image(&self) -> Name<'a> {
                let ([_, bytes, _, _], [_, head, _, _]) = (self.names, &self.body.names);
                Name { bytes, head }
            }

            #[doc = $source]
            #[must_use]
            pub const fn source(&self) -> Name<'a> {
                let ([_, _, bytes, _], [_, _, head, _]) = (self.names, &self.body.names);
                Name { bytes, head }
            }

            #[doc = $target]
            #[must_use]
            pub const fn target(&self) -> Name<'a> {
                let ([_, _, _, bytes], [_, _, _, head]) = (self.names, &self.body.names);
                Name { bytes, head }
            }
        }
    };
}
four_names!(Request: "Name of the source file.", "Name of the target file.");
four_names!(Summary: "Directory of the source files.", "Directory of the target files.");

impl<'a> VolumeNote<'a> {
    /// Device name of the volume.
    #[must_use]
    pub const fn device(&self) -> Name<'a> {
        let ([bytes], [head]) = (self.names, &self.body.names);
        Name { bytes, head }
    }
}

impl<'a> ConsumerNote<'a> {
    /// Image of the program.
    #[must_use]
    pub const fn image(&self) -> Name<'a> {
        let ([bytes], [head]) = (self.names, &self.body.names);
        Name { bytes, head }
    }
}

impl<'a> Request<'a> {
    /// What the end of the request decided.
    #[must_use]
    pub const fn end(&self) -> &'a EndHead {
        &self.body.end
    }

    /// Processor mode of the requestor.
    #[must_use]
    pub const fn requestor_mode(&self) -> Mode {
        Mode::from_raw(self.body.requestor_mode)
    }

    /// Pointer width of the requestor.
    #[must_use]
    pub const fn bitness(&self) -> Bitness {
        Bitness::from_raw(self.body.bitness)
    }

    /// Whether the request came from another machine.
    #[must_use]
    pub const fn remote(&self) -> Ternary {
        Ternary::from_raw(self.body.remote)
    }

    /// What became of the source handle.
    #[must_use]
    pub const fn source_state(&self) -> SourceState {
        SourceState::from_raw(self.body.source_state)
    }

    /// The claim, if the input could be read.
    #[must_use]
    pub const fn claim(&self) -> Option<Claim> {
        if self.body.claim_known == 0 {
            return None;
        }
        Some(Claim {
            source_offset: self.body.source_offset.get(),
            target_offset: self.body.target_offset.get(),
            byte_count: self.body.byte_count.get(),
            ex_size: self.body.ex_size.get(),
            ex_flags: self.body.ex_flags.get(),
        })
    }

    /// Those of the rules that are reason enough to refuse, if mode and policy say so.
    #[must_use]
    pub fn grounds(&self) -> RuleSet {
        RuleSet::from_bits(self.body.grounds.get()).unwrap_or(RuleSet::EMPTY)
    }

    /// The file-system control code.
    #[must_use]
    pub const fn control_code(&self) -> u32 {
        self.body.control_code.get()
    }

    /// Length of the caller's input buffer in bytes.
    #[must_use]
    pub const fn input_length(&self) -> u32 {
        self.body.input_length.get()
    }

    /// Length of the caller's output buffer in bytes.
    #[must_use]
    pub const fn output_length(&self) -> u32 {
        self.body.output_length.get()
    }

    /// NTSTATUS with which the request was refused, or in enforce mode would have been.
    #[must_use]
    pub const fn refusal(&self) -> Option<u32> {
        match self.body.refusal.get() {
            0 => None,
            status => Some(status),
        }
    }

    /// Revision of the policy in force; 0 for the default.
    #[must_use]
    pub const fn policy_revision(&self) -> u64 {
        self.body.policy_revision.get()
    }

    /// What the policy's own rules say.
    #[must_use]
    pub const fn policy_match(&self) -> PolicyMatch {
        PolicyMatch::from_raw(self.body.policy_match)
    }

    /// Number of the policy's rule that matched, or that could not be decided, from 1.
    #[must_use]
    pub const fn policy_rule(&self) -> Option<u32> {
        match self.body.policy_rule.get() {
            0 => None,
            number => Some(number),
        }
    }
}

impl<'a> Ended<'a> {
    /// What the end of the request decided.
    #[must_use]
    pub const fn end(&self) -> &'a EndHead {
        &self.body.end
    }
}

impl EndHead {
    /// What was decided.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        Verdict::from_raw(self.verdict)
    }

    /// How the end of the request was learned.
    #[must_use]
    pub const fn outcome(&self) -> OutcomeKind {
        OutcomeKind::from_raw(self.outcome)
    }

    /// What the source handle named after the operation.
    #[must_use]
    pub const fn source_after(&self) -> SourceAfter {
        SourceAfter::from_raw(self.source_after)
    }

    /// The rule that decided, if one fired. It is one of [`EndHead::rules`].
    #[must_use]
    pub const fn deciding_rule(&self) -> Option<RuleId> {
        RuleId::new(self.deciding_rule)
    }

    /// The rules that fired.
    #[must_use]
    pub fn rules(&self) -> RuleSet {
        RuleSet::from_bits(self.rules.get()).unwrap_or(RuleSet::EMPTY)
    }

    /// Final NTSTATUS; `None` if neither the post-operation callback saw it nor the driver gave it.
    #[must_use]
    pub fn status(&self) -> Option<u32> {
        self.status_is_known().then(|| self.status.get())
    }

    /// `IoStatus.Information` at the end; `None` where [`EndHead::status`] is.
    #[must_use]
    pub fn information(&self) -> Option<u64> {
        self.status_is_known().then(|| self.information.get())
    }

    /// From the decision to the end, in 100 ns; `None` if it had not ended.
    #[must_use]
    pub fn duration(&self) -> Option<u64> {
        (self.outcome() != OutcomeKind::Pending).then(|| self.duration.get())
    }

    /// Whether the final status is there.
    const fn status_is_known(&self) -> bool {
        matches!(
            self.outcome(),
            OutcomeKind::Completed | OutcomeKind::Refused
        )
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
