//! The journal, one behaviour at a time.

use crate::common::{Case, Request, encoded, ended};
use guard::{
    AckError, BATCH_SIZE_MIN, Bitness, ControlCode, Filled, JOURNAL_SIZE_MIN, Journal, StaleTicket,
    Ticket, TooSmall,
};
use wire::{BOOT_ID_SIZE, Batch};

const BOOT: [u8; BOOT_ID_SIZE] = [7; BOOT_ID_SIZE];

fn case() -> Case {
    Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture())
}

fn journal(size: usize) -> Journal<Vec<u8>> {
    Journal::new(vec![0xEE; size]).unwrap()
}

/// Sequence numbers and losses before them, as the next batch delivers them.
fn batch(journal: &Journal<Vec<u8>>, size: usize) -> Vec<(u64, u64)> {
    let mut out = vec![0xEE; size];
    let filled = journal.fill_batch(BOOT, &mut out).unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    assert_eq!(batch.boot_id(), BOOT);
    assert_eq!(batch.record_count(), filled.records);
    assert_eq!(batch.last_sequence().unwrap_or(0), filled.last_sequence);
    assert_eq!(batch.counters(), &journal.counters());
    batch
        .records()
        .map(|record| (record.sequence(), record.lost_before()))
        .collect()
}

#[test]
fn too_little_storage_is_refused() {
    for given in [0, 1, JOURNAL_SIZE_MIN - 1] {
        assert_eq!(Journal::new(vec![0; given]).err(), Some(TooSmall { given }));
    }
}

#[test]
fn the_largest_record_fits_the_smallest_journal() {
    let case = case();
    let name = vec![0x61; 5000];
    let mut journal = journal(JOURNAL_SIZE_MIN);
    for round in 1..=3 {
        let ticket = journal.reserve(&encoded(&case.draft([&name, &name, &name])));
        assert!(!ticket.is_lost());
        journal.complete(ticket, &ended(0)).unwrap();
        assert_eq!(batch(&journal, BATCH_SIZE_MIN), [(round, 0)]);
        assert_eq!(journal.acknowledge(round), Ok(1));
    }
}

#[test]
fn records_in_flight_are_not_delivered() {
    let case = case();
    let mut journal = journal(JOURNAL_SIZE_MIN);
    let draft = encoded(&case.draft([&[]; 3]));
    let tickets: Vec<Ticket> = (0..4).map(|_| journal.reserve(&draft)).collect();
    assert_eq!(batch(&journal, BATCH_SIZE_MIN), []);
    journal.complete(tickets[2], &ended(0)).unwrap();
    journal.complete(tickets[1], &ended(0)).unwrap();
    assert_eq!(
        batch(&journal, BATCH_SIZE_MIN),
        [],
        "the first holds back the rest"
    );
    journal.complete(tickets[0], &ended(0)).unwrap();
    assert_eq!(batch(&journal, BATCH_SIZE_MIN), [(1, 0), (2, 0), (3, 0)]);
    assert_eq!(journal.counters().in_flight.get(), 1);
}

#[test]
fn a_ticket_is_good_once() {
    let case = case();
    let mut journal = journal(JOURNAL_SIZE_MIN);
    let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
    journal.complete(ticket, &ended(0)).unwrap();
    let before = journal.counters();
    assert_eq!(journal.complete(ticket, &ended(0)), Err(StaleTicket));
    assert_eq!(batch(&journal, BATCH_SIZE_MIN), [(1, 0)]);
    journal.acknowledge(1).unwrap();
    assert_eq!(journal.complete(ticket, &ended(0)), Err(StaleTicket));
    assert_eq!(journal.counters().completed, before.completed);
}

#[test]
fn a_ticket_travels_as_a_number() {
    let case = case();
    let mut journal = journal(JOURNAL_SIZE_MIN);
    let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
    assert_ne!(ticket.into_raw(), 0);
    assert_eq!(ticket.into_raw() >> 63, 0, "the carrier's bit");
    assert_eq!(Ticket::from_raw(ticket.into_raw()), Some(ticket));
    assert_eq!(Ticket::from_raw(0), None);
    assert_eq!(Ticket::from_raw(1 << 31), None);
    assert_eq!(Ticket::from_raw(usize::MAX), None);
    for flipped in (0..64).map(|bit| ticket.into_raw() ^ (1 << bit)) {
        if let Some(forged) = Ticket::from_raw(flipped) {
            assert_eq!(
                journal.complete(forged, &ended(0)),
                Err(StaleTicket),
                "{flipped:#x}"
            );
        }
    }
    let forged = Ticket::from_raw(usize::MAX >> 1).unwrap();
    assert_eq!(forged.into_raw(), usize::MAX >> 1);
    assert!(forged.is_lost());
    assert_eq!(journal.complete(forged, &ended(0)), Err(StaleTicket));
    assert_eq!(journal.complete(ticket, &ended(0)), Ok(()));
}

#[test]
fn losses_are_counted_once_and_told_exactly() {
    let case = case();
    let draft = encoded(&case.draft([&[]; 3]));
    let mut journal = journal(JOURNAL_SIZE_MIN);
    let mut tickets = Vec::new();
    while tickets
        .last()
        .is_none_or(|ticket: &Ticket| !ticket.is_lost())
    {
        tickets.push(journal.reserve(&draft));
    }
    tickets.push(journal.reserve(&draft));
    let fitted = tickets.len() as u64 - 2;
    assert_eq!(
        (journal.counters().lost.get(), journal.counters().held.get()),
        (2, fitted)
    );
    for ticket in &tickets {
        journal.complete(*ticket, &ended(0)).unwrap();
    }
    assert_eq!(
        journal.complete(tickets[tickets.len() - 1], &ended(0)),
        Err(StaleTicket)
    );
    assert_eq!(batch(&journal, 0x10000).len() as u64, fitted);
    assert_eq!(journal.acknowledge(fitted), Ok(fitted));
    let after: Vec<Ticket> = (0..2).map(|_| journal.reserve(&draft)).collect();
    for ticket in after {
        journal.complete(ticket, &ended(0)).unwrap();
    }
    assert_eq!(
        batch(&journal, BATCH_SIZE_MIN),
        [(fitted + 3, 2), (fitted + 4, 0)]
    );
    assert_eq!(journal.counters().lost.get(), 2);
}

#[test]
fn acknowledging_is_idempotent_and_never_ahead() {
    let case = case();
    let mut journal = journal(JOURNAL_SIZE_MIN);
    for _ in 0..3 {
        let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
        journal.complete(ticket, &ended(0)).unwrap();
    }
    assert_eq!(journal.acknowledge(0), Ok(0));
    let refused = AckError {
        through_sequence: 1,
        sent_through: 0,
    };
    assert_eq!(journal.acknowledge(1), Err(refused), "nothing was sent yet");
    let two = size_of::<wire::BatchHead>() + 2 * size_of::<wire::RecordHead>();
    assert_eq!(batch(&journal, two + 255), [(1, 0), (2, 0)]);
    let refused = AckError {
        through_sequence: 3,
        sent_through: 2,
    };
    assert_eq!(journal.acknowledge(3), Err(refused));
    assert_eq!(journal.acknowledge(1), Ok(1));
    assert_eq!(journal.acknowledge(1), Ok(0));
    assert_eq!(
        batch(&journal, BATCH_SIZE_MIN),
        [(2, 0), (3, 0)],
        "what is not acknowledged stays"
    );
    assert_eq!(journal.acknowledge(3), Ok(2));
    assert_eq!(journal.acknowledge(1), Ok(0));
    assert_eq!(journal.counters().delivered.get(), 3);
}

#[test]
fn a_buffer_too_small_for_anything_is_refused() {
    let case = case();
    let mut journal = journal(JOURNAL_SIZE_MIN);
    let head = size_of::<wire::BatchHead>();
    let mut out = vec![0; head];
    assert_eq!(journal.fill_batch(BOOT, &mut out[..head - 1]), None);
    let heartbeat = Filled {
        bytes: head,
        last_sequence: 0,
        records: 0,
    };
    assert_eq!(journal.fill_batch(BOOT, &mut out), Some(heartbeat));
    let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
    assert_eq!(
        journal.fill_batch(BOOT, &mut out),
        Some(heartbeat),
        "it is still in flight"
    );
    journal.complete(ticket, &ended(0)).unwrap();
    assert_eq!(journal.fill_batch(BOOT, &mut out), None);
    assert_eq!(journal.acknowledge(1).unwrap_err().sent_through, 0);
}

#[test]
fn each_end_has_its_counter() {
    let case = case();
    let mut journal = journal(JOURNAL_SIZE_MIN);
    let draining = guard::Outcome {
        kind: guard::OutcomeKind::Draining,
        ..ended(0)
    };
    for outcome in [ended(0), ended(0x103), ended(0xC000_000D), draining] {
        let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
        journal.complete(ticket, &outcome).unwrap();
    }
    journal.note_not_inspected();
    journal.reserve(&encoded(&case.draft([&[]; 3])));
    let counters = journal.counters();
    let ends = [
        counters.completed,
        counters.failed,
        counters.not_inspected,
        counters.in_flight,
    ];
    assert_eq!(ends.map(|counter| counter.get()), [2, 2, 1, 1]);
    assert_eq!((counters.seen.get(), counters.held.get()), (6, 5));
    assert_eq!(journal.last_sequence(), 5);
    assert!(counters.is_balanced());
}

#[test]
fn bytes_that_are_no_record_are_counted_as_lost() {
    let mut journal = Journal::new(vec![0; JOURNAL_SIZE_MIN]).unwrap();
    let case = Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
    let whole = encoded(&case.draft([&[]; 3]));
    for broken in [
        &[][..],
        &whole[..whole.len() - 8],
        &[whole.clone(), vec![0; 8]].concat(),
    ] {
        let ticket = journal.reserve(broken);
        assert!(ticket.is_lost());
        journal.complete(ticket, &ended(0)).unwrap();
    }
    assert_eq!(journal.counters().lost, 3);
    assert!(!journal.reserve(&whole).is_lost());
    assert_eq!(journal.counters().held, 1);
}

#[test]
fn what_the_storage_held_before_is_never_taken_for_a_record() {
    // Each slot of the table as one of a record in flight would look.
    let slot = [
        0_u64.to_le_bytes(),
        256_u64.rotate_left(32).to_le_bytes(),
        [0; 8],
    ]
    .concat();
    let storage = slot
        .iter()
        .copied()
        .cycle()
        .take(JOURNAL_SIZE_MIN)
        .collect::<Vec<u8>>();
    let mut journal = Journal::new(storage).unwrap();
    let ticket = journal.reserve(&encoded(&case().draft([&[]; 3])));
    for place in 1..=64 {
        let forged = Ticket::from_raw(place).unwrap();
        assert_eq!(
            journal.complete(forged, &ended(0)),
            Err(StaleTicket),
            "{place}"
        );
    }
    assert_eq!(journal.complete(ticket, &ended(0)), Ok(()));
}
