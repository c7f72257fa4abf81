//! The digest of an image, against the offsets of the format counted by hand.
//!
//! "Windows Authenticode Portable Executable Signature Format": everything but the checksum, the entry of the
//! signature in the header, and the signature, which is the last thing in the file.

use core::ops::Range;

use driver_package::digest::{Digests, Kind};

use crate::take;

/// Where the headers of the made image begin; its optional header; how many directories it has.
const HEADERS: u32 = 0x40;
const OPTIONAL_SIZE: u16 = 112 + 16 * 8;
const LENGTH: usize = 0x300;

/// Edits an image and takes its digest.
///
/// # Panics
/// If a byte counts that should not, or one that should does not.
pub(super) fn body(mut bytes: &[u8]) {
    let mut image = sound();
    let [choice] = take(&mut bytes);
    let is_sound = choice & 1 == 0 && bytes.is_empty();
    if choice & 1 == 1 {
        image = bytes.to_vec();
    }
    if choice & 2 == 2 {
        sign(&mut image, usize::from(choice >> 4) * 8);
    }
    for _ in 0..16 {
        if choice & 1 == 1 || bytes.is_empty() {
            break;
        }
        let [low, high, value] = take(&mut bytes);
        let at = usize::from(u16::from_le_bytes([low, high]));
        if let Some(byte) = image.get_mut(at) {
            *byte = value;
        }
    }
    assert_eq!(Kind::of(&image) == Kind::Image, image.starts_with(b"MZ"));
    assert_eq!(
        Digests::of(Kind::Flat, &image),
        Ok(Digests::of_bytes(&image))
    );
    let Ok(digests) = Digests::of_image(&image) else {
        assert!(!is_sound, "a sound image has a digest");
        return;
    };
    let left_out = left_out(&image).expect("headers with a place for a signature");
    let mut counted = Vec::new();
    let mut from = 0;
    for range in left_out {
        counted.extend_from_slice(&image[from..range.start]);
        from = range.end;
    }
    counted.extend_from_slice(&image[from..]);
    assert_eq!(digests, Digests::of_bytes(&counted));
}

/// An image of 64 bits without a section.
pub(super) fn sound() -> Vec<u8> {
    let mut image = vec![0x5A; LENGTH];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    let headers = HEADERS as usize;
    put(0, b"MZ");
    put(0x3C, &HEADERS.to_le_bytes());
    put(headers, b"PE\0\0\x64\x86\0\0");
    put(headers + 20, &OPTIONAL_SIZE.to_le_bytes());
    put(headers + 24, &0x20B_u16.to_le_bytes());
    put(headers + 24 + 108, &16_u32.to_le_bytes());
    put(headers + 24 + 112, &[0; 16 * 8]);
    image
}

/// Appends a signature of this length.
fn sign(image: &mut Vec<u8>, length: usize) {
    let Some([_, entry, ..]) = left_out(image) else {
        return;
    };
    let at = image.len() as u32;
    image.extend(std::iter::repeat_n(0xA5, length));
    image[entry.start..entry.start + 4].copy_from_slice(&at.to_le_bytes());
    image[entry.start + 4..entry.end].copy_from_slice(&(length as u32).to_le_bytes());
}

/// What does not count: checksum, entry, signature. Nothing if there is no room for them in that order.
fn left_out(image: &[u8]) -> Option<[Range<usize>; 3]> {
    let number = |at: usize, width: usize| {
        let bytes = image.get(at..at.checked_add(width)?)?.iter().rev();
        Some(bytes.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let optional = number(0x3C, 4)? + 24;
    let entry = optional + 112 + 4 * 8;
    // There is such an entry: the header says so, and is as long.
    (number(optional + 108, 4)? > 4 && number(optional - 4, 2)? >= 112 + 5 * 8).then_some(())?;
    let (at, length) = (number(entry, 4)?, number(entry + 4, 4)?);
    let signature = if length == 0 {
        image.len()..image.len()
    } else {
        at..at + length
    };
    (signature.end == image.len() && entry + 8 <= signature.start).then_some(())?;
    Some([optional + 64..optional + 68, entry..entry + 8, signature])
}
