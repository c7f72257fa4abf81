//! `FltQueryInformationFile`: what the file system says about a file, asked below the caller.

use std::sync::Arc;

use super::frame;
use super::instance::{Instance, InstancePhase, own_instance};
use super::phase::{self, Nature};
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::io::{FileIds, FileObject, MountedVolume};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_FLT_DELETING_OBJECT, STATUS_INFO_LENGTH_MISMATCH,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_INFO_CLASS, STATUS_SUCCESS,
};
use crate::verifier::{Rule, Violation};
use crate::volume::FileInformation;

/// `FileNetworkOpenInformation` and `FileIdInformation` (`ne-wdm-_file_information_class`).
const NETWORK_OPEN_INFORMATION: u32 = 34;
const ID_INFORMATION: u32 = 59;
/// FILE_NETWORK_OPEN_INFORMATION: four times, AllocationSize 32, EndOfFile 40, FileAttributes 48.
const NETWORK_OPEN_SIZE: u32 = 56;
/// FILE_ID_INFORMATION: VolumeSerialNumber 0, FileId 8.
const ID_SIZE: u32 = 24;
/// FILE_ATTRIBUTE_DIRECTORY and FILE_ATTRIBUTE_NORMAL (\[MS-FSCC\] 2.6).
const DIRECTORY: u32 = 0x10;
const NORMAL: u32 = 0x80;

/// `FltQueryInformationFile` (`nf-fltkernel-fltqueryinformationfile`): at PASSIVE_LEVEL with APCs enabled
/// and without a top-level IRP. Stricter: a file of another volume, or of no file system at all, which
/// Windows would hand to a file system that cannot know it, is a violation; so is a file object that
/// only chance keeps alive.
pub(super) fn flt_query_information_file(
    call: &Call,
    (instance, file, buffer, length, class, returned): (u64, u64, u64, u32, u32, u64),
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    check_thread(call)?;
    let instance = own_instance(call, instance)?;
    let file = file_on(call, ObjectAddress(file), &instance)?;
    let size = match class {
        NETWORK_OPEN_INFORMATION => NETWORK_OPEN_SIZE,
        ID_INFORMATION => ID_SIZE,
        other => {
            let detail = format!("FileInformationClass {other}");
            return Err(call.violation(Rule::NotModelled, detail));
        }
    };
    check_buffers(call, buffer, length, returned)?;
    if instance.phase() != InstancePhase::Attached {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    if length < size {
        return Ok(STATUS_INFO_LENGTH_MISMATCH);
    }
    let bytes = match describe(&file, &instance.volume, class) {
        Ok(bytes) => bytes,
        Err(status) => return Ok(status),
    };
    let guest = call.guest();
    guest.write_bytes(buffer, &bytes, "FileInformation")?;
    if returned != 0 {
        guest.write_u32(returned, size, "LengthReturned")?;
    }
    Ok(STATUS_SUCCESS)
}

/// The file, which somebody must hold and which must be one of the volume of the instance.
fn file_on(
    call: &Call,
    address: ObjectAddress,
    instance: &Instance,
) -> Result<Arc<FileObject>, Violation> {
    let objects = call.machine().objects();
    let file = objects.payload::<FileObject>(address, Kind::File)?;
    if !objects.is_referenced_by(address, call.driver()) && !frame::is_target(call, address) {
        let detail = "the driver holds no reference to FileObject, and no request holds it";
        return Err(call.violation(Rule::Reference, detail));
    }
    if file.volume().map(|volume| volume.id()) != Some(instance.volume.id()) {
        let detail = "FileObject is not one of the volume of Instance";
        return Err(call.violation(Rule::Argument, detail));
    }
    Ok(file)
}

/// The structure of a class, as the file system answers.
fn describe(file: &FileObject, volume: &MountedVolume, class: u32) -> Result<Vec<u8>, NtStatus> {
    let about = file.information()?;
    if class == NETWORK_OPEN_INFORMATION {
        return Ok(network_open(&about));
    }
    identity(volume, &about).ok_or(STATUS_INVALID_INFO_CLASS)
}

/// The page: "with APCs enabled", and "do not call this routine with a non-NULL top level IRP value".
fn check_thread(call: &Call) -> Result<(), Violation> {
    let thread = call.thread();
    if thread.apcs_disabled() != 0 {
        return Err(call.violation(Rule::Wait, "called with APCs disabled"));
    }
    if thread.has_top_level_irp() {
        let detail = "called with a top-level IRP set: this can deadlock";
        return Err(call.violation(Rule::Wait, detail));
    }
    Ok(())
}

fn check_buffers(call: &Call, buffer: u64, length: u32, returned: u64) -> Result<(), Violation> {
    let guest = call.guest();
    guest.check_aligned(buffer, 8, "FileInformation")?;
    let size = u64::from(length);
    guest.check(buffer, size, Access::ReadWrite, "FileInformation")?;
    if returned != 0 {
        guest.check_aligned(returned, 4, "LengthReturned")?;
        guest.check(returned, 4, Access::ReadWrite, "LengthReturned")?;
    }
    Ok(())
}

/// The structure up to its last member (\[MS-FSCC\] 2.4.29); the padding behind it keeps what it held.
/// The file system keeps no times, and "returns zero in any member .. not supported".
fn network_open(about: &FileInformation) -> Vec<u8> {
    let directory = if about.directory { DIRECTORY } else { 0 };
    let attributes = match about.attributes | directory {
        0 => NORMAL,
        attributes => attributes,
    };
    let mut bytes = vec![0; 32];
    bytes.extend(about.allocation_size.to_le_bytes());
    bytes.extend(about.end_of_file.to_le_bytes());
    bytes.extend(attributes.to_le_bytes());
    bytes
}

/// Volume and file; `None` on a volume whose file system does not know the class.
fn identity(volume: &MountedVolume, about: &FileInformation) -> Option<Vec<u8>> {
    let id = match volume.file_ids() {
        FileIds::Numbered => about.file_id,
        FileIds::Zero => 0,
        FileIds::Unknown => return None,
    };
    let mut bytes = Vec::from(volume.serial_number().to_le_bytes());
    bytes.extend(id.to_le_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;
    use crate::io::{Handle, VolumeSpec};
    use crate::ntos::handle;
    use crate::ntos::ob::{obf_dereference_object, obf_reference_object};
    use crate::status::{STATUS_FILE_CLOSED, STATUS_INVALID_PARAMETER};
    use crate::thread::{KernelThread, Mode};
    use crate::volume::{
        FILE_ATTRIBUTE_READONLY, FILE_DIRECTORY_FILE, FILE_GENERIC_READ, OpenRequest,
    };

    fn ask(call: &Call, fixture: &Fixture, file: u64, length: u32) -> Result<NtStatus, Violation> {
        let buffer = fixture.buffer(64);
        let class = NETWORK_OPEN_INFORMATION;
        flt_query_information_file(call, (fixture.instance, file, buffer, length, class, 0))
    }

    /// Status and answer of a query about a file that the test references for the time.
    fn query(call: &Call, fixture: &Fixture, file: u64) -> (NtStatus, u64, u64, u32) {
        let (buffer, returned) = (fixture.buffer(64), fixture.buffer(4));
        obf_reference_object(call, file).expect("alive");
        let arguments = (fixture.instance, file, buffer, 64, 34, returned);
        let status = flt_query_information_file(call, arguments).expect("no rule is broken");
        obf_dereference_object(call, file).expect("referenced above");
        let guest = call.guest();
        let word = |at| guest.read_u64(buffer + at, "answer").expect("readable");
        let length = guest.read_u32(returned, "length").expect("readable");
        assert_eq!(length, if status.is_success() { 56 } else { 0 });
        (status, word(32), word(40), word(48) as u32)
    }

    fn object(call: &Call, handle: Handle) -> u64 {
        let system = call.machine().system();
        let entry = handle::lookup(call.machine(), &system, Mode::Kernel, handle.0);
        entry.expect("just opened").object.0
    }

    #[test]
    fn the_file_system_answers() {
        Fixture::run("FltQueryInformationFile", |call, fixture| {
            let thread = KernelThread::new(call.thread());
            let volume = fixture.attached.volume.id();
            let request = OpenRequest::create(0x0012_019F);
            let handle = thread
                .create_file(volume, r"\data", &request)
                .expect("created");
            let file = object(call, handle);
            thread.write(handle, 0, &[1; 70_000]).expect("written");
            let (status, allocation, end, attributes) = query(call, fixture, file);
            assert_eq!((status, allocation, end), (STATUS_SUCCESS, 131_072, 70_000));
            assert_eq!(attributes & (DIRECTORY | FILE_ATTRIBUTE_READONLY), 0);
            assert_ne!(
                attributes, 0,
                "no attribute at all is FILE_ATTRIBUTE_NORMAL"
            );
            let folder = OpenRequest {
                options: FILE_DIRECTORY_FILE,
                ..OpenRequest::create(FILE_GENERIC_READ)
            };
            let folder = thread
                .create_file(volume, r"\dir", &folder)
                .expect("created");
            let (status, _, end, attributes) = query(call, fixture, object(call, folder));
            assert_eq!(
                (status, end, attributes & DIRECTORY),
                (STATUS_SUCCESS, 0, DIRECTORY)
            );
            let whole = thread
                .open_volume(volume, FILE_GENERIC_READ)
                .expect("opened");
            assert_eq!(
                query(call, fixture, object(call, whole)).0,
                STATUS_INVALID_PARAMETER
            );
            // A reference keeps the object, but not the file open.
            obf_reference_object(call, file).expect("alive");
            thread.close(handle).expect("closed");
            assert_eq!(query(call, fixture, file).0, STATUS_FILE_CLOSED);
        });
    }

    #[test]
    fn a_buffer_that_is_too_short_gets_nothing() {
        Fixture::run("FltQueryInformationFile", |call, fixture| {
            obf_reference_object(call, fixture.file).expect("alive");
            for length in [0, 55] {
                let status = ask(call, fixture, fixture.file, length);
                assert_eq!(status, Ok(STATUS_INFO_LENGTH_MISMATCH), "{length}");
            }
            assert_eq!(ask(call, fixture, fixture.file, 56), Ok(STATUS_SUCCESS));
            fixture.attached.begin_teardown();
            let late = ask(call, fixture, fixture.file, 56);
            assert_eq!(late, Ok(STATUS_FLT_DELETING_OBJECT));
        });
    }

    /// The answer about the identity of a file that the test references for the time.
    fn identify(
        call: &Call,
        instance: u64,
        (file, length): (u64, u32),
    ) -> (NtStatus, Option<(u64, u128)>) {
        let guest = call.guest();
        let spec = crate::boundary::memory::BlockSpec::new(24, "answer");
        let buffer = call.machine().memory().allocate(spec).expect("memory");
        obf_reference_object(call, file).expect("alive");
        let arguments = (instance, file, buffer, length, ID_INFORMATION, 0);
        let status = flt_query_information_file(call, arguments).expect("no rule is broken");
        obf_dereference_object(call, file).expect("referenced above");
        let word = |at| guest.read_u64(buffer + at, "answer").expect("readable");
        let id = u128::from(word(16)) << 64 | u128::from(word(8));
        (status, status.is_success().then(|| (word(0), id)))
    }

    #[test]
    fn a_file_has_one_number_whatever_its_handle() {
        Fixture::run("FltQueryInformationFile", |call, fixture| {
            let thread = KernelThread::new(call.thread());
            let volume = fixture.attached.volume.id();
            let open = |path, request: OpenRequest| {
                let handle = thread.create_file(volume, path, &request);
                object(call, handle.expect("opened"))
            };
            let existing = OpenRequest::existing(FILE_GENERIC_READ);
            let new = OpenRequest::create(FILE_GENERIC_READ);
            let whole = (fixture.file, ID_SIZE);
            let (status, identity) = identify(call, fixture.instance, whole);
            let (serial, id) = identity.expect("an answer");
            assert_eq!(status, STATUS_SUCCESS);
            assert_eq!(serial, fixture.attached.volume.serial_number());
            assert_ne!(id >> 64, 0, "the upper half is that of the file: {id:#x}");
            let again = identify(
                call,
                fixture.instance,
                (open(r"\File.txt", existing), ID_SIZE),
            );
            assert_eq!(again.1, Some((serial, id)));
            let (_, other) = identify(call, fixture.instance, (open(r"\other", new), ID_SIZE));
            assert_ne!(other, Some((serial, id)));
            let short = identify(call, fixture.instance, (fixture.file, ID_SIZE - 1));
            assert_eq!(short, (STATUS_INFO_LENGTH_MISMATCH, None));
        });
    }

    #[test]
    fn not_every_file_system_numbers_its_files() {
        let ids = |file_ids| {
            let spec = VolumeSpec::refs(4096).file_ids(file_ids);
            let machine = crate::machine::Machine::boot(crate::BootOptions::default());
            let volume = machine.mount(spec).expect("mounted");
            let volume = machine.io().volume(volume).expect("just mounted");
            machine.system().run_kernel(|thread| {
                let request = OpenRequest::create(FILE_GENERIC_READ);
                let handle = thread.create_file(volume.id(), r"\a", &request);
                let about = thread.information(handle.expect("created"));
                identity(&volume, &about.expect("open"))
            })
        };
        assert_eq!(ids(FileIds::Unknown), None);
        assert_eq!(ids(FileIds::Zero).expect("an answer")[8..], [0; 16]);
        assert_ne!(ids(FileIds::Numbered).expect("an answer")[8..], [0; 16]);
    }

    fn broken(call: &Call, fixture: &Fixture, file: u64) -> Rule {
        ask(call, fixture, file, 56).expect_err("a violation").rule
    }

    #[test]
    fn the_thread_must_be_able_to_wait() {
        Fixture::run("FltQueryInformationFile", |call, fixture| {
            let file = fixture.file;
            assert_eq!(broken(call, fixture, file), Rule::Reference);
            obf_reference_object(call, file).expect("alive");
            let thread = call.thread();
            let rule = thread.in_critical_region(|| broken(call, fixture, file));
            assert_eq!(rule, Rule::Wait);
            thread.set_top_level_irp(true);
            assert_eq!(broken(call, fixture, file), Rule::Wait);
            thread.set_top_level_irp(false);
            let arguments = (fixture.instance, file, fixture.buffer(64), 64, 9, 0);
            let other = flt_query_information_file(call, arguments).unwrap_err();
            assert_eq!(other.rule, Rule::NotModelled, "{other}");
        });
    }

    #[test]
    fn files_of_others_are_not_shown_to_the_volume() {
        Fixture::run("FltQueryInformationFile", |call, fixture| {
            let thread = KernelThread::new(call.thread());
            let pipe = object(call, thread.open_foreign(r"\Device\NamedPipe\p", 1));
            let other = call
                .machine()
                .mount(VolumeSpec::ntfs(4096))
                .expect("mounted");
            let request = OpenRequest::create(FILE_GENERIC_READ);
            let there = thread
                .create_file(other, r"\data", &request)
                .expect("created");
            for file in [pipe, object(call, there)] {
                obf_reference_object(call, file).expect("alive");
                assert_eq!(broken(call, fixture, file), Rule::Argument);
            }
        });
    }
}
