//! A record as its readers see it: the head, and the body of its kind.
//!
//! A record is a [`RecordHead`], a body of fixed size, the names that the body has heads for, and zeros up
//! to a multiple of 8. [`Record::parse`] checks all of it, so the accessors cannot fail.
//!
//! A record of a kind that this build has no name for is kept: it has a number, so a reader must be able
//! to store and to acknowledge it. Its body is not looked at.

use crate::check::check_name;
use crate::head::HEAD_SIZE;
use crate::view::{Ended, View};
use crate::{
    ConsumerNote, DecodeError, GapBody, HeartbeatBody, LossClass, PolicyBody, RecordBody,
    RecordHead, RecordKind, Request, StartedBody, StoppingBody, Summary, VERSION, VolumeNote,
};
use zerocopy::FromBytes as _;

/// A record whose every field has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    head: &'a RecordHead,
    body: Body<'a>,
}

/// What a record tells, by its kind.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Kinds `clone` and `seen`.
    Request(Request<'a>),
    /// Kind `policy`.
    Policy(&'a PolicyBody),
    /// Kind `started`.
    Started(&'a StartedBody),
    /// Kind `stopping`.
    Stopping(&'a StoppingBody),
    /// Kind `volume`.
    Volume(VolumeNote<'a>),
    /// Kind `consumer`.
    Consumer(ConsumerNote<'a>),
    /// Kind `heartbeat`.
    Heartbeat(&'a HeartbeatBody),
    /// Kind `gap`.
    Gap(&'a GapBody),
    /// Kind `summary`.
    Summary(Summary<'a>),
    /// Kind `ended`.
    Ended(Ended<'a>),
    /// A kind that this build has no name for: what follows the head, as it came.
    Unknown(&'a [u8]),
}

impl<'a> Record<'a> {
    /// Checks exactly one record.
    ///
    /// # Errors
    ///
    /// Any [`DecodeError`] but those of requests and batches; `Length` also if bytes follow.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (record, rest) = Self::split(bytes)?;
        if rest.is_empty() {
            return Ok(record);
        }
        let stated = u64::from(record.head.total_size.get());
        Err(DecodeError::Length {
            stated,
            found: bytes.len(),
        })
    }

    /// Checks the record at the start of `bytes` and returns what follows it.
    ///
    /// # Errors
    ///
    /// As [`Record::parse`], but for bytes that follow.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let found = bytes.len();
        let Ok((head, _)) = RecordHead::ref_from_prefix(bytes) else {
            return Err(DecodeError::Short {
                needed: size_of::<RecordHead>(),
                found,
            });
        };
        let kind = check_head(head)?;
        let stated = u64::from(head.total_size.get());
        let wrong = DecodeError::Length { stated, found };
        let total = usize::try_from(stated).map_err(|_| wrong)?;
        let (bytes, after) = bytes.split_at_checked(total).ok_or(wrong)?;
        let (_, rest) = RecordHead::ref_from_prefix(bytes).map_err(|_| wrong)?;
        if !total.is_multiple_of(8) {
            return Err(wrong);
        }
        let body = Body::parse(kind, head, rest)?;
        Ok((Self { bytes, head, body }, after))
    }

    /// The bytes of the whole record.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the record tells about.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        RecordKind::from_raw(self.head.kind)
    }

    /// What it was worth when room was short.
    #[must_use]
    pub const fn class(&self) -> LossClass {
        LossClass::from_raw(self.head.class)
    }

    /// Number of the record, from 1, without holes over all records of a load.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.head.sequence.get()
    }

    /// How many numbers directly below this one belong to lost records.
    #[must_use]
    pub const fn lost_before(&self) -> u64 {
        self.head.lost_before.get()
    }

    /// FILETIME, 100 ns since 1601-01-01 UTC: of the decision about a request, else of what is told.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.head.time.get()
    }

    /// Number of the request that the record is about, the same in all records about it.
    #[must_use]
    pub const fn request_number(&self) -> Option<u64> {
        match self.head.request.get() {
            0 => None,
            number => Some(number),
        }
    }

    /// What the record tells.
    #[must_use]
    pub const fn body(&self) -> Body<'a> {
        self.body
    }

    /// The request, in a record of kind `clone` or `seen`.
    #[must_use]
    pub const fn request(&self) -> Option<Request<'a>> {
        match self.body {
            Body::Request(request) => Some(request),
            Body::Policy(_)
            | Body::Started(_)
            | Body::Stopping(_)
            | Body::Volume(_)
            | Body::Consumer(_)
            | Body::Heartbeat(_)
            | Body::Gap(_)
            | Body::Summary(_)
            | Body::Ended(_)
            | Body::Unknown(_) => None,
        }
    }
}

/// Checks the head by itself and returns the kind.
fn check_head(head: &RecordHead) -> Result<RecordKind, DecodeError> {
    if head.version != VERSION {
        return Err(DecodeError::Version(head.version.get()));
    }
    if head.head_size != HEAD_SIZE {
        return Err(DecodeError::HeadSize(head.head_size.get()));
    }
    if head.sequence == 0 || head.lost_before >= head.sequence {
        return Err(DecodeError::Sequence(head.sequence.get()));
    }
    if head.reserved != 0 {
        return Err(DecodeError::Reserved);
    }
    let kind = RecordKind::from_raw(head.kind);
    let about_a_request = match kind {
        RecordKind::Clone | RecordKind::Seen | RecordKind::Ended => true,
        RecordKind::Policy
        | RecordKind::Started
        | RecordKind::Stopping
        | RecordKind::Volume
        | RecordKind::Consumer
        | RecordKind::Heartbeat
        | RecordKind::Gap
        | RecordKind::Summary => false,
        RecordKind::Unknown(_) => return Ok(kind),
    };
    if about_a_request == (head.request == 0) {
        return Err(DecodeError::Request(head.request.get()));
    }
    Ok(kind)
}

impl<'a> Body<'a> {
    /// Checks what follows the head.
    fn parse(kind: RecordKind, head: &RecordHead, rest: &'a [u8]) -> Result<Self, DecodeError> {
        let size = head.body_size.get();
        match kind {
            RecordKind::Clone | RecordKind::Seen => view(size, rest).map(Self::Request),
            RecordKind::Policy => plain(size, rest).map(Self::Policy),
            RecordKind::Started => plain(size, rest).map(Self::Started),
            RecordKind::Stopping => plain(size, rest).map(Self::Stopping),
            RecordKind::Volume => view(size, rest).map(Self::Volume),
            RecordKind::Consumer => view(size, rest).map(Self::Consumer),
            RecordKind::Heartbeat => plain(size, rest).map(Self::Heartbeat),
            RecordKind::Gap => plain(size, rest).map(Self::Gap),
            RecordKind::Summary => view(size, rest).map(Self::Summary),
            RecordKind::Ended => view(size, rest).map(Self::Ended),
            RecordKind::Unknown(_) if rest.len() < usize::from(size) => {
                Err(DecodeError::BodySize(size))
            }
            RecordKind::Unknown(_) => Ok(Self::Unknown(rest)),
        }
    }
}

/// Checks a body without names.
fn plain<B: RecordBody>(size: u16, rest: &[u8]) -> Result<&B, DecodeError> {
    view::<B, 0>(size, rest).map(|view| view.body())
}

/// Checks a body, its names and what is left behind them.
fn view<B: RecordBody, const N: usize>(
    size: u16,
    rest: &[u8],
) -> Result<View<'_, B, N>, DecodeError> {
    let wrong = DecodeError::BodySize(size);
    if usize::from(size) != B::SIZE {
        return Err(wrong);
    }
    let (body, mut rest) = B::ref_from_prefix(rest).map_err(|_| wrong)?;
    body.check()?;
    let mut names: [&[u8]; N] = [&[]; N];
    for ((name, head), place) in names.iter_mut().zip(body.names()).zip(0_u8..) {
        check_name(head, place)?;
        let length = usize::from(head.stored_bytes.get());
        (*name, rest) = rest
            .split_at_checked(length)
            .ok_or(DecodeError::Name(place))?;
    }
    if rest.len() >= 8 {
        return Err(DecodeError::Trailing(rest.len()));
    }
    if rest.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::Reserved);
    }
    Ok(View::new(body, names))
}
