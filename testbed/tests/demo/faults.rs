//! The program `testbed faults`: calls of the shipped image that fail, each in turn, and what it says of that.

use super::patch::Patch;
use super::{Ended, Scratch, image, testbed};

fn faults(image: &std::path::Path, more: &[&str]) -> Ended {
    let output = testbed()
        .arg("faults")
        .arg("--image")
        .arg(image)
        .args(more)
        .output();
    Ended::new(output.expect("the program runs"))
}

/// No call of the kernel that fails costs a request, a record, a byte or the next load.
#[test]
fn every_single_call() {
    let Some(image) = image() else {
        return;
    };
    let scratch = Scratch::new();
    let json = scratch.path("faults.json");
    let path = json.to_str().expect("the scratch has a name in UTF-8");
    let ended = faults(&image, &["--singles", "--calls", "3", "--json", path]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [
        "FltAllocateContext\n",
        "record volume not_attached",
        "load refused with STATUS_INSUFFICIENT_RESOURCES",
        "the next load calls the stop unclean",
        "nothing was left at unload, and the next load worked.",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in {}", ended.out);
    }
    let json = std::fs::read(json).expect("it was written");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    let singles = json["singles"].as_array().expect("a list of runs");
    assert!(singles.len() > 100, "{}", singles.len());
    for run in singles {
        let chosen = run["chosen"].as_array().expect("a list of calls");
        assert_eq!(run["made"], chosen.len(), "{chosen:?}");
    }
}

/// Two calls at once, of one routine.
#[test]
fn pairs_of_calls() {
    let Some(image) = image() else {
        return;
    };
    let ended = faults(&image, &["--only", "ZwQueryValueKey", "--calls", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("(of 10 pairs"), "{}", ended.out);
}

/// A driver that is broken when nothing fails is told so, and nothing is swept.
#[test]
fn a_driver_that_is_broken_anyway() {
    let Some(mut patch) = Patch::of_image() else {
        return;
    };
    patch.rename_import("ObfDereferenceObject", "KeGetCurrentIrql");
    let scratch = Scratch::new();
    let ended = faults(&patch.write(&scratch), &["--singles", "--calls", "3"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in ["with nothing failing: ", "leak"] {
        assert!(ended.error.contains(part), "no {part:?} in {}", ended.error);
    }
}

/// A list of calls that is none.
#[test]
fn wrong_points() {
    let Some(image) = image() else {
        return;
    };
    let ended = faults(&image, &["--run", "[{}]"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.error.contains("the points to fail"),
        "{}",
        ended.error
    );
}
