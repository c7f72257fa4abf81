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
use super::layout::operation::FILE_SYSTEM_CONTROL;
use super::layout::{callback_data as data, parameter_block as iopb, related_objects as objects};
use super::{lock, manager};
use crate::boundary::guest::Guest;
use crate::boundary::import::Call;
use crate::boundary::memory::{Access, BlockSpec};
use crate::machine::Machine;
use crate::ntos::object::ObjectAddress;
use crate::status::NtStatus;
use crate::verifier::{Rule, Violation};

/// Stands in `IoStatus` during a pre-operation. No such status exists and no request transfers so much,
/// so a driver that completes a request without setting both members is found.
pub(super) const UNSET: Completion = Completion {
    status: NtStatus(0xBAD0_57A7),
    information: 0xBAD0_57A7_BAD0_57A7,
};

/// What fills parameters that mean nothing for the minor function, and padding. The two pointers of
/// `VerifyVolume` have it too: whoever follows them faults.
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
            machine.memory().allocate(BlockSpec {
                align: 8,
                access: Access::None,
                ..spec
            })
        };
        let frame = Self {
            data: block(data::SIZE, "FLT_CALLBACK_DATA")?,
            parameters: block(iopb::SIZE, "FLT_IO_PARAMETER_BLOCK")?,
            objects: block(objects::SIZE, "FLT_RELATED_OBJECTS")?,
        };
        let guest = Guest::new(machine.memory(), 0);
        guest.host_write(frame.parameters, &parameter_bytes(request, instance))?;
        let file = request.file.address().0;
        guest.host_write(frame.objects, &related_bytes(instance, file))?;
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
        let open = OpenFrame {
            request: Arc::clone(request),
            draining,
        };
        lock(&machine.filter_manager().frames.0).insert(self.data, open);
        self.contents(&guest, request, draining)
    }

    /// Takes the structures away from the driver and returns what they hold now.
    ///
    /// The system buffer stays as it is after a draining call, which never opened it: the request
    /// may be in a callback of another filter.
    pub(super) fn close(
        &self,
        machine: &Machine,
        request: &Request,
    ) -> Result<Contents, Violation> {
        let open = lock(&machine.filter_manager().frames.0).remove(&self.data);
        let draining = open.is_some_and(|open| open.draining);
        for (address, _) in self.blocks() {
            machine.memory().set_access(address, Access::None)?;
        }
        if request.system_buffer != 0 && !draining {
            machine
                .memory()
                .set_access(request.system_buffer, Access::None)?;
        }
        self.contents(&Guest::new(machine.memory(), 0), request, draining)
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

    /// The system buffer of a draining call is nobody's here: the file system may end the request, and free it, at any
    /// instant. One that somebody else writes to meanwhile says nothing of the driver, which cannot write to it.
    fn contents(
        &self,
        guest: &Guest<'_>,
        request: &Request,
        draining: bool,
    ) -> Result<Contents, Violation> {
        let buffer = request.system_buffer;
        let is_rewritten = request.options.rewrite().is_some();
        let length = if buffer == 0 || draining || is_rewritten {
            0
        } else {
            request.system_buffer_length()
        };
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
        Completion {
            status: NtStatus(status),
            information: word(data::INFORMATION),
        }
    }

    /// What differs between `self` and `after`, apart from `IoStatus`.
    pub(super) fn changes(&self, after: &Self) -> Option<String> {
        if self == after {
            return None;
        }
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

/// Whether a request whose callback is running was sent to this file object.
pub(super) fn is_target(call: &Call, file: ObjectAddress) -> bool {
    let frames = lock(&manager(call).frames.0);
    frames
        .values()
        .any(|open| open.request.file.address() == file)
}

/// Allocates `FLT_RELATED_OBJECTS`, readable.
pub(super) fn related_objects(
    machine: &Machine,
    instance: &Instance,
    file: u64,
    name: &str,
) -> Result<u64, Violation> {
    let spec = BlockSpec::new(objects::SIZE as u64, format!("FLT_RELATED_OBJECTS {name}"));
    let address = machine.memory().allocate(BlockSpec {
        align: 8,
        access: Access::ReadOnly,
        ..spec
    })?;
    let bytes = related_bytes(instance, file);
    Guest::new(machine.memory(), 0).host_write(address, &bytes)?;
    Ok(address)
}

fn related_bytes(instance: &Instance, file: u64) -> Vec<u8> {
    let mut bytes = Structure::new(objects::SIZE);
    bytes.u16(objects::LENGTH, objects::SIZE as u16);
    bytes.u64(objects::FILTER, instance.filter.address.0);
    bytes.u64(objects::VOLUME, instance.volume.address().0);
    bytes.u64(objects::INSTANCE, instance.address.0);
    bytes.u64(objects::FILE_OBJECT, file);
    bytes.0
}

fn data_bytes(request: &Request, parameters: u64, stage: Stage) -> Vec<u8> {
    let (stage_flags, io_status) = match stage {
        Stage::Pre => (0, UNSET),
        Stage::Post(completion) => (data::POST_OPERATION, completion),
        Stage::Draining(completion) => (data::POST_OPERATION | data::DRAINING_IO, completion),
    };
    let buffer_flag = if request.system_buffer == 0 {
        0
    } else {
        data::SYSTEM_BUFFER
    };
    let mut bytes = Structure::new(data::SIZE);
    bytes.u32(data::FLAGS, data::IRP_OPERATION | buffer_flag | stage_flags);
    bytes.u64(data::THREAD, request.originator.object().0);
    bytes.u64(data::IOPB, parameters);
    bytes.u64(data::STATUS, u64::from(io_status.status.0));
    bytes.u64(data::INFORMATION, io_status.information);
    bytes.u8(data::REQUESTOR_MODE, request.mode as u8);
    bytes.0
}

fn parameter_bytes(request: &Request, instance: &Instance) -> Vec<u8> {
    let mut bytes = Structure::new(iopb::SIZE);
    if request.system_buffer != 0 {
        bytes.u32(
            iopb::IRP_FLAGS,
            iopb::IRP_BUFFERED_IO | iopb::IRP_DEALLOCATE_BUFFER,
        );
    }
    bytes.u8(iopb::MAJOR, FILE_SYSTEM_CONTROL);
    bytes.u8(iopb::MINOR, request.minor.value());
    bytes.u64(iopb::TARGET_FILE_OBJECT, request.file.address().0);
    bytes.u64(iopb::TARGET_INSTANCE, instance.address.0);
    for offset in (iopb::PARAMETERS..iopb::SIZE as u64).step_by(8) {
        bytes.u64(offset, POISON);
    }
    if request.minor.has_control_code() {
        // Upper halves of the lengths are padding: they keep the poison.
        bytes.u32(iopb::OUTPUT_LENGTH, request.output_length);
        bytes.u32(iopb::INPUT_LENGTH, request.input_length);
        bytes.u32(iopb::CONTROL_CODE, request.code);
        bytes.u64(iopb::SYSTEM_BUFFER, request.system_buffer);
    }
    bytes.0
}

/// The bytes of a structure; offsets and sizes come from `layout`, so every field fits.
struct Structure(Vec<u8>);

impl Structure {
    fn new(size: usize) -> Self {
        Self(vec![0; size])
    }

    fn put(&mut self, offset: u64, value: &[u8]) {
        let offset = offset as usize;
        self.0[offset..offset + value.len()].copy_from_slice(value);
    }

    fn u8(&mut self, offset: u64, value: u8) {
        self.put(offset, &[value]);
    }

    fn u16(&mut self, offset: u64, value: u16) {
        self.put(offset, &value.to_le_bytes());
    }

    fn u32(&mut self, offset: u64, value: u32) {
        self.put(offset, &value.to_le_bytes());
    }

    fn u64(&mut self, offset: u64, value: u64) {
        self.put(offset, &value.to_le_bytes());
    }
}
