//! What a driver supplies: a [`Minifilter`], named to [`crate::driver_entry!`]. How it is started and stopped
//! is written once, in [`crate::life`].

#![expect(unsafe_code, reason = "holds the contract of DriverEntry")]

use core::ffi::c_void;

use flt_sys::types::NTSTATUS;

use crate::callback::{Ending, Next};
use crate::clients::{Clients, Connection};
use crate::fsctl::FsControl;
use crate::house::House;
use crate::instance::{VolumeGone, VolumeSetup};
use crate::irql::Passive;
use crate::life::Global;
use crate::notify::Parent;
use crate::port::{Caller, Link};
use crate::process::Process;
use crate::recheck::SourceAfter;
use crate::registry::Parameters;
use crate::status::NtStatus;
use crate::token::Token;

/// A minifilter for file-system controls, with a port and two threads of its own.
///
/// Use [`crate::driver_entry!`] to make a driver of it; that also supplies [`Installed`].
pub trait Minifilter: Installed + Sized + Send + Sync + 'static {
    /// What the driver remembers of each volume. Plain data: nothing is run when a volume goes.
    type Volume: Copy + Send + Sync + 'static;

    /// The name of the port, in UTF-16.
    const PORT: &'static [u16];
    /// The tag of the memory that holds [`Self::Volume`].
    const VOLUME_TAG: [u8; 4];

    /// Allocates all that the driver needs, in the system thread that loads it.
    ///
    /// # Errors
    ///
    /// Any status; the driver then does not load.
    fn create(passive: Passive, parameters: &Parameters) -> Result<Self, NtStatus>;

    /// What [`Self::create`] made is in its place, in the same thread, and nobody else has seen it yet.
    fn created(&self, passive: Passive, parameters: &Parameters);

    /// The driver is loaded and filters, in the system thread that has loaded it.
    fn loaded(&self, passive: Passive, parameters: &Parameters);

    /// Decides whether to watch a volume, and what to remember of it. PASSIVE_LEVEL; must not wait.
    fn attach(&self, volume: &VolumeSetup<'_>, passive: Passive) -> Option<Self::Volume>;

    /// What became of a volume that [`Self::attach`] wanted to watch: it is watched, or the filter manager had this
    /// status for us. PASSIVE_LEVEL.
    fn attached(
        &self,
        volume: &VolumeSetup<'_>,
        remembered: &Self::Volume,
        result: Result<(), NtStatus>,
    );

    /// A volume is no longer watched, and none of its requests is left. PASSIVE_LEVEL.
    fn detached(&self, volume: &VolumeGone<'_, Self>);

    /// A process was made; it has not run yet. PASSIVE_LEVEL, in the thread that makes it, with normal APCs disabled.
    fn process_began(&self, process: &Process<'_>, parent: &Parent<'_>, passive: Passive);

    /// A process ends. PASSIVE_LEVEL, in its last thread, with normal APCs disabled.
    fn process_ended(&self, process: &Process<'_>);

    /// Whether requests with this control code are looked at. It is asked first of all, for every file-system control
    /// on every volume, so it should be a comparison or two. At most APC_LEVEL.
    fn watches(control_code: u32) -> bool;

    /// A request on its way down, with a code that is watched. At most APC_LEVEL.
    fn before_fs_control(&self, request: &FsControl<'_, Self>) -> Next;

    /// A watched request has ended, and what became of its source. At most DISPATCH_LEVEL, any thread.
    fn after_fs_control(&self, token: Token, ending: Ending, source: SourceAfter);

    /// A program wants to connect; `request` is what it says it wants, untrusted. What it is here for is answered by
    /// taking a place among `clients`, before anything is done for it. PASSIVE_LEVEL.
    ///
    /// # Errors
    ///
    /// Any status; the connection is then refused with it.
    fn connect<'c>(
        &self,
        request: &[u8],
        caller: &Caller<'_>,
        clients: &'c Clients,
    ) -> Result<Connection<'c>, NtStatus>;

    /// The consumer that [`Self::connect`] has let in can now be sent to. PASSIVE_LEVEL.
    fn connected(&self);

    /// The consumer has gone; no other can connect before this returns. Not called for one whose connection unload has
    /// closed. PASSIVE_LEVEL.
    fn disconnected(&self);

    /// A visitor waits for an answer of [`Self::housekeep`]. PASSIVE_LEVEL.
    fn asked(&self);

    /// The body of the delivery thread; returns after [`Self::stop`]. It may be held by a consumer that
    /// never replies.
    fn work(&self, link: &Link<'_>);

    /// The body of the housekeeping thread, which no consumer can hold; returns after [`Self::stop`].
    fn housekeep(&self, house: &House<'_>);

    /// The machine is about to be shut down, without an unload: what is to be on the disk then must be there when this
    /// returns. It goes down all the same if that takes too long, so this waits no longer than it must. At most
    /// APC_LEVEL, any thread.
    fn shut_down(&self);

    /// Asks [`Self::work`] and [`Self::housekeep`] to return soon, and wakes both. PASSIVE_LEVEL.
    fn stop(&self);

    /// The last word, in the housekeeping thread: the filter is unregistered and nothing is in flight any more.
    fn stopped(&self, passive: Passive, parameters: &Parameters);

    /// Whether the driver may be unloaded, and detached from a volume, by whoever asks. An unload that is
    /// demanded, by stopping the service, comes all the same, unless this was false when the driver was
    /// loaded. PASSIVE_LEVEL.
    fn may_leave(&self) -> bool;
}

/// Where the one static of a driver lives; supplied by [`crate::driver_entry!`].
pub trait Installed: Sized + 'static {
    /// The driver's one static.
    fn global() -> &'static Global<Self>;
}

/// Whether the driver's port has a consumer. Any level.
#[must_use]
pub fn is_connected<F: Minifilter>() -> bool {
    F::global().clients().consumer().is_connected()
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
    // SAFETY: the kernel's own driver object, in DriverEntry (contract 1).
    crate::status::to_raw(unsafe { F::global().load(driver.cast(), passive) })
}

/// Makes a driver of a [`Minifilter`]: its static, and the exported DriverEntry.
///
/// Trusted code: it expands in a crate that forbids unsafe (docs/soundness.md).
#[macro_export]
macro_rules! driver_entry {
    ($filter:ty) => {
        static GLOBAL: $crate::life::Global<$filter> = $crate::life::Global::new();

        impl $crate::filter::Installed for $filter {
            fn global() -> &'static $crate::life::Global<Self> {
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
