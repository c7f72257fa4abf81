//! Word of the shutdown of the machine, of which no unload tells (docs/decisions/0010).

#![expect(
    unsafe_code,
    reason = "makes a device object and completes what the kernel sends to it"
)]

use core::ptr::{self, NonNull};

use flt_sys::types::{IO_STATUS_BLOCK, PDRIVER_OBJECT};
use wdk_sys::ntddk::{
    IoCreateDevice, IoDeleteDevice, IoRegisterShutdownNotification,
    IoUnregisterShutdownNotification, IofCompleteRequest,
};
use wdk_sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, IRP,
    IRP_MJ_SHUTDOWN, NTSTATUS, PDEVICE_OBJECT, PIRP,
};

use crate::filter::Minifilter;
use crate::irql::Passive;
use crate::status::NtStatus;

/// A device object that is told of the shutdown: without a name, so that nobody can open it. Taken back when dropped.
///
/// # Invariants
///
/// The device object is ours, and on the kernel's list.
pub(crate) struct ShutdownNotice(NonNull<DEVICE_OBJECT>);

impl ShutdownNotice {
    /// Has the driver `F` told.
    ///
    /// # Safety
    ///
    /// 1. Called in DriverEntry, with the driver object that it was called with.
    /// 2. What this makes is dropped before the driver is unloaded, at PASSIVE_LEVEL.
    pub(crate) unsafe fn begin<F: Minifilter>(
        driver: PDRIVER_OBJECT,
        _: Passive,
    ) -> Result<Self, NtStatus> {
        let driver: *mut DRIVER_OBJECT = driver.cast();
        // SAFETY: in DriverEntry the table is the driver's to fill (contract 1), before there is a device.
        let table = unsafe { &mut (*driver).MajorFunction };
        let entry = usize::try_from(IRP_MJ_SHUTDOWN).map_or(None, |major| table.get_mut(major));
        *entry.ok_or(NtStatus::INVALID_PARAMETER)? = Some(shut_down::<F>);
        let mut device: PDEVICE_OBJECT = ptr::null_mut();
        // SAFETY: the driver's own object (contract 1); no name; the level is proven; `device` may be written.
        let status = unsafe {
            IoCreateDevice(
                driver,
                0,
                ptr::null_mut(),
                FILE_DEVICE_UNKNOWN,
                FILE_DEVICE_SECURE_OPEN,
                0,
                &raw mut device,
            )
        };
        NtStatus::check(status)?;
        // SAFETY: just made, with the routine in its place; the level is proven.
        let status = unsafe { IoRegisterShutdownNotification(device) };
        if let Err(status) = NtStatus::check(status) {
            // SAFETY: made above, on no list, and forgotten here.
            unsafe { IoDeleteDevice(device) };
            return Err(status);
        }
        NonNull::new(device).map(Self).ok_or(NtStatus::UNSUCCESSFUL)
    }
}

impl Drop for ShutdownNotice {
    fn drop(&mut self) {
        // SAFETY: on the list (invariant); PASSIVE_LEVEL (contract of `begin`).
        unsafe { IoUnregisterShutdownNotification(self.0.as_ptr()) };
        // SAFETY: ours (invariant), deleted once. A request that is with it keeps the object, and that the driver.
        unsafe { IoDeleteDevice(self.0.as_ptr()) };
    }
}

/// DRIVER_DISPATCH for IRP_MJ_SHUTDOWN. At most APC_LEVEL, any thread.
///
/// # Safety
///
/// Called by the I/O manager only, with an IRP for our device.
unsafe extern "C" fn shut_down<F: Minifilter>(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    F::global().shut_down();
    // SAFETY: the IRP is ours until it is completed.
    let ended = unsafe { io_status(irp) };
    // SAFETY: a field of the IRP.
    unsafe {
        ended.write(IO_STATUS_BLOCK {
            Status: 0,
            Information: 0,
        });
    };
    // SAFETY: the IRP is ours, and not touched after this; 0 is IO_NO_INCREMENT.
    unsafe { IofCompleteRequest(irp, 0) };
    0
}

/// Where a request has its final status.
///
/// # Safety
///
/// 1. `irp` is live.
const unsafe fn io_status(irp: *mut IRP) -> *mut IO_STATUS_BLOCK {
    // The fields of a union have other names in other headers, so it is written by our own type.
    const { assert!(size_of::<wdk_sys::IO_STATUS_BLOCK>() == size_of::<IO_STATUS_BLOCK>()) };
    // SAFETY: contract 1.
    unsafe { (&raw mut (*irp).IoStatus).cast() }
}
