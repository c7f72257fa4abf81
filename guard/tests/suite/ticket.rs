//! Tickets: each is good once, and no other number is good at all.

use crate::common::{Case, Request, STARTED, encoded, ended, journal};
use core::sync::atomic::AtomicU64;
use guard::{
    Bitness, ControlCode, JOURNAL_SIZE_MIN, Journal, LATE_AFTER, LossClass, Reader, StaleTicket,
    Ticket,
};
use wire::BOOT_ID_SIZE;

const BOOT: [u8; BOOT_ID_SIZE] = [7; BOOT_ID_SIZE];
const ROUTINE: LossClass = LossClass::Routine;
const FINDING: LossClass = LossClass::Finding;

/// A record without names.
fn smallest() -> Vec<u8> {
    let case = Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
    encoded(&case.draft([&[]; 3]))
}

/// How many records the next batch delivers, all of which are acknowledged.
fn take(journal: &Journal<Box<[AtomicU64]>>, reader: &mut Reader, now: u64) -> u32 {
    let mut out = vec![0; 0x10000];
    let filled = journal.fill_batch(reader, BOOT, now, &mut out).unwrap();
    journal.acknowledge(reader, filled.last_sequence).unwrap();
    filled.records
}

#[test]
fn a_ticket_is_good_once() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let ticket = journal.reserve(ROUTINE, &smallest());
    journal.complete(ticket, &ended(0)).unwrap();
    let before = journal.counters();
    assert_eq!(journal.complete(ticket, &ended(0)), Err(StaleTicket));
    assert_eq!(take(&journal, &mut reader, 0), 1);
    assert_eq!(journal.complete(ticket, &ended(0)), Err(StaleTicket));
    let again = journal.reserve(ROUTINE, &smallest());
    assert_ne!(again, ticket);
    assert_eq!(journal.complete(ticket, &ended(0)), Err(StaleTicket));
    assert_eq!(journal.counters().completed, before.completed);
}

#[test]
fn a_ticket_travels_as_a_number() {
    let (journal, _) = journal(JOURNAL_SIZE_MIN);
    let ticket = journal.reserve(ROUTINE, &smallest());
    assert_ne!(ticket.into_raw(), 0);
    assert_eq!(ticket.into_raw() >> 62, 0, "not the ticket's bits");
    assert_eq!(Ticket::from_raw(ticket.into_raw()), Some(ticket));
    for none in [0, 1 << 62, 1 << 63, usize::MAX] {
        assert_eq!(Ticket::from_raw(none), None, "{none:#x}");
    }
    for flipped in (0..64).map(|bit| ticket.into_raw() ^ (1 << bit)) {
        if let Some(forged) = Ticket::from_raw(flipped) {
            assert_eq!(
                journal.complete(forged, &ended(0)),
                Err(StaleTicket),
                "{flipped:#x}"
            );
        }
    }
    let forged = Ticket::from_raw(usize::MAX >> 2).unwrap();
    assert_eq!(forged.into_raw(), usize::MAX >> 2);
    assert!(forged.is_lost());
    assert_eq!(journal.complete(forged, &ended(0)), Err(StaleTicket));
    assert_eq!(journal.complete(ticket, &ended(0)), Ok(()));
}

#[test]
fn no_forged_ticket_changes_anything() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    // One round of the ring, so that old tags and words lie about, then one of each state.
    while journal.has_room(FINDING, smallest().len()) {
        let ticket = journal.reserve(FINDING, &smallest());
        journal.complete(ticket, &ended(0)).unwrap();
    }
    take(&journal, &mut reader, 0);
    let late = journal.reserve(FINDING, &smallest());
    assert_eq!(take(&journal, &mut reader, STARTED + LATE_AFTER + 1), 1);
    let [open, whole] = [(); 2].map(|()| journal.reserve(FINDING, &smallest()));
    journal.complete(whole, &ended(0)).unwrap();
    let before = journal.counters();
    let real = [late, open];
    let step = if cfg!(miri) { 97 } else { 1 };
    for raw in (1..5000)
        .step_by(step)
        .chain((0..62).map(|bit| open.into_raw() | 1 << bit))
    {
        let forged = Ticket::from_raw(raw).unwrap();
        if !real.contains(&forged) {
            assert_eq!(
                journal.complete(forged, &ended(1)),
                Err(StaleTicket),
                "{raw:#x}"
            );
        }
    }
    assert_eq!(journal.counters(), before);
    for ticket in real {
        journal.complete(ticket, &ended(0)).unwrap();
    }
    assert_eq!(take(&journal, &mut reader, 0), 3);
}

#[test]
fn what_the_storage_held_before_is_never_taken_for_a_record() {
    // Every word as the tag of an open record of 88 bytes at the position of its own cell would look.
    let tag = |cell: u64| cell << 14 | 11 << 3 | 1;
    let words: Vec<_> = (0..2048).map(|cell| AtomicU64::new(tag(cell))).collect();
    let (journal, mut reader) = Journal::new(words.into_boxed_slice()).unwrap();
    let ticket = journal.reserve(ROUTINE, &smallest());
    let step = if cfg!(miri) { 97 } else { 1 };
    for place in (1..=2048)
        .step_by(step)
        .filter(|place| *place != ticket.into_raw())
    {
        let forged = Ticket::from_raw(place).unwrap();
        assert_eq!(
            journal.complete(forged, &ended(0)),
            Err(StaleTicket),
            "{place}"
        );
    }
    assert_eq!(journal.complete(ticket, &ended(0)), Ok(()));
    assert_eq!(take(&journal, &mut reader, u64::MAX), 1);
}
