//! What can be wrong with the files of a journal, where, and how to say it.

use super::format::{hex, segment_name};
use crate::BootId;
use std::fmt;

/// Where in a journal something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the segment.
    pub segment: u64,
    /// Offset within it.
    pub offset: u64,
    /// Number of the frame within the journal that belongs there; 0 for the head of a segment.
    pub frame: u64,
}

/// Something that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
    /// What the frame there says of itself: its load, if it is about one.
    pub boot_id: Option<BootId>,
    /// And the number of its record. Neither is proved.
    pub sequence: Option<u64>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// These segments up to `through` are not there, and retention has not removed them.
    SegmentsMissing {
        /// The last of them.
        through: u64,
    },
    /// Of the segments that retention has passed, so many had been gone before.
    RemovedByOthers {
        /// How many.
        count: u64,
    },
    /// The file ends inside the head of the segment.
    HeadShort,
    /// The file is no segment.
    NoSegment,
    /// The segment has another version.
    Version {
        /// Which.
        stated: u16,
    },
    /// The head of the segment is not as it was written.
    HeadHash,
    /// The head of the segment has a number from which one cannot count on.
    Numbers,
    /// The file holds another segment than its name says.
    Number {
        /// Which.
        stated: u64,
    },
    /// The segment is of another journal.
    OtherJournal,
    /// The segment does not follow the one before.
    Unchained,
    /// Frames up to `through` are not there.
    FramesMissing {
        /// The last of them.
        through: u64,
    },
    /// A segment that others follow ends without its seal.
    NoSeal,
    /// Bytes behind the seal.
    BehindSeal,
    /// The file ends inside a frame.
    Short,
    /// The size of the frame is impossible.
    Size {
        /// What it says.
        stated: u32,
    },
    /// Frame or payload are not as they were written, or not where.
    Hash,
    /// The frame has another number.
    Index {
        /// Which.
        stated: u64,
    },
    /// The chain is right, but the payload is none of its kind.
    Payload,
    /// The frame holds no record, or one with other numbers than its head.
    Record,
    /// The anchor.
    Anchor(AnchorFault),
}

/// What is wrong with the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorFault {
    /// It is not there.
    Missing,
    /// It is no anchor, or not as it was written.
    Damaged,
    /// It is about other frames than those that are there.
    Foreign,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Fault::Anchor(fault) = self.fault {
            return write!(f, "{fault}");
        }
        write!(f, "{}", segment_name(self.place.segment))?;
        if !matches!(self.fault, Fault::SegmentsMissing { .. }) {
            write!(f, ", byte {}", self.place.offset)?;
        }
        if self.place.frame != 0 {
            write!(f, ", frame {}", self.place.frame)?;
        }
        match (self.boot_id, self.sequence) {
            (Some(boot_id), Some(sequence)) => {
                write!(f, " (record {sequence} of load {})", hex(&boot_id))?;
            }
            (Some(boot_id), None) => write!(f, " (about load {})", hex(&boot_id))?,
            (None, _) => {}
        }
        write!(f, ": {}", self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SegmentsMissing { through } => write!(
                f,
                "not there, and neither is anything up to {}; retention has not removed it",
                segment_name(*through)
            ),
            Self::RemovedByOthers { count } => write!(
                f,
                "{count} of the segments before it were gone before retention came to them"
            ),
            Self::HeadShort => f.write_str("the file ends inside its head"),
            Self::NoSegment => f.write_str("this is not the head of a segment"),
            Self::Version { stated } => {
                write!(f, "version {stated}, and this program knows only 1")
            }
            Self::HeadHash => f.write_str("the head of the segment is not as it was written"),
            Self::Numbers => f.write_str("a number in the head of the segment cannot be"),
            Self::Number { stated } => write!(f, "the file holds segment {stated}"),
            Self::OtherJournal => f.write_str("the segment belongs to another journal"),
            Self::Unchained => f.write_str("the segment does not follow the one before it"),
            Self::FramesMissing { through } => {
                write!(f, "the frames from here to {through} are not there")
            }
            Self::NoSeal => f.write_str("the segment ends here without its seal"),
            Self::BehindSeal => f.write_str("there are bytes behind the seal"),
            Self::Short => f.write_str("the file ends inside this frame"),
            Self::Size { stated } => write!(f, "no frame has {stated} bytes here"),
            Self::Hash => f.write_str("not as it was written, or not in its place"),
            Self::Index { stated } => write!(f, "frame {stated} is in its place"),
            Self::Payload => f.write_str("what the frame holds is not what its kind says"),
            Self::Record => f.write_str("it holds no record, or one with other numbers"),
            Self::Anchor(fault) => write!(f, "{fault}"),
        }
    }
}

impl fmt::Display for AnchorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the anchor is gone: what was cut off the end is not known",
            Self::Damaged => {
                "the anchor is not as it was written: what was cut off the end is not known"
            }
            Self::Foreign => "the anchor is about other frames than those that are there",
        })
    }
}
