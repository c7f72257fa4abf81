//! The figures in docs/testing.md, between two marks, written by `mutate --document`.
//!
//! What is tried for each rule follows from the sources, so a test compares it. The fates are those of
//! the run that wrote them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use super::equivalents::EQUIVALENTS;
use super::generate::Mutation;
use super::judge::Fate;
use super::report::{Counts, Report};
use super::results::Results;
use crate::files;

const DOCUMENT: &str = "docs/testing.md";
/// Tests that compare the table with docs/rules.md. They see most of what is done to a rule, and would
/// stand in every line.
const COMPARISON: &str = "table::";
const BEGIN: &str = "<!-- From here on written by ./dev mutate --document -->";
const END: &str = "<!-- To here -->";

/// Writes the section. Every mutation must have a result.
pub(super) fn write(mutations: &[Mutation], results: &Results) -> Result<()> {
    for mutation in mutations {
        if results.get(&mutation.name).is_none() {
            bail!(
                "{} was not tried yet: run ./dev mutate --resume",
                mutation.name
            );
        }
    }
    let path = files::root().join(DOCUMENT);
    let document = files::read_text(&path)?;
    let (before, _, after) = split(&document)?;
    let section = section(mutations, results)?;
    let document = format!("{before}{BEGIN}\n\n{section}\n{END}{after}");
    files::write_if_changed(&path, document.as_bytes()).map(drop)
}

/// What stands before, between and after the marks.
fn split(document: &str) -> Result<(&str, &str, &str)> {
    let parts = document.split_once(BEGIN).and_then(|(before, rest)| {
        let (section, after) = rest.split_once(END)?;
        Some((before, section, after))
    });
    parts.with_context(|| format!("{DOCUMENT} lacks the marks {BEGIN} and {END}"))
}

fn section(mutations: &[Mutation], results: &Results) -> Result<String> {
    let mut text = String::new();
    figures(&mut text, mutations, results)?;
    writeln!(text)?;
    rules(&mut text, mutations, results)?;
    writeln!(text, "\nThese change nothing, so no test can see them:\n")?;
    writeln!(text, "| equivalent | because |\n|---|---|")?;
    for (name, reason) in EQUIVALENTS {
        writeln!(text, "| `{name}` | {reason} |")?;
    }
    Ok(text)
}

/// A line for each file, and the sum.
fn figures(text: &mut String, mutations: &[Mutation], results: &Results) -> Result<()> {
    writeln!(
        text,
        "| file of guard | tried | caught by a test | stuck or crashed | do not build | equivalent | survived |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    let mut names: Vec<&str> = mutations.iter().map(|mutation| mutation.file).collect();
    names.dedup();
    for file in names {
        let of_file = mutations.iter().filter(|mutation| mutation.file == file);
        let counts = Report::new(&of_file.collect::<Vec<_>>(), results).counts();
        writeln!(text, "| {file}.rs | {} |", cells(&counts))?;
    }
    let all = Report::new(&mutations.iter().collect::<Vec<_>>(), results).counts();
    writeln!(text, "| all | {} |", cells(&all))?;
    Ok(())
}

fn cells(counts: &Counts) -> String {
    let cells = [
        counts.tried,
        counts.caught,
        counts.stuck,
        counts.not_built,
        counts.equivalent,
        counts.survived,
    ];
    cells.map(|cell| cell.to_string()).join(" | ")
}

/// A line for each rule of the table.
fn rules(text: &mut String, mutations: &[Mutation], results: &Results) -> Result<()> {
    writeln!(
        text,
        "| rule | tried | besides `table` caught by |\n|---|---|---|"
    )?;
    for (rule, tried) in tried(mutations) {
        let caught: Vec<_> = mutations
            .iter()
            .filter(|mutation| mutation.rule() == Some(rule))
            .filter_map(|mutation| match results.get(&mutation.name) {
                Some(Fate::Caught(tests)) => Some(others(tests)),
                _ => None,
            })
            .filter(|tests| !tests.is_empty())
            .collect();
        let tests: Vec<_> = cover(caught)
            .iter()
            .map(|test| format!("`{test}`"))
            .collect();
        writeln!(text, "| {rule} | {tried} | {} |", tests.join(", "))?;
    }
    Ok(())
}

/// For each rule, in the order of the table, what is tried.
fn tried(mutations: &[Mutation]) -> Vec<(&str, String)> {
    let mut names: Vec<&str> = Vec::new();
    for rule in mutations.iter().filter_map(Mutation::rule) {
        if !names.contains(&rule) {
            names.push(rule);
        }
    }
    let of = |rule| {
        mutations
            .iter()
            .filter(move |mutation| mutation.rule() == Some(rule))
    };
    names
        .into_iter()
        .map(|rule| {
            let kinds: Vec<_> = of(rule).map(Mutation::kind).collect();
            (rule, kinds.join(", "))
        })
        .collect()
}

/// The tests that look at what a rule does.
fn others(tests: &[String]) -> Vec<&str> {
    let tests = tests.iter().map(String::as_str);
    tests.filter(|test| !test.starts_with(COMPARISON)).collect()
}

/// Few tests of which one at least is in each list: always the one that is in most of what is left.
fn cover(mut lists: Vec<Vec<&str>>) -> Vec<&str> {
    let mut chosen = Vec::new();
    while !lists.is_empty() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for test in lists.iter().flatten().copied() {
            *counts.entry(test).or_default() += 1;
        }
        let Some((test, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
            break;
        };
        lists.retain(|list| !list.contains(&test));
        chosen.push(test);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::{self, source};

    #[test]
    fn few_tests_cover_every_list() {
        let lists = vec![vec!["a", "b"], vec!["b", "c"], vec!["d"]];
        assert_eq!(cover(lists), ["b", "d"]);
        assert!(cover(Vec::new()).is_empty());
    }

    #[test]
    fn the_document_lists_what_is_tried_for_each_rule() {
        let document = files::read_text(&files::root().join(DOCUMENT)).unwrap();
        let (_, section, _) = split(&document).unwrap();
        let mutations = mutate::mutations(&source::read().unwrap()).unwrap();
        let tried = tried(&mutations);
        assert!(tried.len() >= 30, "{}", tried.len());
        for (rule, tried) in tried {
            let line = format!("| {rule} | {tried} | `");
            assert!(
                section.contains(&line),
                "run ./dev mutate --resume --document: {DOCUMENT} lacks {line}"
            );
        }
        for (name, reason) in EQUIVALENTS {
            let line = format!("| `{name}` | {reason} |");
            assert!(section.contains(&line), "{DOCUMENT} lacks {line}");
        }
    }
}
