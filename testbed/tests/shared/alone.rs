//! Tests that hold a thread, which count on nothing else happening in their process.

use std::process::Command;

/// Tells a test that it is its own child.
const ALONE: &str = "CLONEGUARD_ALONE";

/// Runs a test in a process in which nothing else happens, which is this test program again.
pub(crate) fn alone<T: FnOnce()>(test: T) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let child = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", test_around::<T>()])
        .args(["--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{told}");
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

/// The test in which a closure is, as the harness names it: the path without the crate's name.
fn test_around<T>() -> &'static str {
    let closure = std::any::type_name::<T>();
    let within = closure.split_once("::").map(|(_, path)| path);
    let test = within.and_then(|path| path.strip_suffix("::{{closure}}"));
    test.unwrap_or_else(|| panic!("{closure} is no closure of a test"))
}
