//! Ranges of bytes: where the blocks of a file come from.
//!
//! A label is a place where blocks were first seen: a file and an offset in it. A [`Map`] gives the
//! bytes of a file their labels; [`Labels`] is a set of them.

use std::collections::{BTreeMap, HashMap};

/// Bytes in a row with labels in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// First byte within the file.
    pub(super) start: u64,
    /// The byte behind the last.
    pub(super) end: u64,
    /// The file in which the blocks were first seen.
    pub(super) origin: usize,
    /// Where in it the first byte was.
    pub(super) origin_start: u64,
}

impl Piece {
    /// Bytes.
    pub(super) const fn length(&self) -> u64 {
        self.end - self.start
    }

    /// The part between two bytes; empty parts are none.
    fn clipped(self, start: u64, end: u64) -> Option<Self> {
        let (first, last) = (self.start.max(start), self.end.min(end));
        (first < last).then(|| Self {
            start: first,
            end: last,
            origin: self.origin,
            origin_start: self.origin_start + (first - self.start),
        })
    }

    /// Whether another one goes on where this one ends, in the file and in its labels.
    fn goes_on_in(&self, next: &Self) -> bool {
        let end = self.origin_start + self.length();
        self.end == next.start && self.origin == next.origin && end == next.origin_start
    }
}

/// The labels of a file's bytes. What no clone has touched has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    /// By first byte; they do not overlap.
    pieces: BTreeMap<u64, Piece>,
    ever: Labels,
}

impl Map {
    /// The pieces of a range, which get the file's own labels where they have none.
    pub(super) fn read(&mut self, file: usize, start: u64, byte_count: u64) -> Vec<Piece> {
        let end = start.saturating_add(byte_count);
        let mut at = start;
        let mut found = Vec::new();
        for piece in self.within(start, end) {
            found.extend(own(file, at, piece.start));
            found.push(piece);
            at = piece.end;
        }
        found.extend(own(file, at, end));
        for piece in &found {
            self.put(*piece);
        }
        found
    }

    /// Puts pieces of a range, which cover it, in place of what is in another one.
    pub(super) fn write(&mut self, pieces: &[Piece], (from, to): (u64, u64)) {
        for piece in pieces {
            let start = to.saturating_add(piece.start - from);
            let end = to.saturating_add(piece.end - from);
            if start < end {
                self.put(Piece {
                    start,
                    end,
                    ..*piece
                });
            }
        }
    }

    /// All labels that the file has now.
    pub(super) fn labels(&self) -> Labels {
        let mut labels = Labels::default();
        for piece in self.pieces.values() {
            labels.add(piece.origin, piece.origin_start, piece.length());
        }
        labels
    }

    /// All labels that it ever had.
    pub(super) const fn ever(&self) -> &Labels {
        &self.ever
    }

    /// The bytes whose labels are among others.
    pub(super) fn bytes_in(&self, labels: &Labels) -> u64 {
        let pieces = self.pieces.values();
        pieces
            .map(|piece| labels.overlap(piece.origin, piece.origin_start, piece.length()))
            .sum()
    }

    /// The pieces within a range, cut to it.
    fn within(&self, start: u64, end: u64) -> Vec<Piece> {
        let before = self.pieces.range(..start).next_back();
        let inside = self.pieces.range(start..end);
        let all = before.into_iter().chain(inside).map(|(_, piece)| *piece);
        all.filter_map(|piece| piece.clipped(start, end)).collect()
    }

    /// Takes everything out of a range.
    fn clear(&mut self, start: u64, end: u64) {
        let before = self.pieces.range(..start).next_back();
        let inside = self.pieces.range(start..end);
        let touched: Vec<Piece> = before
            .into_iter()
            .chain(inside)
            .map(|(_, piece)| *piece)
            .collect();
        for piece in touched {
            self.pieces.remove(&piece.start);
            let (left, right) = (piece.clipped(0, start), piece.clipped(end, u64::MAX));
            for rest in left.into_iter().chain(right) {
                self.pieces.insert(rest.start, rest);
            }
        }
    }

    /// Puts a piece in place of what is there. One that goes on in it is joined with it.
    fn put(&mut self, piece: Piece) {
        self.ever
            .add(piece.origin, piece.origin_start, piece.length());
        self.clear(piece.start, piece.end);
        let mut piece = piece;
        let before = self.pieces.range(..piece.start).next_back();
        if let Some((_, before)) = before.filter(|(_, before)| before.goes_on_in(&piece)) {
            piece = Piece {
                end: piece.end,
                ..*before
            };
        }
        let after = self.pieces.get(&piece.end);
        if let Some(after) = after.copied().filter(|after| piece.goes_on_in(after)) {
            self.pieces.remove(&after.start);
            piece.end = after.end;
        }
        self.pieces.insert(piece.start, piece);
    }
}

/// Bytes of a file that come from nowhere else.
fn own(file: usize, start: u64, end: u64) -> Option<Piece> {
    (start < end).then_some(Piece {
        start,
        end,
        origin: file,
        origin_start: start,
    })
}

/// A set of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// For each file the first bytes and ends of ranges that do not touch.
    ranges: HashMap<usize, BTreeMap<u64, u64>>,
}

impl Labels {
    /// Adds labels in a row.
    pub(super) fn add(&mut self, origin: usize, start: u64, length: u64) {
        let ranges = self.ranges.entry(origin).or_default();
        let (mut start, mut end) = (start, start.saturating_add(length));
        // All that begin no later than this one ends, and end no earlier than it begins.
        while let Some((first, last)) = ranges.range(..=end).next_back().map(|(a, b)| (*a, *b)) {
            if last < start {
                break;
            }
            ranges.remove(&first);
            (start, end) = (start.min(first), end.max(last));
        }
        ranges.insert(start, end);
    }

    /// How many labels in a row are in the set.
    pub(super) fn overlap(&self, origin: usize, start: u64, length: u64) -> u64 {
        let Some(ranges) = self.ranges.get(&origin) else {
            return 0;
        };
        let end = start.saturating_add(length);
        let before = ranges.range(..start).next_back();
        let inside = ranges.range(start..end);
        let lengths = before
            .into_iter()
            .chain(inside)
            .map(|(first, last)| (*last).min(end).saturating_sub((*first).max(start)));
        lengths.sum()
    }

    /// How many labels two sets have in common.
    pub(super) fn common(&self, other: &Self) -> u64 {
        let ranges = self.ranges.iter();
        let lengths = ranges.flat_map(|(origin, ranges)| {
            ranges
                .iter()
                .map(|(start, end)| other.overlap(*origin, *start, end - start))
        });
        lengths.sum()
    }
}

#[cfg(test)]
mod tests;
