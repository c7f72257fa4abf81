//! The life of a minifilter, written once: register, open the port, start the thread, start
//! filtering; and all of it backwards. A driver supplies a [`Minifilter`].

#![expect(unsafe_code, reason = "registers callbacks with the filter manager")]

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use flt_sys::context::{FLT_CONTEXT_END, FLT_CONTEXT_REGISTRATION, FLT_INSTANCE_CONTEXT};
use flt_sys::registration::{
    FLT_OPERATION_REGISTRATION, FLT_REGISTRATION, FLT_REGISTRATION_VERSION, FltRegisterFilter,
    FltStartFiltering, FltUnregisterFilter, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MJ_OPERATION_END,
};
use flt_sys::types::{FLT_FILTER, NTSTATUS, PDRIVER_OBJECT, PFLT_FILTER};

use crate::callback::{self, Ending, Next};
use crate::fsctl::FsControl;
use crate::instance::VolumeSetup;
use crate::irql::Passive;
use crate::port::{ClientSlot, Link, ServerPort};
use crate::status::NtStatus;
use crate::thread::SystemThread;
use crate::token::Token;

/// How long unload lets the thread finish by itself before it closes the connection under it.
const FAREWELL_MILLISECONDS: u32 = 2_000;
/// The slice in which unload waits for the thread after that. The code must not go while the thread
/// runs it, so the slices repeat; each ends by itself.
const JOIN_MILLISECONDS: u32 = 1_000;

/// A minifilter for file-system controls, with one client port and one thread of its own.
///
/// Use [`crate::driver_entry!`] to make a driver of it; that also supplies [`Installed`].
pub trait Minifilter: Installed + Sized + Send + Sync + 'static {
    /// What the driver remembers of each volume. Plain data: nothing is run when a volume goes.
    type Volume: Copy + Send + Sync + 'static;

    /// The name of the port, in UTF-16.
    const PORT: &'static [u16];
    /// The tag of the memory that holds [`Self::Volume`].
    const VOLUME_TAG: [u8; 4];

    /// Allocates all that the driver needs.
    ///
    /// # Errors
    ///
    /// Any status; the driver then does not load.
    fn create(passive: Passive) -> Result<Self, NtStatus>;

    /// Decides whether to watch a volume, and what to remember of it. PASSIVE_LEVEL; must not wait.
    fn attach(&self, volume: &VolumeSetup<'_>, passive: Passive) -> Option<Self::Volume>;

    /// A request on its way down. At most APC_LEVEL.
    fn before_fs_control(&self, request: &FsControl<'_, Self>) -> Next;

    /// A watched request has ended. At most DISPATCH_LEVEL, any thread.
    fn after_fs_control(&self, token: Token, ending: Ending);

    /// A program wants to connect; `request` is what it says it wants, untrusted. PASSIVE_LEVEL.
    ///
    /// # Errors
    ///
    /// Any status; the connection is then refused with it.
    fn connect(&self, request: &[u8]) -> Result<(), NtStatus>;

    /// The connection granted by [`Self::connect`] can now be sent to.
    fn connected(&self);

    /// The body of the driver's thread; returns after [`Self::stop`].
    fn work(&self, link: &Link<'_>);

    /// Asks [`Self::work`] to return soon. PASSIVE_LEVEL.
    fn stop(&self);

    /// The filter is unregistered and nothing is in flight any more. PASSIVE_LEVEL.
    fn stopped(&self);
}

/// Where the one static of a driver lives; supplied by [`crate::driver_entry!`].
pub trait Installed: Sized + 'static {
    /// The driver's one static.
    fn global() -> &'static Global<Self>;
}

/// All that outlives a callback: the driver's state and its handles.
///
/// # Invariants
///
/// `state` is written only while no callback can run: before `ready` is set and after the filter was
/// unregistered and the thread joined. `parts` is touched by DriverEntry and unload alone, which the
/// kernel runs one after the other.
pub struct Global<F> {
    ready: AtomicBool,
    state: UnsafeCell<Option<F>>,
    filter: AtomicPtr<FLT_FILTER>,
    client: ClientSlot,
    parts: UnsafeCell<Parts>,
}

struct Parts {
    server: Option<ServerPort>,
    thread: Option<SystemThread>,
}

// SAFETY: `state` is shared only behind `ready` (invariant) and F is Sync; the rest is atomic, or
// touched by one thread at a time (invariant).
unsafe impl<F: Send + Sync> Sync for Global<F> {}

impl<F> Global<F> {
    /// Empty: the driver is not loaded.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "only for the static of driver_entry!"
    )]
    pub const fn new() -> Self {
        Self {
            ready: AtomicBool::new(false),
            state: UnsafeCell::new(None),
            filter: AtomicPtr::new(ptr::null_mut()),
            client: ClientSlot::empty(),
            parts: UnsafeCell::new(Parts {
                server: None,
                thread: None,
            }),
        }
    }

    /// The driver's state, while it is loaded.
    pub(crate) fn get(&'static self) -> Option<&'static F> {
        if !self.ready.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: while `ready` is set nobody writes `state` (invariant).
        unsafe { (*self.state.get()).as_ref() }
    }

    pub(crate) fn filter(&self) -> PFLT_FILTER {
        self.filter.load(Ordering::Acquire)
    }

    pub(crate) const fn client(&self) -> &ClientSlot {
        &self.client
    }
}

impl<F: Minifilter> Global<F> {
    /// Brings everything up; on failure takes down what was up, in reverse.
    ///
    /// # Safety
    ///
    /// 1. `driver` is the driver object that DriverEntry was called with.
    unsafe fn load(
        &'static self,
        driver: PDRIVER_OBJECT,
        passive: Passive,
    ) -> Result<(), NtStatus> {
        let state = F::create(passive)?;
        // SAFETY: `ready` is not set, so nobody reads `state` (invariant).
        unsafe { *self.state.get() = Some(state) };
        self.ready.store(true, Ordering::Release);
        // SAFETY: contract 1.
        let registered = unsafe { self.register(driver) };
        let result =
            registered.and_then(|()| self.start(passive).inspect_err(|_| self.take_down(passive)));
        if result.is_err() {
            self.discard();
        }
        result
    }

    /// # Safety
    ///
    /// 1. `driver` is the driver object that DriverEntry was called with.
    unsafe fn register(&self, driver: PDRIVER_OBJECT) -> Result<(), NtStatus> {
        // SAFETY: the driver's own object (contract 1); the tables are constants; the slot may be written.
        let status = unsafe {
            FltRegisterFilter(
                driver,
                &raw const *Tables::<F>::REGISTRATION,
                self.filter.as_ptr(),
            )
        };
        NtStatus::check(status)
    }

    fn start(&'static self, passive: Passive) -> Result<(), NtStatus> {
        // SAFETY: DriverEntry is the only user of `parts` now (invariant).
        let parts = unsafe { &mut *self.parts.get() };
        // SAFETY: registered just before, for F; `take_down` closes the port before it unregisters.
        parts.server = Some(unsafe { ServerPort::open::<F>(self.filter(), F::PORT, passive) }?);
        // SAFETY: `take_down` joins the thread before anything it uses goes.
        parts.thread = Some(unsafe { SystemThread::start(work::<F>, passive) }?);
        // SAFETY: registered; everything the callbacks use is in place.
        NtStatus::check(unsafe { FltStartFiltering(self.filter()) })
    }

    /// Port, thread, filter: in this order. An open server port makes FltUnregisterFilter hang, and
    /// the thread sends through the filter.
    fn take_down(&'static self, passive: Passive) {
        // SAFETY: DriverEntry or unload is the only user of `parts` now (invariant).
        let parts = unsafe { &mut *self.parts.get() };
        drop(parts.server.take());
        if let Some(filter) = self.get() {
            filter.stop();
        }
        if let Some(thread) = parts.thread.take() {
            self.join(&thread, passive);
        }
        // SAFETY: registered, and no port of it is open; it waits for what is in flight.
        unsafe { FltUnregisterFilter(self.filter()) };
        self.filter.store(ptr::null_mut(), Ordering::Release);
    }

    fn join(&self, thread: &SystemThread, passive: Passive) {
        let mut ended = thread.wait(passive, FAREWELL_MILLISECONDS);
        while !ended {
            // A client that reads and never replies holds the thread in its send: closing our end
            // frees it. Repeated, because a connect callback may have been running when the server
            // port was closed, and stores its client only at its end.
            // SAFETY: the filter is still registered.
            unsafe { self.client.close(self.filter(), passive) };
            ended = thread.wait(passive, JOIN_MILLISECONDS);
        }
    }

    fn discard(&self) {
        self.ready.store(false, Ordering::Release);
        // SAFETY: no callback can run and no thread is left, so nobody reads `state` (invariant).
        unsafe { *self.state.get() = None };
    }
}

/// The constant tables handed to FltRegisterFilter.
struct Tables<F>(PhantomData<F>);

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

    const REGISTRATION: &'static FLT_REGISTRATION = &FLT_REGISTRATION {
        Size: 0x70,
        Version: FLT_REGISTRATION_VERSION,
        Flags: 0,
        ContextRegistration: Self::CONTEXTS.as_ptr(),
        OperationRegistration: Self::OPERATIONS.as_ptr(),
        FilterUnloadCallback: Some(unload::<F>),
        InstanceSetupCallback: Some(callback::setup_instance::<F>),
        InstanceQueryTeardownCallback: Some(callback::query_teardown),
        InstanceTeardownStartCallback: None,
        InstanceTeardownCompleteCallback: None,
        GenerateFileNameCallback: None,
        NormalizeNameComponentCallback: None,
        NormalizeContextCleanupCallback: None,
        TransactionNotificationCallback: None,
        NormalizeNameComponentExCallback: None,
        SectionNotificationCallback: None,
    };
}

const _: () = assert!(
    size_of::<FLT_REGISTRATION>() == 0x70,
    "Size above must be the real size"
);

/// PFLT_FILTER_UNLOAD_CALLBACK. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only.
unsafe extern "system" fn unload<F: Minifilter>(_flags: u32) -> NTSTATUS {
    let global = F::global();
    // SAFETY: PFLT_FILTER_UNLOAD_CALLBACK runs at PASSIVE_LEVEL (fltkernel.h), and this is it.
    global.take_down(unsafe { Passive::documented() });
    if let Some(filter) = global.get() {
        filter.stopped();
    }
    global.discard();
    0
}

/// PKSTART_ROUTINE of the driver's thread. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the kernel only, as the start routine given to PsCreateSystemThread.
unsafe extern "C" fn work<F: Minifilter>(_context: *mut c_void) {
    let global = F::global();
    // SAFETY: a system thread starts at PASSIVE_LEVEL (wdm.h, PsCreateSystemThread), and this is its start.
    let passive = unsafe { Passive::documented() };
    if let Some(filter) = global.get() {
        filter.work(&Link::new(&global.filter, &global.client, passive));
    }
}

/// Whether the driver's port has a client. Any level.
#[must_use]
pub fn is_connected<F: Minifilter>() -> bool {
    F::global().client().is_connected()
}

/// What `DriverEntry` does; see [`crate::driver_entry!`].
///
/// # Safety
///
/// 1. Called once, by the kernel, as DriverEntry with this driver object.
#[must_use]
pub unsafe fn enter<F: Minifilter>(driver: *mut c_void) -> NTSTATUS {
    // SAFETY: DriverEntry runs at PASSIVE_LEVEL (contract 1; WDK, "Writing a DriverEntry Routine").
    let passive = unsafe { Passive::documented() };
    // SAFETY: the kernel's own driver object (contract 1).
    crate::status::to_raw(unsafe { F::global().load(driver.cast(), passive) })
}

/// Makes a driver of a [`Minifilter`]: its static, and the exported DriverEntry.
///
/// Trusted code: it expands in a crate that forbids unsafe (docs/soundness.md).
#[macro_export]
macro_rules! driver_entry {
    ($filter:ty) => {
        static GLOBAL: $crate::filter::Global<$filter> = $crate::filter::Global::new();

        impl $crate::filter::Installed for $filter {
            fn global() -> &'static $crate::filter::Global<Self> {
                &GLOBAL
            }
        }

        /// The entry point, called by the kernel at PASSIVE_LEVEL.
        ///
        /// # Safety
        ///
        /// Called once by the kernel, with the driver's own object.
        #[unsafe(export_name = "DriverEntry")]
        pub unsafe extern "system" fn driver_entry(
            driver: *mut ::core::ffi::c_void,
            _registry_path: *const ::core::ffi::c_void,
        ) -> i32 {
            // SAFETY: this is DriverEntry, with the kernel's arguments.
            unsafe { $crate::filter::enter::<$filter>(driver) }
        }
    };
}
