//! Processes that begin and end, and the driver that is told.

use std::sync::Arc;

use testbed::io::VolumeSpec;
use testbed::volume::{FILE_GENERIC_WRITE, OpenRequest};
use testbed::{Process, ProcessSpec, UserThread};

use super::{MINUTE, end, load, machine, printed};

#[test]
fn a_driver_is_told_of_every_process_while_it_is_loaded() {
    let machine = machine();
    let before = machine.create_process(ProcessSpec::user("before.exe"));
    if load(&machine, &[]).is_none() {
        return;
    }
    let shell = machine.create_process(ProcessSpec::user("shell.exe"));
    let copy = shell.run(|thread: &UserThread| {
        let machine = thread.machine();
        machine.create_process(ProcessSpec::user("copy.exe"))
    });
    let other = machine.create_process(ProcessSpec::user("other.exe").parent(&copy));
    let line = |process: &Process, parent: u64, age: u64| {
        let (id, key) = (process.id(), process.start_key());
        format!("{id} of {parent} key {key} age {age}")
    };
    let begun = [
        line(&shell, 4, 0),
        line(&copy, shell.id(), 0),
        line(&other, copy.id(), 0),
    ];
    assert_eq!(printed(&machine, "begin "), begun);
    machine.advance(MINUTE);
    before.exit();
    copy.exit();
    copy.exit();
    other.kill();
    let ended = [
        line(&before, 4, 60),
        line(&copy, shell.id(), 60),
        line(&other, copy.id(), 60),
    ];
    assert_eq!(printed(&machine, "end "), ended);
    assert!(copy.has_ended() && !shell.has_ended());
    end(&machine);
    shell.exit();
    assert_eq!(
        printed(&machine, "end ").len(),
        3,
        "nobody listens any more"
    );
}

#[test]
fn an_id_comes_back_with_another_start_key() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let first = machine.create_process(ProcessSpec::user("copy.exe"));
    first.exit();
    let second = machine.create_process(ProcessSpec::user("copy.exe").id(first.id()));
    assert_eq!(second.id(), first.id());
    let begun = printed(&machine, "begin ");
    assert_eq!(begun.len(), 2);
    assert_ne!(
        begun.first(),
        begun.last(),
        "the start key tells them apart"
    );
    second.exit();
    end(&machine);
}

#[test]
fn a_process_takes_its_open_files_along() {
    let machine = machine();
    let volume = machine.mount(VolumeSpec::refs(4096)).expect("mounted");
    for (name, end) in [
        (r"\ended", Process::exit as fn(&Arc<Process>)),
        (r"\killed", Process::kill),
    ] {
        let copy = machine.create_process(ProcessSpec::user("copy.exe"));
        let request = OpenRequest::create(FILE_GENERIC_WRITE);
        copy.run(|thread| thread.create_file(volume, name, &request).map(drop))
            .expect("created");
        let open: Vec<_> = copy.handles().all();
        let [(_, entry)] = open[..] else {
            panic!("{open:?}")
        };
        assert!(machine.objects().kind(entry.object).is_some());
        end(&copy);
        assert!(copy.handles().all().is_empty());
        assert_eq!(machine.objects().kind(entry.object), None, "{name}");
    }
}
