//! What the I/O manager and the file system refuse, and which of it a filter sees.

use testbed::fltmgr::Callback;
use testbed::io::{FsControl, MinorFunction, RequestOptions};
use testbed::status::{
    STATUS_ACCESS_DENIED, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS,
};
use testbed::volume::{FILE_GENERIC_READ, OpenRequest};

use super::{Bench, CLONE, clone_input, clone_once, close_both, two_files};

#[test]
fn what_the_io_manager_refuses_no_filter_sees() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        let reader = thread
            .create_file(
                volume,
                r"\Target.bin",
                &OpenRequest::existing(FILE_GENERIC_READ),
            )
            .expect("opened");
        let input = clone_input(source);
        let status = |handle| thread.fs_control(handle, CLONE, Some(&input), 0).status;
        assert_eq!(status(reader), STATUS_ACCESS_DENIED);
        let appender = thread
            .duplicate_handle(target, Some(4))
            .expect("duplicated");
        assert_eq!(
            status(appender),
            STATUS_ACCESS_DENIED,
            "append is not write"
        );
        let event = thread.create_event();
        assert_eq!(status(event), STATUS_OBJECT_TYPE_MISMATCH);
        let pipe = thread.open_foreign(r"\Device\NamedPipe\p", 0x0012_019F);
        assert_eq!(status(pipe), STATUS_INVALID_DEVICE_REQUEST);
        for handle in [source, target, reader, appender, event, pipe] {
            thread.close(handle).expect("closed");
        }
        assert_eq!(status(target), STATUS_INVALID_HANDLE);
    });
    assert!(bench.calls(Callback::Pre).is_empty());
    bench.end();
}

#[test]
fn short_and_missing_input_reach_the_file_system() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        for input in [None, Some(&[][..]), Some(&[1][..]), Some(&[0; 31][..])] {
            let answer = thread.fs_control(target, CLONE, input, 0);
            assert_eq!(answer.status, STATUS_BUFFER_TOO_SMALL, "{input:?}");
        }
        let answer = thread.fs_control(target, CLONE, None, 64);
        assert_eq!(
            (answer.status, answer.output),
            (STATUS_BUFFER_TOO_SMALL, vec![])
        );
        close_both(thread, source, target);
    });
    assert_eq!(bench.calls(Callback::Post).len(), 5);
    bench.end();
}

#[test]
fn a_driver_can_claim_input_without_a_buffer() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    bench.machine.system().run_kernel(|thread| {
        let request = OpenRequest::existing(FILE_GENERIC_READ);
        let handle = thread
            .create_file(volume, r"\Target.bin", &request)
            .expect("opened");
        let options = RequestOptions::default()
            .claimed_input(32)
            .minor(MinorFunction::UserRequest);
        let control = FsControl {
            handle,
            code: CLONE,
            input: None,
            output_length: 0,
            options,
        };
        assert_eq!(
            thread.fs_control_with(&control).status,
            STATUS_INVALID_PARAMETER
        );
        thread.close(handle).expect("closed");
    });
    assert_eq!(bench.printed("post failure"), 1);
    bench.end();
}
