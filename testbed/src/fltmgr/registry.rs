//! Filters: registration, the start of filtering, and attaching to volumes.

use std::cmp::Ordering;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};

use super::altitude::Altitude;
use super::instance::Instance;
use super::layout::flags;
use super::phase::{self, Callback, Nature};
use super::registration::{self, Registration};
use super::trace::TraceEntry;
use super::{Shared, leak, lock, manager};
use crate::boundary::call;
use crate::boundary::import::Call;
use crate::io::MountedVolume;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_FLT_INSTANCE_ALTITUDE_COLLISION, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};
use crate::thread::Thread;
use crate::verifier::{CallSite, Rule, Violation};

/// Where a filter is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterPhase {
    /// Registered, not started.
    Registered,
    /// Filtering.
    Started,
    /// In `FltUnregisterFilter`.
    Unregistering,
    /// Unregistered.
    Gone,
}

/// A registered filter.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Number and name of its driver.
    pub(super) driver: u32,
    pub(super) name: Arc<str>,
    /// Its `PFLT_FILTER`.
    pub(super) address: ObjectAddress,
    pub(super) altitude: Altitude,
    pub(super) registration: Registration,
    pub(super) phase: Mutex<FilterPhase>,
    /// All whose setup has begun, also on volumes that are going.
    pub(super) instances: Mutex<Vec<Weak<Instance>>>,
    /// Whether a mandatory unload is running: FltUnregisterFilter tells the instances.
    pub(super) must_go: AtomicBool,
    pub(super) registered_by: CallSite,
}

impl Filter {
    /// Whether requests and volumes are shown to it.
    pub(super) fn is_started(&self) -> bool {
        *lock(&self.phase) == FilterPhase::Started
    }

    /// Takes in an instance before it is set up; `false` when the filter is shown nothing more.
    fn admit(&self, instance: &Arc<Instance>) -> bool {
        let phase = lock(&self.phase);
        let is_started = *phase == FilterPhase::Started;
        if is_started {
            let mut instances = lock(&self.instances);
            instances.retain(|other| other.strong_count() > 0);
            instances.push(Arc::downgrade(instance));
        }
        is_started
    }

    /// All instances that are there, and some that have gone.
    pub(super) fn instances(&self) -> Vec<Arc<Instance>> {
        let instances = lock(&self.instances);
        instances.iter().filter_map(Weak::upgrade).collect()
    }

    /// Calls a callback of the filter on `thread` and records it.
    pub(super) fn call(
        &self,
        thread: &Arc<Thread>,
        what: CallbackCall<'_>,
        arguments: &[u64],
    ) -> Result<u32, Violation> {
        let irql = thread.irql();
        let returned = phase::within(what.callback, || {
            call::image(thread, what.label, what.address, arguments)
        })?;
        // The status is in EAX; the upper half of RAX is undefined.
        let returned = if what.is_void {
            0
        } else {
            (returned & 0xFFFF_FFFF) as u32
        };
        thread.machine().filter_manager().trace.add(TraceEntry {
            filter: Arc::clone(&self.name),
            callback: what.callback,
            request: what.request,
            irql,
            thread: thread.id(),
            process: thread.process().id(),
            returned,
        });
        Ok(returned)
    }
}

/// Which callback to call, and how it shows in reports.
pub(super) struct CallbackCall<'a> {
    pub(super) callback: Callback,
    pub(super) label: &'a str,
    pub(super) address: u64,
    /// Number of the request, or 0.
    pub(super) request: u64,
    pub(super) is_void: bool,
}

/// All filters that were ever registered.
#[derive(Debug, Default)]
pub(super) struct Registry {
    filters: Shared<Filter>,
}

impl Registry {
    /// The filter of a driver that has not unregistered yet.
    pub(super) fn of_driver(&self, driver: u32) -> Option<Arc<Filter>> {
        let filters = lock(&self.filters);
        let found = filters
            .iter()
            .find(|filter| filter.driver == driver && *lock(&filter.phase) != FilterPhase::Gone);
        found.cloned()
    }

    fn started(&self) -> Vec<Arc<Filter>> {
        lock(&self.filters)
            .iter()
            .filter(|filter| filter.is_started())
            .cloned()
            .collect()
    }

    fn is_taken(&self, altitude: &Altitude) -> bool {
        lock(&self.filters).iter().any(|filter| {
            *lock(&filter.phase) != FilterPhase::Gone
                && filter.altitude.compare(altitude) == Ordering::Equal
        })
    }

    pub(super) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let filter = self.of_driver(driver);
        let report = |filter: Arc<Filter>| {
            leak(
                "the registration of the filter",
                &filter.registered_by,
                "FltUnregisterFilter",
            )
        };
        filter.map(report).into_iter().collect()
    }
}

/// The filter that the driver names, which must be its own.
pub(super) fn own_filter(call: &Call, address: u64) -> Result<Arc<Filter>, Violation> {
    let address = ObjectAddress(address);
    let weak: Arc<Weak<Filter>> = call.machine().objects().payload(address, Kind::Filter)?;
    let filter = weak
        .upgrade()
        .ok_or_else(|| call.violation(Rule::Testbed, "the filter has no record"))?;
    if filter.driver != call.driver() {
        let detail = format!("the PFLT_FILTER is that of {}", filter.name);
        return Err(call.violation(Rule::Argument, detail));
    }
    Ok(filter)
}

/// `FltRegisterFilter`.
pub(super) fn flt_register_filter(
    call: &Call,
    driver: u64,
    registration: u64,
    filter: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    if call.machine().driver_object(call.driver()) != Some(ObjectAddress(driver)) {
        return Err(call.violation(
            Rule::Argument,
            "Driver is not the caller's own driver object",
        ));
    }
    let manager = manager(call);
    if manager.registry.of_driver(call.driver()).is_some() {
        return Err(call.violation(Rule::Registration, "the driver is registered already"));
    }
    let captured = match registration::read(&call.guest(), registration)? {
        Ok(captured) => captured,
        Err(status) => return Ok(status),
    };
    let name = Arc::clone(&call.site().driver_name);
    let altitude = Altitude::parse(&call.machine().altitude(&name))
        .map_err(|error| call.violation(Rule::Registration, error))?;
    if manager.registry.is_taken(&altitude) {
        return Ok(STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let label = format!("FLT_FILTER of {name}");
    let objects = call.machine().objects();
    let new = Arc::new_cyclic(|me: &Weak<Filter>| Filter {
        driver: call.driver(),
        name,
        address: objects.create(Kind::Filter, label, Arc::new(me.clone())),
        altitude,
        registration: captured,
        phase: Mutex::new(FilterPhase::Registered),
        instances: Mutex::default(),
        must_go: AtomicBool::new(false),
        registered_by: call.site().clone(),
    });
    call.guest().write_u64(filter, new.address.0, "RetFilter")?;
    lock(&manager.registry.filters).push(new);
    Ok(STATUS_SUCCESS)
}

/// `FltStartFiltering`: from here on volumes and requests are shown to the filter, the first volumes
/// before this returns.
pub(super) fn flt_start_filtering(call: &Call, filter: u64) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let filter = own_filter(call, filter)?;
    {
        let mut phase = lock(&filter.phase);
        if *phase != FilterPhase::Registered {
            return Ok(STATUS_INVALID_PARAMETER);
        }
        *phase = FilterPhase::Started;
    }
    if call.thread().irql() != 0 {
        return Err(call.violation(Rule::NotModelled, "starting above PASSIVE_LEVEL"));
    }
    for volume in call.machine().io().volumes() {
        attach(call.thread(), &filter, &volume, flags::SETUP_AUTOMATIC)?;
    }
    Ok(STATUS_SUCCESS)
}

/// Shows a volume to every started filter that has not seen it: on the first operation after the
/// mount, in the thread of that operation (`nc-fltkernel-pflt_instance_setup_callback`, remarks).
pub(crate) fn attach_all(
    thread: &Arc<Thread>,
    volume: &Arc<MountedVolume>,
) -> Result<(), Violation> {
    let how = flags::SETUP_AUTOMATIC | flags::SETUP_NEWLY_MOUNTED;
    for filter in thread.machine().filter_manager().registry.started() {
        attach(thread, &filter, volume, how)?;
    }
    Ok(())
}

fn attach(
    thread: &Arc<Thread>,
    filter: &Arc<Filter>,
    volume: &Arc<MountedVolume>,
    how: u32,
) -> Result<(), Violation> {
    if !volume.admits_filters() {
        return Ok(());
    }
    // One thread at a time shows one volume: two first requests must not both attach.
    let mut shown = lock(volume.shown_to());
    if shown.contains(&filter.address) || volume.is_dismounted() {
        return Ok(());
    }
    shown.push(filter.address);
    let instance = Instance::create(thread.machine(), filter, volume);
    if !filter.admit(&instance) {
        instance.discard(thread.machine());
        return Ok(());
    }
    let status = run_setup(thread, &instance, how | volume_flags(volume))?;
    if status.is_success() {
        instance.attached();
        insert_by_altitude(&mut lock(volume.instances()), instance);
    } else {
        super::context::drop_instance_context(thread, &instance)?;
        instance.discard(thread.machine());
    }
    Ok(())
}

fn volume_flags(volume: &MountedVolume) -> u32 {
    let mut all = 0;
    if volume.is_dev_drive() {
        all |= flags::SETUP_DEV_VOLUME;
    }
    if volume.is_trusted() {
        all |= flags::SETUP_TRUSTED_VOLUME;
    }
    all
}

fn run_setup(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    how: u32,
) -> Result<NtStatus, Violation> {
    let filter = &instance.filter;
    if filter.registration.setup == 0 {
        return Ok(STATUS_SUCCESS);
    }
    let label = format!(
        "instance setup of {} on {}",
        filter.name,
        instance.volume.name()
    );
    let objects = super::frame::related_objects(thread.machine(), instance, 0, &label)?;
    let what = CallbackCall {
        callback: Callback::Setup,
        label: &label,
        address: filter.registration.setup,
        request: 0,
        is_void: false,
    };
    let arguments = [
        objects,
        u64::from(how),
        u64::from(flags::DEVICE_DISK_FILE_SYSTEM),
        u64::from(instance.volume.file_system_type()),
    ];
    let status = filter.call(thread, what, &arguments)?;
    thread
        .machine()
        .memory()
        .free(objects, &format!("the return of the {label}"))?;
    Ok(NtStatus(status))
}

fn insert_by_altitude(instances: &mut Vec<Arc<Instance>>, new: Arc<Instance>) {
    let above = |other: &Arc<Instance>| {
        other.filter.altitude.compare(&new.filter.altitude) == Ordering::Greater
    };
    let place = instances.iter().take_while(|other| above(other)).count();
    instances.insert(place, new);
}
