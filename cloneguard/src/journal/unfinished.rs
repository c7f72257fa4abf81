//! Whether the end of the newest segment is a write that was never finished, or was changed afterwards.
//!
//! Behind the anchor nothing was promised, so what is not whole there is no damage: a program or a machine died
//! in the middle of a write. Such a write leaves a part of its frames, and where the length came to the disk
//! before the bytes, zeros in whole sectors. It leaves no frame that is whole in length and wrong in a byte,
//! and none that whole ones follow: that one was changed.

use super::damage::{Damage, Fault};
use super::disk::Disk;
use super::error::JournalError;
use super::format::{FRAME_HEAD_SIZE, FrameHead, Hash, segment_name};
use std::io::{self, Read as _};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U32;

/// Most bytes that are looked at: more than any batch of the driver becomes.
const LOOK_MAX: u64 = 4 << 20;
/// What a disk writes at once, at least.
const SECTOR: u64 = 512;
/// Zeros from a sector's beginning to the end of a frame that no record ends with by itself.
const ZEROS_MIN: usize = 256;
const HEAD: usize = FRAME_HEAD_SIZE as usize;

/// Whether the bytes from a damage on, `left` of them, are a write that was not finished. `previous` is the hash of
/// the last frame before it.
pub(super) fn is_unfinished(
    disk: &impl Disk,
    damage: &Damage,
    left: u64,
    previous: &Hash,
) -> Result<bool, JournalError> {
    let name = segment_name(damage.place.segment);
    let rest = read(disk, &name, damage.place.offset, left.min(LOOK_MAX))
        .map_err(JournalError::io("read", disk.path().join(&name)))?;
    Ok(End {
        bytes: &rest,
        left,
        damage,
        previous,
    }
    .is_unfinished())
}

/// Reads so many bytes of a file.
fn read(disk: &impl Disk, name: &str, offset: u64, count: u64) -> io::Result<Vec<u8>> {
    let (mut source, _) = disk.read(name)?;
    io::copy(&mut source.by_ref().take(offset), &mut io::sink())?;
    let mut bytes = Vec::new();
    source.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The end of a segment from a damage on.
struct End<'a> {
    bytes: &'a [u8],
    /// Bytes to the end of the file.
    left: u64,
    damage: &'a Damage,
    previous: &'a Hash,
}

impl End<'_> {
    fn is_unfinished(&self) -> bool {
        let Ok((head, behind)) = FrameHead::read_from_prefix(self.bytes) else {
            return true;
        };
        let size = head
            .payload_size()
            .and_then(|size| usize::try_from(size).ok());
        let Some(payload) = size.and_then(|size| behind.get(..size)) else {
            return is_unwritten(self.bytes, self.damage.place.offset)
                || !self.has_other_size(&head);
        };
        let end = HEAD + payload.len();
        if is_unwritten(&self.bytes[..end], self.damage.place.offset) {
            return true;
        }
        let computed = head.computed_hash(self.previous, payload);
        let frame = self.damage.place.frame;
        if computed == head.hash && head.index == frame {
            // Its writer has just finished it, unless the chain proves what makes no sense.
            return self.damage.fault != Fault::Payload;
        }
        let is_last = end as u64 == self.left;
        let hashes = [head.hash, computed];
        let next = &self.bytes[end..];
        let is_followed = hashes
            .iter()
            .any(|hash| is_frame(next, frame.saturating_add(1), hash));
        !(is_last || is_followed || self.has_other_size(&head))
    }

    /// Whether only the size is wrong: the frame that follows stands elsewhere, or the file ends where this one does.
    fn has_other_size(&self, head: &FrameHead) -> bool {
        let next = self.damage.place.frame.saturating_add(1);
        let is_followed =
            (HEAD..self.bytes.len()).any(|start| is_frame(&self.bytes[start..], next, &head.hash));
        let is_all = self.bytes.len() as u64 == self.left;
        let whole = FrameHead {
            size: U32::new(self.bytes.len() as u32),
            ..*head
        };
        is_followed
            || is_all && whole.computed_hash(self.previous, &self.bytes[HEAD..]) == head.hash
    }
}

/// Whether bytes begin with the whole frame of this number, which follows a hash.
fn is_frame(bytes: &[u8], index: u64, previous: &Hash) -> bool {
    let Ok((head, behind)) = FrameHead::ref_from_prefix(bytes) else {
        return false;
    };
    if head.index != index {
        return false;
    }
    let size = head
        .payload_size()
        .and_then(|size| usize::try_from(size).ok());
    let payload = size.and_then(|size| behind.get(..size));
    payload.is_some_and(|payload| head.computed_hash(previous, payload) == head.hash)
}

/// Whether these bytes of a file, from `offset` on, have a sector that was never written.
fn is_unwritten(bytes: &[u8], offset: u64) -> bool {
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    let first = usize::try_from(SECTOR - offset % SECTOR).unwrap_or(0);
    let (first, others) = bytes.split_at(first.min(bytes.len()));
    let (sectors, last) = others.as_chunks::<{ SECTOR as usize }>();
    is_zero(first)
        || sectors.iter().any(|sector| is_zero(sector))
        || last.len() >= ZEROS_MIN && is_zero(last)
}

#[cfg(test)]
mod tests {
    use super::{ZEROS_MIN, is_unwritten};

    #[test]
    fn only_zeros_that_fill_a_sector_were_not_written() {
        let mut bytes = vec![1; 2000];
        assert!(!is_unwritten(&bytes, 100));
        // The sector ends 412 bytes behind the beginning.
        bytes[..411].fill(0);
        assert!(!is_unwritten(&bytes, 100));
        bytes[411] = 0;
        assert!(is_unwritten(&bytes, 100));
        bytes[0] = 1;
        assert!(!is_unwritten(&bytes, 100));
        bytes[412..924].fill(0);
        assert!(is_unwritten(&bytes, 100));
        assert!(!is_unwritten(&bytes, 99));
    }

    #[test]
    fn the_end_counts_if_no_record_ends_so() {
        for (count, is_so) in [(ZEROS_MIN, true), (ZEROS_MIN - 1, false)] {
            let bytes = [vec![1; 512], vec![0; count]].concat();
            assert_eq!(is_unwritten(&bytes, 1024), is_so, "{count}");
        }
    }
}
