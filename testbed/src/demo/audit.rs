//! The consumer of the port: what the tool of an administrator will be.
//!
//! A modelled thread of a SYSTEM process connects, decodes each message through `cloneguard`, writes
//! and prints what arrives, and acknowledges it only then. The records are kept for the comparison
//! at the end.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cloneguard::live::Store;
use cloneguard::table::{Layout, WIDTH_MIN};
use cloneguard::{Consumer, Delivery, Entry, Event, Finding, Totals};
use indicatif::ProgressBar;
use testbed::fltmgr::PortClient;
use testbed::process::Running;
use testbed::status::STATUS_SUCCESS;
use wire::Counters;
use zerocopy::IntoBytes as _;

use super::output::say;
use super::stage::{PORT, Stage};

/// Columns of the table where there is no terminal, and the most where there is one.
const WIDTH: usize = 160;
/// Columns that the name of a hostile request takes behind its row.
const NAME_WIDTH: usize = 40;
/// About so many rows of well-behaved requests are shown, a third of them the first ones.
const SHOWN: usize = 48;
/// How long to wait for a record when none comes. Reached only when the driver has failed, and then
/// the comparison says what is missing.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the port delivered.
#[derive(Default)]
pub(crate) struct Records {
    /// The records of requests, by sequence number.
    pub(crate) events: Vec<Event>,
    /// What the driver told of itself, by sequence number.
    pub(crate) own: Vec<Entry>,
    /// What did not add up.
    pub(crate) findings: Vec<Finding>,
    /// The consumer's own counts.
    pub(crate) totals: Totals,
    /// The driver's counters, from its last message.
    pub(crate) counters: Counters,
    /// Why the consumer gave up, if it did.
    pub(crate) failure: Option<String>,
}

/// Where JSON lines go.
pub(crate) struct JsonFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl JsonFile {
    /// Creates the file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(file),
        })
    }

    fn write(&mut self, entries: &[Entry]) -> Result<(), String> {
        let failed = |error| format!("{}: {error}", self.path.display());
        for entry in entries {
            entry.write_json_line(&mut self.out).map_err(failed)?;
        }
        self.out.flush().map_err(failed)
    }
}

/// Which rows are shown, and how wide.
struct View {
    show_all: bool,
    layout: Layout,
    hostile_layout: Layout,
    hostile_width: usize,
    first: usize,
    one_in: usize,
}

impl View {
    fn new(expected: usize, show_all: bool) -> Self {
        let (first, one_in) = if show_all || expected <= SHOWN {
            (0, 1)
        } else {
            (SHOWN / 3, expected.div_ceil(SHOWN - SHOWN / 3))
        };
        let columns = console::Term::stdout().size_checked();
        let columns = columns.filter(|_| std::io::stdout().is_terminal());
        let (width, narrow) = match columns {
            Some((_, columns)) => {
                let width = usize::from(columns).min(WIDTH);
                (
                    width,
                    usize::from(columns).saturating_sub(NAME_WIDTH).min(WIDTH),
                )
            }
            None => (WIDTH, WIDTH),
        };
        Self {
            show_all,
            layout: Layout::new(width),
            hostile_layout: Layout::new(narrow.max(WIDTH_MIN)),
            hostile_width: narrow.max(WIDTH_MIN),
            first,
            one_in,
        }
    }

    /// A row with what stands beside it.
    fn named(&self, row: &str, name: &str) -> String {
        format!("{row:<0$}  {name}", self.hostile_width)
    }

    /// Whether the row of the well-behaved request with this index is shown.
    const fn shows(&self, index: usize) -> bool {
        index < self.first || index.is_multiple_of(self.one_in)
    }
}

struct Shared {
    records: Mutex<Records>,
    changed: Condvar,
    json: Mutex<Option<JsonFile>>,
    journal: Mutex<Option<Store>>,
    bar: ProgressBar,
    view: View,
    /// Waiting for a record was in vain once.
    is_silent: AtomicBool,
    hostile: Mutex<Option<Hostile>>,
}

/// What is known of hostile requests before they are sent.
struct Hostile {
    /// How many records come before theirs.
    before: usize,
    /// What stands beside the row of each; nothing if the row is not shown.
    names: Vec<Option<String>>,
    /// Attempts that have had their row.
    shown: HashSet<String>,
}

/// A running consumer.
pub(crate) struct Trail {
    shared: Arc<Shared>,
    thread: Running<()>,
}

/// What to show, and where to keep it.
pub(crate) struct TrailOptions {
    /// Kept clear of the rows.
    pub(crate) bar: ProgressBar,
    /// Show every row.
    pub(crate) show_all: bool,
    /// About how many records of well-behaved requests there will be.
    pub(crate) expected: usize,
    /// Where JSON lines go.
    pub(crate) json: Option<JsonFile>,
    /// Where the records are kept for good.
    pub(crate) journal: Option<Store>,
}

impl Trail {
    /// Connects and starts to listen.
    pub(crate) fn start(stage: &Stage, options: TrailOptions) -> Result<Self> {
        let context = Consumer::new().connect_request();
        let connected = stage.tool.run(|thread| {
            thread
                .machine()
                .connect_port(thread, PORT, context.as_bytes())
        });
        let client = match connected {
            Ok(client) => client,
            Err(status) => bail!("the port {PORT} refuses the connection: {status}"),
        };
        let view = View::new(options.expected, options.show_all);
        if view.one_in > 1 {
            let (first, one_in) = (view.first, view.one_in);
            say(&format!(
                "The table shows the first {first} records, then one in {one_in}; all are checked \
                 (--all shows them)"
            ));
        }
        say(&format!("\n{}", view.layout.header()));
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            changed: Condvar::new(),
            json: Mutex::new(options.json),
            journal: Mutex::new(options.journal),
            bar: options.bar,
            view,
            is_silent: AtomicBool::new(false),
            hostile: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        let thread = stage.tool.spawn(move |_| own.listen(&client));
        Ok(Self { shared, thread })
    }

    /// From here on every record is shown, with its name. `seen` records belong to what was before.
    pub(crate) fn begin_hostile(&self, seen: usize) {
        self.wait_for(seen);
        *lock(&self.shared.hostile) = Some(Hostile {
            before: seen,
            names: Vec::new(),
            shown: HashSet::new(),
        });
        let which = if self.shared.view.show_all {
            "from every kind of caller"
        } else {
            "each the first time (--all shows every caller)"
        };
        say(&format!(
            "\nRequests that no well-behaved caller sends, {which}\n{}",
            self.shared
                .view
                .named(&self.shared.view.hostile_layout.header(), "WHAT")
        ));
    }

    /// Names the request that is sent next and that the driver will see: the attempt, and who makes it.
    pub(crate) fn announce(&self, what: &str, tag: &str) {
        if let Some(hostile) = lock(&self.shared.hostile).as_mut() {
            let name = if self.shared.view.show_all {
                Some(format!("{what} ({tag})"))
            } else {
                let is_first = hostile.shown.insert(what.to_owned());
                is_first.then(|| what.to_owned())
            };
            hostile.names.push(name);
        }
    }

    /// Waits for the records of so many requests.
    pub(crate) fn wait_for(&self, seen: usize) {
        let mut records = lock(&self.shared.records);
        loop {
            let before = records.events.len();
            let is_silent = self.shared.is_silent.load(Ordering::Relaxed);
            if before >= seen || records.failure.is_some() || is_silent {
                return;
            }
            let waited = self.shared.changed.wait_timeout(records, PATIENCE);
            let timed_out;
            (records, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            if timed_out.timed_out() && records.events.len() == before {
                self.shared.is_silent.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Ends with the connection, which the unload of the driver closes, and gives out the records.
    pub(crate) fn finish(self) -> Records {
        self.thread.join();
        std::mem::take(&mut *lock(&self.shared.records))
    }
}

impl Shared {
    fn listen(&self, client: &PortClient) {
        let mut consumer = Consumer::new();
        while let Ok(message) = client.next_message() {
            let delivery = match consumer.feed(&message.body) {
                Ok(delivery) => delivery,
                Err(error) => return self.fail(format!("a batch does not decode: {error}")),
            };
            let ack = delivery.ack;
            // An acknowledgement says that the records are safe, so they are written first.
            if let Some(journal) = lock(&self.journal).as_mut()
                && let Err(error) = journal.keep(&delivery)
            {
                return self.fail(error.to_string());
            }
            if let Some(json) = lock(&self.json).as_mut()
                && let Err(error) = json.write(&delivery.entries)
            {
                return self.fail(error);
            }
            self.take(delivery, *consumer.totals());
            if let Err(status) = client.reply(message.id, STATUS_SUCCESS, ack.bytes()) {
                return self.fail(format!("an acknowledgement was refused: {status}"));
            }
        }
    }

    fn take(&self, delivery: Delivery<'_>, totals: Totals) {
        let mut records = lock(&self.records);
        for entry in delivery.entries {
            let index = entry.request().map(|_| records.events.len());
            if let Some(row) = self.row(index, &entry) {
                self.bar.suspend(|| say(&row));
            }
            match entry {
                Entry::Request(event) => records.events.push(*event),
                other => records.own.push(other),
            }
        }
        records.findings.extend(delivery.findings);
        records.totals = totals;
        records.counters = delivery.counters;
        self.changed.notify_all();
    }

    /// The row of a record, if it is shown: of the request with this index, or of what the driver tells of
    /// itself, which always is.
    fn row(&self, index: Option<usize>, entry: &Entry) -> Option<String> {
        let hostile = lock(&self.hostile);
        let Some(index) = index else {
            let is_plain = hostile.is_none();
            let (plain, hostile) = (&self.view.layout, &self.view.hostile_layout);
            return Some(if is_plain { plain } else { hostile }.row(entry));
        };
        let Some(hostile) = hostile.as_ref().filter(|hostile| index >= hostile.before) else {
            return self.view.shows(index).then(|| self.view.layout.row(entry));
        };
        let row = self.view.hostile_layout.row(entry);
        match hostile.names.get(index - hostile.before) {
            Some(name) => name.as_ref().map(|name| self.view.named(&row, name)),
            // A record of a request that was not sent: the comparison counts them.
            None => Some(self.view.named(&row, "?")),
        }
    }

    fn fail(&self, why: String) {
        lock(&self.records).failure = Some(why);
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, View};

    #[test]
    fn few_records_are_all_shown_and_many_are_sampled() {
        let shown = |expected, all| {
            let view = View::new(expected, all);
            (0..expected).filter(|&index| view.shows(index)).count()
        };
        assert_eq!(shown(SHOWN, false), SHOWN);
        assert_eq!(shown(5000, true), 5000);
        for expected in [SHOWN + 1, 300, 5000, 123_456] {
            let shown = shown(expected, false);
            assert!((SHOWN / 2..=SHOWN).contains(&shown), "{expected}: {shown}");
        }
    }
}
