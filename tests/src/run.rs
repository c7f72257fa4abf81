//! Runs cases on stages: once where there is no driver, else once without and once with it.

use std::time::{Duration, Instant};

use cloneguard::Event;

use crate::case::{Case, Code};
use crate::expect::Mode;
use crate::records;
use crate::scene::{Scene, Stop};
use crate::stage::Stage;
use crate::trace::{Run, Sent};

/// How a run of a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// What was not as expected.
    Failed(Vec<String>),
    /// The file system of the machine takes another side of a dispute than the case does: what it did instead.
    OtherSide(Vec<String>),
    /// Why the stage cannot run it.
    Skipped(String),
}

/// A run of a case with one code.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The case.
    pub case: Case,
    /// The code.
    pub code: Code,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub duration: Duration,
}

/// The stages of one run: without the driver, and perhaps with it.
pub struct Pair<'a> {
    /// Without.
    pub bare: &'a dyn Stage,
    /// With, and how it is set up.
    pub driver: Option<(&'a dyn Stage, Mode)>,
}

impl Pair<'_> {
    /// Runs a case with one code.
    #[must_use]
    pub fn run(&self, case: &Case, code: Code) -> Verdict {
        let start = Instant::now();
        let outcome = self.outcome(case, code).unwrap_or_else(|stop| match stop {
            Stop::Skip(reason) => Outcome::Skipped(reason),
            Stop::Broken(reason) => Outcome::Failed(vec![reason]),
        });
        Verdict {
            case: *case,
            code,
            outcome,
            duration: start.elapsed(),
        }
    }

    fn outcome(&self, case: &Case, code: Code) -> Result<Outcome, Stop> {
        let bare = play(self.bare, None, case, code)?;
        let with = match self.driver {
            Some((stage, mode)) => Some(play_with(stage, mode, case, code)?),
            None => None,
        };
        Ok(judge(self.bare.has_one_side(), case, &bare, with.as_ref()))
    }
}

/// What a run of a case with the driver leaves behind.
pub(crate) struct With {
    mode: Mode,
    run: Run,
    events: Vec<Event>,
}

/// Plays a case with the driver.
pub(crate) fn play_with(
    stage: &dyn Stage,
    mode: Mode,
    case: &Case,
    code: Code,
) -> Result<With, Stop> {
    let run = play(stage, Some(mode), case, code);
    // Read even if the body stopped: the next case begins without them.
    let events = stage.records().map_err(Stop::Broken)?;
    Ok(With {
        mode,
        run: run?,
        events,
    })
}

/// What came of a case: of its run without the driver, and of the comparison with one with it. A file system that
/// `has_one_side` may answer a disputed case otherwise; what the driver makes of it is judged all the same.
pub(crate) fn judge(has_one_side: bool, case: &Case, bare: &Run, with: Option<&With>) -> Outcome {
    let is_other_side = has_one_side && !case.volume.sides.is_empty() && !bare.faults.is_empty();
    let mut faults = Vec::new();
    if !is_other_side {
        faults.extend(name("without the driver", &bare.faults));
    }
    if let Some(With { mode, run, events }) = with {
        if !is_other_side {
            faults.extend(name("with the driver", &run.faults));
        }
        // Elsewhere it is among the faults of the run already.
        if is_other_side {
            faults.extend(name("with the driver", &run.spoilt));
        }
        faults.extend(differences(*mode, bare, run));
        if has_one_side {
            faults.extend(unsafe_refusals(*mode, bare, run));
        }
        faults.extend(records::compare(*mode, &run.sent, events));
    }
    if !faults.is_empty() {
        Outcome::Failed(faults)
    } else if is_other_side {
        Outcome::OtherSide(bare.faults.clone())
    } else {
        Outcome::Passed
    }
}

fn name(whose: &str, faults: &[String]) -> Vec<String> {
    let name = |fault| format!("{whose}: {fault}");
    faults.iter().map(name).collect()
}

/// Plays a body once.
pub(crate) fn play(
    stage: &dyn Stage,
    mode: Option<Mode>,
    case: &Case,
    code: Code,
) -> Result<Run, Stop> {
    let mut scene = Scene::set_up(stage, mode, case, code)?;
    let done = (case.body)(&mut scene);
    let run = scene.finish(&done);
    done?;
    Ok(run)
}

/// What the driver refuses by a definite rule, the file system of the machine must have refused with the same status
/// (docs/soundness.md). Cases that expect otherwise are those of disputes, and this is what decides them.
fn unsafe_refusals(mode: Mode, bare: &Run, with: &Run) -> Vec<String> {
    let pairs = bare.sent.iter().zip(&with.sent).enumerate();
    // Behind a refusal that the file system does not share, the two are no longer in the same state.
    let first = pairs
        .filter(|(_, (_, with))| with.expect.is_refused(Some(mode)))
        .find(|(_, (bare, with))| bare.answer.status != with.answer.status);
    // Strict rules and those of the policy refuse what they are told to, whatever the file system would say.
    let first = first.filter(|(_, (_, with))| with.expect.is_refused(Some(Mode::Enforce)));
    let describe = |(index, (bare, with)): (usize, (&Sent, &Sent))| {
        let (refusal, answer) = (with.answer.status, bare.answer.status);
        format!(
            "request {}: the driver refuses with {refusal} what the file system answers with {answer}",
            index + 1
        )
    };
    first.map(describe).into_iter().collect()
}

/// The two runs must look the same, up to the first request that the driver refuses.
fn differences(mode: Mode, bare: &Run, with: &Run) -> Vec<String> {
    let is_refused = |run: &Run, index: usize| {
        let sent = run.sent.get(index);
        sent.is_some_and(|sent| sent.expect.is_refused(Some(mode)))
    };
    if bare.steps.len() != with.steps.len() {
        return vec!["the driver changes how many requests there are".to_owned()];
    }
    let mut faults = Vec::new();
    for (index, (bare_step, with_step)) in bare.steps.iter().zip(&with.steps).enumerate() {
        // What was judged already by the expectation, and differs from here on.
        if is_refused(with, index) {
            break;
        }
        if bare_step.answer != with_step.answer {
            let (is, was) = (&with_step.answer, &bare_step.answer);
            faults.push(format!(
                "step {}: the answer is {is:?} with the driver and {was:?} without",
                index + 1
            ));
        }
        if bare_step.passage != with_step.passage {
            let (is, was) = (&with_step.passage, &bare_step.passage);
            faults.push(format!(
                "step {}: the file system got {is:?} with the driver and {was:?} without",
                index + 1
            ));
        }
        if bare_step.files != with_step.files {
            faults.push(format!("step {}: the driver changes the files", index + 1));
        }
    }
    faults
}
