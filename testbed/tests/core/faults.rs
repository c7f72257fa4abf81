//! One broken rule each: the run must stop with exit code 86 and name rule, thing and place.
//!
//! A scenario runs in a child: this test program again, with the name of the service, which chooses what
//! the driver does, in an environment variable.

use std::time::Duration;

use testbed::{BootOptions, Machine, standstill};

use super::{fault, image};

const IMAGE: &str = "TESTBED_CORE_IMAGE";

/// Loads the driver. Without the variables it does nothing.
#[test]
fn scenario() {
    let (Some(name), Some(image)) = (fault::chosen(), std::env::var_os(IMAGE)) else {
        return;
    };
    // These have no other end, so nothing depends on when somebody looks.
    if ["wait-for-nobody", "wait-again", "locks-crossed"].contains(&name.as_str()) {
        standstill::look_every(Duration::from_millis(1));
    }
    let machine = Machine::boot(BootOptions::default());
    let result = machine.load_driver(image.as_ref(), &name);
    if name == "touch-init" && result.is_ok() {
        // Its thread ends the run; nothing here can.
        loop {
            std::thread::park();
        }
    }
    println!("{name} was not noticed: {result:?}");
}

/// Runs the scenario `name` and expects it to be stopped by `rule`, with `details` in the report.
fn stops(name: &str, rule: &str, details: &[&str]) {
    let Some(path) = image::kernel() else { return };
    fault::stops(name, &[(IMAGE, path.as_ref())], rule, details);
}

macro_rules! stops {
    ($($test:ident: $name:literal, $rule:literal, $details:expr;)*) => {
        $(
            #[test]
            fn $test() {
                stops($name, $rule, &$details);
            }
        )*
    };
}

stops! {
    reading_past_a_block: "read-past-end", "fault",
        ["right past the end of the 48-byte non-paged pool block 'Test'", "was read at read-past-end+0x", "running: DriverEntry of read-past-end"];
    writing_past_a_block: "write-past-end", "fault", ["2 bytes past the end of the 48-byte", "was written at"];
    reading_a_freed_block: "use-after-free", "fault", ["byte 3 of the 48-byte", "freed by ExFreePool from use-after-free+0x"];
    writing_into_the_slack: "write-into-slack", "overrun", ["1 bytes past the end of the 45-byte"];
    freeing_twice: "double-free", "pool", ["is not an allocated block", "freed by ExFreePool from"];
    freeing_with_another_tag: "wrong-tag", "pool", ["freed with tag '....', allocated with 'Test'"];
    freeing_the_middle: "free-inside", "pool", ["byte 16 of the 48-byte"];
    a_tag_of_zero: "zero-tag", "pool", ["tag 0x0"];
    no_bytes: "zero-bytes", "pool", ["zero bytes"];
    executable_pool: "executable-pool", "pool", ["executable pool"];
    paged_and_non_paged: "both-pools", "pool", ["flags 0x140"];
    copying_what_overlaps: "overlapping-copy", "argument", ["memcpy: 16 bytes", "call:    memcpy from overlapping-copy+0x"];
    copying_too_much: "copy-too-much", "bad-pointer", ["of a copy: outside the block (49 bytes at "];
    a_null_argument: "time-into-null", "bad-pointer", ["CurrentTime", "null pointer"];
    writing_a_constant_by_call: "time-into-constant", "bad-pointer", ["needs ReadWrite, it allows ReadOnly", "section .rdata"];
    an_unaligned_argument: "time-unaligned", "bad-pointer", ["is not aligned to 8"];
    a_null_pointer: "null", "fault", ["0x4, a null pointer with an offset was read"];
    a_wild_pointer: "wild", "fault", ["in no memory that the test-bed knows"];
    a_non_canonical_pointer: "non-canonical", "fault", ["non-canonical address at non-canonical+0x"];
    looking_into_a_process: "look-into-process", "fault", ["byte 0x440 of the opaque EPROCESS of process 4 (System)"];
    writing_a_constant: "write-constant", "fault", ["section .rdata of write-constant", "was written"];
    running_data: "run-data", "fault", ["section .data of run-data", "was executed"];
    a_panic: "panic", "bug-check", ["panic at ", "kernel.rs:"];
    a_breakpoint: "breakpoint", "fault", ["a breakpoint instruction ran before DbgPrint"];
    an_undefined_instruction: "undefined", "fault", ["undefined instruction"];
    a_fast_fail: "fast-fail", "fault", ["fast fail with code 7"];
    a_control_register: "control-register", "fault", ["control register"];
    a_bug_check: "bug-check", "bug-check", ["code 0xc4, parameters 0xf6 0x2 0x3 0x4"];
    an_unknown_format: "odd-format", "not-modelled", ["format \"%d\""];
    too_deep_a_stack: "deep-recursion", "fault", ["stack"];
    too_much_of_the_stack: "too-much-stack", "stack", ["bytes of stack are taken, and 12288 may be", "running: DriverEntry of too-much-stack"];
    paged_pool_at_dispatch: "paged-at-dispatch", "irql", ["called at DISPATCH_LEVEL, allowed up to APC_LEVEL"];
    paged_memory_at_dispatch: "touch-paged-at-dispatch", "irql", ["paged memory touched"];
    a_passive_routine_at_dispatch: "token-at-dispatch", "irql", ["PsReferencePrimaryToken: called at DISPATCH_LEVEL, allowed up to PASSIVE_LEVEL"];
    returning_with_a_lock: "keep-lock", "spin-lock", ["DriverEntry of keep-lock returned with the spin lock"];
    locks_out_of_order: "lock-order", "spin-lock", ["but the lock taken last is"];
    a_lock_taken_twice: "lock-twice", "spin-lock", ["is held by this thread already"];
    a_lock_released_to_another_level: "lock-level", "spin-lock", ["released to IRQL 1, acquired at 0"];
    a_lock_that_is_not_held: "lock-not-held", "spin-lock", ["this thread holds no spin lock"];
    a_lock_never_initialised: "lock-garbage", "spin-lock", ["not initialised"];
    freeing_a_held_lock: "free-held-lock", "spin-lock", ["is freed"];
    an_event_never_initialised: "event-uninitialised", "event", ["was not initialised"];
    a_freed_event: "event-freed", "use-after-free", ["Event: used after it was freed"];
    a_paged_event: "event-paged", "irql", ["paged memory"];
    a_wait_without_end: "wait-without-end", "wait", ["no time-out"];
    a_wait_at_dispatch: "wait-at-dispatch", "irql", ["a wait with a time-out other than zero"];
    a_wait_for_nobody: "wait-for-nobody", "standstill",
        ["call:    KeWaitForSingleObject from wait-for-nobody+0x", "awaits:  0x", "byte 16 of the 64-byte non-paged pool block 'Test'", "running: DriverEntry of wait-for-nobody", "machine: of thread"];
    a_wait_that_begins_again: "wait-again", "standstill", ["call:    KeWaitForSingleObject from wait-again+0x", "running: DriverEntry of wait-again"];
    locks_taken_crosswise: "locks-crossed", "standstill",
        ["running: DriverEntry of locks-crossed", "byte 8 of the 64-byte non-paged pool block 'Test'", "call:    KeAcquireSpinLockRaiseToDpc from locks-crossed+0x", "running: system thread of PsCreateSystemThread from locks-crossed", "awaits:  the spin lock at 0x", "byte 0 of the 64-byte non-paged pool block 'Test'"];
    a_wait_in_user_mode: "wait-in-user-mode", "not-modelled", ["user-mode"];
    one_reference_too_few: "dereference-too-often", "reference", ["holds no such reference"];
    a_token_released_by_ob: "token-by-ob", "reference", ["held: [\"PsReferencePrimaryToken from"];
    an_address_inside_an_object: "no-object", "bad-pointer", ["is not the address of an object"];
    a_type_as_process: "file-as-process", "wrong-kind", ["OBJECT_TYPE File is used as EPROCESS"];
    closing_no_handle: "close-nothing", "handle", ["0x1234 is not an open handle"];
    ending_driver_entry: "end-driver-entry", "system-thread", ["outside the body of a system thread"];
    a_thread_in_data: "thread-into-data", "bad-pointer", ["system thread of PsCreateSystemThread from"];
    a_key_with_flags: "key-flags", "argument", ["IoOpenDriverRegistryKey: Flags 0x1"];
    a_key_to_write_to: "key-to-write", "not-modelled", ["DesiredAccess 0x2001b to the immutable Parameters key"];
    a_key_opened_without_the_right_to_ask: "key-without-rights", "handle", ["ZwQueryValueKey: the key was opened with 0x20000"];
    a_key_used_after_its_close: "key-closed", "handle", ["no handle that the driver has open"];
    a_thread_as_key: "key-of-thread", "wrong-kind", ["is used as registry key"];
    discarded_sections: "touch-init", "fault", ["section INIT", "freed by the end of DriverEntry"];
}
