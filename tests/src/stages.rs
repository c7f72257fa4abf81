//! Which stages there are, and a run on one of them from set-up to the clean end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::case::Case;
use crate::expect::Mode;
use crate::report;
use crate::run::{Outcome, Verdict};

/// A stage by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// The test-bed without the driver.
    Bare,
    /// The test-bed with the driver as it comes: it observes.
    Observe,
    /// The test-bed with the driver, which enforces the definite rules.
    Enforce,
    /// The test-bed with the driver under a policy: strict rules, and rules of its own.
    Policy,
}

impl StageKind {
    /// Every stage, in the order in which they run.
    pub const ALL: &[Self] = &[Self::Bare, Self::Observe, Self::Enforce, Self::Policy];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Observe => "observe",
            Self::Enforce => "enforce",
            Self::Policy => "policy",
        }
    }

    /// What it is, in a line.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Bare => "the test-bed without the driver",
            Self::Observe => "the test-bed with the driver, which observes",
            Self::Enforce => "the test-bed with the driver, which enforces the definite rules",
            Self::Policy => "the test-bed with the driver under a policy that enforces all it can",
        }
    }

    /// How the driver on it is set up; without one there is no driver.
    #[must_use]
    pub const fn mode(self) -> Option<Mode> {
        match self {
            Self::Bare => None,
            Self::Observe => Some(Mode::Observe),
            Self::Enforce => Some(Mode::Enforce),
            Self::Policy => Some(Mode::Policy),
        }
    }
}

/// What came of all cases on one stage.
#[derive(Clone, Debug)]
pub struct StageReport {
    /// The stage.
    pub stage: StageKind,
    /// Each run of a case, in order.
    pub verdicts: Vec<Verdict>,
    /// What was wrong when the stage was taken down.
    pub end: Vec<String>,
    /// How long it took.
    pub duration: Duration,
}

impl StageReport {
    /// What failed, in words; nothing if all is well.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let is_failed = |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Failed(_));
        let failed = self.verdicts.iter().filter(is_failed);
        let mut lines: Vec<String> = failed
            .filter_map(|verdict| report::line(self.stage, verdict))
            .collect();
        let at_end = |fault| format!("{} at the end: {fault}", self.stage.name());
        lines.extend(self.end.iter().map(at_end));
        lines
    }

    /// The cases that the stage cannot run.
    pub fn skipped(&self) -> impl Iterator<Item = Case> {
        let is_skipped = |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Skipped(_));
        let skipped = self.verdicts.iter().filter(is_skipped);
        skipped.map(|verdict| verdict.case)
    }
}

/// Why a stage cannot run at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotRun(pub String);

/// The driver's image: the path given, `CLONEGUARD_IMAGE`, or what `./dev image` left.
///
/// # Errors
/// Where it was looked for.
pub fn find_image(given: Option<&Path>) -> Result<PathBuf, CannotRun> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image/x64/cloneguard.sys");
    let path = given
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os("CLONEGUARD_IMAGE").map(PathBuf::from))
        .unwrap_or(built);
    if path.is_file() {
        Ok(path)
    } else {
        let missing = format!("there is no driver image {}; ./dev image", path.display());
        Err(CannotRun(missing))
    }
}

/// Runs the chosen cases on a stage; `each` is told every verdict as it comes.
///
/// # Errors
/// Why the stage cannot run.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn run(
    stage: StageKind,
    image: Option<&Path>,
    cases: &[&'static Case],
    each: &mut dyn FnMut(&Verdict),
) -> Result<StageReport, CannotRun> {
    use crate::bed::Bed;
    use crate::run::Pair;

    let start = std::time::Instant::now();
    let bare = Bed::bare();
    let driver = match stage.mode() {
        Some(mode) => {
            let bed = Bed::with_driver(&find_image(image)?, mode).map_err(CannotRun)?;
            Some((bed, mode))
        }
        None => None,
    };
    let pair = Pair {
        bare: &bare,
        driver: driver.as_ref().map(|(bed, mode)| (bed as _, *mode)),
    };
    let mut verdicts = Vec::new();
    for case in cases {
        for code in case.codes {
            let verdict = pair.run(case, *code);
            each(&verdict);
            verdicts.push(verdict);
        }
    }
    let mut end = bare.end().err().unwrap_or_default();
    if let Some((driver, _)) = driver {
        end.extend(driver.end().err().unwrap_or_default());
    }
    Ok(StageReport {
        stage,
        verdicts,
        end,
        duration: start.elapsed(),
    })
}

/// Elsewhere the test-bed does not exist.
///
/// # Errors
/// Always.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn run(
    stage: StageKind,
    _image: Option<&Path>,
    _cases: &[&'static Case],
    _each: &mut dyn FnMut(&Verdict),
) -> Result<StageReport, CannotRun> {
    Err(CannotRun(format!(
        "stage {}: the test-bed runs on Linux on x86-64 only",
        stage.name()
    )))
}
