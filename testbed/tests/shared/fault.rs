//! One broken rule each: a scenario with a fault runs in a child, which is this test program again, and must end with
//! exit code 86 and a report that names the rule and the place.
//!
//! [`chosen`] is for the scenario, a test named `faults::scenario`; [`stops`] runs it, [`crate::faults!`] makes a test of
//! each fault.

use std::ffi::OsStr;
use std::process::Command;

use testbed::verifier;

/// Which fault the scenario is to have.
const VARIABLE: &str = "TESTBED_FAULT";

/// The fault that was chosen; without one the scenario does nothing.
pub(crate) fn chosen() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// Runs the scenario with `fault`, and with more in its environment, and expects it to be stopped by `rule`, with
/// `details` in the report.
pub(crate) fn stops(fault: &str, more: &[(&str, &OsStr)], rule: &str, details: &[&str]) {
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args([
            "--exact",
            "faults::scenario",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(VARIABLE, fault)
        .envs(more.iter().copied())
        .output()
        .expect("the scenario runs");
    let report = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(verifier::EXIT_CODE),
        "{fault}:\n{report}{printed}"
    );
    let headline = format!("testbed: VIOLATION of rule {rule}\n");
    assert!(report.contains(&headline), "{fault}:\n{report}");
    for detail in details {
        assert!(
            report.contains(detail),
            "{fault}: no {detail:?} in\n{report}"
        );
    }
}

/// Makes a test of each fault: its name, the rule, and what the report says. The module has a `stops` of its own, which
/// says whether the scenario can run.
#[macro_export]
macro_rules! faults {
    ($($name:ident: $rule:literal, $detail:literal;)*) => {
        $(
            #[test]
            fn $name() {
                stops(stringify!($name), $rule, $detail);
            }
        )*
    };
}
