//! Tests of the routines, called by the host as driver 0.

use super::super::test_call::{block, broken, in_system, in_user};
use super::*;
use crate::ntos::ob::zw_close;

/// The arguments of an open: where the handle and the status go, and the attributes.
struct Open {
    out: u64,
    io_status: u64,
    attributes: u64,
}

const ACCESS: u32 = READ_DATA | SYNCHRONIZE;
const OPTIONS: u32 = SYNCHRONOUS_IO_NONALERT | NON_DIRECTORY_FILE;

fn prepare(call: &Call, path: &str, flags: u32) -> Open {
    let units: Vec<u8> = path.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (text, string) = (block(call, units.len() as u64), block(call, 16));
    let attributes = block(call, 48);
    let guest = call.guest();
    guest.write_bytes(text, &units, "text").expect("room");
    guest
        .write_u16(string, units.len() as u16, "length")
        .expect("room");
    guest
        .write_u16(string + 2, units.len() as u16, "maximum")
        .expect("room");
    guest.write_u64(string + 8, text, "buffer").expect("room");
    guest.write_u32(attributes, 48, "length").expect("room");
    guest
        .write_u64(attributes + 16, string, "name")
        .expect("room");
    guest
        .write_u32(attributes + 24, flags, "flags")
        .expect("room");
    Open {
        out: block(call, 8),
        io_status: block(call, 16),
        attributes,
    }
}

fn open(call: &Call, path: &str, flags: u32) -> Result<NtStatus, Violation> {
    let open = prepare(call, path, flags);
    zw_open_file(
        call,
        (
            open.out,
            ACCESS,
            open.attributes,
            open.io_status,
            1,
            OPTIONS,
        ),
    )
}

/// A file of 10 bytes, opened.
fn opened(call: &Call, access: u32) -> u64 {
    let path = SystemVolume::image_path("host");
    call.machine()
        .system_volume()
        .put(path.clone(), b"0123456789");
    let open = prepare(call, &path, 0x240);
    let arguments = (
        open.out,
        access,
        open.attributes,
        open.io_status,
        1,
        OPTIONS,
    );
    assert_eq!(zw_open_file(call, arguments), Ok(STATUS_SUCCESS));
    call.guest().read_u64(open.out, "handle").expect("room")
}

/// Reads at an offset or where the last read ended; answers status, Information, bytes.
fn read_at(call: &Call, file: u64, offset: Option<i64>, length: u32) -> (NtStatus, Vec<u8>) {
    let (io_status, buffer, place) = (block(call, 16), block(call, 16), block(call, 8));
    let guest = call.guest();
    let place = offset.map_or(0, |offset| {
        guest.write_i64(place, offset, "offset").expect("room");
        place
    });
    let arguments = (file, 0, 0, 0, io_status, buffer, length, place, 0);
    let status = zw_read_file(call, arguments).expect("no rule is broken");
    let count = guest.read_u64(io_status + 8, "information").expect("room");
    (status, guest.bytes(buffer, count, "buffer").expect("room"))
}

#[test]
fn a_file_is_read_to_its_end() {
    in_system(|call| {
        let file = opened(call, ACCESS);
        assert_eq!(
            read_at(call, file, None, 4),
            (STATUS_SUCCESS, b"0123".to_vec())
        );
        assert_eq!(
            read_at(call, file, Some(-2), 4),
            (STATUS_SUCCESS, b"4567".to_vec())
        );
        assert_eq!(
            read_at(call, file, None, 4),
            (STATUS_SUCCESS, b"89".to_vec())
        );
        assert_eq!(read_at(call, file, None, 4), (STATUS_END_OF_FILE, vec![]));
        assert_eq!(
            read_at(call, file, Some(9), 4),
            (STATUS_SUCCESS, b"9".to_vec())
        );
        assert_eq!(
            read_at(call, file, Some(1 << 40), 4),
            (STATUS_END_OF_FILE, vec![])
        );
        assert_eq!(
            read_at(call, file, Some(-3), 4),
            (STATUS_INVALID_PARAMETER, vec![])
        );
        assert_eq!(zw_close(call, file), Ok(STATUS_SUCCESS));
        let blind = opened(call, SYNCHRONIZE);
        assert_eq!(
            read_at(call, blind, None, 4),
            (STATUS_ACCESS_DENIED, vec![])
        );
    });
}

#[test]
fn a_name_leads_to_a_file_of_the_system_volume_or_to_none() {
    in_system(|call| {
        let file = opened(call, GENERIC_READ);
        assert_eq!(
            read_at(call, file, None, 1),
            (STATUS_SUCCESS, b"0".to_vec())
        );
        let path = r"\systemroot\system32\DRIVERS\host.sys";
        assert_eq!(open(call, path, 0x40), Ok(STATUS_SUCCESS));
        assert_eq!(open(call, path, 0), Ok(STATUS_OBJECT_NAME_NOT_FOUND));
        let other = open(call, r"\SystemRoot\other.sys", 0x40);
        assert_eq!(other, Ok(STATUS_OBJECT_NAME_NOT_FOUND));
        let mounted = open(call, r"\Device\HarddiskVolume1\a", 0x40);
        assert_eq!(broken(mounted), Rule::NotModelled);
    });
}

#[test]
fn what_is_more_than_reading_an_image_is_refused() {
    in_system(|call| {
        let file = opened(call, ACCESS);
        let path = SystemVolume::image_path("host");
        let ask = |access, options| {
            let open = prepare(call, &path, 0x240);
            zw_open_file(
                call,
                (
                    open.out,
                    access,
                    open.attributes,
                    open.io_status,
                    1,
                    options,
                ),
            )
        };
        assert_eq!(broken(ask(ACCESS | 2, OPTIONS)), Rule::NotModelled);
        assert_eq!(broken(ask(ACCESS, NON_DIRECTORY_FILE)), Rule::NotModelled);
        assert_eq!(
            ask(READ_DATA, OPTIONS),
            Ok(STATUS_INVALID_PARAMETER),
            "no SYNCHRONIZE"
        );
        let (io_status, buffer) = (block(call, 16), block(call, 16));
        let event = (file, 4, 0, 0, io_status, buffer, 4, 0, 0);
        assert_eq!(broken(zw_read_file(call, event)), Rule::NotModelled);
        let outside = (file, 0, 0, 0, io_status, buffer, 17, 0, 0);
        assert_eq!(broken(zw_read_file(call, outside)), Rule::BadPointer);
        let no_handle = (file + 4, 0, 0, 0, io_status, buffer, 4, 0, 0);
        assert_eq!(broken(zw_read_file(call, no_handle)), Rule::Handle);
    });
}

#[test]
fn in_a_user_process_the_handle_is_one_of_the_kernel_and_is_not_read_from() {
    in_user(|call| {
        let path = SystemVolume::image_path("host");
        assert_eq!(broken(open(call, &path, 0x40)), Rule::Handle);
        let file = opened(call, ACCESS);
        assert!(handle::is_kernel_value(file), "{file:#x}");
        let (io_status, buffer) = (block(call, 16), block(call, 16));
        let arguments = (file, 0, 0, 0, io_status, buffer, 4, 0, 0);
        assert_eq!(broken(zw_read_file(call, arguments)), Rule::Handle);
        assert_eq!(zw_close(call, file), Ok(STATUS_SUCCESS));
    });
}
