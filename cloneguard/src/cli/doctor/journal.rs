//! Checks of a journal on the disk.

use super::super::screen;
use super::check::{Check, Fault};
use cloneguard::Timestamp;
use cloneguard::journal::{Folder, JournalError, Report, Walk, verify};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// With less than this the next segment may not fit: a segment has 64 MiB unless somebody says otherwise.
const SPACE_MIN: u64 = 128 << 20;
/// With less than this somebody should look soon.
const SPACE_LOW: u64 = 1 << 30;
/// How much later than now a record may be, in 100 ns: a minute, as clocks are set by a
/// little all the time.
const CLOCK_TOLERANCE: u64 = 600_000_000;

/// Everything about the journal in a directory.
pub(super) fn checks(directory: &Path) -> Vec<Check> {
    let mut checks = vec![writable(directory), space(fs4::available_space(directory))];
    match read(directory) {
        Ok(report) => {
            checks.push(chain(&report));
            checks.push(losses(&report));
            checks.push(clock(report.last_time, Timestamp::now()));
        }
        Err(error) => {
            let fault = fault(error.io_kind());
            let mend = "name the directory that `watch --journal` fills";
            checks.push(Check::bad("chain", fault, error.to_string(), mend));
        }
    }
    checks
}

/// The sort of fault that an error of the system is.
fn fault(kind: Option<io::ErrorKind>) -> Fault {
    if kind == Some(io::ErrorKind::PermissionDenied) {
        Fault::Denied
    } else {
        Fault::File
    }
}

/// Whether a file can be made there, which is what the next segment is.
fn writable(directory: &Path) -> Check {
    let path = directory.join(format!("cloneguard.doctor.{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    let removed = made.and_then(|file| {
        drop(file);
        fs::remove_file(&path)
    });
    match removed {
        Ok(()) => Check::fine(
            "directory",
            format!("{} can be written", directory.display()),
        ),
        Err(error) => {
            let says = format!("{} cannot be written: {error}", directory.display());
            let mend = "let the user who runs `watch --journal` make and remove files there";
            Check::bad("directory", fault(Some(error.kind())), says, mend)
        }
    }
}

/// Whether the disk has room for what comes.
fn space(available: io::Result<u64>) -> Check {
    let mend = "free some, or have old segments removed: see docs/journal.md on retention";
    let says = |available| format!("{} MiB are free", available >> 20);
    match available {
        Ok(available) if available < SPACE_MIN => {
            Check::bad("disk space", Fault::File, says(available), mend)
        }
        Ok(available) if available < SPACE_LOW => Check::note("disk space", says(available), mend),
        Ok(available) => Check::fine("disk space", says(available)),
        Err(error) => Check::unchecked("disk space", format!("the system does not say: {error}")),
    }
}

/// Reads the whole journal.
fn read(directory: &Path) -> Result<Report, JournalError> {
    let walk = Walk::open(Folder::new(directory))?;
    let bar = screen::bytes_bar(walk.byte_count());
    let report = verify(walk, None, |bytes| bar.inc(bytes));
    bar.finish_and_clear();
    report
}

/// Whether the journal is as it was written, its anchor too.
fn chain(report: &Report) -> Check {
    let (frames, records) = (report.frames, report.records);
    if report.is_sound() {
        let says = format!("{frames} frames with {records} records are as they were written");
        return Check::fine("chain", says);
    }
    let damage = report.damages.first.first().map(ToString::to_string);
    let (damages, gaps, findings) = (
        report.damages.count,
        report.gaps.count,
        report.findings.count,
    );
    let first = damage.map(|damage| format!("; the first: {damage}"));
    let says = format!(
        "{damages} damages, {gaps} gaps without an explanation, {findings} findings of its writer{}",
        first.unwrap_or_default()
    );
    let mend = "keep a copy of the directory as it is; `cloneguard verify` names everything; \
                begin a new journal in another directory";
    Check::bad("chain", Fault::Missing, says, mend)
}

/// What the driver had no room for.
fn losses(report: &Report) -> Check {
    match (report.lost(), report.undelivered()) {
        (0, 0) if report.open_ends() != 0 => {
            let loads = report.open_ends();
            let says = format!("no loss is known; what {loads} loads took with them is not");
            let mend = "stop the driver with `sc stop cloneguard` before the machine is turned off; \
                        see `cloneguard verify`";
            Check::note("losses", says, mend)
        }
        (0, 0) => Check::fine("losses", "the driver lost no records"),
        (lost, undelivered) => {
            let mut says = format!("the driver says that it lost {lost} records");
            if undelivered != 0 {
                says = format!("{says}, and took {undelivered} with it when it was stopped");
            }
            let mend = "raise journal-size or summarise in the policy, and keep `watch` running; \
                        `cloneguard stats` has the causes";
            Check::note("losses", says, mend)
        }
    }
}

/// Whether the clock is behind the records.
fn clock(last_time: Option<Timestamp>, now: Timestamp) -> Check {
    let Some(last) = last_time else {
        return Check::unchecked("clock", "there is no record yet");
    };
    if last.filetime() <= now.filetime().saturating_add(CLOCK_TOLERANCE) {
        return Check::fine("clock", format!("the latest record is of {last}"));
    }
    let says = format!("the latest record is of {last}, which is not yet");
    let mend = "set the clock; records keep their order by number, but their times mislead";
    Check::bad("clock", Fault::File, says, mend)
}

#[cfg(test)]
mod tests {
    use super::super::check::{Fault, State};
    use super::{CLOCK_TOLERANCE, SPACE_LOW, SPACE_MIN, clock, space};
    use cloneguard::Timestamp;
    use std::io;

    #[test]
    fn little_space_is_a_fault_and_not_much_a_note() {
        let state = |available| space(Ok(available)).state;
        assert_eq!(state(SPACE_MIN - 1), State::Bad(Fault::File));
        assert_eq!(state(SPACE_MIN), State::Note);
        assert_eq!(state(SPACE_LOW), State::Fine);
        let unknown = space(Err(io::ErrorKind::Unsupported.into()));
        assert_eq!(unknown.state, State::Unchecked);
    }

    #[test]
    fn a_clock_behind_the_journal_is_a_fault() {
        let written: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        let earlier = |units| Timestamp::from_filetime(written.filetime() - units);
        let state = |units| clock(Some(written), earlier(units)).state;
        assert_eq!(state(0), State::Fine);
        assert_eq!(state(CLOCK_TOLERANCE), State::Fine);
        assert_eq!(state(CLOCK_TOLERANCE + 1), State::Bad(Fault::File));
        assert_eq!(clock(None, written).state, State::Unchecked);
    }
}
