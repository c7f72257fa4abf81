//! Guarded memory: every block in pages of its own, its end flush against a page without access.
//!
//! [`Memory`] hands out blocks ([`BlockSpec`]), takes them back into a quarantine that never ends, and
//! knows every other range that the image may touch (its own sections, stacks). A block is seen
//! twice: by the image at its address, with the protection of the moment, and by the host through a
//! second mapping of the same pages that is always accessible. So the host never faults on a block
//! that it has taken away from the driver. [`super::guest`] does the checked reads and writes.

mod map;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) use super::block::Range;
pub use super::block::{Access, BlockSpec};
use super::mapping::{Arena, Mapping, protect};
use crate::verifier::{Rule, Violation};
use map::Map;

/// Size of a page.
pub const PAGE: u64 = 4096;
/// Bytes of address space per machine: millions of requests. Nothing is committed until a block is
/// used.
const ARENA_BYTES: u64 = 256 << 30;
/// What fills the rest of a block's pages; compared when the block is freed.
const SLACK: u8 = 0xF5;
/// Freed blocks that are remembered by name.
const REMEMBERED: usize = 1 << 16;
/// Freed blocks whose pages go back to the host together.
const DISCARDED_AT_ONCE: usize = 256;
/// A page of what is left of a block's pages.
static UNTOUCHED: [u8; PAGE as usize] = [SLACK; PAGE as usize];

/// The memory of one machine.
pub struct Memory {
    arena: Arena,
    map: Mutex<Map>,
    /// Further address space without access.
    reserved: Mutex<Vec<Mapping>>,
}

impl Memory {
    /// Reserves the address space.
    ///
    /// # Errors
    ///
    /// What the host answers when it has no address space or no memory file.
    pub fn new() -> io::Result<Arc<Self>> {
        let arena = Arena::new(ARENA_BYTES)?;
        Ok(Arc::new(Self {
            arena,
            map: Mutex::default(),
            reserved: Mutex::default(),
        }))
    }

    /// Reserves address space that nobody may touch, for addresses that only name something.
    ///
    /// # Errors
    ///
    /// [`Rule::Testbed`] when the host has none.
    pub(crate) fn reserve(&self, size: u64) -> Result<u64, Violation> {
        let mapping = Mapping::anonymous(size)?;
        let start = mapping.start();
        protect(start, size, Access::None)?;
        self.reserved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(mapping);
        Ok(start)
    }

    /// The same for values that a driver compares and must not follow; `label` names them.
    ///
    /// # Errors
    ///
    /// As [`Self::reserve`].
    pub(crate) fn reserve_named(&self, size: u64, label: &str) -> Result<u64, Violation> {
        let start = self.reserve(size)?;
        self.add_range(start, size, Access::None, label.to_owned());
        Ok(start)
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        // A test that panicked elsewhere must not hide the report of this one.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allocates a block and returns its address.
    ///
    /// # Errors
    ///
    /// [`Rule::Testbed`] when the arena is used up or the host refuses.
    pub fn allocate(&self, spec: BlockSpec) -> Result<u64, Violation> {
        let page_bytes = spec.size.max(1).next_multiple_of(PAGE);
        let mut map = self.map();
        // The page before the block is the page after its predecessor: one guard serves both.
        let first = map.used + PAGE;
        if first + page_bytes + PAGE > ARENA_BYTES {
            return Err(Violation::new(
                Rule::Testbed,
                "the arena of guarded memory is used up",
            ));
        }
        map.used = first + page_bytes;
        let first = self.arena.start() + first;
        let address = first + page_bytes - spec.size.next_multiple_of(spec.align);
        let end = address + spec.size;
        self.arena.set(first, address - first, SLACK);
        self.arena.set(end, first + page_bytes - end, SLACK);
        // No page is used twice, and a fresh one reads as zero: nobody needs to touch all of a large block.
        if spec.fill != 0 {
            self.arena.set(address, spec.size, spec.fill);
        }
        if spec.access != Access::None {
            protect(first, page_bytes, spec.access)?;
        }
        let range = Range {
            address,
            size: spec.size,
            label: spec.label.into(),
            access: spec.access,
            paged: spec.paged,
            freed: None,
            in_arena: true,
            is_stack: false,
        };
        map.ranges.insert(first, range);
        Ok(address)
    }

    /// Takes a block away for good. `by` says who did, for later reports.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`] when no block starts there, [`Rule::UseAfterFree`] when it is freed
    /// already, [`Rule::Overrun`] when bytes around it were written.
    pub fn free(&self, address: u64, by: &str) -> Result<(), Violation> {
        let mut map = self.map();
        let key = map.block_key(address)?;
        let Some(mut range) = map.ranges.remove(&key) else {
            return Err(no_block(address));
        };
        let (first, end) = range.pages();
        self.check_slack(&range)?;
        if range.access != Access::None {
            protect(first, end - first, Access::None)?;
        }
        range.freed = Some(by.into());
        range.access = Access::None;
        map.gone.insert(key, range);
        map.freed.push_back(key);
        map.discarded.push((first, end));
        if map.discarded.len() >= DISCARDED_AT_ONCE {
            self.discard(std::mem::take(&mut map.discarded));
        }
        if map.freed.len() > REMEMBERED
            && let Some(oldest) = map.freed.pop_front()
        {
            map.gone.remove(&oldest);
        }
        Ok(())
    }

    /// Gives pages back to the host. Between neighbours lies one guard page, which is empty anyway.
    fn discard(&self, mut pages: Vec<(u64, u64)>) {
        pages.sort_unstable();
        let mut pages = pages.into_iter();
        let Some(mut run) = pages.next() else { return };
        for next in pages {
            if next.0 <= run.1 + PAGE {
                run.1 = next.1;
            } else {
                self.arena.discard(run.0, run.1 - run.0);
                run = next;
            }
        }
        self.arena.discard(run.0, run.1 - run.0);
    }

    /// Changes what the image may do with the block that starts at `address`.
    ///
    /// # Errors
    ///
    /// As [`Self::free`] for an address that is not a live block.
    pub fn set_access(&self, address: u64, access: Access) -> Result<(), Violation> {
        let mut map = self.map();
        let key = map.block_key(address)?;
        let Some(range) = map.ranges.get_mut(&key) else {
            return Err(no_block(address));
        };
        if range.access == access {
            return Ok(());
        }
        range.access = access;
        let (first, end) = range.pages();
        protect(first, end - first, access)
    }

    /// The size of the live block that starts at `address`.
    ///
    /// # Errors
    ///
    /// As [`Self::free`] for an address that is not a live block.
    pub fn size_of(&self, address: u64) -> Result<u64, Violation> {
        let map = self.map();
        let key = map.block_key(address)?;
        map.ranges
            .get(&key)
            .map(|range| range.size)
            .ok_or_else(|| no_block(address))
    }

    /// Makes a range that the host mapped otherwise known: a section of an image, a stack.
    pub(crate) fn add_range(&self, address: u64, size: u64, access: Access, label: String) {
        let range = Range::foreign(address, size, access, label);
        self.map().ranges.insert(address & !(PAGE - 1), range);
    }

    /// Makes the stack of a thread known.
    pub(crate) fn add_stack(&self, address: u64, size: u64, label: String) {
        let range = Range {
            is_stack: true,
            ..Range::foreign(address, size, Access::ReadWrite, label)
        };
        self.map().ranges.insert(address & !(PAGE - 1), range);
    }

    /// Forgets a range of [`Self::add_range`].
    pub(crate) fn remove_range(&self, address: u64) {
        self.map().ranges.remove(&(address & !(PAGE - 1)));
    }

    /// Records that the image may use a known range otherwise from now on; `gone` says why nothing
    /// is allowed any more. The protection itself is the business of whoever mapped it.
    pub(crate) fn change_range(&self, address: u64, access: Access, gone: Option<&str>) {
        if let Some(range) = self.map().ranges.get_mut(&(address & !(PAGE - 1))) {
            range.access = access;
            range.freed = gone.map(Arc::from);
        }
    }

    /// Whether `address` lies in the arena or in reserved address space.
    pub(crate) fn owns(&self, address: u64) -> bool {
        let reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        self.arena.contains(address) || reserved.iter().any(|mapping| mapping.contains(address))
    }

    /// The range that holds `address`, or whose pages do.
    pub(super) fn range_at(&self, address: u64) -> Option<Range> {
        let map = self.map();
        let holds = |range: &&Range| {
            let (first, end) = range.pages();
            (first..end).contains(&address)
        };
        // Nearly always it is a live one.
        let of = |map: &BTreeMap<u64, Range>| {
            let (_, range) = map.range(..=address).next_back()?;
            Some(range).filter(holds).cloned()
        };
        of(&map.ranges).or_else(|| of(&map.gone))
    }

    /// Why what lies at `address` does not last: it is freed, or on the stack of a thread. `None` also
    /// for an address that leads nowhere: a number.
    pub(crate) fn why_fleeting(&self, address: u64) -> Option<String> {
        let range = self.range_at(address)?;
        let inside = (range.address..=range.address + range.size).contains(&address);
        (inside && (range.freed.is_some() || range.is_stack)).then(|| range.place(address))
    }

    /// The range that ends at or before `address` with less than two pages between.
    fn range_before(&self, address: u64) -> Option<Range> {
        let map = self.map();
        let range = map.before(address)?;
        (range.address + range.size + 2 * PAGE > address).then(|| range.clone())
    }

    /// The range that begins after `address` within two pages.
    fn range_after(&self, address: u64) -> Option<Range> {
        let map = self.map();
        let range = map.after(address)?;
        (range.address < address + 2 * PAGE).then(|| range.clone())
    }

    /// Says in words where `address` lies relative to the nearest block.
    #[must_use]
    pub fn describe(&self, address: u64) -> String {
        if address < 0x1_0000 {
            let offset = if address == 0 { "" } else { " with an offset" };
            return format!("{address:#x}, a null pointer{offset}");
        }
        let place = match self
            .range_at(address)
            .or_else(|| self.range_before(address))
        {
            Some(range) => range.place(address),
            None => match self.range_after(address) {
                Some(range) => range.place(address),
                None => "in no memory that the test-bed knows".to_owned(),
            },
        };
        format!("{address:#x}, {place}")
    }

    /// Where the host finds the byte that the image sees at `address` of `range`.
    pub(super) fn host_address(&self, range: &Range, address: u64) -> u64 {
        if range.in_arena {
            self.arena.host_address(address)
        } else {
            address
        }
    }

    /// The bytes between block and page borders must still hold the pattern.
    fn check_slack(&self, range: &Range) -> Result<(), Violation> {
        let (first, end) = range.pages();
        let behind = range.address + range.size;
        for (from, to, side) in [(first, range.address, "before"), (behind, end, "behind")] {
            let span = self.arena.get(from, to.saturating_sub(from));
            // Less than a page on each side: the comparison of whole slices is quick.
            if UNTOUCHED.get(..span.len()) == Some(span.as_slice()) {
                continue;
            }
            if let Some(index) = span.iter().position(|byte| *byte != SLACK) {
                let at = from + u64::try_from(index).unwrap_or(u64::MAX);
                return Err(Violation::new(
                    Rule::Overrun,
                    format!(
                        "bytes {side} {} were written: {}",
                        range.label,
                        range.place(at)
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({:#x})", self.arena.start())
    }
}

fn no_block(address: u64) -> Violation {
    Violation::new(
        Rule::BadPointer,
        format!("{address:#x} is not the start of a block"),
    )
}

/// An address or size of the image as a host number: the same width on this target.
pub(crate) const fn host_usize(value: u64) -> usize {
    // The crate is built for x86-64 only, where the two types are one.
    value as usize
}

#[cfg(test)]
mod tests;
