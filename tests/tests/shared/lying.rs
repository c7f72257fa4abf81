//! A stage that lies about what arrives at its file systems, and is another stage in all else.

use cloneguard::Event;
use conformance::stage::{Actor, Arrivals, OwnedFile, Stage, Trouble, VolumeId, VolumeSpec, Who};

/// What is told in place of what arrived.
pub(crate) type Lie = fn(Arrivals) -> Result<Arrivals, Trouble>;

/// See the module.
pub(crate) struct Lying<'a> {
    stage: &'a dyn Stage,
    lie: Lie,
}

impl<'a> Lying<'a> {
    pub(crate) fn new(stage: &'a dyn Stage, lie: Lie) -> Self {
        Self { stage, lie }
    }
}

impl Stage for Lying<'_> {
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble> {
        self.stage.make_volume(spec)
    }

    fn protect(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.stage.protect(volume)
    }

    fn settle(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.stage.settle(volume)
    }

    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble> {
        self.stage.create(volume, path)
    }

    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        self.stage.start(who, label)
    }

    fn arrivals(&self, volume: VolumeId) -> Result<Arrivals, Trouble> {
        (self.lie)(self.stage.arrivals(volume)?)
    }

    fn records(&self) -> Result<Vec<Event>, String> {
        self.stage.records()
    }
}
