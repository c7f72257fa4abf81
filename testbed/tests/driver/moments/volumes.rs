//! Volumes come and go while somebody clones, there or elsewhere: what the driver saw is on record once, between the
//! beginning and the end of the watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cloneguard::{Consumer, Entry, Event};
use testbed::io::{VolumeId, VolumeSpec};
use testbed::status::{STATUS_SUCCESS, STATUS_VOLUME_DISMOUNTED};
use testbed::{Held, NtStatus, Place, Process};
use wire::{OutcomeKind, VolumeCause, VolumeEvent};

use super::super::Bench;
use super::super::races::program;
use super::super::races::volumes::End;
use super::super::status::report;
use super::super::volumes::touch;
use super::super::watch::{Watcher, requests};
use super::clones::Cloner;
use super::{Kept, alone, everywhere, one_in, told};

/// A volume takes its time to come and go: in a short run one place is tried of so many.
const VOLUMES: usize = 31;

const ATTACHED: (VolumeEvent, VolumeCause) = (VolumeEvent::Attached, VolumeCause::NoCause);

/// A volume that comes for one try.
#[derive(Clone, Debug)]
pub(super) struct Volume {
    id: VolumeId,
    name: String,
}

impl Volume {
    /// Each of the machine has another number.
    fn mount(bench: &Bench) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(100);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!(r"\Device\HarddiskVolume{number}");
        let spec = VolumeSpec::refs(4096).name(&*name);
        let id = bench.machine.mount(spec).expect("mounted");
        Self { id, name }
    }

    /// Mounted and watched.
    pub(super) fn watched(bench: &Bench) -> Self {
        let volume = Self::mount(bench);
        touch(bench, volume.id);
        volume
    }

    /// What was told of it, with the numbers of the records.
    fn changes(&self, entries: &[Entry]) -> (Vec<(VolumeEvent, VolumeCause)>, Vec<u64>) {
        let own = entries.iter().filter_map(|entry| match entry {
            Entry::Volume(change) => Some(change),
            _ => None,
        });
        let own = own.filter(|change| change.device.text.as_ref() == Some(&self.name));
        own.map(|change| ((change.event, change.cause), change.head.sequence))
            .unzip()
    }

    /// After the driver was taken from it.
    pub(super) fn dismount(&self, bench: &Bench, end: End) {
        if end == End::Detached {
            bench.machine.dismount(self.id).expect("mounted");
        }
    }
}

/// Who clones, and who is told.
struct Scene {
    bench: Bench,
    process: Arc<Process>,
    /// On a volume that stays.
    elsewhere: Cloner,
    watcher: Kept<Watcher>,
}

impl Scene {
    fn prepare() -> Option<Self> {
        let bench = Bench::still()?;
        let process = program(&bench, "cloner");
        let elsewhere = Cloner::of(&process, bench.refs, 1);
        elsewhere.clone_one();
        Some(Self {
            watcher: Kept::of(bench.watch(Consumer::new())),
            elsewhere,
            process,
            bench,
        })
    }

    /// The places in a piece of work; all that there is to tell by then has been told.
    fn places(&self, work: impl FnOnce()) -> Vec<Place> {
        let places = one_in(VOLUMES, &self.bench, Held::Caller, work);
        self.told();
        places
    }

    fn told(&self) -> Vec<Entry> {
        self.watcher.with(|watcher| told(&self.bench, watcher))
    }

    /// The clone elsewhere has its record, and the volume these.
    fn check(&self, volume: &Volume, expected: &[(VolumeEvent, VolumeCause)]) {
        let entries = self.told();
        let events = requests(&entries);
        let ends: Vec<_> = events.iter().map(end).collect();
        let whole = (OutcomeKind::Completed, Some(STATUS_SUCCESS));
        assert_eq!(ends, [whole]);
        assert_eq!(volume.changes(&entries).0, expected);
    }

    fn end(self) {
        drop(self.watcher);
        self.process.exit();
        self.bench.end();
    }
}

/// How a request ended, as far as its record knows.
fn end(event: &Event) -> (OutcomeKind, Option<NtStatus>) {
    let status = event.end.status.map(|status| NtStatus(status.code()));
    (event.end.outcome, status)
}

/// Another volume ends during a clone.
fn ends_elsewhere(end: End) {
    let Some(scene) = Scene::prepare() else {
        return;
    };
    let (bench, cloner) = (&scene.bench, &scene.elsewhere);
    let volume = Kept::of(Volume::watched(bench));
    let places = scene.places(|| cloner.clone_one());
    let check = |(), ()| {
        let gone = volume.take();
        scene.check(&gone, &[(VolumeEvent::Detached, end.cause())]);
        gone.dismount(bench, end);
        volume.put(Volume::watched(bench));
        scene.told();
    };
    let go = || end.bring_about(bench, volume.get().id);
    everywhere(bench, &places, || cloner.clone_one(), go, check);
    scene.end();
}

#[test]
fn another_volume_is_dismounted_during_a_clone() {
    alone(|| ends_elsewhere(End::Dismounted));
}

#[test]
fn another_volume_is_detached_during_a_clone() {
    alone(|| ends_elsewhere(End::Detached));
}

/// A clone during the first access to a volume, or the other way round.
fn begins_elsewhere(is_access_held: bool) {
    let Some(scene) = Scene::prepare() else {
        return;
    };
    let (bench, cloner) = (&scene.bench, &scene.elsewhere);
    let volume = Kept::of(Volume::mount(bench));
    let (access, clone) = (|| touch(bench, volume.get().id), || cloner.clone_one());
    let places = scene.places(|| if is_access_held { access() } else { clone() });
    let dismount = || bench.machine.dismount(volume.take().id).expect("mounted");
    let next = || {
        dismount();
        scene.told();
        volume.put(Volume::mount(bench));
    };
    next();
    let check = |(), ()| {
        scene.check(&volume.get(), &[ATTACHED]);
        next();
    };
    if is_access_held {
        everywhere(bench, &places, access, clone, check);
    } else {
        everywhere(bench, &places, clone, access, check);
    }
    scene.end();
}

#[test]
fn a_volume_is_first_accessed_during_a_clone() {
    alone(|| begins_elsewhere(false));
}

#[test]
fn a_clone_comes_during_the_first_access_to_a_volume() {
    alone(|| begins_elsewhere(true));
}

/// A volume with somebody who clones there.
#[derive(Clone)]
struct There(Volume, Cloner);

impl There {
    fn new(scene: &Scene) -> Self {
        let volume = Volume::mount(&scene.bench);
        let cloner = Cloner::of(&scene.process, volume.id, 2);
        cloner.clone_one();
        Self(volume, cloner)
    }

    /// What was answered is what a volume may answer that ends so; how many records there are.
    fn check(&self, scene: &Scene, how: End, status: NtStatus) -> usize {
        if how == End::Detached || status != STATUS_VOLUME_DISMOUNTED {
            assert_eq!(status, STATUS_SUCCESS);
        }
        let entries = scene.told();
        let (changes, numbers) = self.0.changes(&entries);
        assert_eq!(changes, [(VolumeEvent::Detached, how.cause())]);
        let events = requests(&entries);
        for event in &events {
            let drained = (OutcomeKind::Draining, None);
            let expected = [drained, (OutcomeKind::Completed, Some(status))];
            assert!(expected.contains(&end(event)), "{event:?}");
            assert!(numbers[0] > event.head.sequence, "the watch was over");
        }
        events.len()
    }

    fn end(self, scene: &Scene, how: End) {
        self.1.close();
        self.0.dismount(&scene.bench, how);
    }
}

/// A clone on the volume that ends, which waits for what it interrupts, or the other way round.
fn ends_there(how: End, is_end_held: bool) {
    let Some(scene) = Scene::prepare() else {
        return;
    };
    let bench = &scene.bench;
    let there = Kept::of(There::new(&scene));
    let (go, clone) = (
        || how.bring_about(bench, there.get().0.id),
        || there.get().1.try_clone(),
    );
    let places = scene.places(|| {
        if is_end_held {
            go();
        } else {
            assert_eq!(clone(), STATUS_SUCCESS);
        }
    });
    if !is_end_held {
        go();
    }
    let next = || {
        there.take().end(&scene, how);
        there.put(There::new(&scene));
        scene.told();
    };
    next();
    let judge = |status| {
        let records = there.get().check(&scene, how, status);
        next();
        records
    };
    if is_end_held {
        let check = |(), status| assert!(judge(status) <= 1, "one request");
        everywhere(bench, &places, go, clone, check);
    } else {
        // It was under way, so the driver has seen it.
        let check = |status, ()| assert_eq!(judge(status), 1);
        everywhere(bench, &places, clone, go, check);
    }
    there.take().1.close();
    scene.end();
}

#[test]
fn a_volume_is_detached_during_a_clone_there() {
    alone(|| ends_there(End::Detached, false));
}

#[test]
fn a_volume_is_dismounted_during_a_clone_there() {
    alone(|| ends_there(End::Dismounted, false));
}

#[test]
fn a_clone_comes_while_its_volume_is_detached() {
    alone(|| ends_there(End::Detached, true));
}

#[test]
fn a_clone_comes_while_its_volume_is_dismounted() {
    alone(|| ends_there(End::Dismounted, true));
}

/// One volume comes while another one goes, or the other way round.
fn comes_and_goes(is_end_held: bool) {
    let Some(scene) = Scene::prepare() else {
        return;
    };
    let bench = &scene.bench;
    let (comes, goes) = (Kept::of(Volume::mount(bench)), Kept::<Volume>::none());
    let (come, go) = (
        || touch(bench, comes.get().id),
        || bench.machine.dismount(goes.get().id).expect("mounted"),
    );
    let watched = report(bench).volumes_attached;
    come();
    let next = || {
        goes.put(comes.take());
        comes.put(Volume::mount(bench));
        scene.told();
    };
    next();
    let places = scene.places(|| if is_end_held { go() } else { come() });
    if is_end_held {
        come()
    } else {
        go()
    }
    next();
    let check = |(), ()| {
        assert_eq!(report(bench).volumes_attached.get(), watched.get() + 1);
        let entries = scene.told();
        let ended = (VolumeEvent::Detached, VolumeCause::Dismounted);
        assert_eq!(goes.get().changes(&entries).0, [ended]);
        assert_eq!(comes.get().changes(&entries).0, [ATTACHED]);
        next();
    };
    if is_end_held {
        everywhere(bench, &places, go, come, check);
    } else {
        everywhere(bench, &places, come, go, check);
    }
    scene.end();
}

#[test]
fn a_volume_goes_while_another_comes() {
    alone(|| comes_and_goes(false));
}

#[test]
fn a_volume_comes_while_another_goes() {
    alone(|| comes_and_goes(true));
}
