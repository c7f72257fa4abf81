//! Compares what the driver recorded with what was done.

use cloneguard::{Event, EventName};

use super::audit::Records;
use super::sent::{Claim, EX, Range, Sent, Source};

/// Rules that no legal caller sets off (docs/rules.md); the others only note.
const DEFINITE: &[u8] = &[1, 2, 3, 10, 11, 12, 13, 14, 20, 21, 22];

/// Everything that does not agree, as sentences.
pub(crate) fn compare(sent: &[Sent], records: &Records) -> Vec<String> {
    let mut faults: Vec<String> = sent.iter().filter_map(unexpected).collect();
    let seen: Vec<&Sent> = sent.iter().filter(|sent| sent.is_seen).collect();
    if let Some(failure) = &records.failure {
        // What is missing then is missing for this one reason.
        faults.push(format!("the consumer gave up: {failure}"));
    } else if seen.len() != records.events.len() {
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
                differences.join("; ")
            ));
        }
    }
    faults.extend(trail(records));
    faults
}

/// A request that did not end as its sources demand.
fn unexpected(sent: &Sent) -> Option<String> {
    let (got, wanted) = (&sent.answer, &sent.expected);
    if !wanted.contains(&got.status) {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        return Some(format!(
            "{}: the caller got {}, not {}",
            sent.what,
            got.status,
            wanted.join(" or ")
        ));
    }
    // Neither code has an output (MS-FSCC 2.3.8 and 2.3.10).
    let is_silent = got.information == 0 && got.output.is_empty();
    (!is_silent).then(|| format!("{}: the caller got {} bytes", sent.what, got.information))
}

/// What is wrong with the trail as a whole.
fn trail(records: &Records) -> Vec<String> {
    let totals = &records.totals;
    let mut faults: Vec<String> = records
        .findings
        .iter()
        .map(|finding| format!("the trail: {finding}"))
        .collect();
    for (count, what) in [
        (lost(records), "were lost"),
        (totals.unexplained, "are missing without a reason"),
        (
            totals.repeats,
            "came twice, although they were acknowledged",
        ),
        (totals.earlier, "went to somebody else"),
    ] {
        if count != 0 {
            faults.push(format!("{count} records {what}"));
        }
    }
    if totals.loads > 1 {
        faults.push(format!("the records are of {} loads", totals.loads));
    }
    faults
}

/// Records that were lost, by the records themselves or by the driver's counters.
pub(crate) fn lost(records: &Records) -> u64 {
    records.counters.lost.get().max(records.totals.lost)
}

/// What of a record is not as it was sent.
fn differences(number: u64, sent: &Sent, event: &Event) -> Vec<String> {
    let mut checks = Checks::default();
    checks.eq("sequence", &event.sequence, &number);
    checks.eq("records lost before", &event.lost_before, &0);
    checks.eq("kind", &event.kind.as_str(), &"clone");
    checks.eq("control code", &event.control_code.0, &sent.code);
    checks.eq(
        "input length",
        &u64::from(event.input_length),
        &sent.input_length,
    );
    checks.eq("output length", &event.output_length, &sent.output_length);
    checks.eq("claim", &claim(event), &sent.claim);
    let rules: Vec<u8> = event.rules.iter().map(|rule| rule.id).collect();
    let mut expected_rules = sent.rules.clone();
    expected_rules.sort_unstable();
    checks.eq("rules", &rules, &expected_rules);
    let deciding = event.deciding_rule.as_ref().map(|rule| rule.id);
    checks.eq("deciding rule", &deciding, &sent.rules.first().copied());
    checks.eq("verdict", &event.verdict.name(), &Some(verdict(sent)));
    let has_grounds = event.grounds.iter().any(|rule| DEFINITE.contains(&rule.id));
    checks.eq("grounds", &has_grounds, &(verdict(sent) == "would_refuse"));
    let policy = (event.policy.revision, event.policy.matched.as_str());
    checks.eq("policy", &policy, &(0, "no_match"));
    checks.eq("remote", &event.remote, &Some(false));
    let status = event.status.map(cloneguard::NtStatus::code);
    checks.eq("status", &status, &Some(sent.answer.status.0));
    checks.eq(
        "information",
        &event.information,
        &Some(sent.answer.information),
    );
    checks.eq("outcome", &event.outcome.as_str(), &"completed");
    check_sender(&mut checks, sent, event);
    check_files(&mut checks, sent, event);
    checks.0
}

fn check_sender(checks: &mut Checks, sent: &Sent, event: &Event) {
    let sender = &sent.sender;
    let (mode, bitness) = (
        if sender.is_kernel { "kernel" } else { "user" },
        if sender.is_32bit { 32 } else { 64 },
    );
    checks.eq("bitness", &event.bitness, &bitness);
    checks.eq("mode", &event.requestor_mode.as_str(), &mode);
    checks.eq(
        "process",
        &event.process_id.map(u64::from),
        &Some(sender.process_id),
    );
    checks.eq(
        "thread",
        &event.thread_id.map(u64::from),
        &Some(sender.thread_id),
    );
    checks.eq(
        "program",
        &event.image.text.as_deref(),
        &Some(sender.image.as_str()),
    );
    checks.eq("user", &event.user_sid.as_deref(), &Some(sender.user));
}

fn check_files(checks: &mut Checks, sent: &Sent, event: &Event) {
    let (state, status, name) = match &sent.source {
        Source::SameVolume(name) => ("same_volume", None, Some(name)),
        Source::OtherVolume(name) => ("other_volume", None, Some(name)),
        Source::Foreign => ("foreign", None, None),
        Source::Refused(status) => ("handle_refused", Some(status.0), None),
        Source::NotInContext => ("not_in_context", None, None),
        Source::Unread => ("not_inspected", None, None),
    };
    checks.eq("source handle", &event.source_state.as_str(), &state);
    let found = event.source_status.map(cloneguard::NtStatus::code);
    checks.eq("status of the source handle", &found, &status);
    check_name(checks, "source", &event.source, name);
    check_name(checks, "target", &event.target, Some(&sent.target));
}

/// A name of a record against the whole name: records keep the first 1024 UTF-16 units (docs/wire.md).
fn check_name(checks: &mut Checks, what: &str, recorded: &EventName, whole: Option<&String>) {
    const UNITS: usize = 1024;
    let is_cut = whole.is_some_and(|name| name.encode_utf16().count() > UNITS);
    let kept = whole.map(|name| {
        let mut units = 0;
        let fits = |character: &char| {
            units += character.len_utf16();
            units <= UNITS
        };
        name.chars().take_while(fits).collect::<String>()
    });
    checks.eq(what, &recorded.text, &kept);
    checks.eq(
        &format!("{what} cut short"),
        &recorded.is_truncated,
        &is_cut,
    );
}

/// The verdict that goes with the rules.
fn verdict(sent: &Sent) -> &'static str {
    // Nobody says how a file system reads the EX structure of a 32-bit program, so what it holds is only
    // noted; its length and its presence are not.
    let is_left_open = sent.sender.is_32bit && sent.code == EX;
    let is_definite =
        |rule: &u8| DEFINITE.contains(rule) && (!is_left_open || matches!(rule, 1 | 2));
    match sent.rules.as_slice() {
        [] => "passed",
        rules if rules.iter().any(is_definite) => "would_refuse",
        _ => "flagged",
    }
}

fn claim(event: &Event) -> Option<Claim> {
    event.claim.as_ref().map(|claim| Claim {
        range: Range {
            source: claim.source_offset,
            target: claim.target_offset,
            count: claim.byte_count,
        },
        ex_size: claim.ex_size,
        ex_flags: claim.ex_flags,
    })
}

/// Differences found so far.
#[derive(Default)]
struct Checks(Vec<String>);

impl Checks {
    fn eq<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, recorded: &T, sent: &T) {
        if recorded != sent {
            self.0
                .push(format!("{what}: recorded {recorded:?}, sent {sent:?}"));
        }
    }
}

#[cfg(test)]
mod tests;
