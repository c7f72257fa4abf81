//! The shipped driver under a script that the bytes make (`conformance::property`): opens, writes, truncations,
//! clones of every caller, handle games, requests in flight, policies, programs at the port, calls that fail,
//! detachments, dismounts, unloads and loads.
//!
//! The oracle is the test-bed's verifier, which ends the process with status 86 when the driver breaks a rule of the
//! kernel; the referee is the same script on a machine without the driver. The driver itself is not instrumented:
//! a fuzzer is led by the branches of the test-bed and of what reads the records.

use std::path::PathBuf;
use std::sync::OnceLock;

use conformance::property;
pub use conformance::property::{change, drawn};
use conformance::stages::{CannotRun, find_image};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

/// Plays the script.
///
/// # Panics
/// If the property does not hold, or there is no image.
pub fn body(bytes: &[u8]) {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        stay_on_one_processor();
        match find_image(None) {
            Ok(image) => image,
            Err(CannotRun(why)) => panic!("{why}"),
        }
    });
    if let Err(what) = property::replay(image, bytes) {
        panic!("{what}");
    }
}

/// The threads of a machine hand over to each other all the time and hardly ever run at once: to wake one on another
/// processor costs more than all that it does then. Threads that are started from now on stay here too.
fn stay_on_one_processor() {
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    if let Err(error) = sched_setaffinity(None, &here) {
        // It is only slower.
        eprintln!("the threads may wander: {error}");
    }
}

/// Changes the script in the first `size` bytes of a buffer, which has room for `room`; answers how long it is now.
/// What libFuzzer does to bytes without knowing what they mean is the other half of its changes.
pub fn mutate(buffer: &mut [u8], size: usize, room: usize, seed: u32) -> usize {
    let changed = change(&buffer[..size], seed.into());
    let size = changed.len().min(room);
    buffer[..size].copy_from_slice(&changed[..size]);
    size
}
