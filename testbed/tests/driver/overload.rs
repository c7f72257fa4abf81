//! Ten times more clones than the journal holds, and nobody to take them.

use cloneguard::Consumer;
use testbed::io::RequestOptions;
use testbed::status::STATUS_INVALID_PARAMETER;
use wire::Verdict;

use super::blob::Blob;
use super::heartbeat::beats;
use super::{Ask, Bench, close, send, two_files};

/// Bytes of the journal: some fifty records.
const JOURNAL: u64 = 64 << 10;
/// Clones for each finding.
const CLONES: u64 = 60;
/// Findings, as many as fit what is kept for them.
const FINDINGS: u64 = 10;

/// A finding among many clones.
fn round(bench: &Bench) {
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let good = Ask::plain(source);
        let bad = Ask {
            source: 512,
            ..Ask::plain(source)
        };
        for _ in 0..CLONES {
            let answer = send(thread, target, &good, RequestOptions::default());
            assert!(answer.status.is_success(), "{answer:?}");
        }
        let answer = send(thread, target, &bad, RequestOptions::default());
        assert_eq!(answer.status, STATUS_INVALID_PARAMETER);
        close(thread, &[source, target]);
    });
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one run, and each place that counts what it lost"
)]
fn no_finding_is_lost_while_clones_fill_the_journal() {
    let blob = Blob {
        journal_size: JOURNAL,
        ..Blob::ENFORCE
    };
    let Some(bench) = Bench::still_under(&blob) else {
        return;
    };
    for _ in 0..FINDINGS {
        round(&bench);
        bench.pass(60);
    }
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    let requests = drained.requests();
    let refused = requests
        .iter()
        .filter(|event| event.end.verdict == Verdict::Refused);
    assert_eq!(refused.count() as u64, FINDINGS, "every finding is there");
    let kept = requests.len() as u64 - FINDINGS;
    assert!(
        (20..100).contains(&kept),
        "{kept} of {} clones",
        FINDINGS * CLONES
    );
    let counters = drained.counters;
    assert_eq!(
        counters.losses[0].map(|lost| lost.get()),
        [FINDINGS * CLONES - kept, 0, 0]
    );
    // That the program came is state, which leaves the last eighth to findings.
    assert_eq!(counters.losses[2].map(|lost| lost.get()), [1, 0, 0]);
    assert_eq!(counters.lost.get(), FINDINGS * CLONES - kept + 1);
    // The heartbeat adds up. With the journal beyond its half, and nobody who takes it, there is one.
    let seen: Vec<u64> = beats(&drained.entries)
        .iter()
        .map(|beat| beat.seen)
        .collect();
    assert_eq!(seen, [CLONES + 1]);
    // Each loss is in one gap record. What had no room left for its own comes when there is some.
    let gaps = |entries: &[cloneguard::Entry]| -> u64 {
        let gaps = entries.iter().filter_map(super::loss::gap);
        gaps.map(|gap| gap.total).sum()
    };
    let mut told = gaps(&drained.entries);
    while told < counters.lost.get() {
        told += gaps(&watcher.drain().entries);
    }
    assert_eq!(told, counters.lost.get());
    let totals = watcher.consumer.totals();
    assert_eq!(
        (totals.unexplained, totals.repeats, totals.earlier),
        (0, 0, 0)
    );
    drop(watcher);
    bench.end();
}
