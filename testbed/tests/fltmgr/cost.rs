//! What a request costs in a driver: counted to the instruction, and the same every time.

use testbed::Cost;
use testbed::io::{FsControl, RequestOptions};

use super::{Bench, CLONE, clone_input, two_files};

/// A code that the filter does not look into: FSCTL_GET_COMPRESSION (MS-FSCC 2.3.19).
const OTHER: u32 = 0x0009_003C;

/// The cost of each of three requests of one kind.
fn costs(bench: &Bench, code: u32) -> Vec<Cost> {
    let volume = bench.volume;
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        let input = clone_input(source);
        let control = FsControl {
            handle: target,
            code,
            input: Some(&input),
            output_length: 0,
            options: RequestOptions::default(),
        };
        let send = || thread.fs_control_with(&control);
        // The first request attaches the filter to the volume.
        let before = send();
        let mut costs = Vec::new();
        for _ in 0..3 {
            let (answer, cost) = bench.machine.cost_of("Filter", send);
            assert_eq!(answer, before, "the request goes as without counting");
            costs.push(cost);
        }
        super::close_both(thread, source, target);
        costs
    })
}

#[test]
fn the_same_request_costs_the_same() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let other = costs(&bench, OTHER);
    assert_eq!(other[0], other[1]);
    assert_eq!(other[1], other[2]);
    let count = other[0].instruction_count();
    assert!((1..1000).contains(&count), "{count}");
    assert_eq!((other[0].call_count(), other[0].allocated), (0, 0));
    bench.end();
}

#[test]
fn calls_are_counted_by_name() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let clones = costs(&bench, CLONE);
    assert_eq!(clones[0], clones[2]);
    // 64-bit, user mode, the name, the context; and from another thread that it worked.
    assert_eq!(clones[0].calls.get("DbgPrint"), Some(&5), "{clones:?}");
    assert!(clones[0].instruction_count() > clones[0].call_count());
    bench.end();
}

#[test]
fn a_driver_that_is_not_there_costs_nothing() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let (value, cost) = bench.copy.run(|_| bench.machine.cost_of("Nobody", || 7));
    assert_eq!((value, cost), (7, Cost::default()));
    bench.end();
}
