//! The digests of the files of a package: of an image the Authenticode digest, of others the file's.
//!
//! Our own reading of the rule, from "Windows Authenticode Portable Executable Signature Format", section
//! "Calculating the PE Image Hash". Who verifies a package asks
//! a second implementation too, the crate `authenticode`.

use core::fmt;

use object::LittleEndian as LE;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_SECURITY, ImageDataDirectory, ImageDosHeader, ImageNtHeaders64,
};
use object::read::pe::ImageNtHeaders as _;
use sha2::Digest as _;

/// Why a file has no digest of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestError {
    /// It is none of 64 bits, with headers that can be read; why not.
    NoImage(object::read::Error),
    /// Its header has no place for a signature.
    NoEntry,
    /// What the headers speak of is not all there.
    CutShort,
    /// The signature is not the last thing in it.
    BehindSignature,
}

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoImage(_) => "no PE image",
            Self::NoEntry => "the header of the image has no place for a signature",
            Self::CutShort => "the image is cut short",
            Self::BehindSignature => {
                "something follows the signature of the image, or it is cut short"
            }
        })
    }
}

impl std::error::Error for DigestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoImage(why) => Some(why),
            Self::NoEntry | Self::CutShort | Self::BehindSignature => None,
        }
    }
}

/// What a digest is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A PE image without its checksum and signature.
    Image,
    /// A file as it is.
    Flat,
}

impl Kind {
    /// What Inf2Cat makes of a file with these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"MZ") {
            Self::Image
        } else {
            Self::Flat
        }
    }
}

/// A digest of each kind that catalogues have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// By SHA-256.
    pub sha256: [u8; 32],
    /// By SHA-1.
    pub sha1: [u8; 20],
}

impl Digests {
    /// Of a file as it is.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// Of an image.
    pub fn of_image(bytes: &[u8]) -> Result<Self, DigestError> {
        Ok(Self::of_parts(&signed_parts(bytes)?))
    }

    /// Of a file, as its kind demands.
    pub fn of(kind: Kind, bytes: &[u8]) -> Result<Self, DigestError> {
        match kind {
            Kind::Image => Self::of_image(bytes),
            Kind::Flat => Ok(Self::of_bytes(bytes)),
        }
    }

    fn of_parts(parts: &[&[u8]]) -> Self {
        let mut sha256 = sha2::Sha256::new();
        let mut sha1 = sha1::Sha1::new();
        for part in parts {
            sha256.update(part);
            sha1.update(part);
        }
        Self {
            sha256: sha256.finalize().into(),
            sha1: sha1.finalize().into(),
        }
    }
}

/// The offset of the checksum in the optional header, and its length.
const CHECKSUM: (usize, usize) = (64, 4);
/// The offset of the optional header after that of the signature "PE".
const OPTIONAL_HEADER: usize = 24;
/// The offset of the data directories in the optional header of a 64-bit image.
const DIRECTORIES: usize = 112;

/// All of an image but its checksum, the entry of the signature in the header, and the signature.
fn signed_parts(bytes: &[u8]) -> Result<Vec<&[u8]>, DigestError> {
    let dos = ImageDosHeader::parse(bytes).map_err(DigestError::NoImage)?;
    let start = dos.nt_headers_offset() as usize + OPTIONAL_HEADER;
    let mut offset = u64::from(dos.nt_headers_offset());
    let headers = ImageNtHeaders64::parse(bytes, &mut offset);
    let (_, directories) = headers.map_err(DigestError::NoImage)?;
    let entry =
        start + DIRECTORIES + IMAGE_DIRECTORY_ENTRY_SECURITY * size_of::<ImageDataDirectory>();
    let checksum = start + CHECKSUM.0;
    // Its `get` would take an entry for none whose address is 0.
    let directory = directories.iter().nth(IMAGE_DIRECTORY_ENTRY_SECURITY);
    let directory = directory.ok_or(DigestError::NoEntry)?;
    let (signature, length) = (directory.virtual_address.get(LE), directory.size.get(LE));
    let end = if length == 0 {
        bytes.len()
    } else {
        // Of this one entry the address is an offset in the file.
        if u64::from(signature) + u64::from(length) != bytes.len() as u64 {
            return Err(DigestError::BehindSignature);
        }
        signature as usize
    };
    let part = |from, to| bytes.get(from..to).ok_or(DigestError::CutShort);
    Ok(vec![
        part(0, checksum)?,
        part(checksum + CHECKSUM.1, entry)?,
        part(entry + size_of::<ImageDataDirectory>(), end)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // FIPS 180-4, the examples of NIST for "abc".
        let digests = Digests::of_bytes(b"abc");
        assert_eq!(digests.sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(digests.sha1[..4], [0xa9, 0x99, 0x3e, 0x36]);
    }

    #[test]
    fn a_file_that_is_no_image_has_no_digest_of_one() {
        assert!(Digests::of_image(b"MZ, but no more").is_err());
        assert_eq!(Kind::of(b"MZ, but no more"), Kind::Image);
        assert_eq!(Kind::of(b"[Version]"), Kind::Flat);
    }

    /// Headers with so many directories, and some bytes behind them.
    fn image(directories: u32) -> Vec<u8> {
        let mut image = vec![0; 0x200];
        let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"MZ");
        put(0x3C, &0x40_u32.to_le_bytes());
        put(0x40, b"PE\0\0\x64\x86");
        put(0x54, &(112 + 16 * 8_u16).to_le_bytes());
        put(0x58, &0x20B_u16.to_le_bytes());
        put(0x58 + 108, &directories.to_le_bytes());
        image
    }

    #[test]
    fn where_no_place_for_a_signature_is_nothing_is_left_out_for_one() {
        assert!(Digests::of_image(&image(5)).is_ok());
        assert_eq!(Digests::of_image(&image(4)), Err(DigestError::NoEntry));
    }
}
