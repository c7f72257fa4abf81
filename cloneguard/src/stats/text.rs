//! A report for people.

use super::report::{Durations, NameCount, Report, VerdictReport, total};
use crate::CauseCounts;
use crate::table::{byte_size, printable};
use core::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_requests(f)?;
        self.fmt_verdicts(f)?;
        for rule in &self.rules {
            let name = rule.name.unwrap_or("(unknown)");
            writeln!(f, "rule {:>3} {name:<28} {:>12}", rule.id, rule.count)?;
        }
        for failure in &self.failures {
            let status = failure.status.to_string();
            writeln!(f, "failed {status:<30} {:>12}", failure.count)?;
        }
        names(f, "processes", &self.processes)?;
        names(f, "target directories", &self.targets)?;
        names(f, "users", &self.users)?;
        self.fmt_losses(f)
    }
}

impl Report {
    fn fmt_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = total(self.records.iter().map(|record| record.count));
        let loads = self.loads;
        writeln!(f, "records   {records} of {loads} loads of the driver")?;
        for record in &self.records {
            writeln!(f, "  {:<12} {:>12}", record.kind, record.count)?;
        }
        let requests = &self.requests;
        let (count, summarised) = (requests.count, requests.summarised);
        writeln!(
            f,
            "requests  {count}, {summarised} of them told of in summaries only"
        )?;
        if let (Some(first), Some(last)) = (self.first_time, self.last_time) {
            writeln!(f, "  from      {first}\n  to        {last}")?;
        }
        if let Some(rate) = requests.per_second {
            writeln!(f, "  rate      {rate:.3} a second")?;
        }
        if let Some(busiest) = requests.busiest_minute {
            writeln!(
                f,
                "  busiest   {} in the minute from {}",
                busiest.count, busiest.time
            )?;
        }
        writeln!(f, "  cloned    {}", bytes(requests.byte_count))
    }

    fn fmt_verdicts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "COUNT",
            "SUMMARISED",
            "FAILED",
            "CLONED",
            "P50",
            "P90",
            "P99",
            "MAX",
        ];
        write!(f, "{:<14}", "VERDICT")?;
        for column in columns {
            write!(f, " {column:>10}")?;
        }
        writeln!(f)?;
        for verdict in &self.verdicts {
            write!(f, "{:<14}", verdict.verdict)?;
            for cell in cells(verdict) {
                write!(f, " {cell:>10}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn fmt_losses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loss = &self.loss;
        writeln!(f, "findings  {}", self.findings)?;
        writeln!(
            f,
            "lost      {} records, told of in {} gaps",
            loss.records, loss.gaps
        )?;
        for (class, CauseCounts { quota, full, fault }) in loss.told.classes() {
            let what = format!("{quota} by quota, {full} by want of room, {fault} by a fault");
            writeln!(f, "  {class:<9} {what}")?;
        }
        if loss.untold > 0 {
            writeln!(
                f,
                "  untold    {}: the record of their gap is not here",
                loss.untold
            )?;
        }
        let taken = loss.undelivered;
        if taken > 0 {
            writeln!(f, "  taken     {taken} records by loads that were stopped")?;
        }
        if loss.refused_unaudited > 0 {
            let refused = loss.refused_unaudited;
            writeln!(
                f,
                "  refused   {refused} requests that could not be recorded"
            )?;
        }
        if self.unclean_stops > 0 {
            writeln!(
                f,
                "unclean   {} stops of the driver without a word",
                self.unclean_stops
            )?;
        }
        if self.volumes_not_attached > 0 {
            writeln!(f, "unwatched {} times a volume", self.volumes_not_attached)?;
        }
        Ok(())
    }
}

/// What stands in the columns of a verdict.
fn cells(verdict: &VerdictReport) -> [String; 8] {
    let times = verdict.duration.map(|duration| {
        let Durations {
            p50_100ns,
            p90_100ns,
            p99_100ns,
            max_100ns,
            ..
        } = duration;
        [p50_100ns, p90_100ns, p99_100ns, max_100ns].map(time)
    });
    let [p50, p90, p99, max] =
        times.unwrap_or_else(|| [const { String::new() }; 4].map(|_| "-".to_owned()));
    let (count, summarised) = (verdict.count.to_string(), verdict.summarised.to_string());
    let (failed, cloned) = (verdict.failed.to_string(), bytes(verdict.byte_count));
    [count, summarised, failed, cloned, p50, p90, p99, max]
}

/// The most frequent names.
fn names(f: &mut fmt::Formatter<'_>, title: &str, names: &[NameCount]) -> fmt::Result {
    if !names.is_empty() {
        writeln!(f, "most frequent {title}")?;
    }
    for name in names {
        let at_most = if name.excess > 0 { "at most " } else { "" };
        let count = format!("{at_most}{}", name.count);
        writeln!(f, "  {count:>12} {}", printable(&name.name))?;
    }
    Ok(())
}

/// A number of bytes, rounded to a tenth of its largest unit.
fn bytes(count: u64) -> String {
    if count < 1 << 10 {
        return byte_size(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let units = [
        ("KiB", 10),
        ("MiB", 20),
        ("GiB", 30),
        ("TiB", 40),
        ("PiB", 50),
        ("EiB", 60),
    ];
    let unit = units.iter().rev().find(|(_, shift)| count >> shift > 0);
    let (name, shift) = unit.copied().unwrap_or(("KiB", 10));
    format!("{:.1} {name}", count as f64 / (1_u64 << shift) as f64)
}

/// A duration in its largest unit.
fn time(units: u64) -> String {
    match units {
        0..10 => format!("{} ns", units * 100),
        10..10_000 => format!("{}.{} us", units / 10, units % 10),
        10_000..10_000_000 => format!("{:.1} ms", units as f64 / 10_000.0),
        _ => format!("{:.1} s", units as f64 / 10_000_000.0),
    }
}
