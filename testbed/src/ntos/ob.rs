//! `Ob*` and `ZwClose`: objects by handle, references, and the end of handles.

use crate::boundary::import::Call;
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::{Kind, OB, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH,
    STATUS_SUCCESS,
};
use crate::thread::Mode;
use crate::verifier::{Rule, Violation};

/// "ObReferenceObjectByHandle function (wdm.h)", Microsoft Learn. Stricter: a type of NULL with mode
/// user, and a user handle with mode kernel while a user-mode request is carried out (Driver
/// Verifier 0xC4, subcode 0xF6), are violations.
pub(crate) fn ob_reference_object_by_handle(
    call: &Call,
    (handle, access, object_type, mode, object, information): (u64, u32, u64, u8, u64, u64),
) -> Result<NtStatus, Violation> {
    let mode = mode_of(call, mode)?;
    let guest = call.guest();
    guest.check_aligned(object, 8, "Object")?;
    guest.write_u64(object, 0, "Object")?;
    check_type(call, object_type, mode)?;
    let foreign = call.thread().mode() == Mode::User && !handle::is_kernel_value(handle);
    let pseudo = handle >= handle::CURRENT_THREAD;
    if mode == Mode::Kernel && foreign && !pseudo {
        let detail = format!("user handle {handle:#x} referenced with mode kernel");
        return Err(call.violation(Rule::Handle, detail));
    }
    let found = match resolve(call, handle, mode) {
        Ok(found) => found,
        Err(status) => return Ok(status),
    };
    let objects = call.machine().objects();
    if object_type != 0 && !objects.has_type(found.object, ObjectAddress(object_type))? {
        return Ok(STATUS_OBJECT_TYPE_MISMATCH);
    }
    if mode == Mode::User && access & !found.access != 0 {
        return Ok(STATUS_ACCESS_DENIED);
    }
    objects.reference(found.object, call.site(), OB)?;
    guest.write_u64(object, found.object.0, "Object")?;
    if information != 0 {
        // OBJECT_HANDLE_INFORMATION: HandleAttributes, GrantedAccess.
        guest.write_u32(information, found.attributes, "HandleInformation")?;
        guest.write_u32(information + 4, found.access, "HandleInformation")?;
    }
    Ok(STATUS_SUCCESS)
}

/// The mode that an argument names.
pub(crate) fn mode_of(call: &Call, mode: u8) -> Result<Mode, Violation> {
    match mode {
        0 => Ok(Mode::Kernel),
        1 => Ok(Mode::User),
        other => Err(call.violation(Rule::Argument, format!("processor mode {other}"))),
    }
}

fn check_type(call: &Call, object_type: u64, mode: Mode) -> Result<(), Violation> {
    if object_type != 0 {
        let kind = call.machine().objects().kind(ObjectAddress(object_type));
        if kind != Some(Kind::Type) {
            let detail = format!("{object_type:#x} is no object type");
            return Err(call.violation(Rule::WrongKind, detail));
        }
    } else if mode == Mode::User {
        let detail = "ObjectType NULL with mode user: any object would do";
        return Err(call.violation(Rule::Handle, detail));
    }
    Ok(())
}

fn resolve(call: &Call, value: u64, mode: Mode) -> Result<HandleEntry, NtStatus> {
    let process = call.thread().process();
    let whole = |object| HandleEntry {
        object,
        access: 0x001F_FFFF,
        attributes: 0,
        driver: 0,
    };
    match value {
        0 => Err(STATUS_INVALID_HANDLE),
        handle::CURRENT_PROCESS => Ok(whole(process.object())),
        handle::CURRENT_THREAD => Ok(whole(call.thread().object())),
        _ => handle::lookup(call.machine(), process, mode, value),
    }
}

/// "ObfReferenceObject function (wdm.h)", Microsoft Learn.
pub(crate) fn obf_reference_object(call: &Call, object: u64) -> Result<i64, Violation> {
    let left = call
        .machine()
        .objects()
        .reference(ObjectAddress(object), call.site(), OB)?;
    Ok(left.cast_signed())
}

/// "ObDereferenceObject macro (wdm.h)", Microsoft Learn.
pub(crate) fn obf_dereference_object(call: &Call, object: u64) -> Result<i64, Violation> {
    let left = call
        .machine()
        .objects()
        .dereference(ObjectAddress(object), call.site(), OB)?;
    Ok(left.cast_signed())
}

/// "ZwClose function (wdm.h)", Microsoft Learn. Stricter: a driver may only close what it opened, and
/// a handle that leads nowhere is a violation, as a verifier reports it.
pub(crate) fn zw_close(call: &Call, handle: u64) -> Result<NtStatus, Violation> {
    let (machine, process) = (call.machine(), call.thread().process());
    // The Zw form sets the previous mode to kernel.
    let Ok(entry) = handle::lookup(machine, process, Mode::Kernel, handle) else {
        return Err(call.violation(Rule::Handle, format!("{handle:#x} is not an open handle")));
    };
    if entry.driver != call.driver() {
        let detail = format!("{handle:#x} was opened by somebody else");
        return Err(call.violation(Rule::Handle, detail));
    }
    machine
        .close_handle(process, Mode::Kernel, handle)
        .map_or_else(Ok, |()| Ok(STATUS_SUCCESS))
}
