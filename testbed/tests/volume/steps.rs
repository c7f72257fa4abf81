//! What the property tests do to the streams of a volume, drawn at random.

use proptest::prelude::*;

/// A small cluster makes more boundaries.
pub(crate) const C: usize = 512;
/// Streams of the volume.
pub(crate) const FILES: usize = 3;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write {
        file: usize,
        offset: usize,
        length: usize,
        byte: u8,
    },
    EndOfFile {
        file: usize,
        size: usize,
    },
    /// Cuts inside the last cluster and extends again, which leaves stale bytes behind.
    CutAndExtend {
        file: usize,
        cut: usize,
        size: usize,
    },
    Allocation {
        file: usize,
        size: usize,
    },
    Sparse {
        file: usize,
        on: bool,
    },
    Clone {
        from: usize,
        to: usize,
        source: usize,
        target: usize,
        clusters: usize,
        /// Bytes added to the three numbers: where they are not zero, no whole clusters are asked for.
        odd: (usize, usize, usize),
        atomic: bool,
    },
    Read {
        file: usize,
        offset: usize,
        length: usize,
    },
    Zero {
        file: usize,
        offset: usize,
        length: usize,
    },
    Integrity {
        file: usize,
        on: bool,
    },
    /// Closes and opens again, the first file by one of its two names.
    Reopen {
        file: usize,
        other_name: bool,
    },
    Settle,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let files = || 0..FILES;
    let bytes = || 0..12 * C;
    let odd = || prop_oneof![3 => Just((0, 0, 0)), 1 => (0..C, 0..C, 0..C)];
    let step = prop_oneof![
        4 => (files(), bytes(), 1..4 * C, 1..=255_u8)
            .prop_map(|(file, offset, length, byte)| Step::Write { file, offset, length, byte }),
        3 => (files(), bytes()).prop_map(|(file, size)| Step::EndOfFile { file, size }),
        3 => (files(), 1..=C, bytes())
            .prop_map(|(file, cut, size)| Step::CutAndExtend { file, cut, size }),
        1 => (files(), bytes()).prop_map(|(file, size)| Step::Allocation { file, size }),
        1 => (files(), any::<bool>()).prop_map(|(file, on)| Step::Sparse { file, on }),
        8 => (files(), files(), 0..10_usize, 0..10_usize, 1..8_usize, odd(), any::<bool>()).prop_map(
            |(from, to, source, target, clusters, odd, atomic)| {
                Step::Clone { from, to, source, target, clusters, odd, atomic }
            },
        ),
        1 => (files(), bytes(), 0..3 * C)
            .prop_map(|(file, offset, length)| Step::Read { file, offset, length }),
        2 => (files(), bytes(), 0..4 * C)
            .prop_map(|(file, offset, length)| Step::Zero { file, offset, length }),
        1 => (files(), any::<bool>()).prop_map(|(file, on)| Step::Integrity { file, on }),
        1 => (files(), any::<bool>())
            .prop_map(|(file, other_name)| Step::Reopen { file, other_name }),
        1 => Just(Step::Settle),
    ];
    prop::collection::vec(step, 1..40)
}
