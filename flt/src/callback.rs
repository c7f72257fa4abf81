//! The thunks: what the filter manager calls. Each turns raw into safe, calls the driver, and turns
//! the answer back. They decide nothing.

#![expect(unsafe_code, reason = "called by the filter manager with raw pointers")]

use core::ffi::c_void;

use flt_sys::callback::{
    FLT_CALLBACK_DATA, FLT_POSTOP_FINISHED_PROCESSING, FLT_PREOP_SUCCESS_NO_CALLBACK,
    FLT_PREOP_SUCCESS_WITH_CALLBACK, FLT_RELATED_OBJECTS, FLTFL_POST_OPERATION_DRAINING,
};
use flt_sys::registration::STATUS_FLT_DO_NOT_ATTACH;

use crate::filter::Minifilter;
use crate::fsctl::FsControl;
use crate::instance::{self, VolumeSetup};
use crate::irql::Passive;
use crate::token::Token;

/// The driver's answer to a request on its way down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Not ours: pass down, and do not call back.
    Ignore,
    /// Pass down unchanged, and call back with this token when the file system has answered.
    Watch(Token),
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
    // SAFETY: the arguments of this very callback, which outlives the value.
    let request = unsafe { FsControl::<F>::from_raw(data, objects) };
    let next = match (F::global().get(), request) {
        (Some(filter), Some(request)) => filter.before_fs_control(&request),
        (None, _) | (_, None) => Next::Ignore,
    };
    match next {
        Next::Ignore => FLT_PREOP_SUCCESS_NO_CALLBACK,
        Next::Watch(token) => {
            // SAFETY: the filter manager gives a place for one pointer.
            unsafe { completion.write(token.into_context()) };
            FLT_PREOP_SUCCESS_WITH_CALLBACK
        }
    }
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
    if let Some(filter) = F::global().get() {
        filter.after_fs_control(Token::from_context(completion), ending);
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
    match unsafe { instance::attach_context::<F>(objects, value) } {
        Ok(()) => 0,
        Err(_) => STATUS_FLT_DO_NOT_ATTACH,
    }
}

/// PFLT_INSTANCE_QUERY_TEARDOWN_CALLBACK: a manual detach is allowed. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only.
pub(crate) unsafe extern "system" fn query_teardown(
    _objects: *const FLT_RELATED_OBJECTS,
    _flags: u32,
) -> i32 {
    0
}
