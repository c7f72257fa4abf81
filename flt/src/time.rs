//! Wall-clock time and durations, both in the kernel's unit of 100 ns.

#![expect(unsafe_code, reason = "asks the kernel's clocks")]

/// 100 ns intervals since 1601-01-01 UTC (a FILETIME), with the precise clock.
#[must_use]
pub fn system_time() -> u64 {
    let mut now: i64 = 0;
    // SAFETY: callable at any level (wdm.h, KeQuerySystemTimePrecise); `now` is a valid place to write.
    unsafe { flt_sys::nt::KeQuerySystemTimePrecise(&raw mut now) };
    now.cast_unsigned()
}

/// 100 ns intervals since the machine was started: only differences mean anything.
#[must_use]
pub fn monotonic() -> u64 {
    let mut counter: u64 = 0;
    // SAFETY: callable at any level (wdm.h, KeQueryInterruptTimePrecise); `counter` may be written.
    unsafe { flt_sys::nt::KeQueryInterruptTimePrecise(&raw mut counter) }
}
