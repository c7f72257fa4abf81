//! The life of a minifilter, written once: state, registration, word of processes, port, threads, filtering; and all
//! of it backwards.

#![expect(unsafe_code, reason = "registers callbacks with the filter manager")]

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use flt_sys::registration::{
    FLT_REGISTRATION, FLTFL_FILTER_UNLOAD_MANDATORY, FltRegisterFilter, FltStartFiltering,
    FltUnregisterFilter, STATUS_FLT_DO_NOT_DETACH,
};
use flt_sys::types::{DRIVER_OBJECT, FLT_FILTER, NTSTATUS, PDRIVER_OBJECT, PFLT_FILTER};

use crate::clients::Clients;
use crate::filter::Minifilter;
use crate::house::House;
use crate::irql::Passive;
use crate::notify::ProcessNotice;
use crate::port::{Link, ServerPort};
use crate::registry::Parameters;
use crate::shutdown::ShutdownNotice;
use crate::slot::Slot;
use crate::status::NtStatus;
use crate::sync::Event;
use crate::tables::Tables;
use crate::thread::SystemThread;

/// How long unload lets a thread finish by itself before it closes the connection under it.
const FAREWELL_MILLISECONDS: u32 = 2_000;
/// The slice in which unload waits for a thread after that, and a thread for unload. The code must not go while the
/// thread runs it, so the slices repeat; each ends by itself.
const JOIN_MILLISECONDS: u32 = 1_000;

/// The slice in which unload waits for a shutdown that it has overtaken.
const OVERTAKEN_MILLISECONDS: u32 = 10;

/// All that outlives a callback: the driver's state and its handles.
///
/// # Invariants
///
/// `parts` is touched by DriverEntry and unload alone, which the kernel runs one after the other. `driver` is the driver's own
/// object from load on.
pub struct Global<F> {
    state: Slot<State<F>>,
    driver: AtomicPtr<DRIVER_OBJECT>,
    filter: AtomicPtr<FLT_FILTER>,
    clients: Clients,
    parts: UnsafeCell<Parts>,
}

/// What the callbacks and threads use.
struct State<F> {
    filter: F,
    /// Housekeeping uses the filter manager no more.
    settled: Event,
    /// The filter is unregistered: the last word may be said.
    gone: Event,
}

struct Parts {
    notice: Option<ProcessNotice>,
    shutdown: Option<ShutdownNotice>,
    server: Option<ServerPort>,
    delivery: Option<SystemThread>,
    housekeeping: Option<SystemThread>,
}

// SAFETY: the slot is Sync if F is; the rest is atomic, or touched by one thread at a time (invariant).
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
            state: Slot::empty(),
            driver: AtomicPtr::new(ptr::null_mut()),
            filter: AtomicPtr::new(ptr::null_mut()),
            clients: Clients::none(),
            parts: UnsafeCell::new(Parts {
                notice: None,
                shutdown: None,
                server: None,
                delivery: None,
                housekeeping: None,
            }),
        }
    }

    /// The driver's state, while it is loaded.
    pub(crate) fn get(&'static self) -> Option<&'static F> {
        self.state().map(|state| &state.filter)
    }

    fn state(&'static self) -> Option<&'static State<F>> {
        self.state.get()
    }

    pub(crate) fn filter(&self) -> PFLT_FILTER {
        self.filter.load(Ordering::Acquire)
    }

    pub(crate) const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// # Safety
    ///
    /// 1. Called in a system thread, in DriverEntry or in a thread of ours.
    unsafe fn parameters(&self) -> Parameters {
        // SAFETY: our own object (invariant); a system thread that ends before the driver goes (contract 1).
        unsafe { Parameters::new(self.driver.load(Ordering::Acquire)) }
    }
}

impl<F: Minifilter> Global<F> {
    /// Brings everything up; on failure takes down what was up, in reverse.
    ///
    /// # Safety
    ///
    /// 1. Called in DriverEntry, with the driver object that it was called with.
    pub(crate) unsafe fn load(
        &'static self,
        driver: PDRIVER_OBJECT,
        passive: Passive,
    ) -> Result<(), NtStatus> {
        self.driver.store(driver, Ordering::Release);
        // SAFETY: the kernel runs DriverEntry in a system thread (contract 1).
        let parameters = unsafe { self.parameters() };
        self.create(&parameters, passive)?;
        if let Some(filter) = self.get() {
            filter.created(passive, &parameters);
        }
        let table = if self.get().is_none_or(F::may_leave) {
            Tables::<F>::LEAVES
        } else {
            Tables::<F>::STAYS
        };
        // SAFETY: contract 1.
        let registered = unsafe { self.register(driver, table) };
        let result =
            registered.and_then(|()| self.start(passive).inspect_err(|_| self.take_down(passive)));
        match (result, self.get()) {
            (Ok(()), Some(filter)) => filter.loaded(passive, &parameters),
            (Ok(()), None) => {}
            (Err(_), _) => self.discard(passive),
        }
        result
    }

    /// Apart, so that the stack is free of the state when the rest of the load runs.
    #[inline(never)]
    fn create(&'static self, parameters: &Parameters, passive: Passive) -> Result<(), NtStatus> {
        let (settled, gone) = (Event::try_new()?, Event::try_new()?);
        let filter = F::create(passive, parameters)?;
        let state = State {
            filter,
            settled,
            gone,
        };
        // SAFETY: the driver is not loaded, so the slot is empty, and DriverEntry is alone with it (invariant).
        unsafe { self.state.put(state) };
        Ok(())
    }

    /// # Safety
    ///
    /// 1. `driver` is the driver object that DriverEntry was called with.
    unsafe fn register(
        &self,
        driver: PDRIVER_OBJECT,
        table: &'static FLT_REGISTRATION,
    ) -> Result<(), NtStatus> {
        // SAFETY: the driver's own object (contract 1); the tables are constants; the slot may be written.
        let status = unsafe { FltRegisterFilter(driver, &raw const *table, self.filter.as_ptr()) };
        NtStatus::check(status)
    }

    fn start(&'static self, passive: Passive) -> Result<(), NtStatus> {
        // SAFETY: DriverEntry is the only user of `parts` now (invariant).
        let parts = unsafe { &mut *self.parts.get() };
        // SAFETY: `take_down` drops it, at PASSIVE_LEVEL.
        parts.notice = Some(unsafe { ProcessNotice::begin::<F>(passive) }?);
        // SAFETY: registered just before, for F; `take_down` closes the port before it unregisters.
        parts.server = Some(unsafe { ServerPort::open::<F>(self.filter(), F::PORT, passive) }?);
        // SAFETY: `take_down` joins the thread before anything it uses goes.
        parts.delivery = Some(unsafe { SystemThread::start(deliver::<F>, passive) }?);
        // SAFETY: as above.
        parts.housekeeping = Some(unsafe { SystemThread::start(keep_house::<F>, passive) }?);
        let driver = self.driver.load(Ordering::Acquire);
        // SAFETY: in DriverEntry, with its own driver object (contract of `load`); `take_down` drops it.
        parts.shutdown = Some(unsafe { ShutdownNotice::begin::<F>(driver, passive) }?);
        // SAFETY: registered; everything the callbacks use is in place.
        NtStatus::check(unsafe { FltStartFiltering(self.filter()) })
    }

    /// Word of the shutdown, port, delivery, filter, housekeeping, word of processes: in this order. An open server port makes
    /// FltUnregisterFilter hang, and both threads use the filter. Housekeeping stays for the last word: it is about
    /// what ended while the filter was unregistered, and the registry wants a system thread.
    fn take_down(&'static self, passive: Passive) {
        // SAFETY: DriverEntry or unload is the only user of `parts` now (invariant).
        let parts = unsafe { &mut *self.parts.get() };
        drop(parts.shutdown.take());
        drop(parts.server.take());
        let Some(state) = self.state() else {
            return;
        };
        state.filter.stop();
        if let Some(thread) = parts.delivery.take() {
            self.join_delivery(&thread, passive);
        }
        if parts.housekeeping.is_some() {
            while !state.settled.wait(passive, JOIN_MILLISECONDS) {}
        }
        // SAFETY: registered, and no port of it is open; it waits for what is in flight.
        unsafe { FltUnregisterFilter(self.filter()) };
        self.filter.store(ptr::null_mut(), Ordering::Release);
        state.gone.signal();
        if let Some(thread) = parts.housekeeping.take() {
            while !thread.wait(passive, JOIN_MILLISECONDS) {}
        }
        drop(parts.notice.take());
    }

    fn join_delivery(&'static self, thread: &SystemThread, passive: Passive) {
        let mut ended = thread.wait(passive, FAREWELL_MILLISECONDS);
        while !ended {
            // A consumer that reads and never replies holds the delivery thread in its send: closing our end
            // frees it. Repeated, because a connect callback may have been running when the server
            // port was closed, and stores its client only at its end.
            // SAFETY: the filter is still registered.
            unsafe { self.clients.consumer().close(self.filter(), passive) };
            ended = thread.wait(passive, JOIN_MILLISECONDS);
        }
    }

    /// The machine is shut down. At most APC_LEVEL, any thread.
    ///
    /// Nothing says that whoever takes the device from the list of the kernel waits for the call that is under way, so
    /// it is a visit, which unload waits for.
    pub(crate) fn shut_down(&'static self) {
        self.state.visit(|state| state.filter.shut_down());
    }

    fn discard(&self, passive: Passive) {
        // SAFETY: no callback can run and no thread is left, so nobody else has the state but who visits it; DriverEntry or
        // unload is alone with it (invariant).
        unsafe {
            self.state.take(|state| {
                // Nobody signals it any more: this sleeps.
                state.settled.wait(passive, OVERTAKEN_MILLISECONDS);
            });
        }
    }
}

/// PFLT_FILTER_UNLOAD_CALLBACK. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only.
pub(crate) unsafe extern "system" fn unload<F: Minifilter>(flags: u32) -> NTSTATUS {
    let global = F::global();
    let mandatory = flags & FLTFL_FILTER_UNLOAD_MANDATORY != 0;
    if !mandatory && !global.get().is_none_or(F::may_leave) {
        return STATUS_FLT_DO_NOT_DETACH;
    }
    // SAFETY: PFLT_FILTER_UNLOAD_CALLBACK runs at PASSIVE_LEVEL (fltkernel.h), and this is it.
    let passive = unsafe { Passive::documented() };
    global.take_down(passive);
    global.discard(passive);
    0
}

/// PKSTART_ROUTINE of the delivery thread. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the kernel only, as the start routine given to PsCreateSystemThread.
unsafe extern "C" fn deliver<F: Minifilter>(_context: *mut c_void) {
    let global = F::global();
    // SAFETY: a system thread starts at PASSIVE_LEVEL (wdm.h, PsCreateSystemThread), and this is its start.
    let passive = unsafe { Passive::documented() };
    if let Some(filter) = global.get() {
        let consumer = global.clients.consumer();
        filter.work(&Link::new(&global.filter, consumer, passive));
    }
}

/// PKSTART_ROUTINE of the housekeeping thread. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the kernel only, as the start routine given to PsCreateSystemThread.
unsafe extern "C" fn keep_house<F: Minifilter>(_context: *mut c_void) {
    let global = F::global();
    // SAFETY: as in `deliver`.
    let passive = unsafe { Passive::documented() };
    // SAFETY: this is a system thread of ours, joined before the driver goes.
    let parameters = unsafe { global.parameters() };
    let Some(state) = global.state() else {
        return;
    };
    // SAFETY: `take_down` unregisters the filter only after `settled`, and nobody has the house after this line.
    let house = unsafe { House::new(&global.filter, &global.clients, &parameters, passive) };
    state.filter.housekeep(&house);
    state.settled.signal();
    while !state.gone.wait(passive, JOIN_MILLISECONDS) {}
    state.filter.stopped(passive, &parameters);
}
