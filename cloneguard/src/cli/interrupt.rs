//! Ctrl-C, and the other ways to ask a program to end.
//!
//! A command that has nothing to bring to an end is ended at once, with the exit code for it. One that
//! has takes [`end_in_order`]'s [`Stop`]; a second Ctrl-C ends that one at once too.

use super::Trouble;
use cloneguard::live::Stop;
use std::sync::OnceLock;

/// What the program exits with.
pub(super) const INTERRUPTED: u8 = 130;

/// Of the command that ends by itself once it is asked to, if one runs.
static IN_ORDER: OnceLock<Stop> = OnceLock::new();

/// From now on the program ends when it is asked to.
pub(super) fn exit_at_once() -> Result<(), Trouble> {
    let handler = || {
        let is_heard = IN_ORDER.get().is_some_and(Stop::request);
        if !is_heard {
            std::process::exit(i32::from(INTERRUPTED));
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Trouble::File(format!("cannot listen for Ctrl-C: {error}")))
}

/// From now on the command ends by itself once the stop that is returned is requested.
pub(super) fn end_in_order() -> &'static Stop {
    IN_ORDER.get_or_init(Stop::new)
}
