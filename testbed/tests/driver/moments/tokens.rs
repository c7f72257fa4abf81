//! The token of a process changes during a clone: what was remembered of it is not told any more.

use std::sync::atomic::{AtomicU32, Ordering};

use cloneguard::{Consumer, Event};
use testbed::Held;

use super::super::Bench;
use super::super::races::program;
use super::super::watch::requests;
use super::clones::Cloner;
use super::{alone, everywhere, one_in, told};

/// Three clones a try: in a short run one place is tried of so many.
const CLONES: usize = 41;

/// The sessions that the records of a file have, in their order.
fn sessions(events: &[Event], target: &str) -> Vec<Option<u32>> {
    let is_there = |event: &&Event| {
        let name = event.target.text.as_deref().unwrap_or_default();
        name.ends_with(target)
    };
    let events = events.iter().filter(is_there);
    events.map(|event| event.process.session_id).collect()
}

#[test]
fn a_token_changes_during_a_clone() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let process = program(&bench, "cloner");
        let [left, right] = [1, 2].map(|number| Cloner::of(&process, bench.refs, number));
        let session = AtomicU32::new(10);
        let change = || {
            let next = session.fetch_add(1, Ordering::Relaxed) + 1;
            process.modify_token(|token| token.session = next);
            right.clone_one();
        };
        change();
        let places = one_in(CLONES, &bench, Held::Caller, || left.clone_one());
        let mut watcher = bench.watch(Consumer::new());
        told(&bench, &mut watcher);
        let check = |(), ()| {
            let now = session.load(Ordering::Relaxed);
            left.clone_one();
            let events = requests(&told(&bench, &mut watcher));
            assert_eq!(events.len(), 3);
            assert_eq!(sessions(&events, "worker-2 target"), [Some(now)]);
            let [interrupted, later] = sessions(&events, "worker-1 target")[..] else {
                panic!("{events:?}")
            };
            assert!([Some(now - 1), Some(now)].contains(&interrupted));
            assert_eq!(later, Some(now));
        };
        everywhere(&bench, &places, || left.clone_one(), change, check);
        drop(watcher);
        process.exit();
        bench.end();
    });
}
