//! Losses are told once, and exactly.

use crate::common::{Case, Request, encoded, ended, journal};
use core::sync::atomic::AtomicU64;
use guard::{
    BATCH_SIZE_MIN, Bitness, ControlCode, GapKeeper, JOURNAL_SIZE_MIN, Journal, LossClass, Reader,
};
use wire::{Batch, Body, GapBody, loss_total};

/// Takes everything out, and answers with the gap records.
fn read(journal: &Journal<Box<[AtomicU64]>>, reader: &mut Reader) -> Vec<GapBody> {
    let mut gaps = Vec::new();
    let mut out = vec![0; BATCH_SIZE_MIN];
    loop {
        let filled = journal.fill_batch(reader, [1; 16], 0, &mut out).unwrap();
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        gaps.extend(batch.records().filter_map(|record| match record.body() {
            Body::Gap(gap) => Some(*gap),
            _ => None,
        }));
        journal.acknowledge(reader, filled.last_sequence).unwrap();
        if filled.records == 0 {
            return gaps;
        }
    }
}

#[test]
fn a_gap_is_told_when_there_is_room() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let case = Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
    let record = encoded(&case.draft([&[]; 3]));
    let mut keeper = GapKeeper::new();
    assert!(!keeper.tell(&journal, 1), "nothing is lost");
    let flood = |class: LossClass| {
        let tickets = [(); 30].map(|()| journal.reserve(class, &record));
        for ticket in tickets {
            journal.complete(ticket, &ended(0)).unwrap();
        }
        tickets.iter().filter(|ticket| ticket.is_lost()).count() as u64
    };
    let lost = [flood(LossClass::Routine), flood(LossClass::Finding)];
    // Whatever is left is too small even for a gap record.
    while journal.offer(LossClass::State, &crate::common::note(1, 1)) {}
    let before = journal.counters();
    assert!(!keeper.tell(&journal, 1), "there is no room");
    assert_eq!(journal.counters(), before, "and that is no loss");
    journal.note_refused_unaudited();
    assert!(read(&journal, &mut reader).is_empty());
    assert!(keeper.tell(&journal, 1));
    assert!(!keeper.tell(&journal, 1), "told once");
    let gaps = read(&journal, &mut reader);
    let [gap] = gaps[..] else {
        panic!("{gaps:?}");
    };
    assert_eq!(gap.losses, before.losses);
    assert_eq!((gap.total.get(), gap.refused.get()), (lost[0] + lost[1], 1));
    journal.reserve(LossClass::Finding, &[]);
    journal.reserve(LossClass::Finding, &[]);
    assert!(keeper.tell(&journal, 1));
    let gaps = read(&journal, &mut reader);
    assert_eq!(
        (gaps.len(), gaps[0].total.get(), gaps[0].refused.get()),
        (1, 2, 0)
    );
    assert_eq!(loss_total(&gaps[0].losses), Some(2));
    assert_eq!(gaps[0].losses[1][2], 2, "of these only");
}
