//! The property itself: two runs of one script, without and with the driver, and its records.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cloneguard::Event;
use testbed::status::NtStatus;
use wire::{OutcomeKind, RuleId, Verdict};

use super::play::{Answer, ERROR, Played, Seen};
use super::script::{EX, PLAIN, Request, Script, Step};
use super::setup::Setup;

/// The definite rules (docs/rules.md), by number.
pub const DEFINITE: [u8; 11] = [1, 2, 3, 10, 11, 12, 13, 14, 20, 21, 22];

/// What a run came by, to show that it looked at something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests, each sent on both machines.
    pub requests: u64,
    /// Those that became a request of the I/O manager.
    pub reached: u64,
    /// Clones that the file system carried out.
    pub accepted: u64,
    /// Those of them for which the driver had a remark.
    pub remarked: u64,
    /// Clones that the driver refused, or in observe mode would have, by the rule that decided.
    pub by_rule: BTreeMap<u8, u64>,
    /// Clones by the file system's own status.
    pub statuses: BTreeMap<u32, u64>,
}

/// What is known of the run with the driver before it is compared.
pub(super) struct Terms<'a> {
    /// What the driver may do at a step.
    pub(super) setup: &'a dyn Fn(usize) -> Setup,
    /// The requests that it refused for a reason of its own, and that the run without it left out.
    pub(super) refused: &'a BTreeSet<usize>,
}

/// Compares the runs; what differs comes back in words.
pub(super) fn judge(
    terms: &Terms<'_>,
    script: &Script,
    (bare, guarded): (&Played, &Played),
) -> Result<Tally, String> {
    for (number, (bare, guarded)) in bare.seen.iter().zip(&guarded.seen).enumerate() {
        if bare != guarded && !terms.refused.contains(&number) {
            return Err(format!("step {number}: {}", difference(bare, guarded)));
        }
    }
    if bare.files != guarded.files {
        let (bare, guarded) = (&bare.files, &guarded.files);
        let pairs = bare.iter().zip(guarded).enumerate();
        let differs = pairs.filter(|(_, (bare, guarded))| bare != guarded);
        let which: Vec<usize> = differs.map(|(number, _)| number).collect();
        return Err(format!("in the end files {which:?} differ"));
    }
    let pairs = pairs(terms.setup, script, guarded)?;
    Ok(tally(script, guarded, &pairs))
}

fn difference(bare: &Seen, guarded: &Seen) -> String {
    if let (Seen::Answer(bare), Seen::Answer(guarded)) = (bare, guarded) {
        let answers = |answer: &Answer| {
            let (status, information) = (answer.status.status, answer.status.information);
            format!("{status}, Information {information}")
        };
        if bare.status != guarded.status {
            let (bare_is, guarded_is) = (answers(bare), answers(guarded));
            return format!(
                "{:x?}: without the driver {bare_is}; with it {guarded_is}",
                bare.sent
            );
        }
    }
    format!("without the driver {bare:?}; with it {guarded:?}")
}

/// The requests that came by with their records: of a load that keeps all, each has one; of another, the records are
/// those of some of the requests, in their order. Nothing is refused but by a definite rule with the file system's
/// status, or by what the policy adds. What the driver refused the file system of its machine never saw; what it
/// answered is known from the other machine, and the answers are equal.
fn pairs<'a>(
    setup: &dyn Fn(usize) -> Setup,
    script: &Script,
    guarded: &'a Played,
) -> Result<Vec<(usize, &'a Event)>, String> {
    let mut pairs = Vec::new();
    for (index, load) in guarded.loads.iter().enumerate() {
        let next = guarded.loads.get(index + 1);
        // Steps are counted from 1 there.
        let steps = load.from.saturating_sub(1)..next.map_or(usize::MAX, |next| next.from - 1);
        let watched = guarded
            .watched
            .iter()
            .filter(|number| steps.contains(number));
        let watched: Vec<usize> = watched.copied().collect();
        let (expected, found) = (watched.len(), load.events.len());
        if load.is_whole && expected != found {
            return Err(format!(
                "{expected} requests came by, {found} were recorded"
            ));
        }
        let mut left = watched.iter();
        for record in &load.events {
            let mut fault = None;
            let fits = |number: &&usize| {
                let checked = is_told(setup, script, (**number, guarded), record, load.is_whole);
                checked
                    .map_err(|why| fault.get_or_insert(format!("step {number}: {why}")).len())
                    .is_ok()
            };
            let found = if load.is_whole {
                left.next().filter(fits)
            } else {
                left.find(fits)
            };
            let why = || fault.unwrap_or_else(|| "more was recorded than came by".to_owned());
            pairs.push((*found.ok_or_else(why)?, record));
        }
    }
    Ok(pairs)
}

/// Whether this is the record of that step.
fn is_told(
    setup: &dyn Fn(usize) -> Setup,
    script: &Script,
    (number, guarded): (usize, &Played),
    record: &Event,
    is_whole: bool,
) -> Result<(), String> {
    let (Step::Send(request), Seen::Answer(answer)) =
        (&script.steps[number], &guarded.seen[number])
    else {
        return Err("this is no request".to_owned());
    };
    if is_whole && record.head.lost_before != 0 {
        return Err(format!("{} records were lost", record.head.lost_before));
    }
    check(&setup(number), request, (answer, record))
}

fn check(
    setup: &Setup,
    request: &Request,
    (answer, record): (&Answer, &Event),
) -> Result<(), String> {
    let status = answer.status.status.0;
    let recorded = record.end.status.map(|status| status.code());
    if record.control_code.0 != request.code {
        return Err(format!("recorded with code {:#x}", record.control_code.0));
    }
    // Of one that was in the file system when the driver went from there nobody learns the end.
    let is_open = [OutcomeKind::Draining, OutcomeKind::Pending].contains(&record.end.outcome);
    if recorded != Some(status) && !(is_open && recorded.is_none() && request.carriage.held) {
        return Err(format!("ended with {status:#x}, recorded as {recorded:x?}"));
    }
    let is_definite = is_definite(record);
    match (setup.enforces, record.end.verdict) {
        (false, Verdict::Refused) => Err("refused in observe mode".to_owned()),
        (true, Verdict::WouldRefuse) => Err("not refused in enforce mode".to_owned()),
        (true, Verdict::Refused) if !is_definite && !is_own(setup, record) => Err(format!(
            "refused without a rule that may: {:?}",
            record.grounds
        )),
        (true, Verdict::Refused)
            if record.refusal.map(|refusal| refusal.code()) != Some(status) =>
        {
            let refusal = record.refusal;
            Err(format!("ended with {status:#x}, refused with {refusal:?}"))
        }
        (true, verdict) if is_definite && setup.is_plain() && verdict != Verdict::Refused => Err(
            format!("a definite rule is a ground, the verdict {verdict:?}"),
        ),
        _ => Ok(()),
    }
}

fn is_definite(record: &Event) -> bool {
    let mut grounds = record.grounds.iter();
    grounds.any(|rule| DEFINITE.contains(&rule.id))
}

/// Whether a rule decided that may, and that is not definite.
fn is_own(setup: &Setup, record: &Event) -> bool {
    let rule = record.end.deciding_rule.as_ref();
    rule.is_some_and(|rule| setup.lets_refuse(rule.id))
}

/// The steps that the driver refused by a rule that is not definite, or because there was no room for their records:
/// what the file system would have said to them is another matter.
pub(super) fn refused_by_own_rules(
    setup: &dyn Fn(usize) -> Setup,
    script: &Script,
    guarded: &Played,
) -> Result<BTreeSet<usize>, String> {
    let pairs = pairs(setup, script, guarded)?;
    let is_own = |record: &Event| {
        let rule = record.end.deciding_rule.as_ref();
        record.end.verdict == Verdict::Refused
            && rule.is_none_or(|rule| !DEFINITE.contains(&rule.id))
    };
    let refused = pairs.iter().filter(|(_, record)| is_own(record));
    let mut refused: BTreeSet<usize> = refused.map(|(number, _)| *number).collect();
    let told: BTreeSet<usize> = pairs.iter().map(|(number, _)| *number).collect();
    let untold = guarded
        .watched
        .iter()
        .filter(|number| !told.contains(number));
    // What failed without a record may have been refused for any reason. It leaves no trace in the file system, whoever
    // refuses it, so nothing else is missed by leaving it out.
    refused.extend(untold.filter(|number| {
        let has_failed = matches!(&guarded.seen[**number], Seen::Answer(answer)
            if answer.status.status.0 >= ERROR);
        has_failed && setup(**number).has_own_reasons()
    }));
    Ok(refused)
}

fn tally(script: &Script, guarded: &Played, pairs: &[(usize, &Event)]) -> Tally {
    let mut tally = Tally {
        requests: script.requests(),
        ..Tally::default()
    };
    for seen in &guarded.seen {
        if let Seen::Answer(answer) = seen {
            tally.reached += u64::from(answer.reached);
        }
    }
    for (number, record) in pairs {
        if let Seen::Answer(answer) = &guarded.seen[*number]
            && [PLAIN, EX].contains(&record.control_code.0)
        {
            add(&mut tally, answer.status.status.0, record);
        }
    }
    tally
}

fn add(tally: &mut Tally, status: u32, record: &Event) {
    *tally.statuses.entry(status).or_default() += 1;
    if status == 0 {
        tally.accepted += 1;
        tally.remarked += u64::from(!record.end.rules.is_empty());
    }
    if [Verdict::Refused, Verdict::WouldRefuse].contains(&record.end.verdict)
        && let Some(rule) = &record.end.deciding_rule
    {
        *tally.by_rule.entry(rule.id).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {} requests, {} reached the file system or the driver",
            self.requests, self.reached
        )?;
        writeln!(
            f,
            "  {} clones were carried out, of {} of them the driver took note",
            self.accepted, self.remarked
        )?;
        for (rule, count) in &self.by_rule {
            let name = RuleId::new(*rule).and_then(RuleId::name);
            writeln!(f, "  rule {rule} {}: {count}", name.unwrap_or("unknown"))?;
        }
        for (status, count) in &self.statuses {
            writeln!(f, "  {}: {count}", NtStatus(*status))?;
        }
        Ok(())
    }
}

impl Tally {
    /// Adds another one.
    pub(super) fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.reached += other.reached;
        self.accepted += other.accepted;
        self.remarked += other.remarked;
        for (rule, count) in &other.by_rule {
            *self.by_rule.entry(*rule).or_default() += count;
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
    }
}
