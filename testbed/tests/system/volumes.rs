//! Volumes that come and go, and those that the filter manager shows to nobody.

use testbed::io::{Hold, RequestOptions, VolumeId, VolumeSpec};
use testbed::status::{
    STATUS_FLT_INSTANCE_NOT_FOUND, STATUS_FLT_VOLUME_NOT_FOUND, STATUS_NO_SUCH_DEVICE,
    STATUS_VOLUME_DISMOUNTED,
};
use testbed::volume::{FILE_GENERIC_READ, OpenRequest};
use testbed::{Machine, NtStatus};

use super::{MINUTE, end, load, machine, printed};

fn create(
    machine: &Machine,
    volume: VolumeId,
    path: &str,
) -> Result<testbed::io::Handle, NtStatus> {
    let request = OpenRequest::create(FILE_GENERIC_READ);
    let system = machine.system();
    system.run_kernel(|thread| thread.create_file(volume, path, &request))
}

#[test]
fn a_driver_can_find_the_volumes_that_it_is_not_shown() {
    let machine = machine();
    let mount = |spec: VolumeSpec| machine.mount(spec).expect("mounted");
    mount(VolumeSpec::refs(4096));
    let closed = mount(VolumeSpec::refs(4096).without_filters());
    if load(&machine, &[]).is_none() {
        return;
    }
    mount(VolumeSpec::refs(65536).trusted());
    let late = mount(VolumeSpec::ntfs(4096));
    create(&machine, closed, r"\a").expect("created");
    create(&machine, late, r"\a").expect("created");
    assert_eq!(printed(&machine, "old "), [r"\Device\HarddiskVolume1"]);
    assert_eq!(printed(&machine, "new "), [r"\Device\HarddiskVolume4"]);
    machine.advance(MINUTE);
    machine.wait_until_idle();
    let list = [
        r"\Device\HarddiskVolume1 kind 28 attached",
        r"\Device\HarddiskVolume2 kind 28 not attached",
        r"\Device\HarddiskVolume3 kind 28 not attached",
        r"\Device\HarddiskVolume4 kind 2 attached",
    ];
    assert_eq!(printed(&machine, "volume "), list);
    end(&machine);
}

#[test]
fn an_instance_hears_why_it_goes() {
    let machine = machine();
    let [first, second, third] =
        [(); 3].map(|()| machine.mount(VolumeSpec::refs(4096)).expect("mounted"));
    if load(&machine, &[]).is_none() {
        return;
    }
    machine.detach("Watcher", first).expect("detached");
    let again = machine.detach("Watcher", first);
    assert_eq!(again, Err(STATUS_FLT_INSTANCE_NOT_FOUND));
    let handle = create(&machine, second, r"\a").expect("created");
    machine.dismount(second).expect("dismounted");
    assert_eq!(machine.dismount(second), Err(STATUS_FLT_VOLUME_NOT_FOUND));
    machine.advance(MINUTE);
    machine.wait_until_idle();
    let list = [
        r"\Device\HarddiskVolume1 kind 28 not attached",
        r"\Device\HarddiskVolume3 kind 28 attached",
    ];
    assert_eq!(printed(&machine, "volume "), list);
    assert_eq!(create(&machine, second, r"\b"), Err(STATUS_NO_SUCH_DEVICE));
    machine.system().run_kernel(|thread| {
        assert_eq!(thread.read(handle, 0, 1), Err(STATUS_VOLUME_DISMOUNTED));
        let control = thread.fs_control(handle, 0x0009_8344, None, 0);
        assert_eq!(control.status, STATUS_VOLUME_DISMOUNTED);
        thread.close(handle).expect("a close is always possible");
    });
    create(&machine, third, r"\a").expect("created");
    end(&machine);
    let reasons = [
        r"\Device\HarddiskVolume1 for 1",
        r"\Device\HarddiskVolume2 for 8",
        r"\Device\HarddiskVolume3 for 2",
    ];
    assert_eq!(printed(&machine, "leaves "), reasons);
}

/// A new volume gets a number of its own, whatever has gone.
#[test]
fn a_volume_that_is_mounted_later_is_a_new_one() {
    let machine = machine();
    let mount = || machine.mount(VolumeSpec::refs(4096)).expect("mounted");
    let (first, second) = (mount(), mount());
    machine.dismount(first).expect("dismounted");
    let third = mount();
    assert!(third != first && third != second);
    let names: Vec<_> = machine
        .io()
        .volumes()
        .iter()
        .map(|volume| volume.name().to_owned())
        .collect();
    assert_eq!(
        names,
        [r"\Device\HarddiskVolume2", r"\Device\HarddiskVolume3"]
    );
    machine.shutdown().expect("nothing is left");
}

/// A request that the file system has not answered does not keep the volume.
#[test]
fn a_request_ends_although_its_volume_has_gone() {
    let machine = machine();
    let volume = machine.mount(VolumeSpec::refs(4096)).expect("mounted");
    let hold = Hold::new();
    let options = RequestOptions::default().hold(&hold);
    let copy = machine.create_process(testbed::ProcessSpec::user("copy.exe"));
    let running = copy.spawn(move |thread| {
        let request = OpenRequest::create(0x0012_019F);
        let handle = thread
            .create_file(volume, r"\a", &request)
            .expect("created");
        let control = testbed::io::FsControl {
            handle,
            code: testbed::volume::FSCTL_SET_SPARSE,
            input: None,
            output_length: 0,
            options,
        };
        thread.fs_control_with(&control).status
    });
    hold.wait_for(1);
    machine.dismount(volume).expect("dismounted");
    hold.release();
    assert!(running.join().is_success());
}
