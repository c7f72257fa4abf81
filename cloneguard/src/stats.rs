//! What many records say together: rates, durations, who and where, what was lost.
//!
//! [`Stats::add`] takes records one by one in bounded memory, [`Stats::report`] says what they amount to,
//! and that is text, JSON ([`Report`] serialises) or what Prometheus reads. Durations are counted
//! in buckets (`quantile.rs`), names with a limit (`top.rs`); both say how far off they may be.

mod loads;
mod measure;
mod prometheus;
mod quantile;
mod rate;
mod report;
mod text;
mod top;

pub use report::{
    BusiestMinute, Durations, FailureCount, KindCount, LossReport, NameCount, Report, Requests,
    RuleCount, VerdictReport,
};

use crate::{BootId, CauseCounts, Ended, Entry, Event, EventEnd, Gap, LossCounts, Summary};
use loads::Loads;
use measure::Measure;
use rate::Rate;
use std::collections::{BTreeMap, HashMap};
use top::Top;
use wire::{LossClass, OutcomeKind, PreviousStop, Verdict, VolumeEvent};

/// Requests whose late end is waited for; of more than these the first verdict stays.
const PENDING_MAX: usize = 1 << 16;

/// What records say together.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    kinds: BTreeMap<String, u64>,
    loads: Loads,
    unclean_stops: u64,
    findings: u64,
    volumes_not_attached: u64,
    rate: Rate,
    measures: BTreeMap<u8, Measure>,
    /// Verdict and bytes of requests that have not ended, by load and number.
    pending: HashMap<(BootId, u64), (Verdict, u64)>,
    rules: BTreeMap<u8, (Option<&'static str>, u64)>,
    failures: BTreeMap<u32, u64>,
    processes: Top,
    targets: Top,
    users: Top,
    lost: u64,
    undelivered: u64,
    gaps: u64,
    losses: LossCounts,
    refused_unaudited: u64,
}

impl Stats {
    /// Takes a record in.
    pub fn add(&mut self, entry: &Entry) {
        let head = entry.head();
        let kind = crate::label::label(head.kind.name(), head.kind.raw());
        *self.kinds.entry(kind).or_default() += 1;
        self.loads.add(head.boot_id);
        self.lost = self.lost.saturating_add(head.lost_before);
        self.findings += u64::from(head.class == LossClass::Finding);
        match entry {
            Entry::Request(event) => self.request(event),
            Entry::Ended(ended) => self.ended(ended),
            Entry::Summary(summary) => self.summary(summary),
            Entry::Gap(gap) => self.gap(gap),
            Entry::Started(started) => {
                self.unclean_stops += u64::from(started.previous_stop == PreviousStop::Unclean);
                self.undelivered = self
                    .undelivered
                    .saturating_add(started.previous_undelivered);
            }
            Entry::Volume(volume) => {
                let is_missed = volume.event == VolumeEvent::NotAttached;
                self.volumes_not_attached += u64::from(is_missed);
            }
            Entry::Policy(_)
            | Entry::Stopping(_)
            | Entry::Consumer(_)
            | Entry::Heartbeat(_)
            | Entry::Unknown(_) => {}
        }
    }

    fn request(&mut self, event: &Event) {
        let (head, end) = (&event.head, &event.end);
        self.rate.add(head.time, 1);
        self.processes.add(known(&event.image.text), 1);
        self.users.add(known(&event.users.user_sid), 1);
        self.targets.add(directory(known(&event.target.text)), 1);
        for rule in &end.rules {
            self.rules.entry(rule.id).or_insert((rule.name, 0)).1 += 1;
        }
        let claim = event.claim.as_ref();
        let byte_count = claim.and_then(|claim| u64::try_from(claim.byte_count).ok());
        let byte_count = byte_count.unwrap_or_default();
        self.measure(end.verdict).count += 1;
        if end.outcome != OutcomeKind::Pending {
            self.end(end, byte_count);
        } else if let (Some(number), true) = (head.request, self.pending.len() < PENDING_MAX) {
            let pending = (end.verdict, byte_count);
            self.pending.insert((head.boot_id, number), pending);
        }
    }

    fn ended(&mut self, ended: &Ended) {
        let end = &ended.end;
        let number = ended.head.request;
        let key = number.map(|number| (ended.head.boot_id, number));
        let before = key.and_then(|key| self.pending.remove(&key));
        let (verdict, byte_count) = before.unwrap_or((end.verdict, 0));
        if verdict != end.verdict {
            // What was found out at the end changed the verdict: the request moves with it.
            self.measure(verdict).count -= 1;
            self.measure(end.verdict).count += 1;
        }
        self.end(end, byte_count);
    }

    /// Counts how a request ended.
    fn end(&mut self, end: &EventEnd, byte_count: u64) {
        let status = end.status.map(|status| status.code());
        let measure = self.measure(end.verdict);
        measure.end(status, end.duration_100ns, byte_count);
        if let Some(status) = status.filter(|status| measure::is_failure(*status)) {
            *self.failures.entry(status).or_default() += 1;
        }
    }

    fn summary(&mut self, summary: &Summary) {
        self.rate.add(summary.first_time, summary.count);
        let (image, user) = (&summary.image.text, &summary.users.user_sid);
        self.processes.add(known(image), summary.count);
        self.users.add(known(user), summary.count);
        let target = known(&summary.target_directory.text);
        self.targets.add(target, summary.count);
        self.measure(Verdict::Passed).summary(summary);
    }

    fn measure(&mut self, verdict: Verdict) -> &mut Measure {
        self.measures.entry(verdict.raw()).or_default()
    }

    fn gap(&mut self, gap: &Gap) {
        self.gaps += 1;
        self.refused_unaudited = self.refused_unaudited.saturating_add(gap.refused);
        // What a record says is any number.
        let add = |into: &mut CauseCounts, more: &CauseCounts| {
            into.quota = into.quota.saturating_add(more.quota);
            into.full = into.full.saturating_add(more.full);
            into.fault = into.fault.saturating_add(more.fault);
        };
        add(&mut self.losses.routine, &gap.losses.routine);
        add(&mut self.losses.finding, &gap.losses.finding);
        add(&mut self.losses.state, &gap.losses.state);
    }
}

/// A text, or what stands for one that no record says.
fn known(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("(unknown)")
}

/// The directory of a file.
fn directory(file: &str) -> &str {
    file.rsplit_once('\\')
        .map_or(file, |(directory, _)| directory)
}
