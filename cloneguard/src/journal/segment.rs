//! One segment file, frame by frame, whatever its bytes are.
//!
//! A frame is yielded if the chain proves it. Behind one that is damaged the next may be proved still:
//! by the hash that the damaged one states, if that is whole, or else by the one that it should have.
//! Only where the size of a frame makes no sense the rest of the file stays unread.

use super::damage::{Damage, Fault, Place};
use super::format::{FrameHead, Hash, SegmentHead};
use super::note::{FindingNote, FrameKind, LoadNote, OpenedNote, SealNote, TornNote};
use crate::BootId;
use std::io::{self, BufReader, Read};
use zerocopy::{FromBytes, IntoBytes};

/// A frame that the chain proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it stands.
    pub place: Place,
    /// Its head.
    pub head: FrameHead,
    /// What it holds.
    pub payload: Payload,
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The bytes of a record.
    Record(Vec<u8>),
    /// See [`LoadNote`].
    Load(LoadNote),
    /// See [`OpenedNote`].
    Opened(OpenedNote),
    /// See [`FindingNote`].
    Finding(FindingNote),
    /// See [`TornNote`].
    Torn(TornNote),
    /// See [`SealNote`].
    Seal(SealNote),
}

impl Payload {
    /// What these bytes are in a frame of this kind; `None` if nothing.
    fn parse(kind: u16, bytes: Vec<u8>) -> Option<Self> {
        Some(match FrameKind::from_raw(kind)? {
            FrameKind::Record => Self::Record(bytes),
            FrameKind::Load => Self::Load(LoadNote::read_from_bytes(&bytes).ok()?),
            FrameKind::Opened => Self::Opened(OpenedNote::parse(&bytes)?),
            FrameKind::Finding => {
                let note = FindingNote::read_from_bytes(&bytes).ok();
                Self::Finding(note.filter(FindingNote::is_sound)?)
            }
            FrameKind::Torn => Self::Torn(TornNote::read_from_bytes(&bytes).ok()?),
            FrameKind::Seal => {
                let note = SealNote::read_from_bytes(&bytes).ok();
                Self::Seal(note.filter(SealNote::is_sound)?)
            }
        })
    }
}

/// What is found next in a segment.
#[derive(Debug)]
pub(super) enum Found {
    /// A frame.
    Frame(Frame),
    /// Something that is none.
    Damage(Damage),
}

/// The state of reading a segment.
#[derive(Debug)]
pub(super) struct SegmentWalk<R> {
    source: BufReader<R>,
    /// Where the next byte stands, and which frame belongs there.
    place: Place,
    /// Bytes of the file.
    length: u64,
    /// Hashes that the next frame may follow.
    previous: [Hash; 2],
    /// Whether everything so far was as it was written, so that `place.frame` is sure.
    is_certain: bool,
    is_sealed: bool,
    is_over: bool,
}

impl<R: Read> SegmentWalk<R> {
    /// Begins with a file of so many bytes. `frame` is the number that its first frame should have;
    /// a sound head knows it better. Without a whole head there is nothing to read behind it.
    pub(super) fn open(
        source: R,
        length: u64,
        segment: u64,
        frame: u64,
    ) -> io::Result<(Self, Option<SegmentHead>, Option<Fault>)> {
        let place = Place {
            segment,
            offset: 0,
            frame,
        };
        let mut walk = Self {
            source: BufReader::with_capacity(1 << 16, source),
            place,
            length,
            previous: [[0; 32]; 2],
            is_certain: true,
            is_sealed: false,
            is_over: false,
        };
        let Some(head) = walk.take::<SegmentHead>()? else {
            walk.is_over = true;
            walk.is_certain = false;
            return Ok((walk, None, Some(Fault::HeadShort)));
        };
        walk.previous = [head.hash, head.computed_hash()];
        let fault = head.fault();
        if fault.is_some() {
            walk.is_certain = false;
        } else {
            walk.place.frame = head.frames_before.get().saturating_add(1);
        }
        Ok((walk, Some(head), fault))
    }

    /// What comes next; `None` at the end.
    pub(super) fn step(&mut self) -> io::Result<Option<Found>> {
        if self.is_over || self.left() == 0 {
            self.is_over = true;
            return Ok(None);
        }
        if self.is_sealed {
            return Ok(Some(self.stop(Fault::BehindSeal, None)));
        }
        let place = self.place;
        let Some(head) = self.take::<FrameHead>()? else {
            return Ok(Some(self.stop(Fault::Short, None)));
        };
        let Some(payload_size) = head.payload_size() else {
            self.place = place;
            let stated = head.size.get();
            return Ok(Some(self.stop(Fault::Size { stated }, Some(&head))));
        };
        // The sum of what is there bounds what is allocated.
        if u64::from(payload_size) > self.left() {
            self.place = place;
            return Ok(Some(self.stop(Fault::Short, Some(&head))));
        }
        let mut payload = vec![0; payload_size as usize];
        if !self.fill(&mut payload)? {
            self.place = place;
            return Ok(Some(self.stop(Fault::Short, Some(&head))));
        }
        Ok(Some(self.judge(place, head, payload)))
    }

    /// Where the file ends, or reading it did, and the frame that would have come.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// Bytes of the file.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of the file behind the place.
    const fn left(&self) -> u64 {
        self.length.saturating_sub(self.place.offset)
    }

    /// The hash that a next frame, or the next segment, has to follow.
    pub(super) const fn hash(&self) -> &Hash {
        &self.previous[0]
    }

    /// Whether everything so far was as it was written.
    pub(super) const fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// Whether the seal has come.
    pub(super) const fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// Decides what a frame is, and what the next one has to follow.
    fn judge(&mut self, place: Place, head: FrameHead, payload: Vec<u8>) -> Found {
        let computed = self
            .previous
            .map(|previous| head.computed_hash(&previous, &payload));
        let is_chained = computed.contains(&head.hash);
        self.previous = [head.hash, computed[0]];
        let stated = head.index.get();
        let is_expected = stated == place.frame;
        if is_chained && !self.is_certain {
            // The chain tells the number; those between were named as damage.
            self.place.frame = stated;
        }
        self.place.frame = self.place.frame.saturating_add(1);
        let fault = match (is_chained, is_expected || !self.is_certain) {
            (true, true) => None,
            (false, true) => Some(Fault::Hash),
            (_, false) => Some(Fault::Index { stated }),
        };
        if let Some(fault) = fault {
            return self.damaged(place, fault, &head);
        }
        let place = Place {
            frame: stated,
            ..place
        };
        match Payload::parse(head.kind.get(), payload).filter(|_| head.reserved.get() == 0) {
            None => self.damaged(place, Fault::Payload, &head),
            Some(payload) => {
                self.is_sealed = matches!(payload, Payload::Seal(_));
                Found::Frame(Frame {
                    place,
                    head,
                    payload,
                })
            }
        }
    }

    /// A frame that is not as it was written, with more behind it.
    fn damaged(&mut self, place: Place, fault: Fault, head: &FrameHead) -> Found {
        self.is_certain = false;
        Found::Damage(damage(place, fault, Some(head)))
    }

    /// The end of what can be read.
    fn stop(&mut self, fault: Fault, head: Option<&FrameHead>) -> Found {
        self.is_certain = false;
        self.is_over = true;
        Found::Damage(damage(self.place, fault, head))
    }

    /// Reads a head; `None` if the file ends inside it.
    fn take<T: FromBytes + IntoBytes>(&mut self) -> io::Result<Option<T>> {
        let mut value = T::new_zeroed();
        let is_there = self.left() >= size_of::<T>() as u64;
        Ok((is_there && self.fill(value.as_mut_bytes())?).then_some(value))
    }

    /// Reads bytes; `false` if the file has become shorter meanwhile.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        match self.source.read_exact(bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.length = self.place.offset;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let count = bytes.len() as u64;
        self.place.offset = self.place.offset.saturating_add(count);
        Ok(true)
    }
}

/// Damage at a place, with what the frame there says of itself.
fn damage(place: Place, fault: Fault, head: Option<&FrameHead>) -> Damage {
    let boot_id = head.map(|head| head.boot_id);
    let boot_id = boot_id.filter(|boot_id| *boot_id != BootId::default());
    let sequence = head
        .map(|head| head.sequence.get())
        .filter(|_| boot_id.is_some());
    Damage {
        place,
        fault,
        boot_id,
        sequence: sequence.filter(|sequence| *sequence != 0),
    }
}
