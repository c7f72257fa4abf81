//! Volumes that come and go under load, and one that the driver is taken from: what is asked there is on record as long as
//! the driver is attached, and nothing of the others is missing.

use cloneguard::{Consumer, Entry, Event};
use testbed::io::{IoStatus, VolumeId, VolumeSpec};
use testbed::status::STATUS_VOLUME_DISMOUNTED;
use wire::{VolumeCause, VolumeEvent};

use super::super::watch::{Watcher, requests};
use super::super::{Bench, SERVICE};
use super::{Racer, Work, Worker, joined, program, race, rest, rounds};

/// Those on the volume that goes, and one on a volume that stays.
const WORKERS: usize = 3;
/// Volumes of a round.
const VOLUMES: u64 = 8;
/// Requests before a volume goes, and as many afterwards.
const REQUESTS: u64 = 40;

/// How a volume ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum End {
    /// The driver is taken from it, and it goes on.
    Detached,
    Dismounted,
}

impl End {
    /// They take turns.
    fn of(volume: u64) -> Self {
        if volume.is_multiple_of(2) {
            Self::Detached
        } else {
            Self::Dismounted
        }
    }

    pub(in super::super) fn bring_about(self, bench: &Bench, volume: VolumeId) {
        match self {
            Self::Detached => bench.machine.detach(SERVICE, volume),
            Self::Dismounted => bench.machine.dismount(volume),
        }
        .expect("it goes");
    }

    pub(in super::super) fn cause(self) -> VolumeCause {
        match self {
            Self::Detached => VolumeCause::ManualDetach,
            Self::Dismounted => VolumeCause::Dismounted,
        }
    }
}

/// Clones until the race is over, or the volume has gone.
fn work(racer: &Racer<'_>, bench: &Bench, worker: &Worker) -> Work {
    let program = program(bench, &worker.name);
    let go_on = |answer: &IoStatus| answer.status.is_success();
    let work = program.run(|thread| worker.run(racer, thread, go_on));
    program.exit();
    work
}

/// Mounts a volume, and lets it go in the middle of the work there.
fn one_volume(bench: &Bench, watcher: Watcher, number: u64) -> Watcher {
    let end = End::of(number);
    let name = format!(r"\Device\HarddiskVolume{}", 100 + number);
    let mounted = bench
        .machine
        .mount(VolumeSpec::refs(4096).name(name.clone()));
    let volume = mounted.expect("mounted");
    let race = race(&format!("{name} is {end:?}"), number / VOLUMES);
    race.run(|scope| {
        let workers = (0..=WORKERS).map(|number| {
            let volume = if number == WORKERS {
                bench.refs
            } else {
                volume
            };
            let worker = Worker::new(volume, number);
            race.start(scope, &worker.name.clone(), move |racer| {
                work(racer, bench, &worker)
            })
        });
        let workers: Vec<_> = workers.collect();
        race.wait_for_workers(WORKERS + 1);
        race.allow(2 * REQUESTS);
        race.wait_for(REQUESTS, || ());
        race.stage("the end of the volume");
        end.bring_about(bench, volume);
        race.wait_for(2 * REQUESTS, || ());
        race.end();
        let works: Vec<_> = workers.into_iter().map(joined).collect();
        race.stage("the records");
        if end == End::Detached {
            bench.machine.dismount(volume).expect("dismounted");
        }
        let (watcher, drained) = rest(bench, watcher);
        assert_eq!(drained.counters.lost.get(), 0, "nothing is lost");
        check_work(&works, &requests(&drained.entries), end);
        check_volume(&drained.entries, &name, end);
        watcher
    })
}

/// Of the work on the volume that went the first requests are on record, and of the other all.
fn check_work(work: &[Work], events: &[Event], end: End) {
    let total: usize = work.iter().map(|work| work.recorded(events).len()).sum();
    assert_eq!(total, events.len(), "records of nobody");
    let (stays, goes) = work.split_last().expect("workers");
    for work in goes {
        let recorded = work.recorded(events);
        let first: Vec<_> = (0..recorded.len()).collect();
        assert_eq!(recorded, first, "up to the end, and in order");
        work.check_ends(events);
        let failed = work
            .answers
            .iter()
            .filter(|answer| !answer.status.is_success());
        for answer in failed {
            assert_eq!(
                (answer.status, end),
                (STATUS_VOLUME_DISMOUNTED, End::Dismounted)
            );
        }
    }
    let all: Vec<_> = (0..stays.answers.len()).collect();
    assert_eq!(stays.recorded(events), all);
    stays.check_ends(events);
    assert!(
        stays
            .answers
            .iter()
            .all(|answer| answer.status.is_success())
    );
}

/// It was attached before the first request there, once, and detached once.
fn check_volume(entries: &[Entry], name: &str, end: End) {
    let changes: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Volume(change) if change.device.text.as_deref() == Some(name) => Some(change),
            _ => None,
        })
        .collect();
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.event, change.cause))
        .collect();
    let expected = [
        (VolumeEvent::Attached, VolumeCause::NoCause),
        (VolumeEvent::Detached, end.cause()),
    ];
    assert_eq!(told, expected, "{name}");
    let there = |event: &&Event| {
        let target = event.target.text.as_deref().unwrap_or_default();
        target.starts_with(&format!(r"{name}\"))
    };
    let events = requests(entries);
    let first = events.iter().find(there).expect("some were watched");
    assert!(changes[0].head.sequence < first.head.sequence);
}

#[test]
fn volumes_go_under_load() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    for number in 0..rounds() * VOLUMES {
        watcher = one_volume(&bench, watcher, number);
        // Records may tell of programs at the port again.
        bench.pass(60);
    }
    drop(watcher);
    bench.end();
}
