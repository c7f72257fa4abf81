//! The driver of a machine in the hands of an administrator, through a whole script.
//!
//! [`Keeper`] carries out each [`Act`] and keeps account of what must come of it: which policy is in force, what the
//! driver has to say of it, whether the port is taken. The machine without the driver has one too, which puts events
//! in the place of the driver's kernel handles and lets the same time pass.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloneguard::Event;
use testbed::io::{Handle, VolumeId};
use testbed::ntos::registry::RegistryValue;
use testbed::{Machine, UnloadError};
use wire::{ConnectKind, ConnectRequest, PolicyEvent};
use zerocopy::IntoBytes as _;

use super::act::Act;
use super::setup::Setup;
use super::trail::{Trail, connect};

/// The service.
pub(super) const SERVICE: &str = "CloneGuard";
/// The registry value that holds a policy.
const POLICY: &str = "Policy";

/// The administrator.
pub(super) struct Keeper {
    /// The driver; none on the machine without.
    image: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_loaded: bool,
    /// Kernel handles that each load took: found out on one machine, taken up on the other.
    taken: Vec<usize>,
    loads: usize,
    stand_ins: Vec<Handle>,
    stored: Option<Vec<u8>>,
    in_force: Setup,
    /// What was in force from a step on.
    setups: Vec<(usize, Setup)>,
    trail: Trail,
}

impl Keeper {
    /// For the machine with the driver of this image.
    pub(super) fn guarded(image: &Path) -> Self {
        Self {
            image: Some(image.to_owned()),
            state: Mutex::default(),
        }
    }

    /// For the machine without it; the script was played on the other.
    pub(super) fn bare(other: &Self) -> Self {
        let taken = other.state(|state| state.taken.clone());
        Self {
            image: None,
            state: Mutex::new(State {
                taken,
                ..State::default()
            }),
        }
    }

    fn state<T>(&self, body: impl FnOnce(&mut State) -> T) -> T {
        body(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was in force at a step.
    pub(super) fn setup(&self, step: usize) -> Setup {
        self.state(|state| {
            let mut before = state.setups.iter().rev();
            let found = before.find(|(from, _)| *from <= step);
            found.map_or(Setup::OBSERVE, |(_, setup)| *setup)
        })
    }

    /// The records of requests, once.
    pub(super) fn records(&self, machine: &Arc<Machine>) -> Result<Vec<Event>, String> {
        self.state(|state| {
            if self.image.is_some() && state.is_loaded {
                state.trail.drain(machine)?;
            }
            Ok(std::mem::take(&mut state.trail.events))
        })
    }

    /// Carries out an act, as step `number`, on a thread that is nobody's.
    pub(super) fn act(
        &self,
        machine: &Arc<Machine>,
        (number, act): (usize, &Act),
        volumes: &[VolumeId],
    ) -> Result<(), String> {
        let perform = || {
            self.state(|state| {
                match &self.image {
                    Some(image) => state.perform(machine, image, act, volumes)?,
                    None => state.stand_in(machine, act)?,
                }
                machine.wait_until_idle();
                state.setups.push((number, state.in_force));
                Ok(())
            })
        };
        let done = std::thread::scope(|scope| scope.spawn(perform).join());
        done.unwrap_or_else(|_| Err("an act panicked".to_owned()))
            .map_err(|what| format!("step {number}, {act:x?}: {what}"))
    }
}

impl State {
    fn perform(
        &mut self,
        machine: &Arc<Machine>,
        image: &Path,
        act: &Act,
        volumes: &[VolumeId],
    ) -> Result<(), String> {
        match act {
            Act::Nothing => Ok(()),
            Act::Pass(seconds) => {
                machine.advance(Duration::from_secs(*seconds));
                Ok(())
            }
            Act::Store(blob) => {
                self.store(machine, blob.as_ref());
                Ok(())
            }
            Act::Load if !self.is_loaded => self.load(machine, image),
            _ if !self.is_loaded => Ok(()),
            Act::Load => Ok(()),
            Act::Unload => self.unload(machine),
            Act::Reload => self.knock(machine, ConnectRequest::reload().as_bytes()),
            Act::Knock(context) => self.knock(machine, context),
            Act::Join => self.trail.join(machine),
            Act::Take(reply) => self.trail.take(machine, reply),
            Act::Leave(killed) => {
                self.trail.leave(*killed);
                Ok(())
            }
            Act::Detach(volume) => detach(machine, volumes[*volume]),
        }
    }

    fn store(&mut self, machine: &Machine, blob: Option<&Vec<u8>>) {
        self.stored = blob.cloned();
        match blob {
            Some(blob) => {
                machine.set_registry(SERVICE, POLICY, RegistryValue::Binary(blob.clone()));
            }
            None => {
                machine.remove_registry(SERVICE, POLICY);
            }
        }
    }

    fn load(&mut self, machine: &Arc<Machine>, image: &Path) -> Result<(), String> {
        let handles = || machine.system().handles().all().len();
        let before = handles();
        let loaded = machine.load_driver(image, SERVICE);
        loaded.map_err(|error| format!("the driver does not load: {error}"))?;
        machine.wait_until_idle();
        self.taken.push(handles().saturating_sub(before));
        self.is_loaded = true;
        self.trail.begin_anew();
        self.in_force = Setup::OBSERVE;
        if self.stored.is_some() {
            self.read_policy();
        }
        Ok(())
    }

    /// What the driver must make of the stored policy, and say.
    fn read_policy(&mut self) {
        let setup = self.stored.as_ref().map(|blob| Setup::of(blob));
        let told = match setup {
            None => PolicyEvent::Default,
            Some(None) => PolicyEvent::Faulty,
            Some(Some(_)) => PolicyEvent::Applied,
        };
        // A faulty one leaves that in force which was.
        self.in_force = setup.map_or(Setup::OBSERVE, |setup| setup.unwrap_or(self.in_force));
        self.trail.expect(told);
    }

    fn unload(&mut self, machine: &Arc<Machine>) -> Result<(), String> {
        let has_program = self.trail.has_program();
        self.trail.drain(machine)?;
        if has_program {
            self.trail.join(machine)?;
        }
        self.is_loaded = false;
        self.in_force = Setup::OBSERVE;
        let gone = unload(machine);
        self.trail.leave(false);
        gone.map_err(|error| match error {
            UnloadError::Left(left) => format!("left behind: {left:?}"),
            other => format!("unload: {other}"),
        })
    }

    /// A program connects and goes. Bytes that are no request are not let in.
    fn knock(&mut self, machine: &Arc<Machine>, context: &[u8]) -> Result<(), String> {
        let connected = connect(machine, context).map(|(_, port)| port.close());
        match (ConnectRequest::parse(context), connected) {
            (Ok(ConnectKind::Reload), Ok(())) => self.read_policy(),
            (Ok(ConnectKind::Reload), Err(status)) => {
                return Err(format!("a wish to reload is refused with {status}"));
            }
            (Err(_), Ok(())) => return Err("what is no request was let in".to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// The same on the machine without the driver.
    fn stand_in(&mut self, machine: &Arc<Machine>, act: &Act) -> Result<(), String> {
        match act {
            Act::Pass(seconds) => machine.advance(Duration::from_secs(*seconds)),
            Act::Load if !self.is_loaded => {
                let taken = self.taken.get(self.loads).copied().unwrap_or(0);
                self.loads += 1;
                self.is_loaded = true;
                self.stand_ins = machine
                    .system()
                    .run_kernel(|thread| (0..taken).map(|_| thread.create_event()).collect());
            }
            Act::Unload if self.is_loaded => {
                self.is_loaded = false;
                let events = std::mem::take(&mut self.stand_ins);
                let closed = machine.system().run_kernel(|thread| {
                    let mut events = events.iter();
                    events.try_for_each(|event| thread.close(*event))
                });
                closed.map_err(|status| format!("closing an event: {status}"))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Unloads while time passes: the driver gives a program some of it to take what is left.
fn unload(machine: &Arc<Machine>) -> Result<(), UnloadError> {
    std::thread::scope(|scope| {
        let unloading = scope.spawn(|| machine.unload(SERVICE));
        while !unloading.is_finished() {
            machine.advance(Duration::from_millis(100));
            std::thread::sleep(Duration::from_micros(100));
        }
        unloading
            .join()
            .unwrap_or_else(|why| std::panic::resume_unwind(why))
    })
}

fn detach(machine: &Arc<Machine>, volume: VolumeId) -> Result<(), String> {
    let found = machine.io().volume(volume);
    if found.is_none_or(|volume| volume.attached_filters().is_empty()) {
        return Ok(());
    }
    let detached = machine.detach(SERVICE, volume);
    detached.map_err(|status| format!("detach: {status}"))
}
