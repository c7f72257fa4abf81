//! What was found, for people: the summary of a run, and JSON.

use std::fmt;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use super::equivalents::reason;
use super::generate::Mutation;
use super::judge::Fate;
use super::results::Results;

/// Where a mutation is, for people.
pub(super) fn place(mutation: &Mutation) -> String {
    format!("{}  ({}:{})", mutation.name, mutation.path, mutation.line)
}

/// The results of a run.
pub(super) struct Report<'a> {
    lines: Vec<(&'a Mutation, &'a Fate)>,
}

impl<'a> Report<'a> {
    /// The results of these mutations, as far as there are any.
    pub(super) fn new(mutations: &[&'a Mutation], results: &'a Results) -> Self {
        let lines = mutations.iter().filter_map(|mutation| {
            let fate = results.get(&mutation.name)?;
            Some((*mutation, fate))
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// What became of each mutation.
    pub(super) fn json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            name: &'a str,
            file: &'a str,
            line: usize,
            fate: &'a Fate,
            equivalent: Option<&'a str>,
        }
        let lines = self.lines.iter().map(|(mutation, fate)| Line {
            name: &mutation.name,
            file: &mutation.path,
            line: mutation.line,
            fate,
            equivalent: reason(&mutation.name),
        });
        let lines: Vec<_> = lines.collect();
        serde_json::to_string_pretty(&lines).context("cannot write JSON")
    }

    /// Fails unless every survivor is explained, and every explanation needed.
    pub(super) fn outcome(&self) -> Result<()> {
        let survivors = self.unexplained().count();
        ensure!(survivors == 0, "no test sees {survivors} of the mutations");
        let seen = self.lines.iter().filter(|(mutation, fate)| {
            **fate != Fate::Survived && reason(&mutation.name).is_some()
        });
        let seen: Vec<_> = seen.map(|(mutation, _)| mutation.name.as_str()).collect();
        ensure!(
            seen.is_empty(),
            "called equivalent, and a test sees them: {}",
            seen.join(", ")
        );
        Ok(())
    }

    fn unexplained(&self) -> impl Iterator<Item = &'a Mutation> {
        let survivors = self
            .lines
            .iter()
            .filter(|(_, fate)| **fate == Fate::Survived);
        survivors
            .map(|(mutation, _)| *mutation)
            .filter(|mutation| reason(&mutation.name).is_none())
    }

    /// How many of each fate.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (mutation, fate) in &self.lines {
            counts.tried += 1;
            match fate {
                Fate::Caught(_) => counts.caught += 1,
                Fate::Stuck => counts.stuck += 1,
                Fate::NotBuilt => counts.not_built += 1,
                Fate::Survived if reason(&mutation.name).is_some() => counts.equivalent += 1,
                Fate::Survived => counts.survived += 1,
            }
        }
        counts
    }
}

/// How many mutations met which fate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tried: usize,
    pub(super) caught: usize,
    pub(super) stuck: usize,
    pub(super) not_built: usize,
    pub(super) equivalent: usize,
    pub(super) survived: usize,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        writeln!(formatter, "{:>6} mutations tried", counts.tried)?;
        writeln!(formatter, "{:>6} caught by a test", counts.caught)?;
        writeln!(
            formatter,
            "{:>6} made the tests stick or crash",
            counts.stuck
        )?;
        writeln!(formatter, "{:>6} refused by the compiler", counts.not_built)?;
        writeln!(
            formatter,
            "{:>6} equivalent, with a reason",
            counts.equivalent
        )?;
        writeln!(formatter, "{:>6} survived", counts.survived)?;
        for survivor in self.unexplained() {
            writeln!(formatter, "       {}", place(survivor))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::equivalents::EQUIVALENTS;
    use crate::mutate::source::{Enums, Source};
    use crate::mutate::{self, generate, source};

    fn mutations(text: &str) -> Vec<Mutation> {
        let source = Source::new("check", text.to_owned()).unwrap();
        generate::of(&source, &Enums::default()).unwrap()
    }

    #[test]
    fn one_survivor_makes_the_run_fail_and_is_named() {
        let mutations = mutations("fn f(a: u8) -> u8 { g(a < b) }");
        let chosen: Vec<_> = mutations.iter().collect();
        let mut results = Results::default();
        for mutation in &mutations {
            results.note(mutation, Fate::Caught(vec!["a::b".to_owned()]));
        }
        let report = Report::new(&chosen, &results);
        assert!(report.outcome().is_ok());
        assert!(report.to_string().contains("2 caught by a test"));
        results.note(&mutations[0], Fate::Survived);
        let report = Report::new(&chosen, &results);
        assert_eq!(
            report.outcome().unwrap_err().to_string(),
            "no test sees 1 of the mutations"
        );
        let place = "check/f/lt-le  (guard/src/check.rs:1)";
        assert!(report.to_string().contains(place), "{report}");
        assert!(report.json().unwrap().contains("\"survived\""));
    }

    #[test]
    fn every_equivalent_is_still_a_mutation_and_has_a_reason() {
        let mutations = mutate::mutations(&source::read().unwrap()).unwrap();
        for (name, reason) in EQUIVALENTS {
            assert!(
                mutations.iter().any(|mutation| mutation.name == name),
                "{name}"
            );
            assert!(reason.len() > 20, "{name}");
        }
    }
}
