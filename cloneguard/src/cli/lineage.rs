//! `cloneguard lineage`.

use super::entries::{self, Reading};
use super::exit::{self, EXIT_CODES, End, Trouble};
use cloneguard::json;
use cloneguard::lineage::{LineageReport, Query, Relatives};
use std::io::{self, Write as _};
use std::path::PathBuf;

const HELP: &str = "\
FILE is a path from the root of its volume, a device path as the records have it, or the id of the
file; `*` and `?` stand for other characters. The journal is read twice.

Examples:
  cloneguard lineage 'C:\\images\\golden.vhdx' JOURNAL
  cloneguard lineage 0000000000000000000a00000000052c JOURNAL --json
  cloneguard lineage '*\\golden.vhdx' JOURNAL --dot | dot -Tsvg > lineage.svg";

/// More files than this nobody wants to see the trees of.
const FILES_MAX: usize = 100;

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// The file: a path, or 32 hexadecimal digits
    file: String,
    /// The journal: a directory
    journal: PathBuf,
    /// Print one JSON object
    #[arg(long, conflicts_with = "dot")]
    json: bool,
    /// Print a graph in the DOT language
    #[arg(long)]
    dot: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let wrong = |what: String| Trouble::Wrong(vec![format!("{}: {what}", args.file)]);
    let query: Query = args
        .file
        .parse()
        .map_err(|error| wrong(format!("{error}")))?;
    let mut relatives = Relatives::new(query);
    entries::read(&args.journal, Reading::First, |entry| {
        relatives.add(entry);
        Ok(())
    })?;
    let count = relatives.file_count();
    if count > FILES_MAX {
        let advice = "name one more exactly, or by its id";
        return Err(wrong(format!("means {count} files; {advice}")));
    }
    let mut lineage = relatives.lineage();
    let end = entries::read(&args.journal, Reading::Last, |entry| {
        lineage.add(entry);
        Ok(())
    })?;
    exit::printed(end, print(&lineage.report(), args))
}

/// Prints the report.
fn print(report: &LineageReport, args: &Args) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        json::write_line(&mut out, report)?;
    } else if args.dot {
        out.write_all(report.dot().as_bytes())?;
    } else {
        write!(out, "{report}")?;
    }
    out.flush()
}
