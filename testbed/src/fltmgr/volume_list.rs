//! All volumes, attached to or not, and the kind of each.

use std::sync::{Arc, Weak};

use super::instance::Instance;
use super::object::RELEASE;
use super::phase::{self, Nature};
use super::registry::own_filter;
use super::volume::volume_at;
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS,
};
use crate::verifier::{Rule, Violation};

/// `FltEnumerateVolumes`: each volume is referenced for the caller. The page does not say with which status
/// the volumes are only counted: one time it is a success, another STATUS_BUFFER_TOO_SMALL.
pub(super) fn flt_enumerate_volumes(
    call: &Call,
    (filter, list, size, returned): (u64, u64, u32, u64),
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    own_filter(call, filter)?;
    let (guest, machine) = (call.guest(), call.machine());
    guest.check(returned, 4, Access::ReadWrite, "NumberVolumesReturned")?;
    let room = 8 * u64::from(size);
    if list == 0 && size != 0 {
        let detail = "VolumeListSize without a VolumeList";
        return Err(call.violation(Rule::Argument, detail));
    }
    if list != 0 {
        guest.check_aligned(list, 8, "VolumeList")?;
        guest.check(list, room, Access::ReadWrite, "VolumeList")?;
    }
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let volumes = machine.io().volumes();
    guest.write_u32(returned, volumes.len() as u32, "NumberVolumesReturned")?;
    if list == 0 && machine.random() % 2 == 0 {
        return Ok(STATUS_SUCCESS);
    }
    if list == 0 || volumes.len() > size as usize {
        return Ok(STATUS_BUFFER_TOO_SMALL);
    }
    for (at, volume) in (list..).step_by(8).zip(&volumes) {
        let objects = machine.objects();
        objects.reference(volume.address(), call.site(), RELEASE)?;
        guest.write_u64(at, volume.address().0, "VolumeList")?;
    }
    Ok(STATUS_SUCCESS)
}

/// `FltGetFileSystemType`.
pub(super) fn flt_get_file_system_type(
    call: &Call,
    object: u64,
    kind: u64,
) -> Result<NtStatus, Violation> {
    /// FLT_FSTYPE_UNKNOWN (fltUserStructures.h).
    const UNKNOWN: u32 = 0;
    phase::check(call, Nature::Other)?;
    let objects = call.machine().objects();
    let guest = call.guest();
    guest.check_aligned(kind, 4, "FileSystemType")?;
    let (status, found) = match objects.kind(ObjectAddress(object)) {
        Some(Kind::Instance) => {
            let address = ObjectAddress(object);
            let weak: Arc<Weak<Instance>> = objects.payload(address, Kind::Instance)?;
            let gone = || call.violation(Rule::UseAfterFree, "the instance has been torn down");
            let instance = weak.upgrade().ok_or_else(gone)?;
            (STATUS_SUCCESS, instance.volume.file_system_type())
        }
        // What is no object at all is reported there.
        Some(Kind::Volume) | None => (STATUS_SUCCESS, volume_at(call, object)?.file_system_type()),
        Some(_) => (STATUS_INVALID_PARAMETER, UNKNOWN),
    };
    guest.write_u32(kind, found, "FileSystemType")?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;
    use crate::fltmgr::object::flt_object_dereference;
    use crate::io::VolumeSpec;

    #[test]
    fn every_volume_comes_referenced() {
        Fixture::run("FltEnumerateVolumes", |call, fixture| {
            let machine = &fixture.machine;
            let second = machine.mount(VolumeSpec::ntfs(4096)).expect("mounted");
            let second = machine
                .io()
                .volume(second)
                .expect("just mounted")
                .address()
                .0;
            let (list, number, guest) = (fixture.buffer(24), fixture.buffer(4), call.guest());
            let ask = |size| {
                let arguments = (fixture.filter, list, size, number);
                let status = flt_enumerate_volumes(call, arguments).expect("no rule is broken");
                (status, guest.read_u32(number, "number").expect("readable"))
            };
            assert_eq!(ask(1), (STATUS_BUFFER_TOO_SMALL, 2));
            assert!(machine.objects().leaks(0).is_empty());
            assert_eq!(ask(3), (STATUS_SUCCESS, 2));
            let word = |at| guest.read_u64(list + at, "list").expect("readable");
            assert_eq!([word(0), word(8), word(16)], [fixture.volume, second, 0]);
            for volume in [fixture.volume, second] {
                assert_eq!(flt_object_dereference(call, volume), Ok(()));
            }
            assert!(machine.objects().leaks(0).is_empty());
        });
    }

    #[test]
    fn counting_is_answered_one_way_or_the_other() {
        Fixture::run("FltEnumerateVolumes", |call, fixture| {
            let number = fixture.buffer(4);
            let mut answers = Vec::new();
            for _ in 0..64 {
                let arguments = (fixture.filter, 0, 0, number);
                answers.push(flt_enumerate_volumes(call, arguments).expect("no rule is broken"));
                assert_eq!(call.guest().read_u32(number, "number"), Ok(1));
            }
            assert!(answers.contains(&STATUS_SUCCESS));
            assert!(answers.contains(&STATUS_BUFFER_TOO_SMALL));
            let sized = flt_enumerate_volumes(call, (fixture.filter, 0, 1, number)).unwrap_err();
            assert_eq!(sized.rule, Rule::Argument, "{sized}");
        });
    }

    #[test]
    fn volumes_and_instances_have_a_file_system() {
        Fixture::run("FltGetFileSystemType", |call, fixture| {
            let kind = fixture.buffer(4);
            let ask = |object| {
                let status = flt_get_file_system_type(call, object, kind);
                (status, call.guest().read_u32(kind, "kind"))
            };
            for object in [fixture.volume, fixture.instance] {
                assert_eq!(ask(object), (Ok(STATUS_SUCCESS), Ok(28)));
            }
            let filter = ask(fixture.filter);
            assert_eq!(filter, (Ok(STATUS_INVALID_PARAMETER), Ok(0)));
        });
    }
}
