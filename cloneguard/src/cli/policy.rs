//! `cloneguard policy`.

use super::exit::{EXIT_CODES, End, Trouble};
use super::files::{self, file_trouble};
use cloneguard::policy::replay::{self, Recorded, Totals};
use cloneguard::policy::{self, Compiled, TEXT_SIZE_MAX};
use std::io::{self, BufRead as _, Read as _, Write};
use std::path::{Path, PathBuf};
use wire::policy::PolicyBlob;

/// What every compiled policy begins with.
const COMPILED: &[u8] = b"CGPL";
/// The longest line of a file of records.
const LINE_MAX: u64 = 1 << 20;

const CHECK_HELP: &str = "\
Examples:
  cloneguard policy check policy.toml
  cloneguard policy check policy.cgpl     a compiled policy";
const COMPILE_HELP: &str = "\
The compiled policy is written whole or not at all. Without -o it is put beside FILE, with the
extension cgpl.

Examples:
  cloneguard policy compile policy.toml
  cloneguard policy compile policy.toml -o out/policy.cgpl";
const SHOW_HELP: &str = "\
The text that is printed compiles to the same bytes. Names are in upper case, as they are compared.

Examples:
  cloneguard policy show policy.cgpl
  cloneguard policy show policy.toml      the same policy, every value in its plainest form";
const TEST_HELP: &str = "\
RECORDS has a record as JSON in each line, as `./dev demo --json RECORDS` writes it. Each request
that would be decided otherwise is a line of the table; what a record does not say counts as unknown.

Examples:
  cloneguard policy test policy.toml records.jsonl
  cloneguard policy test policy.toml records.jsonl && echo 'nothing would change'";

#[derive(clap::Subcommand)]
#[command(after_help = EXIT_CODES)]
pub(super) enum Command {
    /// Say everything that is wrong with a policy
    #[command(after_help = CHECK_HELP)]
    Check {
        /// The policy: a text or a compiled one
        file: PathBuf,
    },
    /// Turn a policy into what the driver takes
    #[command(after_help = COMPILE_HELP)]
    Compile {
        /// The text of the policy
        file: PathBuf,
        /// Where to write the compiled policy
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
    },
    /// Print a policy as text
    #[command(after_help = SHOW_HELP)]
    Show {
        /// The policy: compiled or a text
        #[arg(value_name = "BLOB-OR-FILE")]
        file: PathBuf,
    },
    /// Say what a policy would have decided about recorded requests
    #[command(after_help = TEST_HELP)]
    Test {
        /// The policy: a text or a compiled one
        file: PathBuf,
        /// Records, one as JSON in each line
        records: PathBuf,
    },
}

/// Runs a command.
pub(super) fn run(command: Command) -> Result<End, Trouble> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let end = match command {
        Command::Check { file } => check(&file, &mut out),
        Command::Compile { file, output } => compile(&file, output, &mut out),
        Command::Show { file } => show(&file, &mut out),
        Command::Test { file, records } => test(&file, &records, &mut out),
    };
    out.flush()?;
    end
}

fn check(file: &Path, out: &mut impl Write) -> Result<End, Trouble> {
    let policy = load(file)?;
    writeln!(out, "{}: in order: {}", file.display(), describe(&policy))?;
    Ok(End::Done)
}

fn compile(file: &Path, output: Option<PathBuf>, out: &mut impl Write) -> Result<End, Trouble> {
    let bytes = files::read(file, TEXT_SIZE_MAX)?;
    if bytes.starts_with(COMPILED) {
        let advice = "is compiled already: give the text, or look at it with `policy show`";
        return Err(Trouble::Wrong(vec![format!(
            "{}: {advice}",
            file.display()
        )]));
    }
    let policy = compile_bytes(file, &bytes)?;
    let output = output.unwrap_or_else(|| file.with_extension("cgpl"));
    if output == file {
        let what = "the compiled policy would replace the text: name another file with -o";
        return Err(Trouble::Wrong(vec![format!("{}: {what}", file.display())]));
    }
    files::write(&output, policy.bytes())?;
    writeln!(out, "{}: written: {}", output.display(), describe(&policy))?;
    Ok(End::Done)
}

fn show(file: &Path, out: &mut impl Write) -> Result<End, Trouble> {
    let policy = load(file)?;
    out.write_all(policy::decompile(&policy).as_bytes())?;
    Ok(End::Done)
}

fn test(file: &Path, records: &Path, out: &mut impl Write) -> Result<End, Trouble> {
    let policy = replay::index(load(file)?);
    let mut reader = files::open(records)?;
    let mut totals = Totals::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let mut limited = reader.by_ref().take(LINE_MAX);
        let count = limited.read_until(b'\n', &mut line);
        if count.map_err(|error| file_trouble("cannot read", records, &error))? == 0 {
            break;
        }
        let wrong =
            |what: &str| Trouble::Wrong(vec![format!("{}:{number}: {what}", records.display())]);
        if line.len() as u64 == LINE_MAX {
            return Err(wrong("the line is longer than 1 MiB: no record is"));
        }
        let text = str::from_utf8(&line).map_err(|_| wrong("the line is not UTF-8"))?;
        if text.trim().is_empty() {
            continue;
        }
        let Some(recorded) = Recorded::parse(text).map_err(|what| wrong(&what))? else {
            continue;
        };
        let replayed = replay::replay(&policy, &recorded);
        if replayed.is_changed() {
            if totals.changed() == 0 {
                writeln!(out, "{}", replay::header())?;
            }
            writeln!(out, "{}", replay::row(&recorded, &replayed))?;
        }
        totals.add(&replayed);
    }
    for line in replay::summary(policy.policy(), &totals) {
        writeln!(out, "{line}")?;
    }
    Ok(if totals.changed() == 0 {
        End::Done
    } else {
        End::Found
    })
}

/// Reads a policy, be it a text or compiled.
fn load(file: &Path) -> Result<Compiled, Trouble> {
    let bytes = files::read(file, TEXT_SIZE_MAX)?;
    if !bytes.starts_with(COMPILED) {
        return compile_bytes(file, &bytes);
    }
    PolicyBlob::parse(bytes).map_err(|error| {
        let advice = "compile it again from its text";
        Trouble::Wrong(vec![format!("{}: {error}: {advice}", file.display())])
    })
}

/// Compiles the bytes of a file.
fn compile_bytes(file: &Path, bytes: &[u8]) -> Result<Compiled, Trouble> {
    policy::compile_bytes(bytes).map_err(|problems| {
        let lines = problems.all().iter();
        let lines = lines.map(|problem| format!("{}:{problem}", file.display()));
        Trouble::Wrong(lines.collect())
    })
}

/// A policy in one line.
fn describe(policy: &Compiled) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (rules, size) = (policy.rules().len(), policy.bytes().len());
    let mode = policy.mode().name();
    let revision = policy.revision();
    format!(
        "revision {revision}, {mode}, {rules} rule{}, {size} bytes",
        plural(rules)
    )
}
