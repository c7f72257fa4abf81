//! Who sent a request: these routines follow the thread that asked, whichever thread the callback
//! happens to run on.

use super::frame::request_of;
use super::phase::{self, Nature};
use crate::boundary::import::Call;
use crate::process::Bitness;
use crate::thread::Mode;
use crate::verifier::Violation;

/// `FltGetRequestorProcess`: not referenced, valid as long as the request is.
pub(super) fn flt_get_requestor_process(call: &Call, data: u64) -> Result<u64, Violation> {
    phase::check(call, Nature::Other)?;
    Ok(request_of(call, data)?.originator.process().object().0)
}

/// `FltGetRequestorProcessId`: process ids have 32 bits here.
pub(super) fn flt_get_requestor_process_id(call: &Call, data: u64) -> Result<u32, Violation> {
    phase::check(call, Nature::Other)?;
    Ok((request_of(call, data)?.originator.process().id() & 0xFFFF_FFFF) as u32)
}

/// `FltIs32bitProcess`: for an IRP that the I/O manager built for a user-mode caller, whether that is
/// a 32-bit process; without callback data, whether the present process is one.
pub(super) fn flt_is_32bit_process(call: &Call, data: u64) -> Result<bool, Violation> {
    phase::check(call, Nature::Other)?;
    if data == 0 {
        return Ok(call.thread().process().bitness() == Bitness::Bits32);
    }
    let request = request_of(call, data)?;
    Ok(request.mode == Mode::User && request.originator.process().bitness() == Bitness::Bits32)
}
