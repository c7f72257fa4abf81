//! Runs many scripts on a few machines, until enough requests were sent or one fails.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use super::generate::draw_script;
use super::judge::{Tally, Terms, judge};
use super::keeper::Moment;
use super::place::Place;
use super::play::play;
use super::script::Script;
use super::shrink::shrink;
use super::volume::Answers;
use super::{Exclusion, Mode};
use crate::expect;

/// Scripts that are played on one pair of machines. A machine keeps its volumes.
const SCRIPTS_PER_MACHINE: u64 = 64;

/// A run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The driver.
    pub image: PathBuf,
    /// How it is set up.
    pub mode: Mode,
    /// The first script has this seed, each other the next.
    pub seed: u64,
    /// At least so many requests are sent.
    pub requests: u64,
    /// An answer that is excluded in enforce mode and that every ReFS and NTFS volume gives all the same.
    pub forced: Option<Exclusion>,
}

/// A script on which the property does not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    mode: Mode,
    /// Requests that were sent before the script, and in it.
    pub requests: u64,
    what: String,
    script: Script,
    small: Script,
    small_what: String,
}

impl Failure {
    /// How many steps are left of the script.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.small.steps.len()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mode, seed) = (self.mode.name(), self.script.seed);
        writeln!(
            f,
            "the property does not hold in {mode} mode, after {} requests: {}",
            self.requests, self.what
        )?;
        writeln!(
            f,
            "again: conformance property --mode {mode} --seed {seed} --requests 1"
        )?;
        let (few, many) = (self.small.steps.len(), self.script.steps.len());
        writeln!(
            f,
            "the smallest script, {few} steps of {many}: {}",
            self.small_what
        )?;
        write!(f, "  caller {:?}\n{}", self.script.main, self.small)
    }
}

/// Why a run ended early.
#[derive(Debug)]
pub enum Stopped {
    /// The property does not hold.
    Failed(Box<Failure>),
    /// The driver does not load, or leaves something behind.
    Broken(String),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Broken(what) => f.write_str(what),
        }
    }
}

/// Two machines.
struct Pair {
    mode: Mode,
    bare: Place,
    guarded: Place,
}

impl Pair {
    fn boot(options: &Options) -> Result<Self, String> {
        let mode = match options.mode {
            Mode::Observe => expect::Mode::Observe,
            Mode::Enforce => expect::Mode::Enforce,
        };
        let guarded = Place::guarded(&options.image, mode)?;
        let mut bare = Place::bare();
        bare.level_with(&guarded)?;
        Ok(Self {
            mode: options.mode,
            bare,
            guarded,
        })
    }

    /// Plays a script on both.
    fn compare(&self, script: &Script) -> Result<Tally, String> {
        let bare =
            play(&self.bare, script).map_err(|what| format!("without the driver: {what}"))?;
        let guarded =
            play(&self.guarded, script).map_err(|what| format!("with the driver: {what}"))?;
        let terms = Terms {
            setup: &|_| self.mode.into(),
            refused: &BTreeSet::new(),
        };
        judge(&terms, script, (&bare, &guarded))
    }

    fn end(self) -> Result<(), String> {
        self.bare.end(Moment::BEFORE)?;
        self.guarded.end(Moment::BEFORE)
    }
}

/// Sends random requests until there were enough.
///
/// # Errors
/// The first script on which the property does not hold, made small; or why there can be no run.
pub fn run(options: &Options) -> Result<Tally, Stopped> {
    run_and_tell(options, &mut |_, _| {})
}

/// The same; `each` is told, for every new pair of machines, where the scripts are and what was done.
///
/// # Errors
/// As [`run`].
pub(super) fn run_and_tell(
    options: &Options,
    each: &mut dyn FnMut(u64, &Tally),
) -> Result<Tally, Stopped> {
    let unknown = || Stopped::Broken("the model has no such answer".to_owned());
    let find = |forced: Exclusion| forced.find().ok_or_else(unknown);
    let answers = Answers {
        mode: options.mode,
        forced: options.forced.map(find).transpose()?,
    };
    let mut tally = Tally::default();
    let mut seed = options.seed;
    while tally.requests < options.requests {
        each(seed, &tally);
        let pair = Pair::boot(options).map_err(Stopped::Broken)?;
        let end = seed.wrapping_add(SCRIPTS_PER_MACHINE);
        while seed != end && tally.requests < options.requests {
            let script = draw_script(seed, &answers);
            let sent = tally.requests + script.requests();
            match pair.compare(&script) {
                Ok(one) => tally.merge(&one),
                Err(what) => return Err(Stopped::Failed(fail(&pair, script, what, sent))),
            }
            seed = seed.wrapping_add(1);
        }
        pair.end().map_err(Stopped::Broken)?;
    }
    Ok(tally)
}

fn fail(pair: &Pair, script: Script, what: String, requests: u64) -> Box<Failure> {
    let (small, small_what) = shrink(script.clone(), what.clone(), &mut |candidate| {
        pair.compare(candidate).err()
    });
    Box::new(Failure {
        mode: pair.mode,
        requests,
        what,
        script,
        small,
        small_what,
    })
}
