//! Clones that are told together: whenever a window ends, each of them is in one summary, or has a record of its own.

use cloneguard::{Consumer, Summary};
use testbed::Held;

use super::super::races::program;
use super::super::status::report;
use super::super::summaries::{BLOB, summaries};
use super::super::watch::{Watcher, requests};
use super::super::{Bench, CLUSTER};
use super::clones::Cloner;
use super::{Kept, alone, everywhere, one_in, told};

/// A window takes its time: in a short run one place is tried of so many.
const WINDOWS: usize = 17;

/// One program whose clones are told together, from two threads with files of their own in one directory.
struct Scene {
    bench: Bench,
    left: Cloner,
    right: Cloner,
    watcher: Kept<Watcher>,
}

impl Scene {
    fn prepare() -> Option<Self> {
        let bench = Bench::still_under(&BLOB)?;
        let process = program(&bench, "cloner");
        let [left, right] = [1, 2].map(|number| Cloner::of(&process, bench.refs, number));
        left.clone_one();
        right.clone_one();
        let scene = Self {
            watcher: Kept::of(bench.watch(Consumer::new())),
            left,
            right,
            bench,
        };
        scene.check(2);
        Some(scene)
    }

    /// The window is over.
    fn pass(&self) {
        self.bench.pass(BLOB.summarise_seconds.into());
    }

    /// So many clones are told of by now, each once, and none is under way.
    fn check(&self, clones: u64) {
        // One that was under way is told of a window later.
        self.pass();
        self.pass();
        let entries = self.watcher.with(|watcher| told(&self.bench, watcher));
        assert_eq!(requests(&entries).len(), 0, "all are told together");
        let told = summaries(&entries);
        let sum = |count: fn(&Summary) -> u64| told.iter().map(|told| count(told)).sum::<u64>();
        let pending = told.last().map(|last| last.pending);
        assert_eq!(
            (sum(|told| told.count), sum(|told| told.completed), pending),
            (clones, clones, Some(0))
        );
        assert_eq!(
            sum(|told| told.byte_count),
            clones * CLUSTER.cast_unsigned()
        );
        let counters = report(&self.bench).counters;
        assert!(counters.is_balanced());
        assert_eq!(counters.seen, counters.summarised);
    }

    fn end(self) {
        drop(self.watcher);
        self.left.end();
        self.bench.end();
    }
}

#[test]
fn two_clones_are_told_together() {
    alone(|| {
        let Some(scene) = Scene::prepare() else {
            return;
        };
        let (left, right) = (|| scene.left.clone_one(), || scene.right.clone_one());
        let places = one_in(WINDOWS, &scene.bench, Held::Caller, left);
        scene.check(1);
        let check = |(), ()| scene.check(2);
        everywhere(&scene.bench, &places, left, right, check);
        scene.end();
    });
}

/// The thread is held that tells of a window.
#[test]
fn a_clone_comes_when_the_window_ends() {
    alone(|| {
        let Some(scene) = Scene::prepare() else {
            return;
        };
        scene.left.clone_one();
        let places = one_in(WINDOWS, &scene.bench, Held::Worker, || scene.pass());
        scene.check(1);
        scene.left.clone_one();
        let check = |(), ()| {
            scene.check(2);
            scene.left.clone_one();
        };
        let clone = || scene.right.clone_one();
        everywhere(&scene.bench, &places, || scene.pass(), clone, check);
        scene.check(1);
        scene.end();
    });
}

/// The clone of another thread is in it, and so is the one that is held, if it had ended.
#[test]
fn the_window_ends_during_a_clone() {
    alone(|| {
        let Some(scene) = Scene::prepare() else {
            return;
        };
        let clone = || scene.left.clone_one();
        let places = one_in(WINDOWS, &scene.bench, Held::Caller, clone);
        scene.check(1);
        scene.right.clone_one();
        let check = |(), ()| {
            scene.check(2);
            scene.right.clone_one();
        };
        everywhere(&scene.bench, &places, clone, || scene.pass(), check);
        scene.check(1);
        scene.end();
    });
}
