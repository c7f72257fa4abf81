//! A passed request that a summary can tell of: the record of that summary, and what is its own.
//!
//! The record is encoded first, with nothing counted yet. All of it behind [`COUNTED`] says of which kind
//! a request is, so two requests are of one kind if these bytes are equal.

use super::Flight;
use crate::record::{Judged, Matter};
use crate::{ControlCode, Draft, EncodeError, Identity, NAME_UNITS_MAX, Name, Names, Outcome};
use crate::{LossClass, OutcomeKind, Verdict};
use core::mem::offset_of;
use wire::{Heading, NameState, RecordHead, RecordKind, SummaryBody};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::{U32, U64};

/// Where in the record the part begins that is equal for all requests of one kind.
const COUNTED: usize = size_of::<RecordHead>() + offset_of!(SummaryBody, window_seconds);

/// Hundreds of nanoseconds in a second.
const SECOND: u64 = 10_000_000;

/// A passed request.
#[derive(Debug)]
pub struct Passed<B> {
    record: B,
    /// Of the bytes behind [`COUNTED`].
    hash: u64,
    own: Own,
}

/// What is its own.
#[derive(Clone, Copy, Debug)]
struct Own {
    time: u64,
    started: u64,
    closes: u64,
    byte_count: u64,
    code: u8,
}

/// What a summary counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    first_time: u64,
    last_time: u64,
    completed: u64,
    failed: u64,
    draining: u64,
    byte_count: u64,
    duration_sum: u64,
    last_failure: u32,
    control_codes: u8,
    /// Whether there is anything that no record has told.
    is_news: bool,
}

impl Draft<'_> {
    /// Bytes of the summary that could tell of this request; `None` if it needs a record of its own: it is
    /// no clone, or a finding, or its files have no names or such long ones that directories could be
    /// taken for each other.
    #[must_use]
    pub fn passed_size(&self) -> Option<usize> {
        self.plain().and(Some(()))?;
        wire::record_size::<SummaryBody>(&self.directories()?.stored())
    }

    /// The same request for [`super::Summaries::begin`], with the summary encoded in `buffer`.
    ///
    /// # Errors
    ///
    /// `WrongSize` if `buffer` is not [`Draft::passed_size`] bytes long, or if that is none.
    pub fn pass<B: AsRef<[u8]> + AsMut<[u8]>>(
        &self,
        window_seconds: u32,
        mut buffer: B,
    ) -> Result<Passed<B>, EncodeError> {
        let (judged, byte_count) = self.plain().ok_or(EncodeError::WrongSize)?;
        let names = self.directories().ok_or(EncodeError::WrongSize)?;
        let heading = Heading {
            kind: RecordKind::Summary,
            class: LossClass::Routine,
            time: 0,
            request: 0,
        };
        let fill = |body: &mut SummaryBody| self.put_kind(judged, &names, window_seconds, body);
        let room = buffer.as_mut().len();
        wire::write_record(buffer.as_mut(), heading, &names.stored(), fill)
            .filter(|record| record.len() == room)
            .ok_or(EncodeError::WrongSize)?;
        let started = self.requestor.started;
        let window = u64::from(window_seconds).saturating_mul(SECOND);
        Ok(Passed {
            hash: hash(kind(buffer.as_ref())),
            record: buffer,
            own: Own {
                time: self.requestor.time,
                started,
                closes: started.saturating_add(window),
                byte_count,
                code: match judged.capture.code {
                    ControlCode::Duplicate => 1,
                    ControlCode::DuplicateEx => 2,
                },
            },
        })
    }

    /// The request and its bytes, if it is a plain passed clone.
    fn plain(&self) -> Option<(&Judged<'_>, u64)> {
        let Matter::Clone(judged) = &self.matter else {
            return None;
        };
        if judged.judgement.verdict != Verdict::Passed {
            return None;
        }
        let claim = judged.claim.as_ref().ok()?;
        Some((judged, u64::try_from(claim.byte_count).ok()?))
    }

    /// The names with directories instead of files.
    fn directories(&self) -> Option<Names<'_>> {
        Some(Names {
            source: directory(&self.names.source)?,
            target: directory(&self.names.target)?,
            ..*self.names
        })
    }

    /// What is equal for all requests of one kind.
    fn put_kind(
        &self,
        judged: &Judged<'_>,
        names: &Names<'_>,
        seconds: u32,
        body: &mut SummaryBody,
    ) {
        let requestor = self.requestor;
        body.window_seconds = U32::new(seconds);
        body.requestor_mode = requestor.mode.to_wire().raw();
        body.bitness = requestor.bitness.to_wire().raw();
        body.remote = crate::encode::ternary(requestor.remote).raw();
        body.policy_revision = U64::new(judged.policy.revision);
        let identity = Identity {
            // Of a process, not of one of its threads.
            thread_id: 0,
            ..requestor.identity
        };
        identity.put(&mut body.process, &mut body.users);
        self.places.volume.put(&mut body.volume);
        names.put(&mut body.names);
    }
}

impl<B> Passed<B> {
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) const fn started(&self) -> u64 {
        self.own.started
    }

    pub(super) const fn closes(&self) -> u64 {
        self.own.closes
    }

    pub(super) const fn byte_count(&self) -> u64 {
        self.own.byte_count
    }

    pub(super) const fn buffer(&self) -> &B {
        &self.record
    }

    pub(super) const fn buffer_mut(&mut self) -> &mut B {
        &mut self.record
    }

    pub(super) fn into_buffer(self) -> B {
        self.record
    }
}

impl<B: AsRef<[u8]>> Passed<B> {
    /// Whether both are of one kind.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.hash == other.hash && kind(self.record.as_ref()) == kind(other.record.as_ref())
    }
}

impl Told {
    /// Nothing has been counted.
    const NOTHING: Self = Self {
        first_time: 0,
        last_time: 0,
        completed: 0,
        failed: 0,
        draining: 0,
        byte_count: 0,
        duration_sum: 0,
        last_failure: 0,
        control_codes: 0,
        is_news: false,
    };

    /// Nothing but that it began.
    pub(super) const fn of<B>(first: &Passed<B>) -> Self {
        Self {
            first_time: first.own.time,
            last_time: first.own.time,
            control_codes: first.own.code,
            is_news: true,
            ..Self::NOTHING
        }
    }

    /// What is still to be told when this has been: nothing yet, of the same window.
    pub(super) const fn rest(&self) -> Self {
        Self {
            first_time: self.first_time,
            last_time: self.last_time,
            control_codes: self.control_codes,
            ..Self::NOTHING
        }
    }

    /// Whether there is anything that no record has told.
    pub(super) const fn is_news(&self) -> bool {
        self.is_news
    }

    /// Another one began. The clock of the wall may have been set back meanwhile.
    pub(super) fn join<B>(&mut self, request: &Passed<B>) {
        self.first_time = self.first_time.min(request.own.time);
        self.last_time = self.last_time.max(request.own.time);
        self.control_codes |= request.own.code;
    }

    /// One of them ended.
    pub(super) fn count(&mut self, flight: &Flight, outcome: &Outcome) {
        self.is_news = true;
        let duration = outcome.ended.saturating_sub(flight.started);
        self.duration_sum = self.duration_sum.saturating_add(duration);
        if outcome.is_success() {
            self.completed = self.completed.saturating_add(1);
            self.byte_count = self.byte_count.saturating_add(flight.byte_count);
        } else if outcome.kind == OutcomeKind::Draining {
            self.draining = self.draining.saturating_add(1);
        } else {
            self.failed = self.failed.saturating_add(1);
            self.last_failure = outcome.status;
        }
    }

    /// Writes all of it into the record, and how many of the window have not ended.
    pub(super) fn put<B: AsMut<[u8]>>(&self, pending: u32, record: &mut B) {
        let Ok((head, rest)) = RecordHead::mut_from_prefix(record.as_mut()) else {
            return;
        };
        let Ok((body, _)) = SummaryBody::mut_from_prefix(rest) else {
            return;
        };
        let count = self.completed.saturating_add(self.failed);
        head.time = U64::new(self.last_time);
        body.first_time = U64::new(self.first_time);
        body.last_time = U64::new(self.last_time);
        body.count = U64::new(count.saturating_add(self.draining));
        body.completed = U64::new(self.completed);
        body.failed = U64::new(self.failed);
        body.draining = U64::new(self.draining);
        body.byte_count = U64::new(self.byte_count);
        body.duration_sum = U64::new(self.duration_sum);
        body.last_failure = U32::new(self.last_failure);
        body.control_codes = self.control_codes;
        body.pending = U32::new(pending);
    }
}

/// What says of which kind the request is.
fn kind(record: &[u8]) -> &[u8] {
    record.get(COUNTED..).unwrap_or_default()
}

/// A hash in the manner of FNV-1a (Fowler, Noll, Vo), by words instead of bytes; the rotation brings the
/// high bits down. It only says where to look: what is found there is compared.
fn hash(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let (words, rest) = bytes.as_chunks();
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(PRIME).rotate_left(29);
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    words.chain(rest).fold(BASIS, step)
}

/// The directory of a file: its name up to the last backslash, which no name of a file or a stream can
/// contain (MS-FSCC 2.1.5). `None` if there is no name, or one so long that a record would cut it.
fn directory<'a>(name: &Name<'a>) -> Option<Name<'a>> {
    if name.state == NameState::Absent || name.more > 0 {
        return None;
    }
    let end = name
        .units
        .iter()
        .rposition(|unit| *unit == u16::from(b'\\'))?;
    let units = name.units.get(..end)?;
    (units.len() <= NAME_UNITS_MAX).then_some(Name { units, ..*name })
}
