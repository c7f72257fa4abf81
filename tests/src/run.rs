//! Runs cases on stages: once where there is no driver, else once without and once with it.

use std::time::{Duration, Instant};

use crate::case::{Case, Code};
use crate::expect::Mode;
use crate::records;
use crate::scene::{Scene, Stop};
use crate::stage::Stage;
use crate::trace::Run;

/// How a run of a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// What was not as expected.
    Failed(Vec<String>),
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
        let mut faults = name("without the driver", &bare.faults);
        if let Some((stage, mode)) = self.driver {
            let with = play(stage, Some(mode), case, code);
            // Read even if the body stopped: the next case begins without them.
            let events = stage.records().map_err(Stop::Broken)?;
            let with = with?;
            faults.extend(name("with the driver", &with.faults));
            faults.extend(differences(mode, &bare, &with));
            faults.extend(records::compare(mode, &with.sent, &events));
        }
        Ok(if faults.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(faults)
        })
    }
}

fn name(whose: &str, faults: &[String]) -> Vec<String> {
    let name = |fault| format!("{whose}: {fault}");
    faults.iter().map(name).collect()
}

/// Plays a body once.
fn play(stage: &dyn Stage, mode: Option<Mode>, case: &Case, code: Code) -> Result<Run, Stop> {
    let mut scene = Scene::set_up(stage, mode, case, code)?;
    let done = (case.body)(&mut scene);
    let run = scene.finish(&done);
    done?;
    Ok(run)
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
