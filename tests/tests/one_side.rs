//! The judge on a machine whose file systems take one side of each dispute, as real ones do.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "shared/driver_image.rs"]
mod driver_image;

use cloneguard::Event;
use conformance::bed::Bed;
use conformance::case::{Case, Code};
use conformance::cases;
use conformance::expect::{Mode, passes};
use conformance::run::{Outcome, Pair};
use conformance::stage::{Actor, Arrivals, OwnedFile, Stage, Trouble, VolumeId, VolumeSpec, Who};
use conformance::stages::find_image;
use conformance::status::INVALID_HANDLE;

/// The test-bed as such a machine.
struct Machine {
    bed: Bed,
    /// Whether its one side is that of the case.
    agrees: bool,
}

impl Stage for Machine {
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble> {
        let sides = if self.agrees { spec.sides } else { &[] };
        self.bed.make_volume(&VolumeSpec { sides, ..*spec })
    }

    fn protect(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.bed.protect(volume)
    }

    fn settle(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.bed.settle(volume)
    }

    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble> {
        self.bed.create(volume, path)
    }

    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        self.bed.start(who, label)
    }

    fn has_one_side(&self) -> bool {
        true
    }

    fn arrivals(&self, volume: VolumeId) -> Result<Arrivals, Trouble> {
        self.bed.arrivals(volume)
    }

    fn records(&self) -> Result<Vec<Event>, String> {
        self.bed.records()
    }
}

fn named(id: &str) -> Case {
    *cases::all().find(|case| case.id == id).expect("a case")
}

/// Runs a case without the driver, and with it if there is one.
fn run(case: &Case, driver: Option<(Bed, Mode)>, agrees: bool) -> Outcome {
    let machine = |bed| Machine { bed, agrees };
    let bare = machine(Bed::bare());
    let driver = driver.map(|(bed, mode)| (machine(bed), mode));
    let pair = Pair {
        bare: &bare,
        driver: driver.as_ref().map(|(stage, mode)| (stage as _, *mode)),
    };
    let outcome = pair.run(case, Code::Plain).outcome;
    assert_eq!(bare.bed.end(), Ok(()));
    if let Some((driver, _)) = driver {
        assert_eq!(driver.bed.end(), Ok(()));
    }
    outcome
}

fn with_driver(mode: Mode) -> Option<(Bed, Mode)> {
    driver_image::is_there().then(|| {
        let image = find_image(None).expect("it is there");
        (Bed::with_driver(&image, mode).expect("loads"), mode)
    })
}

#[test]
fn another_side_is_an_answer_and_no_failure() {
    let disputed = named("dispute.overlap-allowed");
    let Outcome::OtherSide(answers) = run(&disputed, None, false) else {
        panic!("a machine may take another side");
    };
    let answers = answers.join("\n");
    assert!(
        answers.contains("ended with NOT_SUPPORTED, not SUCCESS"),
        "{answers}"
    );
    assert_eq!(run(&disputed, None, true), Outcome::Passed);
}

/// The test-bed takes the side that it is told to.
#[test]
fn a_disputed_case_fails_on_a_stage_that_takes_every_side() {
    let wrong = named("dispute.overlap-allowed").expects(passes(INVALID_HANDLE));
    let bed = Bed::bare();
    let pair = Pair {
        bare: &bed,
        driver: None,
    };
    let outcome = pair.run(&wrong, Code::Plain).outcome;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(bed.end(), Ok(()));
}

#[test]
fn a_case_that_no_source_disputes_fails_there_too() {
    let undisputed = named("structure.exact").expects(passes(INVALID_HANDLE));
    assert!(matches!(run(&undisputed, None, false), Outcome::Failed(_)));
}

#[test]
fn the_driver_is_judged_on_the_other_side_as_well() {
    let Some(driver) = with_driver(Mode::Observe) else {
        return;
    };
    let disputed = named("dispute.overlap-allowed");
    assert!(matches!(
        run(&disputed, Some(driver), false),
        Outcome::OtherSide(_)
    ));
}

/// This is what a run on Windows must find if there is such a file system: a definite rule that is none.
#[test]
fn a_refusal_that_the_file_system_does_not_share_is_a_failure() {
    let accepted = named("dispute.negative-target-dropped");
    let Some(driver) = with_driver(Mode::Enforce) else {
        return;
    };
    let Outcome::Failed(faults) = run(&accepted, Some(driver), true) else {
        panic!("the file system accepts what the driver refuses");
    };
    let expected = "request 1: the driver refuses with INVALID_PARAMETER what the file system answers with SUCCESS";
    assert_eq!(faults, [expected]);
    // The driver that observes refuses nothing.
    let Some(driver) = with_driver(Mode::Observe) else {
        return;
    };
    assert_eq!(run(&accepted, Some(driver), true), Outcome::Passed);
    // And where the file system refuses as the driver does, enforcing is right.
    let shared = named("alignment.source-one");
    let driver = with_driver(Mode::Enforce);
    assert_eq!(run(&shared, driver, true), Outcome::Passed);
}
