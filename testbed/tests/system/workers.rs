//! The instructions of the threads that a driver has started: counted while they work, as they end, and no longer afterwards.

use testbed::{Held, ProcessSpec};

use super::{end, load, machine, unload};

#[test]
fn a_thread_of_the_driver_is_counted_until_it_ends() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let wake = || {
        machine.advance(super::MINUTE);
        machine.wait_until_idle();
    };
    let working = machine.places("Watcher", Held::Worker, wake);
    assert!(!working.is_empty(), "it looks about once a minute");
    // The thread that was counted comes back while somebody else is.
    let process = machine.create_process(ProcessSpec::user("copy.exe"));
    let ((), cost) = machine.cost_of("Watcher", || {
        wake();
        process.exit();
    });
    let notified = cost.instruction_count();
    assert!(notified > 0, "told of the end of the process");
    let ending = machine.places("Watcher", Held::Worker, || unload(&machine));
    assert!(!ending.is_empty(), "it ends by itself");
    load(&machine, &[]).expect("compiled before");
    end(&machine);
}
