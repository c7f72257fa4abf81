//! Random choices: a function of a seed, the same on every host.

/// The choices of a seed: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014), with
/// which neighbouring seeds have nothing in common.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The choices of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero. The bias is below 2^-32 for the small ends that are asked for.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// An index below `end`.
    pub(super) fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// True in `percent` of all cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Draw;

    #[test]
    fn a_seed_has_its_own_choices_and_always_the_same() {
        let four = |seed| {
            let mut draw = Draw::new(seed);
            [draw.bits(), draw.bits(), draw.bits(), draw.bits()]
        };
        assert_eq!(four(7), four(7));
        assert_ne!(four(7), four(8));
        // The first value of seed 0 in the authors' reference code.
        assert_eq!(Draw::new(0).bits(), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn choices_reach_both_ends() {
        let mut draw = Draw::new(1);
        let drawn: Vec<u64> = (0..200).map(|_| draw.below(3)).collect();
        assert!([0, 1, 2].iter().all(|value| drawn.contains(value)));
        assert!(drawn.iter().all(|value| *value < 3));
        assert!((0..200).all(|_| draw.chance(100)));
        assert!(!(0..200).any(|_| draw.chance(0)));
    }
}
