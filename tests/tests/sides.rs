//! The cases against the test-bed's table of disputes: no side is missing, and no case hides that it has one.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use conformance::bed::Bed;
use conformance::case::Case;
use conformance::cases;
use conformance::run::{Outcome, Pair};
use conformance::side::{Side, side};
use conformance::stage::{FileSystemKind, VolumeSpec};
use testbed::volume::{SWITCHES, Switch};

/// Every side of every dispute.
fn sides() -> impl Iterator<Item = Side> {
    let of = |switch: &'static Switch| {
        let values = switch.values.iter();
        values.map(|value| side(switch.name, value.name))
    };
    SWITCHES.iter().flat_map(of)
}

#[test]
fn every_side_of_a_dispute_has_a_case() {
    let is_taken = |side: &Side| cases::all().any(|case| case.volume.sides.contains(side));
    let missing: Vec<String> = sides()
        .filter(|side| !is_taken(side))
        .map(|side| side.to_string())
        .collect();
    assert!(missing.is_empty(), "no case takes {missing:#?}");
}

#[test]
fn every_side_of_a_case_exists_and_no_case_takes_two_of_one_dispute() {
    for case in cases::all() {
        for (index, taken) in case.volume.sides.iter().enumerate() {
            assert!(sides().any(|side| side == *taken), "{}: {taken}", case.id);
            let before = &case.volume.sides[..index];
            let is_new = before.iter().all(|side| side.switch != taken.switch);
            assert!(is_new, "{}: {} twice", case.id, taken.switch);
        }
    }
}

/// The document's list of known differences is that of the switches.
#[test]
fn the_document_names_every_switch() {
    let document = include_str!("../../docs/conformance.md");
    let rows: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for switch in SWITCHES {
        let name = format!("`{}`", switch.name);
        assert!(rows.iter().any(|row| row.contains(&name)), "{name}");
    }
}

/// Whether a case comes out as expected on a volume that takes one side more.
fn holds(case: &Case, more: Side) -> bool {
    let sides = [case.volume.sides, &[more]].concat();
    let volume = VolumeSpec {
        // A volume's sides are constants: these live as long as the test.
        sides: sides.leak(),
        ..case.volume
    };
    let bed = Bed::bare();
    let pair = Pair {
        bare: &bed,
        driver: None,
    };
    let case = Case { volume, ..*case };
    // Of two codes the later is EX, which has every check of the plain one and two more.
    let code = case.codes.last().expect("a case has codes");
    !matches!(pair.run(&case, *code).outcome, Outcome::Failed(_))
}

/// The questions that a case does not name and that would change what comes of it.
fn offenders(cases: &[&Case]) -> Vec<String> {
    let mut offenders = Vec::new();
    for case in cases {
        let sides = case.volume.sides;
        let is_named = |switch: &&Switch| sides.iter().any(|side| side.switch == switch.name);
        let is_free = case.volume.kind == FileSystemKind::ThirdParty;
        let can_differ = |switch: &&Switch| !is_named(switch) && (switch.is_open || is_free);
        for switch in SWITCHES.iter().filter(can_differ) {
            // The first value is what a volume has without a side.
            for value in &switch.values[1..] {
                let more = side(switch.name, value.name);
                if !holds(case, more) {
                    offenders.push(format!("{}: {more}", case.id));
                }
            }
        }
    }
    offenders
}

/// Each case is run under every other answer to every question that it does not name.
#[test]
fn a_case_that_hangs_on_a_dispute_says_so() {
    let all: Vec<&Case> = cases::all().collect();
    let (one, other) = all.split_at(all.len() / 2);
    let offenders = std::thread::scope(|scope| {
        let halves = [one, other].map(|half| scope.spawn(|| offenders(half)));
        halves.map(|half| half.join().expect("no run of a case panics"))
    });
    let offenders = offenders.concat();
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}
