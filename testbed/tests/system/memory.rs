//! How much pool a driver holds, and times without memory.

use super::{MINUTE, end, load, machine, printed};

#[test]
fn what_a_driver_holds_is_counted() {
    let machine = machine();
    assert_eq!(machine.pool_held("Watcher"), None);
    if load(&machine, &["fault=\"leave_path\""]).is_none() {
        return;
    }
    assert_eq!(
        machine.pool_held("Watcher"),
        Some(0),
        "what the system has handed out is not its own"
    );
    assert!(machine.pool().in_use().1 > 0);
    machine.advance(MINUTE);
    machine.wait_until_idle();
    assert_eq!(machine.pool_held("Watcher"), Some(100));
    machine.unload("Watcher").expect_err("the path is left");
    assert_eq!(machine.pool_held("Watcher"), None);
}

#[test]
fn a_limit_leaves_no_room_for_what_is_above_it() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let minute = |limit| {
        machine.pool().set_limit(limit);
        machine.advance(MINUTE);
        machine.wait_until_idle();
        machine.pool_held("Watcher")
    };
    assert_eq!(minute(Some(99)), Some(0));
    assert_eq!(printed(&machine, "no "), ["pool"]);
    assert_eq!(minute(Some(100)), Some(100));
    assert_eq!(minute(None), Some(100));
    end(&machine);
}

#[test]
fn for_a_time_every_call_fails() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let minute = |fail| {
        machine.injection().fail_all(fail);
        machine.advance(MINUTE);
        machine.wait_until_idle();
        printed(&machine, "no ")
    };
    assert_eq!(minute(true), ["pool", "number of volumes"]);
    assert_eq!(minute(false).len(), 2, "it goes on");
    assert_eq!(machine.pool_held("Watcher"), Some(100));
    end(&machine);
}
