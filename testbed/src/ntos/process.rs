//! Identity of processes and threads: `Ps*`, `IoGetCurrentProcess`, `SeLocateProcessImageName`.

use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::ntos::object::OB;
use crate::ntos::pool::{self, SYSTEM_TAG};
use crate::status::{
    NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_CID, STATUS_NO_MEMORY, STATUS_PENDING,
    STATUS_SUCCESS,
};
use crate::verifier::{Rule, Violation};

/// "IoGetCurrentProcess function (wdm.h)", Microsoft Learn.
pub(crate) fn io_get_current_process(call: &Call) -> Result<u64, Violation> {
    Ok(call.thread().process().object().0)
}

/// "IoGetTopLevelIrp function (ntifs.h)", Microsoft Learn: NULL, an IRP, or a small constant. The
/// model has no IRP to point at; a caller may compare the answer and nothing else, and this one faults.
pub(crate) fn io_get_top_level_irp(call: &Call) -> Result<u64, Violation> {
    /// FSRTL_FSP_TOP_LEVEL_IRP (ntifs.h).
    const FSP: u64 = 1;
    Ok(if call.thread().has_top_level_irp() {
        FSP
    } else {
        0
    })
}

/// "KeAreAllApcsDisabled function (ntddk.h)", Microsoft Learn: in a guarded region, or at APC_LEVEL and
/// above. The model keeps one count for all kinds of regions, which is stricter.
pub(crate) fn ke_are_all_apcs_disabled(call: &Call) -> Result<bool, Violation> {
    Ok(call.thread().apcs_disabled() != 0 || call.thread().irql() != 0)
}

/// "PsGetProcessId function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_process_id(call: &Call, process: u64) -> Result<u64, Violation> {
    Ok(call.machine().objects().process(process)?.id())
}

/// "PsGetProcessStartKey function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_process_start_key(call: &Call, process: u64) -> Result<u64, Violation> {
    Ok(call.machine().objects().process(process)?.start_key())
}

/// "PsGetProcessCreateTimeQuadPart function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_process_create_time_quad_part(
    call: &Call,
    process: u64,
) -> Result<i64, Violation> {
    Ok(call.machine().objects().process(process)?.create_time())
}

/// "PsLookupProcessByProcessId function (ntifs.h)", Microsoft Learn: referenced, to be released with
/// ObDereferenceObject. The id of a process that has ended leads to its object as long as somebody holds that.
pub(crate) fn ps_lookup_process_by_process_id(
    call: &Call,
    id: u64,
    process: u64,
) -> Result<NtStatus, Violation> {
    let (guest, machine) = (call.guest(), call.machine());
    guest.check_aligned(process, 8, "Process")?;
    guest.check(process, 8, Access::ReadWrite, "Process")?;
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let Some(found) = machine.process(id) else {
        return Ok(STATUS_INVALID_CID);
    };
    let objects = machine.objects();
    if objects.reference(found.object(), call.site(), OB).is_err() {
        // It went away since it was found.
        return Ok(STATUS_INVALID_CID);
    }
    guest.write_u64(process, found.object().0, "Process")?;
    Ok(STATUS_SUCCESS)
}

/// "PsGetProcessExitStatus function (ntddk.h)", Microsoft Learn. Of a process that has not ended it is STATUS_PENDING, as
/// "GetExitCodeProcess function (processthreadsapi.h)" says.
pub(crate) fn ps_get_process_exit_status(call: &Call, process: u64) -> Result<NtStatus, Violation> {
    let process = call.machine().objects().process(process)?;
    Ok(if process.has_ended() {
        STATUS_SUCCESS
    } else {
        STATUS_PENDING
    })
}

/// "PsGetThreadId function (ntifs.h)", Microsoft Learn.
pub(crate) fn ps_get_thread_id(call: &Call, thread: u64) -> Result<u64, Violation> {
    let Some(thread) = call.machine().objects().thread(thread)? else {
        return Err(call.violation(
            Rule::NotModelled,
            "the thread has ended; its id is not kept",
        ));
    };
    Ok(thread.id())
}

/// "PsGetCurrentThreadId function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_current_thread_id(call: &Call) -> Result<u64, Violation> {
    Ok(call.thread().id())
}

/// "SeLocateProcessImageName function (ntifs.h)", Microsoft Learn: a UNICODE_STRING and its
/// characters in one block of paged pool that the caller frees with ExFreePool.
pub(crate) fn se_locate_process_image_name(
    call: &Call,
    process: u64,
    name: u64,
) -> Result<NtStatus, Violation> {
    let process = call.machine().objects().process(process)?;
    let guest = call.guest();
    guest.check_aligned(name, 8, "pImageFileName")?;
    guest.write_u64(name, 0, "pImageFileName")?;
    if let Some(failure) = process.look_up_image() {
        return Ok(failure);
    }
    // The System process has no file; the name is then empty.
    let units: Vec<u16> = match process.id() {
        4 => Vec::new(),
        _ => process.image_name().encode_utf16().collect(),
    };
    let Ok(length) = u16::try_from(2 * units.len()) else {
        return Err(call.violation(Rule::Testbed, "the image name is too long"));
    };
    let size = 16 + u64::from(length);
    let Some(block) = pool::allocate_for_driver(call, size, SYSTEM_TAG)? else {
        // The page names no status for this; a kernel that can be read answers so (ReactOS, ntoskrnl/se/audit.c).
        return Ok(STATUS_NO_MEMORY);
    };
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(block + 16).to_le_bytes());
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    guest.host_write(block, &bytes)?;
    guest.write_u64(name, block, "pImageFileName")?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::super::test_call::{block, broken, in_system, in_user};
    use super::*;
    use crate::ntos::ob::obf_dereference_object;
    use crate::ntos::pool::ex_free_pool;
    use crate::process::ProcessSpec;

    fn image_name(call: &Call) -> String {
        let out = block(call, 8);
        let process = call.thread().process().object().0;
        assert_eq!(
            se_locate_process_image_name(call, process, out),
            Ok(STATUS_SUCCESS)
        );
        let guest = call.guest();
        let name = guest.read_u64(out, "name").expect("a pointer");
        let units = guest.read_unicode_string(name, "name").expect("a string");
        ex_free_pool(call, name).expect("it is pool");
        String::from_utf16(&units).expect("text")
    }

    #[test]
    fn the_image_name_is_the_path_of_the_program() {
        assert_eq!(in_user(image_name), r"\Device\X\copy.exe");
        assert_eq!(in_system(image_name), "");
    }

    #[test]
    fn a_process_is_found_by_its_id_as_long_as_its_object_exists() {
        in_system(|call| {
            let (out, machine) = (block(call, 8), call.machine());
            let look = |id| ps_lookup_process_by_process_id(call, id, out);
            let copy = machine.create_process(ProcessSpec::user("copy.exe"));
            assert_eq!(look(copy.id()), Ok(STATUS_SUCCESS));
            assert_eq!(call.guest().read_u64(out, "process"), Ok(copy.object().0));
            assert_eq!(copy.parent_id(), 4);
            let ended = || ps_get_process_exit_status(call, copy.object().0);
            assert_eq!(ended(), Ok(STATUS_PENDING));
            copy.exit();
            assert_eq!(ended(), Ok(STATUS_SUCCESS));
            assert_eq!(
                look(copy.id()),
                Ok(STATUS_SUCCESS),
                "the reference keeps it"
            );
            assert_eq!(ps_get_process_id(call, copy.object().0), Ok(copy.id()));
            for _ in 0..2 {
                obf_dereference_object(call, copy.object().0).expect("referenced above");
            }
            assert_eq!(look(copy.id()), Ok(STATUS_INVALID_CID));
            let gone = ps_get_process_id(call, copy.object().0);
            assert_eq!(broken(gone), Rule::UseAfterFree);
            let again = machine.create_process(ProcessSpec::user("other.exe").id(copy.id()));
            assert_ne!(again.start_key(), copy.start_key());
            assert_eq!(look(copy.id()), Ok(STATUS_SUCCESS));
            assert_eq!(call.guest().read_u64(out, "process"), Ok(again.object().0));
            obf_dereference_object(call, again.object().0).expect("referenced above");
            assert_eq!(
                broken(ps_lookup_process_by_process_id(call, 4, 0)),
                Rule::BadPointer
            );
        });
    }

    #[test]
    fn ids_are_those_of_the_caller() {
        in_user(|call| {
            let (thread, process) = (call.thread(), call.thread().process());
            let current = io_get_current_process(call).expect("a process");
            assert_eq!(ps_get_process_id(call, current), Ok(process.id()));
            assert_eq!(
                ps_get_process_start_key(call, current),
                Ok(process.start_key())
            );
            let created = ps_get_process_create_time_quad_part(call, current);
            assert_eq!(created, Ok(process.create_time()));
            assert_eq!(ps_get_current_thread_id(call), Ok(thread.id()));
            assert_eq!(ps_get_thread_id(call, thread.object().0), Ok(thread.id()));
            assert_eq!(broken(ps_get_thread_id(call, current)), Rule::WrongKind);
        });
    }
}
