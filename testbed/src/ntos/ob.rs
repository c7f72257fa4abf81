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
    if object_type != 0 {
        match objects.has_type(found.object, ObjectAddress(object_type))? {
            Some(true) => {}
            Some(false) => return Ok(STATUS_OBJECT_TYPE_MISMATCH),
            None => return Ok(STATUS_INVALID_HANDLE),
        }
    }
    if mode == Mode::User && access & !found.access != 0 {
        return Ok(STATUS_ACCESS_DENIED);
    }
    if !objects.reference_led_to(found.object, call.site(), OB) {
        return Ok(STATUS_INVALID_HANDLE);
    }
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

#[cfg(test)]
mod tests {
    use super::super::test_call::{block, broken, in_system, in_user};
    use super::*;
    use crate::ntos::handle::KERNEL_BITS;
    use std::sync::Arc;

    /// A file object behind a handle of the calling process, or a kernel handle.
    fn file(call: &Call, kernel: bool, access: u32) -> (ObjectAddress, u64) {
        let object = call
            .machine()
            .objects()
            .create(Kind::File, "a file", Arc::new(()));
        let entry = HandleEntry {
            object,
            access,
            attributes: 2,
            driver: 0,
        };
        (
            object,
            handle::create(call.machine(), call.thread().process(), kernel, entry),
        )
    }

    fn file_type(call: &Call) -> u64 {
        call.machine().objects().file_type().0
    }

    #[test]
    fn a_user_handle_is_referenced_with_mode_user() {
        in_user(|call| {
            let (object, value) = file(call, false, 3);
            let out = block(call, 24);
            let arguments = (value | 1, 1, file_type(call), 1, out, out + 8);
            assert_eq!(
                ob_reference_object_by_handle(call, arguments),
                Ok(STATUS_SUCCESS)
            );
            let guest = call.guest();
            assert_eq!(guest.read_u64(out, "out"), Ok(object.0));
            assert_eq!(guest.read_u32(out + 8, "attributes"), Ok(2));
            assert_eq!(guest.read_u32(out + 12, "access"), Ok(3));
            assert_eq!(obf_dereference_object(call, object.0), Ok(2));
        });
    }

    #[test]
    fn what_a_user_may_not_have_is_refused() {
        in_user(|call| {
            let out = block(call, 8);
            let (_, value) = file(call, false, 2);
            let refer = |value, access, kind| {
                ob_reference_object_by_handle(call, (value, access, kind, 1, out, 0))
            };
            assert_eq!(refer(value, 1, file_type(call)), Ok(STATUS_ACCESS_DENIED));
            assert_eq!(refer(0x5554, 0, file_type(call)), Ok(STATUS_INVALID_HANDLE));
            assert_eq!(refer(0, 0, file_type(call)), Ok(STATUS_INVALID_HANDLE));
            let current = refer(handle::CURRENT_PROCESS, 0, file_type(call));
            assert_eq!(current, Ok(STATUS_OBJECT_TYPE_MISMATCH));
            let (_, kernel) = file(call, true, 3);
            assert_eq!(kernel & KERNEL_BITS, KERNEL_BITS);
            assert_eq!(refer(kernel, 0, file_type(call)), Ok(STATUS_INVALID_HANDLE));
            assert_eq!(call.guest().read_u64(out, "out"), Ok(0));
        });
    }

    #[test]
    fn a_user_handle_with_mode_kernel_and_a_missing_type_are_violations() {
        in_user(|call| {
            let out = block(call, 8);
            let (_, value) = file(call, false, 3);
            let as_kernel = (value, 0, file_type(call), 0, out, 0);
            assert_eq!(
                broken(ob_reference_object_by_handle(call, as_kernel)),
                Rule::Handle
            );
            let untyped = (value, 0, 0, 1, out, 0);
            assert_eq!(
                broken(ob_reference_object_by_handle(call, untyped)),
                Rule::Handle
            );
            let no_type = (value, 0, 8, 1, out, 0);
            assert_eq!(
                broken(ob_reference_object_by_handle(call, no_type)),
                Rule::WrongKind
            );
            let odd_mode = (value, 0, file_type(call), 2, out, 0);
            assert_eq!(
                broken(ob_reference_object_by_handle(call, odd_mode)),
                Rule::Argument
            );
        });
    }

    #[test]
    fn mode_kernel_is_granted_what_the_handle_does_not_grant() {
        in_system(|call| {
            let out = block(call, 8);
            let (object, value) = file(call, true, 0);
            let arguments = (value, 0xFFFF, file_type(call), 0, out, 0);
            assert_eq!(
                ob_reference_object_by_handle(call, arguments),
                Ok(STATUS_SUCCESS)
            );
            assert_eq!(obf_reference_object(call, object.0), Ok(4));
            for left in [3, 2] {
                assert_eq!(obf_dereference_object(call, object.0), Ok(left));
            }
            assert_eq!(
                broken(obf_dereference_object(call, object.0)),
                Rule::Reference
            );
        });
    }

    #[test]
    fn an_object_lives_as_long_as_handles_or_references_do() {
        in_system(|call| {
            let objects = call.machine().objects();
            // A thread: closing a file's handle ends the file as well.
            let object = objects.create(Kind::Thread, "a thread", Arc::new(()));
            let entry = HandleEntry {
                object,
                access: 0,
                attributes: 0,
                driver: 0,
            };
            let process = call.thread().process();
            let value = handle::create(call.machine(), process, true, entry);
            obf_reference_object(call, object.0).expect("alive");
            objects.release(object);
            assert_eq!(zw_close(call, value), Ok(STATUS_SUCCESS));
            assert_eq!(objects.kind(object), Some(Kind::Thread));
            assert_eq!(obf_dereference_object(call, object.0), Ok(0));
            assert_eq!(objects.kind(object), None);
            assert_eq!(
                broken(obf_reference_object(call, object.0)),
                Rule::UseAfterFree
            );
            assert_eq!(broken(zw_close(call, value)), Rule::Handle);
        });
    }
}
