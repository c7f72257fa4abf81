//! What `verify` asks of the records themselves: their numbers, and the driver's counters in them.

use super::continuity::LoadReport;
use super::format::FrameHead;
use super::note::{FindingCause, FindingNote};
use wire::{Body, Counters, GapBody, Record, loss_total};

/// The record in a frame, if it is one and the head of the frame says the same of it.
pub(super) fn parse<'a>(head: &FrameHead, bytes: &'a [u8]) -> Option<Record<'a>> {
    let record = Record::parse(bytes).ok()?;
    let is_same = head.sequence == record.sequence() && head.lost_before == record.lost_before();
    is_same.then_some(record)
}

/// What does not add up in the counters of a record. `load` has taken the record in.
pub(super) fn finding(record: &Record<'_>, load: &LoadReport) -> Option<FindingNote> {
    match record.body() {
        Body::Heartbeat(body) => check_counters(&body.counters, record.sequence(), load),
        Body::Stopping(body) => check_counters(&body.counters, record.sequence(), load),
        Body::Gap(body) => check_gap(body),
        Body::Request(_)
        | Body::Ended(_)
        | Body::Summary(_)
        | Body::Policy(_)
        | Body::Started(_)
        | Body::Volume(_)
        | Body::Consumer(_)
        | Body::Unknown(_) => None,
    }
}

/// Counters are taken before their record gets its number. So all numbers that they count lie below
/// it, and every loss that they count was told by that record or an earlier one.
fn check_counters(counters: &Counters, sequence: u64, load: &LoadReport) -> Option<FindingNote> {
    let counted = counters.last_sequence();
    let Some(counted) = counted.filter(|_| counters.is_balanced()) else {
        return Some(FindingNote::new(FindingCause::Unbalanced));
    };
    if counted >= sequence {
        let mut note = FindingNote::new(FindingCause::Ahead);
        note.after = counted.into();
        note.before = sequence.into();
        return Some(note);
    }
    let (stated, told) = (counters.lost.get(), load.lost);
    (load.is_whole && stated > told).then(|| FindingNote::losses_disagree(stated, told))
}

/// A gap record is the sum of its parts.
fn check_gap(body: &GapBody) -> Option<FindingNote> {
    let is_sum = loss_total(&body.losses) == Some(body.total.get());
    (!is_sum).then(|| FindingNote::new(FindingCause::Unbalanced))
}
