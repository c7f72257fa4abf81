//! Every body over its corpus, and over bytes that nobody chose: changed inputs of the corpus, and random ones.

use std::fs;
use std::path::Path;

use fuzz::{TARGETS, Target};

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "../../testbed/tests/shared/driver_image.rs"]
mod driver_image;

/// Files of all corpora together, their bytes, and those of the longest: they are kept small.
const FILES_MAX: usize = 300;
const BYTES_MAX: usize = 100 << 10;
const LONGEST: usize = 4096;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// An input with a few bytes changed, cut off or doubled.
    fn change(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.extend_from_within(at..),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = self.below(256) as u8;
                    }
                }
            }
        }
        bytes.truncate(1 << 14);
        bytes
    }
}

/// The corpus of a target, in the order of the names.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Replays a target: what it is fed is the same every time.
fn replay(target: &Target) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{} has no corpus", target.name);
    let mut dice = Dice(1);
    for input in &corpus {
        (target.body)(input);
    }
    for round in 0..target.rounds {
        let length = dice.below(600);
        let bytes = match (target.drawn, round % 4) {
            (Some(drawn), 0 | 1) => drawn(round.into()),
            (_, 0) => dice.bytes(length),
            _ => {
                let chosen = dice.below(corpus.len());
                dice.change(&corpus[chosen])
            }
        };
        (target.body)(&bytes);
    }
}

/// The target of this name.
fn target(name: &str) -> &'static Target {
    let mut targets = TARGETS.iter();
    targets.find(|target| target.name == name).unwrap()
}

#[test]
fn catalog() {
    replay(target("catalog"));
}

#[test]
fn inf() {
    replay(target("inf"));
}

#[test]
fn journal() {
    replay(target("journal"));
}

#[test]
fn pattern() {
    replay(target("pattern"));
}

#[test]
fn policy() {
    replay(target("policy"));
}

#[test]
fn records() {
    replay(target("records"));
}

#[test]
fn request() {
    replay(target("request"));
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn image() {
    if driver_image::image().is_some() {
        replay(target("image"));
    }
}

#[test]
fn corpora_are_small_and_each_has_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // The image has no target where there is no test-bed.
        let is_known = TARGETS.iter().any(|target| target.name == name) || name == "image";
        assert!(is_known, "{name}");
    }
    let inputs: Vec<_> = TARGETS.iter().flat_map(corpus).collect();
    let bytes: usize = inputs.iter().map(Vec::len).sum();
    assert!(inputs.len() <= FILES_MAX, "{} files", inputs.len());
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
    let longest = inputs.iter().map(Vec::len).max();
    assert!(longest <= Some(LONGEST), "one of {longest:?} bytes");
}
