//! Random choices: a function of a seed, the same on every host, or read from the bytes of a fuzzer.

/// Where choices come from.
#[derive(Clone, Debug)]
pub(super) enum Draw {
    /// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014), with which
    /// neighbouring seeds have nothing in common.
    Seed(u64),
    /// The bytes that are left, the next one last. Each choice takes as few as it needs, so that a changed byte
    /// changes one choice; zeros follow the last one.
    Bytes(Vec<u8>),
}

impl Draw {
    /// The choices of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self::Seed(seed)
    }

    /// The choices that some bytes make.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.iter().rev().copied().collect())
    }

    /// Whether nothing is left to choose with. A seed has no end.
    pub(super) const fn is_used_up(&self) -> bool {
        matches!(self, Self::Bytes(left) if left.is_empty())
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        match self {
            Self::Seed(seed) => {
                *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = *seed;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^ (z >> 31)
            }
            Self::Bytes(left) => take(left, 8),
        }
    }

    /// A number below `end`, which is not zero.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // The bias is below 2^-32 for the small ends that are asked of a seed.
        let drawn = match self {
            Self::Bytes(left) if end <= 1 << 8 => take(left, 1),
            Self::Bytes(left) if end <= 1 << 16 => take(left, 2),
            Self::Seed(_) | Self::Bytes(_) => self.bits(),
        };
        drawn % end
    }

    /// An index below `end`.
    pub(super) fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// True in `percent` of all cases; the byte zero says no.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        match self {
            Self::Seed(_) => self.below(100) < percent,
            Self::Bytes(left) => {
                let byte = take(left, 1);
                percent >= 100 || (255 - byte) * 100 < percent * 255
            }
        }
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }
}

/// The next bytes as a number, the lowest first.
fn take(left: &mut Vec<u8>, count: u32) -> u64 {
    (0..count).fold(0, |number, place| {
        number | u64::from(left.pop().unwrap_or(0)) << (8 * place)
    })
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

    #[test]
    fn bytes_are_choices_of_the_size_they_need() {
        let mut draw = Draw::of(&[7, 0, 1, 255, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(draw.below(5), 2);
        assert_eq!(draw.below(1000), 256);
        assert!(draw.chance(1));
        assert!(!draw.is_used_up());
        assert_eq!(draw.bits(), 0x0807_0605_0403_0201);
        assert!(draw.is_used_up());
        assert_eq!((draw.bits(), draw.below(3), draw.chance(99)), (0, 0, false));
        assert!(draw.chance(100), "always is always");
        assert!(!Draw::of(&[255]).chance(0), "never is never");
        assert!(!Draw::new(0).is_used_up());
    }
}
