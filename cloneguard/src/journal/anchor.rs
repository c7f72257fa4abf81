//! The anchor: how far the chain had come when it was last durable.
//!
//! It is replaced as a whole, after the frames and before the acknowledgement. Its own name need not
//! be durable for that: a power failure may bring the anchor of an earlier batch back, which says
//! less than there is, never more.

use super::damage::AnchorFault;
use super::disk::{Disk, Handle as _};
use super::error::JournalError;
use super::format::AnchorHead;
use std::io::{self, Read as _};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Name of the anchor file.
pub const ANCHOR_NAME: &str = "cloneguard.anchor";
/// Name of the one that is to replace it.
pub(super) const ANCHOR_DRAFT: &str = "cloneguard.anchor.new";

/// What is there of an anchor.
pub type Anchor = Result<AnchorHead, AnchorFault>;

/// Reads the anchor.
pub(super) fn read(disk: &impl Disk) -> Result<Anchor, JournalError> {
    let failed = |error| JournalError::io("read", disk.path().join(ANCHOR_NAME))(error);
    let (source, length) = match disk.read(ANCHOR_NAME) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Err(AnchorFault::Missing));
        }
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::with_capacity(size_of::<AnchorHead>());
    source
        .take(size_of::<AnchorHead>() as u64)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let parsed = AnchorHead::read_from_bytes(&bytes).ok();
    let is_whole = length == size_of::<AnchorHead>() as u64;
    let sound = parsed.filter(|anchor| is_whole && anchor.is_sound());
    Ok(sound.ok_or(AnchorFault::Damaged))
}

/// Replaces the anchor.
pub(super) fn replace(disk: &impl Disk, mut anchor: AnchorHead) -> Result<(), JournalError> {
    anchor.checksum = anchor.computed_checksum();
    let write = || {
        let mut draft = disk.create(ANCHOR_DRAFT)?;
        draft.append(anchor.as_bytes())?;
        draft.sync()?;
        drop(draft);
        disk.rename(ANCHOR_DRAFT, ANCHOR_NAME)
    };
    write().map_err(JournalError::io("replace", disk.path().join(ANCHOR_NAME)))
}
