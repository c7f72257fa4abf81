//! Every order in which requests can be counted and looked at, tried out by the model checker loom (see
//! `ring/interleavings.rs`).

use super::Tally;
use crate::Outcome;
use loom::sync::Arc;
use loom::thread;
use wire::{OutcomeKind, SourceAfter};

/// Ends that two threads count, and a third that looks: the sums hold at every instant.
#[test]
fn the_tally_is_balanced_at_every_look() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let tally = Arc::new(Tally::new());
        let requests = [0, 0xC000_000D].map(|status| {
            let tally = Arc::clone(&tally);
            thread::spawn(move || {
                tally.begin();
                tally.end(&Outcome {
                    status,
                    information: 0,
                    ended: 0,
                    time: 0,
                    kind: OutcomeKind::Completed,
                    source_after: SourceAfter::Unasked,
                });
            })
        });
        // Started last: see `ring/interleavings.rs`.
        let look = {
            let tally = Arc::clone(&tally);
            thread::spawn(move || {
                let sums = tally.sums();
                assert_eq!(sums.seen, sums.completed + sums.failed + sums.in_flight);
            })
        };
        for request in requests {
            request.join().unwrap();
        }
        look.join().unwrap();
        let sums = tally.sums();
        assert_eq!((sums.seen, sums.completed, sums.failed), (2, 1, 1));
        assert_eq!(sums.in_flight, 0);
    });
}

/// A lost request can end once, whoever tries.
#[test]
fn a_lost_request_ends_once() {
    loom::model(|| {
        let tally = Arc::new(Tally::new());
        tally.begin();
        tally.begin_lost();
        let ends = [(); 2].map(|()| {
            let tally = Arc::clone(&tally);
            thread::spawn(move || tally.end_lost())
        });
        let ended = ends.map(|end| end.join().unwrap());
        assert_ne!(ended[0], ended[1]);
    });
}
