//! `FltObjectReference` and `FltObjectDereference`: rundown references of filters, instances and
//! volumes.

use std::sync::Weak;

use super::instance::{Instance, InstancePhase};
use super::lock;
use super::phase::{self, Nature};
use super::registry::{Filter, FilterPhase};
use super::volume::volume_at;
use crate::boundary::import::Call;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{NtStatus, STATUS_FLT_DELETING_OBJECT, STATUS_SUCCESS};
use crate::verifier::{Rule, Violation};

/// The routine that releases references of this family.
pub(super) const RELEASE: &str = "FltObjectDereference";

/// `FltObjectReference`.
pub(super) fn flt_object_reference(call: &Call, object: u64) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let object = rundown_object(call, object)?;
    if is_being_torn_down(call, object)? {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    let objects = call.machine().objects();
    objects.reference(object, call.site(), RELEASE)?;
    Ok(STATUS_SUCCESS)
}

fn is_being_torn_down(call: &Call, object: ObjectAddress) -> Result<bool, Violation> {
    let objects = call.machine().objects();
    match objects.kind(object) {
        Some(Kind::Filter) => {
            let filter = objects
                .payload::<Weak<Filter>>(object, Kind::Filter)?
                .upgrade();
            let ending = [FilterPhase::Unregistering, FilterPhase::Gone];
            Ok(filter.is_none_or(|filter| ending.contains(&lock(&filter.phase))))
        }
        Some(Kind::Instance) => {
            let instance = objects
                .payload::<Weak<Instance>>(object, Kind::Instance)?
                .upgrade();
            let ending = [InstancePhase::TearingDown, InstancePhase::Gone];
            Ok(instance.is_none_or(|instance| ending.contains(&instance.phase())))
        }
        Some(Kind::Volume) => Ok(volume_at(call, object.0)?.is_dismounted()),
        _ => Ok(false),
    }
}

/// `FltObjectDereference`.
pub(super) fn flt_object_dereference(call: &Call, object: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let object = rundown_object(call, object)?;
    call.machine()
        .objects()
        .dereference(object, call.site(), RELEASE)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;

    #[test]
    fn references_are_counted_until_the_instance_goes() {
        Fixture::run("FltObjectReference", |call, fixture| {
            for address in [fixture.filter, fixture.instance, fixture.volume] {
                assert_eq!(flt_object_reference(call, address), Ok(STATUS_SUCCESS));
                assert_eq!(flt_object_dereference(call, address), Ok(()));
                let again = flt_object_dereference(call, address).unwrap_err();
                assert_eq!(again.rule, Rule::Reference, "{again}");
            }
            fixture.attached.begin_teardown();
            let late = flt_object_reference(call, fixture.instance);
            assert_eq!(late, Ok(STATUS_FLT_DELETING_OBJECT));
        });
    }

    #[test]
    fn other_objects_have_no_rundown_references() {
        Fixture::run("FltObjectReference", |call, fixture| {
            let wrong = flt_object_reference(call, fixture.file).unwrap_err();
            assert_eq!(wrong.rule, Rule::WrongKind, "{wrong}");
        });
    }
}
