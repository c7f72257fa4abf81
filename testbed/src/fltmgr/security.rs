//! `FltBuildDefaultSecurityDescriptor` and its counterpart.
//!
//! A descriptor is an opaque block to the driver; what matters here is who may connect: with the
//! default one only administrators and the system (`nf-fltkernel-fltbuilddefaultsecuritydescriptor`).

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::phase::{self, Nature};
use super::{leak, lock, manager};
use crate::boundary::import::Call;
use crate::boundary::memory::{Access, BlockSpec};
use crate::status::{NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};
use crate::verifier::{CallSite, Rule, Violation};

/// `FLT_PORT_CONNECT` and `FLT_PORT_ALL_ACCESS` (`FLT_PORT_CONNECT | STANDARD_RIGHTS_ALL`).
const CONNECT: u32 = 0x0001;
const ALL_ACCESS: u32 = 0x001F_0001;

/// `SECURITY_DESCRIPTOR_MIN_LENGTH` of a 64-bit kernel.
const LENGTH: u64 = 40;

/// Descriptors that drivers hold, with the calls that built them.
#[derive(Debug, Default)]
pub(super) struct DescriptorTable(Mutex<BTreeMap<u64, CallSite>>);

impl DescriptorTable {
    pub(super) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let held = lock(&self.0);
        let own = held.values().filter(|site| site.driver == driver);
        own.map(|site| leak("a security descriptor", site, "FltFreeSecurityDescriptor")).collect()
    }

    pub(super) fn holds(&self, address: u64) -> bool {
        lock(&self.0).contains_key(&address)
    }
}

/// `FltBuildDefaultSecurityDescriptor`.
pub(super) fn flt_build_default_security_descriptor(
    call: &Call,
    descriptor: u64,
    access: u32,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    if access & CONNECT == 0 || access & !ALL_ACCESS != 0 {
        let detail = format!("DesiredAccess {access:#x} is not made of FLT_PORT_ALL_ACCESS");
        return Err(call.violation(Rule::Argument, detail));
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let spec = BlockSpec::new(LENGTH, "security descriptor (opaque)");
    let spec = BlockSpec { paged: true, access: Access::None, ..spec };
    let address = call.machine().memory().allocate(spec)?;
    lock(&manager(call).descriptors.0).insert(address, call.site().clone());
    call.guest().write_u64(descriptor, address, "SecurityDescriptor")?;
    Ok(STATUS_SUCCESS)
}

/// `FltFreeSecurityDescriptor`.
pub(super) fn flt_free_security_descriptor(call: &Call, descriptor: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let Some(_) = lock(&manager(call).descriptors.0).remove(&descriptor) else {
        let place = call.machine().memory().describe(descriptor);
        return Err(call.violation(Rule::Argument, format!("{place} is no such descriptor")));
    };
    call.machine().memory().free(descriptor, "FltFreeSecurityDescriptor")
}
