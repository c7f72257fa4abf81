//! What the records amount to, in numbers with names.

use super::Stats;
use super::quantile::Histogram;
use super::top::{Ranked, Top};
use crate::{LossCounts, NtStatus, Timestamp};
use serde::Serialize;
use wire::Verdict;

/// What records amount to. The fields are those of the JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Of the first request.
    pub first_time: Option<Timestamp>,
    /// Of the last request.
    pub last_time: Option<Timestamp>,
    /// Loads of the driver.
    pub loads: u64,
    /// Starts after which the load before turned out to have ended without a word.
    pub unclean_stops: u64,
    /// Records by kind.
    pub records: Vec<KindCount>,
    /// All requests.
    pub requests: Requests,
    /// Requests by verdict.
    pub verdicts: Vec<VerdictReport>,
    /// Rules that fired, most frequent first.
    pub rules: Vec<RuleCount>,
    /// Statuses of requests that failed, most frequent first.
    pub failures: Vec<FailureCount>,
    /// Images of processes with the most requests.
    pub processes: Vec<NameCount>,
    /// Directories of targets with the most requests.
    pub targets: Vec<NameCount>,
    /// Users with the most requests.
    pub users: Vec<NameCount>,
    /// Records of findings and refusals.
    pub findings: u64,
    /// Volumes that the driver could not watch.
    pub volumes_not_attached: u64,
    /// What was lost.
    pub loss: LossReport,
}

/// Records of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// All requests together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requests {
    /// How many.
    pub count: u64,
    /// Of those, how many have no record of their own but are told of in a summary.
    pub summarised: u64,
    /// Bytes of those that completed.
    pub byte_count: u64,
    /// From the first to the last one, on average; none if that is no time.
    pub per_second: Option<f64>,
    /// The minute with the most of them. A summary counts in the minute of its first request.
    pub busiest_minute: Option<BusiestMinute>,
    /// Of those with a record, how many had not ended.
    pub pending: u64,
}

/// The minute with the most requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BusiestMinute {
    /// When it began.
    pub time: Timestamp,
    /// How many.
    pub count: u64,
}

/// Requests of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictReport {
    /// The verdict.
    pub verdict: String,
    /// How many have a record.
    pub count: u64,
    /// How many only summaries tell of.
    pub summarised: u64,
    /// How many ended with a success status.
    pub completed: u64,
    /// How many ended with another.
    pub failed: u64,
    /// Bytes of those that completed.
    pub byte_count: u64,
    /// How long those took that have a record and ended; none if none did.
    pub duration: Option<Durations>,
}

/// How long requests took, in 100 ns. Quantiles are too large by less than a 64th (1.6 %), and never too
/// small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// Of how many.
    pub count: u64,
    /// All together.
    pub sum_100ns: u64,
    /// Half of them took no longer.
    pub p50_100ns: u64,
    /// Nine of ten took no longer.
    pub p90_100ns: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_100ns: u64,
    /// The longest.
    pub max_100ns: u64,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Its number.
    pub id: u8,
    /// Its name, if this build knows the rule.
    pub name: Option<&'static str>,
    /// In how many requests.
    pub count: u64,
}

/// A status that requests failed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureCount {
    /// The status.
    pub status: NtStatus,
    /// How many.
    pub count: u64,
}

/// A name and how often it occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameCount {
    /// The name.
    pub name: String,
    /// How often; exact unless there were more names than are kept.
    pub count: u64,
    /// By how much that may be too large.
    pub excess: u64,
}

/// What was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LossReport {
    /// Records that were lost, as the records behind them say.
    pub records: u64,
    /// Records that loads took with them when they were stopped, as the next ones say. One whose
    /// acknowledgement did not arrive is among them though it is here.
    pub undelivered: u64,
    /// How many times the driver told of losses.
    pub gaps: u64,
    /// What it told, by class and cause.
    pub told: LossCounts,
    /// Lost records that it has not told of: the rest belongs to a gap whose record is not here.
    pub untold: u64,
    /// Requests refused because nothing could be recorded of them.
    pub refused_unaudited: u64,
}

impl Stats {
    /// What the records amount to, with so many of the most frequent names.
    #[must_use]
    pub fn report(&self, names: usize) -> Report {
        let span = self.rate.span();
        Report {
            first_time: span.map(|(first, _)| first),
            last_time: span.map(|(_, last)| last),
            loads: self.loads.count(),
            unclean_stops: self.unclean_stops,
            records: self.kind_counts(),
            requests: self.requests(),
            verdicts: self.verdicts(),
            rules: self.rule_counts(),
            failures: self.failure_counts(),
            processes: name_counts(&self.processes, names),
            targets: name_counts(&self.targets, names),
            users: name_counts(&self.users, names),
            findings: self.findings,
            volumes_not_attached: self.volumes_not_attached,
            loss: self.loss(),
        }
    }

    fn kind_counts(&self) -> Vec<KindCount> {
        let kinds = self.kinds.iter().map(|(kind, count)| KindCount {
            kind: kind.clone(),
            count: *count,
        });
        kinds.collect()
    }

    fn requests(&self) -> Requests {
        let measures = || self.measures.values();
        let recorded = total(measures().map(|measure| measure.count));
        let summarised = total(measures().map(|measure| measure.summarised));
        let count = recorded.saturating_add(summarised);
        let seconds = self.rate.span().map(|(first, last)| {
            last.filetime().saturating_sub(first.filetime()) as f64 / 10_000_000.0
        });
        let byte_counts = measures().map(|measure| measure.byte_count);
        Requests {
            count,
            summarised,
            byte_count: total(byte_counts),
            per_second: seconds
                .filter(|seconds| *seconds > 0.0)
                .map(|seconds| count as f64 / seconds),
            busiest_minute: self
                .rate
                .busiest()
                .map(|(time, count)| BusiestMinute { time, count }),
            pending: self.pending.len() as u64,
        }
    }

    fn verdicts(&self) -> Vec<VerdictReport> {
        let verdicts = self.measures.iter().map(|(raw, measure)| VerdictReport {
            verdict: crate::label::label(Verdict::from_raw(*raw).name(), *raw),
            count: measure.count,
            summarised: measure.summarised,
            completed: measure.completed,
            failed: measure.failed,
            byte_count: measure.byte_count,
            duration: Durations::of(&measure.durations),
        });
        verdicts.collect()
    }

    fn rule_counts(&self) -> Vec<RuleCount> {
        let rules = self.rules.iter();
        let mut rules: Vec<RuleCount> = rules
            .map(|(id, (name, count))| RuleCount {
                id: *id,
                name: *name,
                count: *count,
            })
            .collect();
        rules.sort_by_key(|rule| core::cmp::Reverse(rule.count));
        rules
    }

    fn failure_counts(&self) -> Vec<FailureCount> {
        let failures = self.failures.iter();
        let mut failures: Vec<FailureCount> = failures
            .map(|(status, count)| FailureCount {
                status: NtStatus::new(*status),
                count: *count,
            })
            .collect();
        failures.sort_by_key(|failure| core::cmp::Reverse(failure.count));
        failures
    }

    fn loss(&self) -> LossReport {
        let classes = self.losses.classes().into_iter();
        let counts = classes.flat_map(|(_, causes)| causes.causes());
        let told = total(counts.map(|(_, count)| count));
        LossReport {
            records: self.lost,
            undelivered: self.undelivered,
            gaps: self.gaps,
            told: self.losses,
            untold: self.lost.saturating_sub(told),
            refused_unaudited: self.refused_unaudited,
        }
    }
}

impl Durations {
    fn of(durations: &Histogram) -> Option<Self> {
        Some(Self {
            count: durations.count(),
            sum_100ns: u64::try_from(durations.sum()).unwrap_or(u64::MAX),
            p50_100ns: durations.quantile(500)?,
            p90_100ns: durations.quantile(900)?,
            p99_100ns: durations.quantile(990)?,
            max_100ns: durations.largest()?,
        })
    }
}

/// The sum of numbers that records tell, which are any.
pub(super) fn total(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

/// The most frequent names.
fn name_counts(top: &Top, number: usize) -> Vec<NameCount> {
    let names = top.first(number).into_iter();
    names
        .map(
            |Ranked {
                 text,
                 count,
                 excess,
             }| NameCount {
                name: text,
                count,
                excess,
            },
        )
        .collect()
}
