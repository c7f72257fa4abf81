//! A minifilter for the tests of what the modelled kernel keeps and tells: processes, volumes, a state of its
//! own, its image file, time. Well behaved as it stands, with one fault each under `--cfg fault="..."`.
//!
//! It is data to the test-bed, compiled for x86_64-pc-windows-msvc by the tests themselves. It prints what it
//! learns. Its one thread wakes when a client connects, and then greets every client, or when a minute has
//! passed, and then lists the volumes.
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
    fn FltEnumerateVolumes(filter: Ptr, list: *mut Ptr, size: u32, number: *mut u32) -> Status;
    fn FltGetFileSystemType(object: Ptr, kind: *mut i32) -> Status;
    fn FltGetVolumeName(volume: Ptr, name: *mut UnicodeString, needed: *mut u32) -> Status;
    fn FltGetVolumeInstanceFromName(filter: Ptr, volume: Ptr, name: *const UnicodeString, instance: *mut Ptr) -> Status;
    fn FltObjectDereference(object: Ptr);
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
    fn ExFreePool(block: Ptr);
    fn KeAcquireSpinLockRaiseToDpc(lock: *mut u64) -> u8;
    fn KeReleaseSpinLock(lock: *mut u64, irql: u8);
    fn KeInitializeEvent(event: Ptr, kind: u32, state: u8);
    fn KeSetEvent(event: Ptr, increment: i32, wait: u8) -> i32;
    fn KeWaitForSingleObject(object: Ptr, reason: u32, mode: u8, alert: u8, timeout: *const i64) -> Status;
    fn PsCreateSystemThread(handle: *mut Ptr, access: u32, attributes: Ptr, process: Ptr, id: Ptr, start: extern "system" fn(Ptr), context: Ptr) -> Status;
    fn ZwWaitForSingleObject(handle: Ptr, alertable: u8, timeout: *const i64) -> Status;
    fn ZwClose(handle: Ptr) -> Status;
    fn ObfDereferenceObject(object: Ptr) -> isize;
    fn PsLookupProcessByProcessId(id: Ptr, process: *mut Ptr) -> Status;
    fn PsGetProcessStartKey(process: Ptr) -> u64;
    fn PsGetProcessCreateTimeQuadPart(process: Ptr) -> i64;
    fn PsSetCreateProcessNotifyRoutine(routine: NotifyFn, remove: u8) -> Status;
    fn KeQuerySystemTimePrecise(time: *mut i64);
    fn IoCreateDevice(driver: Ptr, extension: u32, name: Ptr, kind: u32, characteristics: u32, exclusive: u8, device: *mut Ptr) -> Status;
    fn IoDeleteDevice(device: Ptr);
    fn IoRegisterShutdownNotification(device: Ptr) -> Status;
    fn IoUnregisterShutdownNotification(device: Ptr);
    fn IofCompleteRequest(irp: Ptr, boost: i8);
    fn IoOpenDriverRegistryKey(driver: Ptr, kind: u32, access: u32, flags: u32, key: *mut Ptr) -> Status;
    fn ZwQueryValueKey(key: Ptr, name: *const UnicodeString, class: u32, information: Ptr, length: u32, needed: *mut u32) -> Status;
    fn ZwSetValueKey(key: Ptr, name: *const UnicodeString, title: u32, kind: u32, data: *const c_void, size: u32) -> Status;
    fn ZwFlushKey(key: Ptr) -> Status;
    fn IoQueryFullDriverPath(driver: Ptr, path: *mut UnicodeString) -> Status;
    fn ZwOpenFile(handle: *mut Ptr, access: u32, attributes: *const Attributes, iosb: *mut u64, share: u32, options: u32) -> Status;
    fn ZwReadFile(file: Ptr, event: Ptr, apc: Ptr, context: Ptr, iosb: *mut u64, buffer: Ptr, length: u32, offset: *const i64, key: Ptr) -> Status;
    // The compiler's own use.
    fn memcpy(target: *mut u8, source: *const u8, size: usize) -> *mut u8;
    fn memset(target: *mut u8, byte: i32, size: usize) -> *mut u8;
}

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn DbgPrint(format: *const u8, ...) -> Status;
}

type ConnectFn = extern "system" fn(Ptr, Ptr, Ptr, u32, *mut Ptr) -> Status;
type DisconnectFn = extern "system" fn(Ptr);
type NotifyFn = extern "system" fn(usize, usize, u8);

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
struct Related {
    size: u16,
    transaction_context: u16,
    filter: Ptr,
    volume: Ptr,
    rest: [Ptr; 3],
}
#[repr(C)]
struct Operation {
    major: u8,
    flags: u32,
    rest: [Ptr; 3],
}
#[repr(C)]
struct Registration {
    size: u16,
    version: u16,
    flags: u32,
    contexts: Ptr,
    operations: *const Operation,
    unload: Option<extern "system" fn(u32) -> Status>,
    setup: Option<extern "system" fn(*const Related, u32, u32, u32) -> Status>,
    query_teardown: Option<extern "system" fn(*const Related, u32) -> Status>,
    teardown_start: Option<extern "system" fn(*const Related, u32)>,
    teardown_complete: Ptr,
    rest: [Ptr; 6],
}
struct Table<T>(T);
// SAFETY: the tables are never written; what they point to is code and other such tables.
unsafe impl<T> Sync for Table<T> {}

const TAG: u32 = u32::from_le_bytes(*b"Test");
const NON_PAGED: u64 = 0x40;
/// A minute, and long enough for a thread to end.
const MINUTE: i64 = -600_000_000;
const LONG: i64 = -600_000_000_000;
const TIMEOUT: Status = 0x102;
const TOO_SMALL: Status = 0xC000_0023_u32 as i32;

static OPERATIONS: Table<[Operation; 1]> = Table([Operation { major: 0x80, flags: 0, rest: [null_mut(); 3] }]);
static REGISTRATION: Table<Registration> = Table(Registration {
    size: 0x70,
    version: 0x0203,
    flags: 0,
    contexts: null_mut(),
    operations: &OPERATIONS.0[0],
    unload: Some(unload),
    setup: Some(setup),
    query_teardown: Some(query_teardown),
    teardown_start: Some(teardown),
    teardown_complete: null_mut(),
    rest: [null_mut(); 6],
});

static mut DRIVER: Ptr = null_mut();
static mut FILTER: Ptr = null_mut();
static mut SERVER: Ptr = null_mut();
static mut DEVICE: Ptr = null_mut();
static mut CLIENTS: [Ptr; 4] = [null_mut(); 4];
static mut THREAD: Ptr = null_mut();
/// KEVENT: something to do.
static mut WORK: [u64; 3] = [0; 3];
static mut STOP: bool = false;
static mut LOCK: u64 = 0;

/// A line to print.
struct Line([u8; 160], usize);

impl Line {
    fn new(text: &[u8]) -> Self {
        let mut line = Self([0; 160], 0);
        line.text(text);
        line
    }

    fn byte(&mut self, byte: u8) {
        if self.1 < 158 {
            unsafe { *self.0.as_mut_ptr().add(self.1) = byte };
            self.1 += 1;
        }
    }

    fn text(&mut self, text: &[u8]) -> &mut Self {
        for byte in text {
            self.byte(*byte);
        }
        self
    }

    fn units(&mut self, string: &UnicodeString) -> &mut Self {
        for at in 0..usize::from(string.0 / 2) {
            self.byte(unsafe { *string.2.add(at) } as u8);
        }
        self
    }

    fn number(&mut self, mut number: u64) -> &mut Self {
        // Digits from the last to the first, each in four bits.
        let (mut digits, mut count) = (0_u128, 0);
        loop {
            digits = digits << 4 | u128::from(number % 10);
            count += 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        while count > 0 {
            self.byte(b'0' + (digits & 15) as u8);
            digits >>= 4;
            count -= 1;
        }
        self
    }

    fn print(&mut self) {
        self.byte(b'\n');
        unsafe { DbgPrint(self.0.as_ptr()) };
    }
}

const fn wide<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut units = [0; N];
    let mut at = 0;
    while at < N {
        units[at] = text[at] as u16;
        at += 1;
    }
    units
}

static RUN: [u16; 3] = wide(b"Run");
static PORT: [u16; 8] = wide(b"\\Watcher");

/// Counts the loads in the driver's own state and says what the one before left there.
unsafe fn count_load() {
    unsafe {
        let mut key = null_mut();
        let (kind, access) = if cfg!(fault = "write_parameters") { (0, 1) } else { (1, 3) };
        if IoOpenDriverRegistryKey(DRIVER, kind, access, 0, &mut key) < 0 {
            return Line::new(b"no state").print();
        }
        let name = UnicodeString(6, 6, RUN.as_ptr());
        let (mut information, mut needed) = ([0_u32; 4], 0);
        let found = ZwQueryValueKey(key, &name, 2, information.as_mut_ptr().cast(), 16, &mut needed);
        let before = if found == 0 { *information.as_ptr().add(3) } else { 0 };
        Line::new(b"loads before: ").number(before.into()).print();
        let now = before + 1;
        if ZwSetValueKey(key, &name, 0, 4, (&raw const now).cast(), 4) < 0 || ZwFlushKey(key) < 0 {
            Line::new(b"the state was not written").print();
        }
        ZwClose(key);
    }
}

/// Reads the driver's own image file and says how long it is and what its bytes add up to.
unsafe fn read_image() {
    unsafe {
        let mut path = UnicodeString(7, 7, null());
        if IoQueryFullDriverPath(DRIVER, &mut path) < 0 {
            return Line::new(b"no path").print();
        }
        Line::new(b"image ").units(&path).print();
        let attributes = Attributes { length: 48, root: null_mut(), name: &path, attributes: 0x240, descriptor: null_mut(), quality: null_mut() };
        let (mut file, mut iosb) = (null_mut(), [0_u64; 2]);
        let status = ZwOpenFile(&mut file, 0x10_0001, &attributes, iosb.as_mut_ptr(), 1, 0x60);
        if !cfg!(fault = "leave_path") {
            ExFreePool(path.2.cast_mut().cast());
        }
        if status < 0 {
            return Line::new(b"no image file").print();
        }
        let (mut length, mut sum, mut buffer) = (0_u64, 0_u64, [0_u8; 512]);
        loop {
            let status = ZwReadFile(file, null_mut(), null_mut(), null_mut(), iosb.as_mut_ptr(), buffer.as_mut_ptr().cast(), 512, null(), null_mut());
            if status < 0 {
                break;
            }
            let count = *iosb.as_ptr().add(1);
            length += count;
            for at in 0..count as usize {
                sum += u64::from(*buffer.as_ptr().add(at));
            }
        }
        Line::new(b"bytes ").number(length).text(b" sum ").number(sum).print();
        if !cfg!(fault = "leave_file") {
            ZwClose(file);
        }
    }
}

extern "system" fn told(parent: usize, id: usize, create: u8) {
    unsafe {
        let mut process = null_mut();
        let status = PsLookupProcessByProcessId(id as Ptr, &mut process);
        if status < 0 {
            return Line::new(b"no process").print();
        }
        let key = PsGetProcessStartKey(process);
        let mut now = 0;
        KeQuerySystemTimePrecise(&mut now);
        let age = (now - PsGetProcessCreateTimeQuadPart(process)) / 10_000_000;
        Line::new(if create == 0 { b"end " } else { b"begin " })
            .number(id as u64)
            .text(b" of ")
            .number(parent as u64)
            .text(b" key ")
            .number(key)
            .text(b" age ")
            .number(age as u64)
            .print();
        if !cfg!(fault = "leave_process") {
            ObfDereferenceObject(process);
        }
        if cfg!(fault = "remove_inside") {
            PsSetCreateProcessNotifyRoutine(told, 1);
        }
        if cfg!(fault = "lookup_at_dispatch") {
            let irql = KeAcquireSpinLockRaiseToDpc(&raw mut LOCK);
            PsLookupProcessByProcessId(id as Ptr, &mut process);
            KeReleaseSpinLock(&raw mut LOCK, irql);
        }
        if cfg!(fault = "register_at_dispatch") {
            KeAcquireSpinLockRaiseToDpc(&raw mut LOCK);
            PsSetCreateProcessNotifyRoutine(told, 1);
        }
        if cfg!(fault = "kept_process") && create == 0 {
            KEPT = process;
        }
        if cfg!(fault = "kept_process") && create != 0 && !KEPT.is_null() {
            PsGetProcessStartKey(KEPT);
        }
    }
}

static mut KEPT: Ptr = null_mut();

unsafe fn volume_name(line: &mut Line, volume: Ptr) {
    unsafe {
        let (mut units, mut needed) = ([0_u16; 64], 0);
        if FltGetVolumeName(volume, null_mut(), &mut needed) != TOO_SMALL || needed > 128 {
            line.text(b"odd length ");
        }
        let mut name = UnicodeString(0, 128, units.as_mut_ptr());
        if FltGetVolumeName(volume, &mut name, null_mut()) < 0 {
            line.text(b"no name");
        }
        line.units(&name);
    }
}

unsafe fn list_volumes() {
    unsafe {
        let mut number = 0;
        let status = FltEnumerateVolumes(FILTER, null_mut(), 0, &mut number);
        if status < 0 && status != TOO_SMALL {
            return Line::new(b"no number of volumes").print();
        }
        let mut list = [null_mut(); 8];
        if FltEnumerateVolumes(FILTER, list.as_mut_ptr(), 8, &mut number) < 0 {
            return Line::new(b"no list of volumes").print();
        }
        for at in 0..number as usize {
            let volume = *list.as_ptr().add(at);
            let (mut kind, mut instance) = (0, null_mut());
            FltGetFileSystemType(volume, &mut kind);
            let attached = FltGetVolumeInstanceFromName(FILTER, volume, null(), &mut instance) >= 0;
            let mut line = Line::new(b"volume ");
            volume_name(&mut line, volume);
            line.text(b" kind ").number(kind as u64);
            line.text(if attached { b" attached" as &[u8] } else { b" not attached" }).print();
            if attached {
                FltObjectDereference(instance);
            }
            if !cfg!(fault = "leave_volume") {
                FltObjectDereference(volume);
            }
        }
    }
}

static mut KEPT_POOL: Ptr = null_mut();

/// Keeps 100 bytes of pool, if there are any.
unsafe fn keep_more() {
    unsafe {
        if KEPT_POOL.is_null() {
            KEPT_POOL = ExAllocatePool2(NON_PAGED, 100, TAG);
        }
        if KEPT_POOL.is_null() {
            Line::new(b"no pool").print();
        }
    }
}

unsafe fn greet() {
    unsafe {
        for at in 0..4 {
            let port = (&raw mut CLIENTS).cast::<Ptr>().add(at);
            if (*port).is_null() {
                continue;
            }
            let status = FltSendMessage(FILTER, port, b"hello".as_ptr().cast(), 5, null_mut(), null_mut(), &(MINUTE / 6));
            Line::new(match status {
                0 => b"greeted ",
                TIMEOUT => b"not heard by ",
                _ if status == 0xC000_0037_u32 as i32 => b"gone is ",
                _ => b"odd is ",
            })
            .number(at as u64)
            .print();
        }
    }
}

extern "system" fn work(_context: Ptr) {
    unsafe {
        loop {
            let woken = KeWaitForSingleObject((&raw mut WORK).cast(), 0, 0, 0, &MINUTE);
            if (&raw const STOP).read_volatile() {
                return;
            }
            if woken == TIMEOUT {
                Line::new(b"a minute").print();
                keep_more();
                list_volumes();
            } else if !cfg!(fault = "no_greeting") {
                greet();
            }
            while cfg!(fault = "never_at_rest") {
                core::hint::spin_loop();
            }
        }
    }
}

extern "system" fn setup(objects: *const Related, flags: u32, _device: u32, _kind: u32) -> Status {
    unsafe {
        let mut line = Line::new(if flags & 4 != 0 { b"new " as &[u8] } else { b"old " });
        volume_name(&mut line, (*objects).volume);
        line.print();
    }
    0
}

extern "system" fn query_teardown(_objects: *const Related, _flags: u32) -> Status {
    0
}

extern "system" fn teardown(objects: *const Related, reason: u32) {
    unsafe {
        let mut line = Line::new(b"leaves ");
        volume_name(&mut line, (*objects).volume);
        line.text(b" for ").number(reason.into()).print();
    }
}

extern "system" fn connect(port: Ptr, _cookie: Ptr, _context: Ptr, _size: u32, cookie: *mut Ptr) -> Status {
    unsafe {
        for at in 0..4 {
            let place = (&raw mut CLIENTS).cast::<Ptr>().add(at);
            if (*place).is_null() {
                *place = port;
                *cookie = at as Ptr;
                if cfg!(fault = "send_in_connect") {
                    greet();
                }
                KeSetEvent((&raw mut WORK).cast(), 0, 0);
                return 0;
            }
        }
    }
    0xC000_0022_u32 as i32
}

extern "system" fn disconnect(cookie: Ptr) {
    unsafe {
        Line::new(b"lost ").number(cookie as u64).print();
        FltCloseClientPort(FILTER, (&raw mut CLIENTS).cast::<Ptr>().add(cookie as usize));
    }
}

unsafe fn open_port() -> Status {
    unsafe {
        let mut descriptor = null_mut();
        let status = FltBuildDefaultSecurityDescriptor(&mut descriptor, 0x1F_0001);
        if status < 0 {
            return status;
        }
        let name = UnicodeString(16, 16, PORT.as_ptr());
        let attributes = Attributes { length: 48, root: null_mut(), name: &name, attributes: 0x240, descriptor, quality: null_mut() };
        let status = FltCreateCommunicationPort(FILTER, &raw mut SERVER, &attributes, null_mut(), connect, disconnect, null_mut(), 3);
        FltFreeSecurityDescriptor(descriptor);
        status
    }
}

/// Where IRP_MJ_SHUTDOWN stands in a DRIVER_OBJECT, and IoStatus in an IRP, in words of 8 bytes.
const MAJOR_SHUTDOWN: usize = 0x70 / 8 + 0x10;
const IO_STATUS: usize = 0x30 / 8;

/// Has the driver told of the shutdown.
unsafe fn want_shutdown(driver: Ptr) -> Status {
    unsafe {
        if !cfg!(fault = "shutdown_without_routine") {
            driver.cast::<usize>().add(MAJOR_SHUTDOWN).write(shut_down as usize);
        }
        if cfg!(fault = "write_driver_object") {
            driver.cast::<usize>().add(MAJOR_SHUTDOWN - 0x11).write(1);
        }
        let status = IoCreateDevice(driver, 0, null_mut(), 0x22, 0x100, 0, &raw mut DEVICE);
        if status < 0 {
            return status;
        }
        if cfg!(fault = "look_into_device") {
            Line::new(b"flags ").number(DEVICE.cast::<u64>().add(6).read_volatile()).print();
        }
        if cfg!(fault = "unregister_unregistered") {
            IoUnregisterShutdownNotification(DEVICE);
        }
        if cfg!(fault = "want_shutdown_twice") {
            IoRegisterShutdownNotification(DEVICE);
        }
        IoRegisterShutdownNotification(DEVICE)
    }
}

extern "system" fn shut_down(_device: Ptr, irp: Ptr) -> Status {
    unsafe {
        Line::new(b"the machine goes down").print();
        if cfg!(fault = "key_in_shutdown") {
            count_load();
        }
        if cfg!(fault = "shutdown_not_completed") {
            return 0;
        }
        if cfg!(fault = "shutdown_pending") {
            return 0x103;
        }
        if !cfg!(fault = "shutdown_without_status") {
            irp.cast::<u64>().add(IO_STATUS).write(0);
        }
        IofCompleteRequest(irp, 0);
        if cfg!(fault = "shutdown_completed_twice") {
            IofCompleteRequest(irp, 0);
        }
        if cfg!(fault = "shutdown_irp_kept") {
            irp.cast::<u64>().add(IO_STATUS).write_volatile(0);
        }
        if cfg!(fault = "shutdown_other_status") {
            return 1;
        }
    }
    0
}

unsafe fn end_device() {
    unsafe {
        if !cfg!(fault = "delete_registered") {
            IoUnregisterShutdownNotification(DEVICE);
        }
        if !cfg!(fault = "leave_device") {
            IoDeleteDevice(DEVICE);
        }
        if cfg!(fault = "delete_twice") {
            IoDeleteDevice(DEVICE);
        }
    }
}

extern "system" fn unload(_flags: u32) -> Status {
    unsafe {
        end_device();
        (&raw mut STOP).write_volatile(true);
        KeSetEvent((&raw mut WORK).cast(), 0, 0);
        ZwWaitForSingleObject(THREAD, 0, &LONG);
        ZwClose(THREAD);
        if !KEPT_POOL.is_null() {
            ExFreePool(KEPT_POOL);
        }
        if !cfg!(fault = "leave_routine") {
            PsSetCreateProcessNotifyRoutine(told, 1);
        }
        FltCloseCommunicationPort(SERVER);
        FltUnregisterFilter(FILTER);
    }
    0
}

#[unsafe(no_mangle)]
extern "system" fn DriverEntry(driver: Ptr, _path: *const UnicodeString) -> Status {
    unsafe {
        DRIVER = driver;
        KeInitializeEvent((&raw mut WORK).cast(), 1, 0);
        count_load();
        read_image();
        let status = want_shutdown(driver);
        if status < 0 {
            return status;
        }
        let status = PsSetCreateProcessNotifyRoutine(told, 0);
        if status < 0 {
            return status;
        }
        if cfg!(fault = "register_twice") {
            PsSetCreateProcessNotifyRoutine(told, 0);
        }
        if cfg!(fault = "remove_twice") {
            PsSetCreateProcessNotifyRoutine(told, 1);
            PsSetCreateProcessNotifyRoutine(told, 1);
        }
        let status = FltRegisterFilter(driver, &REGISTRATION.0, &raw mut FILTER);
        let status = if status < 0 { status } else { open_port() };
        if status < 0 {
            return status;
        }
        PsCreateSystemThread(&raw mut THREAD, 0x1F_FFFF, null_mut(), null_mut(), null_mut(), work, null_mut());
        FltStartFiltering(FILTER)
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
