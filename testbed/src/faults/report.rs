//! What a sweep prints: a row for each place, and every run that ended as none may.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, Result};
use testbed::Symbols;

use super::observation::Point;
use super::sweep::{Outcome, Run};
use crate::demo::output::say;

/// How many differences a row names before it counts the rest.
const NAMED: usize = 4;
/// What a sweep without faults has shown.
const ALL_IS_WELL: &str = "In every run each request was answered as without the driver or refused as the policy says, \
    each was recorded or counted, nothing was left at unload, and the next load worked.";

/// Prints the table and the sums.
pub(crate) fn print(outcome: &Outcome, symbols: &Symbols) {
    let routines = print_places(&outcome.singles, symbols);
    say("");
    for run in outcome.singles.iter().chain(&outcome.pairs) {
        for fault in &run.faults {
            let calls = calls(&run.chosen, symbols);
            say(&format!("FAULT when {calls} failed: {fault}"));
        }
    }
    let made = |runs: &[Run]| {
        runs.iter()
            .filter(|run| run.made == run.chosen.len())
            .count()
    };
    say(&format!(
        "{} places, {routines} routines. One call failed in each of {} runs, two in {} (of {} pairs; in the others the first \
         failure kept the second from being made).",
        outcome.places.len(),
        made(&outcome.singles),
        made(&outcome.pairs),
        outcome.pairs.len(),
    ));
    say(&match outcome.faults() {
        0 => ALL_IS_WELL.to_owned(),
        faults => format!("{faults} runs ended as none may; they are marked FAULT above."),
    });
}

/// A row for each place, below its routine; answers how many routines there are.
fn print_places(singles: &[Run], symbols: &Symbols) -> usize {
    let mut by_routine: BTreeMap<&str, BTreeMap<(u64, &str), Vec<&Run>>> = BTreeMap::new();
    for run in singles {
        if let Some(point) = run.chosen.last() {
            let places = by_routine.entry(&point.routine).or_default();
            let runs = places.entry((point.rva, &point.during)).or_default();
            runs.push(run);
        }
    }
    for (routine, places) in &by_routine {
        say(routine);
        for ((rva, during), runs) in places {
            say(&format!("  {} in {during}", symbols.name(*rva)));
            say(&format!("      {}", led_to(runs)));
        }
    }
    by_routine.len()
}

/// What the failures at one place led to, all together; the gravest first.
fn led_to(runs: &[&Run]) -> String {
    let named: BTreeSet<(u8, String)> = runs.iter().flat_map(|run| changes(run)).collect();
    let mut words: Vec<&str> = named
        .iter()
        .take(NAMED)
        .map(|(_, words)| words.as_str())
        .collect();
    let rest;
    if named.len() > NAMED {
        rest = format!("and {} more", named.len() - NAMED);
        words.push(&rest);
    }
    if words.is_empty() {
        return "nothing that anybody can see".to_owned();
    }
    words.join("; ")
}

/// What changed, with a rank: what may never be, what anybody notices, what a record lacks.
fn changes(run: &Run) -> Vec<(u8, String)> {
    let faults = run.faults.iter().map(|_| (0, "FAULT".to_owned()));
    let changes = run.led_to.iter().filter_map(|(what, by)| {
        match (what.strip_prefix("no "), *by > 0) {
            (Some(field), true) => Some((2, format!("no {field}"))),
            // Fewer records lack a field when there are fewer records.
            (Some(_), false) => None,
            (None, true) => Some((1, what.clone())),
            (None, false) => Some((1, format!("without: {what}"))),
        }
    });
    faults.chain(changes).collect()
}

fn calls(chosen: &[Point], symbols: &Symbols) -> String {
    let calls = chosen.iter().map(|point| {
        let place = symbols.name(point.rva);
        format!(
            "call {} of {} at {place} in {}",
            point.number, point.routine, point.during
        )
    });
    calls.collect::<Vec<_>>().join(" and ")
}

/// Writes all of it.
pub(crate) fn write_json(outcome: &Outcome, path: &Path) -> Result<()> {
    let unwritable = || format!("{} cannot be written", path.display());
    let file = File::create(path).with_context(unwritable)?;
    serde_json::to_writer_pretty(BufWriter::new(file), outcome).with_context(unwritable)
}
