//! `cloneguard stats`.

use super::entries::{self, Reading, Selection};
use super::exit::{self, EXIT_CODES, End, Trouble};
use cloneguard::json;
use cloneguard::stats::{Report, Stats};
use std::io::{self, Write as _};
use std::path::PathBuf;

const HELP: &str = "\
Durations are counted in buckets: a quantile is never too small, and too large by less than a 64th.
Of names, counts are exact up to 4096 different ones; beyond that `at most` is printed before them.

Examples:
  cloneguard stats /var/lib/cloneguard
  cloneguard stats JOURNAL --filter 'verdict=refused' --since 2026-11-24
  cloneguard stats JOURNAL --prometheus > cloneguard.prom";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// The journal: a directory
    journal: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// How many of the most frequent names are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
    /// Print one JSON object
    #[arg(long, conflicts_with = "prometheus")]
    json: bool,
    /// Print metrics as Prometheus reads them
    #[arg(long)]
    prometheus: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let selected = args.selection.read()?;
    let mut stats = Stats::default();
    let end = entries::read(&args.journal, Reading::Last, |entry| {
        if selected.has(entry) {
            stats.add(entry);
        }
        Ok(())
    })?;
    exit::printed(end, print(&stats.report(args.top), args))
}

/// Prints the report.
fn print(report: &Report, args: &Args) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        json::write_line(&mut out, report)?;
    } else if args.prometheus {
        out.write_all(report.prometheus().as_bytes())?;
    } else {
        write!(out, "{report}")?;
    }
    out.flush()
}
