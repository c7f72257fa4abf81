//! Repeats, gaps, losses, restarts.

use crate::build::{
    self, BOOT, NAMELESS, batch, batch_of, clone, counters, ended, numbered, record, sound,
};
use cloneguard::{Consumer, Entry, Finding, Totals};
use proptest::prelude::*;
use wire::{
    ConnectKind, Counters, DecodeError, Heading, LossClass, Record, RecordKind, StartedBody,
};
use zerocopy::{FromZeros as _, IntoBytes as _};

/// The numbers of the entries that a batch yields.
fn fed(consumer: &mut Consumer, bytes: &[u8]) -> (Vec<u64>, Vec<Finding>) {
    let delivery = consumer.feed(bytes).unwrap();
    (
        delivery.entries.iter().map(Entry::sequence).collect(),
        delivery.findings,
    )
}

#[test]
fn a_trail_without_holes_has_no_findings() {
    let mut consumer = Consumer::new();
    assert_eq!(
        fed(&mut consumer, &sound(&[(1, 0), (2, 0)])),
        (vec![1, 2], vec![])
    );
    assert_eq!(fed(&mut consumer, &sound(&[(3, 0)])), (vec![3], vec![]));
    let expected = Totals {
        entries: 3,
        loads: 1,
        ..Totals::default()
    };
    assert_eq!(*consumer.totals(), expected);
}

#[test]
fn the_acknowledgement_names_the_last_record() {
    let mut consumer = Consumer::new();
    let nothing = sound(&[]);
    let delivery = consumer.feed(&nothing).unwrap();
    assert_eq!(
        (delivery.ack.boot_id(), delivery.ack.through_sequence()),
        (BOOT, 0)
    );
    assert!(delivery.is_new_load);
    let two = sound(&[(1, 0), (2, 0)]);
    let delivery = consumer.feed(&two).unwrap();
    assert_eq!(
        (delivery.ack.through_sequence(), delivery.is_new_load),
        (2, false)
    );
    let empty = batch(BOOT, counters(2, 0), &[]);
    let delivery = consumer.feed(&empty).unwrap();
    assert_eq!(
        delivery.ack.through_sequence(),
        2,
        "an empty batch repeats it"
    );
}

#[test]
fn what_comes_again_is_dropped() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0), (2, 0), (3, 0)]));
    assert_eq!(
        fed(&mut consumer, &sound(&[(2, 0), (3, 0), (4, 0)])),
        (vec![4], vec![])
    );
    assert_eq!(fed(&mut consumer, &sound(&[(4, 0)])), (vec![], vec![]));
    assert_eq!(
        (consumer.totals().entries, consumer.totals().repeats),
        (4, 3)
    );
}

#[test]
fn a_loss_that_is_told_exactly_is_no_gap() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0)]));
    let told = batch(BOOT, counters(9, 6), &[(4, 2), (9, 4)]);
    assert_eq!(fed(&mut consumer, &told), (vec![4, 9], vec![]));
    assert_eq!(
        (consumer.totals().lost, consumer.totals().unexplained),
        (6, 0)
    );
}

#[test]
fn each_number_that_nobody_explains_is_a_gap() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0)]));
    let (events, findings) = fed(&mut consumer, &sound(&[(5, 2), (6, 0)]));
    assert_eq!(events, [5, 6], "the records are good all the same");
    assert_eq!(
        findings,
        [Finding::Gap {
            after: 1,
            before: 5,
            missing: 3,
            explained: 2
        }]
    );
    assert_eq!(
        (consumer.totals().lost, consumer.totals().unexplained),
        (2, 1)
    );
    let text = findings[0].to_string();
    assert_eq!(text, "gap: 3 records missing between 1 and 5, 2 explained");
}

#[test]
fn more_losses_than_missing_numbers_are_a_finding_too() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0), (2, 0)]));
    let (_, findings) = fed(&mut consumer, &sound(&[(3, 1)]));
    assert_eq!(
        findings,
        [Finding::Gap {
            after: 2,
            before: 3,
            missing: 0,
            explained: 1
        }]
    );
    assert_eq!(consumer.totals().unexplained, 0);
}

#[test]
fn joining_late_blames_nobody() {
    let mut consumer = Consumer::new();
    let (events, findings) = fed(&mut consumer, &sound(&[(10, 3), (11, 0)]));
    assert_eq!((events, findings), (vec![10, 11], vec![]));
    assert_eq!((consumer.totals().earlier, consumer.totals().lost), (6, 3));
}

#[test]
fn resuming_knows_where_it_was() {
    let mut consumer = Consumer::resume(BOOT, 10);
    let request = consumer.connect_request();
    let expected = ConnectKind::Watch {
        boot_id: BOOT,
        after_sequence: 10,
    };
    assert_eq!(
        wire::ConnectRequest::parse(request.as_bytes()),
        Ok(expected)
    );
    let (events, findings) = fed(&mut consumer, &sound(&[(10, 0), (13, 1)]));
    assert_eq!(events, [13]);
    assert_eq!(
        findings,
        [Finding::Gap {
            after: 10,
            before: 13,
            missing: 2,
            explained: 1
        }]
    );
    assert_eq!((consumer.totals().loads, consumer.totals().repeats), (1, 1));
}

#[test]
fn a_first_connection_asks_for_everything() {
    let expected = ConnectKind::Watch {
        boot_id: [0; 16],
        after_sequence: 0,
    };
    let request = Consumer::new().connect_request();
    assert_eq!(
        wire::ConnectRequest::parse(request.as_bytes()),
        Ok(expected)
    );
}

#[test]
fn a_new_load_starts_over() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0), (7, 5)]));
    let other = batch([0xC0; 16], counters(2, 0), &[(1, 0), (2, 0)]);
    let delivery = consumer.feed(&other).unwrap();
    assert!(delivery.is_new_load && delivery.findings.is_empty());
    assert_eq!(delivery.entries.len(), 2);
    assert_eq!(
        (delivery.ack.boot_id(), delivery.ack.through_sequence()),
        ([0xC0; 16], 2)
    );
    assert_eq!((consumer.totals().loads, consumer.totals().lost), (2, 5));
}

#[test]
fn of_a_load_that_follows_nobody_else_was_to_have_anything() {
    for mut consumer in [Consumer::resume(BOOT, 7), {
        let mut consumer = Consumer::new();
        fed(&mut consumer, &sound(&[(7, 0)]));
        consumer
    }] {
        let other = batch([0xC0; 16], counters(5, 2), &[(5, 2)]);
        let (_, findings) = fed(&mut consumer, &other);
        let gap = Finding::Gap {
            after: 0,
            before: 5,
            missing: 4,
            explained: 2,
        };
        assert_eq!(findings, [gap]);
        assert_eq!(consumer.totals().unexplained, 2);
    }
}

/// What a start says that tells of the end of a load, to a consumer that has this much of the usual one.
fn end_of(boot_id: [u8; 16], through: u64, last: u64, undelivered: u64) -> (Vec<Finding>, Totals) {
    let mut body = StartedBody::new_zeroed();
    body.previous = 2;
    body.policy_mode = 1;
    body.previous_boot_id = boot_id;
    body.previous_sequence = last.into();
    body.previous_undelivered = undelivered.into();
    let heading = Heading {
        kind: RecordKind::Started,
        class: LossClass::State,
        time: 0,
        request: 0,
    };
    let record = numbered(build::write(heading, &body, &[]), 1, 0);
    let mut consumer = Consumer::resume(BOOT, through);
    let (_, findings) = fed(
        &mut consumer,
        &batch_of([0xC0; 16], counters(1, 0), &[record]),
    );
    (findings, *consumer.totals())
}

#[test]
fn what_a_load_took_with_it_is_missing() {
    let missing = |after, last, undelivered| Finding::EndMissing {
        after,
        last,
        undelivered,
    };
    let (findings, totals) = end_of(BOOT, 10, 15, 5);
    assert_eq!(findings, [missing(10, 15, 5)]);
    assert_eq!((totals.undelivered, totals.unexplained), (5, 0));
    let (findings, totals) = end_of(BOOT, 10, 15, 2);
    assert_eq!(findings, [missing(10, 15, 2)]);
    assert_eq!((totals.undelivered, totals.unexplained), (2, 3));
    // What came and was not acknowledged in time is not missing.
    assert_eq!(end_of(BOOT, 14, 15, 5).0, [missing(14, 15, 1)]);
    assert_eq!(end_of(BOOT, 15, 15, 5).0, []);
    // A load of which nothing came.
    assert_eq!(end_of([0xA0; 16], 10, 6, 6).0, [missing(0, 6, 6)]);
    assert_eq!(end_of([0; 16], 10, 6, 6).0, []);
}

#[test]
fn counters_that_contradict_are_findings() {
    let feed = |counters: Counters| {
        let mut consumer = Consumer::new();
        fed(&mut consumer, &batch(BOOT, counters, &[(1, 0), (4, 2)])).1
    };
    let sound = counters(4, 2);
    assert_eq!(feed(sound), []);
    assert_eq!(
        feed(Counters {
            seen: 5.into(),
            ..sound
        }),
        [Finding::Unbalanced]
    );
    assert_eq!(
        feed(Counters {
            held: u64::MAX.into(),
            ..sound
        }),
        [Finding::Unbalanced]
    );
    let behind = Counters {
        held: 1.into(),
        ..sound
    };
    assert_eq!(
        feed(behind),
        [Finding::Behind {
            stated: 3,
            received: 4
        }]
    );
    let fewer = counters(4, 1);
    assert_eq!(
        feed(fewer),
        [Finding::LossesDisagree { stated: 1, told: 2 }]
    );
}

#[test]
fn losses_behind_the_last_record_stand_in_the_counters() {
    let mut consumer = Consumer::new();
    assert!(consumer.counters().is_none());
    fed(
        &mut consumer,
        &batch(BOOT, counters(5, 3), &[(1, 0), (2, 0)]),
    );
    assert_eq!(consumer.totals().lost, 0);
    assert_eq!(consumer.counters().unwrap().lost, 3);
}

#[test]
fn bytes_that_are_no_batch_change_nothing() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0)]));
    let before = *consumer.totals();
    let mut bytes = sound(&[(2, 0), (3, 0)]);
    bytes.pop();
    assert!(matches!(
        consumer.feed(&bytes),
        Err(DecodeError::Length { .. })
    ));
    assert_eq!(*consumer.totals(), before);
    assert_eq!(fed(&mut consumer, &sound(&[(2, 0)])).0, [2]);
}

#[test]
fn the_records_are_there_as_they_came() {
    let mut consumer = Consumer::new();
    fed(&mut consumer, &sound(&[(1, 0), (2, 0)]));
    let bytes = sound(&[(2, 0), (3, 0), (5, 1)]);
    let delivery = consumer.feed(&bytes).unwrap();
    let numbers: Vec<u64> = delivery.records.iter().map(Record::sequence).collect();
    assert_eq!(numbers, [3, 5]);
    let entries: Vec<u64> = delivery.entries.iter().map(Entry::sequence).collect();
    assert_eq!(entries, numbers);
    let last = record(&clone(5, 1), &NAMELESS);
    assert_eq!(delivery.records[1].bytes(), last);
}

#[test]
fn ends_that_come_late_are_counted() {
    let mut pending = clone(1, 0);
    pending.body.end.outcome = 0;
    let records = [record(&pending, &NAMELESS), ended(2, &clone(1, 0))];
    let mut consumer = Consumer::new();
    let (_, findings) = fed(&mut consumer, &batch_of(BOOT, counters(2, 0), &records));
    assert_eq!(findings, []);
    let totals = consumer.totals();
    assert_eq!((totals.entries, totals.pending, totals.ended), (2, 1, 1));
}

#[test]
fn a_heartbeat_that_does_not_add_up_is_a_finding() {
    use wire::{Heading, HeartbeatBody, RecordHead, RecordKind};
    use zerocopy::FromBytes as _;
    let beat = |seen: u64| {
        let mut told = counters(0, 0);
        told.seen = seen.into();
        let body = HeartbeatBody {
            counters: told,
            uptime: 1.into(),
            interval_seconds: 60.into(),
            untold: 0.into(),
        };
        let heading = Heading::state(RecordKind::Heartbeat, 5);
        let mut bytes = build::write(heading, &body, &[]);
        let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
        head.sequence = 1.into();
        batch_of(BOOT, counters(1, 0), &[bytes])
    };
    assert_eq!(fed(&mut Consumer::new(), &beat(0)).1, []);
    assert_eq!(fed(&mut Consumer::new(), &beat(1)).1, [Finding::Unbalanced]);
}

proptest! {
    /// A driver that loses some records, delivers the rest in batches and repeats some of them: no
    /// finding, every record once, the exact number of losses.
    #[test]
    fn an_honest_driver_has_no_findings(
        fates in proptest::collection::vec(any::<bool>(), 1..60),
        cuts in proptest::collection::vec((1_usize..8, 0_usize..4), 1..60),
    ) {
        let mut records = Vec::new();
        let mut lost_before = 0;
        for (sequence, is_lost) in (1_u64..).zip(&fates) {
            if *is_lost {
                lost_before += 1;
            } else {
                records.push((sequence, core::mem::take(&mut lost_before)));
            }
        }
        let lost = fates.iter().filter(|is_lost| **is_lost).count() as u64;
        let last = fates.len() as u64;
        let mut consumer = Consumer::new();
        let mut received = Vec::new();
        let mut at: usize = 0;
        for (length, back) in cuts.into_iter().chain([(60, 0)]) {
            let start = at.saturating_sub(back);
            let end = (at + length).min(records.len());
            let bytes = batch(BOOT, counters(last, lost), &records[start..end]);
            let (events, findings) = fed(&mut consumer, &bytes);
            prop_assert_eq!(findings, vec![]);
            received.extend(events);
            at = end;
        }
        let sent: Vec<u64> = records.iter().map(|(sequence, _)| *sequence).collect();
        prop_assert_eq!(received, sent);
        prop_assert_eq!(consumer.totals().lost + lost_before, lost);
        prop_assert_eq!(consumer.totals().unexplained + consumer.totals().earlier, 0);
    }

    /// A number that vanishes without a word is found, wherever it is.
    #[test]
    fn a_record_that_vanishes_is_found(count in 3_u64..40, which in any::<u64>()) {
        let gone = 2 + which % (count - 2);
        let numbers = (1..=count).filter(|number| *number != gone);
        let records: Vec<(u64, u64)> = numbers.map(|number| (number, 0)).collect();
        let mut consumer = Consumer::new();
        let (_, findings) = fed(&mut consumer, &sound(&records));
        let gap = Finding::Gap { after: gone - 1, before: gone + 1, missing: 1, explained: 0 };
        prop_assert_eq!(findings, vec![gap]);
    }
}
