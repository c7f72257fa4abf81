//! Compares what the driver recorded with what was done, and sums up.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use cloneguard::Event;
use cloneguard::table::byte_size;

use super::audit::Records;
use super::sent::{Range, Sent};
use super::stage::Stage;

/// Everything that does not agree, as sentences.
pub(crate) fn compare(sent: &[Sent], records: &Records) -> Vec<String> {
    let mut faults = Vec::new();
    for sent in sent {
        if !sent.expected.contains(&sent.answer.status) {
            let (got, wanted) = (sent.answer.status, &sent.expected);
            faults.push(format!(
                "{}: the caller got {got}, its sources demand {wanted:?}",
                sent.what
            ));
        }
    }
    let seen: Vec<&Sent> = sent.iter().filter(|sent| sent.is_seen).collect();
    if seen.len() != records.events.len() {
        let (seen, got) = (seen.len(), records.events.len());
        faults.push(format!(
            "{seen} requests passed the driver, {got} records arrived"
        ));
    }
    for (number, (sent, event)) in (1..).zip(seen.iter().zip(&records.events)) {
        let differences = differences(number, sent, event);
        if !differences.is_empty() {
            faults.push(format!(
                "record {number} ({}): {}",
                sent.what,
                differences.join(", ")
            ));
        }
    }
    faults.extend(
        records
            .findings
            .iter()
            .map(|finding| format!("the trail: {finding:?}")),
    );
    let lost = records.counters.lost.get().max(records.totals.lost);
    if lost != 0 {
        faults.push(format!("{lost} records were lost"));
    }
    faults
}

/// What of a record is not as it was sent.
fn differences(number: u64, sent: &Sent, event: &Event) -> Vec<String> {
    let range = event.claim.as_ref().map(|claim| Range {
        source: claim.source_offset,
        target: claim.target_offset,
        count: claim.byte_count,
    });
    let rules: Vec<u8> = event.rules.iter().map(|rule| rule.id).collect();
    let mode = if sent.is_kernel { "kernel" } else { "user" };
    let bitness = if sent.is_32bit { 32 } else { 64 };
    let process = u32::try_from(sent.process_id).ok();
    let checks = [
        ("sequence", event.sequence == number),
        ("control code", event.control_code.0 == sent.code),
        ("bitness", event.bitness == bitness),
        ("mode", event.requestor_mode == mode),
        ("process", event.process_id == process),
        (
            "input length",
            u64::from(event.input_length) == sent.input_length as u64,
        ),
        ("range", range == sent.range),
        ("source", event.source.text == sent.source),
        ("target", event.target.text.as_ref() == Some(&sent.target)),
        ("rules", rules == sent.rules),
        (
            "status",
            event.status.map(cloneguard::NtStatus::code) == Some(sent.answer.status.0),
        ),
        (
            "information",
            event.information == Some(sent.answer.information),
        ),
        ("outcome", event.outcome == "completed"),
    ];
    let wrong = checks.iter().filter(|(_, holds)| !holds);
    wrong.map(|(what, _)| format!("{what} differs")).collect()
}

/// Prints the summary.
pub(crate) fn summary(stage: &Stage, sent: &[Sent], records: &Records) {
    let seen = sent.iter().filter(|sent| sent.is_seen).count();
    println!("\nSummary");
    println!(
        "  requests        {} sent, {seen} reached the driver",
        sent.len()
    );
    println!(
        "  records         {} received, {} lost, sequence 1 to {}",
        records.events.len(),
        records.counters.lost.get().max(records.totals.lost),
        records.events.last().map_or(0, |event| event.sequence)
    );
    if let Some(volume) = stage.machine.io().volume(stage.volume) {
        let numbers = volume.file_system().statistics();
        println!(
            "  shared          {} in {} clusters of {}",
            byte_size(i64::try_from(numbers.bytes_shared).unwrap_or(i64::MAX)),
            numbers.shared_clusters,
            byte_size(i64::try_from(numbers.cluster_size).unwrap_or(i64::MAX)),
        );
    }
    by_kind(records);
}

/// Verdicts, rules and statuses, each with how often.
fn by_kind(records: &Records) {
    let verdicts = counted(records, |event| {
        vec![event.verdict.name().unwrap_or("unknown").replace('_', " ")]
    });
    println!("  verdicts        {verdicts}");
    let rules = counted(records, |event| {
        let name =
            |rule: &cloneguard::EventRule| format!("{} {}", rule.id, rule.name.unwrap_or("?"));
        event.rules.iter().map(name).collect()
    });
    println!("  rules           {rules}");
    let statuses = counted(records, |event| {
        let status = event.status.and_then(cloneguard::NtStatus::name);
        vec![
            status
                .unwrap_or("none")
                .trim_start_matches("STATUS_")
                .to_owned(),
        ]
    });
    println!("  statuses        {statuses}");
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
    texts.join(", ")
}

/// The last word: fails with every fault.
pub(crate) fn conclude(faults: &[String]) -> Result<()> {
    if faults.is_empty() {
        println!(
            "  checks          every clone equals its file, every record what was sent, nothing left behind"
        );
        return Ok(());
    }
    for fault in faults {
        eprintln!("  FAULT           {fault}");
    }
    bail!("{} faults", faults.len())
}
