//! Copies of the shipped image with something exchanged: machine code that is nearly right.

use std::path::PathBuf;

use super::{Scratch, image};

/// The image, changed.
pub(super) struct Patch(Vec<u8>);

impl Patch {
    /// The shipped image; `None` without one.
    pub(super) fn of_image() -> Option<Self> {
        Some(Self(
            std::fs::read(image()?).expect("the image can be read"),
        ))
    }

    /// Makes the image import `new` where it imported `old`, which is at least as long.
    pub(super) fn rename_import(&mut self, old: &str, new: &str) {
        assert!(new.len() <= old.len(), "{new} does not fit over {old}");
        let (mut from, mut to) = (old.as_bytes().to_vec(), new.as_bytes().to_vec());
        from.push(0);
        to.resize(from.len(), 0);
        assert_eq!(self.replace(&from, &to), 1, "the image imports {old} once");
    }

    /// Exchanges bytes wherever they are; answers how often they were there.
    pub(super) fn replace(&mut self, from: &[u8], to: &[u8]) -> usize {
        assert_eq!(from.len(), to.len(), "the image keeps its size");
        let mut count = 0;
        for at in 0..=self.0.len() - from.len() {
            let place = &mut self.0[at..at + from.len()];
            if place == from {
                place.copy_from_slice(to);
                count += 1;
            }
        }
        count
    }

    /// Writes it without a checksum, which the loader then does not compare.
    pub(super) fn write(mut self, scratch: &Scratch) -> PathBuf {
        // PE format: e_lfanew at 0x3C; signature and file header have 24 bytes, CheckSum lies at 64 of
        // the optional header.
        let field = |at: usize| self.0[at..at + 4].try_into().map(u32::from_le_bytes);
        let header = field(0x3C).expect("four bytes are four bytes");
        let checksum = usize::try_from(header).expect("the image is small") + 24 + 64;
        self.0[checksum..checksum + 4].fill(0);
        self.write_with_old_checksum(scratch)
    }

    /// Writes it with the checksum that it had.
    pub(super) fn write_with_old_checksum(self, scratch: &Scratch) -> PathBuf {
        scratch.write("broken.sys", &self.0);
        scratch.path("broken.sys")
    }
}
