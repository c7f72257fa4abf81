//! `cloneguard watch`: follows a driver, shows what it records and keeps it in a journal.
//!
//! [`Keeper`] is the sink of the session: what the journal has taken is acknowledged and then shown by the
//! [`view`]; without a journal it is shown first.

mod view;

use super::driver::{Driver, trouble};
use super::screen::say;
use super::{EXIT_CODES, End, Trouble, interrupt};
use cloneguard::filter::Filter;
use cloneguard::journal::{JournalError, Limits};
use cloneguard::live::{Ended, Failure, Notice, Session, Sink, Store};
use cloneguard::{Consumer, Delivery};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use view::View;

const HELP: &str = "\
The driver lets go of a record once this program has it. With --journal that is when it is on the disk,
whatever is shown; a program that is killed goes on where the journal ends. Without --journal it is when
it has been printed. The program waits for a driver that goes away, and ends with Ctrl-C.

Examples:
  cloneguard watch --journal audit
  cloneguard watch --filter 'verdict=refused'
  cloneguard watch --json --once > records.jsonl";

/// Follow a driver: show what it records, and keep it
#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    #[command(flatten)]
    driver: Driver,
    /// Keep everything in the journal of this directory, and go on where it ends
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Show only the records that this filter lets through; all are kept
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Print each record as a line of JSON
    #[arg(long)]
    json: bool,
    /// End when everything that the driver has now has come
    #[arg(long)]
    once: bool,
}

/// How much of a journal is kept.
#[derive(clap::Args)]
struct LimitArgs {
    /// Begin a new file of the journal when one has so many MiB
    #[arg(long, value_name = "MIB", requires = "journal", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    segment_size: u32,
    /// Remove the oldest files of the journal when all together have more than so many MiB
    #[arg(long, value_name = "MIB", requires = "journal")]
    keep_size: Option<u32>,
    /// Remove files of the journal that were ended so many days ago
    #[arg(long, value_name = "DAYS", requires = "journal")]
    keep_days: Option<u32>,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        let day = Duration::from_secs(24 * 60 * 60);
        Limits {
            segment_size: u64::from(self.segment_size) << 20,
            keep_size: self.keep_size.map(|size| u64::from(size) << 20),
            keep_age: self.keep_days.map(|days| day * days),
            ..Limits::default()
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let filter = args.filter.as_deref().map(parse).transpose()?;
    let stop = interrupt::end_in_order();
    let mut keeper = Keeper {
        store: None,
        view: View::new(args.json, filter),
        is_missing: false,
    };
    if let Some(path) = &args.journal {
        keeper.open(path, args.limits.limits())?;
    }
    let store = keeper.store.as_ref();
    let consumer = store.map_or_else(Consumer::new, Store::consumer);
    let source = args.driver.source();
    let mut session = Session::new(&source, stop, consumer).once(args.once);
    let ended = session.run(&mut keeper);
    let totals = *session.consumer().totals();
    if totals.loads != 0 {
        say(&view::summary(&totals));
    }
    match ended {
        // That nobody reads on is no error, and no reason to be silent either.
        Err(Failure::Sink(Trouble::NobodyReads)) if keeper.is_missing || totals.lost != 0 => {
            Ok(End::Missing)
        }
        Ok(_) if keeper.is_missing || totals.lost != 0 => Ok(End::Missing),
        Ok(Ended::Drained) => Ok(End::Done),
        Ok(Ended::Stopped) => Ok(End::Interrupted),
        Err(failure) => Err(trouble(failure, |trouble| trouble)),
    }
}

fn parse(text: &str) -> Result<Filter, Trouble> {
    Filter::parse(text).map_err(|error| Trouble::Wrong(error.lines().to_vec()))
}

fn not_kept(error: JournalError) -> Trouble {
    let text = error.to_string();
    match error.io_kind() {
        Some(ErrorKind::PermissionDenied) => Trouble::Denied(text),
        Some(_) | None => Trouble::File(text),
    }
}

/// Where records go.
struct Keeper {
    store: Option<Store>,
    view: View,
    /// Something does not add up.
    is_missing: bool,
}

impl Keeper {
    /// Opens a journal and says what it went through.
    fn open(&mut self, path: &Path, limits: Limits) -> Result<(), Trouble> {
        let (store, opened) = Store::open(path, limits).map_err(not_kept)?;
        self.store = Some(store);
        if let Some(torn) = &opened.torn {
            let count = torn.byte_count;
            let (mark, what) = if opened.is_changed {
                ("! ", "that were changed before anybody was promised them")
            } else {
                ("", "of a write that was never finished")
            };
            say(&format!(
                "{mark}{}: {count} bytes {what} were cut off",
                path.display()
            ));
        }
        for finding in &opened.findings {
            say(&format!("! {}: {finding}", path.display()));
        }
        self.is_missing |= opened.is_changed || !opened.findings.is_empty();
        Ok(())
    }
}

impl Sink for Keeper {
    type Error = Trouble;

    fn take(&mut self, delivery: &Delivery<'_>) -> Result<(), Trouble> {
        self.is_missing |= !delivery.findings.is_empty();
        match &mut self.store {
            Some(store) => store.keep(delivery).map(drop).map_err(not_kept),
            // Nothing else has them.
            None => Ok(self.view.show(delivery)?),
        }
    }

    fn told(&mut self, delivery: &Delivery<'_>) -> Result<(), Trouble> {
        if self.store.is_none() {
            return Ok(());
        }
        match self.view.show(delivery) {
            // What is durable need not be seen.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.view.hide();
                Ok(())
            }
            shown => Ok(shown?),
        }
    }

    fn notice(&mut self, notice: Notice<'_>) {
        let line = match notice {
            Notice::Connected => "connected".to_owned(),
            Notice::Lost(error) => format!("{error}; waiting for it to come back"),
            Notice::Refused(error) => format!("waiting: {error}"),
        };
        say(&line);
    }
}
