//! A journal that is left, read and counted here once more, without a word from `verify`.

use std::path::Path;
use std::process::Command;

use cloneguard::journal::{Folder, Payload, Step, Walk};
use wire::{Record, RecordKind};

use super::rig::{Running, tool};

/// What a journal holds of one load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Records.
    pub(crate) records: u64,
    /// Number of the last one.
    pub(crate) last: u64,
    /// Losses that they tell of.
    pub(crate) lost: u64,
    /// How often a writer took the journal over.
    pub(crate) writers: u64,
    /// Writers that found a write of the one before unfinished.
    pub(crate) torn: u64,
    /// The last record is the driver's word that it stops.
    pub(crate) is_whole: bool,
}

/// Reads the journal of one load of the driver: every number is there once, or the record behind says that it was
/// lost.
pub(crate) fn read(journal: &Path) -> Kept {
    let folder = Folder::new(journal);
    let mut walk = Walk::open(folder).expect("there is a journal");
    let mut kept = Kept::default();
    let mut load = None;
    while let Some(step) = walk.step().expect("the journal can be read") {
        let frame = match step {
            Step::Frame(frame) => frame,
            Step::Segment(_) => continue,
            Step::Damage(_) | Step::Torn(_) => panic!("{step:?}"),
        };
        match &frame.payload {
            Payload::Record(bytes) => {
                let record = Record::parse(bytes).expect("it came from the driver");
                let next = kept.last + 1 + record.lost_before();
                assert_eq!(record.sequence(), next, "once, in order, without a hole");
                let boot_id = frame.head.boot_id;
                assert_eq!(*load.get_or_insert(boot_id), boot_id, "one load");
                kept.records += 1;
                kept.is_whole = record.kind() == RecordKind::Stopping;
                kept.last = record.sequence();
                kept.lost += record.lost_before();
            }
            Payload::Opened(_) => kept.writers += 1,
            Payload::Torn(_) => kept.torn += 1,
            Payload::Load(_) | Payload::Seal(_) => {}
            Payload::Finding(finding) => panic!("{finding}"),
        }
    }
    kept
}

/// `cloneguard verify` finds nothing wrong.
pub(crate) fn verify(journal: &Path) {
    let ended = Running::start(Command::new(tool()).arg("verify").arg(journal)).end();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
}
