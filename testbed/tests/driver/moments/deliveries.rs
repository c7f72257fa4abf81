//! A consumer comes, goes or is killed while records come about and are delivered: it or the next one has each of them once.

use cloneguard::{Consumer, Entry};
use testbed::Held;
use testbed::status::STATUS_SUCCESS;

use super::super::Bench;
use super::super::consumers::join;
use super::super::watch::Watcher;
use super::clones::{Cloner, cloners};
use super::{Kept, alone, everywhere, one_in, places, told};

/// A program takes its time to come: in a short run one place of a clone is tried of so many.
const CLONES: usize = 19;

/// A clone, and the consumer that has its record.
struct Watched {
    bench: Bench,
    cloner: Cloner,
    id: Option<u64>,
    watcher: Kept<Watcher>,
}

impl Watched {
    fn prepare() -> Option<Self> {
        let bench = Bench::still()?;
        let cloner = Cloner::new(&bench, 1);
        cloner.clone_one();
        let mut watcher = bench.watch(Consumer::new());
        told(&bench, &mut watcher);
        Some(Self {
            id: Some(cloner.process.id()),
            watcher: Kept::of(watcher),
            cloner,
            bench,
        })
    }

    /// The record of one clone is there, for the consumer that is there now.
    fn check(&self) {
        let entries = self.watcher.with(|watcher| told(&self.bench, watcher));
        assert_eq!(cloners(&entries), [self.id]);
    }

    fn end(self) {
        drop(self.watcher);
        self.cloner.end();
        self.bench.end();
    }
}

#[test]
fn a_consumer_comes_during_a_clone() {
    alone(|| {
        let Some(watched) = Watched::prepare() else {
            return;
        };
        let (bench, cloner) = (&watched.bench, &watched.cloner);
        let places = one_in(CLONES, bench, Held::Caller, || cloner.clone_one());
        watched.check();
        let had = Kept::none();
        let leave = || had.put(watched.watcher.take().consumer.clone());
        leave();
        let come = || watched.watcher.put(bench.watch(had.take()));
        let check = |(), ()| {
            watched.check();
            leave();
        };
        everywhere(bench, &places, || cloner.clone_one(), come, check);
        come();
        watched.end();
    });
}

#[test]
fn a_consumer_goes_during_a_clone() {
    alone(|| {
        let Some(watched) = Watched::prepare() else {
            return;
        };
        let (bench, cloner) = (&watched.bench, &watched.cloner);
        let places = one_in(CLONES, bench, Held::Caller, || cloner.clone_one());
        watched.check();
        let had = Kept::none();
        let leave = || had.put(watched.watcher.take().consumer.clone());
        let check = |(), ()| {
            watched.watcher.put(bench.watch(had.take()));
            watched.check();
        };
        everywhere(bench, &places, || cloner.clone_one(), leave, check);
        watched.end();
    });
}

/// Takes what the driver has to tell, as long as it is connected.
fn take(bench: &Bench, watcher: &mut Watcher) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        bench.machine.wait_until_idle();
        let Ok(Some(message)) = watcher.port.poll_message() else {
            return entries;
        };
        let delivery = watcher.consumer.feed(&message.body).expect("a batch");
        assert_eq!(delivery.findings, [], "the trail adds up");
        // It may be killed before it has answered. What it has it has.
        let port = &watcher.port;
        let _answered = port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
        entries.extend(delivery.entries);
    }
}

/// The thread that delivers is held, from the record up to behind the acknowledgement.
#[test]
fn a_consumer_is_killed_during_a_delivery() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        let (tool, watcher) = join(&bench, Consumer::new());
        let (tool, watcher) = (Kept::of(tool), Kept::of(watcher));
        let deliver = || {
            watcher.with(|watcher| {
                cloner.clone_one();
                take(&bench, watcher)
            })
        };
        deliver();
        let places = places(&bench, Held::Worker, || drop(deliver()));
        let kill = || tool.get().kill();
        let check = |mut entries: Vec<Entry>, ()| {
            let had = watcher.take().consumer.clone();
            let (next, mut successor) = join(&bench, had);
            entries.extend(take(&bench, &mut successor));
            assert_eq!(cloners(&entries), [Some(cloner.process.id())]);
            tool.put(next);
            watcher.put(successor);
        };
        everywhere(&bench, &places, deliver, kill, check);
        drop(watcher);
        cloner.end();
        bench.end();
    });
}

/// The same of one that does not answer, and the next one is there at once: it may be sent what was meant for the other.
#[test]
fn a_consumer_is_followed_during_a_delivery() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        let (tool, mut watcher) = join(&bench, Consumer::new());
        take(&bench, &mut watcher);
        let had = Kept::of(watcher.consumer.clone());
        let there = Kept::of((tool, watcher));
        let deliver = || {
            cloner.clone_one();
            bench.machine.wait_until_idle();
        };
        let places = places(&bench, Held::Worker, deliver);
        let follow = || {
            let (tool, _watcher) = there.take();
            tool.kill();
            there.put(join(&bench, had.get()));
        };
        let check = |(), ()| {
            let (entries, consumer) = there.with(|(_, watcher)| {
                let entries = take(&bench, watcher);
                (entries, watcher.consumer.clone())
            });
            assert_eq!(cloners(&entries), [Some(cloner.process.id())]);
            had.put(consumer);
        };
        follow();
        check((), ());
        everywhere(&bench, &places, deliver, follow, check);
        drop(there);
        cloner.end();
        bench.end();
    });
}

#[test]
fn a_clone_ends_during_a_delivery() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let [left, right] = [1, 2].map(|number| Cloner::new(&bench, number));
        let watcher = Kept::of(bench.watch(Consumer::new()));
        let deliver = || {
            watcher.with(|watcher| {
                left.clone_one();
                take(&bench, watcher)
            })
        };
        right.clone_one();
        deliver();
        let places = places(&bench, Held::Worker, || drop(deliver()));
        let both = [&left, &right].map(|cloner| Some(cloner.process.id()));
        let check = |mut entries: Vec<Entry>, ()| {
            entries.extend(watcher.with(|watcher| take(&bench, watcher)));
            assert_eq!(cloners(&entries), both);
        };
        everywhere(&bench, &places, deliver, || right.clone_one(), check);
        drop(watcher);
        left.end();
        right.end();
        bench.end();
    });
}
