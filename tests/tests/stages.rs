//! Every case on every stage of this machine. A failure names the case, what was expected, and the source.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "shared/driver_image.rs"]
mod driver_image;

use conformance::case::Case;
use conformance::cases;
use conformance::stages::{self, StageKind};

/// Runs all cases on a stage.
fn run(stage: StageKind) {
    if stage.mode().is_some() && !driver_image::is_there() {
        return;
    }
    let all: Vec<&'static Case> = cases::all().collect();
    let report = stages::run(stage, None, &all, &mut |_| {}).expect("the stage runs");
    let failures = report.failures();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let skipped: Vec<&str> = report.skipped().map(|case| case.id).collect();
    println!("skipped: {skipped:?}");
    let most = all.len() / 20;
    assert!(
        skipped.len() <= most,
        "more than one in twenty skipped: {skipped:?}"
    );
}

#[test]
fn bare() {
    run(StageKind::Bare);
}

#[test]
fn observe() {
    run(StageKind::Observe);
}

#[test]
fn enforce() {
    run(StageKind::Enforce);
}

#[test]
fn policy() {
    run(StageKind::Policy);
}
