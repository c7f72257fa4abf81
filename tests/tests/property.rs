//! The safety property of enforce mode, on more than 200 000 random requests.
//!
//! The seeds are fixed, so that a failure is the same everywhere; `conformance property` draws others.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::PathBuf;
use std::time::Instant;

use conformance::property::{DEFINITE, Mode, Options, Stopped, Tally, exclusions, run};

#[path = "../../testbed/tests/shared/driver_image.rs"]
mod driver_image;

/// Requests of each of the two modes.
const REQUESTS: u64 = 104_000;
/// Where the scripts start.
const SEED: u64 = 1;

fn options(image: PathBuf, mode: Mode) -> Options {
    Options {
        image,
        mode,
        seed: SEED,
        requests: REQUESTS,
        forced: None,
    }
}

/// Runs, and fails with the smallest script.
fn holds(mode: Mode) -> Option<Tally> {
    let image = driver_image::image()?;
    let start = Instant::now();
    let tally = run(&options(image, mode)).unwrap_or_else(|stopped| panic!("{stopped}"));
    println!(
        "{mode:?}: {:.1} s
{tally}",
        start.elapsed().as_secs_f64()
    );
    assert_looked(&tally);
    Some(tally)
}

/// A run that never gets near anything would prove nothing.
fn assert_looked(tally: &Tally) {
    assert!(tally.requests >= REQUESTS);
    assert!(tally.reached * 10 > tally.requests * 8, "{tally:?}");
    assert!(tally.accepted * 10 > tally.requests, "{tally:?}");
    assert!(tally.remarked > 1000, "{tally:?}");
    for rule in DEFINITE {
        let count = tally.by_rule.get(&rule).copied().unwrap_or(0);
        assert!(count >= 50, "rule {rule} decided {count} times: {tally:?}");
    }
    assert_eq!(tally.by_rule.len(), DEFINITE.len(), "{tally:?}");
    assert!(tally.statuses.len() > 8, "{tally:?}");
}

#[test]
fn enforce_mode_refuses_only_what_the_file_system_refuses() {
    holds(Mode::Enforce);
}

#[test]
fn observe_mode_changes_nothing() {
    holds(Mode::Observe);
}

/// An exclusion that nothing needs would hide what it excludes.
#[test]
fn every_exclusion_is_needed() {
    let Some(image) = driver_image::image() else {
        return;
    };
    for excluded in exclusions() {
        let options = Options {
            forced: Some(excluded),
            ..options(image.clone(), Mode::Enforce)
        };
        match run(&options) {
            Err(Stopped::Failed(failure)) => {
                println!("{excluded:?}: after {} requests", failure.requests);
                assert!(failure.steps() <= 10, "not made small: {failure}");
            }
            other => panic!("{excluded:?}: {other:?}"),
        }
    }
}
