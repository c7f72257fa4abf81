//! What the driver remembers of processes: the path of the image, and the parent.
//!
//! Kept by start key, from the process's beginning, or the first request of one that is older than the driver, to its
//! end. The path is asked for once and lent from then on, by a counted reference; two requests that are the first of
//! their process at the same instant may both ask. The table is bounded: when it is full, a new process takes the place
//! of another one, which is then asked about anew, and whose parent is unknown from then on.

use alloc::boxed::Box;

use flt::irql::Passive;
use flt::memory::{try_copy, try_filled};
use flt::notify::Parent;
use flt::process::Process;
use flt::shared::Held;
use flt::status::NtStatus;
use flt::sync::SpinLock;
use guard::{Keyed, KeyedSlot};

/// Room for the processes of a large machine: 64 KiB, the paths apart.
const SLOTS: usize = 4096;

/// A text that several hold.
pub(crate) type Text = Held<Box<[u16]>>;
type Table = Keyed<Held<Known>, Box<[KeyedSlot<Held<Known>>]>>;

/// A process that is known.
pub(crate) struct Known {
    /// The path of its image; empty for a process without one, such as System.
    pub(crate) image: Text,
    /// Its parent, if its beginning was seen.
    pub(crate) parent: Option<KnownParent>,
}

/// The parent of a process, which may have ended.
pub(crate) struct KnownParent {
    /// Its id, which may be another's by now.
    pub(crate) id: u32,
    /// Its start key; 0 if it had ended before the process began.
    pub(crate) start_key: u64,
    /// The path of its image, if it could be had then.
    pub(crate) image: Option<Text>,
}

impl Known {
    fn ask(
        process: &Process<'_>,
        parent: Option<KnownParent>,
        passive: Passive,
    ) -> Result<Held<Self>, NtStatus> {
        // What the kernel gives is paged memory; requests are recorded where that must not be touched.
        let image = Held::try_new(try_copy(process.image(passive)?.units())?)?;
        Held::try_new(Self { image, parent })
    }
}

/// The table.
pub(crate) struct Processes {
    table: SpinLock<Table>,
}

impl Processes {
    /// Allocates it.
    pub(crate) fn create() -> Result<Self, NtStatus> {
        let table = Keyed::new(try_filled(SLOTS, || None)?);
        Ok(Self {
            table: SpinLock::new(table),
        })
    }

    /// A process that is known already. At most DISPATCH_LEVEL.
    pub(crate) fn find(&self, start_key: u64) -> Option<Held<Known>> {
        self.table
            .with(|table| table.get(start_key).map(Held::share))
    }

    /// A process, asked about if it is not known.
    pub(crate) fn know(
        &self,
        process: &Process<'_>,
        passive: Passive,
    ) -> Result<Held<Known>, NtStatus> {
        let start_key = process.start_key();
        if let Some(known) = self.find(start_key) {
            return Ok(known);
        }
        let known = Known::ask(process, None, passive)?;
        self.keep(start_key, known.share());
        Ok(known)
    }

    /// A process begins. Without memory for it, it is asked about later, and its parent stays unknown.
    pub(crate) fn begin(&self, process: &Process<'_>, parent: &Parent<'_>, passive: Passive) {
        let found = parent.process.as_ref();
        let known = found.and_then(|parent| self.know(parent, passive).ok());
        let parent = KnownParent {
            id: parent.id,
            start_key: found.map_or(0, Process::start_key),
            image: known.map(|known| known.image.share()),
        };
        if let Ok(known) = Known::ask(process, Some(parent), passive) {
            self.keep(process.start_key(), known);
        }
    }

    /// A process ends. Who holds what was known of it goes on holding it.
    pub(crate) fn end(&self, start_key: u64) {
        let gone = self.table.with(|table| table.remove(start_key));
        // Here the lock is free again.
        drop(gone);
    }

    fn keep(&self, start_key: u64, known: Held<Known>) {
        let gone = self.table.with(move |table| table.insert(start_key, known));
        drop(gone);
    }
}
