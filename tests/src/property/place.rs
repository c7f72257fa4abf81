//! A machine on which scripts are played, one after the other: without the driver or with it.

use std::path::Path;
use std::sync::Arc;

use testbed::io::{Handle, VolumeId};
use testbed::ntos::token::Impersonation;
use testbed::process::Running;
use testbed::{BootOptions, ClockSource, KernelThread, Machine, Process, ProcessSpec, UserThread};

use super::act::{Act, small_journal};
use super::keeper::{Keeper, Load, Moment};
use super::script::Who;
use crate::bed::driver::Driver;
use crate::expect;

/// The user who is impersonated.
const OTHER_USER: &str = "S-1-5-21-1004336348-1177238915-682003330-1002";

/// Where a clock that stands still stands: 2026-01-01, in 100 ns since 1601.
const START: i64 = 134_116_992_000_000_000;

/// Larger pool allocations fail where a script may ask for a journal of any size.
const POOL_LIMIT: u64 = 8 << 20;

/// A machine and the processes of all callers.
pub(super) struct Place {
    pub(super) machine: Arc<Machine>,
    user_64: Arc<Process>,
    user_32: Arc<Process>,
    other_64: Arc<Process>,
    driver: Option<Driver>,
    /// Who loads and unloads the driver, where scripts do.
    keeper: Option<Keeper>,
    /// What stands where the driver of the other machine has kernel handles of its own.
    stand_ins: Vec<Handle>,
}

/// A thread of a caller.
#[derive(Clone, Copy)]
pub(super) enum Caller<'a> {
    User(&'a UserThread),
    Kernel(&'a KernelThread),
}

/// Says the same words to a thread of either mode.
macro_rules! ask {
    ($caller:expr, $thread:ident => $body:expr) => {
        match $caller {
            $crate::property::place::Caller::User($thread) => $body,
            $crate::property::place::Caller::Kernel($thread) => $body,
        }
    };
}
pub(super) use ask;

impl Place {
    /// A machine without the driver.
    pub(super) fn bare() -> Self {
        Self::boot(BootOptions::default())
    }

    fn boot(options: BootOptions) -> Self {
        let machine = Machine::boot(options);
        let process = |name: &str| {
            let image = format!(r"\Device\HarddiskVolume1\property\{name}.exe");
            ProcessSpec::user(image)
        };
        Self {
            user_64: machine.create_process(process("user64")),
            user_32: machine.create_process(process("user32").bitness32()),
            other_64: machine.create_process(process("other64").user_sid(OTHER_USER)),
            driver: None,
            keeper: None,
            stand_ins: Vec::new(),
            machine,
        }
    }

    /// A machine with the driver of this image.
    pub(super) fn guarded(image: &Path, mode: expect::Mode) -> Result<Self, String> {
        let place = Self::bare();
        let driver = Driver::load(&place.machine, image, mode)?;
        Ok(Self {
            driver: Some(driver),
            ..place
        })
    }

    /// A machine whose clock stands still, in the hands of an administrator. The driver is loaded if there is one.
    pub(super) fn kept(keeper: Keeper) -> Result<Self, String> {
        let options = BootOptions {
            clock: ClockSource::Manual { start: START },
            pool_limit: POOL_LIMIT,
            ..BootOptions::default()
        };
        let place = Self {
            keeper: Some(keeper),
            ..Self::boot(options)
        };
        place.act((Moment::BEFORE, &Act::Store(Some(small_journal()))), &[])?;
        place.act((Moment::BEFORE, &Act::Load), &[])?;
        Ok(place)
    }

    /// Its administrator.
    pub(super) const fn keeper(&self) -> Option<&Keeper> {
        self.keeper.as_ref()
    }

    /// Lets the administrator do something, as a step; without one nothing is done.
    pub(super) fn act(&self, step: (Moment, &Act), volumes: &[VolumeId]) -> Result<(), String> {
        let keeper = self.keeper.as_ref();
        keeper.map_or(Ok(()), |keeper| keeper.act(&self.machine, step, volumes))
    }

    /// Lets the call fail that the administrator has chosen for this step; whether one was.
    pub(super) fn arm(&self) -> bool {
        let keeper = self.keeper.as_ref();
        keeper.is_some_and(|keeper| keeper.arm(&self.machine))
    }

    /// Whether the driver may have made the end of this step's request wait for itself.
    pub(super) fn is_synchronized(&self, step: usize) -> bool {
        let keeper = self.keeper.as_ref();
        keeper.is_some_and(|keeper| keeper.setup(step).rechecks)
    }

    /// Lets what the step left open come to its end.
    pub(super) fn recover(&self, now: Moment) -> Result<(), String> {
        let keeper = self.keeper.as_ref();
        keeper.map_or(Ok(()), |keeper| keeper.recover(&self.machine, now))
    }

    /// Fills the table of kernel handles up to that of the machine with the driver, so that both give out
    /// the same values from now on. Neither kind is a file, and no caller can tell them apart otherwise.
    pub(super) fn level_with(&mut self, guarded: &Self) -> Result<(), String> {
        let taken = guarded.machine.system().handles().all().len();
        self.stand_ins = self
            .machine
            .system()
            .run_kernel(|thread| (0..taken).map(|_| thread.create_event()).collect());
        let values = |place: &Self| -> Vec<u64> {
            let all = place.machine.system().handles().all();
            all.iter().map(|(value, _)| *value).collect()
        };
        if values(self) == values(guarded) {
            Ok(())
        } else {
            Err("the driver's kernel handles have gaps between them".to_owned())
        }
    }

    /// Runs on a new thread of a caller.
    pub(super) fn run<T: Send>(&self, who: Who, body: impl FnOnce(Caller<'_>) -> T + Send) -> T {
        let process = self.process(who);
        if who.is_kernel() {
            process.run_kernel(|thread| body(Caller::Kernel(thread)))
        } else {
            process.run(|thread| body(Caller::User(thread)))
        }
    }

    /// Starts something on a new thread of a caller.
    pub(super) fn start<T: Send + 'static>(
        &self,
        who: Who,
        body: impl FnOnce(Caller<'_>) -> T + Send + 'static,
    ) -> Running<T> {
        let process = self.process(who);
        if who.is_kernel() {
            process.spawn_kernel(|thread| body(Caller::Kernel(thread)))
        } else {
            process.spawn(|thread| body(Caller::User(thread)))
        }
    }

    fn process(&self, who: Who) -> Arc<Process> {
        match who {
            Who::User64 | Who::KernelIn64 => Arc::clone(&self.user_64),
            Who::User32 | Who::KernelIn32 => Arc::clone(&self.user_32),
            Who::Other64 => Arc::clone(&self.other_64),
            Who::System => self.machine.system(),
        }
    }

    /// Another user, as a thread impersonates it.
    pub(super) fn other_user(&self) -> Impersonation {
        Impersonation {
            token: self.other_64.token(),
            level: 2,
        }
    }

    /// What was recorded of requests since the last call, by loads; nothing without the driver.
    pub(super) fn loads(&self, now: Moment) -> Result<Vec<Load>, String> {
        match (&self.keeper, &self.driver) {
            (Some(keeper), _) => keeper.loads(&self.machine, now),
            (None, Some(driver)) => Ok(vec![Load {
                from: 0,
                events: driver.records(&self.machine)?,
                is_whole: true,
            }]),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Unloads the driver, by force if its policy keeps it, and with the power if that is not enough, and ends the machine; what was left behind comes back.
    pub(super) fn end(self, now: Moment) -> Result<(), String> {
        let mut left = Vec::new();
        for act in [Act::Unload, Act::Stop, Act::Restart] {
            left.extend(self.act((now, &act), &[]).err());
        }
        let closed = self.machine.system().run_kernel(|thread| {
            let mut handles = self.stand_ins.iter();
            handles.try_for_each(|handle| thread.close(*handle))
        });
        if let Err(status) = closed {
            left.push(format!("closing an event: {status}"));
        }
        if let Some(driver) = self.driver {
            left.extend(driver.unload(&self.machine));
        }
        if let Err(violations) = self.machine.shutdown() {
            left.extend(violations.iter().map(ToString::to_string));
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join("; "))
        }
    }
}
