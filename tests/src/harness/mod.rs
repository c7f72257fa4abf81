//! The program for a test-signed Windows: `conformance.exe` (docs/vm.md).
//!
//! `command` is its command line. [`preflight`] looks and changes nothing; whatever is changed is on record in a
//! [`ledger`] first, all but the folder of `run --on`, and `undo` takes it back. `disks` makes virtual disks with the
//! volumes that cases run on, `service` installs and loads the driver, `stage` is such a machine as a stage of the
//! cases, and `sequence` runs them without the driver and with it and compares. [`results`] keeps what came of it for
//! a later report.
//!
//! What decides something is plain code that is tested on any host; the calls of Windows are in `sys`, and in the member
//! `caller`.
// On other hosts the tests alone use some of it.
#![cfg_attr(
    not(windows),
    expect(dead_code, reason = "used on Windows, and tested on any host")
)]

#[cfg(windows)]
pub(crate) mod command;
#[cfg(windows)]
mod disks;
mod ledger;
mod plan;
mod policy;
mod preflight;
mod removal;
mod results;
#[cfg(windows)]
mod sequence;
#[cfg(windows)]
mod service;
mod soak;
#[cfg(windows)]
mod stage;
mod structures;
#[cfg(windows)]
mod sys;
#[cfg(windows)]
mod undo;
mod volumes;
#[cfg(windows)]
mod workplace;
