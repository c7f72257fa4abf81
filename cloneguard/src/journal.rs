//! The durable journal: records on a disk, with proof that none is missing.
//!
//! A journal is a directory of segment files, [`Writer`] fills it, [`Walk`] reads it whatever has
//! happened to it, [`verify`] says what that was. `docs/journal.md` gives the bytes field by field.
//!
//! Every frame's hash covers the frame before it, so a flip, a deletion or another order shows; an
//! [`Anchor`] beside the segments says how far the chain had come, so a cut tail shows too. The
//! anchor follows the frames to the disk and only then a batch is acknowledged: what lies behind the
//! anchor was promised to nobody. Files and chain know records as bytes with a load and a number; only
//! [`verify`] looks into them.

mod anchor;
mod continuity;
mod damage;
mod disk;
mod draft;
mod error;
mod format;
mod listing;
mod note;
mod open;
mod record;
mod retention;
mod segment;
mod tail;
mod unfinished;
mod verify;
mod walk;
mod writer;

pub use anchor::{ANCHOR_NAME, Anchor};
pub use continuity::{Gap, LoadEnd, LoadReport, LoadSums};
pub use damage::{AnchorFault, Damage, Fault, Place};
pub use disk::{Disk, Folder, Handle};
pub use draft::{Appended, Piece};
pub use error::JournalError;
pub use format::{
    AnchorHead, FRAME_SIZE_MAX, FrameHead, Hash, NUMBER_MAX, SegmentHead, VERSION, segment_name,
};
pub use note::{
    FindingCause, FindingNote, FrameKind, LoadNote, OpenedNote, SealNote, SealReason, TornNote,
};
pub use open::Opened;
pub use retention::Limits;
pub use segment::{Frame, Payload};
pub use verify::{Expectation, Listed, Report, verify};
pub use walk::{Step, Torn, Walk};
pub use writer::{Resume, Writer};
