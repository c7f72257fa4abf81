//! The thunks: what the filter manager calls. Each turns raw into safe, calls the driver, and turns
//! the answer back. They decide nothing.

#![expect(unsafe_code, reason = "called by the filter manager with raw pointers")]

use core::ffi::c_void;
use core::ptr;

use flt_sys::callback::{
    FLT_CALLBACK_DATA, FLT_POSTOP_FINISHED_PROCESSING, FLT_PREOP_COMPLETE,
    FLT_PREOP_SUCCESS_NO_CALLBACK, FLT_PREOP_SUCCESS_WITH_CALLBACK, FLT_PREOP_SYNCHRONIZE,
    FLT_RELATED_OBJECTS, FLTFL_CALLBACK_DATA_IRP_OPERATION, FLTFL_POST_OPERATION_DRAINING,
};
use flt_sys::registration::{STATUS_FLT_DO_NOT_ATTACH, STATUS_FLT_DO_NOT_DETACH};
use flt_sys::types::IO_STATUS_BLOCK;

use crate::filter::Minifilter;
use crate::fsctl::{self, FsControl};
use crate::instance::{self, VolumeGone, VolumeSetup};
use crate::irql::Passive;
use crate::recheck::{Carried, Kept, SourceAfter};
use crate::status::NtStatus;
use crate::token::Token;

/// The driver's answer to a request on its way down.
pub enum Next {
    /// Not ours: pass down, and do not call back.
    Ignore,
    /// Pass down unchanged, and call back with this token when the file system has answered.
    Watch(Token),
    /// As `Watch`, and say then whether the source is still the same. The request is synchronised for that: a
    /// caller that did not want to wait for the file system waits all the same, and so does an unload.
    Recheck(Token, Kept),
    /// As `Watch`, and say then that a second look at the source was wanted and could not be made.
    Unseen(Token),
    /// Do not pass down: the request ends here with this status.
    Refuse(NtStatus),
}

/// How a watched request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The file system answered.
    Answered {
        /// The final NTSTATUS, any severity.
        status: i32,
        /// IoStatus.Information.
        information: u64,
    },
    /// The instance is being torn down with the request still below us: its answer stays unknown.
    Drained,
}

/// PFLT_PRE_OPERATION_CALLBACK for IRP_MJ_FILE_SYSTEM_CONTROL. At most APC_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only, with the arguments it documents.
pub(crate) unsafe extern "system" fn before_fs_control<F: Minifilter>(
    data: *mut FLT_CALLBACK_DATA,
    objects: *const FLT_RELATED_OBJECTS,
    completion: *mut *mut c_void,
) -> i32 {
    // SAFETY: the callback data of this very callback.
    if !F::watches(unsafe { fsctl::code_of(data) }) {
        // SAFETY: as at the end of this function.
        unsafe { completion.write(ptr::null_mut()) };
        return FLT_PREOP_SUCCESS_NO_CALLBACK;
    }
    // SAFETY: the arguments of this very callback, which outlives the value.
    let request = unsafe { FsControl::<F>::from_raw(data, objects) };
    let next = match (F::global().get(), request) {
        (Some(filter), Some(request)) => filter.before_fs_control(&request),
        (None, _) | (_, None) => Next::Ignore,
    };
    let (answer, context) = match next {
        Next::Ignore => (FLT_PREOP_SUCCESS_NO_CALLBACK, ptr::null_mut()),
        Next::Refuse(status) => {
            let ended = IO_STATUS_BLOCK {
                Status: status.raw(),
                Information: 0,
            };
            // SAFETY: callback data is valid for the callback, and whoever completes a request sets its IoStatus.
            unsafe { (*data).IoStatus = ended };
            (FLT_PREOP_COMPLETE, ptr::null_mut())
        }
        // SAFETY: callback data is valid for the callback.
        Next::Recheck(token, kept) if unsafe { is_irp(data) } => {
            (FLT_PREOP_SYNCHRONIZE, kept.into_context(token))
        }
        // Only IRPs are synchronised (PFLT_PRE_OPERATION_CALLBACK, remarks). A control is always one.
        Next::Watch(token) | Next::Recheck(token, _) => {
            (FLT_PREOP_SUCCESS_WITH_CALLBACK, token.into_context())
        }
        Next::Unseen(token) => (FLT_PREOP_SUCCESS_WITH_CALLBACK, token.into_unseen()),
    };
    // SAFETY: the filter manager gives a place for one pointer, which is to be null where no callback follows.
    unsafe { completion.write(context) };
    answer
}

/// # Safety
///
/// 1. `data` is the callback data of a running callback.
unsafe fn is_irp(data: *const FLT_CALLBACK_DATA) -> bool {
    // SAFETY: contract 1.
    let flags = unsafe { (*data).Flags };
    flags & FLTFL_CALLBACK_DATA_IRP_OPERATION != 0
}

/// PFLT_POST_OPERATION_CALLBACK for IRP_MJ_FILE_SYSTEM_CONTROL. At most DISPATCH_LEVEL, any thread.
///
/// # Safety
///
/// Called by the filter manager only, with the arguments it documents.
pub(crate) unsafe extern "system" fn after_fs_control<F: Minifilter>(
    data: *mut FLT_CALLBACK_DATA,
    _objects: *const FLT_RELATED_OBJECTS,
    completion: *mut c_void,
    flags: u32,
) -> i32 {
    // SAFETY: what `before_fs_control` wrote for this request, which comes back once.
    let Some(carried) = (unsafe { Carried::from_context(completion) }) else {
        return FLT_POSTOP_FINISHED_PROCESSING;
    };
    let ending = if flags & FLTFL_POST_OPERATION_DRAINING == 0 {
        // SAFETY: callback data is valid for the callback; IoStatus is what the file system answered.
        let answer = unsafe { (*data).IoStatus };
        Ending::Answered {
            status: answer.Status,
            information: widen(answer.Information),
        }
    } else {
        Ending::Drained
    };
    let (token, source) = match carried {
        Carried::Token(token) => (token, SourceAfter::NotAsked),
        Carried::Unseen(token) => (token, SourceAfter::Unknown),
        // The context is freed all the same, and nothing else may be touched.
        Carried::Kept(token, _) if ending == Ending::Drained => (token, SourceAfter::Unknown),
        // SAFETY: the callback data of this very callback, which does not drain.
        Carried::Kept(token, kept) => (token, unsafe { kept.look_again(data) }),
    };
    if let Some(filter) = F::global().get() {
        filter.after_fs_control(token, ending, source);
    }
    FLT_POSTOP_FINISHED_PROCESSING
}

fn widen(information: usize) -> u64 {
    u64::try_from(information).unwrap_or(u64::MAX)
}

/// PFLT_INSTANCE_SETUP_CALLBACK. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only, with the arguments it documents.
pub(crate) unsafe extern "system" fn setup_instance<F: Minifilter>(
    objects: *const FLT_RELATED_OBJECTS,
    flags: u32,
    _device_type: u32,
    file_system: i32,
) -> i32 {
    let Some(filter) = F::global().get() else {
        return STATUS_FLT_DO_NOT_ATTACH;
    };
    // SAFETY: the filter manager's related objects, valid and unchanged while this callback runs.
    let objects = unsafe { &*objects };
    // SAFETY: this is the running setup callback they belong to.
    let setup = unsafe { VolumeSetup::from_raw(objects, flags, file_system.cast_unsigned()) };
    // SAFETY: PFLT_INSTANCE_SETUP_CALLBACK runs at PASSIVE_LEVEL (fltkernel.h), and this is it.
    let passive = unsafe { Passive::documented() };
    let Some(value) = filter.attach(&setup, passive) else {
        return STATUS_FLT_DO_NOT_ATTACH;
    };
    // SAFETY: `objects` are those of this setup callback, which was registered for the filter F.
    let attached = unsafe { instance::attach_context::<F>(objects, value) };
    filter.attached(&setup, &value, attached);
    match attached {
        Ok(()) => 0,
        Err(_) => STATUS_FLT_DO_NOT_ATTACH,
    }
}

/// PFLT_INSTANCE_QUERY_TEARDOWN_CALLBACK: somebody detaches by hand. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only.
pub(crate) unsafe extern "system" fn query_teardown<F: Minifilter>(
    _objects: *const FLT_RELATED_OBJECTS,
    _flags: u32,
) -> i32 {
    if F::global().get().is_none_or(F::may_leave) {
        0
    } else {
        STATUS_FLT_DO_NOT_DETACH
    }
}

/// PFLT_INSTANCE_TEARDOWN_CALLBACK, the one for the end of it: no request is left. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only, with the arguments it documents.
pub(crate) unsafe extern "system" fn teardown_complete<F: Minifilter>(
    objects: *const FLT_RELATED_OBJECTS,
    reason: u32,
) {
    let Some(filter) = F::global().get() else {
        return;
    };
    // SAFETY: the filter manager's related objects, valid and unchanged while this callback runs.
    let objects = unsafe { &*objects };
    // SAFETY: those of this running callback, which was registered for the filter F.
    filter.detached(&unsafe { VolumeGone::from_raw(objects, reason) });
}
