//! Device objects of drivers, and word of the machine's shutdown: the I/O manager's part of it.
//!
//! A driver object has a body, of which a driver sets the dispatch table alone. A device object is opaque. Whoever has
//! registered one is sent IRP_MJ_SHUTDOWN when the machine is shut down ([`Machine::power_down`]), and completes it.

mod irp;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::boundary::call;
use crate::boundary::guest::Guest;
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::machine::Machine;
use crate::ntos::Irql;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::pins::{Pin, Pins};
use crate::process::{Process, ProcessSpec};
use crate::status::{NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};
use crate::thread::Thread;
use crate::verifier::{self, CallSite, Rule, Violation};

pub(crate) use irp::iof_complete_request;

/// DRIVER_OBJECT (wdm.h, 64-bit): Type 0, Size 2, DriverUnload 0x68, MajorFunction 0x70 with 28 entries.
const DRIVER_OBJECT_BYTES: usize = 0x150;
const IO_TYPE_DRIVER: u16 = 4;
const MAJOR_FUNCTION: usize = 0x70;
/// IRP_MJ_SHUTDOWN (wdm.h).
const SHUTDOWN: u8 = 0x10;
/// What the I/O manager fills the dispatch table with: a routine of its own, which no driver calls.
const INVALID_DEVICE_REQUEST: u64 = 0xFFFF_F800_1000_0000;

/// The body of a new driver object.
pub(crate) fn driver_object() -> Vec<u8> {
    let size = DRIVER_OBJECT_BYTES as u16;
    let head = [IO_TYPE_DRIVER.to_le_bytes(), size.to_le_bytes()].concat();
    let mut body = vec![0; MAJOR_FUNCTION];
    body.splice(..head.len(), head);
    while body.len() < DRIVER_OBJECT_BYTES {
        body.extend(INVALID_DEVICE_REQUEST.to_le_bytes());
    }
    body
}

/// A device object that a driver has made.
#[derive(Clone, Debug)]
struct Device {
    address: ObjectAddress,
    made: CallSite,
    registered: Option<CallSite>,
}

/// All devices of drivers, and the requests that are with them.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    list: Mutex<Vec<Device>>,
    sent: irp::Sent,
    /// Shutdowns that a driver is being told of.
    telling: Pins,
}

impl Devices {
    fn lock(&self) -> MutexGuard<'_, Vec<Device>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a driver that goes has not given back.
    pub(crate) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let list = self.lock();
        let own = list.iter().filter(|device| device.made.driver == driver);
        own.map(|device| {
            let detail = format!(
                "the device object made by {} was never deleted",
                device.made
            );
            Violation::new(Rule::Leak, detail)
        })
        .collect()
    }

    /// Waits until nobody tells the driver of a shutdown: who takes its device from the list does not wait for that, but
    /// whoever calls it holds on to the device, and the device to the image.
    pub(crate) fn wait_for_telling(&self, driver: u32) {
        self.telling.wait_until_none(driver);
    }

    /// Holds on to a driver if its device is still registered.
    fn hold(&self, device: &Device) -> Option<Pin<'_>> {
        let list = self.lock();
        let mut devices = list.iter();
        let same = devices.find(|other| other.address == device.address)?;
        same.registered.as_ref()?;
        Some(self.telling.pin(device.made.driver))
    }

    /// The driver is gone: nothing of it is called any more.
    pub(crate) fn forget(&self, driver: u32) {
        self.lock().retain(|device| device.made.driver != driver);
    }
}

/// "IoCreateDevice function (wdm.h)", Microsoft Learn. Only a device without a name and an extension is modelled: it
/// cannot be opened, so it is sent nothing but what its driver has registered it for.
pub(crate) fn io_create_device(
    call: &Call,
    (driver, extension, name, kind, _characteristics, _exclusive, out): (
        u64,
        u32,
        u64,
        u32,
        u32,
        bool,
        u64,
    ),
) -> Result<NtStatus, Violation> {
    let (machine, guest) = (call.machine(), call.guest());
    own_driver_object(call, driver)?;
    if name != 0 || extension != 0 {
        let detail = "a device object with a name or an extension";
        return Err(call.violation(Rule::NotModelled, detail));
    }
    if kind == 0 {
        return Err(call.violation(Rule::Argument, "DeviceType is 0"));
    }
    guest.check_aligned(out, 8, "DeviceObject")?;
    guest.check(out, 8, Access::ReadWrite, "DeviceObject")?;
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let label = format!("DEVICE_OBJECT of {}", call.site().driver_name);
    let address = machine.objects().create(Kind::Device, label, Arc::new(()));
    machine.devices().lock().push(Device {
        address,
        made: call.site().clone(),
        registered: None,
    });
    guest.write_u64(out, address.0, "DeviceObject")?;
    Ok(STATUS_SUCCESS)
}

/// "IoDeleteDevice function (wdm.h)", Microsoft Learn: "only once for a given device object". Stricter: not while it is
/// registered for the shutdown.
pub(crate) fn io_delete_device(call: &Call, device: u64) -> Result<(), Violation> {
    let machine = call.machine();
    let mut list = machine.devices().lock();
    let index = own(call, &list, device)?;
    if let Some(site) = list.get(index).and_then(|device| device.registered.clone()) {
        let detail = format!("the device is still registered for the shutdown, by {site}");
        return Err(call.violation(Rule::Device, detail));
    }
    list.remove(index);
    machine.objects().release(ObjectAddress(device));
    Ok(())
}

/// "IoRegisterShutdownNotification function (wdm.h)", Microsoft Learn. Stricter: the dispatch routine must be in its
/// place before, since the machine may be shut down at any instant, and a second registration is a violation.
pub(crate) fn io_register_shutdown_notification(
    call: &Call,
    device: u64,
) -> Result<NtStatus, Violation> {
    let machine = call.machine();
    let index = own(call, &machine.devices().lock(), device)?;
    dispatch_routine(machine, call.driver())?;
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut list = machine.devices().lock();
    let registered = list.get_mut(index).map(|device| &mut device.registered);
    match registered.map(|registered| registered.replace(call.site().clone())) {
        Some(Some(site)) => {
            let detail = format!("the device is registered already, by {site}");
            Err(call.violation(Rule::Device, detail))
        }
        Some(None) | None => Ok(STATUS_SUCCESS),
    }
}

/// "IoUnregisterShutdownNotification function (wdm.h)", Microsoft Learn: "only if that driver previously called
/// IoRegisterShutdownNotification".
pub(crate) fn io_unregister_shutdown_notification(
    call: &Call,
    device: u64,
) -> Result<(), Violation> {
    let mut list = call.machine().devices().lock();
    let index = own(call, &list, device)?;
    let registered = list
        .get_mut(index)
        .and_then(|device| device.registered.take());
    match registered {
        Some(_) => Ok(()),
        None => Err(call.violation(Rule::Device, "the device is not registered")),
    }
}

fn own_driver_object(call: &Call, driver: u64) -> Result<(), Violation> {
    if call.machine().driver_object(call.driver()) == Some(ObjectAddress(driver)) {
        return Ok(());
    }
    let detail = "DriverObject is not the caller's own driver object";
    Err(call.violation(Rule::Argument, detail))
}

/// Where on the list the caller's own device stands.
fn own(call: &Call, list: &[Device], address: u64) -> Result<usize, Violation> {
    let mut devices = list.iter();
    let found = devices.position(|device| {
        device.address == ObjectAddress(address) && device.made.driver == call.driver()
    });
    let unknown = || format!("{address:#x} is no device object of the driver");
    found.ok_or_else(|| call.violation(Rule::Device, unknown()))
}

/// The routine for IRP_MJ_SHUTDOWN of a driver, whose driver object must else be as it was made.
fn dispatch_routine(machine: &Machine, driver: u32) -> Result<u64, Violation> {
    let gone = || Violation::new(Rule::Testbed, "the driver is gone");
    let object = machine.driver_object(driver).ok_or_else(gone)?.0;
    let guest = Guest::new(machine.memory(), 0);
    let fixed = MAJOR_FUNCTION as u64;
    let expected = driver_object();
    if Some(&*guest.bytes(object, fixed, "the driver object")?) != expected.get(..MAJOR_FUNCTION) {
        let detail = "the driver has written outside the dispatch table of its driver object";
        return Err(Violation::new(Rule::Device, detail));
    }
    let place = object + fixed + 8 * u64::from(SHUTDOWN);
    let routine = guest.read_u64(place, "MajorFunction[IRP_MJ_SHUTDOWN]")?;
    if routine == INVALID_DEVICE_REQUEST {
        let detail = "the driver has no dispatch routine for IRP_MJ_SHUTDOWN";
        return Err(Violation::new(Rule::Device, detail));
    }
    guest.check(
        routine,
        1,
        Access::Execute,
        "MajorFunction[IRP_MJ_SHUTDOWN]",
    )?;
    Ok(routine)
}

impl Machine {
    /// Shuts the machine down, and does not unload anything: "The FilterUnloadCallback routine is not called at system
    /// shutdown time" ("When the FilterUnloadCallback Routine Is Called", Microsoft Learn).
    ///
    /// First those who have registered for it are told ([`Self::announce_shutdown`]), then the registry is written to the
    /// disk ([`Self::close_registry`]). What is on the disk afterwards ([`Self::driver_state_on_disk`]) is what the next start finds. So that the
    /// threads of the host end, what is loaded can still be unloaded; nothing that happens then reaches the disk.
    pub fn power_down(self: &Arc<Self>, level: Irql) {
        self.announce_shutdown(level);
        self.close_registry();
    }

    /// Tells drivers that have registered for it of the shutdown: "before it flushes the file systems", at `level`,
    /// "<= APC_LEVEL in an arbitrary thread context" ("IoRegisterShutdownNotification function", "IRP_MJ_SHUTDOWN"),
    /// here one of a user's process.
    ///
    /// Ends the run for a level above APC_LEVEL.
    pub fn announce_shutdown(self: &Arc<Self>, level: Irql) {
        if level > Irql::Apc {
            let detail = "nobody is told of a shutdown above APC_LEVEL";
            verifier::stop(&Violation::new(Rule::Testbed, detail));
        }
        let image = r"\Device\HarddiskVolume3\Windows\System32\wininit.exe";
        let process = Process::create(self, ProcessSpec::user(image));
        let registered: Vec<Device> = self.devices().lock().clone();
        for device in registered
            .iter()
            .filter(|device| device.registered.is_some())
        {
            process.run_kernel(|thread| {
                let told = thread
                    .thread()
                    .at_irql(level, || tell(thread.thread(), device));
                verifier::settle(told.and_then(|told| told));
            });
        }
    }

    /// Writes the registry to the disk for the last time: nothing that a driver writes from now on gets there.
    pub fn close_registry(&self) {
        self.registry().close();
    }
}

/// Sends IRP_MJ_SHUTDOWN to a device.
fn tell(thread: &Arc<Thread>, device: &Device) -> Result<(), Violation> {
    let machine = thread.machine();
    let Some(_held) = machine.devices().hold(device) else {
        return Ok(());
    };
    let routine = dispatch_routine(machine, device.made.driver)?;
    let irp = machine.devices().sent.send(machine, device.address)?;
    let label = format!("DispatchShutdown of {}", device.made.driver_name);
    let returned = call::image(thread, &label, routine, &[device.address.0, irp])?;
    let returned = NtStatus(u32::try_from(returned & 0xFFFF_FFFF).unwrap_or(u32::MAX));
    machine.devices().sent.take_back(irp, returned)
}
