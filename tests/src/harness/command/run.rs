//! The commands `run` and `soak`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use cloneguard::live::windows::FilterManager;
use cloneguard::live::{Status, Stop};

use super::{ReportOptions, begin, broken, name, program_folder, status, to_clean_up, undo_groups};
use crate::case::Case;
use crate::cases::all;
use crate::expect::Mode;
use crate::harness::ledger::{Change, Group, Ledger};
use crate::harness::plan::{DONE, NOT_READY, Step};
use crate::harness::preflight::gather;
use crate::harness::sequence;
use crate::harness::stage::{Setting, Trail, Volume, Windows, describe};
use crate::harness::undo::Machine;
use crate::harness::workplace::Workplace;
use crate::harness::{disks, results, service, soak, volumes};
use crate::program::{Failure, SOME_FAILED, USAGE};
use crate::report::Progress;
use crate::selection;
use crate::stages::{StageKind, StageReport};

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Only these stages: bare, observe, enforce, policy
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
    /// Only these cases: an id, or a pattern with * and ?
    #[arg(long = "case", value_name = "ID")]
    cases: Vec<String>,
    /// In this directory instead of on the prepared volumes; the stage bare, unless others are named
    #[arg(long, value_name = "DIRECTORY")]
    on: Option<PathBuf>,
    #[command(flatten)]
    report: ReportOptions,
}

#[derive(Debug, Args)]
pub(crate) struct SoakOptions {
    /// For how long
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
    /// How many threads
    #[arg(long, value_name = "N", default_value_t = 8)]
    threads: u64,
    /// Of an earlier run, to repeat it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Runs the cases.
pub(super) fn cases(workplace: &Workplace, options: &RunOptions) -> Result<u8, Failure> {
    let usage = |why: String| Failure(USAGE, why);
    let chosen = selection::cases(all(), &options.cases).map_err(usage)?;
    let stages = stages(options).map_err(usage)?;
    let needs_driver = stages.iter().any(|stage| stage.mode().is_some());
    if options.on.is_none() || needs_driver {
        let step = if needs_driver {
            Step::Driver
        } else {
            Step::Bare
        };
        begin(workplace, step, PathBuf::new())?;
    }
    let (mut ledger, _lock) = open_ledger(workplace, options.on.is_none(), needs_driver)?;
    let (setting, _disks) = setting(workplace, options.on.as_ref())?;
    let (reports, stopped) =
        run_stages(&setting, &mut ledger, (&stages, &chosen), &options.report)?;
    if options.on.is_none() {
        results::write(&workplace.results(), &reports).map_err(broken)?;
    }
    stopped.map_or_else(|| Ok(status(&reports)), Err)
}

/// Runs the cases on the stages; what the stages before a failure showed is told in any case.
fn run_stages(
    setting: &Setting,
    ledger: &mut Ledger,
    (stages, chosen): (&[StageKind], &[&'static Case]),
    options: &ReportOptions,
) -> Result<(Vec<StageReport>, Option<Failure>), Failure> {
    let unwritable = |error: std::io::Error| broken(error.to_string());
    let begun = Progress::begin(options.format, options.output.as_deref());
    let mut progress = begun.map_err(unwritable)?;
    let each = &mut |stage, verdict: &_| progress.case(stage, verdict);
    let (bare, runs) = sequence::bare(setting, chosen, each);
    if stages.contains(&StageKind::Bare) {
        progress.stage(bare).map_err(unwritable)?;
    }
    let mut stopped = None;
    for (stage, mode) in stages
        .iter()
        .filter_map(|stage| Some((*stage, stage.mode()?)))
    {
        let each = &mut |stage, verdict: &_| progress.case(stage, verdict);
        match sequence::with_driver(setting, ledger, (stage, mode), &runs, each) {
            Ok(report) => progress.stage(report).map_err(unwritable)?,
            Err(why) => {
                stopped = Some(to_clean_up(format!("stage {}: {why}", stage.name())));
                break;
            }
        }
    }
    Ok((progress.end().map_err(unwritable)?, stopped))
}

/// The stages of a run on Windows.
fn stages(options: &RunOptions) -> Result<Vec<StageKind>, String> {
    if options.stages.is_empty() {
        return Ok(match options.on {
            Some(_) => vec![StageKind::Bare],
            None => StageKind::ALL.to_vec(),
        });
    }
    selection::stages(&options.stages)
}

/// The record, and what keeps other instances away from what it is about; of a run that changes nothing, no lock. What the
/// machine lacks is said before anything is touched.
fn open_ledger(
    workplace: &Workplace,
    on_prepared: bool,
    needs_driver: bool,
) -> Result<(Ledger, Option<File>), Failure> {
    let not_ready = |what: &str| Failure(NOT_READY, what.to_owned());
    if on_prepared && !disks::are_prepared(workplace) {
        let first = "the volumes are not made yet; run first: conformance prepare";
        return Err(not_ready(first));
    }
    if needs_driver && !service::is_installed().map_err(|error| broken(error.to_string()))? {
        let first = "the driver is not installed; run first: conformance install";
        return Err(not_ready(first));
    }
    let ledger = workplace.ledger().map_err(broken)?;
    if !on_prepared && !needs_driver {
        return Ok((ledger, None));
    }
    // Without the driver is without it.
    let is_ours = ledger.open().any(|change| *change == Change::Loaded);
    if is_loaded() && !is_ours {
        let found = "the driver is loaded, and not by this program; unload it first: fltmc unload CloneGuard";
        return Err(not_ready(found));
    }
    let lock = workplace.lock().map_err(broken)?;
    let mut ledger = workplace.ledger().map_err(broken)?;
    // What a run left that was ended in the middle.
    undo_groups(&mut ledger, &[Group::Run])?;
    if is_loaded() {
        let found = "what an earlier run left was undone, and the driver is loaded all the same: fltmc unload CloneGuard";
        return Err(broken(found.to_owned()));
    }
    Ok((ledger, Some(lock)))
}

/// Whether a driver answers.
fn is_loaded() -> bool {
    Status::ask(&FilterManager, &Stop::new()).is_ok()
}

/// Where cases run, and the disks that have to stay attached for it.
fn setting(
    workplace: &Workplace,
    on: Option<&PathBuf>,
) -> Result<(Setting, Vec<disks::Attached>), Failure> {
    let attached = match on {
        Some(_) => Vec::new(),
        None => disks::attach(workplace).map_err(broken)?,
    };
    let volumes = match on {
        Some(directory) => vec![given(directory).map_err(broken)?],
        None => attached.iter().map(|disk| disk.volume.clone()).collect(),
    };
    let setting = Setting {
        volumes,
        helper: program_folder().join("conformance32.exe"),
        watches_dev_drives: gather::watches_dev_drives(),
    };
    Ok((setting, attached))
}

/// A directory that somebody named, as a volume. What is in it is theirs: cases get a folder that was not there.
fn given(directory: &Path) -> Result<Volume, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", directory.display());
    // From \\?\, as NT wants it.
    let root = std::fs::canonicalize(directory).map_err(wrong)?;
    let root = root.to_string_lossy().trim_end_matches('\\').to_owned();
    let folder = volumes::new_folder(Path::new(&root), std::process::id())?;
    let info = describe(&root)?;
    Ok(Volume { root, folder, info })
}

/// Clones for a long time.
pub(super) fn soak(workplace: &Workplace, options: &SoakOptions) -> Result<u8, Failure> {
    begin(workplace, Step::Driver, PathBuf::new())?;
    let (mut ledger, _lock) = open_ledger(workplace, true, true)?;
    let (setting, _disks) = setting(workplace, None)?;
    let (threads, seed) = (options.threads, options.seed);
    let deadline = Instant::now() + Duration::from_secs(options.minutes.saturating_mul(60));
    let plan = soak::Plan {
        threads,
        seed,
        goes_on: &|_| Instant::now() < deadline,
    };
    println!(
        "{threads} threads for {} minutes, seed {seed}",
        options.minutes
    );
    let loaded = service::load(&mut ledger, Mode::Observe);
    let soaked = loaded.map(|()| {
        let stage = Windows::new(&setting, Some((Trail::new(), Mode::Observe)));
        let mut soaked = soak::run(&stage, &plan);
        soaked.faults.extend(stage.end());
        soaked
    });
    let stuck = ledger.undo(Some(Group::Run), &mut Machine);
    let mut soaked = soaked.map_err(to_clean_up)?;
    let stuck = stuck.map_err(|error| broken(error.to_string()))?;
    soaked.faults.extend(stuck.iter().map(name));
    println!("{} requests, {} records", soaked.requests, soaked.records);
    for fault in &soaked.faults {
        println!("FAILED {fault}");
    }
    Ok(if soaked.faults.is_empty() {
        DONE
    } else {
        SOME_FAILED
    })
}
