//! Putting a record together, in the place where it is to lie.
//!
//! [`write_record`] gives the caller the body inside the caller's own buffer, because a body is too
//! large for a kernel stack. What follows from the parts, sizes above all, it writes itself.

use crate::head::HEAD_SIZE;
use crate::{LossClass, RecordBody, RecordHead, RecordKind, VERSION};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::{U16, U32, U64};

/// What a writer says of a record beside its body. The number comes later: it is the journal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What the record tells about. It must be one of the body's own kinds.
    pub kind: RecordKind,
    /// What it is worth when room is short.
    pub class: LossClass,
    /// FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: u64,
    /// Number of the request; 0 in records about none.
    pub request: u64,
}

impl Heading {
    /// The heading of a record in which the driver tells of itself.
    #[must_use]
    pub const fn state(kind: RecordKind, time: u64) -> Self {
        Self {
            kind,
            class: LossClass::State,
            time,
            request: 0,
        }
    }
}

/// Bytes of a record with body `B` and these names; `None` if it is not as many names as the body has,
/// or if one is longer than a `UNICODE_STRING` can be (65534 bytes).
#[must_use]
pub fn record_size<B: RecordBody>(names: &[&[u16]]) -> Option<usize> {
    if names.len() != B::NAMES {
        return None;
    }
    let mut size = size_of::<RecordHead>().checked_add(B::SIZE)?;
    for name in names {
        size = size.checked_add(usize::from(byte_length(name)?))?;
    }
    size.checked_next_multiple_of(8)
}

/// Writes a record at the start of `out` and answers with it: its length is [`record_size`].
///
/// `fill` gets the body inside `out`, all zeros, and fills it in, the heads of the names included but
/// for `stored_bytes`. The number of the record and what was lost before it stay zero.
///
/// `None`, with `out` in an unspecified state, if it is shorter or the kind is not the body's.
#[must_use]
pub fn write_record<'o, B: RecordBody>(
    out: &'o mut [u8],
    heading: Heading,
    names: &[&[u16]],
    fill: impl FnOnce(&mut B),
) -> Option<&'o [u8]> {
    let size = record_size::<B>(names)?;
    let out = out.get_mut(..size)?;
    if !B::KINDS.contains(&heading.kind) {
        return None;
    }
    out.fill(0);
    let (head, rest) = RecordHead::mut_from_prefix(out).ok()?;
    let (body, rest) = B::mut_from_prefix(rest).ok()?;
    head.total_size = U32::new(u32::try_from(size).ok()?);
    head.head_size = U16::new(HEAD_SIZE);
    head.version = U16::new(VERSION);
    head.kind = heading.kind.raw();
    head.class = heading.class.raw();
    head.body_size = U16::new(u16::try_from(B::SIZE).ok()?);
    head.time = U64::new(heading.time);
    head.request = U64::new(heading.request);
    fill(body);
    put_names(body, names, rest)?;
    Some(out)
}

/// Writes the names back to back, and the length of each into its head.
fn put_names<B: RecordBody>(body: &mut B, names: &[&[u16]], mut rest: &mut [u8]) -> Option<()> {
    for (head, name) in body.names_mut().iter_mut().zip(names) {
        let length = byte_length(name)?;
        head.stored_bytes = U16::new(length);
        let (place, after) = rest.split_at_mut_checked(usize::from(length))?;
        for (pair, unit) in place.chunks_exact_mut(2).zip(*name) {
            pair.copy_from_slice(&unit.to_le_bytes());
        }
        rest = after;
    }
    Some(())
}

/// Bytes of a name.
fn byte_length(name: &[u16]) -> Option<u16> {
    u16::try_from(name.len()).ok()?.checked_mul(2)
}
