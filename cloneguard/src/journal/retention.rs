//! When a segment has an end, and which old ones go.
//!
//! Only sealed segments go, oldest first. Their numbers are durable in the head of the next segment
//! before the files are removed, so an interrupted removal is finished and never taken for damage.

use std::collections::VecDeque;
use std::time::Duration;

/// Limits of a journal. The default keeps everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A segment that has so many bytes is sealed; the batch that fills it may reach beyond.
    pub segment_size: u64,
    /// A segment with a record that is so old is sealed.
    pub segment_age: Duration,
    /// All segments together may have so many bytes.
    pub keep_size: Option<u64>,
    /// A sealed segment goes when its end is so long ago.
    pub keep_age: Option<Duration>,
    /// So many sealed segments may be there.
    pub keep_count: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_size: 64 << 20,
            segment_age: Duration::from_secs(24 * 60 * 60),
            keep_size: None,
            keep_age: None,
            keep_count: None,
        }
    }
}

/// A segment that nobody writes any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) number: u64,
    pub(super) byte_count: u64,
    /// When the one behind it was begun, a FILETIME.
    pub(super) ended: u64,
}

/// The length of time between two FILETIMEs; none if the clock went back.
pub(super) fn age(from: u64, now: u64) -> Duration {
    let ticks = now.saturating_sub(from);
    Duration::from_secs(ticks / 10_000_000) + Duration::from_nanos(ticks % 10_000_000 * 100)
}

/// How many of the sealed segments have to go, from the oldest on.
pub(super) fn count_to_remove(sealed: &VecDeque<Sealed>, limits: &Limits, now: u64) -> usize {
    let by_count = limits
        .keep_count
        .map_or(0, |keep| sealed.len().saturating_sub(keep));
    let is_old = |segment: &&Sealed| {
        limits
            .keep_age
            .is_some_and(|keep| age(segment.ended, now) >= keep)
    };
    let by_age = sealed.iter().take_while(is_old).count();
    by_count.max(by_age).max(count_by_size(sealed, limits))
}

/// How many have to go so that those that stay and a whole live one fit.
fn count_by_size(sealed: &VecDeque<Sealed>, limits: &Limits) -> usize {
    let Some(keep) = limits.keep_size else {
        return 0;
    };
    let mut sum = limits.segment_size;
    let fitting = sealed.iter().rev().take_while(|segment| {
        sum = sum.saturating_add(segment.byte_count);
        sum <= keep
    });
    sealed.len() - fitting.count()
}

#[cfg(test)]
mod tests {
    use super::{Limits, Sealed, count_to_remove};
    use std::collections::VecDeque;
    use std::time::Duration;

    /// Segments of 100 bytes that ended at these seconds.
    fn sealed(ends: &[u64]) -> VecDeque<Sealed> {
        let segments = ends.iter().zip(1..).map(|(end, number)| Sealed {
            number,
            byte_count: 100,
            ended: end * 10_000_000,
        });
        segments.collect()
    }

    fn count(limits: Limits) -> usize {
        count_to_remove(&sealed(&[10, 20, 30, 40]), &limits, 50 * 10_000_000)
    }

    #[test]
    fn nothing_goes_without_a_limit() {
        assert_eq!(count(Limits::default()), 0);
    }

    #[test]
    fn each_limit_takes_the_oldest() {
        let base = Limits {
            segment_size: 100,
            ..Limits::default()
        };
        for (keep, removed) in [(0, 4), (3, 1), (4, 0), (9, 0)] {
            let keep_count = Some(keep);
            assert_eq!(count(Limits { keep_count, ..base }), removed);
        }
        for (seconds, removed) in [(9, 4), (30, 2), (31, 1), (40, 1), (41, 0)] {
            let keep_age = Some(Duration::from_secs(seconds));
            assert_eq!(count(Limits { keep_age, ..base }), removed, "{seconds}");
        }
        // The live segment is one of those that have to fit.
        for (size, removed) in [(0, 4), (199, 4), (200, 3), (499, 1), (500, 0)] {
            let keep_size = Some(size);
            assert_eq!(count(Limits { keep_size, ..base }), removed, "{size}");
        }
    }

    #[test]
    fn the_strictest_limit_decides() {
        let limits = Limits {
            segment_size: 100,
            keep_size: Some(500),
            keep_age: Some(Duration::from_secs(30)),
            keep_count: Some(1),
            ..Limits::default()
        };
        assert_eq!(count(limits), 3);
    }

    #[test]
    fn a_clock_that_went_back_removes_nothing() {
        let keep_age = Some(Duration::from_secs(1));
        let limits = Limits {
            keep_age,
            ..Limits::default()
        };
        assert_eq!(count_to_remove(&sealed(&[10, 20]), &limits, 0), 0);
    }
}
