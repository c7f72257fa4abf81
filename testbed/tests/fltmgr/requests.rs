//! The way of a request through a well-behaved filter.

use testbed::fltmgr::Callback;
use testbed::io::{
    FsControl, Handle, MinorFunction, PostOperation, RequestOptions, Rewrite, VolumeSpec,
};
use testbed::ntos::Irql;
use testbed::status::{
    STATUS_ACCESS_DENIED, STATUS_FLT_INSTANCE_ALTITUDE_COLLISION, STATUS_INVALID_HANDLE,
    STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use testbed::volume::{FILE_GENERIC_READ, OpenRequest};
use testbed::{KernelThread, LoadError, ProcessSpec};

use super::{Bench, CLONE, CLUSTER, clone_input, clone_once, close_both, send, two_files};

#[test]
fn a_clone_passes_with_pre_and_post_operation() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    for text in ["64-bit", "user mode", "clusters of 4096", "post success"] {
        assert_eq!(
            bench.printed(text),
            1,
            "{text}: {:?}",
            bench.machine.debug_output()
        );
    }
    assert_eq!(bench.printed(r"\Device\HarddiskVolume1\Target.bin"), 1);
    let trace = bench.machine.filter_manager().take_trace();
    let order: Vec<_> = trace.iter().map(|entry| entry.callback).collect();
    assert_eq!(order, [Callback::Setup, Callback::Pre, Callback::Post]);
    let (pre, post) = (&trace[1], &trace[2]);
    assert_eq!((pre.irql, pre.process), (0, bench.copy.id()));
    assert_eq!(post.irql, Irql::Dispatch as u8);
    assert_ne!(pre.thread, post.thread, "the post-operation runs elsewhere");
    assert_eq!(pre.request, post.request);
    bench.end();
}

#[test]
fn an_input_is_rewritten_between_two_instructions() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.volume);
        let status = |behind| {
            let rewrite = Rewrite {
                driver: "Filter".to_owned(),
                behind,
                input: clone_input(Handle(0)),
            };
            let answer = thread.fs_control_with(&FsControl {
                handle: target,
                code: CLONE,
                input: Some(&clone_input(source)),
                output_length: 0,
                options: RequestOptions::default().rewritten(rewrite),
            });
            answer.status
        };
        // The first request attaches the filter to the volume.
        for behind in [0, 0, 1, 10] {
            assert_eq!(status(behind), STATUS_INVALID_HANDLE, "{behind}");
        }
        assert_eq!(status(1 << 16), STATUS_SUCCESS, "it has not so many");
        close_both(thread, source, target);
    });
    bench.end();
}

#[test]
fn other_codes_pass_without_a_post_operation() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        thread.set_sparse(target, true).expect("made sparse");
        close_both(thread, source, target);
    });
    let trace = bench.machine.filter_manager().take_trace();
    assert_eq!(
        trace.last().map(|entry| (entry.callback, entry.returned)),
        Some((Callback::Pre, 1))
    );
    bench.end();
}

#[test]
fn a_synchronised_request_comes_back_to_its_thread() {
    let Some(bench) = Bench::start(&["synchronize"]) else {
        return;
    };
    let volume = bench.volume;
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    let trace = bench.machine.filter_manager().take_trace();
    let [_, pre, post] = trace.as_slice() else {
        panic!("{trace:?}")
    };
    assert_eq!(post.callback, Callback::SynchronizedPost);
    assert_eq!((pre.thread, pre.irql), (post.thread, post.irql));
    bench.copy.run(|thread| {
        let (source, target) = super::existing_or_new(thread, volume);
        let input = clone_input(source);
        let options = RequestOptions::default().synchronized_at_apc_level();
        let control = FsControl {
            handle: target,
            code: CLONE,
            input: Some(&input),
            output_length: 0,
            options,
        };
        // The file system would answer later on another thread: the filter manager waits.
        let pending = thread.start_fs_control(&control);
        assert_eq!(bench.printed("post success"), 2);
        assert_eq!(pending.wait().status, STATUS_SUCCESS);
        close_both(thread, source, target);
    });
    let trace = bench.machine.filter_manager().take_trace();
    let [pre, post] = trace.as_slice() else {
        panic!("{trace:?}")
    };
    assert_eq!(post.callback, Callback::SynchronizedPost);
    assert_eq!((post.thread, post.irql), (pre.thread, Irql::Apc as u8));
    bench.end();
}

#[test]
fn a_filter_may_complete_a_request() {
    let Some(bench) = Bench::start(&["completes"]) else {
        return;
    };
    let volume = bench.volume;
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_ACCESS_DENIED));
    assert!(
        bench.calls(Callback::Post).is_empty(),
        "its own post-operation is not called"
    );
    bench.end();
}

#[test]
fn only_filters_above_hear_of_a_completed_request() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let Some(completing) = super::image::filter(&["second", "completes"]) else {
        return;
    };
    let machine = &bench.machine;
    for (altitude, seen) in [("364999", 2), ("365001", 0)] {
        machine.set_altitude("Second", altitude);
        machine
            .load_driver(&completing.path(), "Second")
            .expect("loaded");
        bench.order();
        refused_twice(&bench);
        let order = bench.order();
        let count = |callback, name: &str| {
            let same = |entry: &&(Callback, String)| entry.0 == callback && entry.1 == name;
            order.iter().filter(same).count()
        };
        let own = [Callback::Pre, Callback::Post].map(|callback| count(callback, "Second"));
        assert_eq!(own, [2, 0], "its own post-operation is not called");
        let other = [Callback::Pre, Callback::Post].map(|callback| count(callback, "Filter"));
        assert_eq!(other, [seen, seen], "altitude {altitude}");
        machine.unload("Second").expect("unloaded");
    }
    assert_eq!(
        bench.printed("post failure"),
        2,
        "the status of the filter below"
    );
    bench.end();
}

/// Sends two requests that a filter completes; the file system sees neither.
fn refused_twice(bench: &Bench) {
    bench.copy.run(|thread| {
        let (source, target) = super::existing_or_new(thread, bench.volume);
        let input = clone_input(source);
        for options in [
            RequestOptions::default(),
            RequestOptions::default().posted(),
        ] {
            let status = send(thread, target, &input, (options, 0));
            assert_eq!(status, STATUS_ACCESS_DENIED);
        }
        assert_ne!(thread.read(target, 0, 16).expect("read"), [7; 16]);
        close_both(thread, source, target);
    });
}

/// A kernel-mode requestor in a user process may name a handle of that process.
#[test]
fn a_kernel_requestor_names_a_handle_of_its_process() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    let source = bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        thread.close(target).expect("closed");
        source
    });
    bench.copy.run_kernel(|thread| {
        let request = OpenRequest::existing(FILE_GENERIC_READ);
        let target = thread
            .create_file(volume, r"\Target.bin", &request)
            .expect("opened");
        let input = clone_input(source);
        let answer = thread.fs_control(target, CLONE, Some(&input), 0);
        assert_eq!(answer.status, STATUS_SUCCESS);
        thread.close(target).expect("closed");
    });
    bench.machine.system().run_kernel(|thread| {
        let request = OpenRequest::existing(FILE_GENERIC_READ);
        let target = thread
            .create_file(volume, r"\Target.bin", &request)
            .expect("opened");
        let input = clone_input(source);
        let answer = thread.fs_control(target, CLONE, Some(&input), 0);
        let (meant, overlap) = (target.0 & 0xFF, STATUS_NOT_SUPPORTED);
        assert_eq!(
            (meant, answer.status),
            (source.0, overlap),
            "the value names the target here"
        );
        thread.close(target).expect("closed");
    });
    let printed = ["kernel mode", "post success", "post failure"].map(|text| bench.printed(text));
    assert_eq!(printed, [2, 1, 1]);
    bench.end();
}

#[test]
fn the_requestor_shows_through() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    let spec = ProcessSpec::user(r"\Device\HarddiskVolume1\old.exe").bitness32();
    let old = bench.machine.create_process(spec);
    old.run(|thread| {
        let (source, target) = two_files(thread, volume);
        let mut input = clone_input(source);
        input[4..8].fill(0xEE);
        let answer = thread.fs_control(target, CLONE, Some(&input), 0);
        assert_eq!(
            answer.status, STATUS_SUCCESS,
            "garbage in the padding of a 32-bit caller"
        );
        close_both(thread, source, target);
    });
    assert_eq!(
        (bench.printed("32-bit"), bench.printed("user mode")),
        (1, 1)
    );
    bench
        .machine
        .system()
        .run_kernel(|thread| kernel_clone(thread, volume));
    assert_eq!(
        (bench.printed("64-bit"), bench.printed("kernel mode")),
        (1, 1)
    );
    bench.end();
}

fn kernel_clone(thread: &KernelThread, volume: testbed::io::VolumeId) {
    let open = |path| {
        thread
            .create_file(volume, path, &OpenRequest::existing(FILE_GENERIC_READ))
            .expect("opened")
    };
    let (source, target) = (open(r"\Source.bin"), open(r"\TARGET.BIN"));
    let answer = thread.fs_control(target, CLONE, Some(&clone_input(source)), 0);
    assert_eq!(
        answer.status, STATUS_SUCCESS,
        "no access is checked for a kernel-mode caller"
    );
    thread
        .close(source)
        .and_then(|()| thread.close(target))
        .expect("closed");
}

#[test]
fn a_posted_request_keeps_its_requestor_but_loses_its_handles() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let (volume, machine) = (bench.volume, &bench.machine);
    let old = ProcessSpec::user(r"\Device\HarddiskVolume1\old.exe").bitness32();
    machine.create_process(old).run(|thread| {
        let (source, target) = two_files(thread, volume);
        let input = clone_input(source);
        let control = FsControl {
            handle: target,
            code: CLONE,
            input: Some(&input),
            output_length: 0,
            options: RequestOptions::default().posted(),
        };
        assert_eq!(
            thread.fs_control_with(&control).status,
            STATUS_INVALID_HANDLE
        );
        close_both(thread, source, target);
    });
    assert_eq!(
        (bench.printed("32-bit"), bench.printed("user mode")),
        (1, 1)
    );
    let pre = bench.calls(Callback::Pre);
    assert_eq!(
        pre.first().map(|entry| entry.process),
        Some(machine.system().id())
    );
    bench.end();
}

#[test]
fn other_minor_functions_and_places_of_the_post_operation() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        let input = clone_input(source);
        let send = |options| send(thread, target, &input, (options, 8));
        let verify = RequestOptions::default().minor(MinorFunction::VerifyVolume);
        assert_eq!(send(verify), STATUS_SUCCESS);
        let here = RequestOptions::default().post(PostOperation::SameThread);
        assert_eq!(send(here.clone()), STATUS_SUCCESS);
        assert_eq!(send(here.top_level_irp().at_apc_level()), STATUS_SUCCESS);
        close_both(thread, source, target);
    });
    assert_eq!(
        bench.printed("no name"),
        1,
        "a top-level IRP forbids the query"
    );
    let trace = bench.machine.filter_manager().take_trace();
    let returned: Vec<_> = trace
        .iter()
        .map(|entry| (entry.callback, entry.irql, entry.returned))
        .collect();
    let pass = (Callback::Pre, 0, 1);
    let (pre, post) = ((Callback::Pre, 0, 0), (Callback::Post, 0, 0));
    let apc = (Callback::Pre, 1, 0);
    assert_eq!(returned[1..], [pass, pre, post, apc, post], "{returned:?}");
    bench.end();
}

#[test]
fn volumes_are_shown_when_they_come_into_use() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let machine = &bench.machine;
    let late = machine.mount(VolumeSpec::refs(65536)).expect("mounted");
    let plain = machine.mount(VolumeSpec::ntfs(4096)).expect("mounted");
    let drive = machine
        .mount(VolumeSpec::refs(4096).trusted())
        .expect("mounted");
    assert_eq!(
        (bench.printed("setup"), bench.printed("setup new mount")),
        (1, 0)
    );
    bench.copy.run(|thread| {
        for volume in [late, plain, drive] {
            let request = OpenRequest::create(FILE_GENERIC_READ);
            let handle = thread
                .create_file(volume, r"\first", &request)
                .expect("created");
            thread.close(handle).expect("closed");
        }
        clone_big(thread, late);
    });
    assert_eq!(
        (
            bench.printed("setup new mount"),
            bench.printed("setup dev drive")
        ),
        (2, 1)
    );
    assert_eq!(bench.attached(late), ["Filter"]);
    assert_eq!(bench.attached(plain), [""; 0], "the setup callback refused");
    assert_eq!(bench.printed("other clusters"), 1);
    bench.end();
}

fn clone_big(thread: &testbed::UserThread, volume: testbed::io::VolumeId) {
    let (source, target) = two_files(thread, volume);
    let mut input = clone_input(source);
    input[24..].copy_from_slice(&(16 * CLUSTER as u64).to_le_bytes());
    let answer = thread.fs_control(target, CLONE, Some(&input), 0);
    assert_eq!(answer.status, STATUS_SUCCESS);
    thread
        .close(source)
        .and_then(|()| thread.close(target))
        .expect("closed");
}

#[test]
fn filters_run_in_the_order_of_their_altitudes() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let Some(second) = super::image::filter(&["second"]) else {
        return;
    };
    let (machine, volume) = (&bench.machine, bench.volume);
    let clash = machine.load_driver(&second.path(), "Second");
    let collision = STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
    assert!(
        matches!(clash, Err(LoadError::Entry(status)) if status == collision),
        "{clash:?}"
    );
    machine.set_altitude("Second", "365000.5");
    machine
        .load_driver(&second.path(), "Second")
        .expect("loaded");
    assert_eq!(bench.attached(volume), ["Second", "Filter"]);
    bench.order();
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    let expected = [
        (Callback::Pre, "Second"),
        (Callback::Pre, "Filter"),
        (Callback::Post, "Filter"),
        (Callback::Post, "Second"),
    ];
    assert_eq!(
        bench.order(),
        expected.map(|(callback, name)| (callback, name.to_owned()))
    );
    machine.unload("Second").expect("unloaded");
    bench.end();
}
