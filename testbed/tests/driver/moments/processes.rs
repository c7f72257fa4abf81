//! Processes begin, end and are asked about while others clone: each record tells of its own process, and the driver keeps
//! nothing of those that have ended.

use std::sync::Arc;

use cloneguard::{Consumer, Entry, Event};
use testbed::{Held, Process, ProcessSpec};

use super::super::identity::check_process;
use super::super::watch::requests;
use super::super::{Bench, COPY, SERVICE};
use super::clones::Cloner;
use super::{Kept, alone, everywhere, one_in, told};

/// A process takes its time to begin and end: in a short run one place is tried of so many.
const PROCESSES: usize = 23;

/// STATUS_OPERATION_IN_PROGRESS (MS-ERREF 2.3.1): somebody else asks about the process just then.
const IN_PROGRESS: u32 = 0xC000_0476;

/// Each process has one record, which tells of it.
fn check_each(entries: &[Entry], processes: &[&Process]) {
    let events = requests(entries);
    assert_eq!(events.len(), processes.len(), "{events:?}");
    for process in processes {
        let id = u32::try_from(process.id()).ok();
        let own = |event: &&Event| event.process.process_id == id;
        let own: Vec<_> = events.iter().filter(own).collect();
        let [event] = own.as_slice() else {
            panic!("{events:?}")
        };
        check_process(event, process);
    }
}

/// Begins and clones for the first time.
fn first_clone(bench: &Bench) -> Arc<Process> {
    let new = Cloner::new(bench, 2);
    new.clone_one();
    new.process
}

/// A program ends that has cloned, during another one's clone or the other way round.
fn old_program(is_end_held: bool) {
    let Some(bench) = Bench::still() else {
        return;
    };
    let stays = Cloner::new(&bench, 1);
    stays.clone_one();
    let goes = Kept::of(first_clone(&bench));
    let (end, clone) = (|| goes.get().exit(), || stays.clone_one());
    let places = one_in(PROCESSES, &bench, Held::Caller, || {
        if is_end_held { end() } else { clone() }
    });
    end();
    let mut watcher = bench.watch(Consumer::new());
    told(&bench, &mut watcher);
    goes.put(first_clone(&bench));
    let mut kept = None;
    let check = |(), ()| {
        let entries = told(&bench, &mut watcher);
        check_each(&entries, &[&stays.process, &goes.get()]);
        let held = bench.machine.pool_held(SERVICE).expect("loaded");
        assert_eq!(*kept.get_or_insert(held), held, "what ended is forgotten");
        goes.put(first_clone(&bench));
    };
    if is_end_held {
        everywhere(&bench, &places, end, clone, check);
    } else {
        everywhere(&bench, &places, clone, end, check);
    }
    drop(watcher);
    end();
    stays.end();
    bench.end();
}

#[test]
fn a_program_ends_during_anothers_clone() {
    alone(|| old_program(false));
}

#[test]
fn a_program_clones_during_anothers_end() {
    alone(|| old_program(true));
}

/// The request goes on, and is told of as before.
#[test]
fn a_program_is_killed_during_its_clone() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let first = Cloner::new(&bench, 1);
        let places = one_in(PROCESSES, &bench, Held::Caller, || first.clone_one());
        first.end();
        let mut watcher = bench.watch(Consumer::new());
        told(&bench, &mut watcher);
        let cloner = Kept::of(Cloner::new(&bench, 1));
        let mut kept = None;
        // Its files may be closed before they are looked at, so the answer is one or the other.
        let clone = || {
            cloner.get().try_clone();
        };
        let kill = || cloner.get().process.kill();
        let check = |(), ()| {
            let entries = told(&bench, &mut watcher);
            check_each(&entries, &[&cloner.take().process]);
            let held = bench.machine.pool_held(SERVICE).expect("loaded");
            assert_eq!(*kept.get_or_insert(held), held, "what ended is forgotten");
            cloner.put(Cloner::new(&bench, 1));
        };
        everywhere(&bench, &places, clone, kill, check);
        drop(watcher);
        cloner.take().end();
        bench.end();
    });
}

/// One that begins and clones, during a clone or the other way round.
fn new_program(is_new_held: bool) {
    let Some(bench) = Bench::still() else {
        return;
    };
    let old = Cloner::new(&bench, 1);
    old.clone_one();
    first_clone(&bench).exit();
    let (begin, clone) = (|| first_clone(&bench), || old.clone_one());
    let places = one_in(PROCESSES, &bench, Held::Caller, || {
        if is_new_held {
            begin().exit();
        } else {
            clone();
        }
    });
    let mut watcher = bench.watch(Consumer::new());
    told(&bench, &mut watcher);
    let mut check = |new: Arc<Process>| {
        let entries = told(&bench, &mut watcher);
        check_each(&entries, &[&old.process, &new]);
        new.exit();
    };
    if is_new_held {
        everywhere(&bench, &places, begin, clone, |new, ()| check(new));
    } else {
        everywhere(&bench, &places, clone, begin, |(), new| check(new));
    }
    drop(watcher);
    old.end();
    bench.end();
}

#[test]
fn a_program_begins_during_anothers_clone() {
    alone(|| new_program(false));
}

#[test]
fn a_program_clones_while_another_begins() {
    alone(|| new_program(true));
}

/// Two threads of a process of which the driver knows nothing, with two files each.
#[derive(Clone)]
struct Unknown([Cloner; 2]);

impl Unknown {
    fn new(bench: &Bench, process: &Arc<Process>) -> Self {
        Self([1, 2].map(|number| Cloner::of(process, bench.refs, number)))
    }

    /// The image was asked for once, and who did not wait for the answer says so.
    fn check(&self, events: &[Event]) {
        let process = &self.0[0].process;
        assert_eq!((events.len(), process.image_lookups()), (2, 1));
        let is_whole = |event: &&Event| event.image.text.is_some();
        let (whole, without): (Vec<_>, Vec<_>) = events.iter().partition(is_whole);
        assert!(!whole.is_empty(), "one of them has asked");
        for event in whole {
            check_process(event, process);
        }
        for event in without {
            let target = event.target.text.as_deref().expect("a name");
            assert!(target.ends_with(r"\worker-2 target"), "it was first");
            let reason = event.image.reason.as_ref().map(|reason| reason.code());
            assert_eq!(reason, Some(IN_PROGRESS));
            let key = event.process.process_start_key.map(|key| key.0);
            assert_eq!(key, Some(process.start_key()));
        }
    }
}

/// Of two requests that are the first of their process.
#[test]
fn a_process_is_asked_about_once() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let old = || bench.machine.create_process(ProcessSpec::user(COPY));
        bench.unload();
        let first = old();
        bench.load();
        let first = Unknown::new(&bench, &first);
        let places = one_in(PROCESSES, &bench, Held::Caller, || first.0[0].clone_one());
        // It is asked about anew by each load, so there is one for each place.
        bench.unload();
        first.0[0].process.exit();
        let mut processes: Vec<_> = places.iter().map(|_| old()).collect();
        bench.load();
        let mut watcher = bench.watch(Consumer::new());
        told(&bench, &mut watcher);
        let mut next = || {
            processes
                .pop()
                .map(|process| Unknown::new(&bench, &process))
        };
        let unknown = Kept::of(next().expect("as many"));
        let check = |(), ()| {
            let this = unknown.get();
            this.check(&requests(&told(&bench, &mut watcher)));
            this.0[1].clone_one();
            check_each(&told(&bench, &mut watcher), &[&this.0[1].process]);
            this.0[0].process.exit();
            if let Some(next) = next() {
                unknown.put(next);
            }
        };
        let clone = |thread: usize| unknown.get().0[thread].clone_one();
        everywhere(&bench, &places, || clone(0), || clone(1), check);
        drop(watcher);
        bench.end();
    });
}
