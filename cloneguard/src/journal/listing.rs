//! Which segments are there, and what their heads say.

use super::disk::Disk;
use super::error::JournalError;
use super::format::{SegmentHead, segment_name, segment_number};
use std::io;
use zerocopy::IntoBytes as _;

/// Numbers of all segments, in order.
pub(super) fn segment_numbers(disk: &impl Disk) -> Result<Vec<u64>, JournalError> {
    let names = disk
        .names()
        .map_err(JournalError::io("read", disk.path()))?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| segment_number(name))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The head of the newest segment that has a sound one. If that is not the newest of all, newer words about what
/// retention has removed are lost.
pub(super) fn newest_head(
    disk: &impl Disk,
    numbers: &[u64],
) -> Result<Option<SegmentHead>, JournalError> {
    for number in numbers.iter().rev() {
        let head = read_head(disk, *number)?;
        if let Some(head) = head.filter(|head| head.number.get() == *number) {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// The head of a segment, if it is sound.
pub(super) fn read_head(
    disk: &impl Disk,
    number: u64,
) -> Result<Option<SegmentHead>, JournalError> {
    let name = segment_name(number);
    let mut head = SegmentHead::empty();
    let read = disk
        .read(&name)
        .and_then(|(mut source, _)| io::Read::read_exact(&mut source, head.as_mut_bytes()));
    match read {
        Ok(()) => Ok(head.fault().is_none().then_some(head)),
        Err(error) if is_no_head(error.kind()) => Ok(None),
        Err(error) => Err(JournalError::io("read", disk.path().join(name))(error)),
    }
}

/// Whether reading failed because the file ends inside its head, or because retention took it.
fn is_no_head(kind: io::ErrorKind) -> bool {
    kind == io::ErrorKind::UnexpectedEof || kind == io::ErrorKind::NotFound
}

/// Sizes of these segments together.
pub(super) fn byte_count(disk: &impl Disk, numbers: &[u64]) -> Result<u64, JournalError> {
    let mut sum = 0_u64;
    for number in numbers {
        let name = segment_name(*number);
        match disk.read(&name) {
            Ok((_, length)) => sum = sum.saturating_add(length),
            // Retention works meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(JournalError::io("read", disk.path().join(name))(error)),
        }
    }
    Ok(sum)
}
