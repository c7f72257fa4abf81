//! A clone is interrupted by a clone.

use std::sync::Arc;

use cloneguard::{Consumer, Entry};
use testbed::io::{Handle, IoStatus, RequestOptions, VolumeId};
use testbed::{Held, NtStatus, Process};

use super::super::races::{Worker, program};
use super::super::watch::requests;
use super::super::{Ask, Bench, close, send};
use super::{alone, everywhere, places, told};

/// A program with two files.
#[derive(Clone)]
pub(super) struct Cloner {
    pub(super) process: Arc<Process>,
    source: Handle,
    target: Handle,
}

impl Cloner {
    /// Each has a number of its own.
    pub(super) fn new(bench: &Bench, number: usize) -> Self {
        let process = program(bench, &format!("cloner-{number}"));
        Self::of(&process, bench.refs, number)
    }

    /// The same of a process that is there.
    pub(super) fn of(process: &Arc<Process>, volume: VolumeId, number: usize) -> Self {
        let process = Arc::clone(process);
        let files = Worker::new(volume, number);
        let (source, target) = process.run(|thread| files.files(thread));
        Self {
            process,
            source,
            target,
        }
    }

    /// Clones a cluster. It works.
    pub(super) fn clone_one(&self) {
        let status = self.try_clone();
        assert!(status.is_success(), "{status}");
    }

    /// Clones a cluster, or is told why not.
    pub(super) fn try_clone(&self) -> NtStatus {
        self.send(&Ask::ex(self.source)).status
    }

    /// Closes its files, and goes on.
    pub(super) fn close(self) {
        let files = [self.source, self.target];
        self.process.run(|thread| close(thread, &files));
    }

    /// Asks for half a cluster: rule 22.
    pub(super) fn clone_half(&self) -> IoStatus {
        self.send(&Ask {
            count: 512,
            ..Ask::plain(self.source)
        })
    }

    fn send(&self, ask: &Ask) -> IoStatus {
        let options = RequestOptions::default();
        self.process
            .run(|thread| send(thread, self.target, ask, options))
    }

    pub(super) fn end(self) {
        self.process.exit();
    }
}

/// The programs whose clones are on record, one for each.
pub(super) fn cloners(entries: &[Entry]) -> Vec<Option<u64>> {
    let events = requests(entries);
    let ids = events.iter().map(|event| event.process.process_id);
    let mut ids: Vec<_> = ids.map(|id| id.map(u64::from)).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn two_clones_have_a_record_each() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let left = Cloner::new(&bench, 1);
        let right = Cloner::new(&bench, 2);
        left.clone_one();
        right.clone_one();
        let mut watcher = bench.watch(Consumer::new());
        let places = places(&bench, Held::Caller, || left.clone_one());
        told(&bench, &mut watcher);
        let both = [&left, &right].map(|cloner| Some(cloner.process.id()));
        let check = |(), ()| assert_eq!(cloners(&told(&bench, &mut watcher)), both);
        everywhere(
            &bench,
            &places,
            || left.clone_one(),
            || right.clone_one(),
            check,
        );
        drop(watcher);
        left.end();
        right.end();
        bench.end();
    });
}
