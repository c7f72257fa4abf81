//! The modelled machine: owns everything, loads drivers, runs processes.
//!
//! [`Machine`] is what a test starts with: boot, mount, load a driver, run processes, unload, shut
//! down. It holds one piece of each manager; the managers find each other through it. Loading is in
//! `loader`, what a test may wish to fail is `injection`, what is kept of drivers in `drivers`.

mod drivers;
mod processes;
mod time;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::boundary::fault;
use crate::boundary::memory::Memory;
use crate::cost::CallCounter;
use crate::fltmgr::{self, FilterManager, PortClient};
use crate::image::Image;
use crate::injection::Injection;
use crate::io::{self, IoManager, MountError, VolumeId, VolumeSpec};
use crate::loader::Driver;
use crate::ntos::object::ObjectTable;
use crate::ntos::pool::Pool;
use crate::ntos::process_notify::NotifyRoutines;
use crate::ntos::registry::Registry;
use crate::ntos::shutdown::Devices;
use crate::ntos::sleepers::Sleepers;
use crate::ntos::sync::Synchronization;
use crate::ntos::system_file::SystemVolume;
use crate::ntos::time::{Clock, ClockSource};
use crate::process::{Process, ProcessSpec, Running};
use crate::standstill;
use crate::status::NtStatus;
use crate::thread::{Mode, Thread, UserThread};
use crate::verifier::{self, CallSite, Rule, Violation};

/// What can be chosen about a machine.
#[derive(Clone, Copy, Debug)]
pub struct BootOptions {
    /// Where it takes its time from.
    pub clock: ClockSource,
    /// Seed of what the kernel calls random.
    pub seed: u64,
    /// Pool requests above this many bytes fail, as they would on a machine short of memory.
    pub pool_limit: u64,
}

impl Default for BootOptions {
    fn default() -> Self {
        Self {
            clock: ClockSource::Host,
            seed: 0x2545_F491_4F6C_DD1D,
            pool_limit: 1 << 30,
        }
    }
}

/// What a machine has done when it is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// File-system controls that reached filters or file systems.
    pub requests: u64,
    /// Calls of kernel routines that could have failed for want of memory.
    pub fallible_calls: u64,
}

/// A thread that a driver has started: whose it is, itself, the call.
type DriverThread = (u32, Arc<Thread>, CallSite);

/// One modelled machine.
#[derive(Debug)]
pub struct Machine {
    options: BootOptions,
    /// The thread of the host that has booted it.
    booted_by: String,
    memory: Arc<Memory>,
    objects: ObjectTable,
    pool: Pool,
    sync: Synchronization,
    sleepers: Arc<Sleepers>,
    clock: Arc<Clock>,
    injection: Injection,
    call_counter: CallCounter,
    registry: Registry,
    system_volume: SystemVolume,
    process_notify: NotifyRoutines,
    devices: Devices,
    filter_manager: FilterManager,
    io: IoManager,
    system: OnceLock<Arc<Process>>,
    processes: Mutex<Vec<Arc<Process>>>,
    drivers: Mutex<Vec<Driver>>,
    /// Unloaded images: no longer accessible, still named in reports.
    unloaded: Mutex<Vec<Arc<Image>>>,
    driver_threads: Mutex<Vec<DriverThread>>,
    threads: Mutex<Vec<Running<()>>>,
    altitudes: Mutex<BTreeMap<String, String>>,
    debug_output: Mutex<String>,
    client_ids: AtomicU64,
    start_keys: AtomicU64,
    driver_numbers: AtomicU64,
    random: AtomicU64,
}

impl Machine {
    /// Starts a machine. It has the System process and nothing else.
    ///
    /// Ends the run when the host has no address space for it.
    #[must_use]
    pub fn boot(options: BootOptions) -> Arc<Self> {
        fault::install();
        standstill::watch();
        let no_memory = |error| Violation::new(Rule::Testbed, format!("no memory: {error}"));
        let memory = verifier::settle(Memory::new().map_err(no_memory));
        let sleepers = Arc::new(Sleepers::default());
        let machine = Arc::new(Self {
            options,
            booted_by: standstill::host_thread(),
            objects: verifier::settle(ObjectTable::new(&memory)),
            memory,
            pool: Pool::default(),
            sync: Synchronization::new(&sleepers),
            filter_manager: FilterManager::default(),
            sleepers,
            clock: Arc::new(Clock::new(options.clock)),
            injection: Injection::default(),
            call_counter: CallCounter::default(),
            registry: Registry::default(),
            system_volume: SystemVolume::default(),
            process_notify: NotifyRoutines::default(),
            devices: Devices::default(),
            io: IoManager::default(),
            system: OnceLock::new(),
            processes: Mutex::default(),
            drivers: Mutex::default(),
            unloaded: Mutex::default(),
            driver_threads: Mutex::default(),
            threads: Mutex::default(),
            altitudes: Mutex::default(),
            debug_output: Mutex::default(),
            // The System process is 4; ids are multiples of 4 (handles of the client-id table).
            client_ids: AtomicU64::new(8),
            start_keys: AtomicU64::new(1),
            driver_numbers: AtomicU64::new(1),
            random: AtomicU64::new(options.seed),
        });
        let system = Process::create(&machine, ProcessSpec::system());
        lock(&machine.processes).push(Arc::clone(&system));
        machine.system.get_or_init(|| system);
        machine
    }

    /// Mounts a volume.
    ///
    /// # Errors
    ///
    /// What of the specification cannot be played, or a device name that is taken.
    pub fn mount(&self, spec: VolumeSpec) -> Result<VolumeId, MountError> {
        self.io.mount(self, spec)
    }

    /// The System process: its threads are those of the kernel, its handles the kernel handles.
    ///
    /// Ends the run before the machine has booted.
    #[must_use]
    pub fn system(&self) -> Arc<Process> {
        let early = || Violation::new(Rule::Testbed, "there is no System process yet");
        verifier::settle(self.system.get().cloned().ok_or_else(early))
    }

    /// Connects the program of `thread` to a communication port.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_ACCESS_DENIED`, `STATUS_CONNECTION_COUNT_LIMIT`, or
    /// what the driver answers.
    pub fn connect_port(
        &self,
        thread: &UserThread,
        name: &str,
        context: &[u8],
    ) -> Result<PortClient, NtStatus> {
        fltmgr::connect(thread, name, context)
    }

    /// What drivers printed so far, a line each.
    #[must_use]
    pub fn debug_output(&self) -> Vec<String> {
        lock(&self.debug_output)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Ends the machine: every driver must have been unloaded. Joins the threads that drivers made.
    ///
    /// # Errors
    ///
    /// What is left: drivers still loaded, and all that they hold.
    pub fn shutdown(&self) -> Result<Summary, Vec<Violation>> {
        let drivers = lock(&self.drivers);
        if !drivers.is_empty() {
            let loaded = drivers.iter().map(|driver| {
                Violation::new(Rule::Unload, format!("{} is still loaded", driver.name()))
            });
            return Err(loaded.collect());
        }
        drop(drivers);
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            thread.join();
        }
        Ok(Summary {
            requests: self.io.requests(),
            fallible_calls: self.injection.calls(),
        })
    }

    /// The altitude at which the filter of this service attaches (`Services\X\Instances`). A value of
    /// the activity-monitor range unless [`Self::set_altitude`] said otherwise.
    #[must_use]
    pub fn altitude(&self, service: &str) -> String {
        lock(&self.altitudes)
            .get(service)
            .cloned()
            .unwrap_or_else(|| "365000".to_owned())
    }

    /// Chooses the altitude of a service, before its driver is loaded.
    pub fn set_altitude(&self, service: &str, altitude: &str) {
        lock(&self.altitudes).insert(service.to_owned(), altitude.to_owned());
    }

    /// The thread of the host that has booted it, in words.
    pub(crate) fn booted_by(&self) -> &str {
        &self.booted_by
    }

    /// What it was booted with.
    #[must_use]
    pub fn options(&self) -> &BootOptions {
        &self.options
    }

    /// Its memory.
    #[must_use]
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> &ObjectTable {
        &self.objects
    }

    /// Its pool.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Its locks, events and waits.
    #[must_use]
    pub fn sync(&self) -> &Synchronization {
        &self.sync
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Where calls are counted.
    pub(crate) fn call_counter(&self) -> &CallCounter {
        &self.call_counter
    }

    /// What is chosen to fail.
    #[must_use]
    pub fn injection(&self) -> &Injection {
        &self.injection
    }

    /// Its registry.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Its system volume.
    pub(crate) fn system_volume(&self) -> &SystemVolume {
        &self.system_volume
    }

    /// Who is told of processes.
    pub(crate) fn process_notify(&self) -> &NotifyRoutines {
        &self.process_notify
    }

    /// The devices of its drivers.
    pub(crate) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Its filter manager.
    #[must_use]
    pub fn filter_manager(&self) -> &FilterManager {
        &self.filter_manager
    }

    /// Its I/O manager.
    #[must_use]
    pub fn io(&self) -> &IoManager {
        &self.io
    }

    /// Says in words where `address` lies.
    #[must_use]
    pub fn describe(&self, address: u64) -> String {
        self.objects
            .describe(address)
            .unwrap_or_else(|| self.memory.describe(address))
    }

    /// Whether `address` lies in address space that the machine has handed out or reserved.
    #[must_use]
    pub fn owns(&self, address: u64) -> bool {
        self.objects.owns(address) || self.memory.owns(address)
    }

    pub(crate) fn next_client_id(&self) -> u64 {
        self.client_ids.fetch_add(4, Ordering::Relaxed)
    }

    pub(crate) fn next_start_key(&self) -> u64 {
        self.start_keys.fetch_add(1, Ordering::Relaxed)
    }

    /// The next number of a xorshift generator (Marsaglia, "Xorshift RNGs", 2003).
    pub(crate) fn random(&self) -> u64 {
        let step = |mut x: u64| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^ x << 17
        };
        let before = self
            .random
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(step(x)));
        step(before.unwrap_or_default())
    }

    pub(crate) fn add_debug_output(&self, text: &str) {
        lock(&self.debug_output).push_str(text);
    }

    pub(crate) fn close_handle(
        &self,
        process: &Arc<Process>,
        mode: Mode,
        value: u64,
    ) -> Result<(), NtStatus> {
        io::close_handle(self, process, mode, value)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_with_the_same_seed_draw_the_same_numbers() {
        let draw = |seed| {
            let machine = Machine::boot(BootOptions {
                seed,
                ..BootOptions::default()
            });
            [machine.random(), machine.random(), machine.random()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_machine_without_drivers_shuts_down() {
        let machine = Machine::boot(BootOptions::default());
        assert_eq!(
            machine.shutdown(),
            Ok(Summary {
                requests: 0,
                fallible_calls: 0
            })
        );
    }
}
