//! What the tests of guard say about the copy.
//!
//! The tests that are nearest to a mutated file are run first, and all of them only when those see
//! nothing. Random tests take the same seed every time, so a run says the same as the one before.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::generate::Mutation;

/// The name of the target with the tests through the public interface.
const SUITE: &str = "suite";
/// For each file the modules of the suite that are about it.
const NEAREST: [(&str, &[&str]); 15] = [
    ("table", RULES),
    ("check", RULES),
    ("facts", &["files::", "rules::", "record::"]),
    ("rules", RULES),
    ("verdict", RULES),
    ("extent", &["extent::", "files::", "rules::"]),
    ("request", &["request::", "rules::"]),
    ("code", &["request::", "record::", "rules::"]),
    ("policy", POLICY),
    ("policy/glob", POLICY),
    ("policy/candidates", INDEX),
    ("policy/index", INDEX),
    ("policy/key", INDEX),
    ("policy/slots", INDEX),
    ("policy/subject", POLICY),
];
const RULES: &[&str] = &["rules::", "files::", "verdict::", "table::"];
const POLICY: &[&str] = &["glob::", "policy::"];
const INDEX: &[&str] = &["policy_index::", "policy::"];

/// The journal carries records as bytes and sees none of the files, and its tests take longest.
const UNCONCERNED: [&str; 2] = ["--skip", "journal"];

/// What is a time-out is told by what the tests take without a mutation.
const PATIENCE: u32 = 5;
/// The least that a test program gets, however quick it is.
const LIMIT_MIN: Duration = Duration::from_secs(30);
/// How often a running test program is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// What became of a mutation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    /// These tests fail.
    Caught(Vec<String>),
    /// The tests do not come to an end, or the program is killed.
    Stuck,
    /// The compiler refuses it.
    NotBuilt,
    /// Nobody sees it.
    Survived,
}

/// The tests in a copy.
pub(super) struct Judge {
    root: PathBuf,
    target: PathBuf,
    suite: PathBuf,
    unit: PathBuf,
    limit: Duration,
}

impl Judge {
    /// Builds the tests, and fails if they fail before anything is mutated.
    pub(super) fn new(root: &Path, target: &Path) -> Result<Self> {
        let mut judge = Self {
            root: root.to_path_buf(),
            target: target.to_path_buf(),
            suite: PathBuf::new(),
            unit: PathBuf::new(),
            limit: Duration::from_secs(3600),
        };
        let build = judge.cargo(&["--message-format", "json"]).output();
        let build = build.context("cannot run cargo")?;
        ensure!(
            build.status.success(),
            "the tests of guard do not build:\n{}",
            String::from_utf8_lossy(&build.stderr)
        );
        let programs = programs(&String::from_utf8_lossy(&build.stdout))?;
        (judge.suite, judge.unit) = programs;
        let start = Instant::now();
        for program in [&judge.suite, &judge.unit] {
            let fate = judge.run(program, &[])?;
            ensure!(
                fate == Fate::Survived,
                "the tests of guard fail before anything is mutated: {fate:?}"
            );
        }
        judge.limit = (start.elapsed() * PATIENCE).max(LIMIT_MIN);
        Ok(judge)
    }

    /// What the tests say about the mutation that is in the copy now.
    pub(super) fn fate(&self, mutation: &Mutation) -> Result<Fate> {
        let build = self.cargo(&["--test", SUITE]).output();
        let build = build.context("cannot run cargo")?;
        if !build.status.success() {
            let said = String::from_utf8_lossy(&build.stderr);
            // Anything else that ails Cargo says nothing about the mutation.
            ensure!(said.contains("could not compile `guard`"), "cargo: {said}");
            return Ok(Fate::NotBuilt);
        }
        let nearest = NEAREST.iter().find(|(file, _)| *file == mutation.file);
        let (_, nearest) = nearest.with_context(|| format!("no tests for {}", mutation.file))?;
        let fate = self.run(&self.suite, nearest)?;
        if fate != Fate::Survived {
            return Ok(fate);
        }
        let fate = self.run(&self.suite, &[])?;
        if fate != Fate::Survived {
            return Ok(fate);
        }
        let build = self.cargo(&["--lib"]).output();
        ensure!(
            build.context("cannot run cargo")?.status.success(),
            "{} builds as a library and not with its own tests",
            mutation.name
        );
        self.run(&self.unit, &[])
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_PANIC", "unwind")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .args(["test", "--quiet", "--no-run", "--locked"])
            .args(["--package", "guard"])
            .args(arguments)
            .stdin(Stdio::null());
        cargo
    }

    /// Runs the tests of a program whose names contain one of `filters`, or all that may be concerned
    /// without any.
    fn run(&self, program: &Path, filters: &[&str]) -> Result<Fate> {
        let said = self.target.join("said.txt");
        let output = File::create(&said);
        let output = output.with_context(|| format!("cannot write {}", said.display()))?;
        let mut child = Command::new(program)
            .args(filters)
            .args(UNCONCERNED)
            .current_dir(self.root.join("guard"))
            // Nobody reads what a failing test says, and a backtrace takes longer than the test.
            .env("RUST_BACKTRACE", "0")
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let Some(status) = wait(&mut child, self.limit)? else {
            return Ok(Fate::Stuck);
        };
        let said =
            fs::read_to_string(&said).with_context(|| format!("cannot read {}", said.display()))?;
        verdict(status, &said)
    }
}

/// Waits for the end of a program, and ends it when it takes too long.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the tests")? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            child.kill().context("cannot end the tests")?;
            child.wait().context("cannot wait for the tests")?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

/// What a test program means by its status and what it printed.
fn verdict(status: ExitStatus, said: &str) -> Result<Fate> {
    if status.success() {
        // A filter that fits no test would let everything survive.
        ensure!(!said.contains(" 0 passed"), "no tests were run");
        return Ok(Fate::Survived);
    }
    let failed = failed(said);
    match (status.code(), failed.is_empty()) {
        (_, false) => Ok(Fate::Caught(failed)),
        (None, true) => Ok(Fate::Stuck),
        (Some(_), true) => bail!("a test program ended with {status} and names no test"),
    }
}

/// The tests that failed, as the test program names them.
fn failed(said: &str) -> Vec<String> {
    let lines = said.lines();
    let names = lines.filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    names.map(str::to_owned).collect()
}

/// Where Cargo leaves the program of the suite and that of the unit tests.
fn programs(messages: &str) -> Result<(PathBuf, PathBuf)> {
    #[derive(Deserialize)]
    struct Message {
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let mut found = [None, None];
    for line in messages.lines() {
        let message: Message = serde_json::from_str(line).context("cannot read Cargo's answer")?;
        if let (Some(target), Some(program)) = (message.target, message.executable) {
            let place = usize::from(target.name != SUITE);
            if let Some(place) = found.get_mut(place) {
                *place = Some(program);
            }
        }
    }
    let [suite, unit] = found;
    suite.zip(unit).context("Cargo built no tests of guard")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::source::MUTATED;

    #[test]
    fn failing_tests_are_named() {
        let said = "running 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest d ... FAILED\n";
        assert_eq!(failed(said), ["a::c", "d"]);
        assert!(failed("test a ... ok\n").is_empty());
    }

    #[test]
    fn both_programs_are_found_in_cargos_answer() {
        let answer = r#"{"reason":"compiler-artifact","target":{"name":"wire"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"guard"},"executable":"/t/guard-1"}
{"reason":"compiler-artifact","target":{"name":"suite"},"executable":"/t/suite-1"}
{"reason":"build-finished","success":true}"#;
        let found = programs(answer).unwrap();
        assert_eq!(
            found,
            (PathBuf::from("/t/suite-1"), PathBuf::from("/t/guard-1"))
        );
        assert!(programs("").is_err());
    }

    #[test]
    fn every_mutated_file_has_tests() {
        for file in &MUTATED {
            assert!(NEAREST.iter().any(|(name, _)| name == file), "{file}");
        }
    }
}
