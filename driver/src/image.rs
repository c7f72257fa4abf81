//! The hash of the file that the driver was loaded from: what runs, in the trail it leaves.

use flt::irql::Passive;
use flt::memory::try_zeroed;
use flt::registry::Parameters;
use flt::status::NtStatus;
use guard::Fact;
use sha2::{Digest as _, Sha256};
use wire::IMAGE_HASH_SIZE;

/// The file is read in pieces of this size.
const PIECE: usize = 16 * 1024;

/// SHA-256 of the driver's own file, or why there is none: early in the start of the machine no file can be read yet.
/// In the thread that loads the driver, which has just read the same file.
pub(crate) fn hash(parameters: &Parameters, passive: Passive) -> Fact<[u8; IMAGE_HASH_SIZE]> {
    match digest(parameters, passive) {
        Ok(digest) => Fact::Known(digest),
        Err(status) => Fact::Refused(status.bits()),
    }
}

/// Apart, so that what hashing takes of the stack does not stay there.
#[inline(never)]
fn digest(parameters: &Parameters, passive: Passive) -> Result<[u8; IMAGE_HASH_SIZE], NtStatus> {
    let mut room = try_zeroed(PIECE)?;
    let mut hash = Sha256::new();
    parameters.read_own_image(&mut room, passive, |piece| hash.update(piece))?;
    Ok(hash.finalize().into())
}
