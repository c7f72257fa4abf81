//! `verify`: a whole journal, with everything that is wrong with it.

use super::Place;
use super::continuity::{Continuity, Gap, LoadEnd, LoadReport, LoadSums};
use super::damage::{Damage, Fault};
use super::disk::Disk;
use super::error::JournalError;
use super::format::Hash;
use super::note::{FindingCause, FindingNote};
use super::record;
use super::segment::{Frame, Payload};
use super::walk::{Step, Torn, Walk};
use crate::Timestamp;
use wire::{Body, PreviousStop, Record};

/// Most items of each list in a [`Report`]; their count goes on.
const ITEMS_MAX: usize = 100;

/// A frame and its hash as somebody noted them elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Number of the frame within the journal.
    pub frame: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Items of which the first ones are kept and all are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The first of them.
    pub first: Vec<T>,
    /// How many there are.
    pub count: u64,
}

/// What a journal is and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Segments with a sound head.
    pub segments: u64,
    /// Of those, the ones that have their seal.
    pub sealed: u64,
    /// Frames that the chain proves.
    pub frames: u64,
    /// Records among them.
    pub records: u64,
    /// Frames that retention has removed.
    pub removed_frames: u64,
    /// Records among them.
    pub removed_records: u64,
    /// The earliest time in a record.
    pub first_time: Option<Timestamp>,
    /// The latest one.
    pub last_time: Option<Timestamp>,
    /// The loads of the driver, the newest thousand.
    pub loads: Vec<LoadReport>,
    /// What those before them amount to.
    pub older_loads: LoadSums,
    /// What is not as it was written.
    pub damages: Listed<Damage>,
    /// Numbers that are missing without an explanation.
    pub gaps: Listed<Gap>,
    /// What the writer found, but for gaps, and what is wrong with the counters in records.
    pub findings: Listed<(Place, FindingNote)>,
    /// Bytes that writers have cut off because they were never acknowledged.
    pub torn_bytes: u64,
    /// A last write that is not finished.
    pub torn: Option<Torn>,
    /// The last frame and its hash, to be noted elsewhere.
    pub end: Option<Expectation>,
    /// Whether the frame that was asked for is there; `None` if nothing was asked.
    pub is_as_expected: Option<bool>,
}

impl Report {
    /// Whether nothing is wrong. Losses that the driver has counted are not.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damages.count == 0
            && self.gaps.count == 0
            && self.findings.count == 0
            && self.is_as_expected != Some(false)
    }

    /// Numbers that the driver says it lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.all_loads().lost
    }

    /// Numbers that the driver says it took with it when it was stopped.
    #[must_use]
    pub fn undelivered(&self) -> u64 {
        self.all_loads().undelivered
    }

    /// All numbers that are missing as the driver says: lost for want of room, or taken with it.
    #[must_use]
    pub fn counted_missing(&self) -> u64 {
        self.lost().saturating_add(self.undelivered())
    }

    /// Loads, not counting the last one, of which nobody has said what they took with them.
    #[must_use]
    pub fn open_ends(&self) -> u64 {
        // The last load may run still.
        let last = self
            .loads
            .last()
            .map_or(0, |last| u64::from(last.has_open_end()));
        self.all_loads().open_ends - last
    }

    /// What all loads amount to.
    fn all_loads(&self) -> LoadSums {
        let mut sums = self.older_loads;
        self.loads.iter().for_each(|load| sums.add(load));
        sums
    }

    /// Takes a frame in.
    fn frame(&mut self, frame: &Frame, continuity: &mut Continuity) {
        self.frames += 1;
        self.end = Some(Expectation {
            frame: frame.head.index.get(),
            hash: frame.head.hash,
        });
        match &frame.payload {
            Payload::Record(bytes) => {
                self.records += 1;
                self.record(frame, bytes, continuity);
            }
            Payload::Load(note) => continuity.announce(frame.head.boot_id, note),
            Payload::Finding(note) if note.cause() == Some(FindingCause::Gap) => {
                // The record behind it shows the same gap.
            }
            Payload::Finding(note) => self.findings.push((frame.place, *note)),
            Payload::Torn(note) => {
                self.torn_bytes = self.torn_bytes.saturating_add(note.byte_count.get());
            }
            Payload::Seal(_) => self.sealed += 1,
            Payload::Opened(_) => {}
        }
    }

    /// Takes a record in: its number, and what it says.
    fn record(&mut self, frame: &Frame, bytes: &[u8], continuity: &mut Continuity) {
        let (place, head) = (frame.place, &frame.head);
        let (sequence, lost_before) = (head.sequence.get(), head.lost_before.get());
        let record = record::parse(head, bytes);
        if let Some(Body::Started(body)) = record.as_ref().map(Record::body) {
            let end = LoadEnd {
                last: body.previous_sequence.get(),
                undelivered: body.previous_undelivered.get(),
                is_in_order: PreviousStop::from_raw(body.previous) == PreviousStop::Clean,
            };
            let gap = continuity.ended(place, head.boot_id, body.previous_boot_id, end);
            self.gaps.extend(gap);
        }
        let gap = continuity.record(place, head.boot_id, sequence, lost_before);
        self.gaps.extend(gap);
        let Some(record) = record else {
            self.damages.push(Damage {
                place,
                fault: Fault::Record,
                boot_id: Some(head.boot_id),
                sequence: Some(sequence),
            });
            return;
        };
        let time = Timestamp::from_filetime(record.time());
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.last_time = self.last_time.max(Some(time));
        let finding = record::finding(&record, continuity.of(head.boot_id));
        self.findings.extend(finding.map(|note| (place, note)));
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            count: 0,
        }
    }
}

impl<T> Listed<T> {
    /// Adds an item.
    fn push(&mut self, item: T) {
        if self.first.len() < ITEMS_MAX {
            self.first.push(item);
        }
        self.count += 1;
    }

    /// Adds an item, if there is one.
    fn extend(&mut self, item: Option<T>) {
        if let Some(item) = item {
            self.push(item);
        }
    }
}

/// Reads a whole journal. `progress` hears how many bytes have been read.
///
/// # Errors
///
/// The system refuses something. Damage is no error: it is in the report.
pub fn verify<D: Disk>(
    mut walk: Walk<D>,
    expectation: Option<Expectation>,
    mut progress: impl FnMut(u64),
) -> Result<Report, JournalError> {
    let mut report = Report {
        is_as_expected: expectation.map(|_| false),
        ..Report::default()
    };
    let mut continuity = Continuity::default();
    while let Some(step) = walk.step()? {
        match step {
            Step::Segment(head) => {
                if report.segments == 0 {
                    report.removed_frames = head.frames_before.get();
                    report.removed_records = head.records_before.get();
                }
                report.segments += 1;
                let (records, sequence) = (head.records_before.get(), head.sequence.get());
                continuity.begin(records, head.boot_id, sequence);
            }
            Step::Frame(frame) => {
                progress(u64::from(frame.head.size.get()));
                report.frame(&frame, &mut continuity);
                if expectation.is_some() && report.end == expectation {
                    report.is_as_expected = Some(true);
                }
            }
            Step::Damage(damage) => report.damages.push(damage),
            Step::Torn(torn) => report.torn = Some(torn),
        }
    }
    (report.loads, report.older_loads) = continuity.into_loads();
    Ok(report)
}
