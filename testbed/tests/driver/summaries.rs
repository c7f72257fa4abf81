//! Summaries of passed clones, when the policy asks for them.

use cloneguard::{Entry, Summary};
use testbed::ProcessSpec;
use testbed::io::{Hold, RequestOptions};
use testbed::status::{STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED};
use wire::Verdict;
use wire::policy::OnAuditLoss;

use super::blob::Blob;
use super::unload::{held_clones, held_clones_of};
use super::watch::requests;
use super::{Ask, Bench, CLUSTER, COPY, clone_once, close, send, two_files};

/// Summaries of half a minute.
pub(super) const BLOB: Blob = Blob {
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

pub(super) fn summaries(entries: &[Entry]) -> Vec<&Summary> {
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

/// One clone that the file system holds withholds nothing from the trail but itself.
#[test]
fn a_clone_that_takes_long_withholds_no_summary() {
    let Some(bench) = Bench::still_under(&BLOB) else {
        return;
    };
    let hold = Hold::new();
    let slow = held_clones(&bench, &hold, 1);
    hold.wait_for(1);
    clones(&bench, 5);
    bench.pass(30);
    assert_eq!(summaries(&bench.entries()).len(), 0, "it may still end");
    bench.pass(30);
    let entries = bench.entries();
    let told = summaries(&entries);
    let [summary] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        (summary.count, summary.completed, summary.pending),
        (5, 5, 1)
    );
    bench.pass(60);
    assert_eq!(summaries(&bench.entries()).len(), 0, "nothing is new");
    hold.release();
    for clone in slow {
        assert!(clone().status.is_success());
    }
    bench.pass(30);
    let entries = bench.entries();
    let told = summaries(&entries);
    let [rest] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((rest.count, rest.completed, rest.pending), (1, 1, 0));
    bench.end();
}

/// Nor those of others.
#[test]
fn a_clone_that_takes_long_withholds_nobody_elses_summary() {
    let Some(bench) = Bench::still_under(&BLOB) else {
        return;
    };
    let hold = Hold::new();
    let other = bench.machine.create_process(ProcessSpec::user(COPY));
    let mut slow = Vec::new();
    for process in [&bench.copy, &other] {
        process.run(|thread| clone_once(thread, bench.refs));
        slow.extend(held_clones_of(process, bench.refs, &hold, 1));
    }
    hold.wait_for(2);
    bench.pass(30);
    bench.pass(30);
    let entries = bench.entries();
    let told = summaries(&entries);
    let counts: Vec<_> = told.iter().map(|told| (told.count, told.pending)).collect();
    assert_eq!(counts, [(1, 1), (1, 1)]);
    hold.release();
    for clone in slow {
        assert!(clone().status.is_success());
    }
    bench.end();
}

/// Fills the whole journal with findings.
fn fill(bench: &Bench) {
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let bad = Ask {
            source: 512,
            ..Ask::plain(source)
        };
        for _ in 0..100 {
            let answer = send(thread, target, &bad, RequestOptions::default());
            assert!(!answer.status.is_success(), "{answer:?}");
        }
        close(thread, &[source, target]);
    });
}

/// The journal is full when the driver goes: what was summarised is counted with what nobody got.
#[test]
fn a_summary_without_room_at_the_unload_is_counted() {
    let (Some(with), Some(without)) = (
        undelivered_of_a_full_journal(3),
        undelivered_of_a_full_journal(0),
    ) else {
        return;
    };
    assert_eq!(with, without + 1, "one summary of three clones");
}

/// What the next load says was undelivered of one that summarised so many clones and whose journal was full then.
fn undelivered_of_a_full_journal(summarised: u32) -> Option<u64> {
    let blob = Blob {
        journal_size: 64 << 10,
        ..BLOB
    };
    let bench = Bench::still_under(&blob)?;
    clones(&bench, summarised);
    fill(&bench);
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    // Nothing is acknowledged, so nothing leaves the journal.
    let counters = watcher.take().counters;
    assert!(counters.lost.get() > 0, "the journal is full");
    bench.machine.wait_until_idle();
    drop(watcher);
    bench.unload();
    bench.load();
    let entries = bench.entries();
    let Some(Entry::Started(started)) = entries.first() else {
        panic!("{entries:?}")
    };
    let (undelivered, last) = (started.previous_undelivered, started.previous_sequence);
    assert_eq!(undelivered, last, "nobody has acknowledged anything");
    assert!(undelivered > counters.held.get() + counters.lost.get());
    bench.end();
    Some(undelivered)
}

/// What cannot be recorded is to be refused: a summary that has no room in the journal is no record.
#[test]
fn a_full_journal_begins_no_summary_where_it_refuses() {
    let blob = Blob {
        journal_size: 64 << 10,
        on_audit_loss: OnAuditLoss::Refuse,
        summarise_seconds: 30,
        ..Blob::ENFORCE
    };
    let Some(bench) = Bench::still_under(&blob) else {
        return;
    };
    let clone = |bench: &Bench| {
        bench.copy.run(|thread| {
            let (source, target) = two_files(thread, bench.refs, 16);
            let answer = send(thread, target, &Ask::ex(source), RequestOptions::default());
            close(thread, &[source, target]);
            answer.status
        })
    };
    assert!(clone(&bench).is_success());
    fill(&bench);
    assert_eq!(clone(&bench), STATUS_NOT_SUPPORTED);
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let counters = watcher.drain().counters;
    assert_eq!(counters.summarised.get(), 1);
    assert_eq!(counters.refused_unaudited.get(), 1);
    // There is room again, when the acknowledgement is there.
    bench.machine.wait_until_idle();
    assert!(clone(&bench).is_success());
    drop(watcher);
    bench.end();
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
