//! `cloneguard export`.

use super::entries::{self, Selected, Selection};
use super::{EXIT_CODES, End, Trouble, files, screen};
use cloneguard::export::{Csv, Ecs, Format, Jsonl, Ocsf};
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;

const HELP: &str = "\
DIR is a journal: the directory that `watch --journal` fills. What of it is damaged is said and left
out; `verify` says more. The output file is written whole or not at all.

Examples:
  cloneguard export /var/lib/cloneguard > records.jsonl
  cloneguard export journal --format csv --output records.csv
  cloneguard export journal --filter 'verdict=refused' --format csv
  cloneguard export journal --format ocsf --host fileserver.example > events.jsonl";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// The journal
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// How records are written
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: FormatName,
    /// Name of the computer that the journal is from, for ecs and ocsf; the journal does not say it
    #[arg(long, value_name = "NAME", required_if_eq("format", "ocsf"))]
    host: Option<String>,
    /// Write to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

/// The formats by name.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FormatName {
    /// A JSON object in each line
    Jsonl,
    /// A table (RFC 4180); the headings are paths in the JSON
    Csv,
    /// Documents of the Elastic Common Schema 9.4.0, one in each line
    Ecs,
    /// Events of the Open Cybersecurity Schema Framework 1.8.0, one in each line
    Ocsf,
}

impl Args {
    fn writer(&self) -> Box<dyn Format> {
        let host = self.host.clone();
        match self.format {
            FormatName::Jsonl => Box::new(Jsonl),
            FormatName::Csv => Box::new(Csv),
            FormatName::Ecs => Box::new(Ecs { host }),
            FormatName::Ocsf => Box::new(Ocsf {
                // The command line is wrong without it.
                host: host.unwrap_or_default(),
            }),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let selected = args.selection.read()?;
    let Some(path) = &args.output else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let end = write(args, &selected, &mut out, &Trouble::from)?;
        out.flush()?;
        return Ok(end);
    };
    let failed = |error| files::file_trouble("cannot write", path, &error);
    files::write_with(path, |out| write(args, &selected, out, &failed))
}

/// Writes all records that were selected.
fn write(
    args: &Args,
    selected: &Selected,
    out: &mut dyn io::Write,
    failed: &dyn Fn(io::Error) -> Trouble,
) -> Result<End, Trouble> {
    let mut format = args.writer();
    format.begin(out).map_err(failed)?;
    let mut left_out = 0_u64;
    let end = entries::print(&args.directory, |entry| {
        if selected.has(entry) {
            left_out += u64::from(!format.entry(entry, out).map_err(failed)?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    format.end(out).map_err(failed)?;
    if left_out != 0 {
        screen::say(&format!(
            "{left_out} records have no place in this format and were left out"
        ));
    }
    Ok(end)
}
