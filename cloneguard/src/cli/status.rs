//! `cloneguard status`.

use super::driver::{Driver, trouble};
use super::{EXIT_CODES, End, Trouble, exit, interrupt};
use cloneguard::live::Status;
use cloneguard::{CauseCounts, CounterValues};
use std::io::{self, Write};

const HELP: &str = "\
Exits with 6 if there is a volume that could share blocks and is not watched.

Examples:
  cloneguard status
  cloneguard status --json | jq .counters.losses";

/// Say how things stand with the driver
#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    #[command(flatten)]
    driver: Driver,
    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let stop = interrupt::end_in_order();
    let asked = Status::ask(&args.driver.source(), stop);
    if stop.is_requested() {
        return Ok(End::Interrupted);
    }
    let status = asked.map_err(|failure| trouble(failure, |never| match never {}))?;
    let end = if status.volumes_not_attached == 0 {
        End::Done
    } else {
        End::Unprotected
    };
    exit::printed(end, print(&status, args.json))
}

fn print(status: &Status, is_json: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if is_json {
        cloneguard::json::write_line(&mut out, status)?;
    } else {
        print_lines(&mut out, status)?;
    }
    out.flush()
}

fn print_lines(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let counters = &status.counters;
    for (name, text) in driver(status).into_iter().chain(counts(counters)) {
        writeln!(out, "{name:<10} {text}")?;
    }
    let heading = ["quota", "full", "fault"].map(|cause| format!("{cause:>12}"));
    writeln!(out, "lost by    {}", heading.join(" "))?;
    let losses = &counters.losses;
    for (name, causes) in [
        ("routine", &losses.routine),
        ("finding", &losses.finding),
        ("state", &losses.state),
    ] {
        let CauseCounts { quota, full, fault } = causes;
        writeln!(out, "  {name:<8} {quota:>12} {full:>12} {fault:>12}")?;
    }
    Ok(())
}

/// A line of the report: what it is about, and the text.
type Line = (&'static str, String);

/// What is so with the driver.
fn driver(status: &Status) -> [Line; 6] {
    let up = status
        .time
        .filetime()
        .saturating_sub(status.started.filetime())
        / 10_000_000;
    let is_locked = if status.policy_locked {
        "locked"
    } else {
        "not locked"
    };
    let (mode, revision) = (status.policy_mode, status.policy_revision);
    let (attached, others) = (status.volumes_attached, status.volumes_not_attached);
    let consumer = if status.consumer_connected {
        "connected"
    } else {
        "none"
    };
    [
        ("driver", format!("version {}", status.driver_version)),
        (
            "loaded",
            format!("{}, {} ago", status.started, duration(up)),
        ),
        (
            "policy",
            format!("{mode}, revision {revision}, {is_locked}"),
        ),
        (
            "volumes",
            format!("{attached} watched, {others} not watched that could be"),
        ),
        ("consumer", consumer.to_owned()),
        ("journal", journal(status)),
    ]
}

fn journal(status: &Status) -> String {
    let (used, size) = (status.journal_used, status.journal_size);
    let last = status.last_sequence;
    format!("{used} of {size} bytes in use, last record {last}")
}

/// The counters, but for losses by class and cause.
fn counts(counters: &CounterValues) -> [Line; 4] {
    let CounterValues {
        seen,
        completed,
        failed,
        refused,
        not_inspected,
        in_flight,
        delivered,
        lost,
        held,
        losses: _,
        summarised,
        refused_unaudited,
        memory,
    } = counters;
    let requests = format!(
        "{seen} seen: {completed} completed, {failed} failed, {refused} refused, \
         {not_inspected} not inspected, {in_flight} under way"
    );
    let of_these = format!(
        "{summarised} told of in summaries only, {refused_unaudited} refused because they could not be audited"
    );
    let records = format!("{delivered} delivered, {held} held, {lost} lost");
    [
        ("requests", requests),
        ("", of_these),
        ("records", records),
        ("memory", format!("{memory} bytes")),
    ]
}

/// Seconds in larger units.
fn duration(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, rest) = (rest / 3600, rest % 3600);
    let (minutes, seconds) = (rest / 60, rest % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_has_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h 0 min"),
            (86_399, "23 h 59 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
