//! What `watch` prints: a table for people or lines of JSON, with what is missing in its place.

use super::super::screen;
use cloneguard::filter::Filter;
use cloneguard::table::Layout;
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
    /// A table whose heading has not been printed yet.
    NewTable(Layout),
    Table(Layout),
    /// Nobody looks any more.
    Hidden,
}

impl View {
    pub(super) fn new(json: bool, filter: Option<Filter>) -> Self {
        let form = if json {
            Form::Json
        } else {
            Form::NewTable(Layout::new(screen::width()))
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
        let is_shown = self
            .filter
            .as_ref()
            .is_none_or(|filter| filter.matches(entry));
        let layout = match self.form {
            Form::Hidden => return Ok(()),
            Form::Json if is_shown => return entry.write_json_line(out),
            Form::Json => return Ok(()),
            Form::NewTable(layout) => {
                writeln!(out, "{}", layout.header())?;
                self.form = Form::Table(layout);
                layout
            }
            Form::Table(layout) => layout,
        };
        // What is missing is no record, and no filter hides it.
        if entry.lost_before() != 0 {
            let (lost, next) = (entry.lost_before(), entry.sequence());
            writeln!(out, "! {lost} records were lost before {next}")?;
        }
        if is_shown {
            writeln!(out, "{}", layout.row(entry))?;
        }
        Ok(())
    }

    /// Something that does not add up.
    fn finding(&self, out: &mut impl Write, finding: &Finding) -> io::Result<()> {
        match self.form {
            Form::Hidden => Ok(()),
            Form::NewTable(_) | Form::Table(_) => writeln!(out, "! {finding}"),
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

/// The counts, on the standard error output: the other one may be read by a program.
pub(super) fn summary(totals: &Totals) -> io::Result<()> {
    let mut line = format!(
        "{} records of {} loads of the driver; {} lost",
        totals.entries, totals.loads, totals.lost
    );
    for (count, what) in [
        (totals.unexplained, "missing without an explanation"),
        (totals.earlier, "let go by another program before"),
        (totals.repeats, "came again"),
    ] {
        if count != 0 {
            line = format!("{line}, {count} {what}");
        }
    }
    writeln!(io::stderr(), "{line}")
}
