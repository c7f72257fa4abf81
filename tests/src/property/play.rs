//! Plays a script on a machine and notes everything that a caller or the owner of a file can see.

use std::collections::VecDeque;

use testbed::io::{Handle, IoStatus, VolumeId};
use testbed::status::NtStatus;
use testbed::volume::OpenRequest;

use super::flight::Held;
use super::keeper::{Load, Moment};
use super::owner::{Files, State};
use super::place::{Caller, Place, ask};
use super::request::Sent;
use super::script::{
    Base, EX, Minor, Number, PLAIN, Request, SEEN, SLOTS, Script, Source, Step, What, Who,
};

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A handle, or why there is none.
    Handle(Result<u64, NtStatus>),
    /// What an owner's change, or a close, came to.
    Done(Result<(), u32>),
    /// A request.
    Answer(Box<Answer>),
}

/// The answer to a request, and the files afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) sent: Sent,
    pub(super) status: IoStatus,
    /// Whether the I/O manager made a request of it.
    pub(super) reached: bool,
    pub(super) source: Option<State>,
    pub(super) target: Option<State>,
}

/// A script that was played.
#[derive(Debug)]
pub(super) struct Played {
    /// One for each step, then the close of each slot.
    pub(super) seen: Vec<Seen>,
    /// All files in the end, and whether the volumes are sound.
    pub(super) files: Vec<State>,
    /// The steps that a driver on this machine must have seen.
    pub(super) watched: Vec<usize>,
    /// What it recorded.
    pub(super) loads: Vec<Load>,
    /// Where the script ended.
    pub(super) end: Moment,
}

/// Statuses from here on are errors (MS-ERREF 2.3).
pub(super) const ERROR: u32 = 0xC000_0000;
/// Set in the values of kernel handles.
const KERNEL_BITS: u64 = 0xFFFF_FFFF_8000_0000;

/// A handle of the script.
#[derive(Clone, Copy)]
struct Slot {
    handle: Handle,
    owner: Who,
    what: What,
    is_open: bool,
}

/// A script in the middle of a machine.
pub(super) struct Play<'a> {
    pub(super) place: &'a Place,
    main: (Who, Caller<'a>),
    volumes: Vec<VolumeId>,
    files: Files,
    slots: [Option<Slot>; SLOTS],
    watched: Vec<usize>,
    /// Requests that the file system holds, the oldest first.
    pub(super) held: VecDeque<Held>,
    /// What went wrong in acts.
    faults: Vec<String>,
}

/// Plays a script from fresh volumes to the last closed handle.
///
/// # Errors
/// What the machine does not do, or an unsound volume, or a trail of records with gaps.
pub(super) fn play(place: &Place, script: &Script) -> Result<Played, String> {
    let mut volumes = Vec::new();
    for plan in &script.volumes {
        let mounted = place.machine.mount(plan.spec());
        volumes.push(mounted.map_err(|error| error.to_string())?);
    }
    let files = Files::create(place, &volumes)?;
    let (seen, files, watched, faults) = place.run(script.main, |caller| {
        let mut play = Play {
            place,
            main: (script.main, caller),
            volumes,
            files,
            slots: [None; SLOTS],
            watched: Vec::new(),
            held: VecDeque::new(),
            faults: Vec::new(),
        };
        let mut seen = Vec::new();
        for (number, step) in script.steps.iter().enumerate() {
            let came = play.step(number, step, &mut seen);
            seen.push(came);
        }
        seen.extend((0..SLOTS).map(|slot| Seen::Done(play.close(slot))));
        while play.release(&mut seen) {}
        (seen, play.files, play.watched, play.faults)
    });
    if let Some(fault) = faults.into_iter().next() {
        return Err(fault);
    }
    let end = Moment {
        step: script.steps.len() + 1,
        watched: watched.len() as u64,
    };
    Ok(Played {
        seen,
        files: files.end()?,
        watched,
        loads: place.loads(end)?,
        end,
    })
}

impl Play<'_> {
    /// Plays a step; requests that come to their end in it get their answers in `seen`.
    fn step(&mut self, number: usize, step: &Step, seen: &mut [Seen]) -> Seen {
        let place = self.place;
        let now = Moment {
            step: number + 1,
            watched: self.watched.len() as u64,
        };
        if let Step::Act(act) = step {
            if act.takes_an_instance() {
                self.release_synchronized(seen);
            }
            let done = place.act((now, act), &self.volumes);
            self.faults.extend(done.err());
            return Seen::Done(Ok(()));
        }
        let is_armed = place.arm();
        let came = self.caller_step(number, step, seen);
        if is_armed {
            let watched = self.watched.len() as u64;
            let recovered = place.recover(Moment { watched, ..now });
            self.faults.extend(recovered.err());
        }
        came
    }

    /// A step of a caller or an owner.
    fn caller_step(&mut self, number: usize, step: &Step, seen: &mut [Seen]) -> Seen {
        match step {
            Step::Open {
                slot,
                who,
                what,
                access,
                remote,
            } => match self.close(*slot) {
                Ok(()) => {
                    let opened = self.open((*who, *what), *access, *remote);
                    self.keep(*slot, opened, (*who, *what))
                }
                Err(status) => Seen::Done(Err(status)),
            },
            Step::Close { slot } => Seen::Done(self.close(*slot)),
            Step::Duplicate { from, to, access } => self.duplicate((*from, *to), *access),
            Step::Change {
                volume,
                file,
                change,
            } => Seen::Done(self.files.change((*volume, *file), *change)),
            Step::Protect { volume, on } => {
                self.files.protect(*volume, *on);
                Seen::Done(Ok(()))
            }
            Step::Settle { volume } => {
                self.files.settle(*volume);
                Seen::Done(Ok(()))
            }
            Step::Act(_) => Seen::Done(Ok(())),
            Step::Release => {
                self.release(seen);
                Seen::Done(Ok(()))
            }
            Step::Send(request) => Seen::Answer(Box::new(self.send(number, request))),
        }
    }

    /// Runs on a thread of `who`: the script's own, or a new one.
    fn on<T: Send>(&self, who: Who, body: impl FnOnce(Caller<'_>) -> T + Send) -> T {
        if who == self.main.0 {
            body(self.main.1)
        } else {
            self.place.run(who, body)
        }
    }

    fn open(
        &self,
        (who, what): (Who, What),
        access: u32,
        remote: bool,
    ) -> Result<Handle, NtStatus> {
        let volumes = &self.volumes;
        self.on(who, |caller| match what {
            What::File(volume, _) | What::Directory(volume) => {
                let path = Files::path(what);
                let request = OpenRequest::existing(access);
                if remote {
                    ask!(caller, thread => thread.create_remote_file(volumes[volume], &path, &request))
                } else {
                    ask!(caller, thread => thread.create_file(volumes[volume], &path, &request))
                }
            }
            What::Volume(volume) => {
                ask!(caller, thread => thread.open_volume(volumes[volume], access))
            }
            What::Pipe => {
                Ok(ask!(caller, thread => thread.open_foreign(r"\Device\NamedPipe\p", access)))
            }
            What::Event => Ok(ask!(caller, thread => thread.create_event())),
            What::Process => Ok(ask!(caller, thread => thread.open_process())),
            What::Thread => Ok(ask!(caller, thread => thread.open_thread())),
            What::Token => Ok(ask!(caller, thread => thread.open_process_token())),
        })
    }

    fn keep(
        &mut self,
        slot: usize,
        opened: Result<Handle, NtStatus>,
        (owner, what): (Who, What),
    ) -> Seen {
        if let Ok(handle) = opened {
            self.slots[slot] = Some(Slot {
                handle,
                owner,
                what,
                is_open: true,
            });
        }
        Seen::Handle(opened.map(|handle| handle.0))
    }

    fn close(&mut self, slot: usize) -> Result<(), u32> {
        let Some(open) = self.slots[slot].filter(|slot| slot.is_open) else {
            return Ok(());
        };
        if let Some(slot) = &mut self.slots[slot] {
            slot.is_open = false;
        }
        let closed = self.on(
            open.owner,
            |caller| ask!(caller, thread => thread.close(open.handle)),
        );
        closed.map_err(|status| status.0)
    }

    fn duplicate(&mut self, (from, to): (usize, usize), access: Option<u32>) -> Seen {
        let Some(open) = self.slots[from].filter(|slot| slot.is_open && from != to) else {
            return Seen::Done(Ok(()));
        };
        if let Err(status) = self.close(to) {
            return Seen::Done(Err(status));
        }
        let second = self.on(
            open.owner,
            |caller| ask!(caller, thread => thread.duplicate_handle(open.handle, access)),
        );
        self.keep(to, second, (open.owner, open.what))
    }

    fn send(&mut self, number: usize, request: &Request) -> Answer {
        let handle = self.slots[request.to].map_or(Handle(0), |slot| slot.handle);
        let source = self.source_value(request.source);
        let target_slot = self.find(request.who, handle.0);
        let files = (
            self.find(request.who, source).and_then(file_of),
            target_slot.and_then(file_of),
        );
        let sent = self.numbers(request, source, files);
        let parcel = self.pack(request, &sent, handle);
        let io = self.place.machine.io();
        let before = io.requests();
        let status = if request.carriage.held {
            self.send_and_hold(number, request.who, parcel)
        } else {
            self.on(request.who, |caller| parcel.send(caller))
        };
        let reached = io.requests() != before;
        if reached && is_recorded(request) && self.is_attached(target_slot) {
            self.watched.push(number);
        }
        // What may have changed is looked at closely, if it is known to have.
        let done = !request.carriage.held && status.status.0 < ERROR;
        let near = |offset: i64| done.then(|| u64::try_from(offset).unwrap_or(0));
        Answer {
            source: self.files.state(files.0, near(sent.source_offset)),
            target: self.files.state(files.1, near(sent.target_offset)),
            sent,
            reached,
            status,
        }
    }

    fn source_value(&self, source: Source) -> u64 {
        match source {
            Source::Slot(slot, flipped) => {
                self.slots[slot].map_or(0, |slot| slot.handle.0) ^ flipped
            }
            Source::Raw(value) => value,
        }
    }

    /// The open handle that a value names for a caller. A kernel handle is one of the System process.
    fn find(&self, who: Who, value: u64) -> Option<Slot> {
        let place = |who: Who, value: u64| {
            let value = value & !3;
            if value & KERNEL_BITS == KERNEL_BITS || who == Who::System {
                (Who::System, value | KERNEL_BITS)
            } else {
                (who.process(), value)
            }
        };
        let wanted = place(who, value);
        let open = self.slots.iter().flatten().filter(|slot| slot.is_open);
        open.copied()
            .find(|slot| place(slot.owner, slot.handle.0) == wanted)
    }

    /// Whether the driver of this machine is attached to the volume behind a handle.
    fn is_attached(&self, slot: Option<Slot>) -> bool {
        let on = slot.and_then(|slot| slot.what.volume());
        let volume = on.and_then(|on| self.place.machine.io().volume(self.volumes[on]));
        volume.is_some_and(|volume| !volume.attached_filters().is_empty())
    }

    fn numbers(&self, request: &Request, handle: u64, (source, target): FilePair) -> Sent {
        let cluster = self.files.cluster(target.map_or(0, |(volume, _)| volume));
        let resolve = |number: Number, count: i64| {
            let (source, target) = (self.files.sizes(source), self.files.sizes(target));
            let base = match number.base {
                Base::Zero => 0,
                Base::SourceEnd => source.end,
                Base::SourceClusters => round_up(source.end, cluster),
                Base::SourceAllocation => source.allocation,
                Base::TargetEnd => target.end,
                Base::TargetClusters => round_up(target.end, cluster),
                Base::FourGiB => 1 << 32,
                Base::LastStart => i64::MAX.wrapping_sub(count) & !(cluster - 1),
                Base::Max => i64::MAX,
                Base::Min => i64::MIN,
            };
            base.wrapping_add(number.clusters.wrapping_mul(cluster))
                .wrapping_add(number.bytes)
        };
        let count = resolve(request.count, 0);
        Sent {
            handle,
            source_offset: resolve(request.source_offset, count),
            target_offset: resolve(request.target_offset, count),
            count,
        }
    }
}

/// Two files that may not be known.
type FilePair = (Option<(usize, usize)>, Option<(usize, usize)>);

/// Volume and number of the file behind a handle.
const fn file_of(slot: Slot) -> Option<(usize, usize)> {
    match slot.what {
        What::File(volume, file) => Some((volume, file)),
        What::Directory(_)
        | What::Volume(_)
        | What::Pipe
        | What::Event
        | What::Process
        | What::Thread
        | What::Token => None,
    }
}

/// Whether a driver that is attached looks at such a request.
fn is_recorded(request: &Request) -> bool {
    let is_ours = [PLAIN, EX].contains(&request.code) || SEEN.contains(&request.code);
    is_ours && request.carriage.minor != Minor::VerifyVolume
}

fn round_up(value: i64, cluster: i64) -> i64 {
    value.wrapping_add(cluster - 1) & !(cluster - 1)
}
