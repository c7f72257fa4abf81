//! How the driver goes: unloaded, stopped, with the power; and the shutdown of the machine, of which it is told before.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use testbed::ntos::Irql;
use testbed::{Machine, UnloadError};
use wire::PreviousStop;

use super::{SERVICE, Turn, Ward};
use crate::property::keeper::Moment;
use crate::property::setup::Setup;
use crate::property::trail::Trail;

/// How long the others wait for each other before time passes, and how much of it passes then.
const PATIENCE: Duration = Duration::from_micros(200);
const STEP: Duration = Duration::from_millis(100);

impl Ward {
    /// Unloads, or stops the service; with the program at the port, if there is one, to take what is left.
    pub(super) fn unload(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
        is_mandatory: bool,
    ) -> Result<(), String> {
        let (has_program, is_in_flight) = self.gather(machine, now)?;
        let is_armed = self.arm(machine);
        let go = || {
            if is_mandatory {
                machine.unload_mandatory(SERVICE)
            } else {
                machine.unload(SERVICE)
            }
        };
        let gone = meanwhile(&mut self.trail, go, || machine.advance(STEP))?;
        if self.stays(&gone, is_mandatory)? {
            return Ok(());
        }
        // What is in flight keeps back the last words.
        if has_program && !is_armed && !is_in_flight {
            self.trail.end(now.watched - self.watched_before)?;
        }
        self.leave(now, (!is_armed).then_some(PreviousStop::Clean));
        Ok(())
    }

    /// Whether the driver goes on, as its policy lets it.
    fn stays(&self, gone: &Result<(), UnloadError>, is_mandatory: bool) -> Result<bool, String> {
        match gone {
            Err(UnloadError::Declined(_)) if self.in_force.locks && !is_mandatory => Ok(true),
            Err(UnloadError::Refused(_)) if is_mandatory && self.rooted != Some(false) => Ok(true),
            Err(UnloadError::Left(left)) => Err(format!("left behind: {left:?}")),
            Err(error) => Err(format!("unload: {error}")),
            Ok(()) if self.in_force.locks && !is_mandatory => {
                Err("unloaded in spite of a lock".to_owned())
            }
            Ok(()) if is_mandatory && self.rooted == Some(true) => {
                Err("stopped in spite of a lock since its load".to_owned())
            }
            Ok(()) => Ok(false),
        }
    }

    /// The machine tells the driver that it is shut down, once in a load. The driver goes on after its last words.
    pub(super) fn shut_down(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
        level: Irql,
    ) -> Result<(), String> {
        if std::mem::replace(&mut self.is_shut_down, true) {
            return Ok(());
        }
        let (has_program, is_in_flight) = self.gather(machine, now)?;
        let is_armed = self.arm(machine);
        let mut passed = Duration::ZERO;
        let mut pass = || {
            // Nobody is outrun who has something to do.
            machine.wait_until_idle();
            machine.advance(STEP);
            passed += STEP;
        };
        let announce = || machine.announce_shutdown(level);
        meanwhile(&mut self.trail, announce, &mut pass)?;
        self.seconds_have_passed(machine, passed);
        if has_program && !is_armed && !is_in_flight {
            self.trail.end(now.watched - self.watched_before)?;
        }
        self.leaves = (!is_armed).then_some(PreviousStop::Shutdown);
        Ok(())
    }

    /// The power goes.
    pub(super) fn restart(&mut self, machine: &Arc<Machine>, now: Moment) -> Result<(), String> {
        if self.drain(machine, now)? {
            self.trail.excuse("requests are in flight");
        }
        self.trail.leave(true);
        if self.is_shut_down {
            machine.close_registry();
        }
        let go = || machine.restart(SERVICE);
        let gone = meanwhile(&mut self.trail, go, || machine.advance(STEP))?;
        gone.map_err(|error| format!("restart: {error}"))?;
        self.leave(now, self.leaves);
        Ok(())
    }

    /// Some time has passed that no act has let pass. The minute is counted in seconds, so the last one is made whole.
    fn seconds_have_passed(&mut self, machine: &Machine, passed: Duration) {
        let seconds = passed.as_millis().div_ceil(1000) as u64;
        machine.advance(Duration::from_secs(seconds) - passed);
        for _ in 0..seconds {
            if self.minute.pass(1) {
                self.read_policy();
            }
        }
    }

    /// All that was recorded is taken, and the program, if there was one, is at the port again: whether it is, and
    /// whether requests are in flight.
    fn gather(&mut self, machine: &Arc<Machine>, now: Moment) -> Result<(bool, bool), String> {
        let has_program = self.trail.has_program();
        let is_in_flight = self.drain(machine, now)?;
        if is_in_flight {
            self.trail.excuse("requests are in flight");
        }
        if has_program {
            self.minute.tell();
            self.trail.join(machine, false)?;
        }
        Ok((has_program, is_in_flight))
    }

    /// It is gone, and the next load will say so.
    fn leave(&mut self, now: Moment, stop: Option<PreviousStop>) {
        self.trail.leave(false);
        self.is_loaded = false;
        self.in_force = Setup::OBSERVE;
        self.previous = stop;
        self.turns.push_back((now.step, Turn::Gone));
    }
}

/// Does something while the program at the port takes what comes, and lets time pass when there is nothing: the driver
/// gives it some time for that.
fn meanwhile<T: Send>(
    trail: &mut Trail,
    work: impl FnOnce() -> T + Send,
    mut pass: impl FnMut(),
) -> Result<T, String> {
    std::thread::scope(|scope| {
        let (tell, done) = channel();
        scope.spawn(move || tell.send(work()));
        let mut fault = Ok(());
        loop {
            if let Ok(result) = done.recv_timeout(PATIENCE) {
                return fault.map(|()| result);
            }
            match trail.take_last() {
                Ok(true) => {}
                Ok(false) => pass(),
                Err(why) => fault = fault.and(Err(why)),
            }
        }
    })
}
