//! Volumes as a filter sees them: information, the way from a file object to its volume and from a volume
//! to an instance. Names are in `volume_name`, the list of all volumes in `volume_list`.

use std::sync::Arc;

use super::instance::{InstancePhase, own_instance};
use super::lock;
use super::object::RELEASE;
use super::phase::{self, Nature};
use super::registry::own_filter;
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::io::{FileObject, MountedVolume};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_BUFFER_OVERFLOW, STATUS_FLT_DELETING_OBJECT, STATUS_FLT_INSTANCE_NOT_FOUND,
    STATUS_INFO_LENGTH_MISMATCH, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_INFO_CLASS,
    STATUS_SUCCESS,
};
use crate::verifier::{Rule, Violation};
use crate::volume::SECTOR;

/// `FS_INFORMATION_CLASS` of `wdm.h`: the classes that the file systems of this test-bed answer.
const SIZE_INFORMATION: u32 = 3;
const DEVICE_INFORMATION: u32 = 4;
const ATTRIBUTE_INFORMATION: u32 = 5;
const FULL_SIZE_INFORMATION: u32 = 7;
/// The other classes that exist: `FileFsVolumeInformation`, `..Control..`, `..ObjectId..`,
/// `..DriverPath..`, `..VolumeFlags..`, `..SectorSize..`.
const UNMODELLED: [u32; 6] = [1, 6, 8, 9, 10, 11];

/// `FILE_DEVICE_DISK` and `FILE_DEVICE_IS_MOUNTED`.
const DEVICE_DISK: u32 = 7;
const DEVICE_IS_MOUNTED: u32 = 0x20;

/// `FltQueryVolumeInformation`.
pub(super) fn flt_query_volume_information(
    call: &Call,
    (instance, io_status, buffer, length, class): (u64, u64, u64, u32, u32),
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let instance = own_instance(call, instance)?;
    call.guest().check(
        buffer,
        u64::from(length),
        Access::ReadWrite,
        "FsInformation",
    )?;
    call.guest()
        .check(io_status, 16, Access::ReadWrite, "Iosb")?;
    if UNMODELLED.contains(&class) {
        let detail = format!("FsInformationClass {class}");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    if instance.is_ending() {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let Some((bytes, least)) = describe(&instance.volume, class) else {
        return Ok(STATUS_INVALID_INFO_CLASS);
    };
    // MS-FSA 2.1.5.12: a buffer below the fixed part is a mismatch, a name that does not fit is cut.
    if (length as usize) < least {
        return Ok(STATUS_INFO_LENGTH_MISMATCH);
    }
    let part = bytes.get(..length as usize).unwrap_or(&bytes);
    let status = if part.len() == bytes.len() {
        STATUS_SUCCESS
    } else {
        STATUS_BUFFER_OVERFLOW
    };
    let guest = call.guest();
    guest.write_bytes(buffer, part, "FsInformation")?;
    guest.write_u64(io_status, u64::from(status.0), "Iosb.Status")?;
    guest.write_u64(io_status + 8, part.len() as u64, "Iosb.Information")?;
    Ok(status)
}

/// The structure of a class and the length of its fixed part (MS-FSCC 2.5).
fn describe(volume: &MountedVolume, class: u32) -> Option<(Vec<u8>, usize)> {
    let about = volume.file_system().information();
    let mut bytes = Vec::new();
    match class {
        SIZE_INFORMATION | FULL_SIZE_INFORMATION => {
            bytes.extend(about.total_clusters.to_le_bytes());
            bytes.extend(about.free_clusters.to_le_bytes());
            if class == FULL_SIZE_INFORMATION {
                bytes.extend(about.free_clusters.to_le_bytes());
            }
            bytes.extend((about.cluster_size / SECTOR).to_le_bytes());
            bytes.extend(SECTOR.to_le_bytes());
        }
        DEVICE_INFORMATION => {
            bytes.extend(DEVICE_DISK.to_le_bytes());
            bytes.extend(DEVICE_IS_MOUNTED.to_le_bytes());
        }
        ATTRIBUTE_INFORMATION => {
            let name: Vec<u8> = about
                .file_system_name
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            bytes.extend(about.attributes.to_le_bytes());
            bytes.extend(255_u32.to_le_bytes());
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend(name);
            return Some((bytes, 12));
        }
        _ => return None,
    }
    let least = bytes.len();
    Some((bytes, least))
}

/// `FltGetVolumeFromFileObject`: the volume is referenced for the caller.
pub(super) fn flt_get_volume_from_file_object(
    call: &Call,
    filter: u64,
    file: u64,
    volume: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    own_filter(call, filter)?;
    let objects = call.machine().objects();
    let file = objects.payload::<FileObject>(ObjectAddress(file), Kind::File)?;
    let Some(found) = file.volume() else {
        return Ok(crate::status::STATUS_INVALID_PARAMETER);
    };
    if found.is_dismounted() {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    call.guest()
        .write_u64(volume, found.address().0, "RetVolume")?;
    objects.reference(found.address(), call.site(), RELEASE)?;
    Ok(STATUS_SUCCESS)
}

/// `FltGetVolumeInstanceFromName`: the highest matching instance, referenced for the caller. All
/// instances here have their filter's default name, so a name is not modelled.
pub(super) fn flt_get_volume_instance_from_name(
    call: &Call,
    filter: u64,
    volume: u64,
    name: u64,
    instance: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    if name != 0 {
        return Err(call.violation(Rule::NotModelled, "a search by InstanceName"));
    }
    let filter = if filter == 0 {
        None
    } else {
        Some(own_filter(call, filter)?)
    };
    let volume = volume_at(call, volume)?;
    let matching = |phase: InstancePhase| phase == InstancePhase::Attached;
    let found = lock(volume.instances())
        .iter()
        .find(|candidate| {
            filter
                .as_ref()
                .is_none_or(|filter| Arc::ptr_eq(filter, &candidate.filter))
                && matching(candidate.phase())
        })
        .cloned();
    let Some(found) = found else {
        return Ok(STATUS_FLT_INSTANCE_NOT_FOUND);
    };
    call.guest()
        .write_u64(instance, found.address.0, "RetInstance")?;
    call.machine()
        .objects()
        .reference(found.address, call.site(), RELEASE)?;
    Ok(STATUS_SUCCESS)
}

/// The volume at `address`.
pub(super) fn volume_at(call: &Call, address: u64) -> Result<Arc<MountedVolume>, Violation> {
    let address = ObjectAddress(address);
    let weak = call
        .machine()
        .objects()
        .payload::<std::sync::Weak<MountedVolume>>(address, Kind::Volume)?;
    weak.upgrade()
        .ok_or_else(|| call.violation(Rule::UseAfterFree, "the volume is gone"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;
    use crate::fltmgr::object::flt_object_dereference;
    use crate::status::STATUS_INVALID_PARAMETER;

    fn query(call: &Call, fixture: &Fixture, class: u32, length: u32) -> (NtStatus, Vec<u8>) {
        let (buffer, io_status) = (fixture.buffer(64), fixture.buffer(16));
        let arguments = (fixture.instance, io_status, buffer, length, class);
        let status = flt_query_volume_information(call, arguments).expect("no rule is broken");
        let used = call
            .guest()
            .read_u64(io_status + 8, "Information")
            .expect("readable");
        (
            status,
            call.guest()
                .bytes(buffer, used, "answer")
                .expect("readable"),
        )
    }

    #[test]
    fn sizes_multiply_to_the_cluster() {
        Fixture::run("FltQueryVolumeInformation", |call, fixture| {
            let (status, bytes) = query(call, fixture, SIZE_INFORMATION, 24);
            assert_eq!((status, bytes.len()), (STATUS_SUCCESS, 24));
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
            assert_eq!(word(16) * word(20), 65536);
            let (status, _) = query(call, fixture, SIZE_INFORMATION, 23);
            assert_eq!(status, STATUS_INFO_LENGTH_MISMATCH);
        });
    }

    #[test]
    fn a_name_that_does_not_fit_is_cut() {
        Fixture::run("FltQueryVolumeInformation", |call, fixture| {
            let (status, bytes) = query(call, fixture, ATTRIBUTE_INFORMATION, 14);
            assert_eq!((status, bytes.len()), (STATUS_BUFFER_OVERFLOW, 14));
            let (status, bytes) = query(call, fixture, ATTRIBUTE_INFORMATION, 64);
            assert_eq!(
                (status, &bytes[12..]),
                (STATUS_SUCCESS, &b"R\0e\0F\0S\0"[..])
            );
            let (status, _) = query(call, fixture, 99, 64);
            assert_eq!(status, STATUS_INVALID_INFO_CLASS);
        });
    }

    #[test]
    fn the_attributes_follow_the_volume() {
        Fixture::run("FltQueryVolumeInformation", |call, fixture| {
            let attributes = || {
                let (status, bytes) = query(call, fixture, ATTRIBUTE_INFORMATION, 12);
                assert_eq!(status, STATUS_BUFFER_OVERFLOW, "the name is missing");
                let word =
                    |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
                assert_eq!((word(4), word(8)), (255, 8));
                word(0) & 0x0808_0000
            };
            assert_eq!(attributes(), 0x0800_0000, "FILE_SUPPORTS_BLOCK_REFCOUNTING");
            let file_system = fixture.attached.volume.file_system();
            file_system.set_read_only(true);
            assert_eq!(attributes(), 0x0808_0000, "and FILE_READ_ONLY_VOLUME");
            let (status, _) = query(call, fixture, ATTRIBUTE_INFORMATION, 11);
            assert_eq!(status, STATUS_INFO_LENGTH_MISMATCH);
        });
    }

    #[test]
    fn a_class_without_a_model_is_refused_aloud() {
        Fixture::run("FltQueryVolumeInformation", |call, fixture| {
            let (buffer, io_status) = (fixture.buffer(64), fixture.buffer(16));
            let arguments = (fixture.instance, io_status, buffer, 64, 11);
            let refused = flt_query_volume_information(call, arguments).unwrap_err();
            assert_eq!(refused.rule, Rule::NotModelled, "{refused}");
        });
    }

    #[test]
    fn volume_and_instance_come_referenced() {
        Fixture::run("FltGetVolumeFromFileObject", |call, fixture| {
            let out = fixture.buffer(8);
            let found = flt_get_volume_from_file_object(call, fixture.filter, fixture.file, out);
            assert_eq!(found, Ok(STATUS_SUCCESS));
            assert_eq!(call.guest().read_u64(out, "volume"), Ok(fixture.volume));
            let volume = fixture.volume;
            let found = flt_get_volume_instance_from_name(call, fixture.filter, volume, 0, out);
            assert_eq!(found, Ok(STATUS_SUCCESS));
            assert_eq!(call.guest().read_u64(out, "instance"), Ok(fixture.instance));
            assert_eq!(fixture.machine.objects().leaks(0).len(), 2);
            assert_eq!(flt_object_dereference(call, fixture.volume), Ok(()));
            assert_eq!(flt_object_dereference(call, fixture.instance), Ok(()));
            assert!(fixture.machine.objects().leaks(0).is_empty());
        });
    }

    #[test]
    fn what_has_been_dismounted_can_be_asked_by_those_who_hold_it() {
        Fixture::run("FltQueryVolumeInformation", |call, fixture| {
            let (out, io_status) = (fixture.buffer(24), fixture.buffer(16));
            let volume = fixture.volume;
            let found = flt_get_volume_instance_from_name(call, fixture.filter, volume, 0, out);
            assert_eq!(found, Ok(STATUS_SUCCESS));
            let id = fixture.attached.volume.id();
            fixture.machine.dismount(id).expect("dismounted");
            let size = (fixture.instance, io_status, out, 24, SIZE_INFORMATION);
            let late = flt_query_volume_information(call, size);
            assert_eq!(late, Ok(STATUS_FLT_DELETING_OBJECT));
            let again = flt_get_volume_from_file_object(call, fixture.filter, fixture.file, out);
            assert_eq!(again, Ok(STATUS_FLT_DELETING_OBJECT));
            assert_eq!(flt_object_dereference(call, fixture.instance), Ok(()));
            let gone = flt_query_volume_information(call, size).unwrap_err();
            assert_eq!(gone.rule, Rule::UseAfterFree, "{gone}");
        });
    }

    #[test]
    fn a_foreign_file_object_has_no_volume() {
        Fixture::run("FltGetVolumeFromFileObject", |call, fixture| {
            let thread = crate::thread::KernelThread::new(call.thread());
            let pipe = thread.open_foreign(r"\Device\NamedPipe\p", 1);
            let system = fixture.machine.system();
            let mode = crate::thread::Mode::Kernel;
            let entry = crate::ntos::handle::lookup(&fixture.machine, &system, mode, pipe.0);
            let file = entry.expect("just opened").object.0;
            let out = fixture.buffer(8);
            let found = flt_get_volume_from_file_object(call, fixture.filter, file, out);
            assert_eq!(found, Ok(STATUS_INVALID_PARAMETER));
        });
    }
}
