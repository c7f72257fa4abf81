//! The runs of a sweep: first none fails, then each call in turn, then pairs.
//!
//! A call that fails leads to places that no run has passed before; calls there are failed behind it, until nothing new
//! turns up.
//! Each run is a process of its own, since a broken rule of the kernel ends the process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use super::Options;
use super::observation::{Observation, Point};

/// What one run led to.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Run {
    /// The calls that were to fail.
    pub(crate) chosen: Vec<Point>,
    /// How many of them were made.
    pub(crate) made: usize,
    /// What was seen, as far as it differs from the run in which nothing fails.
    pub(crate) led_to: BTreeMap<String, i64>,
    /// What may never be.
    pub(crate) faults: Vec<String>,
}

/// What all runs led to.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Outcome {
    /// Every place that was passed in any run.
    pub(crate) places: BTreeSet<Point>,
    /// The runs in which one call fails, or what must fail for it to be made and then itself.
    pub(crate) singles: Vec<Run>,
    /// The runs in which two do.
    pub(crate) pairs: Vec<Run>,
}

impl Outcome {
    /// How many runs ended as none may.
    pub(crate) fn faults(&self) -> usize {
        let runs = self.singles.iter().chain(&self.pairs);
        runs.filter(|run| !run.faults.is_empty()).count()
    }
}

/// A sweep that can begin.
pub(crate) struct Sweep<'o> {
    options: &'o Options,
    program: PathBuf,
    reference: Observation,
}

impl<'o> Sweep<'o> {
    /// Runs once with nothing failing, which must go well.
    pub(crate) fn prepare(options: &'o Options) -> Result<Self> {
        let program = std::env::current_exe().context("this program is nowhere")?;
        let reference = observe(&program, &options.image, &[])?;
        ensure!(
            reference.faults.is_empty(),
            "with nothing failing: {}",
            reference.faults.join("; ")
        );
        Ok(Self {
            options,
            program,
            reference,
        })
    }

    /// Runs them all.
    pub(crate) fn run(&self) -> Result<Outcome> {
        let mut places = BTreeSet::new();
        let first = self.new_calls(&mut places, &self.reference.passed);
        let mut round: Vec<Vec<Point>> = first.into_iter().map(|call| vec![call]).collect();
        let mut singles = Vec::new();
        while !round.is_empty() {
            let mut next = Vec::new();
            for (run, passed) in self.run_each(round, "calls")? {
                // Only what failed in this run leads there, so it has to fail again.
                let behind = self.new_calls(&mut places, &passed).into_iter();
                next.extend(behind.map(|call| [run.chosen.as_slice(), &[call]].concat()));
                singles.push(run);
            }
            round = next;
        }
        let pairs = if self.options.singles {
            Vec::new()
        } else {
            let runs = self.run_each(pairs(&places), "pairs")?;
            runs.into_iter().map(|(run, _)| run).collect()
        };
        Ok(Outcome {
            places,
            singles,
            pairs,
        })
    }

    /// The calls to fail at the places that were not known yet, which are known from now on.
    fn new_calls(&self, places: &mut BTreeSet<Point>, passed: &[Point]) -> Vec<Point> {
        let mut calls = Vec::new();
        for point in passed {
            if !point.routine.contains(&self.options.only) {
                continue;
            }
            let place = Point {
                number: 1,
                ..point.clone()
            };
            if !places.insert(place.clone()) {
                continue;
            }
            let most = self.options.calls.unwrap_or(u64::MAX).min(point.number);
            calls.extend((1..=most).map(|number| Point {
                number,
                ..place.clone()
            }));
        }
        calls
    }

    /// Runs each, as many at once as there are processors; answers in their order.
    fn run_each(&self, runs: Vec<Vec<Point>>, what: &str) -> Result<Vec<(Run, Vec<Point>)>> {
        let bar = progress_bar(runs.len(), what);
        let results: Vec<_> = runs.iter().map(|_| Mutex::new(None)).collect();
        let todo = Mutex::new(runs.iter().zip(&results));
        let work = || {
            while let Some((chosen, place)) = next(&todo) {
                *lock(place) = Some(self.run_one(chosen));
                bar.inc(1);
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(work);
            }
        });
        bar.finish_and_clear();
        let results = results.into_iter().map(|place| {
            let result = place.into_inner().unwrap_or_else(PoisonError::into_inner);
            result.context("a run was not run")?
        });
        results.collect()
    }

    fn run_one(&self, chosen: &[Point]) -> Result<(Run, Vec<Point>)> {
        let observation = match observe(&self.program, &self.options.image, chosen) {
            Ok(observation) => observation,
            // The run did not come to its end: what it said then is the fault.
            Err(error) => Observation {
                faults: vec![format!("{error:#}")],
                ..Observation::default()
            },
        };
        let run = Run {
            chosen: chosen.to_vec(),
            made: observation.failed.len(),
            led_to: self.differences(&observation),
            faults: observation.faults,
        };
        Ok((run, observation.passed))
    }

    fn differences(&self, run: &Observation) -> BTreeMap<String, i64> {
        let mut differences = BTreeMap::new();
        if run.load != self.reference.load {
            differences.insert(format!("load {}", run.load), 1);
            return differences;
        }
        let signed = |count: Option<&u64>| {
            count.map_or(0, |count| i64::try_from(*count).unwrap_or(i64::MAX))
        };
        for what in run.counts.keys().chain(self.reference.counts.keys()) {
            let (is, was) = (run.counts.get(what), self.reference.counts.get(what));
            let difference = signed(is).saturating_sub(signed(was));
            if difference != 0 {
                differences.insert(what.clone(), difference);
            }
        }
        differences
    }
}

/// Every two places, the first call at each.
fn pairs(places: &BTreeSet<Point>) -> Vec<Vec<Point>> {
    let mut pairs = Vec::new();
    for (skipped, first) in places.iter().enumerate() {
        let others = places.iter().skip(skipped + 1);
        pairs.extend(others.map(|second| vec![first.clone(), second.clone()]));
        let again = Point {
            number: 2,
            ..first.clone()
        };
        pairs.push(vec![first.clone(), again]);
    }
    pairs
}

/// One run in a process of its own.
fn observe(program: &Path, image: &Path, chosen: &[Point]) -> Result<Observation> {
    let points = serde_json::to_string(chosen)?;
    let run = Command::new(program)
        .arg("faults")
        .arg("--image")
        .arg(image)
        .args(["--run", &points])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&run.stdout);
    if !run.status.success() {
        let why = String::from_utf8_lossy(&run.stderr);
        bail!("{}: {}", run.status, why.trim());
    }
    // What the driver printed stands before it.
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("a run that says {last:?}"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next piece of work; the lock is free again when it is done.
fn next<I: Iterator>(todo: &Mutex<I>) -> Option<I::Item> {
    lock(todo).next()
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(runs: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(runs as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}
