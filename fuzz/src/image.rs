//! The shipped driver under a script that the bytes make (`conformance::property`): opens, writes, truncations,
//! clones of every caller, handle games, policies, programs at the port, detachments, unloads and loads.
//!
//! The oracle is the test-bed's verifier, which ends the process with status 86 when the driver breaks a rule of the
//! kernel; the referee is the same script on a machine without the driver. The driver itself is not instrumented:
//! a fuzzer is led by the branches of the test-bed and of what reads the records.

use std::path::PathBuf;
use std::sync::OnceLock;

use conformance::property;
use conformance::stages::{CannotRun, find_image};

/// Plays the script.
///
/// # Panics
/// If the property does not hold, or there is no image.
pub fn body(bytes: &[u8]) {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    let image = IMAGE.get_or_init(|| match find_image(None) {
        Ok(image) => image,
        Err(CannotRun(why)) => panic!("{why}"),
    });
    if let Err(what) = property::replay(image, bytes) {
        panic!("{what}");
    }
}
