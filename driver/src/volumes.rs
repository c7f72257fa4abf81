//! The volumes: which are watched, which are not and why, each told once.
//!
//! The filter manager says when it offers a volume, and when one is gone. That it keeps us off a volume it does not say
//! (on a trusted Dev Drive only filters that an administrator allows are attached), so the volumes are looked at each
//! minute. A volume that was only just mounted is offered with its first request: it is told of when two looks in
//! succession find it unwatched.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use flt::census::KnownVolume;
use flt::house::House;
use flt::instance::{DetachCause, VolumeGone, VolumeSetup};
use flt::irql::Passive;
use flt::memory::{try_copy, try_push};
use flt::status::NtStatus;
use flt::sync::SpinLock;
use flt::volume::VolumeName;
use guard::{Name, NameState, NoteEvent, VolumeFacts, VolumeNote};
use wire::{VolumeCause, VolumeEvent};

use crate::CloneGuard;
use crate::audit::Audit;
use crate::volume::{self, REFS};

/// How many unwatched volumes are remembered. More are not told of.
const UNWATCHED_MAX: usize = 256;

/// A volume that could share blocks and is not watched.
struct Unwatched {
    device: Box<[u16]>,
    /// Whether a record tells of it.
    is_told: bool,
}

/// What is known of the volumes as a whole.
pub(crate) struct Volumes {
    attached: AtomicU32,
    unwatched: AtomicU32,
    list: SpinLock<Vec<Unwatched>>,
}

impl Volumes {
    pub(crate) const fn none() -> Self {
        Self {
            attached: AtomicU32::new(0),
            unwatched: AtomicU32::new(0),
            list: SpinLock::new(Vec::new()),
        }
    }

    /// How many are watched.
    pub(crate) fn attached(&self) -> u32 {
        self.attached.load(Ordering::Relaxed)
    }

    /// How many could share blocks and were not watched at the last look.
    pub(crate) fn unwatched(&self) -> u32 {
        self.unwatched.load(Ordering::Relaxed)
    }

    /// Our own set-up of a volume worked, or did not.
    pub(crate) fn set_up(
        &self,
        audit: &Audit,
        setup: &VolumeSetup<'_>,
        volume: &VolumeFacts,
        result: Result<(), NtStatus>,
    ) {
        let name = setup.name();
        let (event, cause, status) = match result {
            Ok(()) => {
                self.attached.fetch_add(1, Ordering::Relaxed);
                (VolumeEvent::Attached, VolumeCause::NoCause, 0)
            }
            Err(status) => {
                self.remember(&name);
                (
                    VolumeEvent::NotAttached,
                    VolumeCause::Declined,
                    status.bits(),
                )
            }
        };
        audit.note(NoteEvent::Volume(VolumeNote {
            event,
            cause,
            status,
            volume: *volume,
            device: device(&name),
        }));
    }

    /// A volume that a record tells of is not to be told of again. Without memory it is.
    fn remember(&self, name: &Result<VolumeName, NtStatus>) {
        let Some(Ok(device)) = name.as_ref().ok().map(|name| try_copy(name.units())) else {
            return;
        };
        let told = Unwatched {
            device,
            is_told: true,
        };
        let kept = self.list.with(move |list| try_push(list, told));
        if let Err(status) = kept {
            wdk::println!("CloneGuard: a volume is not remembered: {status}");
        }
    }

    /// A volume is no longer watched. That an unload ends the watch on all of them the driver's last record says.
    pub(crate) fn gone(&self, audit: &Audit, gone: &VolumeGone<'_, CloneGuard>) {
        self.attached.fetch_sub(1, Ordering::Relaxed);
        let cause = match gone.cause() {
            DetachCause::Unload => return,
            DetachCause::Dismounted => VolumeCause::Dismounted,
            DetachCause::Manual => VolumeCause::ManualDetach,
            DetachCause::Other => VolumeCause::NoCause,
        };
        let name = gone.name();
        audit.note(NoteEvent::Volume(VolumeNote {
            event: VolumeEvent::Detached,
            cause,
            status: 0,
            volume: gone.volume().unwrap_or(VolumeFacts::UNKNOWN),
            device: device(&name),
        }));
    }

    /// Whether a volume was unwatched at the look before, and if so, whether it was told of. From now on it counts as
    /// told of.
    fn before(&self, device: &[u16]) -> Option<bool> {
        self.list.with(|list| {
            let same = list.iter_mut().find(|other| *other.device == *device)?;
            Some(core::mem::replace(&mut same.is_told, true))
        })
    }
}

impl CloneGuard {
    /// Looks at all volumes, and tells of those that could share blocks and are not watched.
    pub(crate) fn look_at_volumes(&self, house: &House<'_>) {
        if let Err(status) = self.try_look(house) {
            wdk::println!("CloneGuard: the volumes cannot be looked at: {status}");
        }
    }

    /// Without memory for all of it the list of the look before stays, but for the marks of what was told of until then:
    /// the next look goes on from there.
    fn try_look(&self, house: &House<'_>) -> Result<(), NtStatus> {
        let mut now = Vec::new();
        let mut count = 0_u32;
        let census = house.census()?;
        for volume in census.volumes() {
            let Some(name) = unwatched(&volume)? else {
                continue;
            };
            count = count.saturating_add(1);
            if now.len() >= UNWATCHED_MAX {
                continue;
            }
            let device = try_copy(name.units())?;
            let before = self.volumes.before(&device);
            if before == Some(false) {
                self.tell_unwatched(&volume, &name, house.passive());
            }
            let is_told = before.is_some();
            try_push(&mut now, Unwatched { device, is_told })?;
        }
        self.volumes.unwatched.store(count, Ordering::Relaxed);
        let before = self
            .volumes
            .list
            .with(move |list| core::mem::replace(list, now));
        drop(before);
        Ok(())
    }

    fn tell_unwatched(&self, volume: &KnownVolume<'_>, name: &VolumeName, passive: Passive) {
        let mut facts = VolumeFacts {
            file_system: REFS,
            ..VolumeFacts::UNKNOWN
        };
        volume::complete(&mut facts, || volume.guid(passive));
        self.audit.note(NoteEvent::Volume(VolumeNote {
            event: VolumeEvent::NotAttached,
            cause: VolumeCause::NotOffered,
            status: 0,
            volume: facts,
            device: known_device(name),
        }));
    }
}

/// The name of a volume that could share blocks and is not watched. One that does not answer is about to go, and no
/// reason to say nothing of the others.
fn unwatched(volume: &KnownVolume<'_>) -> Result<Option<VolumeName>, NtStatus> {
    match try_unwatched(volume) {
        Err(NtStatus::INSUFFICIENT_RESOURCES) => Err(NtStatus::INSUFFICIENT_RESOURCES),
        answer => Ok(answer.ok().flatten()),
    }
}

fn try_unwatched(volume: &KnownVolume<'_>) -> Result<Option<VolumeName>, NtStatus> {
    if volume.file_system()? != REFS || volume.is_attached()? {
        return Ok(None);
    }
    volume.name().map(Some)
}

/// The device name of a volume for a record.
fn device(name: &Result<VolumeName, NtStatus>) -> Name<'_> {
    match name {
        Ok(name) => known_device(name),
        Err(status) => Name::absent(status.bits()),
    }
}

fn known_device(name: &VolumeName) -> Name<'_> {
    Name {
        units: name.units(),
        more: 0,
        state: NameState::Normalized,
        reason: 0,
    }
}
