//! The port: who may connect, what is delivered, and what an odd program cannot do.

use cloneguard::{Consumer, Entry, Finding};
use testbed::NtStatus;
use testbed::status::{
    STATUS_ACCESS_DENIED, STATUS_CONNECTION_COUNT_LIMIT, STATUS_FLT_NO_WAITER_FOR_REPLY,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};
use wire::{Ack, ConnectRequest};
use zerocopy::IntoBytes as _;

use super::watch::{PORT, Taken, Watcher, requests};
use super::{Bench, clone_once};

/// STATUS_REVISION_MISMATCH (MS-ERREF 2.3.1), which the test-bed itself never gives.
const STATUS_REVISION_MISMATCH: NtStatus = NtStatus(0xC000_0059);

impl Bench {
    fn clone_times(&self, count: usize) {
        self.copy.run(|thread| {
            for _ in 0..count {
                clone_once(thread, self.refs);
            }
        });
    }
}

/// How many of the new records are about requests; the rest is what the driver says of itself.
fn clones(taken: &Taken) -> usize {
    taken.requests().len()
}

fn boot_id(taken: &Taken) -> [u8; 16] {
    taken.ack.boot_id()
}

/// The last number of a batch.
fn last(taken: &Taken) -> u64 {
    taken.entries.last().map_or(0, Entry::sequence)
}

/// A request to watch, from its bytes.
fn good_request() -> Vec<u8> {
    ConnectRequest::watch([0; 16], 0).as_bytes().to_vec()
}

#[test]
fn records_come_in_order_and_leave_when_they_are_acknowledged() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.clone_times(3);
    let mut watcher = bench.watch(Consumer::new());
    let mut entries = watcher.drain().entries;
    // Live, one at a time, while the program is there.
    for _ in 0..3 {
        bench.clone_times(1);
        entries.extend(watcher.drain().entries);
    }
    let count = entries.len() as u64;
    let sequences: Vec<_> = entries.iter().map(Entry::sequence).collect();
    assert_eq!(sequences, (1..=count).collect::<Vec<_>>());
    assert_eq!(requests(&entries).len(), 6);
    drop(watcher);
    // Everything has left: the next program gets the counters, and what the driver said since: of the two programs.
    let mut next = bench.watch(Consumer::new());
    let greeting = next.take();
    assert_eq!((clones(&greeting), greeting.entries.len()), (0, 2));
    let counters = greeting.counters;
    assert_eq!((counters.delivered.get(), counters.held.get()), (count, 2));
    assert_eq!((counters.seen.get(), counters.completed.get()), (6, 6));
    drop(next);
    bench.end();
}

#[test]
fn a_program_that_dies_without_an_answer_loses_nothing() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.clone_times(3);
    let mut watcher = bench.watch(Consumer::new());
    assert_eq!(clones(&watcher.take()), 3);
    let Watcher { port, .. } = watcher;
    port.close();
    bench.clone_times(1);
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    assert_eq!(
        (drained.requests().len(), drained.counters.lost.get()),
        (4, 0)
    );
    let totals = watcher.consumer.totals();
    assert_eq!(
        (totals.unexplained, totals.earlier, totals.repeats),
        (0, 0, 0)
    );
    drop(watcher);
    bench.end();
}

/// It had made them durable, and died before it could say so.
#[test]
fn what_a_program_has_had_before_it_drops() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.clone_times(3);
    let mut watcher = bench.watch(Consumer::new());
    let first = watcher.take();
    let Watcher { port, mut consumer } = watcher;
    port.close();
    bench.clone_times(1);
    // It asks as one that has nothing, so that everything comes again.
    let port = bench.connect(&good_request()).expect("connected");
    let message = port.get_message().expect("a message");
    let again = consumer.feed(&message.body).expect("a batch");
    assert_eq!(requests(&again.entries).len(), 1);
    assert_eq!(again.entries[0].sequence(), last(&first) + 1);
    assert_eq!(consumer.totals().repeats, first.records);
    assert_eq!(again.findings, []);
    assert_eq!(
        port.reply(message.id, STATUS_SUCCESS, again.ack.bytes()),
        Ok(())
    );
    drop(port);
    bench.end();
}

#[test]
fn a_program_that_comes_back_says_what_it_has() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.clone_times(3);
    let mut watcher = bench.watch(Consumer::new());
    let taken = watcher.take();
    let second = taken.requests()[1].head.sequence;
    let Watcher { port, .. } = watcher;
    port.close();
    bench.clone_times(1);
    let mut watcher = bench.watch(Consumer::resume(boot_id(&taken), second));
    let rest = watcher.take();
    assert_eq!(rest.entries[0].sequence(), second + 1);
    assert_eq!(clones(&rest), 2);
    assert_eq!(rest.counters.delivered.get(), second);
    assert_eq!(watcher.consumer.totals().repeats, 0);
    watcher.acknowledge(&rest);
    drop(watcher);
    // Of a load that it does not know: everything is new to it.
    bench.clone_times(1);
    let mut watcher = bench.watch(Consumer::resume([7; 16], 900));
    let message = watcher.port.get_message().expect("a message");
    let delivery = watcher.consumer.feed(&message.body).expect("a batch");
    assert!(delivery.is_new_load);
    // What it was not there for is missing to it.
    let findings = delivery.findings;
    assert!(
        matches!(findings[..], [Finding::Gap { after: 0, .. }]),
        "{findings:?}"
    );
    assert_eq!(requests(&delivery.entries).len(), 1);
    drop(watcher);
    // More than was ever sent to anybody.
    let beyond = delivery.ack.through_sequence() + 1;
    let beyond = ConnectRequest::watch(boot_id(&rest), beyond);
    let refused = bench.connect(beyond.as_bytes()).err();
    assert_eq!(refused, Some(STATUS_INVALID_PARAMETER));
    // A number of no load: it would let go of records that nobody has.
    let of_none = ConnectRequest::watch([0; 16], 1);
    let refused = bench.connect(of_none.as_bytes()).err();
    assert_eq!(refused, Some(STATUS_INVALID_PARAMETER));
    // Its place is free again.
    drop(bench.watch(Consumer::new()));
    bench.end();
}

#[test]
fn a_context_that_is_no_request_is_refused() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let spoiled = |place: usize, value: u8| {
        let mut bytes = good_request();
        bytes[place] ^= value;
        bytes
    };
    let good = good_request();
    let long = [good.clone(), vec![0]].concat();
    let invalid = STATUS_INVALID_PARAMETER;
    let contexts = [
        ("nothing", vec![], invalid),
        ("short", good[..good.len() - 1].to_vec(), invalid),
        ("one byte", vec![b'C'], invalid),
        ("long", long, invalid),
        ("a page", vec![0; 4096], invalid),
        ("magic", spoiled(0, 1), invalid),
        ("version", spoiled(4, 0x80), STATUS_REVISION_MISMATCH),
        ("kind", spoiled(6, 0x40), invalid),
        ("reserved", spoiled(8, 1), invalid),
    ];
    for (name, context, status) in contexts {
        assert_eq!(bench.connect(&context).err(), Some(status), "{name}");
    }
    // None of them took the one place.
    bench.clone_times(1);
    assert_eq!(bench.events().len(), 1);
    bench.end();
}

#[test]
fn only_an_administrator_connects_and_only_one_program() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let request = good_request();
    let connect = |thread: &testbed::UserThread, name| {
        let connected = thread.machine().connect_port(thread, name, &request);
        connected.err()
    };
    let refused = bench.copy.run(|thread| connect(thread, PORT));
    assert_eq!(refused, Some(STATUS_ACCESS_DENIED));
    let system = bench.machine.system();
    assert_eq!(system.run(|thread| connect(thread, PORT)), None);
    assert_eq!(
        system.run(|thread| connect(thread, r"\cloneguardport")),
        None
    );
    let other = system.run(|thread| connect(thread, r"\CloneGuard"));
    assert_eq!(other, Some(STATUS_OBJECT_NAME_NOT_FOUND));
    bench.clone_times(1);
    let mut first = bench.watch(Consumer::new());
    for _ in 0..2 {
        let second = bench.connect(&request).err();
        assert_eq!(second, Some(STATUS_CONNECTION_COUNT_LIMIT));
    }
    assert_eq!(
        first.drain().requests().len(),
        1,
        "the first is not disturbed"
    );
    drop(first);
    bench.clone_times(1);
    assert_eq!(bench.events().len(), 1, "and its place is free again");
    bench.end();
}

#[test]
fn a_program_that_reads_and_never_answers_does_not_hold_an_unload() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.clone_times(2);
    let mut watcher = bench.watch(Consumer::new());
    let taken = watcher.take();
    assert_eq!(clones(&taken), 2);
    // Nor a request.
    bench.clone_times(1);
    bench.unload();
    let late = watcher
        .port
        .reply(taken.id, STATUS_SUCCESS, taken.ack.bytes());
    assert!(late.is_err(), "{late:?}");
    assert!(watcher.port.get_message().is_err());
    drop(watcher);
    // The clone, the last heartbeat, and that the driver stops.
    let undelivered = format!("not delivered {}", taken.records + 3);
    let said = bench.machine.debug_output().concat();
    assert!(said.contains(&undelivered), "{said}");
    bench.end_bare();
}

/// Replies to a batch of two records that acknowledge nothing.
fn bad_replies(taken: &Taken) -> Vec<(&'static str, Vec<u8>)> {
    let good = taken.ack.bytes();
    let spoiled = |place: usize| {
        let mut bytes = good.to_vec();
        bytes[place] ^= 0xFF;
        bytes
    };
    let ack = |boot_id, through| Ack::new(boot_id, through).bytes().to_vec();
    vec![
        ("of another load", ack([9; 16], 2)),
        ("beyond what was sent", ack(boot_id(taken), last(taken) + 1)),
        ("the largest number", ack(boot_id(taken), u64::MAX)),
        ("of another magic", spoiled(0)),
        ("of another version", spoiled(4)),
        ("of another form", spoiled(6)),
        ("empty", vec![]),
        ("short", good[..good.len() - 1].to_vec()),
        ("garbage", vec![0xA5; good.len()]),
    ]
}

#[test]
fn an_answer_that_is_no_acknowledgement_releases_nothing() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.clone_times(2);
    let mut first = bench.watch(Consumer::new());
    let taken = first.take();
    drop(first);
    let good = taken.ack.bytes();
    for number in 0..bad_replies(&taken).len() {
        let mut watcher = bench.watch(Consumer::new());
        let taken = watcher.take();
        let (name, reply) = bad_replies(&taken).swap_remove(number);
        assert_eq!(clones(&taken), 2, "before the reply {name}");
        let answered = watcher.port.reply(taken.id, STATUS_SUCCESS, &reply);
        assert_eq!(answered, Ok(()), "{name}");
        let again = watcher.port.reply(taken.id, STATUS_SUCCESS, good);
        assert_eq!(again, Err(STATUS_FLT_NO_WAITER_FOR_REPLY), "{name}");
    }
    let mut watcher = bench.watch(Consumer::new());
    let held = watcher.take();
    assert_eq!((clones(&held), held.counters.delivered.get()), (2, 0));
    drop(watcher);
    bench.end();
}
