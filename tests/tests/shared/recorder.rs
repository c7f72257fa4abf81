//! A stage that writes down what is done on it, and has another stage do it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use cloneguard::Event;
use conformance::stage::{
    Actor, Answer, Arrivals, Change, Control, Open, OwnedFile, RawHandle, Sizes, Stage, Trouble,
    VolumeId, VolumeSpec, Who,
};
use conformance::status::Status;

/// What was done, a line for each deed.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn note(&self, deed: &dyn Debug) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *text += &format!("{deed:?}\n");
    }
}

/// See the module.
pub(crate) struct Recorder<'a> {
    stage: &'a dyn Stage,
    log: Log,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(stage: &'a dyn Stage) -> Self {
        Self {
            stage,
            log: Log::default(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let text = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }
}

impl Stage for Recorder<'_> {
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble> {
        // Sides that are the default make no other volume.
        let plain = VolumeSpec {
            sides: &[],
            ..*spec
        };
        self.log.note(&("volume", plain));
        self.stage.make_volume(spec)
    }

    fn protect(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.log.note(&("protect", volume));
        self.stage.protect(volume)
    }

    fn settle(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.log.note(&("settle", volume));
        self.stage.settle(volume)
    }

    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble> {
        self.log.note(&("create", volume, path));
        let (file, log) = (self.stage.create(volume, path)?, self.log.clone());
        let name = path.to_owned();
        Ok(Box::new(File { file, name, log }))
    }

    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        // The program of a case is named after it, and one policy goes by that name.
        let name = label.starts_with("policy.allow").then_some(label);
        self.log.note(&("start", who, name));
        let (actor, log) = (self.stage.start(who, label)?, self.log.clone());
        Ok(Box::new(Caller { actor, who, log }))
    }

    fn arrivals(&self, volume: VolumeId) -> Result<Arrivals, Trouble> {
        self.stage.arrivals(volume)
    }

    fn records(&self) -> Result<Vec<Event>, String> {
        self.stage.records()
    }
}

struct Caller {
    actor: Box<dyn Actor>,
    who: Who,
    log: Log,
}

impl Actor for Caller {
    fn open(&self, what: Open<'_>, access: u32) -> Result<RawHandle, Trouble> {
        self.log.note(&(self.who, what, access));
        self.actor.open(what, access)
    }

    fn duplicate(&self, handle: RawHandle, access: Option<u32>) -> Result<RawHandle, Trouble> {
        self.log.note(&("duplicate", self.who, handle, access));
        self.actor.duplicate(handle, access)
    }

    fn close(&self, handle: RawHandle) -> Result<(), Trouble> {
        self.log.note(&("close", self.who, handle));
        self.actor.close(handle)
    }

    fn control(&self, control: &Control<'_>) -> Result<Answer, Trouble> {
        self.log.note(&(self.who, control));
        self.actor.control(control)
    }
}

struct File {
    file: Box<dyn OwnedFile>,
    name: String,
    log: Log,
}

impl OwnedFile for File {
    fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        self.file.read(offset, length)
    }

    fn sizes(&self) -> Result<Sizes, Status> {
        self.file.sizes()
    }

    fn change(&self, change: &Change<'_>) -> Result<(), Trouble> {
        self.log.note(&(&self.name, change));
        self.file.change(change)
    }

    fn references(&self) -> Result<Vec<u32>, Trouble> {
        self.log.note(&("references", &self.name));
        self.file.references()
    }
}
