//! The target `image` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The verifier ends the process so that libFuzzer does not notice: `./dev fuzz` finds the input here.
    std::fs::write("current", bytes).expect("the folder where it runs is for what fails");
    fuzz::image::body(bytes);
});

libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, room: usize, seed: u32| {
    if seed & 1 == 0 {
        fuzz::image::mutate(bytes, size, room, seed)
    } else {
        libfuzzer_sys::fuzzer_mutate(bytes, size, room)
    }
});
