//! A driver for the tests of the modelled kernel. Its service name chooses what it does: "good" checks
//! what a driver may rely on, every other name breaks one rule.
//!
//! It is data to the test-bed, compiled for x86_64-pc-windows-msvc by the tests themselves. DriverEntry
//! fails in the end, so that the load is followed by the check for what was left behind.
#![no_std]
#![no_main]

use core::ffi::c_void;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU64, Ordering};

type Ptr = *mut c_void;
type Status = i32;

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn ExAllocatePool2(flags: u64, size: usize, tag: u32) -> Ptr;
    fn ExFreePool(block: Ptr);
    fn ExFreePoolWithTag(block: Ptr, tag: u32);
    fn KeGetCurrentIrql() -> u8;
    fn KeAcquireSpinLockRaiseToDpc(lock: *mut u64) -> u8;
    fn KeReleaseSpinLock(lock: *mut u64, irql: u8);
    fn KeInitializeEvent(event: Ptr, kind: u32, state: u8);
    fn KeSetEvent(event: Ptr, increment: i32, wait: u8) -> i32;
    fn KeClearEvent(event: Ptr);
    fn KeResetEvent(event: Ptr) -> i32;
    fn KeWaitForSingleObject(object: Ptr, reason: u32, mode: u8, alert: u8, timeout: *const i64) -> Status;
    fn PsCreateSystemThread(handle: *mut Ptr, access: u32, attributes: Ptr, process: Ptr, id: Ptr, start: extern "system" fn(Ptr), context: Ptr) -> Status;
    fn PsTerminateSystemThread(status: Status) -> Status;
    fn ObReferenceObjectByHandle(handle: Ptr, access: u32, kind: Ptr, mode: u8, object: *mut Ptr, information: Ptr) -> Status;
    fn ObfReferenceObject(object: Ptr) -> isize;
    fn ObfDereferenceObject(object: Ptr) -> isize;
    fn ZwClose(handle: Ptr) -> Status;
    fn IoGetCurrentProcess() -> Ptr;
    fn PsGetProcessId(process: Ptr) -> usize;
    fn PsGetProcessStartKey(process: Ptr) -> u64;
    fn PsReferencePrimaryToken(process: Ptr) -> Ptr;
    fn PsDereferencePrimaryToken(token: Ptr);
    fn SeQueryInformationToken(token: Ptr, class: u32, out: *mut Ptr) -> Status;
    fn SeLocateProcessImageName(process: Ptr, out: *mut Ptr) -> Status;
    fn KeQuerySystemTimePrecise(time: *mut i64);
    fn KeQueryPerformanceCounter(frequency: *mut i64) -> i64;
    fn IoOpenDriverRegistryKey(driver: Ptr, kind: u32, access: u32, flags: u32, key: *mut Ptr) -> Status;
    fn ZwQueryValueKey(key: Ptr, name: *const UnicodeString, class: u32, information: Ptr, length: u32, needed: *mut u32) -> Status;
    fn ExUuidCreate(uuid: *mut [u8; 16]) -> Status;
    fn KeBugCheckEx(code: u32, a: usize, b: usize, c: usize, d: usize) -> !;
    static IoFileObjectType: Ptr;
}

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn DbgPrint(format: *const u8, ...) -> Status;
    fn memcpy(target: *mut u8, source: *const u8, size: usize) -> *mut u8;
    // The compiler's own use.
    fn memmove(target: *mut u8, source: *const u8, size: usize) -> *mut u8;
    fn memset(target: *mut u8, byte: i32, size: usize) -> *mut u8;
    fn memcmp(left: *const u8, right: *const u8, size: usize) -> i32;
}

#[cfg(unknown_imports)]
mod unknown {
    #[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
    unsafe extern "system" {
        pub fn NoSuchRoutine();
    }
    #[link(name = "fltmgr.sys", kind = "raw-dylib", modifiers = "+verbatim")]
    unsafe extern "system" {
        pub fn FltNoSuchRoutine();
    }
}

/// What libcore's objects name and nobody uses: floating point, unwinding.
#[unsafe(no_mangle)]
static _fltused: i32 = 0;
#[unsafe(no_mangle)]
extern "C" fn __CxxFrameHandler3() {}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // As the crate wdk-panic does it: a breakpoint in debug builds, then the place of the panic.
    let (file, line, column) = info.location().map_or(("", 0, 0), |l| (l.file(), l.line(), l.column()));
    unsafe {
        core::arch::asm!("int3");
        KeBugCheckEx(u32::from_be_bytes(*b"RPNC"), file.as_ptr() as usize, file.len(), line as usize, column as usize)
    }
}

#[repr(C)]
struct UnicodeString {
    length: u16,
    maximum: u16,
    buffer: *const u16,
}

const NON_PAGED: u64 = 0x40;
const PAGED: u64 = 0x100;
const TAG: u32 = u32::from_le_bytes(*b"Test");
const UNSUCCESSFUL: Status = 0xC000_0001_u32 as i32;
const TIMEOUT: Status = 0x102;
const KEY_READ: u32 = 0x2_0019;
/// An hour: never reached.
const LONG: i64 = -36_000_000_000;

/// Addresses in data: right only after relocation.
static ROUTINES: [extern "system" fn(Ptr); 2] = [ends_itself, returns];
static mut COUNTER: u64 = 5;
static mut DRIVER: Ptr = null_mut();
static CONSTANT: u64 = 7;

#[unsafe(link_section = "INIT")]
#[used]
static INIT_DATA: [u8; 4] = *b"init";

unsafe fn pool(size: usize) -> *mut u8 {
    unsafe { ExAllocatePool2(NON_PAGED, size, TAG).cast() }
}

extern "system" fn ends_itself(event: Ptr) {
    unsafe {
        KeSetEvent(event, 0, 0);
        PsTerminateSystemThread(0);
    }
    fail(b"PsTerminateSystemThread returned\0");
}

extern "system" fn returns(event: Ptr) {
    unsafe { KeSetEvent(event, 0, 0) };
}

extern "system" fn waits(event: Ptr) {
    unsafe { KeWaitForSingleObject(event, 0, 0, 0, &LONG) };
}

/// Takes the two locks at the beginning of the block in the other order.
extern "system" fn takes_the_other_first(block: Ptr) {
    let block: *mut u8 = block.cast();
    unsafe {
        KeAcquireSpinLockRaiseToDpc(block.add(8).cast());
        meet(block, 48, 40);
        KeReleaseSpinLock(block.cast(), KeAcquireSpinLockRaiseToDpc(block.cast()));
    }
}

/// Says at one place of the block that it has come so far, and goes on when the other thread has.
unsafe fn meet(block: *mut u8, mine: usize, others: usize) {
    let place = |offset| unsafe { &*block.add(offset).cast::<AtomicU64>() };
    place(mine).store(1, Ordering::SeqCst);
    while place(others).load(Ordering::SeqCst) == 0 {
        core::hint::spin_loop();
    }
}

extern "system" fn touches_init(event: Ptr) {
    let short = -10_000_i64;
    for _ in 0..5000 {
        let byte = unsafe { (&raw const INIT_DATA).cast::<u8>().read_volatile() };
        // The event is never set: this only passes the time until DriverEntry has returned.
        let status = unsafe { KeWaitForSingleObject(event, 0, 0, 0, &short) };
        if byte != b'i' || status != TIMEOUT {
            fail(b"wrong data\0");
        }
    }
    fail(b"the section INIT is still there\0");
}

fn fail(what: &'static [u8]) -> ! {
    unsafe {
        DbgPrint(c"%s".as_ptr().cast(), what.as_ptr());
        KeBugCheckEx(0xE2, what.as_ptr() as usize, 0, 0, 0)
    }
}

fn check(holds: bool, what: &'static [u8]) {
    if !holds {
        fail(what);
    }
}

unsafe fn start(body: extern "system" fn(Ptr), context: Ptr) -> Ptr {
    let mut handle = null_mut();
    let status = unsafe { PsCreateSystemThread(&mut handle, 0x1F_FFFF, null_mut(), null_mut(), null_mut(), body, context) };
    check(status == 0 && !handle.is_null(), b"no thread\0");
    handle
}

unsafe fn join(handle: Ptr) {
    unsafe {
        let mut thread = null_mut();
        let status = ObReferenceObjectByHandle(handle, 0x10_0000, null_mut(), 0, &mut thread, null_mut());
        check(status == 0, b"the handle leads nowhere\0");
        check(KeWaitForSingleObject(thread, 0, 0, 0, &LONG) == 0, b"the thread has not ended\0");
        ObfDereferenceObject(thread);
        check(ZwClose(handle) == 0, b"the handle was not closed\0");
    }
}

unsafe fn good() {
    unsafe {
        good_memory();
        good_sync();
        good_threads();
        good_identity();
        good_registry();
        DbgPrint(c"plain\n".as_ptr().cast());
        DbgPrint(c"%s".as_ptr().cast(), c"all good\n".as_ptr());
    }
}

unsafe fn good_memory() {
    unsafe {
        let block = pool(100);
        check((0..100).all(|i| *block.add(i) == 0), b"pool is not zeroed\0");
        memcpy(block, (&raw const CONSTANT).cast(), 8);
        check(memcmp(block, (&raw const CONSTANT).cast(), 8) == 0, b"memcpy or memcmp\0");
        check(memcmp(block, block.add(8), 8) > 0, b"memcmp\0");
        ExFreePoolWithTag(block.cast(), TAG);
        let block: *mut u8 = ExAllocatePool2(NON_PAGED | 2, 4096, TAG).cast();
        check((0..4096).any(|i| *block.add(i) != 0), b"uninitialised pool is zeroed\0");
        ExFreePool(block.cast());
        let counter = &raw mut COUNTER;
        *counter += 1;
        check(*counter == 6, b"data section\0");
        check(ROUTINES[0] as usize == ends_itself as *const () as usize, b"relocation\0");
        check(!IoFileObjectType.is_null(), b"IoFileObjectType\0");
    }
}

unsafe fn good_sync() {
    unsafe {
        let block = pool(64);
        let (lock, event) = (block.cast::<u64>(), block.add(8).cast::<c_void>());
        check(KeGetCurrentIrql() == 0, b"IRQL at DriverEntry\0");
        let before = KeAcquireSpinLockRaiseToDpc(lock);
        check(before == 0 && KeGetCurrentIrql() == 2, b"IRQL in a spin lock\0");
        check(KeAcquireSpinLockRaiseToDpc(lock.add(6)) == 2, b"IRQL of the outer lock\0");
        KeReleaseSpinLock(lock.add(6), 2);
        KeReleaseSpinLock(lock, before);
        check(KeGetCurrentIrql() == 0, b"IRQL after a spin lock\0");
        KeInitializeEvent(event, 0, 0);
        check(KeWaitForSingleObject(event, 0, 0, 0, &0) == TIMEOUT, b"an event is set\0");
        check(KeSetEvent(event, 0, 0) == 0 && KeSetEvent(event, 0, 0) != 0, b"state before\0");
        check(KeWaitForSingleObject(event, 0, 0, 0, &LONG) == 0, b"a set event\0");
        check(KeWaitForSingleObject(event, 0, 0, 0, &0) == 0, b"a notification event stays\0");
        check(KeResetEvent(event) != 0 && KeResetEvent(event) == 0, b"reset\0");
        KeInitializeEvent(event, 1, 1);
        check(KeWaitForSingleObject(event, 0, 0, 0, &0) == 0, b"initially set\0");
        check(KeWaitForSingleObject(event, 0, 0, 0, &0) == TIMEOUT, b"a synchronisation event is taken\0");
        KeClearEvent(event);
        ExFreePoolWithTag(block.cast(), TAG);
    }
}

unsafe fn good_threads() {
    unsafe {
        let event: Ptr = pool(24).cast();
        KeInitializeEvent(event, 1, 0);
        for body in ROUTINES {
            let handle = start(body, event);
            check(KeWaitForSingleObject(event, 0, 0, 0, &LONG) == 0, b"no signal from the thread\0");
            join(handle);
        }
        ExFreePoolWithTag(event, TAG);
    }
}

unsafe fn good_identity() {
    unsafe {
        let process = IoGetCurrentProcess();
        check(PsGetProcessId(process) == 4, b"not in the System process\0");
        check(PsGetProcessStartKey(process) != 0, b"start key\0");
        let token = PsReferencePrimaryToken(process);
        let mut user = null_mut();
        check(SeQueryInformationToken(token, 1, &mut user) == 0, b"no user\0");
        let sid = *user.cast::<*const [u8; 12]>();
        check(*sid == [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0], b"not SYSTEM\0");
        ExFreePool(user);
        PsDereferencePrimaryToken(token);
        let mut name = null_mut();
        check(SeLocateProcessImageName(process, &mut name) == 0, b"no image name\0");
        ExFreePool(name);
        let (mut time, mut frequency, mut uuid) = (0, 0, [0; 16]);
        KeQuerySystemTimePrecise(&mut time);
        let count = KeQueryPerformanceCounter(&mut frequency);
        check(time > 0 && frequency > 0 && KeQueryPerformanceCounter(null_mut()) >= count, b"clocks\0");
        check(ExUuidCreate(&mut uuid) == 0 && uuid[7] >> 4 == 4, b"no version 4 UUID\0");
    }
}

unsafe fn open_key(access: u32, flags: u32) -> Ptr {
    unsafe {
        let mut key = null_mut();
        let status = IoOpenDriverRegistryKey(DRIVER, 0, access, flags, &mut key);
        check(status == 0 && !key.is_null(), b"no registry key\0");
        key
    }
}

/// Asks for the value "Answer"; the test has set it to the number 42.
unsafe fn ask_key(key: Ptr, length: u32) -> (Status, u32, [u32; 4]) {
    unsafe {
        let units = [65_u16, 110, 115, 119, 101, 114];
        let name = UnicodeString { length: 12, maximum: 12, buffer: units.as_ptr() };
        let (mut information, mut needed) = ([7; 4], 0);
        let status = ZwQueryValueKey(key, &name, 2, information.as_mut_ptr().cast(), length, &mut needed);
        (status, needed, information)
    }
}

unsafe fn good_registry() {
    unsafe {
        let key = open_key(KEY_READ, 0);
        check(ask_key(key, 16) == (0, 16, [0, 4, 4, 42]), b"the value\0");
        // Two of the four bytes of the number; the others stay.
        check(ask_key(key, 14) == (0x8000_0005_u32 as i32, 16, [0, 4, 4, 42]), b"a part of the value\0");
        check(ask_key(key, 0) == (0xC000_0023_u32 as i32, 16, [7; 4]), b"the length of the value\0");
        check(ZwClose(key) == 0, b"the key was not closed\0");
    }
}

/// The faults of the registry.
unsafe fn break_registry(name: &[u8]) {
    unsafe {
        match name {
            b"key-flags" => _ = open_key(KEY_READ, 1),
            b"key-to-write" => _ = open_key(KEY_READ | 2, 0),
            b"key-without-rights" => _ = ask_key(open_key(0x2_0000, 0), 16),
            b"key-closed" => {
                let key = open_key(KEY_READ, 0);
                ZwClose(key);
                ask_key(key, 16);
            }
            b"key-of-thread" => {
                let event: Ptr = pool(24).cast();
                KeInitializeEvent(event, 1, 0);
                ask_key(start(returns, event), 16);
            }
            _ => {}
        }
    }
}

/// The faults of memory and of pool.
unsafe fn break_memory(name: &[u8]) {
    unsafe {
        let block = pool(48);
        if block.is_null() {
            return;
        }
        match name {
            b"read-past-end" => _ = block.add(48).read_volatile(),
            b"write-past-end" => block.add(50).write_volatile(1),
            b"use-after-free" => {
                ExFreePool(block.cast());
                _ = block.add(3).read_volatile();
            }
            b"write-into-slack" => {
                let odd = pool(45);
                odd.add(46).write_volatile(1);
                ExFreePool(odd.cast());
            }
            b"double-free" => {
                ExFreePool(block.cast());
                ExFreePool(block.cast());
            }
            b"wrong-tag" => ExFreePoolWithTag(block.cast(), 1),
            b"free-inside" => ExFreePool(block.add(16).cast()),
            b"zero-tag" => _ = ExAllocatePool2(NON_PAGED, 8, 0),
            b"zero-bytes" => _ = ExAllocatePool2(NON_PAGED, 0, TAG),
            b"executable-pool" => _ = ExAllocatePool2(0x80, 8, TAG),
            b"both-pools" => _ = ExAllocatePool2(NON_PAGED | PAGED, 8, TAG),
            b"overlapping-copy" => _ = memcpy(block, block.add(8), core::hint::black_box(16)),
            b"copy-too-much" => _ = memcpy(block, (&raw const CONSTANT).cast(), core::hint::black_box(49)),
            b"time-into-null" => KeQuerySystemTimePrecise(null_mut()),
            b"time-into-constant" => KeQuerySystemTimePrecise((&raw const CONSTANT).cast_mut().cast()),
            b"time-unaligned" => KeQuerySystemTimePrecise(block.add(4).cast()),
            _ => {}
        }
        ExFreePool(block.cast());
    }
}

/// The faults of code.
unsafe fn break_code(name: &[u8]) {
    unsafe {
        match name {
            b"null" => _ = null::<u8>().add(name.len()).read_volatile(),
            b"wild" => _ = (0x1234_5678_0000 as *const u8).read_volatile(),
            b"non-canonical" => _ = (0x1_2345_6789_0000 as *const u8).read_volatile(),
            b"look-into-process" => _ = IoGetCurrentProcess().cast::<u8>().add(0x440).read_volatile(),
            b"write-constant" => (&raw const CONSTANT).cast_mut().write_volatile(1),
            b"run-data" => {
                let data = (&raw const COUNTER).cast::<()>();
                core::mem::transmute::<*const (), extern "system" fn()>(data)();
            }
            b"panic" => panic!("on purpose"),
            b"breakpoint" => {
                core::arch::asm!("int3");
                DbgPrint(c"went on".as_ptr().cast());
            }
            b"undefined" => core::arch::asm!("ud2"),
            b"fast-fail" => core::arch::asm!("int 0x29", in("ecx") 7),
            b"control-register" => core::arch::asm!("mov rax, cr8", out("rax") _),
            b"bug-check" => KeBugCheckEx(0xC4, 0xF6, 2, 3, 4),
            b"odd-format" => _ = DbgPrint(c"%d".as_ptr().cast(), 1),
            b"deep-recursion" => _ = recurse(0),
            b"too-much-stack" => _ = reach(13),
            _ => {}
        }
    }
}

#[inline(never)]
fn recurse(depth: usize) -> usize {
    let mut frame = [depth; 64];
    core::hint::black_box(&mut frame);
    recurse(depth + 1) + frame[1]
}

/// Calls out with so many kilobytes of stack taken.
#[inline(never)]
fn reach(kilobytes: u8) -> u8 {
    let mut frame = [kilobytes; 1024];
    core::hint::black_box(&mut frame);
    match kilobytes {
        0 => unsafe { KeGetCurrentIrql() },
        more => reach(more - 1) + frame[1],
    }
}

/// The faults of levels, locks, events and waits.
unsafe fn break_sync(name: &[u8]) {
    unsafe {
        let block = pool(64);
        if block.is_null() {
            return;
        }
        let (lock, other) = (block.cast::<u64>(), block.add(8).cast::<u64>());
        let event: Ptr = block.add(16).cast();
        match name {
            b"paged-at-dispatch" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                ExAllocatePool2(PAGED, 8, TAG);
            }
            b"touch-paged-at-dispatch" => {
                let paged = ExAllocatePool2(PAGED, 8, TAG);
                KeAcquireSpinLockRaiseToDpc(lock);
                KeQuerySystemTimePrecise(paged.cast());
            }
            b"token-at-dispatch" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                PsReferencePrimaryToken(IoGetCurrentProcess());
            }
            b"keep-lock" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                return;
            }
            b"lock-order" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                KeAcquireSpinLockRaiseToDpc(other);
                KeReleaseSpinLock(lock, 0);
            }
            b"lock-twice" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                KeAcquireSpinLockRaiseToDpc(lock);
            }
            b"lock-level" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                KeReleaseSpinLock(lock, 1);
            }
            b"lock-not-held" => KeReleaseSpinLock(lock, 0),
            b"lock-garbage" => {
                *lock = 0x55;
                KeAcquireSpinLockRaiseToDpc(lock);
            }
            b"free-held-lock" => {
                KeAcquireSpinLockRaiseToDpc(lock);
                ExFreePool(block.cast());
            }
            b"event-uninitialised" => _ = KeSetEvent(event, 0, 0),
            b"event-freed" => {
                KeInitializeEvent(event, 0, 0);
                ExFreePool(block.cast());
                KeSetEvent(event, 0, 0);
            }
            b"event-paged" => KeInitializeEvent(ExAllocatePool2(PAGED, 24, TAG), 0, 0),
            b"wait-without-end" => {
                KeInitializeEvent(event, 0, 1);
                KeWaitForSingleObject(event, 0, 0, 0, null());
            }
            b"wait-for-nobody" => {
                KeInitializeEvent(event, 0, 0);
                KeWaitForSingleObject(event, 0, 0, 0, &LONG);
            }
            b"wait-again" => {
                let short = -10_000_i64;
                KeInitializeEvent(event, 0, 0);
                while KeWaitForSingleObject(event, 0, 0, 0, &short) == TIMEOUT {}
            }
            b"locks-crossed" => {
                start(takes_the_other_first, block.cast());
                KeAcquireSpinLockRaiseToDpc(lock);
                meet(block, 40, 48);
                KeAcquireSpinLockRaiseToDpc(other);
            }
            b"wait-at-dispatch" => {
                KeInitializeEvent(event, 0, 1);
                KeAcquireSpinLockRaiseToDpc(lock);
                KeWaitForSingleObject(event, 0, 0, 0, &LONG);
            }
            b"wait-in-user-mode" => {
                KeInitializeEvent(event, 0, 1);
                KeWaitForSingleObject(event, 0, 1, 0, &LONG);
            }
            _ => {}
        }
        ExFreePool(block.cast());
    }
}

/// The faults of objects, handles and threads.
unsafe fn break_objects(name: &[u8]) {
    unsafe {
        let process = IoGetCurrentProcess();
        match name {
            b"dereference-too-often" => _ = ObfDereferenceObject(process),
            b"token-by-ob" => _ = ObfDereferenceObject(PsReferencePrimaryToken(process)),
            b"no-object" => _ = ObfReferenceObject((process as usize + 8) as Ptr),
            b"file-as-process" => _ = PsGetProcessId(IoFileObjectType),
            b"close-nothing" => _ = ZwClose(0x1234 as Ptr),
            b"end-driver-entry" => _ = PsTerminateSystemThread(0),
            b"thread-into-data" => {
                let data = (&raw const COUNTER).cast::<()>();
                start(core::mem::transmute::<*const (), extern "system" fn(Ptr)>(data), null_mut());
                loop {}
            }
            _ => {}
        }
    }
}

/// What is left behind without breaking a rule on the way.
unsafe fn leave(name: &[u8]) {
    unsafe {
        match name {
            b"leave-pool" => _ = pool(10),
            b"leave-key" => _ = open_key(KEY_READ, 0),
            b"leave-reference" => _ = ObfReferenceObject(IoGetCurrentProcess()),
            b"leave-token" => _ = PsReferencePrimaryToken(IoGetCurrentProcess()),
            b"leave-handle" => {
                let event: Ptr = pool(24).cast();
                KeInitializeEvent(event, 1, 0);
                let handle = start(returns, event);
                let mut thread = null_mut();
                ObReferenceObjectByHandle(handle, 0, null_mut(), 0, &mut thread, null_mut());
                KeWaitForSingleObject(thread, 0, 0, 0, &LONG);
                ObfDereferenceObject(thread);
                ExFreePool(event);
            }
            b"leave-thread" => {
                let event: Ptr = pool(24).cast();
                KeInitializeEvent(event, 1, 0);
                ZwClose(start(waits, event));
            }
            _ => {}
        }
    }
}

#[unsafe(no_mangle)]
extern "system" fn DriverEntry(driver: Ptr, path: *const UnicodeString) -> Status {
    #[cfg(unknown_imports)]
    unsafe {
        unknown::NoSuchRoutine();
        unknown::FltNoSuchRoutine();
    }
    unsafe { DRIVER = driver };
    // The service name: what stands behind the last backslash.
    let units = unsafe { core::slice::from_raw_parts((*path).buffer, usize::from((*path).length / 2)) };
    let mut buffer = [0; 64];
    let mut length = 0;
    for unit in units {
        if *unit == u16::from(b'\\') {
            length = 0;
        } else if let Some(slot) = buffer.get_mut(length) {
            *slot = *unit as u8;
            length += 1;
        }
    }
    let name = buffer.get(..length).unwrap_or_default();
    unsafe {
        match name {
            b"good" => good(),
            b"touch-init" => {
                let event: Ptr = pool(24).cast();
                KeInitializeEvent(event, 1, 0);
                ZwClose(start(touches_init, event));
                return 0;
            }
            other => {
                break_memory(other);
                break_code(other);
                break_sync(other);
                break_objects(other);
                break_registry(other);
                leave(other);
            }
        }
    }
    UNSUCCESSFUL
}
