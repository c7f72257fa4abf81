//! The cases without the driver and then with it, each time on the same volumes, and compared.
//!
//! On a real machine the two cannot stand side by side as on the test-bed: the runs without the driver are kept,
//! and those with it are judged against them.

use std::time::Instant;

use super::ledger::{Group, Ledger};
use super::service;
use super::stage::{Setting, Trail, Windows};
use super::undo::Machine;
use crate::case::{Case, Code};
use crate::expect::Mode;
use crate::run::{Outcome, Verdict, judge, play, play_with};
use crate::scene::Stop;
use crate::stages::{StageKind, StageReport};
use crate::trace::Run;

/// A case with a code, and its run without the driver.
struct Bare {
    case: &'static Case,
    code: Code,
    run: Result<Run, Stop>,
}

/// The runs without the driver, in order.
pub(super) struct BareRuns(Vec<Bare>);

/// What is told every verdict as it comes.
pub(super) type Each<'a> = &'a mut dyn FnMut(StageKind, &Verdict);

/// Runs the cases without the driver.
pub(super) fn bare(
    setting: &Setting,
    cases: &[&'static Case],
    each: Each<'_>,
) -> (StageReport, BareRuns) {
    let start = Instant::now();
    let stage = Windows::new(setting, None);
    let mut runs = Vec::new();
    let mut verdicts = Vec::new();
    for case in cases {
        for code in case.codes {
            let begun = Instant::now();
            let run = play(&stage, None, case, *code);
            let outcome = match &run {
                Ok(run) => judge(true, case, run, None),
                Err(stop) => stopped(stop),
            };
            let verdict = Verdict {
                case: **case,
                code: *code,
                outcome,
                duration: begun.elapsed(),
            };
            each(StageKind::Bare, &verdict);
            verdicts.push(verdict);
            runs.push(Bare {
                case,
                code: *code,
                run,
            });
        }
    }
    let report = StageReport {
        stage: StageKind::Bare,
        verdicts,
        end: stage.end(),
        duration: start.elapsed(),
    };
    (report, BareRuns(runs))
}

/// Runs the same cases with the driver, which is loaded before and unloaded after, also where that fails.
pub(super) fn with_driver(
    setting: &Setting,
    ledger: &mut Ledger,
    (kind, mode): (StageKind, Mode),
    bare: &BareRuns,
    each: Each<'_>,
) -> Result<StageReport, String> {
    let start = Instant::now();
    let loaded = service::load(ledger, mode);
    let mut report = StageReport {
        stage: kind,
        verdicts: Vec::new(),
        end: Vec::new(),
        duration: start.elapsed(),
    };
    if loaded.is_ok() {
        let stage = Windows::new(setting, Some((Trail::new(), mode)));
        for bare in &bare.0 {
            let verdict = compare(&stage, mode, bare);
            each(kind, &verdict);
            report.verdicts.push(verdict);
        }
        report.end = stage.end();
    }
    let stuck = ledger
        .undo(Some(Group::Run), &mut Machine)
        .map_err(|error| error.to_string())?;
    loaded?;
    let name = |stuck: &super::ledger::Stuck| format!("{}: {}", stuck.change, stuck.why);
    report.end.extend(stuck.iter().map(name));
    report.duration = start.elapsed();
    Ok(report)
}

fn compare(stage: &Windows, mode: Mode, bare: &Bare) -> Verdict {
    let begun = Instant::now();
    let outcome = match &bare.run {
        Err(stop) => stopped(stop),
        Ok(run) => match play_with(stage, mode, bare.case, bare.code) {
            Ok(with) => judge(true, bare.case, run, Some(&with)),
            Err(stop) => stopped(&stop),
        },
    };
    Verdict {
        case: *bare.case,
        code: bare.code,
        outcome,
        duration: begun.elapsed(),
    }
}

fn stopped(stop: &Stop) -> Outcome {
    match stop {
        Stop::Skip(reason) => Outcome::Skipped(reason.clone()),
        Stop::Broken(reason) => Outcome::Failed(vec![reason.clone()]),
    }
}
