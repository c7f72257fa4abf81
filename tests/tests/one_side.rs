//! The judge on a machine whose file systems take one side of each dispute, as real ones do.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "shared/driver_image.rs"]
mod driver_image;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloneguard::Event;
use conformance::bed::Bed;
use conformance::case::{Case, Code};
use conformance::cases;
use conformance::expect::{Mode, passes};
use conformance::run::{Outcome, Pair};
use conformance::stage::{
    Actor, Answer, Arrivals, Change, Control, Open, OwnedFile, RawHandle, Sizes, Stage, Trouble,
    VolumeId, VolumeSpec, Who,
};
use conformance::stages::find_image;
use conformance::status::{INVALID_HANDLE, Status};

/// The test-bed as such a machine.
struct Machine {
    bed: Bed,
    /// Whether its one side is that of the case.
    agrees: bool,
    /// Whether a request that fails changes files, as no request may.
    spoils: bool,
    /// That one has.
    is_spoilt: Arc<AtomicBool>,
}

/// A file of which another byte is read once a request has failed.
struct Spoilt(Box<dyn OwnedFile>, Arc<AtomicBool>);

impl OwnedFile for Spoilt {
    fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        let mut bytes = self.0.read(offset, length)?;
        if let Some(byte) = bytes.last_mut().filter(|_| self.1.load(Ordering::Relaxed)) {
            *byte ^= 1;
        }
        Ok(bytes)
    }

    fn sizes(&self) -> Result<Sizes, Status> {
        self.0.sizes()
    }

    fn change(&self, change: &Change<'_>) -> Result<(), Trouble> {
        self.0.change(change)
    }

    fn references(&self) -> Result<Vec<u32>, Trouble> {
        self.0.references()
    }
}

/// A caller whose requests spoil files when they fail.
struct Spoiling(Box<dyn Actor>, Arc<AtomicBool>);

impl Actor for Spoiling {
    fn open(&self, what: Open<'_>, access: u32) -> Result<RawHandle, Trouble> {
        self.0.open(what, access)
    }

    fn duplicate(&self, handle: RawHandle, access: Option<u32>) -> Result<RawHandle, Trouble> {
        self.0.duplicate(handle, access)
    }

    fn close(&self, handle: RawHandle) -> Result<(), Trouble> {
        self.0.close(handle)
    }

    fn control(&self, control: &Control<'_>) -> Result<Answer, Trouble> {
        let answer = self.0.control(control)?;
        if !answer.status.is_success() {
            self.1.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }
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
        let file = self.bed.create(volume, path)?;
        let spoilt = Arc::clone(&self.is_spoilt);
        Ok(Box::new(Spoilt(file, spoilt)))
    }

    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        let actor = self.bed.start(who, label)?;
        if !self.spoils {
            return Ok(actor);
        }
        let spoilt = Arc::clone(&self.is_spoilt);
        Ok(Box::new(Spoiling(actor, spoilt)))
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
    run_spoiling(case, driver, (agrees, false))
}

/// The same with a driver that perhaps spoils files.
fn run_spoiling(
    case: &Case,
    driver: Option<(Bed, Mode)>,
    (agrees, spoils): (bool, bool),
) -> Outcome {
    let machine = |bed, spoils| Machine {
        bed,
        agrees,
        spoils,
        is_spoilt: Arc::default(),
    };
    let bare = machine(Bed::bare(), false);
    let driver = driver.map(|(bed, mode)| (machine(bed, spoils), mode));
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

/// What is disputed is how the file system answers. That a refused request leaves the files alone, is not.
#[test]
fn a_refusal_that_changes_a_file_is_a_failure_on_the_other_side_as_well() {
    let disputed = named("dispute.negative-target-dropped");
    let Some(driver) = with_driver(Mode::Enforce) else {
        return;
    };
    let outcome = run_spoiling(&disputed, Some(driver), (false, false));
    assert!(matches!(outcome, Outcome::OtherSide(_)), "{outcome:?}");
    let driver = with_driver(Mode::Enforce);
    let Outcome::Failed(faults) = run_spoiling(&disputed, driver, (false, true)) else {
        panic!("the files changed");
    };
    let files = [r"\source", r"\target"];
    let expected = files.map(|file| {
        format!("with the driver: request 1: {file}: it was refused and has changed the file")
    });
    assert_eq!(faults, expected);
}

/// Strict rules, and those of a policy, refuse what the file system accepts: that is what they are for.
#[test]
fn what_a_policy_refuses_need_not_be_refused_by_the_file_system() {
    for id in ["policy.denied-target", "policy.secret-source"] {
        let Some(driver) = with_driver(Mode::Policy) else {
            return;
        };
        assert_eq!(run(&named(id), Some(driver), true), Outcome::Passed, "{id}");
    }
    // A definite rule is judged there too.
    let accepted = named("dispute.negative-target-dropped");
    let outcome = run(&accepted, with_driver(Mode::Policy), true);
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
}
