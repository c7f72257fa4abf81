//! Time per request: each filter in turn, again and again, in one run, so that whatever else the machine does hits all of
//! them alike.

use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Result, anyhow};
use indicatif::ProgressBar;

use crate::operation::{Operation, Prepared};
use crate::rig::{Filter, Images, Rig};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Turns.
    pub(crate) rounds: usize,
    /// Requests in each.
    pub(crate) requests: usize,
}

impl Effort {
    /// Enough for the first digits.
    pub(crate) const QUICK: Self = Self {
        rounds: 7,
        requests: 100,
    };
    /// Enough for ratios. A journal of 64 MiB holds the records of one kind of request.
    pub(crate) const FULL: Self = Self {
        rounds: 41,
        requests: 400,
    };
}

/// Nanoseconds of one request.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Time {
    pub(crate) operation: Operation,
    pub(crate) filter: Filter,
    /// In the turn in the middle.
    pub(crate) median: f64,
    /// Half of the turns lie between these two.
    pub(crate) quartiles: (f64, f64),
    /// More than without a filter in the same turn; in the turn in the middle.
    pub(crate) added: f64,
}

/// Requests a second with so many threads, each with files of its own.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Throughput {
    pub(crate) operation: Operation,
    pub(crate) filter: Filter,
    pub(crate) threads: usize,
    pub(crate) per_second: f64,
}

/// Measures one kind of request with every filter.
pub(crate) fn of(
    images: &Images,
    operation: Operation,
    effort: Effort,
    bar: &ProgressBar,
) -> Result<Vec<Time>> {
    let mut stands = Vec::new();
    for filter in Filter::ALL {
        let mut rig = Rig::start(images, filter, &operation.setting())?;
        let prepared = operation.prepare(&mut rig, filter)?;
        stands.push((rig, prepared));
    }
    let mut turns: [Vec<f64>; 3] = Default::default();
    for round in 0..=effort.rounds {
        for ((rig, prepared), turns) in stands.iter().zip(&mut turns) {
            let nanoseconds = turn(rig, prepared, effort.requests)?;
            // The first turn warms up.
            if round > 0 {
                turns.push(nanoseconds);
            }
        }
        bar.inc(1);
    }
    for (rig, prepared) in stands {
        rig.program.run(|thread| prepared.close(thread))?;
        rig.end()?;
    }
    let [bare, _, _] = &turns;
    let times = Filter::ALL.iter().zip(&turns);
    Ok(times
        .map(|(filter, turns)| Time {
            operation,
            filter: *filter,
            median: quantile(turns, 0.5),
            quartiles: (quantile(turns, 0.25), quantile(turns, 0.75)),
            added: quantile(&differences(turns, bare), 0.5),
        })
        .collect())
}

fn turn(rig: &Rig, prepared: &Prepared, requests: usize) -> Result<f64> {
    rig.program.run(|thread| {
        let began = Instant::now();
        for _ in 0..requests {
            prepared.send(thread)?;
        }
        Ok(began.elapsed().as_secs_f64() * 1e9 / requests as f64)
    })
}

fn differences(turns: &[f64], bare: &[f64]) -> Vec<f64> {
    turns
        .iter()
        .zip(bare)
        .map(|(with, without)| with - without)
        .collect()
}

/// The value below which that part of the values lies.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Measures how many requests go through, with one thread and with two, each filter in turn.
pub(crate) fn throughput(
    images: &Images,
    operation: Operation,
    effort: Effort,
    bar: &ProgressBar,
) -> Result<Vec<Throughput>> {
    let mut all = Vec::new();
    for threads in [1, 2] {
        for filter in Filter::ALL {
            let mut rates = Vec::new();
            for _ in 0..5 {
                rates.push(rate(
                    images,
                    operation,
                    filter,
                    (threads, effort.requests * 4),
                )?);
            }
            bar.inc(1);
            all.push(Throughput {
                operation,
                filter,
                threads,
                per_second: quantile(&rates, 0.5),
            });
        }
    }
    Ok(all)
}

fn rate(
    images: &Images,
    operation: Operation,
    filter: Filter,
    (threads, requests): (usize, usize),
) -> Result<f64> {
    let rig = Rig::start(images, filter, &operation.setting())?;
    let start = Barrier::new(threads + 1);
    let seconds = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn({
                    let (rig, start) = (&rig, &start);
                    move || work(rig, operation, number, (start, requests))
                })
            })
            .collect();
        start.wait();
        let began = Instant::now();
        for worker in workers {
            worker
                .join()
                .map_err(|_panic| anyhow!("a thread panicked"))??;
        }
        Ok::<_, anyhow::Error>(began.elapsed().as_secs_f64())
    })?;
    rig.end()?;
    Ok((threads * requests) as f64 / seconds)
}

fn work(
    rig: &Rig,
    operation: Operation,
    number: usize,
    (start, requests): (&Barrier, usize),
) -> Result<()> {
    rig.program.run(|thread| {
        let prepared = operation.open_as(thread, rig.volume, number);
        start.wait();
        let prepared = prepared?;
        (0..requests).try_for_each(|_| prepared.send(thread))?;
        prepared.close(thread)
    })
}
