//! Volumes: watched, not watched and why, no longer watched.

use cloneguard::{Entry, VolumeChange};
use testbed::io::{Hold, VolumeId, VolumeSpec};
use testbed::volume::{FILE_GENERIC_READ, OpenRequest};
use wire::{OutcomeKind, VolumeCause, VolumeEvent};

use super::unload::held_clones;
use super::{Bench, SERVICE, close};

fn changes(bench: &Bench) -> Vec<VolumeChange> {
    let change = |entry: &Entry| match entry {
        Entry::Volume(change) => Some(change.clone()),
        _ => None,
    };
    bench.entries().iter().filter_map(change).collect()
}

/// What was said of which volume.
fn told(changes: &[VolumeChange]) -> Vec<(VolumeEvent, VolumeCause, &str)> {
    let told = |change: &VolumeChange| {
        let device = change.device.text.as_deref().unwrap_or_default();
        let number = device
            .strip_prefix(r"\Device\HarddiskVolume")
            .expect(r"a device");
        (change.event, change.cause, number.to_owned())
    };
    changes
        .iter()
        .map(told)
        .map(|(event, cause, number)| (event, cause, &*number.leak()))
        .collect()
}

const ATTACHED: (VolumeEvent, VolumeCause) = (VolumeEvent::Attached, VolumeCause::NoCause);

#[test]
fn what_is_there_when_the_driver_is_loaded_and_what_comes_later() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let late = mount(&bench, VolumeSpec::refs(4096), 6);
    touch(&bench, late);
    let changes = changes(&bench);
    let expected = ["3", "4", "5", "6"].map(|number| (ATTACHED.0, ATTACHED.1, number));
    let mut found = told(&changes);
    found.sort_by_key(|(_, _, number)| *number);
    assert_eq!(found, expected);
    let dev_drive = changes
        .iter()
        .find(|change| change.volume.is_dev_drive)
        .expect("a Dev Drive");
    assert!(dev_drive.volume.is_trusted);
    assert_eq!(dev_drive.volume.cluster_size, Some(0x1_0000));
    assert!(changes.iter().all(|change| change.volume.guid.is_some()));
    bench.end();
}

fn mount(bench: &Bench, spec: VolumeSpec, number: u32) -> VolumeId {
    let spec = spec.name(format!(r"\Device\HarddiskVolume{number}"));
    bench.machine.mount(spec).expect("mounted")
}

/// The first request to a volume, with which it is offered.
pub(super) fn touch(bench: &Bench, volume: VolumeId) {
    bench.copy.run(|thread| {
        let request = OpenRequest::create(FILE_GENERIC_READ);
        let opened = thread.create_file(volume, r"\touched", &request);
        close(thread, &[opened.expect("created")]);
    });
}

#[test]
fn a_volume_that_goes_says_why() {
    let Some(bench) = Bench::still() else {
        return;
    };
    assert_eq!(changes(&bench).len(), 3);
    bench.machine.dismount(bench.ntfs).expect("dismounted");
    bench
        .machine
        .detach(SERVICE, bench.other)
        .expect("detached");
    assert_eq!(
        told(&changes(&bench)),
        [
            (VolumeEvent::Detached, VolumeCause::Dismounted, "5"),
            (VolumeEvent::Detached, VolumeCause::ManualDetach, "4"),
        ]
    );
    let counts = || {
        let report = super::status::report(&bench);
        let counts = [report.volumes_attached, report.volumes_not_attached];
        counts.map(|count| count.get())
    };
    assert_eq!(counts(), [1, 0], "it was not looked for yet");
    // It is still there, and not watched; that is said once.
    for _ in 0..4 {
        bench.pass(60);
    }
    assert_eq!(
        told(&changes(&bench)),
        [(VolumeEvent::NotAttached, VolumeCause::NotOffered, "4")]
    );
    assert_eq!(counts(), [1, 1]);
    bench.end();
}

/// What the file system has not answered when the watch ends has no status in its record, and is in no sum of ended ones.
#[test]
fn the_end_of_a_request_in_flight_is_not_made_up() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let hold = Hold::new();
    let clones = held_clones(&bench, &hold, 1);
    hold.wait_for(1);
    bench.machine.detach(SERVICE, bench.refs).expect("detached");
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let drained = watcher.drain();
    let events = drained.requests();
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (event.end.outcome, event.end.status, event.end.information),
        (OutcomeKind::Draining, None, None)
    );
    hold.release();
    for clone in clones {
        assert!(clone().status.is_success());
    }
    drop(watcher);
    bench.end();
}

#[test]
fn a_volume_that_is_not_offered_is_found() {
    let Some(bench) = Bench::still() else {
        return;
    };
    assert_eq!(changes(&bench).len(), 3);
    let closed = mount(&bench, VolumeSpec::refs(4096).without_filters(), 6);
    touch(&bench, closed);
    // Of a file system that does not clone nobody wants to know.
    let other = mount(&bench, VolumeSpec::ntfs(4096).without_filters(), 7);
    touch(&bench, other);
    bench.pass(60);
    assert_eq!(changes(&bench).len(), 0, "it may be offered yet");
    bench.pass(60);
    let found = changes(&bench);
    assert_eq!(
        told(&found),
        [(VolumeEvent::NotAttached, VolumeCause::NotOffered, "6")]
    );
    assert!(found[0].volume.guid.is_some());
    for _ in 0..3 {
        bench.pass(60);
    }
    assert_eq!(changes(&bench).len(), 0, "once");
    // When it comes back, it is told of again.
    bench.machine.dismount(closed).expect("dismounted");
    bench.pass(60);
    let again = mount(&bench, VolumeSpec::refs(4096).without_filters(), 6);
    touch(&bench, again);
    bench.pass(60);
    bench.pass(60);
    assert_eq!(changes(&bench).len(), 1);
    bench.end();
}

/// Two volumes that are not offered, in the place of the next two.
fn two_closed(bench: &Bench) {
    for number in [7, 8] {
        let closed = mount(bench, VolumeSpec::refs(4096).without_filters(), number);
        touch(bench, closed);
    }
}

/// What two looks and one more find after `two_closed`.
const FOUND: [(VolumeEvent, VolumeCause, &str); 2] = [
    (VolumeEvent::NotAttached, VolumeCause::NotOffered, "7"),
    (VolumeEvent::NotAttached, VolumeCause::NotOffered, "8"),
];

/// It goes just then. The others are told of all the same, once.
#[test]
fn a_volume_whose_name_is_not_to_be_had_hides_no_other() {
    let Some(bench) = Bench::still() else {
        return;
    };
    assert_eq!(changes(&bench).len(), 3);
    let going = VolumeSpec::refs(4096).without_filters().without_names();
    let going = mount(&bench, going, 6);
    touch(&bench, going);
    two_closed(&bench);
    for _ in 0..4 {
        bench.pass(60);
    }
    assert_eq!(told(&changes(&bench)), FOUND);
    bench.end();
}

/// A look that fails half way leaves what is known as it was: nothing is told of twice, and nothing is forgotten.
#[test]
fn a_look_that_fails_is_made_good_by_the_next() {
    // What fails is the look with which they are told of, or one after that.
    for looks_before in [1, 2] {
        let mut late = 0;
        for number in 1.. {
            let Some(bench) = Bench::still() else {
                return;
            };
            two_closed(&bench);
            for _ in 0..looks_before {
                bench.pass(60);
            }
            let calls = failing(&bench, number, || bench.pass(60));
            let on_time = not_offered(&bench);
            late += u64::from(on_time < FOUND.len());
            for _ in 0..3 {
                bench.pass(60);
            }
            let found = on_time + not_offered(&bench);
            assert_eq!(found, FOUND.len(), "call {number}, look {looks_before}");
            bench.end();
            if calls < number {
                assert_eq!(late > 0, looks_before == 1, "{late} of {calls} calls");
                break;
            }
        }
    }
}

/// Does it with one call failing; answers how many calls there were.
fn failing(bench: &Bench, number: u64, steps: impl FnOnce()) -> u64 {
    let injection = bench.machine.injection();
    let before = injection.calls();
    injection.fail(number);
    steps();
    let calls = injection.calls() - before;
    injection.fail(0);
    calls
}

/// How many volumes were told of as not offered. The name of one may be missing.
fn not_offered(bench: &Bench) -> usize {
    let changes = changes(bench);
    let not_offered = |change: &&VolumeChange| change.cause == VolumeCause::NotOffered;
    changes.iter().filter(not_offered).count()
}

/// A volume of which we could not make a note is not watched, with the status, and is not said to be not offered.
#[test]
fn a_volume_whose_set_up_fails() {
    let mut declined = 0;
    for number in 1.. {
        let Some(bench) = Bench::still() else {
            return;
        };
        assert_eq!(changes(&bench).len(), 3);
        let volume = mount(&bench, VolumeSpec::refs(4096), 6);
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        touch(&bench, volume);
        let calls = injection.calls() - before;
        injection.fail(0);
        for _ in 0..3 {
            bench.pass(60);
        }
        let found = changes(&bench);
        let [change] = found.as_slice() else {
            panic!("call {number}: {found:?}")
        };
        match change.cause {
            VolumeCause::NoCause => assert_eq!(change.event, VolumeEvent::Attached),
            VolumeCause::Declined => {
                declined += 1;
                assert_eq!(change.event, VolumeEvent::NotAttached);
                let status = change.status.map(|status| status.code());
                assert_eq!(
                    status,
                    Some(testbed::status::STATUS_INSUFFICIENT_RESOURCES.0)
                );
            }
            other => panic!("call {number}: {other:?}"),
        }
        bench.end();
        if calls < number {
            assert!(declined > 0, "no call mattered");
            return;
        }
    }
}
