//! Programs come to the port and go, while the driver sends and is unloaded (`flt/src/clients.rs`).

use core::ptr;
use std::sync::atomic::Ordering;

use crate::clients::{Clients, Connection, Place};
use crate::irql::Passive;
use crate::model::{Arc, Mutex, UnsafeCell, check, thread};
use crate::port;
use crate::status::NtStatus;
use crate::types::{FLT_PORT, FilterManager, PFLT_PORT};
use crate::{Ends, Watched};

/// The places, the filter manager, and the ports of the programs that will come.
struct Stage {
    clients: Clients,
    manager: FilterManager,
    ports: [FLT_PORT; 5],
    /// Touched by whoever has the place of the consumer.
    owned: UnsafeCell<()>,
}

// SAFETY: loom compares the accesses to the cells; ports are not moved.
unsafe impl Send for Stage {}
// SAFETY: as for Send.
unsafe impl Sync for Stage {}

impl Stage {
    /// One program of each kind has come and gone, so every atomic is loom's.
    fn new() -> Arc<Self> {
        let ends = Ends::default();
        let port = |number| FLT_PORT {
            open: UnsafeCell::new(Some(Watched::new(number, &ends))),
            messages: 0.into(),
        };
        let stage = Self {
            clients: Clients::none(),
            manager: FilterManager(Mutex::new(())),
            ports: [0, 1, 2, 3, 4].map(port),
            owned: UnsafeCell::new(()),
        };
        let consumer = stage.clients.take_consumer().expect("free");
        consumer.keep(stage.port(2));
        stage.leave(2);
        // SAFETY: nobody else has it yet.
        stage.ports[2]
            .open
            .with_mut(|open| unsafe { *open = Some(Watched::new(2, &ends)) });
        let visitors = [(); 3].map(|()| stage.clients.take_asker().expect("free"));
        for visitor in visitors {
            visitor.keep(stage.port(2));
            stage.leave(2);
            // SAFETY: as above.
            stage.ports[2]
                .open
                .with_mut(|open| unsafe { *open = Some(Watched::new(2, &ends)) });
        }
        Arc::new(stage)
    }

    fn port(&self, number: usize) -> PFLT_PORT {
        ptr::from_ref(&self.ports[number]).cast_mut()
    }

    fn own(&self) {
        self.owned.with_mut(|_| ());
    }

    /// The connect callback of a consumer; whether it was let in.
    fn connect(&self, number: usize) -> bool {
        match self.clients.take_consumer() {
            Ok(connection) => {
                self.own();
                connection.keep(self.port(number));
                true
            }
            Err(status) => {
                assert_eq!(status, NtStatus::CONNECTION_COUNT_LIMIT);
                false
            }
        }
    }

    /// The disconnect callback.
    fn leave(&self, number: usize) {
        let manager = ptr::from_ref(&self.manager);
        // SAFETY: the manager lives; the program leaves for the first time.
        unsafe {
            self.clients
                .leave(manager, self.port(number), Passive, || self.own());
        }
    }

    fn send(&self, place: &Place) -> bool {
        // SAFETY: both live.
        unsafe { port::send(&raw const self.manager, place.as_ptr()) }
    }

    /// One look of the housekeeping thread.
    fn answer(&self) {
        for place in self.clients.waiting() {
            self.send(place);
        }
    }

    fn ask(&self, number: usize) {
        let connection: Connection<'_> = self.clients.take_asker().expect("a free place");
        connection.keep(self.port(number));
    }

    fn messages(&self, number: usize) -> usize {
        self.ports[number].messages.load(Ordering::Relaxed)
    }

    fn is_open(&self, number: usize) -> bool {
        // SAFETY: loom compares the accesses.
        self.ports[number]
            .open
            .with(|open| unsafe { (*open).is_some() })
    }
}

fn start<T: Send + 'static>(stage: &Arc<Stage>, body: fn(&Stage) -> T) -> thread::JoinHandle<T> {
    let stage = Arc::clone(stage);
    thread::spawn(move || body(&stage))
}

/// Comes, is told that it goes, and goes.
fn visit(stage: &Stage, number: usize) -> bool {
    let is_let_in = stage.connect(number);
    if is_let_in {
        stage.leave(number);
    }
    is_let_in
}

/// What one consumer does from its coming to its going is before what the next one does, and its port is closed.
#[test]
fn one_consumer_at_a_time() {
    check(3, || {
        let stage = Stage::new();
        let programs = [
            start(&stage, |stage| visit(stage, 0)),
            start(&stage, |stage| visit(stage, 1)),
        ];
        let let_in = programs.map(|program| program.join().expect("no panic"));
        assert!(let_in.contains(&true));
        assert_eq!(
            let_in.map(|was| !was),
            [0, 1].map(|number| stage.is_open(number))
        );
        assert!(!stage.clients.consumer().is_connected());
        assert!(stage.connect(2), "the place is free again");
    });
}

/// The delivery thread sends to an open port or to none.
#[test]
fn a_send_meets_a_consumer_that_goes() {
    check(3, || {
        let stage = Stage::new();
        let program = start(&stage, |stage| visit(stage, 0));
        let delivery = start(&stage, |stage| {
            [(); 2].map(|()| {
                let place = stage.clients.consumer();
                place.is_connected() && stage.send(place)
            })
        });
        assert!(program.join().expect("no panic"));
        let sent = delivery.join().expect("no panic");
        assert_eq!(sent.iter().filter(|sent| **sent).count(), stage.messages(0));
        assert!(!stage.is_open(0));
    });
}

/// Unload closes the connection under the consumer, which goes by itself: the port is closed once.
#[test]
fn an_unload_meets_a_consumer_that_goes() {
    check(3, || {
        let stage = Stage::new();
        assert!(stage.connect(0));
        let program = start(&stage, |stage| stage.leave(0));
        let unload = start(&stage, |stage| {
            // SAFETY: the manager lives.
            unsafe {
                stage
                    .clients
                    .consumer()
                    .close(&raw const stage.manager, Passive)
            };
        });
        program.join().expect("no panic");
        unload.join().expect("no panic");
        assert!(!stage.is_open(0) && !stage.clients.consumer().is_connected());
    });
}

/// Who asks while the housekeeping thread looks is answered at this look or the next, once.
#[test]
fn who_asks_is_answered_once() {
    check(3, || {
        let stage = Stage::new();
        let program = start(&stage, |stage| stage.ask(0));
        let house = start(&stage, Stage::answer);
        program.join().expect("no panic");
        house.join().expect("no panic");
        stage.answer();
        stage.answer();
        assert_eq!(stage.messages(0), 1);
    });
}

/// One who asks goes, and another one comes to its place, while answers are given. The second one may get the answer to
/// the first as well, but goes without none.
#[test]
fn a_place_is_used_again_while_answers_are_given() {
    check(3, || {
        let stage = Stage::new();
        stage.ask(0);
        let programs = start(&stage, |stage| {
            stage.leave(0);
            stage.ask(1);
        });
        let house = start(&stage, Stage::answer);
        programs.join().expect("no panic");
        house.join().expect("no panic");
        stage.answer();
        assert!(stage.messages(0) <= 1);
        assert!((1..=2).contains(&stage.messages(1)));
        assert!(!stage.is_open(0) && stage.is_open(1));
    });
}

/// Who comes to the only free place, which was just left, is answered.
#[test]
fn who_comes_to_a_place_just_left_is_answered() {
    check(3, || {
        let stage = Stage::new();
        for number in [0, 3, 4] {
            stage.ask(number);
        }
        stage.answer();
        let leaves = start(&stage, |stage| stage.leave(0));
        let comes = start(&stage, |stage| match stage.clients.take_asker() {
            Ok(connection) => {
                connection.keep(stage.port(1));
                true
            }
            Err(_all_are_taken) => false,
        });
        leaves.join().expect("no panic");
        let is_let_in = comes.join().expect("no panic");
        stage.answer();
        assert_eq!(stage.messages(1), usize::from(is_let_in));
    });
}
