//! The commands of the program on Windows.
//!
//! Each begins with the checks it needs ([`Step`]) and, if one fails, says how to mend it, touches nothing and ends with
//! [`NOT_READY`].

mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::run::{RunOptions, SoakOptions};
use super::ledger::{Group, Ledger, Stuck};
use super::plan::{DONE, NOT_READY, Step};
use super::preflight::{self, Check, gather};
use super::undo::Machine;
use super::workplace::Workplace;
use super::{disks, results, service};
use crate::program::{CANNOT_RUN, Failure, SOME_FAILED, print};
use crate::report::{Counts, Format, Progress};
use crate::stages::StageReport;

/// See the module.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look whether this machine is ready, and say how to mend what is not; changes nothing
    Preflight {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        package: PackageFolder,
    },
    /// Make the virtual disks with the volumes that cases run on
    Prepare,
    /// Install the driver's package, and trust its test certificate
    Install(PackageFolder),
    /// Run the cases without the driver, then with it, and compare
    Run(RunOptions),
    /// Clone with many threads for a long time under the driver's eyes
    Soak(SoakOptions),
    /// Remove the driver, its package and the certificate
    Uninstall,
    /// Undo everything that this program changed
    Cleanup,
    /// Report on the last run once more
    Report(ReportOptions),
}

/// Where the package is.
#[derive(Debug, Args)]
pub(crate) struct PackageFolder {
    /// The driver's package; otherwise cloneguard_package beside this program
    #[arg(long, value_name = "FOLDER")]
    package: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the report to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs a command; the exit status.
pub(crate) fn run(command: &Command) -> Result<u8, Failure> {
    let workplace = Workplace::of_machine().map_err(broken)?;
    match command {
        Command::Preflight { json, package } => preflight(&workplace, *json, package.folder()),
        Command::Prepare => prepare(&workplace),
        Command::Install(package) => install(&workplace, package.folder()),
        Command::Run(options) => run::cases(&workplace, options),
        Command::Soak(options) => run::soak(&workplace, options),
        Command::Uninstall => undo(&workplace, Some(&[Group::Run, Group::Driver])),
        Command::Cleanup => undo(&workplace, None),
        Command::Report(options) => report(&workplace, options),
    }
}

impl PackageFolder {
    fn folder(&self) -> PathBuf {
        let beside = || program_folder().join("cloneguard_package");
        self.package.clone().unwrap_or_else(beside)
    }
}

/// Where this program lies.
fn program_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().map(PathBuf::from).unwrap_or_default()
}

fn preflight(workplace: &Workplace, json: bool, package: PathBuf) -> Result<u8, Failure> {
    let checks = preflight::judge(&gather::facts(workplace, package));
    let text = if json {
        preflight::json(&checks).map_err(|error| broken(error.to_string()))? + "\n"
    } else {
        preflight::text(&checks)
    };
    print(&text)?;
    let open = preflight::obstacles(&checks, Step::Preflight.needs());
    Ok(if open.is_empty() { DONE } else { NOT_READY })
}

/// Goes on if nothing is in the way of a step.
fn begin(workplace: &Workplace, step: Step, package: PathBuf) -> Result<(), Failure> {
    let checks = preflight::judge(&gather::facts(workplace, package));
    let open: Vec<Check> = preflight::obstacles(&checks, step.needs());
    if open.is_empty() {
        return Ok(());
    }
    print(&preflight::text(&open))?;
    Err(Failure(NOT_READY, "this machine is not ready".to_owned()))
}

fn prepare(workplace: &Workplace) -> Result<u8, Failure> {
    begin(workplace, Step::Prepare, PathBuf::new())?;
    let _lock = workplace.lock().map_err(broken)?;
    let mut ledger = workplace.ledger().map_err(broken)?;
    let mut say = |line: &str| println!("{line}");
    disks::prepare(workplace, &mut ledger, &mut say).map_err(to_clean_up)?;
    Ok(DONE)
}

fn install(workplace: &Workplace, folder: PathBuf) -> Result<u8, Failure> {
    begin(workplace, Step::Install, folder.clone())?;
    let is_installed = service::is_installed().map_err(|error| broken(error.to_string()))?;
    if is_installed && !service::is_ours(&workplace.ledger().map_err(broken)?) {
        let found =
            "CloneGuard is installed, and not by this program; remove it first (docs/install.md)";
        return Err(Failure(NOT_READY, found.to_owned()));
    }
    let _lock = workplace.lock().map_err(broken)?;
    let mut ledger = workplace.ledger().map_err(broken)?;
    // Half of an installation perhaps, or an older one, or one that a run left loaded. All of it, so that a certificate goes
    // while its file is still there.
    undo_groups(&mut ledger, &[Group::Run, Group::Driver])?;
    let package = preflight::Package::look(folder);
    let installed = service::install(workplace, &mut ledger, &package);
    if installed.map_err(to_clean_up)? {
        println!("installed; Windows wants a restart before it is complete");
    } else {
        println!("installed");
    }
    Ok(DONE)
}

/// Undoes groups one after the other: what a run left in the way of the next one first.
fn undo_groups(ledger: &mut Ledger, groups: &[Group]) -> Result<(), Failure> {
    for group in groups {
        let stuck = ledger.undo(Some(*group), &mut Machine);
        all_undone(&stuck.map_err(|error| broken(error.to_string()))?)?;
    }
    Ok(())
}

/// `uninstall`, and `cleanup`, which goes on after a failure.
fn undo(workplace: &Workplace, groups: Option<&[Group]>) -> Result<u8, Failure> {
    begin(workplace, Step::Undo, PathBuf::new())?;
    let lock = workplace.lock().map_err(broken)?;
    let mut ledger = workplace.ledger().map_err(broken)?;
    let before: Vec<String> = ledger.open().map(ToString::to_string).collect();
    match groups {
        Some(groups) => undo_groups(&mut ledger, groups)?,
        None => {
            let stuck = ledger.undo(None, &mut Machine);
            all_undone(&stuck.map_err(|error| broken(error.to_string()))?)?;
        }
    }
    let after: Vec<String> = ledger.open().map(ToString::to_string).collect();
    for change in before.iter().rev().filter(|change| !after.contains(change)) {
        println!("undone: {change}");
    }
    drop(lock);
    if after.is_empty() {
        workplace
            .remove()
            .map_err(|error| broken(error.to_string()))?;
        println!("nothing of this program is left on the machine");
    }
    Ok(DONE)
}

fn report(workplace: &Workplace, options: &ReportOptions) -> Result<u8, Failure> {
    let path = workplace.results();
    if !path.is_file() {
        return Err(Failure(
            NOT_READY,
            "nothing has run yet: conformance run".to_owned(),
        ));
    }
    let reports = results::read(&path).map_err(broken)?;
    let unwritable = |error: std::io::Error| broken(error.to_string());
    let mut progress =
        Progress::begin(options.format, options.output.as_deref()).map_err(unwritable)?;
    for report in reports {
        for verdict in &report.verdicts {
            progress.case(report.stage, verdict);
        }
        progress.stage(report).map_err(unwritable)?;
    }
    Ok(status(&progress.end().map_err(unwritable)?))
}

fn status(reports: &[StageReport]) -> u8 {
    let is_clean = reports.iter().all(|report| Counts::of(report).failed == 0);
    if is_clean { DONE } else { SOME_FAILED }
}

fn all_undone(stuck: &[Stuck]) -> Result<(), Failure> {
    if stuck.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = stuck.iter().map(name).collect();
    let text = format!(
        "still there: {}; mend what stands in the way (a restart lets go of what is in use), then: conformance cleanup",
        names.join("; ")
    );
    Err(broken(text))
}

fn name(stuck: &Stuck) -> String {
    format!("{}: {}", stuck.change, stuck.why)
}

fn broken(why: String) -> Failure {
    Failure(CANNOT_RUN, why)
}

/// Something was begun.
fn to_clean_up(why: String) -> Failure {
    broken(format!(
        "{why}\nwhat was begun is on record: mend it and run this again, or: conformance cleanup"
    ))
}
