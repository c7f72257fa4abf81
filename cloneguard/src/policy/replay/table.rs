//! What a policy would change, for people.

use super::{Recorded, RecordedName, Replayed, Totals};
use crate::policy::decode;
use crate::table::{brief, printable, shorten};
use wire::Verdict;
use wire::policy::PolicyBlob;

/// Widths of the columns in front of the last one.
const WIDTHS: [usize; 4] = [8, 20, 72, 29];

/// The heading, without a line feed.
#[must_use]
pub fn header() -> String {
    line(
        [
            "SEQ",
            "PROCESS",
            "SOURCE -> TARGET",
            "BEFORE -> AFTER",
            "BECAUSE",
        ]
        .map(str::to_owned),
    )
}

/// The line of a request, without a line feed.
#[must_use]
pub fn row(recorded: &Recorded, replayed: &Replayed) -> String {
    let id = recorded
        .process_id
        .map_or_else(|| "?".to_owned(), |id| id.to_string());
    let image = text(recorded.image.as_ref());
    let image = match image.rsplit('\\').next() {
        // Only the System process has an image that is known and has no name.
        Some("") | None => "System",
        Some(base) => base,
    };
    let room = (WIDTHS[2] - 4) / 2;
    let files = [&recorded.source, &recorded.target]
        .map(|name| shorten(&brief(&text(name.as_ref())), room));
    line([
        recorded.sequence.to_string(),
        format!("{image}:{id}"),
        files.join(" -> "),
        format!("{} -> {}", word(replayed.before), word(replayed.after)),
        printable(&replayed.because),
    ])
}

/// What became of all requests, a line for each fact.
#[must_use]
pub fn summary<S: AsRef<[u8]>>(policy: &PolicyBlob<S>, totals: &Totals) -> Vec<String> {
    let mut lines = vec![format!(
        "{} of {} requests would be decided otherwise",
        totals.changed(),
        totals.requests
    )];
    for ((before, after), count) in &totals.changes {
        let words = [*before, *after].map(|raw| word(Verdict::from_raw(raw)));
        lines.push(format!("  {count:>8}  {}", words.join(" -> ")));
    }
    if totals.undecided > 0 {
        lines.push(format!(
            "{} could be decided otherwise for a fact that is not recorded; the policy left them alone",
            totals.undecided
        ));
    }
    if policy.rules().len() > 0 {
        lines.push("requests by the rule of the policy that they match".to_owned());
    }
    for (index, rule) in (0_u32..).zip(policy.rules()) {
        let count = totals.matches.get(&index).copied().unwrap_or_default();
        let name = printable(&decode::text(rule.name()));
        lines.push(format!("  {count:>8}  {} {name}", rule.effect().name()));
    }
    lines
}

/// The cells of a line in their columns.
fn line(cells: [String; 5]) -> String {
    let [sequence, process, files, verdicts, because] = cells;
    let widths = WIDTHS;
    let text = format!(
        "{sequence:>0$} {process:<1$} {files:<2$} {verdicts:<3$} {because}",
        widths[0],
        widths[1],
        widths[2],
        widths[3],
        process = shorten(&process, widths[1]),
    );
    text.trim_end().to_owned()
}

/// A name that cannot move the cursor.
fn text(name: Option<&RecordedName>) -> String {
    name.map_or_else(
        || "?".to_owned(),
        |name| printable(&String::from_utf16_lossy(&name.units)),
    )
}

/// A verdict in words.
fn word(verdict: Verdict) -> String {
    let name = verdict.name().unwrap_or("unknown");
    name.replace('_', " ")
}
