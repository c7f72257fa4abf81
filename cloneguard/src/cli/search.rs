//! `cloneguard search`.

use super::entries::{self, Selection};
use super::{EXIT_CODES, End, Trouble, screen};
use cloneguard::Entry;
use cloneguard::filter::Filter;
use cloneguard::table::Table;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

const HELP: &str = "\
DIR is a journal: the directory that `watch --journal` fills. All options have to fit; each is a piece
of a filter, and --filter takes any other (docs/tool.md). What of the journal is damaged is said and left
out; `verify` says more.

Examples:
  cloneguard search journal --path '*.vhdx' --verdict refused
  cloneguard search journal --since 2026-11-26T09:00:00Z --until 2026-11-26T10:00:00Z --json
  cloneguard search journal --image '*\\robocopy.exe' --filter 'bytes>=1G' --limit 20";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// The journal
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    selection: Selection,
    /// Print each record as a line of JSON
    #[arg(long)]
    json: bool,
    /// End after so many records
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

/// What is looked for.
#[derive(clap::Args)]
struct Wanted {
    /// Of this process
    #[arg(long, value_name = "ID")]
    pid: Option<u32>,
    /// Image of the process; * is any characters, ? one
    #[arg(long, value_name = "PATTERN")]
    image: Option<String>,
    /// Source or target, or the directory of one in a summary; * is any characters, ? one
    #[arg(long, value_name = "PATTERN")]
    path: Option<String>,
    /// Id of the source or target file, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    file_id: Option<String>,
    /// Effective or primary user, as S-1-...
    #[arg(long, value_name = "SID")]
    user: Option<String>,
    /// What was decided
    #[arg(long)]
    verdict: Option<String>,
    /// A rule that fired, by number or name
    #[arg(long)]
    rule: Option<String>,
    /// Final status, by number or name
    #[arg(long)]
    status: Option<String>,
    /// Kind of record
    #[arg(long)]
    kind: Option<String>,
    /// Number of the record, or a range as in 10..20 with both ends in it
    #[arg(long, value_name = "NUMBER", value_parser = range)]
    sequence: Option<(u64, u64)>,
    /// The load of the driver, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    boot: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let selected = args.selection.read()?;
    let wanted = args.wanted.filter()?;
    let mut view = View {
        out: io::BufWriter::new(io::stdout().lock()),
        table: (!args.json).then(|| Table::new(screen::width())),
        found: 0,
    };
    let end = entries::print(&args.directory, |entry| {
        if args.limit.is_some_and(|limit| view.found >= limit) {
            return Ok(ControlFlow::Break(()));
        }
        if selected.has(entry) && wanted.as_ref().is_none_or(|wanted| wanted.matches(entry)) {
            view.show(entry)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    view.out.flush()?;
    if !args.json {
        let plural = if view.found == 1 { "" } else { "s" };
        screen::say(&format!("{} record{plural} found", view.found));
    }
    Ok(end)
}

/// What was found, on its way out.
struct View<W> {
    out: W,
    /// None if records are lines of JSON.
    table: Option<Table>,
    found: u64,
}

impl<W: Write> View<W> {
    /// Prints a record.
    fn show(&mut self, entry: &Entry) -> io::Result<()> {
        self.found += 1;
        match &mut self.table {
            Some(table) => table.write(&mut self.out, entry),
            None => entry.write_json_line(&mut self.out),
        }
    }
}

impl Wanted {
    /// All of it as one filter; none if nothing was given.
    fn filter(&self) -> Result<Option<Filter>, Trouble> {
        let text = self.text().map_err(|what| Trouble::Wrong(vec![what]))?;
        if text.is_empty() {
            return Ok(None);
        }
        let filter = Filter::parse(&text);
        filter
            .map(Some)
            .map_err(|error| Trouble::Wrong(error.lines().to_vec()))
    }

    /// The same as a text.
    fn text(&self) -> Result<String, String> {
        let mut pieces = Vec::new();
        for (value, tests) in self.tests() {
            if let Some(value) = value {
                let value = literal(value)?;
                let tests: Vec<String> =
                    tests.iter().map(|test| format!("{test}{value}")).collect();
                pieces.push(format!("({})", tests.join(" || ")));
            }
        }
        if let Some(pid) = self.pid {
            pieces.push(format!("pid={pid}"));
        }
        if let Some((first, last)) = self.sequence {
            pieces.push(format!("sequence>={first} && sequence<={last}"));
        }
        Ok(pieces.join(" && "))
    }

    /// The values that were given, and the tests of which one has to fit.
    fn tests(&self) -> [(&Option<String>, &[&str]); 9] {
        let paths = &[
            "source~",
            "target~",
            "source_directory~",
            "target_directory~",
        ];
        [
            (&self.image, &["image~"]),
            (&self.path, paths),
            (&self.file_id, &["source_file.id=", "target_file.id="]),
            (&self.user, &["user_sid=", "primary_user_sid="]),
            (&self.verdict, &["verdict="]),
            (&self.rule, &["rule="]),
            (&self.status, &["status="]),
            (&self.kind, &["kind="]),
            (&self.boot, &["boot="]),
        ]
    }
}

/// A value as the filter language has it: a word or number as it is, all else as a text, in which nothing
/// is escaped.
fn literal(value: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_keyword = matches!(value, "" | "and" | "or" | "not" | "in");
    if value.bytes().all(is_plain) && !is_keyword {
        return Ok(value.to_owned());
    }
    let marks = ['"', '\''];
    let mark = marks.iter().find(|mark| !value.contains(**mark));
    mark.map(|mark| format!("{mark}{value}{mark}"))
        .ok_or_else(|| format!("{value}: a value cannot have both kinds of quotation marks"))
}

/// Reads a number, or a range with both ends in it.
fn range(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let parsed = first.parse().ok().zip(last.parse().ok());
    parsed.ok_or_else(|| "write a number, or a range as in 10..20".to_owned())
}
