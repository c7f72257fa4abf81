//! What was seen of one run, and what of it may never be, whatever failed.

use std::collections::BTreeMap;

use cloneguard::Entry;
use serde_json::Value;
use testbed::status::{STATUS_ACCESS_DENIED, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED};
use testbed::{Chosen, NtStatus, Site};

use super::callers::Answer;
use super::consumer::Watcher;

/// A call by its place, as it goes from one process to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Point {
    /// The routine.
    pub(crate) routine: String,
    /// Return address relative to the base of the image.
    pub(crate) rva: u64,
    /// The callback or thread of the driver.
    pub(crate) during: String,
    /// Which call there, counted from 1; among the points that were passed, how many.
    pub(crate) number: u64,
}

impl Point {
    fn of(site: &Site, number: u64) -> Self {
        Self {
            routine: site.routine.clone(),
            rva: site.rva,
            during: site.during.clone(),
            number,
        }
    }
}

impl From<Point> for Chosen {
    fn from(point: Point) -> Self {
        Self {
            site: Site {
                routine: point.routine,
                rva: point.rva,
                during: point.during,
            },
            number: point.number,
        }
    }
}

/// What may come of requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing is refused.
    Observe,
    /// A policy refuses, also what cannot be recorded.
    Enforce,
}

/// What was seen of one run.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Observation {
    /// How the load ended.
    pub(crate) load: String,
    /// How often what was seen: answers that are others than those without the driver, records by kind, and what the
    /// records lack.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Each place that was passed, and how often.
    pub(crate) passed: Vec<Point>,
    /// The chosen calls that were made.
    pub(crate) failed: Vec<Point>,
    /// What may never be.
    pub(crate) faults: Vec<String>,
    /// Requests that the driver saw.
    pub(crate) seen: u64,
}

impl Observation {
    /// Counts something seen.
    pub(crate) fn count(&mut self, what: &str) {
        self.count_more(what, 1);
    }

    fn count_more(&mut self, what: &str, times: u64) {
        *self.counts.entry(what.to_owned()).or_default() += times;
    }

    pub(crate) fn keep_points(&mut self, passed: BTreeMap<Site, u64>, failed: Vec<Chosen>) {
        let passed = passed.iter().map(|(site, count)| Point::of(site, *count));
        self.passed = passed.collect();
        let failed = failed.iter().map(|call| Point::of(&call.site, call.number));
        self.failed = failed.collect();
    }

    /// The answer to a request, beside the one without the driver.
    pub(crate) fn judge_answer(&mut self, phase: Phase, answer: &Answer, bare: &Answer) {
        self.seen += u64::from(answer.is_seen);
        if !answer.is_seen {
            self.count("request not seen");
        }
        let (got, wanted) = (&answer.answer, &bare.answer);
        if got == wanted {
            return;
        }
        let name = answer.name;
        let may_refuse = phase == Phase::Enforce && answer.is_seen;
        let is_silent = got.information == 0 && got.output.is_empty();
        if may_refuse && is_silent && refusals(name).contains(&got.status) {
            self.count(&format!("{name}: refused with {}", got.status));
        } else {
            let fault = format!("{name}: the caller got {got:?}, without the driver {wanted:?}");
            self.faults.push(fault);
        }
    }

    /// Everything that was delivered, and the last counters: every request is told of, or counted as lost.
    pub(crate) fn judge_trail(&mut self, watcher: &Watcher) {
        self.faults.extend(watcher.faults.iter().cloned());
        for entry in &watcher.entries {
            self.keep_entry(entry);
        }
        let counters = &watcher.counters;
        let [routine, finding, own] = counters
            .losses
            .map(|causes| causes.iter().map(|part| part.get()).sum::<u64>());
        let told = count(&watcher.entries, |entry| entry.request().is_some());
        let summed: u64 = watcher.entries.iter().map(summed).sum();
        let summarised = counters.summarised.get();
        self.equal("requests the driver counts", counters.seen.get(), self.seen);
        self.equal("requests in flight", counters.in_flight.get(), 0);
        self.equal(
            "requests told of, lost or summarised",
            told + routine + finding + summarised + counters.not_inspected.get(),
            self.seen,
        );
        self.equal("requests in summaries", summed, summarised);
        self.equal("losses in the records", watcher.lost(), counters.lost.get());
        for (what, number) in [
            ("routine record lost", routine),
            ("finding lost", finding),
            ("own record lost", own),
            ("refused unaudited", counters.refused_unaudited.get()),
            ("summarised", summarised),
            ("not inspected", counters.not_inspected.get()),
        ] {
            if number > 0 {
                self.count_more(what, number);
            }
        }
    }

    fn equal(&mut self, what: &str, got: u64, wanted: u64) {
        if got != wanted {
            self.faults.push(format!("{what}: {got}, not {wanted}"));
        }
    }

    /// A record by its kind, and each field that says nothing.
    fn keep_entry(&mut self, entry: &Entry) {
        let Ok(value) = serde_json::to_value(entry) else {
            self.faults.push("a record cannot be written".to_owned());
            return;
        };
        let text = |name| value.get(name).and_then(Value::as_str);
        let kind = text("kind").unwrap_or_default().to_owned();
        let event = text("event")
            .or_else(|| text("outcome"))
            .unwrap_or_default();
        self.count(format!("record {kind} {event}").trim_end());
        self.keep_nulls(&kind, &value);
    }

    fn keep_nulls(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null => self.count(&format!("no {path}")),
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.keep_nulls(&format!("{path}.{name}"), field);
                }
            }
            _ => {}
        }
    }

    /// What the next load says of this one.
    pub(crate) fn keep_start(&mut self, entries: &[Entry]) {
        let started = entries.iter().find_map(|entry| match entry {
            Entry::Started(started) => serde_json::to_value(started).ok(),
            _ => None,
        });
        let stop = started
            .as_ref()
            .and_then(|value| value.get("previous_stop"));
        match stop.and_then(Value::as_str) {
            Some(stop) => self.count(&format!("the next load calls the stop {stop}")),
            None => self
                .faults
                .push("the next load does not say that it began".to_owned()),
        }
    }
}

/// How many requests a summary tells of.
fn summed(entry: &Entry) -> u64 {
    match entry {
        Entry::Summary(summary) => summary.count,
        _ => 0,
    }
}

fn count(entries: &[Entry], is_one: impl Fn(&Entry) -> bool) -> u64 {
    entries.iter().filter(|entry| is_one(entry)).count() as u64
}

/// With what an enforced policy may refuse a request: by its rules, and because of what could not be found out or
/// recorded (docs/policy.md, on-audit-loss).
fn refusals(name: &str) -> &'static [NtStatus] {
    match name {
        "a clone out of the vault" => &[STATUS_ACCESS_DENIED, STATUS_NOT_SUPPORTED],
        "a source on another volume" => &[STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED],
        _ => &[STATUS_NOT_SUPPORTED],
    }
}
