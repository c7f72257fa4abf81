//! What a file must contain, kept as plain bytes: the judge of every change.
//!
//! A [`Content`] knows nothing of clusters, extents or sharing. A clone is a copy of bytes that stops
//! at the target's end; whatever was never written is zero. Long files are kept by the pieces that
//! were written, and compared there, at both ends and beside every piece.

use std::collections::BTreeMap;

/// Bytes of a piece.
const PIECE: u64 = 4096;
/// Up to here a file is read whole when it is compared.
const WHOLE: u64 = 1 << 20;

/// The content of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    end: u64,
    /// By number; a piece that is not there is zero.
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Content {
    /// The end of file.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Writes, and extends if needed.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.end = self.end.max(offset + bytes.len() as u64);
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            let (number, from) = (at / PIECE, (at % PIECE) as usize);
            let count = rest.len().min(PIECE as usize - from);
            let piece = self.pieces.entry(number).or_insert_with(empty);
            let (now, later) = rest.split_at(count);
            piece[from..from + count].copy_from_slice(now);
            (rest, at) = (later, at + count as u64);
        }
    }

    /// Zeroes from one offset to another, as far as the file goes.
    pub(crate) fn zero(&mut self, from: u64, to: u64) {
        let length = to.min(self.end).saturating_sub(from);
        if length > 0 {
            let zeros = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            self.write(from, &zeros);
        }
    }

    /// Cuts or extends.
    pub(crate) fn set_end(&mut self, end: u64) {
        let kept = end.div_ceil(PIECE);
        self.pieces.retain(|number, _| *number < kept);
        if let Some(last) = self.pieces.get_mut(&(end / PIECE)) {
            last[(end % PIECE) as usize..].fill(0);
        }
        self.end = end;
    }

    /// Copies what a clone of the range brings, and no more than the target has room for.
    pub(crate) fn copy(&mut self, from: &Self, (source, target, count): (u64, u64, u64)) {
        let is_whole = [source, target, count].iter().all(|part| part % PIECE == 0);
        let count = count.min(self.end.saturating_sub(target));
        if is_whole {
            self.copy_pieces(from, source, target, count);
        } else {
            let mut bytes = from.read(source, count);
            bytes.resize(usize::try_from(count).unwrap_or(usize::MAX), 0);
            self.write(target, &bytes);
        }
    }

    /// Takes over whole pieces of a file, which lie alike in both.
    fn copy_pieces(&mut self, from: &Self, source: u64, target: u64, count: u64) {
        let last = target + count;
        let numbers = target / PIECE..last.div_ceil(PIECE);
        let first = source / PIECE;
        let brought: Vec<(u64, Vec<u8>)> = from
            .pieces
            .range(first..first + (numbers.end - numbers.start))
            .map(|(number, piece)| (number - first + numbers.start, piece.clone()))
            .collect();
        self.pieces.retain(|number, _| !numbers.contains(number));
        self.pieces.extend(brought);
        let end = self.end;
        self.set_end(end);
    }

    /// Bytes of a range, up to the end of file.
    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let end = self.end.min(offset + length);
        let mut bytes = Vec::new();
        let mut at = offset;
        while at < end {
            let (number, from) = (at / PIECE, (at % PIECE) as usize);
            let count = (PIECE - at % PIECE).min(end - at) as usize;
            match self.pieces.get(&number) {
                Some(piece) => bytes.extend_from_slice(&piece[from..from + count]),
                None => bytes.resize(bytes.len() + count, 0),
            }
            at += count as u64;
        }
        bytes
    }

    /// The ranges to compare: offset and length, none empty.
    pub(crate) fn windows(&self) -> Vec<(u64, u64)> {
        if self.end == 0 {
            return Vec::new();
        }
        if self.end <= WHOLE {
            return vec![(0, self.end)];
        }
        let last = (self.end - 1) / PIECE;
        let near = |number: u64| number.saturating_sub(1)..=(number + 1).min(last);
        let mut numbers: Vec<u64> = self.pieces.keys().copied().flat_map(near).collect();
        numbers.extend([0, last]);
        numbers.sort_unstable();
        numbers.dedup();
        let window = |number| (number * PIECE, PIECE.min(self.end - number * PIECE));
        numbers.into_iter().map(window).collect()
    }
}

fn empty() -> Vec<u8> {
    vec![0; PIECE as usize]
}

/// Bytes that differ from cluster to cluster and from `seed` to `seed`, and are never zero.
pub(crate) fn pattern(seed: u8, length: u64) -> Vec<u8> {
    let byte = |at: u64| 1 + ((at / 512 * 7 + at % 251 + u64::from(seed) * 31) % 255) as u8;
    (0..length).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::{Content, pattern};

    fn content(bytes: &[u8]) -> Content {
        let mut content = Content::default();
        content.write(0, bytes);
        content
    }

    #[test]
    fn what_is_cut_is_zero_when_it_comes_back() {
        let mut file = content(&[7; 5000]);
        file.set_end(3);
        file.set_end(10);
        assert_eq!(file.read(0, 100), [7, 7, 7, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn zeroes_reach_as_far_as_the_file_and_lengthen_none() {
        let mut file = content(&[7; 10]);
        file.zero(3, 5);
        assert_eq!(file.read(0, 6), [7, 7, 7, 0, 0, 7]);
        file.zero(8, 4096);
        file.zero(11, 4096);
        assert_eq!(file.end(), 10);
        assert_eq!(file.read(6, 10), [7, 7, 0, 0]);
    }

    #[test]
    fn a_copy_stops_at_the_end_of_the_target_and_brings_zeros_too() {
        let mut source = content(&pattern(1, 4096));
        source.set_end(3 * 4096);
        let mut target = content(&[9; 4096 + 10]);
        target.copy(&source, (0, 0, 3 * 4096));
        assert_eq!(target.end(), 4096 + 10);
        assert_eq!(target.read(0, 4096), pattern(1, 4096));
        assert_eq!(target.read(4096, 4096), [0; 10]);
        target.set_end(2 * 4096);
        assert_eq!(target.read(4096, 4096), [0; 4096], "nothing shows later");
    }

    #[test]
    fn a_copy_of_any_bytes_leaves_those_beside_it() {
        let source = content(&pattern(1, 10));
        let mut target = content(&[9; 4096 + 10]);
        target.copy(&source, (1, 4090, 12));
        assert_eq!(target.end(), 4096 + 10);
        let expected = [&[9][..], &pattern(1, 10)[1..], &[0; 3], &[9; 4]].concat();
        assert_eq!(target.read(4089, 100), expected);
    }

    #[test]
    fn long_files_are_compared_where_something_is() {
        let mut file = Content::default();
        file.set_end(1 << 33);
        file.write(1 << 32, &[1]);
        let windows: Vec<u64> = file.windows().iter().map(|(at, _)| *at).collect();
        let near = [(1 << 32) - 4096, 1 << 32, (1 << 32) + 4096];
        assert_eq!(windows, [&[0], &near[..], &[(1 << 33) - 4096]].concat());
    }
}
