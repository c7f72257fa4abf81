//! Who asked, for what: each kind of caller, its parent, both files and both volumes.

use std::sync::Arc;

use cloneguard::{Event, EventFile};
use testbed::io::{FileIds, Hold, VolumeId, VolumeSpec};
use testbed::ntos::token::Token;
use testbed::status::STATUS_NOT_FOUND;
use testbed::volume::{Disposition, FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{Process, ProcessSpec, UserThread};

use super::{Ask, Bench, CLUSTER, COPY, OTHER, USER, clone_once, close, send, two_files};

/// A program that starts others.
const SHELL: &str = r"\Device\HarddiskVolume3\Windows\shell.exe";

/// The one request that is recorded.
fn only(bench: &Bench) -> Event {
    super::enforce::only(bench.events())
}

/// What a record says of a process that is still there.
pub(super) fn check_process(event: &Event, process: &Process) {
    let told = &event.process;
    let id = u32::try_from(process.id()).expect("small");
    assert_eq!(told.process_id, Some(id));
    let key = told.process_start_key.map(|key| key.0);
    assert_eq!(key, Some(process.start_key()));
    let time = told.process_create_time.map(|time| time.filetime());
    assert_eq!(time, Some(process.create_time().cast_unsigned()));
    assert_eq!(event.image.text.as_deref(), Some(process.image_name()));
}

#[test]
fn a_program_and_the_one_that_started_it() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let shell = bench.machine.create_process(ProcessSpec::user(SHELL));
    let token = Token {
        user: USER.to_owned(),
        session: 3,
        integrity: 0x3000,
        logon: 0x0001_0000_0002,
        elevated: true,
    };
    let spec = ProcessSpec::user(COPY).token(token).parent(&shell);
    let copy = bench.machine.create_process(spec);
    copy.run(|thread| clone_once(thread, bench.refs));
    let event = only(&bench);
    check_process(&event, &copy);
    let told = &event.process;
    assert_eq!(told.parent_process_id.map(u64::from), Some(shell.id()));
    assert_eq!(
        told.parent_start_key.map(|key| key.0),
        Some(shell.start_key())
    );
    assert_eq!(event.parent_image.text.as_deref(), Some(SHELL));
    assert_eq!(told.session_id, Some(3));
    assert_eq!(told.logon_id.map(|id| id.0), Some(0x0001_0000_0002));
    assert_eq!(
        told.integrity_level.as_ref().map(|level| level.0),
        Some(0x3000)
    );
    assert_eq!(
        (told.elevated, told.impersonating),
        (Some(true), Some(false))
    );
    assert_eq!(told.token_reason, None);
    let users = &event.users;
    assert_eq!(users.user_sid.as_deref(), Some(USER));
    assert_eq!(users.primary_user_sid.as_deref(), Some(USER));
    bench.end();
}

#[test]
fn a_program_whose_parent_has_ended() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let shell = bench.machine.create_process(ProcessSpec::user(SHELL));
    let spec = ProcessSpec::user(COPY).parent(&shell);
    let copy = bench.machine.create_process(spec);
    let (id, key) = (shell.id(), shell.start_key());
    shell.exit();
    // Its number is another's now.
    let heir = ProcessSpec::user(r"\Device\HarddiskVolume3\heir.exe").id(id);
    let heir = bench.machine.create_process(heir);
    copy.run(|thread| clone_once(thread, bench.refs));
    let event = only(&bench);
    let told = &event.process;
    assert_eq!(told.parent_process_id.map(u64::from), Some(id));
    assert_eq!(told.parent_start_key.map(|key| key.0), Some(key));
    assert_eq!(event.parent_image.text.as_deref(), Some(SHELL));
    drop(heir);
    bench.end();
}

#[test]
fn of_a_program_that_is_older_than_the_driver_the_parent_is_unknown() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let event = only(&bench);
    check_process(&event, &bench.copy);
    assert_eq!(event.process.parent_process_id, None);
    assert_eq!(event.process.parent_start_key, None);
    assert_eq!(
        (&event.parent_image.text, event.parent_image.reason),
        (&None, None)
    );
    bench.end();
}

#[test]
fn a_thread_that_acts_for_another_user() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let token = Token {
        session: 7,
        integrity: 0x1000,
        logon: 77,
        ..Token::of(OTHER)
    };
    let whom = bench.client(token, 2);
    bench
        .copy
        .run(|thread| thread.impersonate(whom, || clone_once(thread, bench.refs)));
    let event = only(&bench);
    check_process(&event, &bench.copy);
    let users = &event.users;
    assert_eq!(users.user_sid.as_deref(), Some(OTHER));
    assert_eq!(users.primary_user_sid.as_deref(), Some(USER));
    let told = &event.process;
    assert_eq!(
        (told.impersonating, told.elevated),
        (Some(true), Some(false))
    );
    // What counts is the token that the thread acts with.
    assert_eq!(
        (told.session_id, told.logon_id.map(|id| id.0)),
        (Some(7), Some(77))
    );
    assert_eq!(
        told.integrity_level.as_ref().map(|level| level.0),
        Some(0x1000)
    );
    bench.end();
}

#[test]
fn a_driver_in_the_system_process() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let system = bench.machine.system();
    system.run_kernel(|thread| {
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        let open = |path| {
            let opened = thread.create_file(bench.refs, path, &OpenRequest::create(access));
            opened.expect("created")
        };
        let (source, target) = (open(r"\a"), open(r"\b"));
        thread.write(source, 0, &[1; 4096]).expect("written");
        thread.set_end_of_file(target, 4096).expect("extended");
        let bytes = Ask::plain(source).bytes();
        let answer = thread.fs_control(target, super::PLAIN, Some(&bytes), 0);
        assert!(answer.status.is_success(), "{answer:?}");
        for handle in [source, target] {
            thread.close(handle).expect("closed");
        }
    });
    let event = only(&bench);
    assert_eq!(event.requestor_mode, "kernel");
    assert_eq!(event.process.process_id, Some(4));
    assert_eq!(
        event.process.process_start_key.map(|key| key.0),
        Some(system.start_key())
    );
    // It has no image: the name is known, and empty.
    assert_eq!(event.image.text.as_deref(), Some(""));
    assert_eq!(event.users.user_sid.as_deref(), Some("S-1-5-18"));
    assert_eq!(event.process.session_id, Some(0));
    assert_eq!(event.process.elevated, Some(true));
    bench.end();
}

#[test]
fn a_server_that_clones_for_the_network() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| {
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        let request = OpenRequest {
            disposition: Disposition::OverwriteIf,
            ..OpenRequest::create(access)
        };
        let (source, local) = two_files(thread, bench.refs, 4);
        let opened = thread.create_remote_file(bench.refs, r"\Remote.bin", &request);
        let target = opened.expect("created");
        thread.set_end_of_file(target, 4096).expect("extended");
        let ask = Ask::plain(source);
        for target in [target, local] {
            let answer = send(thread, target, &ask, testbed::io::RequestOptions::default());
            assert!(answer.status.is_success(), "{answer:?}");
        }
        close(thread, &[source, target, local]);
    });
    let remote: Vec<_> = bench.events().iter().map(|event| event.remote).collect();
    assert_eq!(remote, [Some(true), Some(false)]);
    bench.end();
}

/// The image is asked for once, as long as the process lives, and so is that of a parent.
#[test]
fn an_image_is_looked_up_once_a_process() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let clones = |process: &Arc<Process>, count| {
        process.run(|thread| {
            for _ in 0..count {
                clone_once(thread, bench.refs);
            }
        });
    };
    assert_eq!(bench.copy.image_lookups(), 0);
    clones(&bench.copy, 5);
    assert_eq!(bench.copy.image_lookups(), 1);
    let shell = bench.machine.create_process(ProcessSpec::user(SHELL));
    let children: Vec<_> = (0..3)
        .map(|_| {
            let spec = ProcessSpec::user(COPY).parent(&shell);
            bench.machine.create_process(spec)
        })
        .collect();
    for child in &children {
        clones(child, 3);
        assert_eq!(child.image_lookups(), 1);
    }
    clones(&shell, 2);
    assert_eq!(shell.image_lookups(), 1);
    bench.end();
}

/// That there is no image to be had is remembered as well, and why.
#[test]
fn an_image_that_is_not_to_be_had_is_asked_for_once() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let spec = ProcessSpec::user(COPY).image_failure(STATUS_NOT_FOUND);
    let shell = bench.machine.create_process(ProcessSpec::user(SHELL));
    let nameless = bench.machine.create_process(spec.parent(&shell));
    for _ in 0..3 {
        nameless.run(|thread| clone_once(thread, bench.refs));
    }
    assert_eq!(nameless.image_lookups(), 1);
    let events = bench.events();
    assert_eq!(events.len(), 3);
    for event in &events {
        assert_eq!(reason(event), Some(STATUS_NOT_FOUND.0));
        assert_eq!(event.parent_image.text.as_deref(), Some(SHELL));
    }
    bench.end();
}

/// Why there is no image in a record.
fn reason(event: &Event) -> Option<u32> {
    assert_eq!(event.image.text, None);
    event.image.reason.as_ref().map(|reason| reason.code())
}

/// A program that is older than the driver, whose image takes as long to look up, the first time, as the barrier wants.
fn slow(hold: &Hold) -> Option<(Bench, Arc<Process>)> {
    let bench = Bench::bare()?;
    let spec = ProcessSpec::user(COPY).hold_image(hold);
    let old = bench.machine.create_process(spec);
    bench.load();
    Some((bench, old))
}

/// Of two requests that are the first of their process at the same instant one asks for the image. The other does not
/// wait for it, and says so.
#[test]
fn two_first_requests_make_one_lookup() {
    let hold = Hold::new();
    let Some((bench, old)) = slow(&hold) else {
        return;
    };
    let refs = bench.refs;
    let first = old.spawn(move |thread: &UserThread| clone_once(thread, refs));
    hold.wait_for(1);
    old.run(|thread| clone_at(thread, refs, r"\Second"));
    hold.release();
    first.join();
    old.run(|thread| clone_once(thread, refs));
    assert_eq!(old.image_lookups(), 1);
    let events = bench.events();
    let of = |source: &str| {
        let ends = |event: &&Event| {
            let name = event.source.text.as_deref().expect("a name");
            name.contains(source)
        };
        events.iter().filter(ends).collect::<Vec<_>>()
    };
    let (held, second) = (of("Source"), of("Second"));
    assert_eq!((held.len(), second.len()), (2, 1));
    for event in held {
        assert_eq!(event.image.text.as_deref(), Some(COPY));
    }
    // STATUS_OPERATION_IN_PROGRESS.
    assert_eq!(reason(second[0]), Some(0xC000_0476));
    bench.end();
}

/// Clones one cluster between two files of this name.
fn clone_at(thread: &UserThread, volume: VolumeId, path: &str) {
    let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    let [source, target] = ["1", "2"].map(|end| {
        let request = OpenRequest::create(access);
        let file = thread.create_file(volume, &format!("{path}{end}"), &request);
        let file = file.expect("created");
        thread.write(file, 0, &[1; 4096]).expect("written");
        file
    });
    let ask = Ask::plain(source);
    let answer = send(thread, target, &ask, testbed::io::RequestOptions::default());
    assert!(answer.status.is_success(), "{answer:?}");
    close(thread, &[source, target]);
}

/// A process that ends while its image is looked up is not remembered afterwards.
#[test]
fn a_process_that_ends_meanwhile_is_forgotten() {
    let hold = Hold::new();
    let Some((bench, old)) = slow(&hold) else {
        return;
    };
    let held = || bench.machine.pool_held(super::SERVICE).expect("loaded");
    let refs = bench.refs;
    // What a clone takes for good, and the System process, which is nobody's parent here.
    bench.copy.run(|thread| clone_once(thread, refs));
    bench.machine.wait_until_idle();
    let before = held();
    let handles = old.run(|thread| two_files(thread, refs, 16));
    let clone = old.spawn(move |thread: &UserThread| {
        let ask = Ask::plain(handles.0);
        send(
            thread,
            handles.1,
            &ask,
            testbed::io::RequestOptions::default(),
        )
    });
    hold.wait_for(1);
    old.kill();
    hold.release();
    clone.join();
    assert_eq!(held(), before);
    bench.end();
}

/// Of a path that is longer than any record the driver keeps what a record stores, and the record says how long it is.
#[test]
fn a_long_path_of_an_image_is_cut() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let held = || bench.machine.pool_held(super::SERVICE).expect("loaded");
    bench.machine.create_process(ProcessSpec::user(COPY)).exit();
    let path = format!(r"\Device\HarddiskVolume3\{}.exe", "deep\\".repeat(5_000));
    let before = held();
    let program = bench.machine.create_process(ProcessSpec::user(&*path));
    assert!(held() - before < 3 << 10, "{}", held() - before);
    program.run(|thread| clone_once(thread, bench.refs));
    let event = only(&bench);
    assert!(event.image.is_truncated);
    let kept = event.image.text.as_deref().expect("a path");
    assert_eq!(kept.len(), 1024);
    assert!(path.starts_with(kept));
    bench.end();
}

/// What is known of a process goes with it: thousands come and go, and the driver does not grow.
#[test]
fn a_process_that_ends_is_forgotten() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let held = || bench.machine.pool_held(super::SERVICE).expect("loaded");
    // The System process, which is the parent of them all, becomes known with the first one.
    bench.machine.create_process(ProcessSpec::user(COPY)).exit();
    let before = held();
    for _ in 0..100 {
        let process = bench.machine.create_process(ProcessSpec::user(COPY));
        assert!(held() > before, "it is known");
        process.exit();
        assert_eq!(held(), before, "it is forgotten");
    }
    bench.end();
}

/// The id as a record has it.
fn id_text(id: u128) -> String {
    format!("{id:032x}")
}

#[test]
fn files_by_their_number_and_volumes_by_their_guid() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let ids = bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let (elsewhere, unused) = two_files(thread, bench.other, 16);
        let id = |handle| thread.information(handle).expect("known").file_id;
        let ids = [source, target, elsewhere].map(id);
        for source in [source, elsewhere] {
            let ask = Ask::plain(source);
            send(thread, target, &ask, testbed::io::RequestOptions::default());
        }
        close(thread, &[source, target, elsewhere, unused]);
        ids
    });
    let events = bench.events();
    let [same, other] = events.as_slice() else {
        panic!("{events:?}")
    };
    let id = |file: &EventFile| file.id.clone();
    assert_eq!(id(&same.source_file), Some(id_text(ids[0])));
    assert_eq!(id(&same.target_file), Some(id_text(ids[1])));
    assert_eq!(id(&other.source_file), Some(id_text(ids[2])));
    assert!(same.volume.guid.is_some());
    assert_eq!(same.volume.guid, same.source_volume.guid);
    let elsewhere = bench.machine.io().volume(bench.other).expect("mounted");
    let guid = other.source_volume.guid.as_ref().expect("known");
    assert!(elsewhere.guid_name().contains(guid.as_str()), "{guid}");
    bench.end();
}

/// A file system without such numbers refuses the question, or answers zero, which is no number.
#[test]
fn a_file_system_without_numbers() {
    for ids in [FileIds::Zero, FileIds::Unknown] {
        let Some(bench) = Bench::start() else {
            return;
        };
        let name = r"\Device\HarddiskVolume6";
        let spec = VolumeSpec::refs(4096).name(name).file_ids(ids);
        let volume = bench.machine.mount(spec).expect("mounted");
        bench.copy.run(|thread| clone_once(thread, volume));
        let event = only(&bench);
        for file in [&event.source_file, &event.target_file] {
            assert_eq!(
                (file.id.as_ref(), file.id_reason.is_some()),
                (None, true),
                "{ids:?}"
            );
            assert_eq!(file.end_of_file, Some(16 * CLUSTER));
        }
        bench.copy.run(|thread| {
            let (source, unused) = two_files(thread, volume, 16);
            let (other, target) = two_files(thread, bench.refs, 16);
            let ask = Ask::plain(source);
            let answer = send(thread, target, &ask, testbed::io::RequestOptions::default());
            assert!(!answer.status.is_success(), "{answer:?}");
            close(thread, &[source, unused, other, target]);
        });
        let event = only(&bench);
        assert_eq!(event.source_state, "other_volume");
        assert_eq!(event.source_file.id, None, "{ids:?}");
        bench.end();
    }
}
