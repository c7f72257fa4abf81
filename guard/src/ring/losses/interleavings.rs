//! Every order in which a loss can be counted and looked at, tried out by the model checker loom (see
//! `ring/interleavings.rs`).

use super::Losses;
use loom::sync::Arc;
use loom::thread;
use wire::{LossCause, LossClass};

/// Whoever sees a total sees its parts.
#[test]
fn a_total_is_never_more_than_its_parts() {
    loom::model(|| {
        let losses = Arc::new(Losses::new());
        let loser = {
            let losses = Arc::clone(&losses);
            thread::spawn(move || losses.add(LossClass::Routine, LossCause::Quota))
        };
        let look = {
            let losses = Arc::clone(&losses);
            thread::spawn(move || {
                let total = losses.total();
                let parts: u64 = losses.table().iter().flatten().sum();
                assert!(total <= parts);
            })
        };
        loser.join().unwrap();
        look.join().unwrap();
    });
}
