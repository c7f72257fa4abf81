//! The last lines of the demo.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use cloneguard::{Entry, Event};

use super::audit::Records;
use super::output::say;
use super::sent::Sent;
use super::verdict::lost;

/// Numbers that are known only while the machine runs.
pub(crate) struct Numbers {
    /// Files that were cloned.
    pub(crate) files: usize,
    /// Bytes that clones share with their sources.
    pub(crate) bytes_shared: u64,
}

/// Prints what was done and recorded.
pub(crate) fn print(numbers: &Numbers, sent: &[Sent], records: &Records) {
    let seen = sent.iter().filter(|sent| sent.is_seen).count();
    line(
        "requests",
        &format!("{} sent, {seen} of them reached the driver", sent.len()),
    );
    line("records", &received(records));
    line(
        "shared",
        &format!(
            "{} by the clones of {} files, by the cluster counts of the volumes",
            size(numbers.bytes_shared),
            numbers.files
        ),
    );
    let verdict = |event: &Event| {
        vec![
            event
                .end
                .verdict
                .name()
                .unwrap_or("unknown")
                .replace('_', " "),
        ]
    };
    line("verdicts", &counted(records, verdict));
    let rules = |event: &Event| {
        let name =
            |rule: &cloneguard::EventRule| format!("{} {}", rule.id, rule.name.unwrap_or("?"));
        event.end.rules.iter().map(name).collect()
    };
    line("rules", &counted(records, rules));
    let status = |event: &Event| {
        let status = event.end.status.map(|status| status.to_string());
        let status = status.unwrap_or_else(|| "unknown".to_owned());
        vec![status.trim_start_matches("STATUS_").to_owned()]
    };
    line("statuses", &counted(records, status));
}

/// How many records came, of what, and that none is missing.
fn received(records: &Records) -> String {
    let (requests, own) = (records.events.len(), records.own.len());
    let of_requests = records.events.iter().map(|event| event.head.sequence);
    let last = of_requests
        .chain(records.own.iter().map(Entry::sequence))
        .max();
    format!(
        "{} received, sequence 1 to {}, {requests} of requests, {own} of the driver itself, lost = {}",
        requests + own,
        last.unwrap_or(0),
        lost(records)
    )
}

/// The last word: fails with every fault.
pub(crate) fn conclude(faults: &[String]) -> Result<()> {
    if faults.is_empty() {
        line(
            "checked",
            "every clone equals its file, every record what was sent; the driver left nothing behind",
        );
        return Ok(());
    }
    for line in complaints(faults) {
        eprintln!("{line}");
    }
    bail!("the demo found {} faults", faults.len())
}

/// The faults as lines: each once, and not too many of them.
fn complaints(faults: &[String]) -> Vec<String> {
    const MOST: usize = 30;
    let mut counts: Vec<(&String, usize)> = Vec::new();
    for fault in faults {
        match counts.iter_mut().find(|(known, _)| *known == fault) {
            Some((_, count)) => *count += 1,
            None => counts.push((fault, 1)),
        }
    }
    let mut lines: Vec<_> = counts
        .iter()
        .take(MOST)
        .map(|(fault, count)| match count {
            1 => format!("fault: {fault}"),
            _ => format!("fault: {fault} ({count} times)"),
        })
        .collect();
    if let Some(more) = counts.len().checked_sub(MOST).filter(|more| *more > 0) {
        lines.push(format!("fault: and {more} more"));
    }
    lines
}

/// One line of the summary, wrapped.
pub(crate) fn line(title: &str, text: &str) {
    const WIDTH: usize = 100;
    let mut out = format!("  {title:<10}");
    let mut column = 12;
    for (index, part) in text.split(", ").enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        if column + part.len() > WIDTH && index > 0 {
            out.push_str(",\n            ");
            column = 12;
        } else {
            out.push_str(separator);
            column += separator.len();
        }
        out.push_str(part);
        column += part.chars().count();
    }
    say(&out);
}

/// "a: 3, b: 1", the most frequent first.
fn counted(records: &Records, labels: impl Fn(&Event) -> Vec<String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for label in records.events.iter().flat_map(labels) {
        *counts.entry(label).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let texts: Vec<_> = counts
        .iter()
        .map(|(label, count)| format!("{label}: {count}"))
        .collect();
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}

/// A number of bytes with a unit, rounded to a tenth.
pub(crate) fn size(bytes: u64) -> String {
    let mut unit = 1_u64;
    let mut name = "bytes";
    for (next, label) in [(1 << 10, "KiB"), (1 << 20, "MiB"), (1 << 30, "GiB")] {
        if bytes >= next {
            (unit, name) = (next, label);
        }
    }
    if unit == 1 {
        return format!("{bytes} bytes");
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{complaints, size};

    #[test]
    fn faults_are_named_once_and_counted() {
        let faults = ["a", "b", "a"].map(str::to_owned);
        assert_eq!(complaints(&faults), ["fault: a (2 times)", "fault: b"]);
        let many: Vec<_> = (0..31).map(|number| number.to_string()).collect();
        let lines = complaints(&many);
        assert_eq!(lines.len(), 31);
        assert_eq!(lines.last().map(String::as_str), Some("fault: and 1 more"));
    }

    #[test]
    fn sizes_have_the_largest_unit_that_fits() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(1_587_000), "1.5 MiB");
        assert_eq!(size(5 << 30), "5.0 GiB");
        assert_eq!(size(u64::MAX), "17179869184.0 GiB");
    }
}
