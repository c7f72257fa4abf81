//! The source handle is swapped by a racing thread, as fast as it can, while others clone through it: what a record says of
//! the source is true of one object that was there, and if the file system took another one, the record is no clean one.
//!
//! A program that wants to mislead does just this. Driver and file system each resolve the handle for themselves, one after
//! the other, and the driver looks once more at the end. A file comes back only after all others, so whoever sees two
//! different ones first, and no more swaps than there are files, does not see the first one again.

use std::sync::atomic::{AtomicU64, Ordering};

use cloneguard::{Event, EventFile, EventName, NtStatus as Told, SourceVolume};
use testbed::UserThread;
use testbed::io::{Handle, IoStatus, RequestOptions};
use testbed::status::{NtStatus, STATUS_FILE_CLOSED};
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use wire::Verdict;

use super::super::blob::Blob;
use super::super::watch::{Watcher, requests};
use super::super::{Ask, Bench, close, send};
use super::{Racer, joined, race, rest, rounds};

/// Swaps of a round.
const SWAPS: u64 = 5000;
/// At least so many requests meet them, and no more than the journal holds.
const REQUESTS: std::ops::Range<u64> = 200..1500;
const WORKERS: usize = 2;
/// Files on the volume, each with a size, an access and a content of its own.
const FILES: u64 = 40;
/// After so many files comes something else.
const RUN: u64 = 5;

/// What the handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    File(u64),
    Directory,
    Elsewhere,
    Pipe,
    Event,
    /// Nothing, for the moment between two objects.
    Closed,
}

const OTHERS: [Object; 4] = [
    Object::Directory,
    Object::Elsewhere,
    Object::Pipe,
    Object::Event,
];

impl Object {
    /// What comes in a place of the order.
    fn at(place: u64) -> Self {
        let (run, within) = (place / (RUN + 1), place % (RUN + 1));
        if within == RUN {
            let number = usize::try_from(run % 4).expect("small");
            OTHERS[number]
        } else {
            Self::File((run * RUN + within) % FILES)
        }
    }

    /// Each, in no order.
    fn all() -> impl Iterator<Item = Self> {
        let files = (0..FILES).map(Self::File);
        files.chain(OTHERS).chain([Self::Closed])
    }

    fn path(self) -> String {
        match self {
            Self::File(number) => format!(r"\Swap-{number}.bin"),
            Self::Directory => r"\Folder".to_owned(),
            Self::Elsewhere => r"\Elsewhere.bin".to_owned(),
            Self::Pipe | Self::Event | Self::Closed => String::new(),
        }
    }

    fn access(self) -> u32 {
        match self {
            Self::File(number) if number % 2 == 1 => FILE_GENERIC_READ | FILE_GENERIC_WRITE,
            _ => FILE_GENERIC_READ,
        }
    }

    fn open(self, thread: &UserThread, bench: &Bench) -> Handle {
        let volume = match self {
            Self::Elsewhere => bench.other,
            _ => bench.refs,
        };
        match self {
            Self::Pipe => thread.open_foreign(r"\Device\NamedPipe\pipe", FILE_GENERIC_READ),
            Self::Event => thread.create_event(),
            _ => {
                let request = OpenRequest::existing(self.access());
                let opened = thread.create_file(volume, &self.path(), &request);
                opened.expect("opened")
            }
        }
    }

    /// Makes what is opened later.
    fn create(self, thread: &UserThread, bench: &Bench) {
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        let (volume, request) = match self {
            Self::File(_) => (bench.refs, OpenRequest::create(access)),
            Self::Directory => (bench.refs, OpenRequest::create_directory(access)),
            Self::Elsewhere => (bench.other, OpenRequest::create(access)),
            Self::Pipe | Self::Event | Self::Closed => return,
        };
        let made = thread.create_file(volume, &self.path(), &request);
        let made = made.expect("created");
        if let Self::File(number) = self {
            let size = usize::try_from(number + 1).expect("small") * 4096;
            let bytes = vec![fill(number); size];
            thread.write(made, 0, &bytes).expect("written");
        }
        close(thread, &[made]);
    }
}

fn fill(number: u64) -> u8 {
    u8::try_from(number + 1).expect("few files")
}

/// All that a record says of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    state: String,
    reasons: [Option<Told>; 2],
    granted_access: Option<u32>,
    same_stream: Option<bool>,
    name: EventName,
    file: EventFile,
    volume: SourceVolume,
}

impl Source {
    /// Whether it is what is known of an object, as far as it says anything. A file that was closed meanwhile is not asked
    /// for its name or number, and the record has the reason.
    fn agrees(&self, known: &Self) -> bool {
        let name =
            self.name == known.name || (self.name.text.is_none() && self.name.reason.is_some());
        let stream = self.same_stream.is_none() || self.same_stream == known.same_stream;
        name && stream
            && self.state == known.state
            && self.reasons == known.reasons
            && self.granted_access == known.granted_access
            && self.volume == known.volume
            && agree(&self.file, &known.file)
    }

    fn of(event: &Event) -> Self {
        Self {
            state: event.source_state.clone(),
            reasons: [event.source_status, event.source_reason],
            granted_access: event.granted_access,
            same_stream: event.same_stream,
            name: event.source.clone(),
            file: event.source_file.clone(),
            volume: event.source_volume.clone(),
        }
    }
}

/// The same for what the file system says of the file.
fn agree(file: &EventFile, known: &EventFile) -> bool {
    let id = file.id == known.id || (file.id.is_none() && file.id_reason.is_some());
    let facts = if file.kind.is_some() {
        (file.kind == known.kind)
            && (file.attributes, file.end_of_file, file.allocation_size)
                == (known.attributes, known.end_of_file, known.allocation_size)
    } else {
        file.reason.is_some() || file.state == known.state
    };
    id && facts
}

/// What is recorded of each object when nobody swaps, and what the file system answers.
struct Known {
    object: Object,
    source: Source,
    status: NtStatus,
}

/// The handle that is swapped, and how often it was: twice for each swap, so that it is odd in the middle of one.
struct Swapped {
    handle: Handle,
    steps: AtomicU64,
}

impl Swapped {
    /// Swaps until there were enough, and enough requests have met them.
    fn swap(&self, racer: &Racer<'_>, thread: &UserThread, bench: &Bench) {
        for place in 1.. {
            let is_enough = place > SWAPS && racer.answered() >= REQUESTS.start;
            if is_enough || racer.is_over() {
                break;
            }
            self.steps.fetch_add(1, Ordering::SeqCst);
            close(thread, &[self.handle]);
            let opened = Object::at(place).open(thread, bench);
            assert_eq!(opened, self.handle, "the value is used again");
            self.steps.fetch_add(1, Ordering::SeqCst);
            racer.step();
        }
        racer.end();
    }

    fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }
}

/// A request that met swaps.
struct Met {
    /// Steps of the swaps before it and after it.
    steps: (u64, u64),
    answer: IoStatus,
    /// The file that the file system took, by its content.
    taken: Option<u64>,
}

/// Clones through the handle until the race is over.
fn work(
    racer: &Racer<'_>,
    thread: &UserThread,
    target: Handle,
    swapped: &Swapped,
) -> (u32, Vec<Met>) {
    let mut met = Vec::new();
    while racer.turn() {
        let before = swapped.steps();
        let ask = Ask::plain(swapped.handle);
        let answer = send(thread, target, &ask, RequestOptions::default());
        let steps = (before, swapped.steps());
        let taken = answer.status.is_success().then(|| {
            let bytes = thread.read(target, 0, 4096).expect("read");
            assert!(bytes == [bytes[0]; 4096], "the cluster is of one file");
            u64::from(bytes[0]) - 1
        });
        met.push(Met {
            steps,
            answer,
            taken,
        });
        racer.count();
    }
    let id = u32::try_from(thread.thread().id()).expect("small");
    (id, met)
}

/// Sends a request through each object while nobody swaps.
fn learn(bench: &Bench, watcher: Watcher, target: Handle) -> (Watcher, Vec<Known>) {
    let statuses: Vec<_> = bench.copy.run(|thread| {
        Object::all()
            .map(|object| {
                let handle = if object == Object::Closed {
                    Handle(0x4000)
                } else {
                    object.open(thread, bench)
                };
                let ask = Ask::plain(handle);
                let answer = send(thread, target, &ask, RequestOptions::default());
                if object != Object::Closed {
                    close(thread, &[handle]);
                }
                answer.status
            })
            .collect()
    });
    let (watcher, drained) = rest(bench, watcher);
    let events = requests(&drained.entries);
    assert_eq!(events.len(), statuses.len());
    let known = Object::all().zip(&events).zip(statuses);
    let known = known.map(|((object, event), status)| Known {
        object,
        source: Source::of(event),
        status,
    });
    (watcher, known.collect())
}

/// The record has what the caller was told, and that is an answer that one of the objects has.
fn check_answer(met: &Met, event: &Event, known: &[Known]) {
    let end = &event.end;
    assert_eq!(
        end.status.map(|status| status.code()),
        Some(met.answer.status.0)
    );
    // A file that is closed between handle and file system is no file any more.
    let answers = known.iter().map(|known| known.status);
    let mut answers = answers.chain([STATUS_FILE_CLOSED]);
    let answer = &met.answer;
    assert!(answers.any(|status| status == answer.status), "{answer:?}");
}

/// What a request that met swaps has on record.
fn check(met: &Met, event: &Event, known: &[Known]) {
    let end = &event.end;
    check_answer(met, event, known);
    let source = Source::of(event);
    let mut seen = known.iter().filter(|known| source.agrees(&known.source));
    assert!(seen.next().is_some(), "of no object: {source:?}");
    let may_be = |object: Object| {
        let mut known = known.iter().filter(|known| known.object == object);
        known.any(|known| source.agrees(&known.source))
    };
    let (before, after) = met.steps;
    if before == after && before.is_multiple_of(2) {
        // Nobody swapped: driver and file system have seen the same, and so did the second look.
        let there = known
            .iter()
            .find(|known| known.object == Object::at(before / 2));
        assert_eq!(Some(&source), there.map(|known| &known.source));
        assert!(
            matches!(end.source_after.as_str(), "same" | "unasked"),
            "{end:?}"
        );
    }
    let comes_back = (after - before) / 2 + 2 >= FILES;
    let Some(taken) = met
        .taken
        .filter(|taken| !comes_back && !may_be(Object::File(*taken)))
    else {
        return;
    };
    assert_eq!(
        end.verdict,
        Verdict::Flagged,
        "file {taken} was taken for {source:?}: {end:?}"
    );
    if source.state == "same_volume" && source.file.kind.as_deref() == Some("data") {
        assert_eq!(end.source_after, "changed");
        assert!(end.rules.iter().any(|rule| rule.id == 45));
    }
}

/// Swaps and clones, and looks at the record of each request.
fn round(bench: &Bench, watcher: Watcher, targets: &[Handle], of: (&[Known], u64)) -> Watcher {
    let (known, number) = of;
    let race = race("the source handle is swapped", number);
    race.allow(REQUESTS.end);
    let handle = bench.copy.run(|thread| Object::at(0).open(thread, bench));
    let swapped = Swapped {
        handle,
        steps: AtomicU64::new(0),
    };
    race.run(|scope| {
        let swapped = &swapped;
        let workers = (1..).zip(targets).map(|(number, target): (u32, _)| {
            race.start(scope, &format!("worker-{number}"), move |racer| {
                bench
                    .copy
                    .run(|thread| work(racer, thread, *target, swapped))
            })
        });
        let workers: Vec<_> = workers.collect();
        let swapper = race.start(scope, "swapper", move |racer| {
            bench.copy.run(|thread| swapped.swap(racer, thread, bench));
        });
        joined(swapper);
        let work: Vec<_> = workers.into_iter().map(joined).collect();
        race.stage("the records");
        bench.copy.run(|thread| close(thread, &[handle]));
        let (watcher, drained) = rest(bench, watcher);
        check_records(&requests(&drained.entries), &work, known);
        watcher
    })
}

fn check_records(events: &[Event], work: &[(u32, Vec<Met>)], known: &[Known]) {
    for (id, met) in work {
        let own = events
            .iter()
            .filter(|event| event.process.thread_id == Some(*id));
        let own: Vec<_> = own.collect();
        assert_eq!(own.len(), met.len(), "a record of each");
        for (met, event) in met.iter().zip(own) {
            check(met, event, known);
        }
    }
}

#[test]
fn the_source_handle_is_swapped_by_a_racing_thread() {
    let blob = Blob {
        rechecks: true,
        ..Blob::OBSERVE
    };
    let Some(bench) = Bench::still_under(&blob) else {
        return;
    };
    let targets: Vec<_> = bench.copy.run(|thread| {
        for object in Object::all() {
            object.create(thread, &bench);
        }
        let target = |number| {
            let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
            let path = format!(r"\Target-{number}.bin");
            let made = thread.create_file(bench.refs, &path, &OpenRequest::create(access));
            let made = made.expect("created");
            thread.set_end_of_file(made, 4096).expect("extended");
            made
        };
        (0..WORKERS).map(target).collect()
    });
    let watcher = bench.watch(cloneguard::Consumer::new());
    let (mut watcher, known) = learn(&bench, watcher, targets[0]);
    for number in 0..rounds() {
        watcher = round(&bench, watcher, &targets, (&known, number));
        // Records may tell of programs at the port again.
        bench.pass(60);
    }
    bench.copy.run(|thread| close(thread, &targets));
    drop(watcher);
    bench.end();
}
