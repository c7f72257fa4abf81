//! What `watch` prints: a table for people or lines of JSON, with what is missing in its place.

use super::super::screen;
use cloneguard::filter::Filter;
use cloneguard::table::Table;
use cloneguard::{Delivery, Entry, Finding, SCHEMA_VERSION, Totals};
use serde_json::json;
use std::io::{self, Write};

/// What is shown, and how.
pub(super) struct View {
    form: Form,
    filter: Option<Filter>,
}

enum Form {
    Json,
    Table(Table),
    /// Nobody looks any more.
    Hidden,
}

impl View {
    pub(super) fn new(json: bool, filter: Option<Filter>) -> Self {
        let form = if json {
            Form::Json
        } else {
            Form::Table(Table::new(screen::width()))
        };
        Self { form, filter }
    }

    /// Shows nothing from now on.
    pub(super) fn hide(&mut self) {
        self.form = Form::Hidden;
    }

    /// Prints what came. All of it has left this program when this returns.
    pub(super) fn show(&mut self, delivery: &Delivery<'_>) -> io::Result<()> {
        if matches!(self.form, Form::Hidden) {
            return Ok(());
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        for entry in &delivery.entries {
            self.entry(&mut out, entry)?;
        }
        for finding in &delivery.findings {
            self.finding(&mut out, finding)?;
        }
        out.flush()
    }

    fn entry(&mut self, out: &mut impl Write, entry: &Entry) -> io::Result<()> {
        // What is missing is no record, and no filter hides it.
        if entry.lost_before() != 0 {
            self.loss(out, entry)?;
        }
        let is_hidden = |filter: &Filter| !filter.matches(entry);
        if self.filter.as_ref().is_some_and(is_hidden) {
            return Ok(());
        }
        match &mut self.form {
            Form::Hidden => Ok(()),
            Form::Json => entry.write_json_line(out),
            Form::Table(table) => table.write(out, entry),
        }
    }

    /// Records that were lost before this one.
    fn loss(&mut self, out: &mut impl Write, entry: &Entry) -> io::Result<()> {
        let (lost, next) = (entry.lost_before(), entry.sequence());
        match &self.form {
            Form::Hidden => Ok(()),
            Form::Table(_) => writeln!(out, "! {lost} records were lost before {next}"),
            Form::Json => {
                let line = json!({
                    "schema_version": SCHEMA_VERSION,
                    "kind": "loss",
                    "boot_id": boot_id(entry),
                    "before": next,
                    "count": lost,
                });
                writeln!(out, "{line}")
            }
        }
    }

    /// Something that does not add up.
    fn finding(&self, out: &mut impl Write, finding: &Finding) -> io::Result<()> {
        match &self.form {
            Form::Hidden => Ok(()),
            Form::Table(_) => writeln!(out, "! {finding}"),
            Form::Json => {
                let line = json!({
                    "schema_version": SCHEMA_VERSION,
                    "kind": "finding",
                    "finding": finding.to_string(),
                });
                writeln!(out, "{line}")
            }
        }
    }
}

/// The load of the driver that an entry is of, as it stands in the entry's own JSON.
fn boot_id(entry: &Entry) -> String {
    let bytes = entry.boot_id();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The counts, for the standard error output: the other one may be read by a program.
pub(super) fn summary(totals: &Totals) -> String {
    let mut line = format!(
        "{} records of {} loads of the driver; {} lost",
        totals.entries, totals.loads, totals.lost
    );
    for (count, what) in [
        (totals.undelivered, "taken along by a load that ended"),
        (totals.unexplained, "missing without an explanation"),
        (totals.earlier, "let go by another program before"),
        (totals.repeats, "came again"),
    ] {
        if count != 0 {
            line = format!("{line}, {count} {what}");
        }
    }
    line
}
