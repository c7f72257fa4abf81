//! A driver that keeps the rules, and drivers that leave something behind.

use std::sync::Arc;

use testbed::status::STATUS_UNSUCCESSFUL;
use testbed::{BootOptions, LoadError, Machine, RegistryValue};

use super::image;

/// Loads the image under `name`, which chooses what it does; its DriverEntry always fails in the end.
fn load(name: &str) -> Option<(Arc<Machine>, LoadError)> {
    let path = image::kernel()?;
    let machine = Machine::boot(BootOptions::default());
    machine.set_registry(name, "Answer", RegistryValue::Dword(42));
    let error = machine
        .load_driver(&path, name)
        .expect_err("DriverEntry fails on purpose");
    Some((machine, error))
}

#[test]
fn a_driver_gets_what_it_may_rely_on() {
    let Some((machine, error)) = load("good") else {
        return;
    };
    assert!(
        matches!(error, LoadError::Entry(STATUS_UNSUCCESSFUL)),
        "{error}"
    );
    assert_eq!(machine.debug_output(), ["plain", "all good"]);
    machine.shutdown().expect("nothing is left");
}

#[test]
fn several_machines_run_drivers_side_by_side() {
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(|| load("good")))
        .collect();
    for thread in threads {
        if let Some((machine, error)) = thread.join().expect("no panic") {
            assert!(matches!(error, LoadError::Entry(_)), "{error}");
            machine.shutdown().expect("nothing is left");
        }
    }
}

/// Every call that may fail for want of memory, failed in turn, is one that the driver is told of.
#[test]
fn a_chosen_allocation_fails() {
    let Some(path) = image::kernel() else { return };
    let machine = Machine::boot(BootOptions::default());
    machine.injection().fail(1);
    // The driver gets NULL for its first block and leaves nothing behind.
    let error = machine
        .load_driver(&path, "leave-pool")
        .expect_err("fails on purpose");
    let LoadError::EntryLeft(_, left) = error else {
        panic!("{error}")
    };
    assert_eq!(left.len(), 1, "one block of the other routines: {left:?}");
}

fn left_behind(name: &str, expected: &[&str]) {
    let Some((_machine, error)) = load(name) else {
        return;
    };
    let LoadError::EntryLeft(status, left) = error else {
        panic!("{error}")
    };
    assert_eq!(status, STATUS_UNSUCCESSFUL);
    assert_eq!(left.len(), expected.len(), "{left:?}");
    for (violation, expected) in left.iter().zip(expected) {
        let text = violation.to_string();
        assert!(text.contains(expected) && text.contains(name), "{text}");
    }
}

#[test]
fn pool_that_is_not_freed_is_reported_with_its_call() {
    left_behind(
        "leave-pool",
        &["leak: 10 bytes of non-paged pool, tag 'Test', allocated by ExAllocatePool2 from"],
    );
}

#[test]
fn references_that_are_not_released_are_reported_with_their_calls() {
    left_behind(
        "leave-reference",
        &["EPROCESS of process 4 (System) was referenced by ObfReferenceObject from"],
    );
    left_behind(
        "leave-token",
        &["token of S-1-5-18 was referenced by PsReferencePrimaryToken from"],
    );
}

#[test]
fn a_handle_that_is_not_closed_is_reported() {
    let Some((_machine, error)) = load("leave-handle") else {
        return;
    };
    let text = error.to_string();
    assert!(text.contains("kernel handle 0xffffffff80000004"), "{text}");
}

#[test]
fn a_registry_key_that_is_not_closed_is_reported() {
    let Some((_machine, error)) = load("leave-key") else {
        return;
    };
    let text = error.to_string();
    let key = r"to the key leave-key\Parameters was never closed";
    assert!(text.contains(key), "{text}");
}

#[test]
fn a_thread_that_does_not_end_is_reported() {
    // The block of its event is the other thing left behind.
    left_behind(
        "leave-thread",
        &["leak: 24 bytes of non-paged pool", "system-thread"],
    );
}
