//! One run: a machine is started, the driver loaded, everything asked of it that it does, and unloaded again. The chosen
//! calls fail wherever they come.
//!
//! The clock stands still and every step waits until the driver is at rest, so that two runs differ by what failed alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use testbed::{BootOptions, Chosen, ClockSource, LoadError, RegistryValue, UnloadError};
use wire::ConnectRequest;
use zerocopy::IntoBytes as _;

use super::callers::{self, Answer};
use super::consumer::Watcher;
use super::observation::{Observation, Phase};
use crate::demo::stage::{POLICY_VALUE, SERVICE, Stage};

/// 2026-01-01, in 100 ns since 1601.
const START: i64 = 134_116_992_000_000_000;

/// Looks, and refuses nothing.
const OBSERVE: &str = "mode = \"observe\"\nrevision = 1\n";
/// Refuses what it may, looks again, and lets nothing pass of which it cannot tell.
const ENFORCE: &str = r#"
mode = "enforce"
revision = 2
enforce = ["other-volume", "source-handle"]
on-audit-loss = "refuse"
recheck = true

[[rule]]
name = "nothing out of the vault"
effect = "deny"
source = '*:\vault\**'
"#;
/// Tells passed clones together.
const SUMMARISE: &str = "mode = \"observe\"\nrevision = 3\nsummarise = 30\n";

/// Runs with the driver; these calls fail.
pub(crate) fn run(image: &Path, chosen: Vec<Chosen>) -> Result<Observation> {
    let bare = bare()?;
    let stage = boot()?;
    let mut observation = Observation::default();
    store(&stage, OBSERVE)?;
    stage.machine.injection().choose(chosen);
    match stage.machine.load_driver(image, SERVICE) {
        Ok(()) => {
            stage.machine.wait_until_idle();
            "loaded".clone_into(&mut observation.load);
            live(&stage, &bare, &mut observation)?;
            unload(&stage, &mut observation);
        }
        Err(LoadError::Entry(status)) => observation.load = format!("refused with {status}"),
        Err(error) => observation.faults.push(format!("load: {error}")),
    }
    let injection = stage.machine.injection();
    observation.keep_points(injection.passed(), injection.failed());
    injection.choose(Vec::new());
    load_again(&stage, image, &mut observation)?;
    observation.faults.extend(stage.tear_down());
    Ok(observation)
}

/// What the callers get without the driver.
fn bare() -> Result<Vec<Answer>> {
    let stage = boot()?;
    let answers = callers::send_all(&stage)?;
    if let Err(left) = stage.machine.shutdown() {
        return Err(anyhow!("a machine without the driver leaves {left:?}"));
    }
    Ok(answers)
}

fn boot() -> Result<Stage> {
    Stage::boot_with(BootOptions {
        clock: ClockSource::Manual { start: START },
        ..BootOptions::default()
    })
}

fn store(stage: &Stage, policy: &str) -> Result<()> {
    let bytes = cloneguard::policy::compile(policy).map_err(|error| anyhow!("{error}"))?;
    store_bytes(stage, bytes);
    Ok(())
}

fn store_bytes(stage: &Stage, bytes: Vec<u8>) {
    let value = RegistryValue::Binary(bytes);
    stage.machine.set_registry(SERVICE, POLICY_VALUE, value);
}

/// Everything between load and unload.
fn live(stage: &Stage, bare: &[Answer], observation: &mut Observation) -> Result<()> {
    let mut watcher = Watcher::new(&stage.machine);
    send(stage, Phase::Observe, bare, observation)?;
    watch(&mut watcher, observation)?;
    visit(stage, &watcher, observation)?;
    watcher.disconnect();
    reload(stage, &watcher, ENFORCE, observation)?;
    send(stage, Phase::Enforce, bare, observation)?;
    store_bytes(stage, b"no policy".to_vec());
    reload_stored(stage, &watcher, observation);
    pass(stage, 60);
    let phase = relax(stage, &watcher, observation)?;
    send(stage, phase, bare, observation)?;
    pass(stage, 61);
    watch(&mut watcher, observation)?;
    observation.judge_trail(&watcher);
    Ok(())
}

fn send(stage: &Stage, phase: Phase, bare: &[Answer], observation: &mut Observation) -> Result<()> {
    for (answer, bare) in callers::send_all(stage)?.iter().zip(bare) {
        observation.judge_answer(phase, answer, bare);
    }
    stage.machine.wait_until_idle();
    Ok(())
}

/// Lets the clock go on, a second at a time, and the driver do what is due.
fn pass(stage: &Stage, seconds: u32) {
    for _ in 0..seconds {
        stage.machine.advance(Duration::from_secs(1));
        stage.machine.wait_until_idle();
    }
}

/// Connects, also at the second attempt, and takes what there is; what was not sent comes a second later.
fn watch(watcher: &mut Watcher, observation: &mut Observation) -> Result<()> {
    if let Err(status) = watcher.connect() {
        observation.count(&format!("consumer refused with {status}"));
        if let Err(status) = watcher.connect() {
            let fault = format!("the consumer was refused twice, with {status}");
            observation.faults.push(fault);
        }
    }
    watcher.take()?;
    for _ in 0..3 {
        watcher.machine().advance(Duration::from_secs(1));
        watcher.take()?;
    }
    Ok(())
}

/// A second consumer, and a visitor who asks how things stand.
fn visit(stage: &Stage, watcher: &Watcher, observation: &mut Observation) -> Result<()> {
    let second = watcher.visit(ConnectRequest::watch([0; 16], 0).as_bytes());
    match second {
        Ok(_) => observation
            .faults
            .push("a second consumer was let in".to_owned()),
        Err(status) => observation.count(&format!("second consumer refused with {status}")),
    }
    match watcher.visit(ConnectRequest::status().as_bytes()) {
        Ok(port) => {
            stage.machine.wait_until_idle();
            let answer = match port.poll_message() {
                Ok(Some(_)) => "status told",
                Ok(None) | Err(_) => "status not told",
            };
            observation.count(answer);
        }
        Err(status) => observation.count(&format!("visitor refused with {status}")),
    }
    stage.machine.wait_until_idle();
    Ok(())
}

fn reload(
    stage: &Stage,
    watcher: &Watcher,
    policy: &str,
    observation: &mut Observation,
) -> Result<()> {
    store(stage, policy)?;
    reload_stored(stage, watcher, observation);
    Ok(())
}

/// Asks for the policy that refuses nothing. If a call failed meanwhile, the one before may be in force still.
fn relax(stage: &Stage, watcher: &Watcher, observation: &mut Observation) -> Result<Phase> {
    let failed = || stage.machine.injection().failed().len();
    let before = failed();
    reload(stage, watcher, SUMMARISE, observation)?;
    Ok(if failed() > before {
        Phase::Enforce
    } else {
        Phase::Observe
    })
}

fn reload_stored(stage: &Stage, watcher: &Watcher, observation: &mut Observation) {
    if let Err(status) = watcher.visit(ConnectRequest::reload().as_bytes()) {
        observation.count(&format!("reload refused with {status}"));
    }
    stage.machine.wait_until_idle();
}

fn unload(stage: &Stage, observation: &mut Observation) {
    match stage.machine.unload(SERVICE) {
        Ok(()) => observation.count("unloaded"),
        Err(UnloadError::Left(left)) => {
            let left = left.iter().map(|found| format!("left behind: {found}"));
            observation.faults.extend(left);
        }
        Err(error) => observation.faults.push(format!("unload: {error}")),
    }
    let held = stage.machine.pool().in_use();
    if held != (0, 0) {
        observation
            .faults
            .push(format!("pool in use after the unload: {held:?}"));
    }
}

/// Whatever failed before: the next load works, and says how the one before ended.
fn load_again(stage: &Stage, image: &Path, observation: &mut Observation) -> Result<()> {
    if let Err(error) = stage.machine.load_driver(image, SERVICE) {
        observation.faults.push(format!("the next load: {error}"));
        return Ok(());
    }
    let mut watcher = Watcher::new(&Arc::clone(&stage.machine));
    if let Err(status) = watcher.connect() {
        let fault = format!("the consumer of the next load was refused with {status}");
        observation.faults.push(fault);
    }
    watcher.take()?;
    observation.keep_start(&watcher.entries);
    Ok(())
}
