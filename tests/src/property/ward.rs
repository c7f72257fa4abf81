//! The driver, as its administrator knows it: what it was told to do, what it must have done, what it must say.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use testbed::io::VolumeId;
use testbed::ntos::registry::RegistryValue;
use testbed::status::STATUS_INSUFFICIENT_RESOURCES;
use testbed::{LoadError, Machine, UnloadError};
use wire::{ConnectKind, ConnectRequest, PolicyEvent};
use zerocopy::IntoBytes as _;

use super::act::Act;
use super::keeper::{Load, Moment, RECOVERY, dismount};
use super::minute::Minute;
use super::setup::Setup;
use super::trail::{Trail, connect};

/// The service.
const SERVICE: &str = "CloneGuard";
/// The registry value that holds a policy.
const POLICY: &str = "Policy";
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
    stored: Option<Vec<u8>>,
    in_force: Setup,
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
            stored: None,
            in_force: Setup::OBSERVE,
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
            Act::Nothing | Act::Fail(_) => Ok(()),
            Act::Pass(seconds) => {
                self.pass(machine, Duration::from_secs(*seconds));
                Ok(())
            }
            Act::Dismount(volume) => {
                self.arm(machine);
                dismount(machine, volumes[*volume])
            }
            Act::Store(blob) => {
                self.store(machine, blob.clone());
                Ok(())
            }
            Act::Load if !self.is_loaded => self.load(machine, now),
            _ if !self.is_loaded => Ok(()),
            Act::Load => Ok(()),
            Act::Unload => self.unload(machine, now, false),
            Act::Stop => self.unload(machine, now, true),
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

    fn store(&mut self, machine: &Machine, blob: Option<Vec<u8>>) {
        match &blob {
            Some(blob) => {
                machine.set_registry(SERVICE, POLICY, RegistryValue::Binary(blob.clone()));
            }
            None => {
                machine.remove_registry(SERVICE, POLICY);
            }
        }
        self.stored = blob;
    }

    fn load(&mut self, machine: &Arc<Machine>, now: Moment) -> Result<(), String> {
        // A lock that is in force from the load on holds until the machine restarts, and this one does not.
        if self
            .stored
            .as_ref()
            .is_some_and(|blob| Setup::of(blob).is_some_and(|setup| setup.locks))
        {
            self.store(machine, None);
        }
        let handles = || machine.system().handles().all().len();
        let before = handles();
        let may_fail = self.arm(machine);
        match machine.load_driver(&self.image, SERVICE) {
            Ok(()) => {}
            Err(LoadError::Entry(_)) if may_fail => return Ok(()),
            Err(error) => return Err(format!("the driver does not load: {error}")),
        }
        machine.wait_until_idle();
        let taken = handles().saturating_sub(before);
        self.turns.push_back((now.step, Turn::Loaded(taken)));
        self.begin_anew(now);
        if self.stored.is_some() {
            self.read_policy();
        }
        Ok(())
    }

    fn begin_anew(&mut self, now: Moment) {
        if self.from < now.step || !self.trail.events.is_empty() {
            let load = self.load_so_far();
            self.loads.push(load);
        }
        self.is_loaded = true;
        self.from = now.step;
        self.watched_before = now.watched;
        self.minute = Minute::first();
        self.trail.begin_anew();
        let size = self
            .stored
            .as_ref()
            .and_then(|blob| Setup::journal_size(blob));
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
        let setup = self.stored.as_ref().map(|blob| Setup::of(blob));
        let told = match setup {
            None => PolicyEvent::Default,
            Some(None) => PolicyEvent::Faulty,
            Some(Some(_)) => PolicyEvent::Applied,
        };
        // A faulty one leaves that in force which was.
        self.in_force = setup.map_or(Setup::OBSERVE, |setup| setup.unwrap_or(self.in_force));
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

    /// Unloads, or stops the service; with the program at the port, if there is one, to take what is left.
    fn unload(
        &mut self,
        machine: &Arc<Machine>,
        now: Moment,
        is_mandatory: bool,
    ) -> Result<(), String> {
        let has_program = self.trail.has_program();
        let is_in_flight = self.drain(machine, now)?;
        if is_in_flight {
            self.trail.excuse("requests are in flight");
        }
        if has_program {
            self.minute.tell();
            self.trail.join(machine, false)?;
        }
        let is_armed = self.arm(machine);
        let gone = take_out(machine, is_mandatory, &mut self.trail);
        match gone? {
            Err(UnloadError::Declined(_)) if self.in_force.locks && !is_mandatory => return Ok(()),
            Err(UnloadError::Left(left)) => return Err(format!("left behind: {left:?}")),
            Err(error) => return Err(format!("unload: {error}")),
            Ok(()) if self.in_force.locks && !is_mandatory => {
                return Err("unloaded in spite of a lock".to_owned());
            }
            Ok(()) => {}
        }
        // What is in flight keeps back the last words.
        if has_program && !is_armed && !is_in_flight {
            self.trail.end(now.watched - self.watched_before)?;
        }
        self.trail.leave(false);
        self.is_loaded = false;
        self.in_force = Setup::OBSERVE;
        self.turns.push_back((now.step, Turn::Gone));
        Ok(())
    }
}

/// Unloads while time passes and the program at the port takes what comes: the driver gives it some time for that.
fn take_out(
    machine: &Arc<Machine>,
    is_mandatory: bool,
    trail: &mut Trail,
) -> Result<Result<(), UnloadError>, String> {
    let unload = || {
        if is_mandatory {
            machine.unload_mandatory(SERVICE)
        } else {
            machine.unload(SERVICE)
        }
    };
    std::thread::scope(|scope| {
        let (tell, done) = channel();
        scope.spawn(move || tell.send(unload()));
        let mut fault = Ok(());
        loop {
            if let Ok(result) = done.recv_timeout(Duration::from_micros(200)) {
                return fault.map(|()| result);
            }
            match trail.take_last() {
                Ok(true) => {}
                Ok(false) => machine.advance(Duration::from_millis(100)),
                Err(why) => fault = fault.and(Err(why)),
            }
        }
    })
}
