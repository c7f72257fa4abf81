//! What the kernel and the filter manager promise, and no more.

/// The level is not what is tried out here.
pub(crate) mod irql {
    #[derive(Clone, Copy)]
    pub(crate) struct Passive;
}

pub(crate) mod status {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct NtStatus(u32);

    impl NtStatus {
        pub(crate) const INSUFFICIENT_RESOURCES: Self = Self(0xC000_009A);
        pub(crate) const CONNECTION_COUNT_LIMIT: Self = Self(0xC000_0246);
    }
}

/// Pool that is never short.
#[cfg(loom)]
pub(crate) mod memory {
    use crate::status::NtStatus;

    pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, NtStatus> {
        Ok(Box::new(value))
    }

    pub(crate) fn try_filled<T>(
        count: usize,
        make: impl FnMut() -> T,
    ) -> Result<Box<[T]>, NtStatus> {
        Ok(core::iter::repeat_with(make).take(count).collect())
    }
}

/// A spin lock: one at a time, and what was done before a release is before what is done after the next acquire (wdm.h,
/// KeAcquireSpinLockRaiseToDpc; "Introduction to Spin Locks").
pub(crate) mod sync {
    pub(crate) struct SpinLock<T>(crate::model::Mutex<T>);

    impl<T> SpinLock<T> {
        pub(crate) fn new(data: T) -> Self {
            Self(crate::model::Mutex::new(data))
        }

        pub(crate) fn with<R>(&self, body: impl FnOnce(&mut T) -> R + Send) -> R {
            body(&mut self.0.lock().expect("no panic"))
        }
    }
}

pub(crate) mod types {
    #![expect(non_camel_case_types, reason = "the names of the ABI")]

    use crate::Watched;

    /// A connection's port, as the filter manager has it.
    pub(crate) struct FLT_PORT {
        /// Replaced by nothing when it is closed.
        pub(crate) open: crate::model::UnsafeCell<Option<Watched>>,
        pub(crate) messages: std::sync::atomic::AtomicUsize,
    }

    /// The lock under which the filter manager reads and clears the variables that hold ports (facts of FltSendMessage and
    /// FltCloseClientPort: both take the address of the variable).
    pub(crate) struct FilterManager(pub(crate) crate::model::Mutex<()>);

    pub(crate) type PFLT_PORT = *mut FLT_PORT;
    pub(crate) type PFLT_FILTER = *const FilterManager;
}

pub(crate) mod port {
    use core::ptr;

    use crate::atomics::{AtomicPtr, Ordering};
    use crate::types::{FLT_PORT, PFLT_FILTER, PFLT_PORT};

    /// Closes the port in the variable, if there is one, and clears that.
    ///
    /// # Safety
    ///
    /// 1. `filter` and `variable` are live, the latter the address of an [`AtomicPtr`].
    #[expect(non_snake_case, reason = "the name of the ABI")]
    pub(crate) unsafe fn FltCloseClientPort(filter: PFLT_FILTER, variable: *mut PFLT_PORT) {
        // SAFETY: contract 1.
        let (manager, variable) = unsafe { (&*filter, &*variable.cast::<AtomicPtr<FLT_PORT>>()) };
        let _locked = manager.0.lock().expect("no panic");
        let port = variable.load(Ordering::Relaxed);
        if port.is_null() {
            return;
        }
        variable.store(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: ports live as long as a test; loom compares the accesses.
        let was_open = unsafe { (*port).open.with_mut(|open| (*open).take()) };
        assert!(was_open.is_some(), "a port is closed once");
    }

    /// Sends to the port in the variable; `false` if there is none.
    ///
    /// # Safety
    ///
    /// 1. As for [`FltCloseClientPort`].
    pub(crate) unsafe fn send(filter: PFLT_FILTER, variable: *mut PFLT_PORT) -> bool {
        // SAFETY: contract 1.
        let (manager, variable) = unsafe { (&*filter, &*variable.cast::<AtomicPtr<FLT_PORT>>()) };
        let _locked = manager.0.lock().expect("no panic");
        let port = variable.load(Ordering::Relaxed);
        if port.is_null() {
            return false;
        }
        // SAFETY: as above.
        let port = unsafe { &*port };
        // SAFETY: loom compares the accesses.
        port.open
            .with(|open| unsafe { (*open).as_ref().expect("an open port").look() });
        port.messages.fetch_add(1, Ordering::Relaxed);
        true
    }
}
