//! Quantiles of many numbers in little memory.
//!
//! Numbers are counted in buckets, 64 to each doubling. A number below 128 has a bucket of its own, any
//! other shares one with numbers that differ from it by less than a 64th. So a quantile that is
//! given is never below the true one, and above it by less than a 64th of it (1.6 %).

/// Buckets to a doubling, as a power of two.
const FINENESS: u32 = 6;
/// Buckets to a doubling.
const FINE: usize = 1 << FINENESS;
/// Buckets for every number of 64 bits: the exact ones below two doublings, and the doublings above.
const BUCKETS: usize = (64 - FINENESS as usize + 1) * FINE;

/// How many numbers lie in each bucket.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            count: 0,
            sum: 0,
            largest: 0,
        }
    }
}

impl Histogram {
    /// Takes a number in.
    pub(super) fn add(&mut self, number: u64) {
        if let Some(count) = self.counts.get_mut(bucket(number)) {
            *count += 1;
        }
        self.count += 1;
        self.sum += u128::from(number);
        self.largest = self.largest.max(number);
    }

    /// How many numbers there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// All numbers together.
    pub(super) const fn sum(&self) -> u128 {
        self.sum
    }

    /// The largest one; none if there is none.
    pub(super) fn largest(&self) -> Option<u64> {
        (self.count > 0).then_some(self.largest)
    }

    /// The number that so many of a thousand do not exceed, by the nearest rank; none if there is none.
    pub(super) fn quantile(&self, per_mille: u64) -> Option<u64> {
        let rank = u128::from(self.count) * u128::from(per_mille);
        let rank = rank.div_ceil(1000).max(1);
        let mut below = 0_u128;
        for (number, count) in self.counts.iter().enumerate() {
            below += u128::from(*count);
            if below >= rank {
                return Some(upper(number).min(self.largest));
            }
        }
        None
    }
}

/// The bucket of a number.
fn bucket(number: u64) -> usize {
    let doublings = number.checked_ilog2().unwrap_or(0).saturating_sub(FINENESS);
    let place = usize::try_from(number >> doublings).unwrap_or(usize::MAX);
    // In the first doubling above the exact ones `place` begins at `FINE` again.
    place + FINE * usize::try_from(doublings).unwrap_or(usize::MAX)
}

/// The largest number of a bucket.
fn upper(bucket: usize) -> u64 {
    let doublings = (bucket / FINE).saturating_sub(1);
    let place = u64::try_from(bucket - FINE * doublings).unwrap_or(u64::MAX);
    // The number behind the bucket, less one; behind the last bucket is 2^64.
    ((u128::from(place) + 1) << doublings)
        .checked_sub(1)
        .and_then(|last| u64::try_from(last).ok())
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, upper};
    use proptest::prelude::*;

    #[test]
    fn every_number_has_a_bucket_and_buckets_are_in_order() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(upper(BUCKETS - 1), u64::MAX);
        for number in 0..128 {
            assert_eq!(upper(bucket(number)), number);
        }
        for at in 0..BUCKETS - 1 {
            assert_eq!(bucket(upper(at)), at);
            assert_eq!(bucket(upper(at) + 1), at + 1);
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        let histogram = Histogram::default();
        assert_eq!((histogram.quantile(500), histogram.largest()), (None, None));
    }

    proptest! {
        #[test]
        fn a_quantile_is_off_by_less_than_a_64th(
            mut numbers in proptest::collection::vec(
                prop_oneof![0..200_u64, 0..1_000_000_u64, any::<u64>()], 1..200),
            per_mille in 1..=1000_u64,
        ) {
            let mut histogram = Histogram::default();
            for number in &numbers {
                histogram.add(*number);
            }
            numbers.sort_unstable();
            let rank = (numbers.len() as u64 * per_mille).div_ceil(1000);
            let exact = numbers[usize::try_from(rank - 1).unwrap()];
            let found = histogram.quantile(per_mille).unwrap();
            prop_assert!(found >= exact && found - exact <= exact / 64, "{} for {}", found, exact);
            prop_assert_eq!(histogram.largest(), numbers.last().copied());
            prop_assert_eq!(histogram.sum(), numbers.iter().map(|number| u128::from(*number)).sum());
        }
    }
}
