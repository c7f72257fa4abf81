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
        own.map(|site| leak("a security descriptor", site, "FltFreeSecurityDescriptor"))
            .collect()
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
    let spec = BlockSpec {
        paged: true,
        access: Access::None,
        ..spec
    };
    let address = call.machine().memory().allocate(spec)?;
    lock(&manager(call).descriptors.0).insert(address, call.site().clone());
    call.guest()
        .write_u64(descriptor, address, "SecurityDescriptor")?;
    Ok(STATUS_SUCCESS)
}

/// `FltFreeSecurityDescriptor`.
pub(super) fn flt_free_security_descriptor(call: &Call, descriptor: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let Some(_) = lock(&manager(call).descriptors.0).remove(&descriptor) else {
        let place = call.machine().memory().describe(descriptor);
        return Err(call.violation(Rule::Argument, format!("{place} is no such descriptor")));
    };
    call.machine()
        .memory()
        .free(descriptor, "FltFreeSecurityDescriptor")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;

    #[test]
    fn a_descriptor_is_opaque_and_freed_once() {
        Fixture::run("FltBuildDefaultSecurityDescriptor", |call, fixture| {
            let out = fixture.buffer(8);
            let built = flt_build_default_security_descriptor(call, out, ALL_ACCESS);
            assert_eq!(built, Ok(STATUS_SUCCESS));
            let descriptor = call.guest().read_u64(out, "descriptor").expect("readable");
            assert!(call.guest().read_u8(descriptor, "inside").is_err());
            let table = &fixture.machine.filter_manager().descriptors;
            assert_eq!(table.leaks(0).len(), 1);
            assert_eq!(flt_free_security_descriptor(call, descriptor), Ok(()));
            assert!(table.leaks(0).is_empty());
            let again = flt_free_security_descriptor(call, descriptor).unwrap_err();
            assert_eq!(again.rule, Rule::Argument, "{again}");
        });
    }

    #[test]
    fn access_must_be_that_of_ports() {
        Fixture::run("FltBuildDefaultSecurityDescriptor", |call, fixture| {
            let out = fixture.buffer(8);
            for access in [0, 0x8000_0001, 0x001F_0000] {
                let wrong = flt_build_default_security_descriptor(call, out, access).unwrap_err();
                assert_eq!(wrong.rule, Rule::Argument, "{access:#x}");
            }
        });
    }
}
