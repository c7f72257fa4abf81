//! The structures that one callback is called with: callback data, parameter block, related objects.
//!
//! Each lies in guarded memory of its own, which the driver can touch only while the callback runs.
//! The same addresses come back for the post-operation, as on Windows; a draining call gets copies
//! elsewhere (`nc-fltkernel-pflt_post_operation_callback`). [`Frame::changes`] finds what a callback
//! edited.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::dispatch::{Completion, Request};
use super::instance::Instance;
use super::layout::{callback_data as data, parameter_block as iopb, related_objects as objects};
use super::{lock, manager};
use crate::boundary::guest::Guest;
use crate::boundary::import::Call;
use crate::boundary::memory::{Access, BlockSpec};
use crate::machine::Machine;
use crate::verifier::{Rule, Violation};

/// Stands in `IoStatus.Status` during a pre-operation. No such status exists, so a driver that
/// completes a request without setting one is found.
pub(super) const UNSET_STATUS: u32 = 0xBAD0_57A7;

/// What fills the members that mean nothing for the minor function.
const POISON: u64 = 0xBAAD_F00D_BAAD_F00D;

/// Which callback the structures are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pre,
    Post(Completion),
    Draining(Completion),
}

/// Addresses of the three structures for one request at one instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) data: u64,
    pub(super) parameters: u64,
    pub(super) objects: u64,
}

impl Frame {
    /// Allocates and fills the structures; the driver may not touch them yet.
    pub(super) fn new(
        machine: &Machine,
        request: &Request,
        instance: &Instance,
    ) -> Result<Self, Violation> {
        let name = format!("of request {} for {}", request.id, instance.filter.name);
        let block = |size: usize, what: &str| {
            let spec = BlockSpec::new(size as u64, format!("{what} {name}"));
            machine.memory().allocate(BlockSpec { align: 8, access: Access::None, ..spec })
        };
        let frame = Self {
            data: block(data::SIZE, "FLT_CALLBACK_DATA")?,
            parameters: block(iopb::SIZE, "FLT_IO_PARAMETER_BLOCK")?,
            objects: related_objects(machine, instance, request.file.address().0, &name)?,
        };
        machine.memory().set_access(frame.objects, Access::None)?;
        let guest = Guest::new(machine.memory(), 0);
        guest.host_write(frame.parameters, &parameter_bytes(request, instance))?;
        Ok(frame)
    }

    /// Opens the structures for one callback and returns what they hold.
    pub(super) fn open(
        &self,
        machine: &Machine,
        request: &Arc<Request>,
        stage: Stage,
    ) -> Result<Contents, Violation> {
        let guest = Guest::new(machine.memory(), 0);
        guest.host_write(self.data, &data_bytes(request, self.parameters, stage))?;
        for (address, access) in self.blocks() {
            machine.memory().set_access(address, access)?;
        }
        if request.system_buffer != 0 && !matches!(stage, Stage::Draining(_)) {
            let access = request.options.system_buffer_access();
            machine.memory().set_access(request.system_buffer, access)?;
        }
        let draining = matches!(stage, Stage::Draining(_));
        let open = OpenFrame { request: Arc::clone(request), draining };
        lock(&machine.filter_manager().frames.0).insert(self.data, open);
        self.contents(&guest, request)
    }

    /// Takes the structures away from the driver and returns what they hold now.
    ///
    /// The system buffer stays as it is after a draining call, which never opened it: the request
    /// may be in a callback of another filter.
    pub(super) fn close(&self, machine: &Machine, request: &Request) -> Result<Contents, Violation> {
        let open = lock(&machine.filter_manager().frames.0).remove(&self.data);
        let draining = open.is_some_and(|open| open.draining);
        for (address, _) in self.blocks() {
            machine.memory().set_access(address, Access::None)?;
        }
        if request.system_buffer != 0 && !draining {
            machine.memory().set_access(request.system_buffer, Access::None)?;
        }
        self.contents(&Guest::new(machine.memory(), 0), request)
    }

    /// Frees the structures for good.
    pub(super) fn free(&self, machine: &Machine, by: &str) -> Result<(), Violation> {
        for (address, _) in self.blocks() {
            machine.memory().free(address, by)?;
        }
        Ok(())
    }

    fn blocks(&self) -> [(u64, Access); 3] {
        // The first two may be edited under rules, which `Contents::changes` judges with a better
        // report than a fault gives; FLT_RELATED_OBJECTS is const in the callback's declaration.
        [
            (self.data, Access::ReadWrite),
            (self.parameters, Access::ReadWrite),
            (self.objects, Access::ReadOnly),
        ]
    }

    fn contents(&self, guest: &Guest<'_>, request: &Request) -> Result<Contents, Violation> {
        let buffer = request.system_buffer;
        let length = if buffer == 0 { 0 } else { request.system_buffer_length() };
        Ok(Contents {
            data: guest.host_read(self.data, data::SIZE as u64)?,
            parameters: guest.host_read(self.parameters, iopb::SIZE as u64)?,
            system_buffer: guest.host_read(buffer, length)?,
        })
    }
}

/// Copies of what the driver could see.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    data: Vec<u8>,
    parameters: Vec<u8>,
    system_buffer: Vec<u8>,
}

/// The bytes of `IoStatus` in the callback data.
const IO_STATUS: std::ops::Range<usize> = 0x18..0x28;

impl Contents {
    /// `IoStatus` as it stands in the callback data.
    pub(super) fn io_status(&self) -> Completion {
        let word = |offset: u64| {
            let offset = offset as usize;
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&self.data[offset..offset + 8]);
            u64::from_le_bytes(bytes)
        };
        let status = (word(data::STATUS) & 0xFFFF_FFFF) as u32;
        Completion { status: crate::status::NtStatus(status), information: word(data::INFORMATION) }
    }

    /// What differs between `self` and `after`, apart from `IoStatus`.
    pub(super) fn changes(&self, after: &Self) -> Option<String> {
        let differs = |left: &[u8], right: &[u8], skip: std::ops::Range<usize>| {
            (0..left.len()).find(|at| !skip.contains(at) && left.get(*at) != right.get(*at))
        };
        let none = 0..0;
        if let Some(at) = differs(&self.data, &after.data, IO_STATUS) {
            return Some(format!("byte {at:#x} of FLT_CALLBACK_DATA"));
        }
        if let Some(at) = differs(&self.parameters, &after.parameters, none.clone()) {
            return Some(format!("byte {at:#x} of FLT_IO_PARAMETER_BLOCK"));
        }
        let at = differs(&self.system_buffer, &after.system_buffer, none)?;
        Some(format!("byte {at:#x} of the system buffer"))
    }

    /// Whether `IoStatus` differs.
    pub(super) fn io_status_changed(&self, after: &Self) -> bool {
        self.data.get(IO_STATUS) != after.data.get(IO_STATUS)
    }
}

/// A frame whose callback is running.
#[derive(Debug)]
struct OpenFrame {
    request: Arc<Request>,
    draining: bool,
}

/// The frames that drivers may name at the moment, by the address of their callback data.
#[derive(Debug, Default)]
pub(super) struct FrameTable(Mutex<BTreeMap<u64, OpenFrame>>);

/// The request behind the `PFLT_CALLBACK_DATA` that the driver names.
///
/// # Errors
///
/// [`Rule::CallbackData`] when no running callback has it.
pub(super) fn request_of(call: &Call, address: u64) -> Result<Arc<Request>, Violation> {
    let frames = lock(&manager(call).frames.0);
    match frames.get(&address) {
        Some(open) if !open.draining => Ok(Arc::clone(&open.request)),
        Some(_) => Err(call.violation(Rule::Draining, "the callback data of a draining call")),
        None => {
            let place = call.machine().memory().describe(address);
            let detail = format!("CallbackData {place} belongs to no callback that is running");
            Err(call.violation(Rule::CallbackData, detail))
        }
    }
}

/// Allocates `FLT_RELATED_OBJECTS`, readable.
pub(super) fn related_objects(
    machine: &Machine,
    instance: &Instance,
    file: u64,
    name: &str,
) -> Result<u64, Violation> {
    let mut bytes = vec![0; objects::SIZE];
    put(&mut bytes, objects::LENGTH, &(objects::SIZE as u16).to_le_bytes());
    put(&mut bytes, objects::FILTER, &instance.filter.address.0.to_le_bytes());
    put(&mut bytes, objects::VOLUME, &instance.volume.address().0.to_le_bytes());
    put(&mut bytes, objects::INSTANCE, &instance.address.0.to_le_bytes());
    put(&mut bytes, objects::FILE_OBJECT, &file.to_le_bytes());
    let spec = BlockSpec::new(objects::SIZE as u64, format!("FLT_RELATED_OBJECTS {name}"));
    let spec = BlockSpec { align: 8, access: Access::ReadOnly, ..spec };
    let address = machine.memory().allocate(spec)?;
    Guest::new(machine.memory(), 0).host_write(address, &bytes)?;
    Ok(address)
}

fn data_bytes(request: &Request, parameters: u64, stage: Stage) -> Vec<u8> {
    let mut bytes = vec![0; data::SIZE];
    let mut flags = data::IRP_OPERATION;
    if request.system_buffer != 0 {
        flags |= data::SYSTEM_BUFFER;
    }
    let io_status = match stage {
        Stage::Pre => None,
        Stage::Post(completion) => {
            flags |= data::POST_OPERATION;
            Some(completion)
        }
        Stage::Draining(completion) => {
            flags |= data::POST_OPERATION | data::DRAINING_IO;
            Some(completion)
        }
    };
    let status = io_status.map_or(UNSET_STATUS, |completion| completion.status.0);
    let information = io_status.map_or(0, |completion| completion.information);
    put(&mut bytes, data::FLAGS, &flags.to_le_bytes());
    put(&mut bytes, data::THREAD, &request.originator.object().0.to_le_bytes());
    put(&mut bytes, data::IOPB, &parameters.to_le_bytes());
    put(&mut bytes, data::STATUS, &u64::from(status).to_le_bytes());
    put(&mut bytes, data::INFORMATION, &information.to_le_bytes());
    put(&mut bytes, data::REQUESTOR_MODE, &[request.mode as u8]);
    bytes
}

fn parameter_bytes(request: &Request, instance: &Instance) -> Vec<u8> {
    let mut bytes = vec![0; iopb::SIZE];
    let irp_flags =
        if request.system_buffer == 0 { 0 } else { iopb::IRP_BUFFERED_IO | iopb::IRP_DEALLOCATE_BUFFER };
    put(&mut bytes, iopb::IRP_FLAGS, &irp_flags.to_le_bytes());
    put(&mut bytes, iopb::MAJOR, &[super::layout::operation::FILE_SYSTEM_CONTROL]);
    put(&mut bytes, iopb::MINOR, &[request.minor.value()]);
    put(&mut bytes, iopb::TARGET_FILE_OBJECT, &request.file.address().0.to_le_bytes());
    put(&mut bytes, iopb::TARGET_INSTANCE, &instance.address.0.to_le_bytes());
    for offset in (iopb::PARAMETERS..iopb::SIZE as u64).step_by(8) {
        put(&mut bytes, offset, &POISON.to_le_bytes());
    }
    if request.minor.has_control_code() {
        // Upper halves of the lengths are padding: they keep the poison.
        put(&mut bytes, iopb::OUTPUT_LENGTH, &request.output_length.to_le_bytes());
        put(&mut bytes, iopb::INPUT_LENGTH, &request.input_length.to_le_bytes());
        put(&mut bytes, iopb::CONTROL_CODE, &request.code.to_le_bytes());
        put(&mut bytes, iopb::SYSTEM_BUFFER, &request.system_buffer.to_le_bytes());
    } else {
        put(&mut bytes, iopb::VERIFY_VPB, &0_u64.to_le_bytes());
        put(&mut bytes, iopb::VERIFY_DEVICE_OBJECT, &0_u64.to_le_bytes());
    }
    bytes
}

/// Puts a field into a structure of this file; offsets and sizes come from `layout`, so it fits.
fn put(bytes: &mut [u8], offset: u64, value: &[u8]) {
    let offset = offset as usize;
    bytes[offset..offset + value.len()].copy_from_slice(value);
}
