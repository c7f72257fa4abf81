//! What the machine keeps of its drivers: the loaded ones, the images of those that are gone, and what
//! they must not leave behind.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use super::{Machine, lock};
use crate::boundary::memory::Access;
use crate::image::Image;
use crate::loader::Driver;
use crate::ntos::handle;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::shutdown;
use crate::process::Running;
use crate::thread::Thread;
use crate::verifier::{self, CallSite, Rule, Violation};

impl Machine {
    /// "image+rva" for an address in a driver, unloaded ones included.
    #[must_use]
    pub fn image_place(&self, address: u64) -> Option<String> {
        // Called from the fault handler too: a lock that is held must not hang the report.
        let loaded = self.drivers.try_lock().ok();
        let place =
            loaded.and_then(|drivers| drivers.iter().find_map(|driver| driver.place(address)));
        let gone = || {
            let unloaded = self.unloaded.try_lock().ok()?;
            unloaded
                .iter()
                .find_map(|image| image.place(address))
                .map(|place| format!("{place} (unloaded)"))
        };
        place.or_else(gone)
    }

    /// The addresses at which the image of a loaded driver lies.
    pub(crate) fn image_range(&self, name: &str) -> Option<std::ops::Range<u64>> {
        let drivers = lock(&self.drivers);
        let driver = drivers.iter().find(|driver| driver.name() == name)?;
        Some(driver.range())
    }

    /// The driver object of a loaded driver.
    #[must_use]
    pub fn driver_object(&self, driver: u32) -> Option<ObjectAddress> {
        lock(&self.drivers)
            .iter()
            .find(|loaded| loaded.number() == driver)
            .map(Driver::object)
    }

    pub(crate) fn drivers(&self) -> MutexGuard<'_, Vec<Driver>> {
        lock(&self.drivers)
    }

    pub(crate) fn keep_image(&self, image: Arc<Image>) {
        lock(&self.unloaded).push(image);
    }

    pub(crate) fn next_driver_number(&self) -> u32 {
        let number = self.driver_numbers.fetch_add(1, Ordering::Relaxed);
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Keeps a thread of a driver, to be joined at shutdown.
    pub(crate) fn keep(&self, thread: Running<()>) {
        lock(&self.threads).push(thread);
    }

    pub(crate) fn note_driver_thread(&self, driver: u32, thread: &Arc<Thread>, site: &CallSite) {
        lock(&self.driver_threads).push((driver, Arc::clone(thread), site.clone()));
    }

    /// Ids of the threads of drivers that have not ended.
    pub(super) fn running_driver_threads(&self) -> Vec<u64> {
        let threads = lock(&self.driver_threads);
        let running = threads
            .iter()
            .filter(|(_, thread, _)| !self.sync.has_ended(thread.object()));
        running.map(|(_, thread, _)| thread.id()).collect()
    }

    /// Bytes of pool that the driver `name` holds at this instant: what it allocated itself, without what
    /// routines of the kernel have handed to it.
    #[must_use]
    pub fn pool_held(&self, name: &str) -> Option<u64> {
        let drivers = lock(&self.drivers);
        let driver = drivers.iter().find(|driver| driver.name() == name)?;
        Some(self.pool.held(driver.number()))
    }

    /// Threads of a driver that have not ended, as violations.
    pub(crate) fn running_threads(&self, driver: u32) -> Vec<Violation> {
        let mut threads = lock(&self.driver_threads);
        threads.retain(|(_, thread, _)| !self.sync.has_ended(thread.object()));
        let own = threads.iter().filter(|(owner, _, _)| *owner == driver);
        own.map(|(_, thread, site)| {
            let detail = format!("thread {}, created by {site}, still runs", thread.id());
            Violation::new(Rule::SystemThread, detail)
        })
        .collect()
    }

    /// Handles that a driver opened and did not close, as violations.
    pub(crate) fn open_handles(&self, driver: u32) -> Vec<Violation> {
        let system = self.system();
        let open = system.handles().all();
        let own = open.iter().filter(|(_, entry)| entry.driver == driver);
        own.map(|(value, entry)| {
            let value = value | handle::KERNEL_BITS;
            let what = self.objects.label(entry.object).unwrap_or_default();
            Violation::new(
                Rule::Leak,
                format!("kernel handle {value:#x} to {what} was never closed"),
            )
        })
        .collect()
    }

    /// A driver object, of which the dispatch table is modelled.
    pub(crate) fn create_driver_object(&self, name: &str) -> ObjectAddress {
        let label = (Kind::Driver, format!("DRIVER_OBJECT of {name}"));
        let body = (&*shutdown::driver_object(), Access::ReadWrite);
        let made = self.objects.create_with_body(label, Arc::new(()), body);
        verifier::settle(made)
    }
}
