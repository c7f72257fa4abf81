//! The least minifilter: it registers for file-system controls, looks at none, and calls nothing. What any filter costs
//! that stands there.
#![no_std]
#![no_main]

use core::ffi::c_void;
use core::ptr::null_mut;

type Ptr = *mut c_void;
type Status = i32;

#[link(name = "fltmgr.sys", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn FltRegisterFilter(driver: Ptr, registration: *const Registration, filter: *mut Ptr) -> Status;
    fn FltStartFiltering(filter: Ptr) -> Status;
    fn FltUnregisterFilter(filter: Ptr);
}

#[repr(C)]
struct Operation {
    major: u8,
    flags: u32,
    pre: Option<extern "system" fn(Ptr, Ptr, *mut Ptr) -> u32>,
    post: Ptr,
    reserved: Ptr,
}

#[repr(C)]
struct Registration {
    size: u16,
    version: u16,
    flags: u32,
    contexts: Ptr,
    operations: *const Operation,
    unload: Option<extern "system" fn(u32) -> Status>,
    rest: [Ptr; 10],
}

struct Table<T>(T);
// SAFETY: the tables are never written; what they point to is code and other such tables.
unsafe impl<T> Sync for Table<T> {}

/// IRP_MJ_FILE_SYSTEM_CONTROL, then IRP_MJ_OPERATION_END (fltKernel.h).
static OPERATIONS: Table<[Operation; 2]> = Table([
    Operation { major: 0x0D, flags: 0, pre: Some(pre), post: null_mut(), reserved: null_mut() },
    Operation { major: 0x80, flags: 0, pre: None, post: null_mut(), reserved: null_mut() },
]);
static REGISTRATION: Table<Registration> = Table(Registration {
    size: 0x70,
    version: 0x0203,
    flags: 0,
    contexts: null_mut(),
    operations: &OPERATIONS.0[0],
    unload: Some(unload),
    rest: [null_mut(); 10],
});

static mut FILTER: Ptr = null_mut();

#[unsafe(no_mangle)]
extern "system" fn DriverEntry(driver: Ptr, _path: Ptr) -> Status {
    // SAFETY: the driver object is that of this load; nobody else touches FILTER yet.
    unsafe {
        let status = FltRegisterFilter(driver, &REGISTRATION.0, &raw mut FILTER);
        if status < 0 {
            return status;
        }
        let status = FltStartFiltering(FILTER);
        if status < 0 {
            FltUnregisterFilter(FILTER);
        }
        status
    }
}

extern "system" fn pre(_data: Ptr, _objects: Ptr, _context: *mut Ptr) -> u32 {
    // FLT_PREOP_SUCCESS_NO_CALLBACK.
    1
}

extern "system" fn unload(_flags: u32) -> Status {
    // SAFETY: the filter was registered, and an unload comes once.
    unsafe { FltUnregisterFilter(FILTER) };
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

