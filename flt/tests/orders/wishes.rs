//! Something is changed, and asked to be read again, while the one who reads is at it (`flt/src/wish.rs`).

use std::sync::atomic::Ordering;

use crate::model::{Arc, AtomicUsize, check, thread};
use crate::wish::Wish;

/// What is stored, what was read of it, and the wish to have it read again.
///
/// In the driver what is stored is a value of the registry. No page says in which order somebody who reads it sees what others have
/// written: here that follows from the wish alone.
struct Stage {
    wish: Wish,
    stored: AtomicUsize,
    read: AtomicUsize,
}

impl Stage {
    /// With one look behind it, so that every atomic is loom's.
    fn new() -> Arc<Self> {
        let stage = Self {
            wish: Wish::none(),
            stored: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
        };
        stage.store(1);
        stage.look();
        Arc::new(stage)
    }

    /// A program stores something else and asks.
    fn store(&self, number: usize) {
        self.stored.store(number, Ordering::Relaxed);
        self.wish.make();
    }

    /// One round of the thread that reads; whether it has looked.
    fn look(&self) -> bool {
        let is_wanted = self.wish.is_there();
        if is_wanted {
            self.wish.begin();
            let stored = self.stored.load(Ordering::Relaxed);
            self.read.store(stored, Ordering::Relaxed);
        }
        is_wanted
    }

    fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }
}

fn start<T: Send + 'static>(stage: &Arc<Stage>, body: fn(&Stage) -> T) -> thread::JoinHandle<T> {
    let stage = Arc::clone(stage);
    thread::spawn(move || body(&stage))
}

/// A wish that comes at any instant of a look is answered by that one or by the next, which sees what was stored before it.
#[test]
fn a_wish_that_comes_while_one_is_fulfilled() {
    check(3, || {
        let stage = Stage::new();
        let program = start(&stage, |stage| {
            stage.store(2);
            stage.store(3);
        });
        let house = start(&stage, |stage| {
            stage.look();
            stage.look();
        });
        program.join().expect("no panic");
        house.join().expect("no panic");
        // The thread is woken after each wish, so it comes round once more.
        stage.look();
        assert_eq!(stage.read(), 3);
        assert!(!stage.look(), "nothing is looked for twice");
    });
}

/// Of two programs that store one after the other neither takes the wish of the other along.
#[test]
fn two_programs_wish_it() {
    check(3, || {
        let stage = Stage::new();
        let programs = [
            start(&stage, |stage| stage.store(2)),
            start(&stage, |stage| stage.store(3)),
        ];
        stage.look();
        for program in programs {
            program.join().expect("no panic");
        }
        stage.look();
        assert_eq!(stage.read(), stage.stored.load(Ordering::Relaxed));
    });
}

/// Who is to wait with it may ask for it as often as he likes; then one look answers all.
#[test]
fn a_wish_stays_until_it_is_begun() {
    check(3, || {
        let stage = Stage::new();
        let programs = [
            start(&stage, |stage| stage.wish.make()),
            start(&stage, |stage| stage.wish.make()),
        ];
        for program in programs {
            program.join().expect("no panic");
        }
        assert!(stage.wish.is_there(), "asking takes nothing away");
        assert!(stage.look());
        assert!(!stage.look(), "one look answers both");
    });
}
