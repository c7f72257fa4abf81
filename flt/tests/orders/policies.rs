//! The policy in force is exchanged under its readers (`flt/src/shared.rs`).

use crate::model::{Arc, check, thread};
use crate::shared::Shared;
use crate::{Ends, Watched, ended};

/// Starts with value 0.
fn shared(ends: &Ends) -> Arc<Shared<Watched>> {
    let shared = Shared::try_new(Watched::new(0, ends));
    Arc::new(shared.expect("there is memory"))
}

/// Replaces the value in a thread of its own.
fn replace(shared: &Arc<Shared<Watched>>, number: u64, ends: &Ends) -> thread::JoinHandle<()> {
    let (shared, value) = (Arc::clone(shared), Watched::new(number, ends));
    thread::spawn(move || shared.replace(value).expect("there is memory"))
}

/// A request goes on with what it began with, the next one has that or a later one, and each ends once, after its last use.
#[test]
fn a_reader_keeps_what_it_began_with() {
    check(3, || {
        let ends = Ends::default();
        let shared = shared(&ends);
        let writer = replace(&shared, 1, &ends);
        let reader = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let first = shared.get();
                let second = shared.get();
                assert!(first.look() <= second.look());
                drop(second);
                first.look();
            })
        };
        writer.join().expect("no panic");
        reader.join().expect("no panic");
        assert_eq!(shared.get().look(), 1);
        assert_eq!(ended(&ends), 1);
        drop(shared);
        assert_eq!(ended(&ends), 2);
    });
}

/// Two readers let go of a value that has been replaced: one of them ends it.
#[test]
fn the_last_of_two_readers_ends_it() {
    check(3, || {
        let ends = Ends::default();
        let shared = shared(&ends);
        let readers = [(); 2].map(|()| {
            let held = shared.get();
            thread::spawn(move || {
                let again = held.share();
                drop(held);
                again.look();
            })
        });
        shared
            .replace(Watched::new(1, &ends))
            .expect("there is memory");
        for reader in readers {
            reader.join().expect("no panic");
        }
        assert_eq!(ended(&ends), 1);
    });
}

/// Two that replace it and one that reads.
#[test]
fn two_replacements_and_a_reader() {
    check(2, || {
        let ends = Ends::default();
        let shared = shared(&ends);
        let writers = [1, 2].map(|number| replace(&shared, number, &ends));
        let reader = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.get().look())
        };
        for writer in writers {
            writer.join().expect("no panic");
        }
        assert!(reader.join().expect("no panic") <= 2);
        assert_eq!(ended(&ends), 2, "all but the current one");
    });
}
