//! The judge itself: a case whose expectation is wrong in one place fails, and says why.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "shared/driver_image.rs"]
mod driver_image;
#[path = "shared/lying.rs"]
mod lying;

use conformance::bed::Bed;
use conformance::case::{BOTH, Case, Code, PLAIN, case};
use conformance::expect::{Mode, Verdict, definite, flagged, passes, seen, unrecorded};
use conformance::run::{Outcome, Pair};
use conformance::scene::{SOURCE, TARGET};
use conformance::stage::{Arrivals, Arrived, Change, FileSystemKind, Trouble, VolumeSpec};
use conformance::stages::find_image;
use conformance::status::{INVALID_PARAMETER, NOT_SUPPORTED, SUCCESS};

use crate::lying::{Lie, Lying};

/// Runs cases on a machine without the driver.
fn bare(case: &Case) -> Outcome {
    let bed = Bed::bare();
    let pair = Pair {
        bare: &bed,
        driver: None,
    };
    let outcome = pair.run(case, Code::Plain).outcome;
    assert_eq!(bed.end(), Ok(()));
    outcome
}

/// Runs them with the driver; none without an image.
fn with_driver(mode: Mode, cases: &[Case]) -> Option<Vec<Outcome>> {
    if !driver_image::is_there() {
        return None;
    }
    let image = find_image(None).expect("it is there");
    let (bare, driver) = (Bed::bare(), Bed::with_driver(&image, mode).expect("loads"));
    let pair = Pair {
        bare: &bare,
        driver: Some((&driver, mode)),
    };
    let run = |case| pair.run(case, Code::Plain).outcome;
    let outcomes = cases.iter().map(run).collect();
    assert_eq!((bare.end(), driver.end()), (Ok(()), Ok(())));
    Some(outcomes)
}

/// The faults of a run that must have failed.
fn faults(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(faults) => faults.join("\n"),
        Outcome::Passed | Outcome::Skipped(_) | Outcome::OtherSide(_) => panic!("{outcome:?}"),
    }
}

const GOOD: Case = case("judge.good", BOTH, |s| s.send(s.ask()));
const UNALIGNED: Case = case("judge.unaligned", BOTH, |s| {
    s.send(s.ask().range(1, 0, 4096))
})
.expects(definite(INVALID_PARAMETER, &[20]));

#[test]
fn a_good_case_passes_and_another_status_does_not() {
    assert_eq!(bare(&GOOD), Outcome::Passed);
    let wrong = faults(&bare(&GOOD.expects(passes(NOT_SUPPORTED))));
    assert!(
        wrong.contains("ended with SUCCESS, not NOT_SUPPORTED"),
        "{wrong}"
    );
    let wrong = faults(&bare(&UNALIGNED.expects(definite(NOT_SUPPORTED, &[20]))));
    assert!(wrong.contains("INVALID_PARAMETER"), "{wrong}");
}

#[test]
fn other_bytes_than_a_copy_would_leave_are_found() {
    // Half of the range is said to be cloned, all of it is.
    let wrong = faults(&bare(&GOOD.expects(passes(SUCCESS).cloning(2 * 4096))));
    assert!(
        wrong.contains(r"\target: another byte than expected at 0x2000"),
        "{wrong}"
    );
    let failing = UNALIGNED.expects(definite(INVALID_PARAMETER, &[20]).cloning(4096));
    assert!(faults(&bare(&failing)).contains(r"\target: another byte"));
}

#[test]
fn other_reference_counts_are_found() {
    let counted = case("judge.counts", PLAIN, |s| {
        s.send(s.ask())?;
        s.expect_references(SOURCE, &[1])
    });
    let wrong = faults(&bare(&counted));
    assert!(
        wrong.contains("reference counts [2, 1], not [1]"),
        "{wrong}"
    );
}

#[test]
fn what_a_stage_cannot_do_is_skipped_and_what_fails_is_a_failure() {
    let fat = GOOD.on(VolumeSpec::of(FileSystemKind::Fat));
    assert!(matches!(bare(&fat), Outcome::Skipped(_)));
    let broken = case("judge.broken", PLAIN, |s| {
        s.protect()?;
        s.change(TARGET, Change::Write(0, &[1]))
    });
    let wrong = faults(&bare(&broken));
    assert!(wrong.contains("MEDIA_WRITE_PROTECTED"), "{wrong}");
}

#[test]
fn records_are_held_against_the_expectation() {
    let wrong = [
        GOOD.expects(flagged(SUCCESS, &[4])),
        UNALIGNED.expects(definite(INVALID_PARAMETER, &[22])),
        UNALIGNED.expects(flagged(INVALID_PARAMETER, &[20])),
        GOOD.expects(unrecorded(SUCCESS)),
        GOOD.expects(seen(SUCCESS)),
        GOOD,
    ];
    let Some(outcomes) = with_driver(Mode::Observe, &wrong) else {
        return;
    };
    let reasons = [
        "record 1: rules is [], not [4]",
        "record 1: deciding rule is Some(20), not Some(22)",
        "record 1: verdict is \"would_refuse\", not \"flagged\"",
        "the driver has 1 records, not 0",
        "record 1: kind is Some(\"clone\"), not Some(\"seen\")",
    ];
    for (outcome, reason) in outcomes.iter().zip(reasons) {
        let faults = faults(outcome);
        assert!(faults.contains(reason), "{faults}");
    }
    assert_eq!(
        outcomes.last(),
        Some(&Outcome::Passed),
        "no record is left over"
    );
}

/// The outcome of a case whose stage with the driver lies about what arrives; there is no driver on it.
fn with_lies(mode: Mode, case: &Case, lie: Lie) -> Outcome {
    let (bare, other) = (Bed::bare(), Bed::bare());
    let lying = Lying::new(&other, lie);
    let pair = Pair {
        bare: &bare,
        driver: Some((&lying, mode)),
    };
    let outcome = pair.run(case, Code::Plain).outcome;
    assert_eq!((bare.end(), other.end()), (Ok(()), Ok(())));
    outcome
}

#[test]
fn what_is_not_recorded_must_arrive_untouched_too() {
    let unrecorded = GOOD.expects(unrecorded(SUCCESS));
    assert_eq!(with_lies(Mode::Observe, &unrecorded, Ok), Outcome::Passed);
    let changed = faults(&with_lies(Mode::Observe, &unrecorded, |real| {
        let change = |last| Arrived { output: 1, ..last };
        let last = real.last.map(change);
        Ok(Arrivals { last, ..real })
    }));
    assert!(changed.contains("step 1: the file system got"), "{changed}");
    let doubled = faults(&with_lies(Mode::Observe, &unrecorded, |real| {
        let count = real.count * 2;
        Ok(Arrivals { count, ..real })
    }));
    assert!(doubled.contains("step 1: the file system got"), "{doubled}");
}

#[test]
fn only_a_stage_that_has_no_way_to_see_arrivals_is_excused() {
    let unrecorded = GOOD.expects(unrecorded(SUCCESS));
    let failed = with_lies(Mode::Observe, &unrecorded, |_| {
        Err(Trouble::Failed("the volume is gone".to_owned()))
    });
    assert_eq!(faults(&failed), "the volume is gone");
    let unable = |_| Err(Trouble::Unable("nobody sees that".to_owned()));
    let with = faults(&with_lies(Mode::Observe, &GOOD, unable));
    assert!(!with.contains("got to the file system"), "{with}");
}

#[test]
fn the_same_request_again_hides_no_arrival() {
    let twice = case("judge.twice", PLAIN, |s| {
        s.prepare(s.ask())?;
        s.send(s.ask())
    });
    let refused = twice.expects(passes(SUCCESS).with_policy(60, Verdict::Refused));
    let wrong = faults(&with_lies(Mode::Policy, &refused, Ok));
    let arrived = "request 2: it got to the file system although it was refused";
    assert!(wrong.contains(arrived), "{wrong}");
}

#[test]
fn a_refusal_that_is_not_expected_is_a_difference() {
    let tolerant = flagged(INVALID_PARAMETER, &[20]);
    let refused = passes(SUCCESS).with_policy(60, Verdict::Refused);
    let wrong = [UNALIGNED.expects(tolerant), GOOD.expects(refused)];
    let Some(outcomes) = with_driver(Mode::Policy, &wrong) else {
        return;
    };
    let unexpected = faults(&outcomes[0]);
    assert!(
        unexpected.contains("verdict is \"refused\", not \"flagged\""),
        "{unexpected}"
    );
    assert!(unexpected.contains("the file system got"), "{unexpected}");
    let missing = faults(&outcomes[1]);
    assert!(
        missing.contains("it got to the file system although"),
        "{missing}"
    );
    assert!(
        missing.contains("verdict is \"passed\", not \"refused\""),
        "{missing}"
    );
}
