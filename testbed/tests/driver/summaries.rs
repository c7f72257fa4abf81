//! Summaries of passed clones, when the policy asks for them.

use cloneguard::{Entry, Summary};
use testbed::io::RequestOptions;
use testbed::status::STATUS_INVALID_PARAMETER;
use wire::Verdict;

use super::blob::Blob;
use super::watch::requests;
use super::{Ask, Bench, CLUSTER, COPY, close, send, two_files};

const BLOB: Blob = Blob {
    summarise_seconds: 30,
    ..Blob::OBSERVE
};

/// Some clones of one cluster each, then one that is noted.
fn clones(bench: &Bench, count: u32) {
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        for _ in 0..count {
            let answer = send(thread, target, &Ask::ex(source), RequestOptions::default());
            assert!(answer.status.is_success(), "{answer:?}");
        }
        let bad = Ask {
            source: 512,
            ..Ask::plain(source)
        };
        let answer = send(thread, target, &bad, RequestOptions::default());
        assert_eq!(answer.status, STATUS_INVALID_PARAMETER);
        close(thread, &[source, target]);
    });
}

fn summaries(entries: &[Entry]) -> Vec<&Summary> {
    let summaries = entries.iter().filter_map(|entry| match entry {
        Entry::Summary(summary) => Some(&**summary),
        _ => None,
    });
    summaries.collect()
}

#[test]
fn passed_clones_are_told_together_and_findings_by_themselves() {
    let Some(bench) = Bench::still_under(&BLOB) else {
        return;
    };
    clones(&bench, 50);
    let before = bench.entries();
    assert_eq!(summaries(&before).len(), 0, "the window is open");
    let noted = requests(&before);
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].end.verdict, Verdict::WouldRefuse);
    bench.pass(30);
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let drained = watcher.drain();
    let told = summaries(&drained.entries);
    let [summary] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        (summary.count, summary.completed, summary.failed),
        (50, 50, 0)
    );
    assert_eq!(summary.byte_count, 50 * CLUSTER.cast_unsigned());
    assert_eq!((summary.window_seconds, summary.last_failure), (30, None));
    assert_eq!(summary.image.text.as_deref(), Some(COPY));
    let directory = Some(r"\Device\HarddiskVolume3");
    assert_eq!(summary.source_directory.text.as_deref(), directory);
    assert_eq!(summary.target_directory.text.as_deref(), directory);
    let counters = drained.counters;
    assert_eq!((counters.seen.get(), counters.summarised.get()), (51, 50));
    assert!(counters.is_balanced());
    drop(watcher);
    bench.end();
}

/// A window that is open when the driver goes is told all the same.
#[test]
fn an_unload_closes_the_window() {
    let Some(bench) = Bench::still_under(&BLOB) else {
        return;
    };
    clones(&bench, 3);
    assert_eq!(summaries(&bench.entries()).len(), 0);
    bench.unload();
    let said = bench.machine.debug_output().concat();
    // Nobody was there: of the program that went, the summary, the heartbeat, the last word.
    assert!(said.contains("not delivered 4"), "{said}");
    bench.end_bare();
}

/// Without memory for a summary a clone has a record of its own.
#[test]
fn whatever_fails_each_clone_is_told_once() {
    for number in 1.. {
        let Some(bench) = Bench::still_under(&BLOB) else {
            return;
        };
        clones(&bench, 1);
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        clones(&bench, 1);
        let calls = injection.calls() - before;
        injection.fail(0);
        bench.pass(30);
        let entries = bench.entries();
        let told: u64 = summaries(&entries)
            .iter()
            .map(|summary| summary.count)
            .sum();
        let own = requests(&entries)
            .iter()
            .filter(|event| event.end.verdict == Verdict::Passed)
            .count() as u64;
        assert_eq!(told + own, 2, "call {number}");
        bench.end();
        if calls < number {
            return;
        }
    }
}
