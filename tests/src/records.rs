//! The driver's records of a run, held against what was sent.

use cloneguard::Event;
use wire::{OutcomeKind, RecordKind};

use crate::expect::{Mode, Reach};
use crate::stage::{Carriage, Who};
use crate::trace::Sent;

/// Everything that is wrong with the records.
pub(crate) fn compare(mode: Mode, sent: &[Sent], events: &[Event]) -> Vec<String> {
    let due: Vec<&Sent> = sent.iter().filter(|sent| sent.is_recorded()).collect();
    if due.len() != events.len() {
        let (expected, got) = (due.len(), events.len());
        return vec![format!("the driver has {got} records, not {expected}")];
    }
    let pairs = due.iter().zip(events).enumerate();
    pairs
        .flat_map(|(index, (sent, event))| {
            let faults = of_one(mode, sent, event);
            let name = move |fault| format!("record {}: {fault}", index + 1);
            faults.into_iter().map(name)
        })
        .collect()
}

fn of_one(mode: Mode, sent: &Sent, event: &Event) -> Vec<String> {
    let mut faults = Faults::default();
    let kind = if sent.expect.reach == Reach::Seen {
        RecordKind::Seen
    } else {
        RecordKind::Clone
    };
    faults.differ("kind", &event.head.kind.name(), &kind.name());
    faults.differ("code", &event.control_code.0, &sent.ask.code);
    let status = event.end.status.map(|status| status.code());
    faults.differ("status", &status, &Some(sent.answer.status.0));
    let information = Some(sent.answer.information);
    faults.differ("information", &event.end.information, &information);
    let requestor = if sent.who.is_kernel() {
        "kernel"
    } else {
        "user"
    };
    faults.differ("mode", &event.requestor_mode.as_str(), &requestor);
    let bitness = if sent.who.is_narrow() { 32 } else { 64 };
    faults.differ("bitness", &event.bitness, &bitness);
    faults.differ(
        "remote",
        &(event.remote == Some(true)),
        &(sent.who == Who::Server),
    );
    if sent.expect.reach == Reach::Judged {
        of_judgement(&mut faults, mode, sent, event);
    }
    faults.0
}

fn of_judgement(faults: &mut Faults, mode: Mode, sent: &Sent, event: &Event) {
    let rules = sent.expect.rules(mode);
    let deciding = event.end.deciding_rule.as_ref().map(|rule| rule.id);
    faults.differ("deciding rule", &deciding, &rules.first().copied());
    let mut expected = rules;
    expected.sort_unstable();
    let fired: Vec<u8> = event.end.rules.iter().map(|rule| rule.id).collect();
    faults.differ("rules", &fired, &expected);
    let verdict = sent.expect.verdicts.in_mode(mode);
    let named = event.end.verdict.name().unwrap_or("unknown");
    faults.differ("verdict", &named, &verdict.name());
    let is_refused = sent.expect.is_refused(Some(mode));
    let outcome = if is_refused {
        OutcomeKind::Refused
    } else {
        OutcomeKind::Completed
    };
    faults.differ("outcome", &event.end.outcome, &outcome);
    if let (Some(claim), Carriage::Usual) = (&event.claim, sent.ask.carriage) {
        let range = (claim.source_offset, claim.target_offset, claim.byte_count);
        faults.differ("range", &range, &sent.ask.range);
    }
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn differ<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, is: &T, must: &T) {
        if is != must {
            self.0.push(format!("{what} is {is:?}, not {must:?}"));
        }
    }
}
