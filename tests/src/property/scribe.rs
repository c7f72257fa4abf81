//! Conformance cases as scripts and as the bytes of their requests: what fuzzers begin with.
//!
//! A [`Scribe`] is a stage that plays a case on the bare test-bed and writes down what the case does. It writes what a
//! script has words for: the first two volumes, the first files of each, the callers of scripts. What a fuzzer makes of
//! it is another story anyway.

mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::words::{Fields, carriage, length, literal, plan, written};
use super::codec;
use super::request::layout_size;
use super::script::{
    EX, FILES, PLAIN, Request, SLOTS, Script, Source, Step, VolumePlan, What, Who,
};
use crate::bed::Bed;
use crate::case::{Case, Code};
use crate::run::play;
use crate::stage::{
    self, Actor, Answer, Arrivals, Control, FileSystemKind, Open, OwnedFile, RawHandle, Sizes,
    Stage, Trouble, VolumeId, VolumeSpec,
};
use crate::status::Status;

/// What a case comes to.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The id of the case.
    pub id: &'static str,
    /// The bytes of its script.
    pub script: Vec<u8>,
    /// Its clone requests.
    pub requests: Vec<Sent>,
}

/// A clone request as a program sends it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Whether it has the EX code.
    pub is_ex: bool,
    /// Whether the caller is a 32-bit program.
    pub is_narrow: bool,
    /// Whether the caller is kernel code.
    pub is_kernel: bool,
    /// The input; `None` is a NULL buffer.
    pub input: Option<Vec<u8>>,
    /// Bytes of the output buffer.
    pub output: u32,
    /// Bytes per cluster of the case's volume.
    pub cluster: u32,
    /// Whether that is ReFS.
    pub is_refs: bool,
}

/// The seeds of all cases that differ in what comes of them: the first of each kind.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let mut kinds = BTreeSet::new();
    let differs = |case: &&Case| {
        let kind = format!("{:?} {:?}", case.expect, case.volume.kind);
        kinds.insert(kind)
    };
    let chosen = crate::cases::all().filter(differs);
    chosen.map(|case| seed(case, case.codes[0])).collect()
}

/// What one case comes to.
fn seed(case: &Case, code: Code) -> Seed {
    let scribe = Scribe {
        bed: Bed::bare(),
        notes: Arc::default(),
    };
    // How it ends is no matter: what was done until then is written down.
    let _run = play(&scribe, None, case, code);
    let notes = std::mem::take(&mut *scribe.notes());
    let mut volumes = notes.volumes;
    let spare = volumes
        .first()
        .map_or_else(|| plan(&VolumeSpec::refs(4096)), Clone::clone);
    volumes.resize(2, spare);
    let requests = notes.steps.iter().filter_map(|step| match step {
        Step::Send(request) if [PLAIN, EX].contains(&request.code) => Some(request),
        _ => None,
    });
    let sent = requests.zip(notes.inputs).map(|(request, input)| Sent {
        is_ex: request.code == EX,
        is_narrow: request.narrow,
        is_kernel: request.who.is_kernel(),
        input,
        output: request.output,
        cluster: case.volume.cluster,
        is_refs: case.volume.kind == FileSystemKind::Refs,
    });
    let requests = sent.collect();
    let script = Script {
        seed: 0,
        main: Who::User64,
        volumes,
        steps: notes.steps,
    };
    Seed {
        id: case.id,
        script: codec::write(&script),
        requests,
    }
}

/// What was written down.
#[derive(Default)]
struct Notes {
    volumes: Vec<VolumePlan>,
    /// The ids of the volumes, and of each file its volume and path, by their numbers in the script.
    ids: Vec<VolumeId>,
    files: Vec<(usize, String)>,
    steps: Vec<Step>,
    /// Which handle of which process stands in which slot.
    slots: Vec<(Who, u64)>,
    /// The bytes of each clone request.
    inputs: Vec<Option<Vec<u8>>>,
}

impl Notes {
    fn volume(&self, id: VolumeId) -> usize {
        let index = self.ids.iter().position(|known| *known == id);
        index.unwrap_or(0).min(1)
    }

    /// The number of a file on its volume; the first named stream is the last one.
    fn file(&mut self, volume: usize, path: &str) -> usize {
        if path.contains(':') {
            return FILES - 1;
        }
        let known = (volume, path.to_owned());
        if !self.files.contains(&known) {
            self.files.push(known.clone());
        }
        let on_it = self.files.iter().filter(|(on, _)| *on == volume);
        on_it.take_while(|file| **file != known).count() % (FILES - 1)
    }

    /// The slot of a new handle.
    fn keep(&mut self, who: Who, handle: RawHandle) -> usize {
        self.slots.push((who.process(), handle.0));
        (self.slots.len() - 1) % SLOTS
    }

    /// The slot of the handle that a value names, the low bits and those of kernel handles aside.
    fn slot(&self, who: Who, value: u64) -> Option<(usize, u64)> {
        let is_it = |(owner, handle): &(Who, u64)| {
            *owner == who.process() && (handle ^ value) & 0x7FFF_FFFC == 0
        };
        let index = self.slots.iter().rposition(is_it)?;
        Some((index % SLOTS, self.slots[index].1))
    }
}

/// See the module.
struct Scribe {
    bed: Bed,
    notes: Arc<Mutex<Notes>>,
}

impl Scribe {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        lock(&self.notes)
    }
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage for Scribe {
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble> {
        let id = self.bed.make_volume(spec)?;
        let mut notes = self.notes();
        notes.ids.push(id);
        if notes.volumes.len() < 2 {
            notes.volumes.push(plan(spec));
        }
        Ok(id)
    }

    fn protect(&self, volume: VolumeId) -> Result<(), Trouble> {
        let mut notes = self.notes();
        let step = Step::Protect {
            volume: notes.volume(volume),
            on: true,
        };
        notes.steps.push(step);
        drop(notes);
        self.bed.protect(volume)
    }

    fn settle(&self, volume: VolumeId) -> Result<(), Trouble> {
        let mut notes = self.notes();
        let volume_number = notes.volume(volume);
        notes.steps.push(Step::Settle {
            volume: volume_number,
        });
        drop(notes);
        self.bed.settle(volume)
    }

    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble> {
        let owned = self.bed.create(volume, path)?;
        let mut notes = self.notes();
        let on = notes.volume(volume);
        let file = notes.file(on, path);
        Ok(Box::new(Owned {
            owned,
            place: (on, file),
            notes: Arc::clone(&self.notes),
        }))
    }

    fn start(&self, who: stage::Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        Ok(Box::new(Player {
            actor: self.bed.start(who, label)?,
            who,
            notes: Arc::clone(&self.notes),
        }))
    }

    fn arrivals(&self, volume: VolumeId) -> Result<Arrivals, Trouble> {
        self.bed.arrivals(volume)
    }

    fn records(&self) -> Result<Vec<cloneguard::Event>, String> {
        Ok(Vec::new())
    }
}

/// A file of a case, and the volume and number that it has in the script.
struct Owned {
    owned: Box<dyn OwnedFile>,
    place: (usize, usize),
    notes: Arc<Mutex<Notes>>,
}

impl OwnedFile for Owned {
    fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        self.owned.read(offset, length)
    }

    fn sizes(&self) -> Result<Sizes, Status> {
        self.owned.sizes()
    }

    fn change(&self, change: &stage::Change<'_>) -> Result<(), Trouble> {
        let mut notes = lock(&self.notes);
        let (volume, file) = self.place;
        let cluster = u64::from(notes.volumes.get(volume).map_or(4096, |plan| plan.cluster));
        let told = written(change, cluster);
        notes.steps.extend(told.map(|change| Step::Change {
            volume,
            file,
            change,
        }));
        drop(notes);
        self.owned.change(change)
    }

    fn references(&self) -> Result<Vec<u32>, Trouble> {
        self.owned.references()
    }
}

/// A process of a case.
struct Player {
    actor: Box<dyn Actor>,
    who: stage::Who,
    notes: Arc<Mutex<Notes>>,
}

impl Player {
    const fn who(&self) -> Who {
        match self.who {
            stage::Who::Program => Who::User64,
            stage::Who::ProgramOfAnother => Who::Other64,
            stage::Who::Program32 => Who::User32,
            stage::Who::Kernel | stage::Who::Server => Who::System,
            stage::Who::KernelIn32 => Who::KernelIn32,
        }
    }

    /// A request in the words of a script, and its bytes.
    fn note(&self, control: &Control<'_>) {
        let (who, narrow) = (self.who(), self.who.is_narrow());
        let mut notes = lock(&self.notes);
        let fields = Fields::of(control.code, narrow, control.input.unwrap_or_default());
        let source = notes.slot(who, fields.handle);
        let request = Request {
            who,
            impersonates: false,
            to: notes.slot(who, control.to.0).map_or(0, |(slot, _)| slot),
            code: control.code,
            narrow,
            source: source.map_or(Source::Raw(fields.handle), |(slot, value)| {
                Source::Slot(slot, fields.handle ^ value)
            }),
            source_offset: literal(fields.range[0]),
            target_offset: literal(fields.range[1]),
            count: literal(fields.range[2]),
            size: fields.size,
            flags: fields.flags,
            length: length(control, layout_size(control.code, narrow)),
            output: control.output,
            carriage: carriage(control.carriage),
        };
        if [PLAIN, EX].contains(&control.code) {
            notes.inputs.push(control.input.map(<[u8]>::to_vec));
        }
        notes.steps.push(Step::Send(Box::new(request)));
    }
}

impl Actor for Player {
    fn open(&self, what: Open<'_>, access: u32) -> Result<RawHandle, Trouble> {
        let handle = self.actor.open(what, access)?;
        let mut notes = lock(&self.notes);
        let what = match what {
            Open::File(volume, path) => {
                let volume = notes.volume(volume);
                What::File(volume, notes.file(volume, path))
            }
            Open::Directory(volume, _) => What::Directory(notes.volume(volume)),
            Open::Volume(volume) => What::Volume(notes.volume(volume)),
            Open::Pipe => What::Pipe,
            Open::Event => What::Event,
        };
        let who = self.who();
        let slot = notes.keep(who, handle);
        notes.steps.push(Step::Open {
            slot,
            who,
            what,
            access,
            remote: self.who == stage::Who::Server,
        });
        Ok(handle)
    }

    fn duplicate(&self, handle: RawHandle, access: Option<u32>) -> Result<RawHandle, Trouble> {
        let second = self.actor.duplicate(handle, access)?;
        let mut notes = lock(&self.notes);
        let who = self.who();
        let from = notes.slot(who, handle.0).map_or(0, |(slot, _)| slot);
        let to = notes.keep(who, second);
        notes.steps.push(Step::Duplicate { from, to, access });
        Ok(second)
    }

    fn close(&self, handle: RawHandle) -> Result<(), Trouble> {
        let mut notes = lock(&self.notes);
        let slot = notes.slot(self.who(), handle.0);
        notes
            .steps
            .extend(slot.map(|(slot, _)| Step::Close { slot }));
        drop(notes);
        self.actor.close(handle)
    }

    fn control(&self, control: &Control<'_>) -> Result<Answer, Trouble> {
        self.note(control);
        self.actor.control(control)
    }
}
