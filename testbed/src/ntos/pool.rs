//! Pool: `ExAllocatePool2` and its releases.
//!
//! All pool is special pool: a page without access right behind every block, quarantine after the
//! release. Every block keeps its tag, its kind and the call that took it. What a routine of the
//! kernel hands to the driver for ExFreePool is kept here too ([`allocate_for_driver`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;
use crate::boundary::memory::{Access, BlockSpec};
use crate::ntos::Irql;
use crate::verifier::{CallSite, Rule, Violation};

/// Tag of blocks that kernel routines hand out; the driver frees those without naming it.
pub const SYSTEM_TAG: u32 = u32::from_le_bytes(*b"SeTB");

// POOL_FLAG_* (wdm.h, "POOL_FLAGS", Microsoft Learn).
const USE_QUOTA: u64 = 0x1;
const UNINITIALIZED: u64 = 0x2;
const CACHE_ALIGNED: u64 = 0x8;
const RAISE_ON_FAILURE: u64 = 0x20;
const NON_PAGED: u64 = 0x40;
const NON_PAGED_EXECUTE: u64 = 0x80;
const PAGED: u64 = 0x100;
const KNOWN: u64 = USE_QUOTA | UNINITIALIZED | CACHE_ALIGNED | NON_PAGED | PAGED;
/// Blocks of a page or more start on a page; smaller ones on this.
const POOL_ALIGN: u64 = 16;
const CACHE_LINE: u64 = 64;
/// What uninitialised memory is filled with.
const GARBAGE: u8 = 0xBE;

#[derive(Clone, Debug)]
struct Block {
    tag: u32,
    size: u64,
    paged: bool,
    site: CallSite,
}

/// The pool of a machine.
#[derive(Debug, Default)]
pub struct Pool {
    blocks: Mutex<BTreeMap<u64, Block>>,
    limit: Mutex<Option<u64>>,
}

impl Pool {
    fn blocks(&self) -> MutexGuard<'_, BTreeMap<u64, Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a driver has not freed, as violations that name the calls.
    #[must_use]
    pub fn leaks(&self, driver: u32) -> Vec<Violation> {
        let blocks = self.blocks();
        let held = blocks.values().filter(|block| block.site.driver == driver);
        held.map(|block| {
            let (kind, tag) = (
                if block.paged { "paged" } else { "non-paged" },
                tag_text(block.tag),
            );
            let detail = format!(
                "{} bytes of {kind} pool, tag {tag}, allocated by {}",
                block.size, block.site
            );
            Violation::new(Rule::Leak, detail)
        })
        .collect()
    }

    /// Bytes that a driver holds at this instant: what it allocated itself, without what routines of the kernel
    /// have handed to it.
    #[must_use]
    pub fn held(&self, driver: u32) -> u64 {
        let blocks = self.blocks();
        let own = blocks
            .values()
            .filter(|block| block.site.driver == driver && block.tag != SYSTEM_TAG);
        own.map(|block| block.size).sum()
    }

    /// Lets allocations fail that would bring all drivers together above this many bytes; `None` for no limit.
    pub fn set_limit(&self, limit: Option<u64>) {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// Whether the limit leaves room for a block.
    fn has_room(&self, size: u64) -> bool {
        let limit = *self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        limit.is_none_or(|limit| self.in_use().1.saturating_add(size) <= limit)
    }

    /// Blocks and bytes that are allocated now.
    #[must_use]
    pub fn in_use(&self) -> (usize, u64) {
        let blocks = self.blocks();
        (blocks.len(), blocks.values().map(|block| block.size).sum())
    }
}

fn tag_text(tag: u32) -> String {
    let shown = |byte: u8| {
        if byte.is_ascii_graphic() {
            char::from(byte)
        } else {
            '.'
        }
    };
    format!(
        "'{}'",
        tag.to_le_bytes().map(shown).iter().collect::<String>()
    )
}

/// "ExAllocatePool2 function (wdm.h)", Microsoft Learn.
pub(crate) fn ex_allocate_pool2(
    call: &Call,
    flags: u64,
    size: u64,
    tag: u32,
) -> Result<u64, Violation> {
    if let Some(why) = bad_request(flags, size, tag) {
        return Err(call.violation(Rule::Pool, why));
    }
    let paged = flags & PAGED != 0;
    if paged {
        call.check_irql(Irql::Apc)?;
    }
    let machine = call.machine();
    machine.call_counter().allocate(size);
    let too_large = size > machine.options().pool_limit || !machine.pool().has_room(size);
    if machine.injection().fails(call) || too_large {
        return Ok(0);
    }
    let align = if flags & CACHE_ALIGNED != 0 {
        CACHE_LINE
    } else {
        POOL_ALIGN
    };
    let fill = if flags & UNINITIALIZED != 0 {
        GARBAGE
    } else {
        0
    };
    let spec = BlockSpec {
        align,
        fill,
        paged,
        ..BlockSpec::new(size, String::new())
    };
    allocate(call, spec, tag)
}

/// What is wrong with a request, beyond the IRQL.
fn bad_request(flags: u64, size: u64, tag: u32) -> Option<String> {
    let printable = tag
        .to_le_bytes()
        .iter()
        .all(|byte| (0x20..0x7F).contains(byte));
    if flags & NON_PAGED_EXECUTE != 0 {
        Some("executable pool".to_owned())
    } else if flags & RAISE_ON_FAILURE != 0 {
        Some("POOL_FLAG_RAISE_ON_FAILURE: nobody could catch it".to_owned())
    } else if flags & !KNOWN != 0 || (flags & PAGED == 0) == (flags & NON_PAGED == 0) {
        Some(format!("flags {flags:#x}"))
    } else if !printable {
        Some(format!("tag {tag:#x}: four printable characters, not zero"))
    } else {
        (size == 0).then(|| "zero bytes".to_owned())
    }
}

/// A block of paged pool that a routine of the kernel hands to the driver, which frees it with
/// ExFreePool; `None` when the allocation is chosen to fail.
///
/// # Errors
///
/// [`Rule::Testbed`] when the host has no memory.
pub fn allocate_for_driver(call: &Call, size: u64, tag: u32) -> Result<Option<u64>, Violation> {
    if call.machine().injection().fails(call) || !call.machine().pool().has_room(size) {
        return Ok(None);
    }
    let spec = BlockSpec {
        paged: true,
        ..BlockSpec::new(size, String::new())
    };
    allocate(call, spec, tag).map(Some)
}

fn allocate(call: &Call, spec: BlockSpec, tag: u32) -> Result<u64, Violation> {
    let (size, paged) = (spec.size, spec.paged);
    let label = format!(
        "{} pool block {} of {}",
        if paged { "paged" } else { "non-paged" },
        tag_text(tag),
        call.site()
    );
    // Blocks of a page or more are page-aligned in Windows. A driver that relies on it would be
    // right, but one that needs the guard page right behind its block learns more.
    let machine = call.machine();
    let address = machine.memory().allocate(BlockSpec {
        label,
        access: Access::ReadWrite,
        ..spec
    })?;
    let block = Block {
        tag,
        size,
        paged,
        site: call.site().clone(),
    };
    machine.pool().blocks().insert(address, block);
    Ok(address)
}

/// "ExFreePool macro (wdm.h)", Microsoft Learn.
pub(crate) fn ex_free_pool(call: &Call, block: u64) -> Result<(), Violation> {
    free(call, block, None)
}

/// "ExFreePoolWithTag function (wdm.h)", Microsoft Learn. Stricter: tag 0, which Windows takes for
/// "any", is refused.
pub(crate) fn ex_free_pool_with_tag(call: &Call, block: u64, tag: u32) -> Result<(), Violation> {
    free(call, block, Some(tag))
}

fn free(call: &Call, address: u64, tag: Option<u32>) -> Result<(), Violation> {
    let machine = call.machine();
    let known = machine.pool().blocks().get(&address).cloned();
    let Some(block) = known else {
        let place = machine.describe(address);
        return Err(call.violation(
            Rule::Pool,
            format!("{place} is not an allocated block of pool"),
        ));
    };
    if block.site.driver != call.driver() {
        return Err(call.violation(Rule::Pool, format!("the block belongs to {}", block.site)));
    }
    if let Some(tag) = tag
        && tag != block.tag
    {
        let detail = format!(
            "freed with tag {}, allocated with {}",
            tag_text(tag),
            tag_text(block.tag)
        );
        return Err(call.violation(Rule::Pool, detail));
    }
    if block.paged {
        call.check_irql(Irql::Apc)?;
    }
    machine.sync().forget_range(address, block.size)?;
    machine.memory().free(address, &call.site().to_string())?;
    machine.pool().blocks().remove(&address);
    Ok(())
}
