//! Nobody takes the records, until the journal is full: what is lost is counted, and what is delivered
//! proves the count.

use cloneguard::{Consumer, Entry, Gap};
use testbed::io::RequestOptions;
use testbed::status::STATUS_NOT_SUPPORTED;
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};

use super::{Ask, Bench, clone_once, close, send};

/// Units of each component of the long path.
const COMPONENT: usize = 200;
/// Components: source and target each have a name of some 1000 units.
const DEPTH: usize = 5;
/// Requests: a record holds two names of 2000 bytes, so the journal of 4 MiB takes about 900.
const REQUESTS: u64 = 1500;

/// Sends many good clones between files with long names; answers how many were refused.
pub(crate) fn fill(bench: &Bench) -> u64 {
    bench.copy.run(|thread| {
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        let mut folder = String::new();
        for _ in 0..DEPTH - 1 {
            folder = format!(r"{folder}\{}", "d".repeat(COMPONENT));
            let request = OpenRequest::create_directory(access);
            let made = thread.create_file(bench.refs, &folder, &request);
            close(thread, &[made.expect("created")]);
        }
        let open = |letter: &str| {
            let path = format!(r"{folder}\{}", letter.repeat(COMPONENT));
            let made = thread.create_file(bench.refs, &path, &OpenRequest::create(access));
            made.expect("created")
        };
        let (source, target) = (open("s"), open("t"));
        thread.write(source, 0, &[1; 4096]).expect("written");
        thread.set_end_of_file(target, 4096).expect("extended");
        let mut refused = 0;
        for _ in 0..REQUESTS {
            let answer = send(
                thread,
                target,
                &Ask::plain(source),
                RequestOptions::default(),
            );
            if answer.status == STATUS_NOT_SUPPORTED {
                refused += 1;
            } else {
                assert!(answer.status.is_success(), "{answer:?}");
            }
        }
        close(thread, &[source, target]);
        refused
    })
}

/// What the consumer of a full journal gets, and what the driver says that it lost.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one full journal, and each place that tells of it"
)]
fn a_full_journal_loses_the_newest_and_says_so() {
    let Some(bench) = Bench::start() else {
        return;
    };
    assert_eq!(fill(&bench), 0, "observe mode refuses nothing");
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    let (events, counters) = (drained.requests(), drained.counters);
    let kept = u64::try_from(events.len()).expect("some");
    assert!((500..REQUESTS).contains(&kept), "{kept} records were kept");
    assert!(
        events.iter().all(|event| event.head.lost_before == 0),
        "the oldest are kept, none is overwritten"
    );
    assert_eq!(
        (counters.seen.get(), counters.completed.get()),
        (REQUESTS, REQUESTS)
    );
    assert_eq!(counters.lost.get(), REQUESTS - kept);
    // All of them routine, for want of the quarter that is kept for what matters more.
    assert_eq!(counters.losses[0][0].get(), REQUESTS - kept);
    let told: Vec<_> = drained.entries.iter().filter_map(gap).collect();
    let [told] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((told.total, told.refused), (REQUESTS - kept, 0));
    assert_eq!(told.losses.routine.quota, REQUESTS - kept);
    let totals = *watcher.consumer.totals();
    assert_eq!(
        totals.entries + totals.lost,
        counters.last_sequence().expect("a number")
    );
    assert_eq!(
        (
            totals.lost,
            totals.repeats,
            totals.earlier,
            totals.unexplained
        ),
        (REQUESTS - kept, 0, 0, 0)
    );
    // The next one has room again.
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let next = watcher.drain().requests();
    assert_eq!((next.len(), next[0].head.lost_before), (1, 0));
    drop(watcher);
    bench.end();
}

/// The gap that an entry tells of.
pub(crate) fn gap(entry: &Entry) -> Option<&Gap> {
    match entry {
        Entry::Gap(gap) => Some(gap),
        _ => None,
    }
}

#[test]
fn after_a_loss_the_journal_takes_records_again() {
    let Some(bench) = Bench::start() else {
        return;
    };
    assert_eq!(fill(&bench), 0, "observe mode refuses nothing");
    let mut consumer = Consumer::new();
    for round in 0..3 {
        let mut watcher = bench.watch(consumer);
        watcher.drain();
        consumer = watcher.consumer.clone();
        drop(watcher);
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        assert_eq!(consumer.totals().unexplained, 0, "round {round}");
    }
    let mut watcher = bench.watch(consumer);
    let drained = watcher.drain();
    let (events, counters) = (drained.requests(), drained.counters);
    assert_eq!((events.len(), events[0].head.lost_before), (1, 0));
    let totals = watcher.consumer.totals();
    assert_eq!(counters.seen.get(), REQUESTS + 3);
    assert_eq!((counters.lost.get(), totals.unexplained), (totals.lost, 0));
    assert_eq!(
        totals.entries + totals.lost,
        counters.last_sequence().expect("a number")
    );
    drop(watcher);
    bench.end();
}
