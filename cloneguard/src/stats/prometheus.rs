//! A report in the text format that Prometheus reads (exposition format 0.0.4).

use super::report::{Report, VerdictReport};
use core::fmt;

impl Report {
    /// The report as metrics.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut metrics = Metrics::default();
        self.add_records(&mut metrics);
        self.add_requests(&mut metrics);
        self.add_durations(&mut metrics);
        self.add_losses(&mut metrics);
        self.add_driver(&mut metrics);
        metrics.text
    }

    fn add_records(&self, metrics: &mut Metrics) {
        metrics.counter("records_total", "Records by kind.");
        for record in &self.records {
            metrics.sample(&[("kind", &record.kind)], record.count);
        }
        metrics.single(
            "findings_total",
            "Records of findings and refusals.",
            self.findings,
        );
        metrics.counter("rule_fired_total", "Requests in which a rule fired.");
        for rule in &self.rules {
            let name = rule.name.unwrap_or_default();
            metrics.sample(
                &[("rule", &rule.id.to_string()), ("name", name)],
                rule.count,
            );
        }
        metrics.counter("failures_total", "Requests that failed, by status.");
        for failure in &self.failures {
            metrics.sample(&[("status", &failure.status.to_string())], failure.count);
        }
    }

    fn add_requests(&self, metrics: &mut Metrics) {
        metrics.counter(
            "requests_total",
            "Requests by verdict and by what tells of them.",
        );
        for verdict in &self.verdicts {
            let told = [("record", verdict.count), ("summary", verdict.summarised)];
            for (told, count) in told {
                metrics.sample(&[("verdict", &verdict.verdict), ("told_by", told)], count);
            }
        }
        let mut by_verdict = |name, help, value: fn(&VerdictReport) -> u64| {
            metrics.counter(name, help);
            for verdict in &self.verdicts {
                metrics.sample(&[("verdict", &verdict.verdict)], value(verdict));
            }
        };
        by_verdict(
            "requests_failed_total",
            "Requests with a failure status.",
            |verdict| verdict.failed,
        );
        by_verdict(
            "cloned_bytes_total",
            "Bytes of requests that completed.",
            |verdict| verdict.byte_count,
        );
        metrics.begin(
            "requests_pending",
            "gauge",
            "Requests whose end no record tells.",
        );
        metrics.sample(&[], self.requests.pending);
    }

    fn add_durations(&self, metrics: &mut Metrics) {
        let help = "From the decision to the end.";
        metrics.begin("request_duration_seconds", "summary", help);
        for verdict in &self.verdicts {
            let Some(duration) = verdict.duration else {
                continue;
            };
            let label = ("verdict", verdict.verdict.as_str());
            for (quantile, value) in [
                ("0.5", duration.p50_100ns),
                ("0.9", duration.p90_100ns),
                ("0.99", duration.p99_100ns),
            ] {
                metrics.sample(&[label, ("quantile", quantile)], Seconds(value));
            }
            metrics.part("_sum", &[label], Seconds(duration.sum_100ns));
            metrics.part("_count", &[label], duration.count);
        }
    }

    fn add_losses(&self, metrics: &mut Metrics) {
        let loss = &self.loss;
        metrics.counter(
            "lost_records_total",
            "Lost records that the driver told of.",
        );
        for (class, causes) in loss.told.classes() {
            for (cause, count) in causes.causes() {
                metrics.sample(&[("class", class), ("cause", cause)], count);
            }
        }
        let help = "Lost records that the driver has not told of.";
        metrics.single("lost_records_untold_total", help, loss.untold);
        metrics.single(
            "records_undelivered_total",
            "Records that loads of the driver took with them when they were stopped.",
            self.loss.undelivered,
        );
        let help = "Times that the driver told of lost records.";
        metrics.single("gaps_total", help, loss.gaps);
        let help = "Requests refused because they could not be recorded.";
        metrics.single("refused_unaudited_total", help, loss.refused_unaudited);
    }

    fn add_driver(&self, metrics: &mut Metrics) {
        metrics.single("driver_loads_total", "Loads of the driver.", self.loads);
        let help = "Loads of the driver that ended without a word.";
        metrics.single("driver_unclean_stops_total", help, self.unclean_stops);
        let help = "Times that a volume could not be watched.";
        metrics.single(
            "volumes_not_attached_total",
            help,
            self.volumes_not_attached,
        );
    }
}

/// Metrics, each with its samples behind it.
#[derive(Default)]
struct Metrics {
    text: String,
    /// The metric whose samples come.
    name: &'static str,
}

impl Metrics {
    /// Begins a metric: the two lines before its samples.
    fn begin(&mut self, name: &'static str, kind: &str, help: &str) {
        let head = format!("# HELP cloneguard_{name} {help}\n# TYPE cloneguard_{name} {kind}\n");
        self.text.push_str(&head);
        self.name = name;
    }

    fn counter(&mut self, name: &'static str, help: &str) {
        self.begin(name, "counter", help);
    }

    /// A counter with one sample.
    fn single(&mut self, name: &'static str, help: &str, value: u64) {
        self.counter(name, help);
        self.sample(&[], value);
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl fmt::Display) {
        self.part("", labels, value);
    }

    /// A sample of one of the metrics that a summary consists of.
    fn part(&mut self, part: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let line = format!("cloneguard_{}{part}{labels} {value}\n", self.name);
        self.text.push_str(&line);
    }
}

/// The value of a label with the three signs escaped that would end it or its line.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    value.replace('"', "\\\"").replace('\n', "\\n")
}

/// Units of 100 ns as seconds, exactly.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:07}", self.0 / 10_000_000, self.0 % 10_000_000)
    }
}
