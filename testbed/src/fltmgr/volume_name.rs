//! The two names of a volume: that of its device and that of the mount manager.

use super::phase::{self, Nature};
use super::volume::volume_at;
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::status::{
    NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_FLT_DELETING_OBJECT, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};
use crate::verifier::Violation;

/// `FltGetVolumeGuidName`: "VolumeGuidName .. is required and cannot be NULL", also to learn the size.
pub(super) fn flt_get_volume_guid_name(
    call: &Call,
    volume: u64,
    name: u64,
    needed: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let volume = volume_at(call, volume)?;
    if !volume.tells_names() {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    answer(call, &volume.guid_name(), ("VolumeGuidName", name), needed)
}

/// `FltGetVolumeName`: one of the two pointers may be NULL, to learn the size or not to.
pub(super) fn flt_get_volume_name(
    call: &Call,
    volume: u64,
    name: u64,
    needed: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let volume = volume_at(call, volume)?;
    if !volume.tells_names() {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    if name != 0 {
        return answer(call, volume.name(), ("VolumeName", name), needed);
    }
    if needed == 0 {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let length = 2 * volume.name().encode_utf16().count();
    call.guest()
        .write_u32(needed, length as u32, "BufferSizeNeeded")?;
    Ok(STATUS_BUFFER_TOO_SMALL)
}

/// Copies `text` into the UNICODE_STRING of the caller, or says how many bytes it needs.
fn answer(
    call: &Call,
    text: &str,
    (argument, string): (&str, u64),
    needed: u64,
) -> Result<NtStatus, Violation> {
    let guest = call.guest();
    guest.check_aligned(string, 8, argument)?;
    guest.check(string, 16, Access::ReadWrite, argument)?;
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    if needed != 0 {
        guest.write_u32(needed, text.len() as u32, "BufferSizeNeeded")?;
    }
    let part = |member: &str| format!("{argument}.{member}");
    let room = guest.read_u16(string + 2, &part("MaximumLength"))?;
    if usize::from(room) < text.len() {
        return Ok(STATUS_BUFFER_TOO_SMALL);
    }
    let buffer = guest.read_u64(string + 8, &part("Buffer"))?;
    guest.write_bytes(buffer, &text, &part("Buffer"))?;
    guest.write_u16(string, text.len() as u16, &part("Length"))?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;
    use crate::verifier::Rule;

    /// Both routines.
    type Routine = fn(&Call, u64, u64, u64) -> Result<NtStatus, Violation>;

    /// Asks with one byte too little, then with enough, and answers the name.
    fn ask(call: &Call, fixture: &Fixture, routine: Routine, bytes: u16) -> String {
        let (string, text, needed) = (fixture.buffer(16), fixture.buffer(96), fixture.buffer(4));
        let guest = call.guest();
        let room = |length| {
            guest
                .write_u16(string + 2, length, "MaximumLength")
                .expect("writable");
        };
        guest
            .write_u64(string + 8, text, "Buffer")
            .expect("writable");
        room(bytes - 1);
        let small = routine(call, fixture.volume, string, needed);
        assert_eq!(small, Ok(STATUS_BUFFER_TOO_SMALL));
        assert_eq!(guest.read_u32(needed, "needed"), Ok(bytes.into()));
        room(bytes);
        let fits = routine(call, fixture.volume, string, 0);
        assert_eq!(fits, Ok(STATUS_SUCCESS));
        let name = guest.read_unicode_string(string, "name").expect("a string");
        String::from_utf16(&name).expect("text")
    }

    #[test]
    fn a_name_needs_room() {
        Fixture::run("FltGetVolumeGuidName", |call, fixture| {
            let guid = ask(call, fixture, flt_get_volume_guid_name, 96);
            assert_eq!(guid, fixture.attached.volume.guid_name());
            let device = ask(call, fixture, flt_get_volume_name, 46);
            assert_eq!(device, r"\Device\HarddiskVolume1");
        });
    }

    #[test]
    fn the_length_alone_is_told_of_the_device_name_only() {
        Fixture::run("FltGetVolumeName", |call, fixture| {
            let needed = fixture.buffer(4);
            let length = flt_get_volume_name(call, fixture.volume, 0, needed);
            assert_eq!(length, Ok(STATUS_BUFFER_TOO_SMALL));
            assert_eq!(call.guest().read_u32(needed, "needed"), Ok(46));
            let nothing = flt_get_volume_name(call, fixture.volume, 0, 0);
            assert_eq!(nothing, Ok(STATUS_INVALID_PARAMETER));
            let null = flt_get_volume_guid_name(call, fixture.volume, 0, needed).unwrap_err();
            assert_eq!(null.rule, Rule::BadPointer, "{null}");
        });
    }
}
