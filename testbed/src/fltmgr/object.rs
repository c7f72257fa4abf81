//! `FltObjectReference` and `FltObjectDereference`: rundown references of filters, instances and
//! volumes.

use super::phase::{self, Nature};
use crate::boundary::import::Call;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{NtStatus, STATUS_SUCCESS};
use crate::verifier::{Rule, Violation};

/// The routine that releases references of this family.
pub(super) const RELEASE: &str = "FltObjectDereference";

/// `FltObjectReference`.
pub(super) fn flt_object_reference(call: &Call, object: u64) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let object = rundown_object(call, object)?;
    call.machine().objects().reference(object, call.site(), RELEASE)?;
    Ok(STATUS_SUCCESS)
}

/// `FltObjectDereference`.
pub(super) fn flt_object_dereference(call: &Call, object: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let object = rundown_object(call, object)?;
    call.machine().objects().dereference(object, call.site(), RELEASE)?;
    Ok(())
}

fn rundown_object(call: &Call, address: u64) -> Result<ObjectAddress, Violation> {
    let object = ObjectAddress(address);
    let objects = call.machine().objects();
    match objects.kind(object) {
        Some(Kind::Filter | Kind::Instance | Kind::Volume) | None => Ok(object),
        Some(_) => {
            let label = objects.label(object).unwrap_or_default();
            let detail = format!("{label} is neither filter nor instance nor volume");
            Err(call.violation(Rule::WrongKind, detail))
        }
    }
}
