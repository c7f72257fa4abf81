//! A request that takes long: its record does not hold back the others.

use cloneguard::{Consumer, Entry};
use testbed::io::Hold;
use wire::OutcomeKind;

use super::unload::held_clones;
use super::{Bench, clone_once};

#[test]
fn a_record_goes_without_its_end_and_the_end_follows() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let hold = Hold::new();
    let slow = held_clones(&bench, &hold, 1);
    hold.wait_for(1);
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let mut watcher = bench.watch(Consumer::new());
    let early = watcher.take();
    watcher.acknowledge(&early);
    assert_eq!(early.requests(), [], "not yet");
    bench.machine.wait_until_idle();
    bench.pass(11);
    let taken = watcher.take();
    watcher.acknowledge(&taken);
    let events = taken.requests();
    let outcomes: Vec<_> = events.iter().map(|event| event.end.outcome).collect();
    assert_eq!(outcomes, [OutcomeKind::Pending, OutcomeKind::Completed]);
    assert_eq!(taken.counters.in_flight.get(), 1);
    let request = events[0].head.request;
    hold.release();
    for clone in slow {
        assert!(clone().status.is_success());
    }
    let rest = watcher.drain().entries;
    let [Entry::Ended(ended)] = rest.as_slice() else {
        panic!("{rest:?}")
    };
    assert_eq!(ended.head.request, request);
    assert!(request.is_some());
    assert_eq!(ended.end.outcome, OutcomeKind::Completed);
    assert_eq!(ended.end.status.map(|status| status.code()), Some(0));
    drop(watcher);
    bench.end();
}
