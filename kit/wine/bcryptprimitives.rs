//! The one function that Rust's standard library wants of `bcryptprimitives.dll`, which Wine 8 does not have. The tests of
//! the programs for Windows put it beside them under Wine, and nowhere else.
#![no_std]

/// The tests need some bytes, and no secrets.
#[unsafe(no_mangle)]
extern "system" fn ProcessPrng(bytes: *mut u8, count: usize) -> i32 {
    for index in 0..count {
        let byte = index.wrapping_mul(37) as u8;
        // SAFETY: the caller gives room for `count` bytes.
        unsafe { bytes.add(index).write(byte) };
    }
    1
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
