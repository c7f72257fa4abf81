//! Cloning what does not consist of whole clusters: nothing of it can be shared, so it is copied.
//!
//! Only a volume that does not insist on clusters comes here (`Alignment`); WinBtrfs copies what it
//! keeps inside its tree in the same way. `splice.rs` does whole clusters.

use super::range::Span;
use super::state::{State, StreamId};
use super::status::Status;

/// Bytes that are copied at once.
const PIECE: u64 = 1 << 20;

/// Copies the range byte by byte in ascending order, up to the target's end of file. All the room is
/// made first, so a full disk leaves every byte as it was, atomic or not.
pub(super) fn copy(
    state: &mut State,
    (source, target): (StreamId, StreamId),
    span: &Span,
) -> Result<(), Status> {
    let (to, disk) = state.stream(target).ok_or(Status::FILE_CLOSED)?;
    let length = span.length.min(to.end_of_file.saturating_sub(span.target));
    if length == 0 {
        return Ok(());
    }
    to.reserve(disk, span.target..span.target + length)?;
    // What was just written is read again where a range begins inside its own source range.
    let repeats = source == target && span.target > span.source;
    let piece = if repeats {
        PIECE.min(span.target - span.source)
    } else {
        PIECE
    };
    let mut done = 0;
    while done < length {
        let count = piece.min(length - done);
        let (from, disk) = state.stream(source).ok_or(Status::FILE_CLOSED)?;
        let mut bytes = match from.read(disk, span.source + done, count as usize) {
            Ok(bytes) => bytes,
            Err(Status::END_OF_FILE) => Vec::new(),
            Err(status) => return Err(status),
        };
        bytes.resize(count as usize, 0);
        let (to, disk) = state.stream(target).ok_or(Status::FILE_CLOSED)?;
        to.write(disk, span.target + done, &bytes)?;
        done += count;
    }
    Ok(())
}
