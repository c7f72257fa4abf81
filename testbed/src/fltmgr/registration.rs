//! Reads and judges the `FLT_REGISTRATION` that a minifilter hands to `FltRegisterFilter`.
//!
//! [`Registration`] is the captured, checked form: nothing of the driver's tables is read again
//! later. Whatever the filter manager of this test-bed would silently never call (another major
//! function, a name provider) is refused here instead.

use super::layout::{context_registration as context, operation, registration};
use crate::boundary::guest::Guest;
use crate::boundary::memory::Access;
use crate::status::{NtStatus, STATUS_INVALID_PARAMETER};
use crate::verifier::{Rule, Violation};

/// Most tables of Windows drivers have fewer than ten entries; an end marker that is not found
/// within this many is missing.
const TABLE_LIMIT: u64 = 64;

/// One entry of the context table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextDefinition {
    /// `FLT_INSTANCE_CONTEXT` and the like.
    pub(crate) kind: u16,
    /// Bytes of a fixed-size context; `None` for `FLT_VARIABLE_SIZED_CONTEXTS`.
    pub(crate) size: Option<u64>,
    /// Whether a smaller request may use a larger fixed size.
    pub(crate) inexact: bool,
    /// The cleanup callback, or 0.
    pub(crate) cleanup: u64,
}

impl ContextDefinition {
    /// Whether a request for `size` bytes is served by this entry.
    pub(crate) fn serves(&self, kind: u16, size: u64) -> bool {
        self.kind == kind
            && match self.size {
                None => true,
                Some(own) => own == size || (self.inexact && own > size),
            }
    }
}

/// A registration in our own memory. Addresses of callbacks are 0 when absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registration {
    pub(crate) flags: u32,
    pub(crate) contexts: Vec<ContextDefinition>,
    pub(crate) pre: u64,
    pub(crate) post: u64,
    pub(crate) unload: u64,
    pub(crate) setup: u64,
    pub(crate) query_teardown: u64,
    pub(crate) teardown_start: u64,
    pub(crate) teardown_complete: u64,
}

impl Registration {
    /// Whether any callback for file-system control was registered.
    pub(crate) fn filters_requests(&self) -> bool {
        self.pre != 0 || self.post != 0
    }
}

/// Captures the registration at `address`.
///
/// # Errors
///
/// The outer error is a broken rule; the inner one the status that `FltRegisterFilter` documents.
pub(crate) fn read(
    guest: &Guest<'_>,
    address: u64,
) -> Result<Result<Registration, NtStatus>, Violation> {
    guest.check_aligned(address, 8, "FLT_REGISTRATION")?;
    if !has_our_version(guest, address)? {
        return Ok(Err(STATUS_INVALID_PARAMETER));
    }
    refuse_unmodelled(guest, address)?;
    let callback = |offset, name| routine(guest, address + offset, name);
    let mut result = Registration {
        flags: guest.read_u32(address + registration::FLAGS, "FLT_REGISTRATION.Flags")?,
        unload: callback(registration::FILTER_UNLOAD, "FilterUnloadCallback")?,
        setup: callback(registration::INSTANCE_SETUP, "InstanceSetupCallback")?,
        query_teardown: callback(registration::INSTANCE_QUERY_TEARDOWN, "QueryTeardown")?,
        teardown_start: callback(registration::INSTANCE_TEARDOWN_START, "TeardownStart")?,
        teardown_complete: callback(registration::INSTANCE_TEARDOWN_COMPLETE, "TeardownComplete")?,
        ..Registration::default()
    };
    let contexts = guest.read_u64(address + registration::CONTEXTS, "ContextRegistration")?;
    if contexts != 0 {
        result.contexts = read_contexts(guest, contexts)?;
    }
    let operations = guest.read_u64(address + registration::OPERATIONS, "OperationRegistration")?;
    if operations != 0 {
        read_operations(guest, operations, &mut result)?;
    }
    Ok(Ok(result))
}

/// Checks version and size. A filter manager takes any minor version of its own major one; here only
/// the present one is modelled.
fn has_our_version(guest: &Guest<'_>, address: u64) -> Result<bool, Violation> {
    let version = guest.read_u16(address + registration::VERSION, "FLT_REGISTRATION.Version")?;
    if version >> 8 != registration::VERSION_0203 >> 8 {
        return Ok(false);
    }
    if version != registration::VERSION_0203 {
        return Err(not_modelled(format!(
            "FLT_REGISTRATION.Version {version:#06x}"
        )));
    }
    let size = guest.read_u16(address + registration::LENGTH, "FLT_REGISTRATION.Size")?;
    if size != registration::SIZE {
        let right = registration::SIZE;
        return Err(broken(format!(
            "FLT_REGISTRATION.Size is {size}, version 0x0203 has {right}"
        )));
    }
    Ok(true)
}

fn refuse_unmodelled(guest: &Guest<'_>, address: u64) -> Result<(), Violation> {
    let mut place = address + registration::FIRST_UNMODELLED;
    for name in registration::UNMODELLED {
        if guest.read_u64(place, name)? != 0 {
            return Err(not_modelled(format!("FLT_REGISTRATION.{name}")));
        }
        place += 8;
    }
    Ok(())
}

/// Reads a callback address: NULL or code.
fn routine(guest: &Guest<'_>, place: u64, name: &str) -> Result<u64, Violation> {
    let address = guest.read_u64(place, name)?;
    if address != 0 {
        guest.check(address, 1, Access::Execute, name)?;
    }
    Ok(address)
}

fn read_operations(
    guest: &Guest<'_>,
    table: u64,
    result: &mut Registration,
) -> Result<(), Violation> {
    for index in 0..TABLE_LIMIT {
        let entry = table + index * operation::SIZE;
        let what = format!("FLT_OPERATION_REGISTRATION[{index}]");
        let major = guest.read_u8(entry + operation::MAJOR, &what)?;
        if major == operation::END {
            return Ok(());
        }
        if major != operation::FILE_SYSTEM_CONTROL {
            return Err(not_modelled(format!(
                "{what}: a callback for major function {major:#04x}; requests of this test-bed \
                 reach filters as IRP_MJ_FILE_SYSTEM_CONTROL only"
            )));
        }
        if result.filters_requests() {
            return Err(broken(format!(
                "{what}: IRP_MJ_FILE_SYSTEM_CONTROL stands there twice"
            )));
        }
        let flags = guest.read_u32(entry + operation::FLAGS, &what)?;
        if flags & operation::SKIP_NON_DASD_IO != 0 {
            return Err(not_modelled(format!("{what}: SKIP_NON_DASD_IO")));
        }
        if guest.read_u64(entry + operation::RESERVED, &what)? != 0 {
            return Err(broken(format!("{what}: Reserved1 is not NULL")));
        }
        result.pre = routine(guest, entry + operation::PRE, "PreOperation")?;
        result.post = routine(guest, entry + operation::POST, "PostOperation")?;
        if !result.filters_requests() {
            return Err(broken(format!(
                "{what}: neither a pre- nor a post-operation"
            )));
        }
    }
    Err(broken(format!(
        "OperationRegistration has no IRP_MJ_OPERATION_END in {TABLE_LIMIT} entries"
    )))
}

fn read_contexts(guest: &Guest<'_>, table: u64) -> Result<Vec<ContextDefinition>, Violation> {
    let mut found: Vec<ContextDefinition> = Vec::new();
    for index in 0..TABLE_LIMIT {
        let entry = table + index * context::SIZE;
        let what = format!("FLT_CONTEXT_REGISTRATION[{index}]");
        let kind = guest.read_u16(entry + context::TYPE, &what)?;
        if kind == context::END {
            return Ok(found);
        }
        let definition = read_context(guest, entry, kind, &what)?;
        let alike = found
            .iter()
            .filter(|other| other.kind == kind && other.size.is_some() == definition.size.is_some())
            .count();
        // The page `_flt_context_registration`: one variable-sized entry and three fixed ones.
        let most = if definition.size.is_some() { 3 } else { 1 };
        if alike >= most {
            return Err(broken(format!(
                "{what}: more than {most} such entries for type {kind:#x}"
            )));
        }
        found.push(definition);
    }
    Err(broken(format!(
        "ContextRegistration has no FLT_CONTEXT_END in {TABLE_LIMIT} entries"
    )))
}

fn read_context(
    guest: &Guest<'_>,
    entry: u64,
    kind: u16,
    what: &str,
) -> Result<ContextDefinition, Violation> {
    if !kind.is_power_of_two() || kind > 0x40 {
        return Err(broken(format!(
            "{what}: ContextType {kind:#06x} is no context type"
        )));
    }
    if kind != context::INSTANCE {
        return Err(not_modelled(format!(
            "{what}: contexts of type {kind:#06x}"
        )));
    }
    for (place, name) in [
        (context::ALLOCATE, "ContextAllocateCallback"),
        (context::FREE, "ContextFreeCallback"),
    ] {
        if guest.read_u64(entry + place, what)? != 0 {
            return Err(not_modelled(format!("{what}: {name}")));
        }
    }
    if guest.read_u32(entry + context::POOL_TAG, what)? == 0 {
        return Err(broken(format!("{what}: PoolTag is zero")));
    }
    let size = guest.read_u64(entry + context::CONTEXT_SIZE, what)?;
    let flags = guest.read_u16(entry + context::FLAGS, what)?;
    Ok(ContextDefinition {
        kind,
        size: (size != context::VARIABLE_SIZED).then_some(size),
        inexact: flags & context::NO_EXACT_SIZE_MATCH != 0,
        cleanup: routine(guest, entry + context::CLEANUP, "ContextCleanupCallback")?,
    })
}

fn broken(detail: String) -> Violation {
    Violation::new(Rule::Registration, detail)
}

fn not_modelled(detail: String) -> Violation {
    Violation::new(Rule::NotModelled, detail)
}
