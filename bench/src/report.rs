//! The report: text, JSON, a chart.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use testbed::Symbols;

use crate::cost::{self, RequestCost};
use crate::growth::Step;
use crate::operation::Operation;
use crate::rig::{Filter, Images};
use crate::ring::Speed;
use crate::time::{Throughput, Time};

/// Of the chart: its width, where bars begin, what is kept free behind them, above them, and for each.
const WIDTH: f64 = 900.0;
const LEFT: f64 = 280.0;
const RIGHT: f64 = 80.0;
const TOP: f64 = 30.0;
const ROW: f64 = 18.0;

/// Everything that was measured.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) costs: Vec<RequestCost>,
    pub(crate) times: Vec<Time>,
    pub(crate) throughput: Vec<Throughput>,
    pub(crate) growth: Vec<Step>,
    pub(crate) speeds: Vec<Speed>,
}

impl Report {
    pub(crate) fn print(&self) {
        println!(
            "One request. Time is that of the test-bed, whose kernel is a model: compare, do not add up."
        );
        println!("Instructions, calls and bytes are those inside the image: exact.\n");
        println!(
            "{:26} {:14} {:>12} {:>12} {:>13} {:>6} {:>6}",
            "", "", "ns", "added ns", "instructions", "calls", "bytes"
        );
        for time in &self.times {
            self.print_row(time);
        }
        self.print_throughput();
        self.print_growth();
        self.print_speeds();
        self.print_calls();
    }

    fn print_row(&self, time: &Time) {
        let cost = self.cost(time.operation, time.filter);
        let empty = String::new;
        let count = |count: u64| count.to_string();
        let calls = |cost: &RequestCost| count(cost.calls.values().sum());
        let name = match time.filter {
            Filter::None => time.operation.name(),
            Filter::Empty | Filter::CloneGuard => "",
        };
        println!(
            "{name:26} {:14} {:>12.0} {:>12.0} {:>13} {:>6} {:>6}",
            time.filter.name(),
            time.median,
            time.added,
            cost.map_or_else(empty, |cost| count(cost.instructions)),
            cost.map_or_else(empty, calls),
            cost.map_or_else(empty, |cost| count(cost.allocated)),
        );
    }

    fn print_throughput(&self) {
        println!("\nRequests a second");
        for rate in &self.throughput {
            println!(
                "{:26} {:14} {} thread{} {:>12.0}",
                rate.operation.name(),
                rate.filter.name(),
                rate.threads,
                if rate.threads == 1 { " " } else { "s" },
                rate.per_second
            );
        }
    }

    fn print_growth(&self) {
        println!("\nInstructions of a clone of 4 KiB, as something grows");
        for step in &self.growth {
            println!("{:>8} {:16} {:>8}", step.size, step.what, step.instructions);
        }
    }

    fn print_speeds(&self) {
        println!("\nJournals, on one core");
        println!("{:44} {:>12} {:>8}", "", "records/s", "MB/s");
        for speed in &self.speeds {
            let times = speed.times.map_or_else(String::new, |times| {
                format!("{times:.2} times {}", speed.compared_with)
            });
            println!(
                "{:44} {:>12.0} {:>8.0}  {times}",
                speed.what,
                speed.records_per_second,
                speed.bytes_per_second / 1e6
            );
        }
    }

    fn print_calls(&self) {
        println!("\nCalls out of the image for a clone of 4 KiB");
        if let Some(cost) = self.cost(Operation::Clone4Kib, Filter::CloneGuard) {
            for (name, count) in &cost.calls {
                println!("{count:>4} {name}");
            }
        }
    }

    fn cost(&self, operation: Operation, filter: Filter) -> Option<&RequestCost> {
        let is_it = |cost: &&RequestCost| cost.operation == operation && cost.filter == filter;
        self.costs.iter().find(is_it)
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Draws the times of every kind of request as bars, one for each filter.
    pub(crate) fn draw(&self, path: &Path) -> Result<()> {
        fs::write(path, self.svg()).with_context(|| format!("{} cannot be written", path.display()))
    }

    fn svg(&self) -> String {
        let longest = self
            .times
            .iter()
            .map(|time| time.median)
            .fold(1.0, f64::max);
        let height = TOP + self.times.len() as f64 * ROW + TOP;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"10\" y=\"20\">Nanoseconds of one \
             request on the test-bed</text>\n"
        );
        for (row, time) in self.times.iter().enumerate() {
            let y = TOP + row as f64 * ROW;
            let length = time.median / longest * (WIDTH - LEFT - RIGHT);
            let (color, name) = match time.filter {
                Filter::None => ("#b0b0b0", time.operation.name()),
                Filter::Empty => ("#7fa7d6", ""),
                Filter::CloneGuard => ("#1f5fa8", ""),
            };
            // Writing to a string does not fail.
            let _written = writeln!(
                svg,
                "<text x=\"10\" y=\"{text}\">{name}</text><text x=\"180\" y=\"{text}\">{filter}</text><rect x=\"{LEFT}\" \
                 y=\"{y}\" width=\"{length:.1}\" height=\"{bar}\" fill=\"{color}\"/><text x=\"{end:.1}\" \
                 y=\"{text}\">{median:.0}</text>",
                text = y + ROW * 0.7,
                filter = time.filter.name(),
                bar = ROW - 3.0,
                end = LEFT + length + 5.0,
                median = time.median,
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Prints the functions in which the instructions of each kind of request are.
pub(crate) fn profile(images: &Images) -> Result<()> {
    let symbols = Symbols::of(&images.cloneguard);
    for operation in Operation::ALL {
        let cost = cost::of(images, operation, Filter::CloneGuard, &operation.setting())?;
        println!("{}: {} instructions", operation.name(), cost.instructions);
        let mut functions: BTreeMap<&str, u64> = BTreeMap::new();
        for (rva, count) in &cost.places {
            *functions
                .entry(symbols.function(*rva).unwrap_or("?"))
                .or_default() += count;
        }
        let mut functions: Vec<_> = functions.into_iter().collect();
        functions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (function, count) in functions {
            println!("{count:>8} {function}");
        }
    }
    Ok(())
}
