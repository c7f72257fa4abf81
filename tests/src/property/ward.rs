//! The driver, as its administrator knows it: what it was told to do, what it must have done, what it must say. How it
//! goes is in `going`.

mod going;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use testbed::io::VolumeId;
use testbed::ntos::Irql;
use testbed::status::STATUS_INSUFFICIENT_RESOURCES;
use testbed::{LoadError, Machine};
use wire::{ConnectKind, ConnectRequest, PolicyEvent, PreviousStop};
use zerocopy::IntoBytes as _;

use super::act::Act;
use super::keeper::{Load, Moment, RECOVERY, dismount};
use super::minute::Minute;
use super::setup::Setup;
use super::stored::{Found, Stored};
use super::trail::{Trail, connect};

/// The service.
pub(super) const SERVICE: &str = "CloneGuard";
/// A journal that has room for the records of any script.
const ENOUGH: u64 = 512 << 10;

/// When a driver comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It was loaded, and has so many kernel handles.
    Loaded(usize),
    /// It is gone.
    Gone,
}

/// See the module.
pub(super) struct Ward {
    image: PathBuf,
    is_loaded: bool,
    /// The steps at which it came and went.
    pub(super) turns: VecDeque<(usize, Turn)>,
    stored: Stored,
    in_force: Setup,
    /// Whether a lock is in force since the load, so that not even a stop of the service ends it; `None` if a call failed
    /// in the load.
    rooted: Option<bool>,
    /// Whether it was told that the machine is shut down.
    is_shut_down: bool,
    /// What the next load must say of this one if the power goes, and what it must say of the one that is gone; `None`
    /// where a call failed in writing or reading that.
    leaves: Option<PreviousStop>,
    previous: Option<PreviousStop>,
    /// What was in force from a step on.
    setups: Vec<(usize, Setup)>,
    minute: Minute,
    trail: Trail,
    /// Requests that earlier loads have seen.
    watched_before: u64,
    from: usize,
    loads: Vec<Load>,
    /// The call that fails in the next step; 0 for none.
    armed: u8,
}

impl Ward {
    pub(super) fn new(image: &Path) -> Self {
        Self {
            image: image.to_owned(),
            is_loaded: false,
            turns: VecDeque::new(),
            stored: Stored::nothing(),
            in_force: Setup::OBSERVE,
            rooted: Some(false),
            is_shut_down: false,
            leaves: None,
            previous: Some(PreviousStop::FirstStart),
            setups: Vec::new(),
            minute: Minute::first(),
            trail: Trail::default(),
            watched_before: 0,
            from: 0,
            loads: Vec::new(),
            armed: 0,
        }
    }

    /// What was in force at a step.
    pub(super) fn setup(&self, step: usize) -> Setup {
        let mut before = self.setups.iter().rev();
        let found = before.find(|(from, _)| *from <= step);
        found.map_or(Setup::OBSERVE, |(_, setup)| *setup)
    }

    /// All loads with their records, once.
    pub(super) fn loads(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
    ) -> Result<Vec<Load>, String> {
        if self.is_loaded {
            self.drain(machine, now)?;
        }
        let mut loads = std::mem::take(&mut self.loads);
        loads.push(self.load_so_far());
        Ok(loads)
    }

    fn load_so_far(&mut self) -> Load {
        Load {
            from: self.from,
            events: std::mem::take(&mut self.trail.events),
            is_whole: self.trail.is_whole(),
        }
    }

    /// Carries out an act; a call that was chosen before fails in it.
    pub(super) fn act(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
        (act, volumes): (&Act, &[VolumeId]),
    ) -> Result<(), String> {
        let was_armed = self.armed > 0;
        self.perform(machine, now, (act, volumes))?;
        machine.wait_until_idle();
        if was_armed {
            self.recover(machine, now)?;
        }
        if let Act::Fail(number) = act {
            self.armed = *number;
        }
        self.setups.push((now.step, self.in_force));
        Ok(())
    }

    fn perform(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
        (act, volumes): (&Act, &[VolumeId]),
    ) -> Result<(), String> {
        match act {
            Act::Pass(seconds) => self.pass(machine, Duration::from_secs(*seconds)),
            Act::Dismount(volume) => {
                self.arm(machine);
                dismount(machine, volumes[*volume])?;
            }
            Act::Store(blob) => self.stored.store(machine, blob.clone()),
            Act::Spoil(odd) => self.stored.spoil(machine, *odd),
            Act::Block(block) => self.stored.block(machine, *block),
            Act::Load if !self.is_loaded => self.load(machine, now)?,
            _ if self.is_loaded => self.treat(machine, now, (act, volumes))?,
            _ => {}
        }
        Ok(())
    }

    /// What is done to a driver that is loaded.
    fn treat(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
        (act, volumes): (&Act, &[VolumeId]),
    ) -> Result<(), String> {
        match act {
            Act::Unload => self.unload(machine, now, false),
            Act::Stop => self.unload(machine, now, true),
            Act::ShutDown(false) => self.shut_down(machine, now, Irql::Passive),
            Act::ShutDown(true) => self.shut_down(machine, now, Irql::Apc),
            Act::Restart => self.restart(machine, now),
            Act::Reload => self.knock(machine, ConnectRequest::reload().as_bytes()),
            Act::Knock(context) => self.knock(machine, context),
            Act::Join => {
                self.minute.tell();
                let may_fail = self.arm(machine);
                self.trail.join(machine, may_fail)
            }
            Act::Take(reply) => self.trail.take(machine, reply),
            Act::Leave(killed) => {
                self.trail.leave(*killed);
                Ok(())
            }
            Act::Detach(volume) => self.detach(machine, volumes[*volume]),
            _ => Ok(()),
        }
    }

    /// Lets the chosen call fail from now on; whether one was chosen.
    pub(super) fn arm(&mut self, machine: &Machine) -> bool {
        if self.armed == 0 {
            return false;
        }
        machine.injection().fail(u64::from(self.armed));
        true
    }

    /// After a step in which a call may have failed: what it left open comes to its end within a minute, and a policy
    /// that is read again is known.
    pub(super) fn recover(&mut self, machine: &Arc<Machine>, now: Moment) -> Result<(), String> {
        machine.wait_until_idle();
        machine.injection().fail(0);
        self.armed = 0;
        self.trail.shake();
        self.pass(machine, RECOVERY);
        machine.wait_until_idle();
        if self.is_loaded {
            self.knock(machine, ConnectRequest::reload().as_bytes())?;
            machine.wait_until_idle();
            self.drain(machine, now)?;
        }
        self.trail.calm_down();
        self.setups
            .push((now.step.saturating_add(1), self.in_force));
        Ok(())
    }

    fn pass(&mut self, machine: &Machine, time: Duration) {
        self.arm(machine);
        machine.advance(time);
        if self.minute.pass(time.as_secs()) && self.is_loaded {
            self.read_policy();
        }
    }

    fn load(&mut self, machine: &Arc<Machine>, now: Moment) -> Result<(), String> {
        let handles = || machine.system().handles().all().len();
        let before = handles();
        let may_fail = self.arm(machine);
        let previous = self.previous.take().filter(|_| !may_fail);
        match machine.load_driver(&self.image, SERVICE) {
            Ok(()) => {}
            Err(LoadError::Entry(_)) if may_fail => return Ok(()),
            Err(error) => return Err(format!("the driver does not load: {error}")),
        }
        machine.wait_until_idle();
        let taken = handles().saturating_sub(before);
        self.turns.push_back((now.step, Turn::Loaded(taken)));
        self.begin_anew(now, previous);
        if self.stored.look() != Found::Nothing {
            self.read_policy();
        }
        self.rooted = (!may_fail).then_some(self.in_force.locks);
        self.leaves = (!may_fail).then_some(PreviousStop::Unclean);
        Ok(())
    }

    fn begin_anew(&mut self, now: Moment, previous: Option<PreviousStop>) {
        if self.from < now.step || !self.trail.events.is_empty() {
            let load = self.load_so_far();
            self.loads.push(load);
        }
        self.is_loaded = true;
        self.from = now.step;
        self.watched_before = now.watched;
        self.minute = Minute::first();
        self.trail.begin_anew(previous);
        self.is_shut_down = false;
        let size = self.stored.journal_size();
        if size.is_some_and(|size| size < ENOUGH) {
            self.trail.excuse("the journal is small");
        }
        self.in_force = Setup::OBSERVE;
    }

    /// What the driver must make of the stored policy, and say.
    fn read_policy(&mut self) {
        if self.in_force.locks {
            return self.trail.expect(PolicyEvent::Locked);
        }
        // What cannot be had leaves that in force which was.
        let (told, in_force) = match self.stored.look() {
            Found::Nothing => (PolicyEvent::Default, Setup::OBSERVE),
            Found::Unreadable => (PolicyEvent::Unreadable, self.in_force),
            Found::Faulty => (PolicyEvent::Faulty, self.in_force),
            Found::Sound(setup) => (PolicyEvent::Applied, setup),
        };
        self.in_force = in_force;
        if self.in_force.summarises {
            self.trail.excuse("requests are summarised");
        }
        self.trail.expect(told);
    }

    /// A new program reads everything.
    fn drain(&mut self, machine: &Arc<Machine>, now: Moment) -> Result<bool, String> {
        self.minute.tell();
        self.trail.drain(machine, now.watched - self.watched_before)
    }

    /// A program connects and goes. Bytes that are no request are not let in.
    fn knock(&mut self, machine: &Arc<Machine>, context: &[u8]) -> Result<(), String> {
        let may_fail = self.arm(machine);
        let connected = connect(machine, context).map(|(_, port)| port.close());
        match (ConnectRequest::parse(context), connected) {
            (_, Err(STATUS_INSUFFICIENT_RESOURCES)) if may_fail => {}
            (Ok(ConnectKind::Reload), Ok(())) => {
                if self.minute.wish() {
                    self.read_policy();
                }
            }
            (Ok(ConnectKind::Reload), Err(status)) => {
                return Err(format!("a wish to reload is refused with {status}"));
            }
            (Ok(ConnectKind::Watch { .. }), _) => _ = self.minute.tell(),
            (Err(_), Ok(())) => return Err("what is no request was let in".to_owned()),
            (Ok(ConnectKind::Status) | Err(_), _) => {}
        }
        Ok(())
    }

    fn detach(&mut self, machine: &Arc<Machine>, volume: VolumeId) -> Result<(), String> {
        let found = machine.io().volume(volume);
        if found.is_none_or(|volume| volume.attached_filters().is_empty()) {
            return Ok(());
        }
        self.arm(machine);
        match machine.detach(SERVICE, volume) {
            Ok(()) if self.in_force.locks => Err("detached in spite of a lock".to_owned()),
            Err(_) if self.in_force.locks => Ok(()),
            other => other.map_err(|status| format!("detach: {status}")),
        }
    }
}
