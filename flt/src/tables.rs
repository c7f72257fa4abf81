//! The constant tables handed to FltRegisterFilter.

use core::marker::PhantomData;
use core::ptr;

use flt_sys::context::{FLT_CONTEXT_END, FLT_CONTEXT_REGISTRATION, FLT_INSTANCE_CONTEXT};
use flt_sys::registration::{
    FLT_OPERATION_REGISTRATION, FLT_REGISTRATION, FLT_REGISTRATION_FLAGS, FLT_REGISTRATION_VERSION,
    FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP, IRP_MJ_FILE_SYSTEM_CONTROL,
    IRP_MJ_OPERATION_END,
};

use crate::callback;
use crate::filter::Minifilter;
use crate::life::unload;

/// The tables of the driver F.
pub(crate) struct Tables<F>(PhantomData<F>);

impl<F: Minifilter> Tables<F> {
    const OPERATIONS: &'static [FLT_OPERATION_REGISTRATION; 2] = &[
        FLT_OPERATION_REGISTRATION {
            MajorFunction: IRP_MJ_FILE_SYSTEM_CONTROL,
            Flags: 0,
            PreOperation: Some(callback::before_fs_control::<F>),
            PostOperation: Some(callback::after_fs_control::<F>),
            Reserved1: ptr::null_mut(),
        },
        FLT_OPERATION_REGISTRATION {
            MajorFunction: IRP_MJ_OPERATION_END,
            Flags: 0,
            PreOperation: None,
            PostOperation: None,
            Reserved1: ptr::null_mut(),
        },
    ];

    const CONTEXTS: &'static [FLT_CONTEXT_REGISTRATION; 2] = &[
        Self::context(FLT_INSTANCE_CONTEXT, size_of::<F::Volume>()),
        Self::context(FLT_CONTEXT_END, 0),
    ];

    const fn context(context_type: u16, size: usize) -> FLT_CONTEXT_REGISTRATION {
        FLT_CONTEXT_REGISTRATION {
            ContextType: context_type,
            Flags: 0,
            ContextCleanupCallback: None,
            Size: size,
            PoolTag: u32::from_le_bytes(F::VOLUME_TAG),
            ContextAllocateCallback: None,
            ContextFreeCallback: None,
            Reserved1: ptr::null_mut(),
        }
    }

    /// The registration of a driver that can be stopped as a service.
    pub(crate) const LEAVES: &'static FLT_REGISTRATION = &Self::registration(0);

    /// The registration of one that cannot: the filter manager refuses in its place, also what it would
    /// otherwise demand (`ns-fltkernel-_flt_registration`).
    pub(crate) const STAYS: &'static FLT_REGISTRATION =
        &Self::registration(FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP);

    const fn registration(flags: FLT_REGISTRATION_FLAGS) -> FLT_REGISTRATION {
        FLT_REGISTRATION {
            Size: 0x70,
            Version: FLT_REGISTRATION_VERSION,
            Flags: flags,
            ContextRegistration: Self::CONTEXTS.as_ptr(),
            OperationRegistration: Self::OPERATIONS.as_ptr(),
            FilterUnloadCallback: Some(unload::<F>),
            InstanceSetupCallback: Some(callback::setup_instance::<F>),
            InstanceQueryTeardownCallback: Some(callback::query_teardown::<F>),
            InstanceTeardownStartCallback: None,
            InstanceTeardownCompleteCallback: Some(callback::teardown_complete::<F>),
            GenerateFileNameCallback: None,
            NormalizeNameComponentCallback: None,
            NormalizeContextCleanupCallback: None,
            TransactionNotificationCallback: None,
            NormalizeNameComponentExCallback: None,
            SectionNotificationCallback: None,
        }
    }
}

const _: () = assert!(
    size_of::<FLT_REGISTRATION>() == 0x70,
    "Size above must be the real size"
);
