//! Tests of the registry routines, called by the host as driver 0.

use super::super::test_call::{block, broken, in_system, in_user};
use super::key::{QUERY_VALUE, READ, SET_VALUE, WRITE, open_key};
use super::*;
use crate::boundary::import::Call;
use crate::ntos::ob::zw_close;
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS, STATUS_TOO_LATE,
};
use crate::verifier::Rule;

/// What a query answers: status, length, and the buffer, which was filled with 0x77.
type Answer = (NtStatus, u32, Vec<u8>);

fn name(call: &Call, text: &str) -> u64 {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (string, buffer) = (block(call, 16), block(call, units.len() as u64));
    let guest = call.guest();
    let length = units.len() as u16;
    guest.write_bytes(buffer, &units, "text").expect("room");
    guest.write_u16(string, length, "length").expect("room");
    guest
        .write_u16(string + 2, length, "maximum")
        .expect("room");
    guest.write_u64(string + 8, buffer, "buffer").expect("room");
    string
}

fn query(call: &Call, key: u64, text: &str, length: u32) -> Answer {
    let (information, size) = (block(call, 64), block(call, 4));
    let guest = call.guest();
    guest
        .write_bytes(information, &[0x77; 64], "information")
        .expect("room");
    let arguments = (key, name(call, text), 2, information, length, size);
    let status = zw_query_value_key(call, arguments).expect("no rule is broken");
    let bytes = guest.bytes(information, 64, "information").expect("room");
    (status, guest.read_u32(size, "size").expect("room"), bytes)
}

/// Opens the key as if the host were a driver named "host".
fn open(call: &Call) -> u64 {
    open_key(call, KeyKind::Parameters, READ)
}

#[test]
fn values_are_read_as_they_were_set() {
    in_system(|call| {
        let machine = call.machine();
        machine.set_registry("host", "Policy", RegistryValue::Binary(vec![1, 2, 3]));
        machine.set_registry("host", "Limit", RegistryValue::Dword(0x0102_0304));
        machine.set_registry("HOST", "mode", RegistryValue::Text("on".to_owned()));
        machine.set_registry("other", "Only", RegistryValue::Dword(1));
        let key = open(call);
        let (status, size, bytes) = query(call, key, "POLICY", 64);
        assert_eq!((status, size), (STATUS_SUCCESS, 15));
        assert_eq!(
            bytes[..16],
            [0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 0x77]
        );
        let (_, size, bytes) = query(call, key, "Limit", 16);
        assert_eq!(
            (size, &bytes[4..16]),
            (16, &[4, 0, 0, 0, 4, 0, 0, 0, 4, 3, 2, 1][..])
        );
        let (_, size, bytes) = query(call, key, "Mode", 64);
        assert_eq!((size, &bytes[12..18]), (18, &b"o\0n\0\0\0"[..]));
        assert_eq!(query(call, key, "Only", 64).0, STATUS_OBJECT_NAME_NOT_FOUND);
        assert!(machine.remove_registry("host", "policy"));
        assert!(!machine.remove_registry("host", "policy"));
        assert_eq!(
            query(call, key, "Policy", 64).0,
            STATUS_OBJECT_NAME_NOT_FOUND
        );
        assert_eq!(zw_close(call, key), Ok(STATUS_SUCCESS));
    });
}

#[test]
fn what_does_not_fit_is_cut_or_left_out() {
    in_system(|call| {
        call.machine()
            .set_registry("host", "Policy", RegistryValue::Binary(vec![9; 20]));
        let key = open(call);
        for length in [0, 11] {
            let (status, size, bytes) = query(call, key, "Policy", length);
            assert_eq!((status, size), (STATUS_BUFFER_TOO_SMALL, 32));
            assert_eq!(bytes, [0x77; 64], "no data has been written");
        }
        for length in [12, 31] {
            let (status, size, bytes) = query(call, key, "Policy", length);
            assert_eq!((status, size), (STATUS_BUFFER_OVERFLOW, 32));
            let (got, rest) = bytes.split_at(length as usize);
            assert_eq!((got[8], &got[12..]), (20, &vec![9; got.len() - 12][..]));
            assert!(rest.iter().all(|byte| *byte == 0x77));
        }
        assert_eq!(query(call, key, "Policy", 32).0, STATUS_SUCCESS);
    });
}

#[test]
fn the_key_is_opened_by_a_system_thread_for_reading() {
    let arguments = |call: &Call| (0, 0, READ, 0, block(call, 8));
    in_user(|call| {
        let opened = io_open_driver_registry_key(call, arguments(call));
        assert_eq!(broken(opened), Rule::Handle);
    });
    in_system(|call| {
        // The host has no driver object to show.
        let opened = io_open_driver_registry_key(call, arguments(call));
        assert_eq!(broken(opened), Rule::Argument);
    });
}

#[test]
fn a_handle_is_good_for_its_own_process_and_rights_only() {
    in_system(|call| {
        let string = name(call, "Policy");
        let out = block(call, 16);
        let ask =
            |call: &Call, key, class| zw_query_value_key(call, (key, string, class, 0, 0, out));
        let key = open(call);
        assert_eq!(ask(call, key, 6), Ok(STATUS_INVALID_PARAMETER));
        assert_eq!(broken(ask(call, key, 1)), Rule::NotModelled);
        assert_eq!(broken(ask(call, key + 4, 2)), Rule::Handle);
        let blind = open_key(call, KeyKind::Parameters, READ & !QUERY_VALUE);
        assert_eq!(broken(ask(call, blind, 2)), Rule::Handle);
        let spec = crate::process::ProcessSpec::user(r"\Device\X\copy.exe");
        call.machine().create_process(spec).run_kernel(|thread| {
            let elsewhere = Call::by_host(thread.thread(), "ZwQueryValueKey");
            assert_eq!(broken(ask(&elsewhere, key, 2)), Rule::Handle);
            assert_eq!(broken(zw_close(&elsewhere, key)), Rule::Handle);
        });
        zw_close(call, key).expect("closed");
        assert_eq!(broken(ask(call, key, 2)), Rule::Handle);
    });
}

fn set(
    call: &Call,
    key: u64,
    text: &str,
    (kind, bytes): (u32, &[u8]),
) -> Result<NtStatus, crate::Violation> {
    let data = block(call, bytes.len().max(1) as u64);
    call.guest().write_bytes(data, bytes, "data").expect("room");
    zw_set_value_key(
        call,
        (key, name(call, text), 0, kind, data, bytes.len() as u32),
    )
}

#[test]
fn a_state_stays_and_is_kept_apart_from_the_parameters() {
    in_system(|call| {
        let machine = call.machine();
        machine.set_registry("host", "Run", RegistryValue::Dword(1));
        let key = open_key(call, KeyKind::State, READ | WRITE);
        assert_eq!(query(call, key, "Run", 64).0, STATUS_OBJECT_NAME_NOT_FOUND);
        for (kind, bytes) in [(BINARY, &[1, 2, 3][..]), (QWORD, &[7; 8]), (DWORD, &[9; 4])] {
            assert_eq!(set(call, key, "Run", (kind, bytes)), Ok(STATUS_SUCCESS));
            let (status, size, answer) = query(call, key, "run", 64);
            assert_eq!((status, size), (STATUS_SUCCESS, 12 + bytes.len() as u32));
            assert_eq!(answer[4..8], kind.to_le_bytes());
            assert_eq!(&answer[12..12 + bytes.len()], bytes);
        }
        assert_eq!(zw_close(call, key), Ok(STATUS_SUCCESS));
        let run = machine.driver_state_value("HOST", "RUN");
        assert_eq!(run, Some(RegistryValue::Dword(0x0909_0909)));
        let parameters = open(call);
        assert_eq!(query(call, parameters, "Run", 64).2[12], 1);
    });
}

#[test]
fn what_is_not_flushed_is_lost_with_the_power() {
    in_system(|call| {
        let key = open_key(call, KeyKind::State, SET_VALUE);
        let first = set(call, key, "Run", (DWORD, &[1, 0, 0, 0]));
        assert_eq!(first, Ok(STATUS_SUCCESS));
        assert_eq!(
            call.machine().driver_state_on_disk("host"),
            DriverState::default()
        );
        assert_eq!(zw_flush_key(call, key), Ok(STATUS_SUCCESS));
        let second = set(call, key, "Run", (DWORD, &[2, 0, 0, 0]));
        assert_eq!(second, Ok(STATUS_SUCCESS));
        let disk = call.machine().driver_state_on_disk("host");
        let next = Machine::boot(crate::BootOptions::default());
        next.restore_driver_state("Host", disk.clone());
        let run = next.driver_state_value("host", "run");
        assert_eq!(run, Some(RegistryValue::Dword(1)));
        assert_eq!(next.driver_state_on_disk("host"), disk);
    });
}

#[test]
fn a_write_needs_its_right_a_name_and_a_type() {
    in_system(|call| {
        let number = (DWORD, &[0; 4][..]);
        let blind = open_key(call, KeyKind::State, READ);
        assert_eq!(broken(set(call, blind, "Run", number)), Rule::Handle);
        let key = open_key(call, KeyKind::State, WRITE);
        assert_eq!(broken(set(call, key, "", number)), Rule::NotModelled);
        let short = set(call, key, "Run", (DWORD, &[0; 3]));
        assert_eq!(broken(short), Rule::NotModelled);
        let links = set(call, key, "Run", (6, &[0; 4]));
        assert_eq!(broken(links), Rule::NotModelled);
        let title = (key, name(call, "Run"), 1, DWORD, block(call, 4), 4);
        assert_eq!(broken(zw_set_value_key(call, title)), Rule::Argument);
        let nowhere = (key, name(call, "Run"), 0, DWORD, 0, 4);
        assert_eq!(broken(zw_set_value_key(call, nowhere)), Rule::BadPointer);
    });
}

#[test]
fn a_filter_blocks_the_values_of_one_service_and_no_state() {
    in_system(|call| {
        let machine = call.machine();
        machine.set_registry("host", "Policy", RegistryValue::Dword(1));
        let (key, state) = (open(call), open_key(call, KeyKind::State, READ | WRITE));
        let ask = |key| query(call, key, "Policy", 64).0;
        assert_eq!(
            set(call, state, "Policy", (DWORD, &[0; 4])),
            Ok(STATUS_SUCCESS)
        );
        for blocked in [None, Some(Blocked::Open)] {
            machine.block_registry("host", blocked);
            assert_eq!((ask(key), ask(state)), (STATUS_SUCCESS, STATUS_SUCCESS));
        }
        machine.block_registry("HOST", Some(Blocked::Query));
        machine.block_registry("another", Some(Blocked::Open));
        assert_eq!(
            (ask(key), ask(state)),
            (STATUS_ACCESS_DENIED, STATUS_SUCCESS)
        );
        machine.block_registry("host", None);
        assert_eq!(ask(key), STATUS_SUCCESS);
    });
}

#[test]
fn a_start_finds_what_the_disk_has_and_writes_again() {
    in_system(|call| {
        let (machine, key) = (call.machine(), open_key(call, KeyKind::State, SET_VALUE));
        machine.set_registry("host", "Policy", RegistryValue::Dword(1));
        let write = |value| set(call, key, "Run", (DWORD, &[value, 0, 0, 0]));
        let run = || machine.driver_state_value("host", "Run");
        assert_eq!(write(1), Ok(STATUS_SUCCESS));
        assert_eq!(zw_flush_key(call, key), Ok(STATUS_SUCCESS));
        assert_eq!(write(2), Ok(STATUS_SUCCESS));
        machine.registry().lose_power();
        assert_eq!(write(3), Ok(STATUS_TOO_LATE));
        machine.registry().start_again();
        assert_eq!(run(), Some(RegistryValue::Dword(1)));
        assert_eq!(write(4), Ok(STATUS_SUCCESS));
        machine.registry().close();
        machine.registry().start_again();
        assert_eq!(run(), Some(RegistryValue::Dword(4)));
        assert!(machine.remove_registry("host", "Policy"), "still there");
    });
}
