//! Compares what the driver recorded with what was done.
//!
//! A record of a request is compared with the request; `own.rs` judges what the driver tells of itself.

mod own;

use cloneguard::{Entry, Event, EventName, Hex64, IntegrityLevel};
use testbed::ntos::token::Token;
use wire::{LossClass, OutcomeKind, RecordKind};

use super::audit::Records;
use super::sent::{Claim, EX, Range, Sender, Sent, Source};
use super::stage::Stage;

/// What the records must know of the machine.
pub(crate) struct Setting {
    /// The volumes: device name, and GUID in lower case.
    volumes: Vec<(String, String)>,
    /// The consumer of the port: process, its number, its program.
    tool: (u64, u64, String),
}

impl Setting {
    /// Of the machine of the demo.
    pub(crate) fn of(stage: &Stage) -> Self {
        let volumes = stage.volumes();
        let volumes = volumes.iter().map(|volume| {
            let guid = volume.guid_name().to_lowercase();
            let guid = guid
                .trim_start_matches(r"\??\volume{")
                .trim_end_matches('}');
            (volume.name().to_owned(), guid.to_owned())
        });
        let tool = &stage.tool;
        Self {
            volumes: volumes.collect(),
            tool: (tool.id(), tool.start_key(), tool.image_name().to_owned()),
        }
    }

    /// The GUID of the volume on which a file lies.
    fn guid_of(&self, file: &str) -> Option<&str> {
        let is_home = |(device, _): &&(String, String)| {
            let rest = file.strip_prefix(device.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
        };
        let home = self.volumes.iter().find(is_home);
        home.map(|(_, guid)| guid.as_str())
    }
}

/// Rules that no legal caller sets off (docs/rules.md); the others only note.
const DEFINITE: &[u8] = &[1, 2, 3, 10, 11, 12, 13, 14, 20, 21, 22];

/// Everything that does not agree, as sentences.
pub(crate) fn compare(setting: &Setting, sent: &[Sent], records: &Records) -> Vec<String> {
    let mut faults: Vec<String> = sent.iter().filter_map(unexpected).collect();
    let seen: Vec<&Sent> = sent.iter().filter(|sent| sent.is_seen).collect();
    if let Some(failure) = &records.failure {
        // What is missing then is missing for this one reason.
        faults.push(format!("the consumer gave up: {failure}"));
    } else if seen.len() != records.events.len() {
        let (seen, got) = (seen.len(), records.events.len());
        faults.push(format!(
            "{seen} requests passed the driver, {got} records of requests arrived"
        ));
    }
    for (number, (sent, event)) in (1..).zip(seen.iter().zip(&records.events)) {
        let differences = differences(setting, sent, event);
        if !differences.is_empty() {
            faults.push(format!(
                "record {number} ({}): {}",
                sent.what,
                differences.join("; ")
            ));
        }
    }
    faults.extend(trail(records));
    if records.failure.is_none() {
        faults.extend(own::faults(setting, seen.len(), records));
    }
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
    if !is_whole(records) {
        faults.push("the records do not have the numbers from 1 on".to_owned());
    }
    if totals.loads > 1 {
        faults.push(format!("the records are of {} loads", totals.loads));
    }
    faults
}

/// Whether the records have all numbers from 1 on, each once.
fn is_whole(records: &Records) -> bool {
    let of_requests = records.events.iter().map(|event| event.head.sequence);
    let own = records.own.iter().map(Entry::sequence);
    let mut numbers: Vec<u64> = of_requests.chain(own).collect();
    numbers.sort_unstable();
    numbers
        .into_iter()
        .eq(1..=(records.events.len() + records.own.len()) as u64)
}

/// Records that were lost, by the records themselves or by the driver's counters.
pub(crate) fn lost(records: &Records) -> u64 {
    records.counters.lost.get().max(records.totals.lost)
}

/// What of a record is not as it was sent.
fn differences(setting: &Setting, sent: &Sent, event: &Event) -> Vec<String> {
    let mut checks = Checks::default();
    checks.eq("records lost before", &event.head.lost_before, &0);
    checks.eq("kind", &event.head.kind, &RecordKind::Clone);
    checks.eq("control code", &event.control_code.0, &sent.code);
    checks.eq(
        "input length",
        &u64::from(event.input_length),
        &sent.input_length,
    );
    checks.eq("output length", &event.output_length, &sent.output_length);
    checks.eq("claim", &claim(event), &sent.claim);
    checks.eq("remote", &event.remote, &Some(false));
    check_judgement(&mut checks, sent, event);
    check_end(&mut checks, sent, event);
    check_sender(&mut checks, &sent.sender, event);
    check_files(&mut checks, sent, event);
    check_volumes(&mut checks, setting, sent, event);
    checks.0
}

fn check_judgement(checks: &mut Checks, sent: &Sent, event: &Event) {
    let rules: Vec<u8> = event.end.rules.iter().map(|rule| rule.id).collect();
    let mut expected_rules = sent.rules.clone();
    expected_rules.sort_unstable();
    checks.eq("rules", &rules, &expected_rules);
    let deciding = event.end.deciding_rule.as_ref().map(|rule| rule.id);
    checks.eq("deciding rule", &deciding, &sent.rules.first().copied());
    let verdict = verdict(sent);
    checks.eq("verdict", &event.end.verdict.name(), &Some(verdict));
    let class = match verdict {
        "passed" => LossClass::Routine,
        _ => LossClass::Finding,
    };
    checks.eq("class", &event.head.class, &class);
    let has_grounds = event.grounds.iter().any(|rule| DEFINITE.contains(&rule.id));
    checks.eq("grounds", &has_grounds, &(verdict == "would_refuse"));
    let policy = (event.policy.revision, event.policy.matched.as_str());
    checks.eq("policy", &policy, &(0, "no_match"));
}

fn check_end(checks: &mut Checks, sent: &Sent, event: &Event) {
    let status = event.end.status.map(cloneguard::NtStatus::code);
    checks.eq("status", &status, &Some(sent.answer.status.0));
    checks.eq(
        "information",
        &event.end.information,
        &Some(sent.answer.information),
    );
    checks.eq("outcome", &event.end.outcome, &OutcomeKind::Completed);
    checks.eq("duration", &event.end.duration_100ns.is_some(), &true);
}

fn check_sender(checks: &mut Checks, sender: &Sender, event: &Event) {
    let (mode, bitness) = (
        if sender.is_kernel { "kernel" } else { "user" },
        if sender.is_32bit { 32 } else { 64 },
    );
    checks.eq("bitness", &event.bitness, &bitness);
    checks.eq("mode", &event.requestor_mode.as_str(), &mode);
    let process = &event.process;
    let id = process.process_id.map(u64::from);
    checks.eq("process", &id, &Some(sender.process_id));
    let id = process.thread_id.map(u64::from);
    checks.eq("thread", &id, &Some(sender.thread_id));
    let key = Some(Hex64(sender.start_key));
    checks.eq("start key", &process.process_start_key, &key);
    let time = process.process_create_time.map(|time| time.filetime());
    checks.eq("create time", &time, &Some(sender.create_time));
    if !sender.is_kernel {
        let id = process.parent_process_id.map(u64::from);
        checks.eq("parent", &id, &Some(sender.parent_id));
    }
    checks.eq(
        "program",
        &event.image.text.as_deref(),
        &Some(sender.image.as_str()),
    );
    check_token(checks, sender, event);
}

/// What the token of the user says; nobody impersonates here.
fn check_token(checks: &mut Checks, sender: &Sender, event: &Event) {
    let (token, process) = (Token::of(sender.user), &event.process);
    let user = Some(sender.user);
    checks.eq("user", &event.users.user_sid.as_deref(), &user);
    let primary = event.users.primary_user_sid.as_deref();
    checks.eq("user of the process", &primary, &user);
    checks.eq("impersonating", &process.impersonating, &Some(false));
    checks.eq("session", &process.session_id, &Some(token.session));
    let level = Some(IntegrityLevel(token.integrity));
    checks.eq("integrity level", &process.integrity_level, &level);
    checks.eq("logon", &process.logon_id, &Some(Hex64(token.logon)));
    checks.eq("elevated", &process.elevated, &Some(token.elevated));
}

/// The volumes of both files.
fn check_volumes(checks: &mut Checks, setting: &Setting, sent: &Sent, event: &Event) {
    let target = setting.guid_of(&sent.target);
    checks.eq("volume", &event.volume.guid.as_deref(), &target);
    if let Source::SameVolume(name) | Source::OtherVolume(name) = &sent.source {
        let source = setting.guid_of(name);
        let recorded = event.source_volume.guid.as_deref();
        checks.eq("volume of the source", &recorded, &source);
    }
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
