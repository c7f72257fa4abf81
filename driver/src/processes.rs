//! What the driver remembers of processes: the path of the image, and the parent.
//!
//! Kept by start key, from the process's beginning, or the first request of one that is older than the driver, to its
//! end. The path is asked for once and lent from then on, by a counted reference; that there is none is remembered too,
//! unless it was for want of memory. Whoever asks first claims the process in the table. Of two first requests at the
//! same instant the second does not wait, which a request never does for another, and does not ask again, which would
//! make a burst of first requests as expensive as one lookup each: its record is without the image, and says why.
//!
//! The table is bounded, and so is what it holds: of a path as much as a record stores. When it is full, a new process
//! takes the place of another one, which is then asked about anew, and whose parent is unknown from then on.

use alloc::boxed::Box;

use flt::irql::Passive;
use flt::memory::{try_copy, try_filled};
use flt::notify::Parent;
use flt::process::Process;
use flt::shared::Held;
use flt::status::NtStatus;
use flt::sync::SpinLock;
use guard::policy::PathName;
use guard::{Keyed, KeyedSlot, Name, NameState};

use crate::tokens::TokenMemory;

/// Room for the processes of a large machine: 64 KiB, without what is known of each: a path, which has 2 KiB at most, and
/// what its token said.
const SLOTS: usize = 4096;

type Table = Keyed<Entry, Box<[KeyedSlot<Entry>]>>;

/// The path of an image, as far as a record stores it. Empty for a process without one, such as System.
pub(crate) struct Image {
    units: Box<[u16]>,
    /// How many more units the path has.
    more: usize,
}

impl Image {
    // What the kernel gives is paged memory; requests are recorded where that must not be touched.
    fn ask(process: &Process<'_>, passive: Passive) -> Result<Held<Self>, NtStatus> {
        let path = process.image(passive)?;
        let kept = Name::cut(path.units());
        Held::try_new(Self {
            units: try_copy(kept)?,
            more: path.units().len().saturating_sub(kept.len()),
        })
    }

    /// The path for a record.
    pub(crate) fn as_name(&self) -> Name<'_> {
        Name {
            units: &self.units,
            more: self.more,
            state: NameState::Image,
            reason: 0,
        }
    }

    /// The path for the policy. The empty one is known and matches no pattern.
    pub(crate) fn as_path(&self) -> Option<PathName<'_>> {
        Some(PathName {
            is_cut: self.more > 0,
            ..PathName::split(&self.units)?
        })
    }
}

/// A process that is known.
pub(crate) struct Known {
    /// Its image, or why there is none.
    pub(crate) image: Result<Held<Image>, NtStatus>,
    /// Its parent, if its beginning was seen.
    pub(crate) parent: Option<KnownParent>,
    /// What its token said last.
    pub(crate) tokens: TokenMemory,
}

/// The parent of a process, which may have ended.
pub(crate) struct KnownParent {
    /// Its id, which may be another's by now.
    pub(crate) id: u32,
    /// Its start key; 0 if it had ended before the process began.
    pub(crate) start_key: u64,
    /// Its image, if that could be had then.
    pub(crate) image: Option<Held<Image>>,
}

impl Known {
    /// Its image for others to hold.
    pub(crate) fn share_image(&self) -> Result<Held<Image>, NtStatus> {
        self.image
            .as_ref()
            .map(Held::share)
            .map_err(|status| *status)
    }

    fn ask(
        process: &Process<'_>,
        parent: Option<KnownParent>,
        passive: Passive,
    ) -> Result<Held<Self>, NtStatus> {
        let image = match Image::ask(process, passive) {
            // Want of memory goes by; what else there is against an answer stays.
            Err(status @ (NtStatus::INSUFFICIENT_RESOURCES | NtStatus::NO_MEMORY)) => {
                return Err(status);
            }
            answer => answer,
        };
        Held::try_new(Self {
            image,
            parent,
            tokens: TokenMemory::empty(),
        })
    }
}

/// What the table has of a process.
enum Entry {
    /// Somebody asks about it.
    Claimed,
    Known(Held<Known>),
}

/// What came of wanting to ask.
enum Claim {
    Known(Held<Known>),
    /// Another asks.
    Taken,
    /// Whoever gets this asks, and calls [`Processes::fulfil`].
    Ours,
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
        self.table.with(|table| match table.get(start_key) {
            Some(Entry::Known(known)) => Some(known.share()),
            Some(Entry::Claimed) | None => None,
        })
    }

    /// A process, asked about if it is not known. `OPERATION_IN_PROGRESS` if another thread is asking.
    pub(crate) fn know(
        &self,
        process: &Process<'_>,
        passive: Passive,
    ) -> Result<Held<Known>, NtStatus> {
        match self.claim(process.start_key()) {
            Claim::Known(known) => Ok(known),
            Claim::Taken => Err(NtStatus::OPERATION_IN_PROGRESS),
            Claim::Ours => self.learn(process, None, passive),
        }
    }

    /// A process begins. Without memory for it, it is asked about later, and its parent stays unknown.
    pub(crate) fn begin(&self, process: &Process<'_>, parent: &Parent<'_>, passive: Passive) {
        let found = parent.process.as_ref();
        let known = found.and_then(|parent| self.know(parent, passive).ok());
        let parent = KnownParent {
            id: parent.id,
            start_key: found.map_or(0, Process::start_key),
            image: known.and_then(|known| known.share_image().ok()),
        };
        if let Claim::Ours = self.claim(process.start_key())
            && let Err(status) = self.learn(process, Some(parent), passive)
        {
            wdk::println!("CloneGuard: a process is not remembered: {status}");
        }
    }

    /// A process ends. Who holds what was known of it goes on holding it.
    pub(crate) fn end(&self, start_key: u64) {
        let gone = self.table.with(|table| table.remove(start_key));
        // Here the lock is free again.
        drop(gone);
    }

    /// Asks about a process that is claimed.
    fn learn(
        &self,
        process: &Process<'_>,
        parent: Option<KnownParent>,
        passive: Passive,
    ) -> Result<Held<Known>, NtStatus> {
        let start_key = process.start_key();
        let known = Known::ask(process, parent, passive);
        self.fulfil(start_key, known.as_ref().ok().map(Held::share));
        // Of one that ended before it was claimed nobody would tell us any more.
        if process.has_ended(passive) {
            self.end(start_key);
        }
        known
    }

    fn claim(&self, start_key: u64) -> Claim {
        let (claim, gone) = self.table.with(|table| match table.get(start_key) {
            Some(Entry::Known(known)) => (Claim::Known(known.share()), None),
            Some(Entry::Claimed) => (Claim::Taken, None),
            None => (Claim::Ours, table.insert(start_key, Entry::Claimed)),
        });
        drop(gone);
        claim
    }

    /// Puts what was learned in the place of the claim, or takes that back. A claim that is gone stays so: the process
    /// has ended, or another one has its place.
    fn fulfil(&self, start_key: u64, known: Option<Held<Known>>) {
        let gone = self.table.with(move |table| {
            if !matches!(table.get(start_key), Some(Entry::Claimed)) {
                return known.map(Entry::Known);
            }
            match known {
                Some(known) => table.insert(start_key, Entry::Known(known)),
                None => table.remove(start_key),
            }
        });
        drop(gone);
    }
}
