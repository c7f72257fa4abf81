//! No two cases are one: what a body has done on a stage is written down and compared.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "shared/recorder.rs"]
mod recorder;

use std::collections::BTreeMap;

use conformance::bed::Bed;
use conformance::case::{Case, Code};
use conformance::cases;
use conformance::run::{Outcome, Pair};
use testbed::volume::SWITCHES;

use crate::recorder::Recorder;

/// Everything that a case does with one code, and on what; nothing if the stage cannot run it.
fn deeds(case: &Case, code: Code) -> Option<String> {
    let bed = Bed::bare();
    let recorder = Recorder::new(&bed);
    let pair = Pair {
        bare: &recorder,
        driver: None,
    };
    if let Outcome::Skipped(_) = pair.run(case, code).outcome {
        return None;
    }
    let is_default = |(switch, value): (&str, &str)| {
        let mut switches = SWITCHES.iter();
        switches.any(|known| known.name == switch && known.values[0].name == value)
    };
    let sides = case.volume.sides.iter();
    let sides: Vec<_> = sides
        .filter(|side| !is_default((side.switch, side.value)))
        .collect();
    Some(format!("{sides:?}\n{}", recorder.text()))
}

#[test]
fn no_two_cases_do_the_same() {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut twins = Vec::new();
    for case in cases::all() {
        for code in case.codes {
            let Some(deeds) = deeds(case, *code) else {
                continue;
            };
            if let Some(other) = seen.insert(deeds, case.id) {
                twins.push(format!("{other} and {} [{code}]", case.id));
            }
        }
    }
    assert!(seen.len() > 400, "{} runs were compared", seen.len());
    assert!(twins.is_empty(), "{twins:#?}");
}
