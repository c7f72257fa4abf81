//! A small minifilter for the tests of the modelled filter manager: well behaved as it stands, with
//! one fault each under `--cfg fault="..."`. It is data to the test-bed, compiled for
//! x86_64-pc-windows-msvc by the tests themselves.
//!
//! It watches FSCTL_DUPLICATE_EXTENTS_TO_FILE: takes names, the instance context, the process, keeps
//! a note in pool between pre- and post-operation, and prints what it saw.
#![no_std]
#![no_main]

use core::ffi::c_void;
use core::ptr::{null, null_mut};

type Ptr = *mut c_void;
type Status = i32;

#[link(name = "fltmgr.sys", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn FltRegisterFilter(driver: Ptr, registration: *const Registration, filter: *mut Ptr) -> Status;
    fn FltStartFiltering(filter: Ptr) -> Status;
    fn FltUnregisterFilter(filter: Ptr);
    fn FltAllocateContext(filter: Ptr, kind: u16, size: usize, pool: u32, out: *mut Ptr) -> Status;
    fn FltReleaseContext(context: Ptr);
    fn FltSetInstanceContext(instance: Ptr, operation: u32, new: Ptr, old: *mut Ptr) -> Status;
    fn FltGetInstanceContext(instance: Ptr, out: *mut Ptr) -> Status;
    fn FltGetFileNameInformation(data: *mut Data, options: u32, out: *mut Ptr) -> Status;
    fn FltReleaseFileNameInformation(information: Ptr);
    fn FltGetRequestorProcessId(data: *mut Data) -> u32;
    fn FltIs32bitProcess(data: *mut Data) -> u8;
    fn FltQueryVolumeInformation(instance: Ptr, iosb: *mut u64, out: Ptr, length: u32, class: u32) -> Status;
    fn FltQueryInformationFile(instance: Ptr, file: Ptr, out: Ptr, length: u32, class: u32, returned: *mut u32) -> Status;
    fn FltGetVolumeGuidName(volume: Ptr, name: *mut UnicodeString, needed: *mut u32) -> Status;
    fn FltBuildDefaultSecurityDescriptor(out: *mut Ptr, access: u32) -> Status;
    fn FltFreeSecurityDescriptor(descriptor: Ptr);
    fn FltCreateCommunicationPort(filter: Ptr, port: *mut Ptr, attributes: *const Attributes, cookie: Ptr, connect: ConnectFn, disconnect: DisconnectFn, message: Ptr, limit: i32) -> Status;
    fn FltCloseCommunicationPort(port: Ptr);
    fn FltCloseClientPort(filter: Ptr, port: *mut Ptr);
    fn FltSendMessage(filter: Ptr, port: *const Ptr, buffer: *const c_void, length: u32, reply: Ptr, reply_length: *mut u32, timeout: *const i64) -> Status;
}

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn ExAllocatePool2(flags: u64, size: usize, tag: u32) -> Ptr;
    fn ExFreePoolWithTag(block: Ptr, tag: u32);
    fn ObfReferenceObject(object: Ptr) -> isize;
    fn IoIsFileOriginRemote(file: Ptr) -> u8;
    fn IoOpenDriverRegistryKey(driver: Ptr, kind: u32, access: u32, flags: u32, key: *mut Ptr) -> Status;
}

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn DbgPrint(format: *const u8, ...) -> Status;
}

type ConnectFn = extern "system" fn(Ptr, Ptr, Ptr, u32, *mut Ptr) -> Status;
type DisconnectFn = extern "system" fn(Ptr);

#[repr(C)]
struct UnicodeString(u16, u16, *const u16);
#[repr(C)]
struct Attributes {
    length: u32,
    root: Ptr,
    name: *const UnicodeString,
    attributes: u32,
    descriptor: Ptr,
    quality: Ptr,
}
#[repr(C)]
struct Data {
    flags: u32,
    thread: Ptr,
    iopb: *mut Iopb,
    status: i32,
    information: usize,
    rest: [usize; 5],
    mode: i8,
}
#[repr(C)]
struct Iopb {
    irp_flags: u32,
    major: u8,
    minor: u8,
    operation_flags: u8,
    reserved: u8,
    file: Ptr,
    instance: Ptr,
    output_length: u32,
    _pad0: u32,
    input_length: u32,
    _pad1: u32,
    code: u32,
    _pad2: u32,
    buffer: *mut u8,
    rest: [usize; 2],
}
#[repr(C)]
struct Related {
    size: u16,
    transaction_context: u16,
    filter: Ptr,
    volume: Ptr,
    instance: Ptr,
    file: Ptr,
    transaction: Ptr,
}
#[repr(C)]
struct Operation {
    major: u8,
    flags: u32,
    pre: Option<extern "system" fn(*mut Data, *const Related, *mut Ptr) -> u32>,
    post: Option<extern "system" fn(*mut Data, *const Related, Ptr, u32) -> u32>,
    reserved: Ptr,
}
#[repr(C)]
struct ContextRegistration {
    kind: u16,
    flags: u16,
    cleanup: Option<extern "system" fn(Ptr, u16)>,
    size: usize,
    tag: u32,
    allocate: Ptr,
    free: Ptr,
    reserved: Ptr,
}
#[repr(C)]
struct Registration {
    size: u16,
    version: u16,
    flags: u32,
    contexts: *const ContextRegistration,
    operations: *const Operation,
    unload: Option<extern "system" fn(u32) -> Status>,
    setup: Option<extern "system" fn(*const Related, u32, u32, u32) -> Status>,
    query_teardown: Option<extern "system" fn(*const Related, u32) -> Status>,
    teardown_start: Option<extern "system" fn(*const Related, u32)>,
    teardown_complete: Option<extern "system" fn(*const Related, u32)>,
    rest: [Ptr; 6],
}
struct Table<T>(T);
// SAFETY: the tables are never written; what they point to is code and other such tables.
unsafe impl<T> Sync for Table<T> {}

const TAG: u32 = u32::from_le_bytes(*b"Test");
const PLAIN: u32 = 0x0009_8344;
const STATUS_NO_MEMORY: Status = 0xC000_009A_u32 as i32;
const DO_NOT_ATTACH: Status = 0xC01C_000F_u32 as i32;
const DO_NOT_DETACH: Status = 0xC01C_0010_u32 as i32;

static CONTEXTS: Table<[ContextRegistration; 2]> = Table([
    ContextRegistration { kind: 2, flags: 0, cleanup: Some(cleanup), size: 24, tag: TAG, allocate: null_mut(), free: null_mut(), reserved: null_mut() },
    ContextRegistration { kind: 0xFFFF, flags: 0, cleanup: None, size: 0, tag: 0, allocate: null_mut(), free: null_mut(), reserved: null_mut() },
]);
static OPERATIONS: Table<[Operation; 2]> = Table([
    Operation { major: if cfg!(fault = "other_major") { 0 } else { 0x0D }, flags: 0, pre: Some(pre), post: if cfg!(fault = "no_post") { None } else { Some(post) }, reserved: null_mut() },
    Operation { major: 0x80, flags: 0, pre: None, post: None, reserved: null_mut() },
]);
static REGISTRATION: Table<Registration> = Table(Registration {
    size: 0x70,
    version: 0x0203,
    flags: 0,
    contexts: &CONTEXTS.0[0],
    operations: &OPERATIONS.0[0],
    unload: Some(unload),
    setup: Some(setup),
    query_teardown: if cfg!(detachable) { Some(query_teardown) } else { None },
    teardown_start: Some(teardown),
    teardown_complete: Some(teardown),
    rest: [null_mut(); 6],
});

static mut FILTER: Ptr = null_mut();
static mut SERVER: Ptr = null_mut();
static mut CLIENT: Ptr = null_mut();
/// With `several`: one client port per cookie from 1.
static mut CLIENTS: [Ptr; 8] = [null_mut(); 8];
static mut DRIVER: Ptr = null_mut();
/// FsContext of the last target.
static mut STREAM: u64 = 0;
/// How often the filter declines to go.
static mut DECLINES: u32 = if cfg!(declines) { 2 } else { 0 };
static mut KEPT: *mut Data = null_mut();
/// Whether a request is between two places of the pre-operation.
static mut INSIDE: bool = false;
/// The newest note.
static mut NOTE: Ptr = null_mut();
static mut KEPT_FILE: *mut u64 = null_mut();
static PORT_NAME: [u16; 9] = [b'\\' as u16, b'T' as u16, b'e' as u16, b's' as u16, b't' as u16, b'P' as u16, b'o' as u16, b'r' as u16, b't' as u16];

fn print(text: &[u8]) {
    // One call for the whole line, so that two threads that print at once leave two lines.
    let mut line = [0_u8; 64];
    let words = text.iter().copied().take_while(|byte| *byte != 0).take(62);
    for (to, from) in line.iter_mut().zip(words.chain([b'\n'])) {
        *to = from;
    }
    unsafe { DbgPrint(b"%s\0".as_ptr(), line.as_ptr()) };
}

#[unsafe(no_mangle)]
extern "system" fn DriverEntry(driver: Ptr, _path: Ptr) -> Status {
    unsafe {
        DRIVER = driver;
        let status = FltRegisterFilter(driver, &REGISTRATION.0, &raw mut FILTER);
        if status < 0 {
            return status;
        }
        if cfg!(fault = "fails_registered") {
            return STATUS_NO_MEMORY;
        }
        let status = open_port();
        if status < 0 {
            FltUnregisterFilter(FILTER);
            return status;
        }
        let status = FltStartFiltering(FILTER);
        if status < 0 {
            FltCloseCommunicationPort(SERVER);
            FltUnregisterFilter(FILTER);
        }
        status
    }
}

unsafe fn open_port() -> Status {
    unsafe {
        let mut descriptor = null_mut();
        let status = FltBuildDefaultSecurityDescriptor(&mut descriptor, 0x1F_0001);
        if status < 0 {
            return status;
        }
        // "\\TestPor" for a second filter beside the first.
        let length = if cfg!(second) { 16 } else { 18 };
        let name = UnicodeString(length, length, PORT_NAME.as_ptr());
        let attributes = Attributes { length: 0x30, root: null_mut(), name: &name, attributes: if cfg!(fault = "user_port") { 0x40 } else { 0x240 }, descriptor, quality: null_mut() };
        let status = FltCreateCommunicationPort(FILTER, &raw mut SERVER, &attributes, null_mut(), connect, disconnect, null_mut(), if cfg!(several) { 3 } else { 1 });
        FltFreeSecurityDescriptor(descriptor);
        status
    }
}

extern "system" fn setup(objects: *const Related, flags: u32, _device: u32, kind: u32) -> Status {
    unsafe {
        print(if flags & 0x10 != 0 { b"setup dev drive\0" } else if flags & 4 != 0 { b"setup new mount\0" } else { b"setup\0" });
        if cfg!(fault = "send_in_setup") {
            FltSendMessage(FILTER, &raw const CLIENT, b"x".as_ptr().cast(), 1, null_mut(), null_mut(), &-10_000);
        }
        if kind == 2 {
            return DO_NOT_ATTACH;
        }
        if cfg!(looks) {
            print_guid((*objects).volume);
        }
        let mut sizes = [0_u64; 3];
        let mut iosb = [0_u64; 2];
        let status = FltQueryVolumeInformation((*objects).instance, iosb.as_mut_ptr(), sizes.as_mut_ptr().cast(), 24, 3);
        if status < 0 {
            return status;
        }
        let mut context = null_mut();
        let status = FltAllocateContext(FILTER, 2, 24, if cfg!(fault = "executable_pool") { 0 } else { 512 }, &mut context);
        if status < 0 {
            return status;
        }
        let sectors = (sizes[2] & 0xFFFF_FFFF) as u32;
        let bytes = (sizes[2] >> 32) as u32;
        *context.cast::<u32>() = sectors.wrapping_mul(bytes);
        let status = FltSetInstanceContext((*objects).instance, 1, context, null_mut());
        if !cfg!(fault = "leak_context") {
            FltReleaseContext(context);
        }
        status
    }
}

extern "system" fn cleanup(_context: Ptr, _kind: u16) {
    print(b"context cleanup\0");
}

extern "system" fn teardown(_objects: *const Related, reason: u32) {
    print(match reason {
        1 => b"manual teardown\0" as &[u8],
        2 => b"teardown by unload\0",
        4 => b"teardown by mandatory unload\0",
        _ => b"odd teardown\0",
    });
}

extern "system" fn query_teardown(_objects: *const Related, flags: u32) -> Status {
    if flags != 0 {
        print(b"odd query\0");
    }
    declines()
}

/// The answer of a filter that declines to go a few times.
fn declines() -> Status {
    unsafe {
        if DECLINES == 0 {
            return 0;
        }
        DECLINES -= 1;
        DO_NOT_DETACH
    }
}

unsafe fn print_guid(volume: Ptr) {
    unsafe {
        let (mut units, mut needed) = ([0_u16; 64], 0);
        let mut name = UnicodeString(0, 0, units.as_ptr());
        let status = FltGetVolumeGuidName(volume, &mut name, &mut needed);
        if status != 0xC000_0023_u32 as i32 || needed != 96 {
            return print(b"no length of the GUID name\0");
        }
        name.1 = 128;
        if FltGetVolumeGuidName(volume, &mut name, null_mut()) < 0 || name.0 != 96 {
            return print(b"no GUID name\0");
        }
        let mut text = [0_u8; 49];
        for at in 0..48 {
            *text.as_mut_ptr().add(at) = *units.as_mut_ptr().add(at) as u8;
        }
        print(&text);
    }
}

/// What the filter finds out about the target of a request.
unsafe fn look_at_target(objects: *const Related) {
    unsafe {
        let file = (*objects).file;
        let stream = *file.cast::<u64>().add(3);
        let flags = *file.cast::<u32>().add(20);
        print(if stream == STREAM { b"same stream\0" as &[u8] } else { b"other stream\0" });
        STREAM = stream;
        print(if IoIsFileOriginRemote(file) & 1 != 0 { b"remote\0" as &[u8] } else { b"local\0" });
        let (mut about, mut length) = ([0_u64; 7], 0);
        let status = FltQueryInformationFile((*objects).instance, file, about.as_mut_ptr().cast(), 56, 34, &mut length);
        print(match status {
            0 if flags & 0x40_0000 != 0 => b"a volume says something\0" as &[u8],
            0 if length == 56 && about[4] == 8192 && about[5] == 8192 => b"two clusters\0",
            0 => b"other size\0",
            _ if flags & 0x40_0000 != 0 => b"a volume\0",
            _ => b"no information\0",
        });
    }
}

/// The faults of those who look too far.
unsafe fn look_too_far(objects: *const Related) {
    unsafe {
        let file = (*objects).file.cast::<u64>();
        if cfg!(fault = "follow_context") {
            print(if *(*file.add(3) as *const u8) == 0 { b"zero\0" } else { b"other\0" });
        }
        if cfg!(fault = "follow_guard") {
            print(if *(*file.add(5) as *const u8) == 0 { b"zero\0" } else { b"other\0" });
        }
        if cfg!(fault = "write_file") {
            file.cast::<u32>().add(20).write_volatile(0);
        }
        if cfg!(fault = "kept_file") && !KEPT_FILE.is_null() {
            print(if *KEPT_FILE.add(3) == 0 { b"zero\0" } else { b"other\0" });
        }
        KEPT_FILE = file;
        if cfg!(fault = "key_in_request") {
            let mut key = null_mut();
            IoOpenDriverRegistryKey(DRIVER, 0, 0x2_0019, 0, &mut key);
        }
        if cfg!(fault = "information_at_top_level") {
            look_at_target(objects);
        }
        if cfg!(fault = "guid_without_name") {
            let mut needed = 0;
            FltGetVolumeGuidName((*objects).volume, null_mut(), &mut needed);
        }
    }
}

extern "system" fn pre(data: *mut Data, objects: *const Related, context: *mut Ptr) -> u32 {
    unsafe {
        let iopb = (*data).iopb;
        if !matches!((*iopb).minor, 0 | 4) || (*iopb).code != PLAIN {
            return 1;
        }
        if cfg!(fault = "use_after_end") && !KEPT.is_null() {
            print(if (*KEPT).mode == 0 { b"kept kernel\0" } else { b"kept user\0" });
        }
        KEPT = data;
        print(if FltIs32bitProcess(data) & 1 != 0 { b"32-bit\0" } else { b"64-bit\0" });
        print(if (*data).mode == 0 { b"kernel mode\0" } else { b"user mode\0" });
        let mut name = null_mut();
        if FltGetFileNameInformation(data, 0x0102, &mut name) >= 0 {
            print_name(name);
            if !cfg!(fault = "leak_name") {
                FltReleaseFileNameInformation(name);
            }
        } else {
            print(b"no name\0");
        }
        look_at_context((*objects).instance);
        if cfg!(looks) {
            look_at_target(objects);
        }
        look_too_far(objects);
        if cfg!(tells_of_two) {
            look_inside();
        }
        misbehave(data, objects, context).unwrap_or_else(|| keep_note(data, context))
    }
}

/// Prints when two requests are here at once.
unsafe fn look_inside() {
    unsafe {
        if (&raw const INSIDE).read_volatile() {
            print(b"two at once\0");
        }
        (&raw mut INSIDE).write_volatile(true);
        (&raw mut INSIDE).write_volatile(false);
    }
}

unsafe fn keep_note(data: *mut Data, mut context: *mut Ptr) -> u32 {
    unsafe {
        let note = ExAllocatePool2(0x40, 16, TAG).cast::<u32>();
        if note.is_null() {
            return 1;
        }
        *note = (*(*data).iopb).input_length;
        *context = note.cast();
        if cfg!(fault = "freed_context") {
            ExFreePoolWithTag(note.cast(), TAG);
        }
        if cfg!(fault = "stack_context") {
            *context = (&raw mut context).cast();
        }
        NOTE = note.cast();
        if cfg!(synchronize) { 5 } else { 0 }
    }
}

/// The faults of a pre-operation; the answer is what to return, if not the usual.
unsafe fn misbehave(data: *mut Data, _objects: *const Related, context: *mut Ptr) -> Option<u32> {
    unsafe {
        let iopb = (*data).iopb;
        if cfg!(fault = "pending") {
            return Some(2);
        }
        if cfg!(fault = "leak_file") {
            ObfReferenceObject((*iopb).file);
        }
        if cfg!(fault = "unknown_status") {
            return Some(77);
        }
        if cfg!(fault = "lost_context") {
            *context = data.cast();
            return Some(1);
        }
        if cfg!(fault = "complete_unset") {
            return Some(4);
        }
        if cfg!(fault = "complete_pending") {
            (*data).status = 0x103;
            (*data).information = 0;
            return Some(4);
        }
        if cfg!(fault = "complete_without_information") {
            (*data).status = 0xC000_0022_u32 as i32;
            return Some(4);
        }
        if cfg!(fault = "complete_with_information") {
            (*data).status = 0xC000_0022_u32 as i32;
            (*data).information = 1;
            return Some(4);
        }
        if cfg!(completes) {
            (*data).status = 0xC000_0022_u32 as i32;
            (*data).information = 0;
            return Some(4);
        }
        if cfg!(fault = "edit") {
            (*iopb).output_length += 1;
        }
        if cfg!(fault = "set_status") {
            (*data).status = 0;
        }
        if cfg!(fault = "read_past") && (*iopb).input_length > 0 {
            let past = (*iopb).buffer.add((*iopb).input_length as usize);
            print(if past.read_volatile() == 0 { b"zero\0" } else { b"garbage\0" });
        }
        if cfg!(fault = "write_buffer") && (*iopb).input_length > 0 {
            (*iopb).buffer.write_volatile(0xEE);
        }
        if cfg!(fault = "send_unbounded") {
            FltSendMessage(FILTER, &raw const CLIENT, b"x".as_ptr().cast(), 1, null_mut(), null_mut(), null());
        }
        if cfg!(sends) {
            let mut reply = [0_u8; 4];
            let mut length = 4_u32;
            let status = FltSendMessage(FILTER, &raw const CLIENT, b"hello".as_ptr().cast(), 5, reply.as_mut_ptr().cast(), &mut length, &-6_000_000_000);
            print(match status {
                0 if length == 2 && reply[0] == b'o' && reply[1] == b'k' => b"answered\0" as &[u8],
                0x102 => b"timeout\0",
                _ if status == 0xC000_0037_u32 as i32 => b"disconnected\0",
                _ => b"other\0",
            });
        }
        None
    }
}

unsafe fn look_at_context(instance: Ptr) {
    unsafe {
        let mut context = null_mut();
        if FltGetInstanceContext(instance, &mut context) < 0 {
            return print(b"no context\0");
        }
        print(if *context.cast::<u32>() == 4096 { b"clusters of 4096\0" as &[u8] } else { b"other clusters\0" });
        FltReleaseContext(context);
    }
}

unsafe fn print_name(information: Ptr) {
    unsafe {
        let units = information.cast::<u8>().add(8).cast::<u16>();
        let count = usize::from(*units / 2).min(100);
        let text = *units.add(4).cast::<*const u16>();
        let mut bytes = [0_u8; 104];
        let mut at = 0;
        while at < count {
            if let Some(slot) = bytes.get_mut(at) {
                *slot = *text.add(at) as u8;
            }
            at += 1;
        }
        print(&bytes);
    }
}

extern "system" fn post(data: *mut Data, objects: *const Related, note: Ptr, flags: u32) -> u32 {
    unsafe {
        if flags & 1 != 0 {
            print(b"draining\0");
            if cfg!(fault = "busy_draining") {
                FltGetRequestorProcessId(data);
            }
            ExFreePoolWithTag(note, TAG);
            return 0;
        }
        if cfg!(fault = "information_in_post") {
            let mut about = [0_u64; 7];
            FltQueryInformationFile((*objects).instance, (*objects).file, about.as_mut_ptr().cast(), 56, 34, null_mut());
        }
        if cfg!(fault = "passive_in_post") || cfg!(fault = "context_in_post") {
            look_at_context((*objects).instance);
        }
        if cfg!(fault = "name_in_post") {
            let mut name = null_mut();
            if FltGetFileNameInformation(data, 0x0102, &mut name) >= 0 {
                FltReleaseFileNameInformation(name);
            }
        }
        if cfg!(fault = "more_processing") {
            return 1;
        }
        print(if (*data).status >= 0 { b"post success\0" } else { b"post failure\0" });
        if *note.cast::<u32>() != (*(*data).iopb).input_length {
            print(b"wrong note\0");
        }
        ExFreePoolWithTag(note, TAG);
        if cfg!(fault = "forge_information") {
            (*data).information = 1 << 20;
        }
        0
    }
}

extern "system" fn connect(port: Ptr, _cookie: Ptr, context: Ptr, size: u32, cookie: *mut Ptr) -> Status {
    unsafe {
        let mut sum = 0_u32;
        let mut at = 0;
        while at < size as usize {
            sum += u32::from(context.cast::<u8>().add(at).read_unaligned());
            at += 1;
        }
        if sum == 13 {
            return 0xC000_0022_u32 as i32;
        }
        if cfg!(several) {
            let mut at = 1;
            while !(*(&raw mut CLIENTS).cast::<Ptr>().add(at)).is_null() {
                at += 1;
            }
            *(&raw mut CLIENTS).cast::<Ptr>().add(at) = port;
            *cookie = at as Ptr;
            print(match at { 1 => b"first\0" as &[u8], 2 => b"second\0", _ => b"third\0" });
            return 0;
        }
        CLIENT = port;
        *cookie = port;
        print(if sum == 6 { b"connected\0" as &[u8] } else { b"connected oddly\0" });
        0
    }
}

extern "system" fn disconnect(cookie: Ptr) {
    unsafe {
        if cfg!(several) {
            let at = cookie as usize;
            print(match at { 1 => b"first goes\0" as &[u8], 2 => b"second goes\0", _ => b"third goes\0" });
            if !(cfg!(fault = "leak_one_client") && at == 2) {
                FltCloseClientPort(FILTER, (&raw mut CLIENTS).cast::<Ptr>().add(at));
            }
            return;
        }
        if !cfg!(fault = "leak_client") {
            FltCloseClientPort(FILTER, &raw mut CLIENT);
        }
        print(b"disconnected\0");
    }
}

extern "system" fn unload(flags: u32) -> Status {
    unsafe {
        if cfg!(fault = "declines_mandatory") {
            return DO_NOT_DETACH;
        }
        if cfg!(fault = "declines_late") && flags & 1 == 0 {
            FltCloseCommunicationPort(SERVER);
            return DO_NOT_DETACH;
        }
        if flags & 1 == 0 && declines() < 0 {
            return DO_NOT_DETACH;
        }
        if cfg!(fault = "freed_between") {
            ExFreePoolWithTag(NOTE, TAG);
        }
        if cfg!(fault = "use_between") {
            print(if (*KEPT).mode == 0 { b"kept kernel\0" } else { b"kept user\0" });
        }
        if !cfg!(fault = "unregister_first") {
            FltCloseCommunicationPort(SERVER);
        }
        if !cfg!(fault = "no_unregister") {
            FltUnregisterFilter(FILTER);
        }
        if cfg!(fault = "declines_gone") {
            return DO_NOT_DETACH;
        }
        if cfg!(fault = "unregister_first") {
            FltCloseCommunicationPort(SERVER);
        }
        0
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
