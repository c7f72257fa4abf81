//! The one kind of IRP that is sent to a device of a driver, and its completion.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SHUTDOWN;
use crate::boundary::guest::Guest;
use crate::boundary::import::Call;
use crate::boundary::memory::BlockSpec;
use crate::machine::Machine;
use crate::ntos::object::ObjectAddress;
use crate::status::{NtStatus, STATUS_PENDING};
use crate::verifier::{Rule, Violation};

/// IRP (wdm.h, 64-bit): Type 0, Size 2, IoStatus 0x30, Tail.Overlay.CurrentStackLocation 0xB8. Behind it the one
/// IO_STACK_LOCATION: MajorFunction 0, DeviceObject 0x28. All else is garbage.
const IRP_BYTES: u64 = 0xD0;
const STACK_LOCATION_BYTES: u64 = 0x48;
const IO_TYPE_IRP: u16 = 6;
const IO_STATUS: u64 = 0x30;
const CURRENT_STACK_LOCATION: u64 = 0xB8;
const DEVICE_OBJECT: u64 = 0x28;
/// The garbage, and a status that nobody has set.
const GARBAGE: u8 = 0xDD;
const UNSET: u32 = 0xDDDD_DDDD;

/// A request that a driver has.
#[derive(Debug)]
struct Request {
    irp: u64,
    /// The status with which it was completed.
    completed: Option<NtStatus>,
}

/// The requests that drivers have.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Request>>);

impl Sent {
    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an IRP for a device.
    pub(super) fn send(&self, machine: &Machine, device: ObjectAddress) -> Result<u64, Violation> {
        let size = IRP_BYTES + STACK_LOCATION_BYTES;
        let irp = machine.memory().allocate(BlockSpec {
            fill: GARBAGE,
            ..BlockSpec::new(size, "IRP of IRP_MJ_SHUTDOWN")
        })?;
        let (guest, location) = (Guest::new(machine.memory(), 0), irp + IRP_BYTES);
        guest.write_u16(irp, IO_TYPE_IRP, "Type")?;
        guest.write_u16(irp + 2, size as u16, "Size")?;
        guest.write_u64(irp + CURRENT_STACK_LOCATION, location, "stack location")?;
        guest.write_u8(location, SHUTDOWN, "MajorFunction")?;
        guest.write_u64(location + DEVICE_OBJECT, device.0, "DeviceObject")?;
        self.lock().push(Request {
            irp,
            completed: None,
        });
        Ok(irp)
    }

    /// The dispatch routine has returned with this status.
    pub(super) fn take_back(&self, irp: u64, returned: NtStatus) -> Result<(), Violation> {
        let mut requests = self.lock();
        let index = requests.iter().position(|request| request.irp == irp);
        let request = index.map(|index| requests.swap_remove(index));
        let broken = |rule, detail: String| Err(Violation::new(rule, detail));
        match request.and_then(|request| request.completed) {
            None if returned == STATUS_PENDING => {
                let detail = "a shutdown that is completed later".to_owned();
                broken(Rule::NotModelled, detail)
            }
            None => broken(
                Rule::Device,
                "IRP_MJ_SHUTDOWN was never completed".to_owned(),
            ),
            Some(status) if status != returned => {
                let detail =
                    format!("IRP_MJ_SHUTDOWN ended with {status}, and returned {returned}");
                broken(Rule::Device, detail)
            }
            Some(_) => Ok(()),
        }
    }
}

/// "IoCompleteRequest macro (wdm.h)", Microsoft Learn: IoStatus is set before, and the IRP is not touched afterwards.
pub(crate) fn iof_complete_request(call: &Call, irp: u64, _boost: u8) -> Result<(), Violation> {
    let machine = call.machine();
    let mut requests = machine.devices().sent.lock();
    let known = requests.iter_mut().find(|request| request.irp == irp);
    let Some(request) = known else {
        return Err(call.violation(Rule::Device, format!("{irp:#x} is no IRP of the driver")));
    };
    if request.completed.is_some() {
        return Err(call.violation(Rule::Device, "the IRP is completed a second time"));
    }
    let status = call.guest().read_u32(irp + IO_STATUS, "IoStatus.Status")?;
    if status == UNSET {
        return Err(call.violation(Rule::Device, "IoStatus.Status was not set"));
    }
    request.completed = Some(NtStatus(status));
    machine.memory().free(irp, "IofCompleteRequest")
}
