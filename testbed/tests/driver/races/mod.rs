//! Many threads at once against the shipped image: what holds however they mix.
//!
//! How they mix is the scheduler's, and nothing here depends on it: a race is over after so many requests, no thread waits for
//! time to pass, and what is asserted is true of every order. [`Worker`] clones and knows what its records must say;
//! [`Race`] is where the threads of a test meet, and sees to it that there is an end. `./dev races` runs the same for longer.

mod directions;
pub(super) mod policies;
mod programs;
mod race;
mod swaps;
mod unloads;
pub(super) mod volumes;

use std::sync::Arc;

use cloneguard::Event;
use testbed::io::{Handle, IoStatus, RequestOptions, VolumeId};
use testbed::status::STATUS_VOLUME_DISMOUNTED;
use testbed::volume::{Disposition, FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{Process, ProcessSpec, UserThread};

use super::watch::{Drained, Watcher};
use super::{Ask, Bench, CLUSTER, send};
use race::{Race, Racer, joined};

/// How many times as long as in `./dev test` the races are to be, set by `./dev races`.
const LONGER: &str = "CLONEGUARD_RACES";

/// As often as a race is run.
pub(super) fn rounds() -> u64 {
    let longer = std::env::var(LONGER).ok();
    longer.map_or(1, |times| times.parse().expect("a number"))
}

/// The race of a round, which begins with 0.
fn race(of: &str, round: u64) -> Race {
    Race::new(format!("{of}, round {} of {}", round + 1, rounds()))
}

/// Clusters of a worker's files: each of its requests has a source and a target cluster that no other one has together.
const SIDE: u64 = 64;

/// A thread that clones between two files of its own.
pub(super) struct Worker {
    volume: VolumeId,
    name: String,
}

/// What a worker has sent, and what it was told.
struct Work {
    thread_id: u64,
    answers: Vec<IoStatus>,
}

impl Worker {
    pub(super) fn new(volume: VolumeId, number: usize) -> Self {
        Self {
            volume,
            name: format!("worker-{number}"),
        }
    }

    /// Source and target, of which every cluster of the source has its number in it.
    pub(super) fn files(&self, thread: &UserThread) -> (Handle, Handle) {
        let request = OpenRequest {
            disposition: Disposition::OverwriteIf,
            ..OpenRequest::create(FILE_GENERIC_READ | FILE_GENERIC_WRITE)
        };
        let open = |what| {
            let path = format!(r"\{} {what}", self.name);
            let opened = thread.create_file(self.volume, &path, &request);
            opened.expect("created")
        };
        let (source, target) = (open("source"), open("target"));
        let bytes: Vec<u8> = (0..SIDE)
            .flat_map(|cluster| [fill(cluster); 4096])
            .collect();
        thread.write(source, 0, &bytes).expect("written");
        let size = bytes.len() as u64;
        thread.set_end_of_file(target, size).expect("extended");
        (source, target)
    }

    /// Clones until the race is over or the answer is not `go_on`.
    fn run(
        &self,
        racer: &Racer<'_>,
        thread: &UserThread,
        go_on: impl Fn(&IoStatus) -> bool,
    ) -> Work {
        let (source, target) = self.files(thread);
        racer.prepared();
        let mut answers = Vec::new();
        while racer.turn() {
            let ask = ask(source, answers.len());
            let answer = send(thread, target, &ask, RequestOptions::default());
            if answer.status.is_success() {
                check_content(thread, target, &ask);
            }
            let is_last = !go_on(&answer);
            answers.push(answer);
            racer.count();
            if is_last {
                break;
            }
        }
        for handle in [source, target] {
            // On a volume that is gone too.
            thread.close(handle).expect("closed");
        }
        Work {
            thread_id: thread.thread().id(),
            answers,
        }
    }
}

/// The target has what was cloned, unless its volume has gone since.
fn check_content(thread: &UserThread, target: Handle, ask: &Ask) {
    let offset = u64::try_from(ask.target).expect("in the file");
    let cluster = u64::try_from(ask.source / CLUSTER).expect("in the file");
    match thread.read(target, offset, 4096) {
        Ok(got) => assert!(got == [fill(cluster); 4096], "cluster {cluster}"),
        Err(status) => assert_eq!(status, STATUS_VOLUME_DISMOUNTED),
    }
}

fn fill(cluster: u64) -> u8 {
    u8::try_from(cluster + 1).expect("few clusters")
}

/// The request of a number: the plain code and the EX code take turns.
fn ask(source: Handle, number: usize) -> Ask {
    let (row, column) = place(number);
    let base = if number.is_multiple_of(2) {
        Ask::plain(source)
    } else {
        Ask::ex(source)
    };
    Ask {
        source: row * CLUSTER,
        target: column * CLUSTER,
        ..base
    }
}

fn place(number: usize) -> (i64, i64) {
    let number = i64::try_from(number).expect("few requests");
    let side = SIDE.cast_signed();
    assert!(
        number < side * side,
        "the pair of clusters is another one each time"
    );
    (number % side, number / side)
}

impl Work {
    /// The numbers of the requests that are on record, in the order of the records.
    fn recorded(&self, events: &[Event]) -> Vec<usize> {
        let own = self.own(events);
        own.map(|event| {
            let claim = event.claim.as_ref().expect("read");
            assert_eq!(claim.byte_count, CLUSTER);
            let (row, column) = (claim.source_offset / CLUSTER, claim.target_offset / CLUSTER);
            usize::try_from(column * SIDE.cast_signed() + row).expect("a place")
        })
        .collect()
    }

    /// The records of its requests.
    fn own<'e>(&self, events: &'e [Event]) -> impl Iterator<Item = &'e Event> + use<'e> {
        let id = u32::try_from(self.thread_id).ok();
        events
            .iter()
            .filter(move |event| event.process.thread_id == id)
    }

    /// Every record that tells of an end tells what the caller was told.
    fn check_ends(&self, events: &[Event]) {
        for (number, event) in self.recorded(events).into_iter().zip(self.own(events)) {
            let Some(status) = event.end.status else {
                continue;
            };
            let answer = &self.answers[number];
            assert_eq!(status.code(), answer.status.0, "request {number}");
        }
    }
}

/// Everything that the driver has now: a new connection is greeted even if there is no record, so this ends.
fn rest(bench: &Bench, watcher: Watcher) -> (Watcher, Drained) {
    let consumer = watcher.consumer.clone();
    drop(watcher);
    let mut watcher = bench.watch(consumer);
    let drained = watcher.drain();
    (watcher, drained)
}

/// Another program beside the one that every bench has.
pub(super) fn program(bench: &Bench, name: &str) -> Arc<Process> {
    let image = format!(r"\Device\HarddiskVolume3\Windows\{name}.exe");
    bench.machine.create_process(ProcessSpec::user(image))
}
