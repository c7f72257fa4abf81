//! What records amount to, as numbers, as text and for Prometheus.

use crate::build::{BOOT, Draft, clone, names, numbered, write};
use crate::kinds;
use cloneguard::stats::{Durations, Report, Stats};
use cloneguard::{Entry, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    EndedBody, GapBody, Heading, LossClass, Record, RecordBody, RecordKind, StartedBody,
    SummaryBody,
};
use zerocopy::FromZeros as _;

/// 2026-11-23T12:34:56.7890123Z
const NOW: u64 = 134_399_108_967_890_123;

/// The entry of a request that was decided so many seconds after [`NOW`].
fn request(draft: &Draft, number: u64, seconds: u64) -> Entry {
    let is_finding = draft.body.end.verdict > 1;
    let heading = Heading {
        kind: RecordKind::Clone,
        class: if is_finding {
            LossClass::Finding
        } else {
            LossClass::Routine
        },
        time: NOW + seconds * 10_000_000,
        request: number,
    };
    let bytes = write(heading, &draft.body, &names());
    read(numbered(bytes, draft.sequence, draft.lost_before))
}

fn read(bytes: Vec<u8>) -> Entry {
    Entry::new(BOOT, &Record::parse(&bytes).unwrap())
}

/// A clone that took so long.
fn passed(sequence: u64, duration: u64) -> Draft {
    let mut draft = clone(sequence, 0);
    draft.body.end.duration = duration.into();
    draft.body.byte_count = 1000.into();
    draft
}

/// Records of every sort that matters.
fn sample() -> Report {
    let mut stats = Stats::default();
    for (sequence, duration) in [(1, 100), (2, 300), (3, 200), (4, 50)] {
        stats.add(&request(&passed(sequence, duration), sequence, sequence));
    }
    let mut refused = passed(6, 70);
    refused.lost_before = 1;
    refused.body.end.verdict = 4;
    refused.body.end.outcome = 3;
    refused.body.end.status = 0xC000_0022.into();
    refused.body.end.rules = ((1_u128 << 40) | (1 << 22)).into();
    refused.body.end.deciding_rule = 22;
    stats.add(&request(&refused, 6, 90));
    for name in [
        "summary",
        "gap",
        "started",
        "volume-not-attached",
        "heartbeat",
    ] {
        stats.add(&kinds::golden(name));
    }
    stats.report(10)
}

#[test]
fn requests_are_counted_by_verdict() {
    let report = sample();
    // Eleven more are told of in the summary.
    assert_eq!(
        (report.requests.count, report.requests.summarised),
        (16, 11)
    );
    let [passed, refused] = report.verdicts.as_slice() else {
        panic!("{:?}", report.verdicts);
    };
    assert_eq!(
        (passed.verdict.as_str(), passed.count, passed.summarised),
        ("passed", 4, 11)
    );
    assert_eq!(
        (passed.completed, passed.failed, passed.byte_count),
        (4 + 8, 2, 4000 + 8_388_608)
    );
    assert_eq!(
        (refused.verdict.as_str(), refused.count, refused.completed),
        ("refused", 1, 0)
    );
    assert_eq!((refused.failed, refused.byte_count), (1, 0));
    assert_eq!(
        passed.duration,
        Some(Durations {
            count: 4,
            sum_100ns: 650,
            p50_100ns: 100,
            p90_100ns: 300,
            p99_100ns: 300,
            max_100ns: 300,
        })
    );
    assert_eq!(report.rules.len(), 2);
    assert_eq!(report.failures[0].status.code(), 0xC000_0022);
    assert_eq!(report.findings, 1);
    assert_eq!(report.volumes_not_attached, 1);
}

#[test]
fn rates_are_over_the_time_of_the_requests() {
    let mut stats = Stats::default();
    for (sequence, second) in [(1, 0), (2, 1), (3, 2), (4, 100)] {
        stats.add(&request(&passed(sequence, 1), sequence, second));
    }
    let report = stats.report(1);
    assert_eq!(report.requests.per_second, Some(0.04));
    assert_eq!(report.first_time, Some(Timestamp::from_filetime(NOW)));
    let busiest = report.requests.busiest_minute.unwrap();
    assert_eq!(
        (busiest.time.to_string().as_str(), busiest.count),
        ("2026-11-23T12:34:00.0000000Z", 3)
    );
    assert_eq!(Stats::default().report(1).requests.per_second, None);
}

#[test]
fn names_are_counted_and_the_target_is_its_directory() {
    let report = sample();
    let target = &report.targets[1];
    assert_eq!(
        target.name,
        r"\Device\HarddiskVolume4\backup\weekly\2026-11-23"
    );
    assert_eq!((target.count, target.excess), (5, 0));
    assert_eq!(report.targets[0].name, r"\Device\HarddiskVolume4\copy");
    assert_eq!(report.processes[0].count, 11);
    assert_eq!(report.users[1].name, "S-1-5-18");
}

#[test]
fn losses_are_told_by_class_and_cause_and_the_rest_is_untold() {
    let report = sample();
    let gap = report.loss.told;
    assert_eq!(
        (gap.routine.quota, gap.finding.full, gap.state.fault),
        (1, 5, 9)
    );
    assert_eq!((report.loss.gaps, report.loss.refused_unaudited), (1, 12));
    // The record after the loss says one, the golden gap three: 45 are told of.
    assert_eq!((report.loss.records, report.loss.untold), (4, 0));
    let mut stats = Stats::default();
    let mut late = passed(10, 1);
    late.lost_before = 9;
    stats.add(&request(&late, 1, 0));
    assert_eq!(stats.report(1).loss.untold, 9);
}

#[test]
fn a_late_end_is_counted_where_the_request_was() {
    let mut pending = passed(1, 0);
    pending.body.end.outcome = 0;
    let mut stats = Stats::default();
    stats.add(&request(&pending, 5, 0));
    let report = stats.report(1);
    assert_eq!(
        (report.requests.pending, report.verdicts[0].duration),
        (1, None)
    );

    // At its end it turned out to be a finding.
    let mut end = passed(1, 777).body.end;
    end.verdict = 2;
    let heading = Heading {
        kind: RecordKind::Ended,
        class: LossClass::Finding,
        time: NOW,
        request: 5,
    };
    stats.add(&read(numbered(
        write(heading, &EndedBody { end }, &[]),
        2,
        0,
    )));
    let report = stats.report(1);
    assert_eq!((report.requests.count, report.requests.pending), (1, 0));
    let counts: BTreeMap<_, _> = report
        .verdicts
        .iter()
        .map(|verdict| {
            (
                verdict.verdict.as_str(),
                (verdict.count, verdict.completed, verdict.byte_count),
            )
        })
        .collect();
    assert_eq!(
        counts,
        BTreeMap::from([("passed", (0, 0, 0)), ("flagged", (1, 1, 1000))])
    );
}

#[test]
fn the_text_says_it_all() {
    let text = sample().to_string();
    for line in [
        "requests  16, 11 of them told of in summaries only",
        "passed                  4         11          2    8.0 MiB    10.0 us    30.0 us    30.0 us    30.0 us",
        "failed STATUS_ACCESS_DENIED                      1",
        "lost      4 records, told of in 1 gaps",
        "  routine   1 by quota, 2 by want of room, 3 by a fault",
        "unwatched 1 times a volume",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(
        text.contains(r"            11 \Device\HarddiskVolume4\copy"),
        "{text}"
    );
}

/// A sample of the exposition format: name, labels, value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Reads the text format 0.0.4, and panics at what it does not allow. Written from the description of the
/// format: a sample is a name, labels in braces, a value; HELP and TYPE come once for a metric and
/// before its samples, which stand together.
fn exposition(text: &str) -> Vec<Sample> {
    assert!(
        text.ends_with('\n'),
        "the last line must end with a line feed"
    );
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut done = BTreeSet::new();
    let mut current = "";
    let mut samples = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, _) = rest.split_once(' ').unwrap();
            assert!(done.insert(name), "{name} is there twice");
            current = name;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current);
            assert!(["counter", "gauge", "summary"].contains(&kind), "{line}");
            types.insert(name, kind);
        } else {
            let (name, labels, value) = sample_line(line);
            let kind = types[current];
            let parts = ["_sum", "_count"].map(|part| name == format!("{current}{part}"));
            let is_part = kind == "summary" && parts.contains(&true);
            assert!(name == current || is_part, "{line} below {current}");
            assert!(kind != "counter" || name.ends_with("_total"), "{name}");
            samples.push((name, labels, value));
        }
    }
    samples
}

/// A line with a sample.
fn sample_line(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let (value, after) = label_value(after);
            assert_eq!(labels.insert(label.to_owned(), value), None, "{line}");
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap().parse().unwrap();
    (name.to_owned(), labels, value)
}

/// The value of a label up to its quote, and what follows.
fn label_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match characters.next().unwrap().1 {
                'n' => '\n',
                escaped @ ('"' | '\\') => escaped,
                other => panic!("\\{other} is no escape"),
            }),
            other => value.push(other),
        }
    }
    panic!("a label without an end: {text}");
}

/// The value of the one sample with this name and these labels, written as in the format.
fn value(samples: &[Sample], written: &str) -> f64 {
    let (name, labels, _) = sample_line(&format!("cloneguard_{written} 0"));
    let is_it = |sample: &&Sample| sample.0 == name && sample.1 == labels;
    let found: Vec<&Sample> = samples.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{written}");
    found[0].2
}

#[test]
fn prometheus_reads_what_is_written() {
    let samples = exposition(&sample().prometheus());
    for (written, expected) in [
        (r#"requests_total{verdict="passed",told_by="record"}"#, 4.0),
        (
            r#"requests_total{verdict="passed",told_by="summary"}"#,
            11.0,
        ),
        (r#"requests_failed_total{verdict="refused"}"#, 1.0),
        (
            r#"request_duration_seconds{verdict="passed",quantile="0.99"}"#,
            0.000_03,
        ),
        (
            r#"request_duration_seconds_sum{verdict="passed"}"#,
            0.000_065,
        ),
        (r#"request_duration_seconds_count{verdict="passed"}"#, 4.0),
        (r#"lost_records_total{class="finding",cause="full"}"#, 5.0),
        (r#"records_total{kind="heartbeat"}"#, 1.0),
        ("gaps_total", 1.0),
    ] {
        assert_eq!(value(&samples, written), expected, "{written}");
    }
}

#[test]
fn every_number_of_prometheus_has_its_sample_once() {
    let samples = exposition(&sample().prometheus());
    let keys: BTreeSet<_> = samples
        .iter()
        .map(|(name, labels, _)| (name, labels))
        .collect();
    assert_eq!(keys.len(), samples.len());
    // Nothing seen is a text too.
    exposition(&Stats::default().report(5).prometheus());
}

#[test]
fn labels_with_every_sign_come_through() {
    let mut report = sample();
    report.records[0].kind = "a\"b\\c\nd".to_owned();
    let samples = exposition(&report.prometheus());
    assert!(
        samples
            .iter()
            .any(|(_, labels, _)| labels.get("kind").is_some_and(|kind| kind == "a\"b\\c\nd"))
    );
}

#[test]
fn numbers_that_no_driver_counts_to_overflow_nothing() {
    let mut stats = Stats::default();
    for _ in 0..2 {
        let mut body = GapBody::new_zeroed();
        body.total = u64::MAX.into();
        body.losses[2][2] = u64::MAX.into();
        body.refused = u64::MAX.into();
        let gap = own(RecordKind::Gap, &body, &[]);
        stats.add(&gap);
        let mut body = StartedBody::new_zeroed();
        body.policy_mode = 1;
        body.previous_undelivered = u64::MAX.into();
        stats.add(&own(RecordKind::Started, &body, &[]));
        let mut body = SummaryBody::new_zeroed();
        body.control_codes = 1;
        body.names.iter_mut().for_each(|name| name.state = 1);
        body.count = u64::MAX.into();
        body.completed = u64::MAX.into();
        stats.add(&own(RecordKind::Summary, &body, &names()));
    }
    let report = stats.report(10);
    assert_eq!(report.loss.refused_unaudited, u64::MAX);
    assert_eq!(report.loss.undelivered, u64::MAX);
    assert_eq!(report.loss.told.state.fault, u64::MAX);
    assert_eq!(report.requests.count, u64::MAX);
    assert!(!report.to_string().is_empty() && !report.prometheus().is_empty());
}

/// The entry of a record of this kind.
fn own<B: RecordBody>(kind: RecordKind, body: &B, names: &[Vec<u16>]) -> Entry {
    let heading = Heading {
        kind,
        class: LossClass::State,
        time: NOW,
        request: 0,
    };
    read(numbered(write(heading, body, names), 1, 0))
}
