//! The file system under the I/O manager, without a filter: handles for synchronous and asynchronous
//! I/O, locks, links and deletion by handle.

use testbed::io::{FsControl, Hold, RequestOptions, VolumeSpec};
use testbed::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_BUFFER_TOO_SMALL, STATUS_FILE_LOCK_CONFLICT,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_LOCK_NOT_GRANTED,
    STATUS_PENDING, STATUS_RANGE_NOT_LOCKED, STATUS_SUCCESS,
};
use testbed::volume::{
    FILE_ALL_ACCESS, FILE_ATTRIBUTE_READONLY, FILE_READ_ATTRIBUTES,
    FSCTL_DUPLICATE_EXTENTS_TO_FILE, FSCTL_GET_INTEGRITY_INFORMATION, FSCTL_SET_SPARSE,
    OpenRequest,
};
use testbed::{BootOptions, Machine, ProcessSpec};

/// Runs `body` in a program on a machine with one volume, and ends the machine without a complaint.
fn run(body: impl FnOnce(&testbed::UserThread, testbed::io::VolumeId) + Send) {
    let machine = Machine::boot(BootOptions::default());
    let volume = machine.mount(VolumeSpec::refs(4096)).unwrap();
    let process = machine.create_process(ProcessSpec::user(r"\test.exe"));
    process.run(|thread| body(thread, volume));
    machine.shutdown().unwrap();
}

const CREATE: OpenRequest = OpenRequest::create(FILE_ALL_ACCESS);

#[test]
fn an_asynchronous_handle_sees_pending() {
    run(|thread, volume| {
        let handle = thread.create_file(volume, r"\file", &CREATE).unwrap();
        let hold = Hold::new();
        let pending = thread.start_fs_control(&FsControl {
            handle,
            code: FSCTL_SET_SPARSE,
            input: None,
            output_length: 0,
            options: RequestOptions::default().hold(&hold),
        });
        hold.wait_for(1);
        assert_eq!(pending.answered(), STATUS_PENDING);
        hold.release();
        assert_eq!(pending.wait().status, STATUS_SUCCESS);
        thread.close(handle).unwrap();
    });
}

#[test]
fn a_synchronous_handle_never_sees_pending() {
    run(|thread, volume| {
        let asked = CREATE.synchronous();
        let handle = thread.create_file(volume, r"\file", &asked).unwrap();
        let hold = Hold::new();
        let control = FsControl {
            handle,
            code: FSCTL_SET_SPARSE,
            input: None,
            output_length: 0,
            options: RequestOptions::default().hold(&hold),
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                hold.wait_for(1);
                hold.release();
            });
            let pending = thread.start_fs_control(&control);
            assert_eq!(pending.answered(), STATUS_SUCCESS);
            assert_eq!(pending.wait().status, STATUS_SUCCESS);
        });
        thread.close(handle).unwrap();
    });
}

/// The answers to requests of a kernel-mode thread that claim input and have no buffer.
fn claimed(spec: VolumeSpec, cases: &[(u32, u32)]) -> Vec<NtStatus> {
    let machine = Machine::boot(BootOptions::default());
    let volume = machine.mount(spec).unwrap();
    let answers = machine.system().run_kernel(|thread| {
        let handle = thread.create_file(volume, r"\file", &CREATE).unwrap();
        let send = |(code, claimed): &(u32, u32)| {
            let control = FsControl {
                handle,
                code: *code,
                input: None,
                output_length: 64,
                options: RequestOptions::default().claimed_input(*claimed),
            };
            thread.fs_control_with(&control).status
        };
        let answers = cases.iter().map(send).collect();
        thread.close(handle).unwrap();
        answers
    });
    machine.shutdown().unwrap();
    answers
}

/// A driver can claim input and give no buffer. The file system decides what that means, and first
/// whether it knows the code at all (\[MS-FSA\] 2.1.5.10.4).
#[test]
fn a_claimed_input_without_a_buffer_is_the_file_systems_business() {
    let cases = [
        (FSCTL_DUPLICATE_EXTENTS_TO_FILE, 0x1F),
        (FSCTL_DUPLICATE_EXTENTS_TO_FILE, 0x20),
        (FSCTL_GET_INTEGRITY_INFORMATION, 1),
        (FSCTL_SET_SPARSE, 1),
        (0x0009_FFFC, 0x20),
    ];
    let (invalid, unknown) = (STATUS_INVALID_PARAMETER, STATUS_INVALID_DEVICE_REQUEST);
    assert_eq!(
        claimed(VolumeSpec::refs(4096), &cases),
        [STATUS_BUFFER_TOO_SMALL, invalid, invalid, invalid, unknown]
    );
    assert_eq!(
        claimed(VolumeSpec::ntfs(4096), &cases),
        [unknown, unknown, unknown, invalid, unknown]
    );
}

#[test]
fn locks_belong_to_the_file_object() {
    run(|thread, volume| {
        let owner = thread.create_file(volume, r"\file", &CREATE).unwrap();
        thread.write(owner, 0, &[7; 10]).unwrap();
        let twin = thread.duplicate_handle(owner, None).unwrap();
        let asked = OpenRequest::existing(FILE_ALL_ACCESS);
        let other = thread.create_file(volume, r"\file", &asked).unwrap();
        thread.lock(owner, (0, 5), true).unwrap();
        assert_eq!(thread.write(twin, 0, b"x"), Ok(1));
        assert_eq!(thread.write(other, 0, b"x"), Err(STATUS_FILE_LOCK_CONFLICT));
        assert_eq!(
            thread.lock(other, (4, 1), false),
            Err(STATUS_LOCK_NOT_GRANTED)
        );
        assert_eq!(thread.unlock(other, (0, 5)), Err(STATUS_RANGE_NOT_LOCKED));
        thread.unlock(twin, (0, 5)).unwrap();
        assert_eq!(thread.write(other, 0, b"x"), Ok(1));
        thread.lock(owner, (0, 5), true).unwrap();
        thread.close(owner).unwrap();
        assert_eq!(thread.write(other, 0, b"x"), Err(STATUS_FILE_LOCK_CONFLICT));
        thread.close(twin).unwrap();
        assert_eq!(thread.write(other, 0, b"x"), Ok(1));
        thread.close(other).unwrap();
    });
}

#[test]
fn files_are_linked_and_deleted_by_handle() {
    run(|thread, volume| {
        let first = thread.create_file(volume, r"\first", &CREATE).unwrap();
        thread.link(first, r"\second").unwrap();
        thread.set_allocation(first, 5000).unwrap();
        thread
            .set_attributes(first, FILE_ATTRIBUTE_READONLY)
            .unwrap();
        let asked = OpenRequest::existing(FILE_READ_ATTRIBUTES);
        let second = thread.create_file(volume, r"\second", &asked).unwrap();
        let is = thread.information(second).unwrap();
        assert_eq!((is.links, is.allocation_size), (2, 8192));
        assert_eq!(is.attributes & FILE_ATTRIBUTE_READONLY, 1);
        assert_eq!(thread.set_delete(second, true), Err(STATUS_ACCESS_DENIED));
        assert_eq!(thread.set_attributes(second, 0), Err(STATUS_ACCESS_DENIED));
        assert_eq!(thread.set_allocation(second, 0), Err(STATUS_ACCESS_DENIED));
        assert_eq!(thread.lock(second, (0, 1), true), Err(STATUS_ACCESS_DENIED));
        thread.set_attributes(first, 0).unwrap();
        thread.set_delete(first, true).unwrap();
        thread.close(first).unwrap();
        assert_eq!(thread.information(second).unwrap().links, 1);
        thread.close(second).unwrap();
    });
}
