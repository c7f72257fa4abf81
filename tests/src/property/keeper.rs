//! The driver of a machine in the hands of an administrator, through a whole script.
//!
//! [`Keeper`] carries out each [`Act`] and keeps account of what must come of it: which policy is in force, what the
//! driver has to say of it, whether the port is taken. The machine without the driver has one too, which puts events
//! in the place of the driver's kernel handles and lets the same time pass (`stand_in`). `ward` is the driver itself.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloneguard::Event;
use testbed::Machine;
use testbed::io::{Handle, VolumeId};
use testbed::status::STATUS_FLT_VOLUME_NOT_FOUND;

use super::act::Act;
use super::setup::Setup;
use super::ward::{Turn, Ward};

/// What a step that has just failed in part takes to be forgotten.
pub(super) const RECOVERY: Duration = Duration::from_secs(60);

/// The administrator.
pub(super) struct Keeper {
    hands: Mutex<Hands>,
}

/// What there is to keep.
enum Hands {
    /// The driver.
    Guarded(Box<Ward>),
    /// What stands in for it.
    Bare(StandIn),
}

/// A load of the driver, and what was recorded in it.
#[derive(Debug)]
pub(super) struct Load {
    /// The first step of the script in it.
    pub(super) from: usize,
    /// The records of requests.
    pub(super) events: Vec<Event>,
    /// Whether each request must have a record.
    pub(super) is_whole: bool,
}

/// Where a script is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The number of the step, counted from 1.
    pub(super) step: usize,
    /// Requests that a driver must have seen until then.
    pub(super) watched: u64,
}

impl Moment {
    /// Before the first step.
    pub(super) const BEFORE: Self = Self {
        step: 0,
        watched: 0,
    };
}

impl Keeper {
    /// For the machine with the driver of this image.
    pub(super) fn guarded(image: &Path) -> Self {
        Self::with(Hands::Guarded(Box::new(Ward::new(image))))
    }

    /// For the machine without it; the script was played on the other.
    pub(super) fn bare(other: &Self) -> Self {
        let turns = other.hands(|hands| match hands {
            Hands::Guarded(ward) => ward.turns.clone(),
            Hands::Bare(_) => VecDeque::new(),
        });
        Self::with(Hands::Bare(StandIn {
            turns,
            ..StandIn::default()
        }))
    }

    fn with(hands: Hands) -> Self {
        Self {
            hands: Mutex::new(hands),
        }
    }

    fn hands<T>(&self, body: impl FnOnce(&mut Hands) -> T) -> T {
        body(&mut self.hands.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was in force at a step of the script.
    pub(super) fn setup(&self, step: usize) -> Setup {
        self.hands(|hands| match hands {
            Hands::Guarded(ward) => ward.setup(step + 1),
            Hands::Bare(_) => Setup::OBSERVE,
        })
    }

    /// All loads, once.
    pub(super) fn loads(&self, machine: &Arc<Machine>, now: Moment) -> Result<Vec<Load>, String> {
        self.hands(|hands| match hands {
            Hands::Guarded(ward) => ward.loads(machine, now),
            Hands::Bare(_) => Ok(Vec::new()),
        })
    }

    /// Carries out an act on a thread that is nobody's.
    pub(super) fn act(
        &self,
        machine: &Arc<Machine>,
        (now, act): (Moment, &Act),
        volumes: &[VolumeId],
    ) -> Result<(), String> {
        let done = apart(|| {
            self.hands(|hands| match hands {
                Hands::Guarded(ward) => ward.act(machine, now, (act, volumes)),
                Hands::Bare(stand_in) => stand_in.act(machine, (now, act), volumes),
            })
        });
        done.map_err(|what| format!("{now}, {act:x?}: {what}"))
    }

    /// Lets the call fail that was chosen, if one was; whether one was. Behind the step [`Self::recover`] follows.
    pub(super) fn arm(&self, machine: &Machine) -> bool {
        self.hands(|hands| match hands {
            Hands::Guarded(ward) => ward.arm(machine),
            Hands::Bare(stand_in) => std::mem::take(&mut stand_in.is_armed),
        })
    }

    /// Lets what a failed call left open come to its end.
    pub(super) fn recover(&self, machine: &Arc<Machine>, now: Moment) -> Result<(), String> {
        let recovered = apart(|| {
            self.hands(|hands| match hands {
                Hands::Guarded(ward) => ward.recover(machine, now),
                Hands::Bare(_) => {
                    machine.advance(RECOVERY);
                    Ok(())
                }
            })
        });
        recovered.map_err(|what| format!("after {now}: {what}"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step.checked_sub(1) {
            Some(step) => write!(f, "step {step}"),
            None => f.write_str("the start"),
        }
    }
}

/// Runs on a thread of the host that no modelled thread runs on.
fn apart(body: impl FnOnce() -> Result<(), String> + Send) -> Result<(), String> {
    let done = std::thread::scope(|scope| scope.spawn(body).join());
    done.unwrap_or_else(|_| Err("an act panicked".to_owned()))
}

/// What is done on the machine without the driver.
#[derive(Default)]
struct StandIn {
    /// When the driver of the other machine came and went.
    turns: VecDeque<(usize, Turn)>,
    events: Vec<Handle>,
    is_armed: bool,
}

impl StandIn {
    fn act(
        &mut self,
        machine: &Arc<Machine>,
        (now, act): (Moment, &Act),
        volumes: &[VolumeId],
    ) -> Result<(), String> {
        let was_armed = std::mem::take(&mut self.is_armed);
        match act {
            Act::Pass(seconds) => machine.advance(Duration::from_secs(*seconds)),
            Act::Dismount(volume) => dismount(machine, volumes[*volume])?,
            Act::Load | Act::Unload | Act::Stop | Act::Restart => self.turn(machine, now.step)?,
            Act::Fail(number) => self.is_armed = *number > 0,
            _ => {}
        }
        if was_armed {
            machine.advance(RECOVERY);
        }
        Ok(())
    }

    /// Does what stands for the driver's coming or going, if it came or went at this step.
    fn turn(&mut self, machine: &Arc<Machine>, step: usize) -> Result<(), String> {
        let Some((_, turn)) = self.turns.front().copied().filter(|(at, _)| *at == step) else {
            return Ok(());
        };
        self.turns.pop_front();
        let system = machine.system();
        match turn {
            Turn::Loaded(taken) => {
                self.events =
                    system.run_kernel(|thread| (0..taken).map(|_| thread.create_event()).collect());
                Ok(())
            }
            Turn::Gone => {
                let events = std::mem::take(&mut self.events);
                let closed = system
                    .run_kernel(|thread| events.iter().try_for_each(|event| thread.close(*event)));
                closed.map_err(|status| format!("closing an event: {status}"))
            }
        }
    }
}

/// Dismounts a volume that is not dismounted yet.
pub(super) fn dismount(machine: &Machine, volume: VolumeId) -> Result<(), String> {
    match machine.dismount(volume) {
        Ok(()) | Err(STATUS_FLT_VOLUME_NOT_FOUND) => Ok(()),
        Err(status) => Err(format!("dismount: {status}")),
    }
}
