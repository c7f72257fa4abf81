//! Records are lost while losses are told of.

use cloneguard::{Consumer, Entry};
use testbed::Held;

use super::super::blob::Blob;
use super::super::loss::gap;
use super::super::{Bench, SERVICE};
use super::clones::Cloner;
use super::{Met, Named, alone, one_in};

/// The journal is filled for each try: in a short run one place is tried of so many.
const MINUTES: usize = 41;
/// More clones than a small journal has room for.
const CLONES: u32 = 150;

#[test]
fn each_loss_is_told_once() {
    let blob = Blob {
        journal_size: 64 << 10,
        ..Blob::OBSERVE
    };
    alone(|| {
        let Some(bench) = Bench::still_under(&blob) else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        let fill = || (0..CLONES).for_each(|_| cloner.clone_one());
        let pass = || {
            bench.pass(60);
            bench.machine.wait_until_idle();
        };
        fill();
        let places = one_in(MINUTES, &bench, Held::Worker, pass);
        let (mut told, mut met) = (0, Met::default());
        for place in &places {
            let named = Named(place);
            told += total(&bench.entries());
            fill();
            let (first, second) = (|| bench.pass(60), || cloner.clone_one());
            let done = bench.machine.preempted(SERVICE, place, first, second);
            met.note(done.was_held);
            pass();
            drop(named);
        }
        let mut watcher = bench.watch(Consumer::new());
        let drained = watcher.drain();
        told += total(&drained.entries);
        assert_eq!(told, drained.counters.lost.get());
        drop(watcher);
        cloner.end();
        bench.end();
    });
}

/// How many losses are told of.
fn total(entries: &[Entry]) -> u64 {
    entries.iter().filter_map(gap).map(|gap| gap.total).sum()
}
