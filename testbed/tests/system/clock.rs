//! A clock that a test moves.

use std::time::Duration;

use super::{MINUTE, START, end, load, machine, printed};

#[test]
fn a_wait_ends_when_the_clock_has_moved_so_far() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let minutes = || printed(&machine, "a minute").len();
    let step = |by| {
        machine.advance(by);
        machine.wait_until_idle();
        minutes()
    };
    assert_eq!(step(MINUTE - Duration::from_nanos(100)), 0);
    assert_eq!(step(Duration::from_nanos(100)), 1);
    assert_eq!(step(MINUTE), 2);
    assert_eq!(step(MINUTE / 2), 2);
    assert_eq!(step(10 * MINUTE), 3, "one wait, however long");
    let now = machine.clock().system_time();
    assert_eq!(now - START, 750 * 10_000_000);
    end(&machine);
}
