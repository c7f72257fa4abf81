//! `mutate`: tests the tests of guard, by breaking guard in one place at a time.
//!
//! [`generate`] reads the sources and lists what can be exchanged: [`table`] for each rule as a whole,
//! [`operators`] for any code. [`copy`] is where it is done, never in the checkout; [`judge`] says which
//! tests fail. A mutation that changes nothing is in [`equivalents`], with the reason; any other that
//! no test sees is a failure. [`results`] keeps what was found, [`report`] and
//! [`section`] put it into words.

mod copy;
mod equivalents;
mod generate;
mod judge;
mod operators;
mod report;
mod results;
mod section;
mod source;
mod table;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use self::copy::Copy;
use self::generate::Mutation;
use self::judge::{Fate, Judge};
use self::report::Report;
use self::results::Results;
use self::source::{Enums, Source};
use crate::files;

/// What `mutate` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Try only mutations whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Print the names of the mutations and try none
    #[arg(long)]
    list: bool,
    /// Try only what was not tried since the function that it is in changed, or survived
    #[arg(long)]
    resume: bool,
    /// Write what became of each mutation as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the section of docs/testing.md; every mutation must have been tried
    #[arg(long)]
    document: bool,
}

/// Tries the mutations and reports.
pub(crate) fn run(options: &Options) -> Result<()> {
    let sources = source::read()?;
    let mutations = mutations(&sources)?;
    let is_chosen = |mutation: &&Mutation| mutation.name.contains(&options.only);
    let chosen: Vec<_> = mutations.iter().filter(is_chosen).collect();
    ensure!(
        !chosen.is_empty(),
        "no mutation is named so: {}",
        options.only
    );
    if options.list {
        for mutation in &chosen {
            println!("{}", report::place(mutation));
        }
        return Ok(());
    }
    let results = results(options, &chosen, &mutations, sources)?;
    if options.document {
        section::write(&mutations, &results)?;
    }
    let report = Report::new(&chosen, &results);
    if let Some(path) = &options.json {
        files::write_if_changed(path, report.json()?.as_bytes())?;
    }
    print!("{report}");
    report.outcome()
}

/// What is known once the chosen mutations were tried.
fn results(
    options: &Options,
    chosen: &[&Mutation],
    mutations: &[Mutation],
    sources: Vec<Source>,
) -> Result<Results> {
    let place = files::root().join("target/mutate");
    let kept = place.join("results.json");
    let _lock = lock(&place)?;
    let mut results = Results::read(&kept)?;
    results.forget_stale(mutations);
    let is_missing = |mutation: &&Mutation| {
        let known = results.get(&mutation.name);
        !options.resume || matches!(known, None | Some(Fate::Survived))
    };
    let missing: Vec<_> = chosen.iter().copied().filter(is_missing).collect();
    if !missing.is_empty() {
        let copy = Copy::prepare(&files::root(), &place.join("workspace"))?;
        let trial = Trial {
            copy,
            sources,
            kept,
        };
        trial.run(&missing, &mut results)?;
    }
    Ok(results)
}

/// Every mutation of the sources.
fn mutations(sources: &[Source]) -> Result<Vec<Mutation>> {
    let enums = Enums::read()?;
    let of_each = sources.iter().map(|source| generate::of(source, &enums));
    Ok(of_each.collect::<Result<Vec<_>>>()?.concat())
}

/// Keeps a second run out of the copy, until the file is closed.
fn lock(place: &Path) -> Result<File> {
    fs::create_dir_all(place).with_context(|| format!("cannot create {}", place.display()))?;
    let path = place.join("lock");
    let lock = File::create(&path);
    let lock = lock.with_context(|| format!("cannot create {}", path.display()))?;
    lock.try_lock()
        .with_context(|| format!("another run is in {}", place.display()))?;
    Ok(lock)
}

/// A copy to try mutations in.
struct Trial {
    copy: Copy,
    sources: Vec<Source>,
    /// Where the results are kept.
    kept: PathBuf,
}

impl Trial {
    fn run(&self, mutations: &[&Mutation], results: &mut Results) -> Result<()> {
        eprintln!(
            "mutate: building the tests of guard in a copy, and running them once as they are"
        );
        let target = self.kept.with_file_name("build");
        let judge = Judge::new(self.copy.root(), &target)?;
        let bar = progress_bar(mutations.len());
        for mutation in mutations {
            bar.set_message(mutation.name.clone());
            let source = self.source(mutation)?;
            let mutated = mutation.apply(&source.text)?;
            let fate = self
                .copy
                .with(&mutation.path, &mutated, || judge.fate(mutation))
                .with_context(|| format!("while {} was tried", mutation.name))?;
            if fate == Fate::Survived && equivalents::reason(&mutation.name).is_none() {
                bar.suspend(|| println!("survived: {}", report::place(mutation)));
            }
            results.note(mutation, fate);
            results.write(&self.kept)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn source(&self, mutation: &Mutation) -> Result<&Source> {
        let mut sources = self.sources.iter();
        let found = sources.find(|source| source.name == mutation.file);
        found.with_context(|| format!("no source for {}", mutation.name))
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    let template = "  {bar:40} {pos}/{len} mutations, {eta} left  {wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
