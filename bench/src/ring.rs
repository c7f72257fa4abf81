//! The journal inside the driver: how fast records go in and out, on one core, with nobody else there.

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use cloneguard::Consumer;
use guard::{Journal, LossClass, Outcome, OutcomeKind, Reader, journal_words};
use testbed::ProcessSpec;
use testbed::ntos::token::SYSTEM_SID;
use wire::{Batch, RecordKind, SourceAfter};
use zerocopy::IntoBytes as _;

use crate::operation::Operation;
use crate::rig::{Filter, Images, PORT, Rig, Setting};
use crate::time::quantile;

/// Bytes of the journal, of a batch, and how many records go in before they go out again.
const JOURNAL: usize = 4 << 20;
const BATCH: usize = 64 << 10;
const RECORDS: usize = 2000;

/// Records and bytes a second.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Speed {
    pub(crate) what: String,
    pub(crate) records_per_second: f64,
    pub(crate) bytes_per_second: f64,
    /// How many times as long as the measure that it is compared with takes for the same bytes.
    pub(crate) times: Option<f64>,
    pub(crate) compared_with: &'static str,
}

/// Measures with a record that the driver made.
pub(crate) fn measure(images: &Images, rounds: usize) -> Result<Vec<Speed>> {
    let record = record(images)?;
    let storage: Box<[AtomicU64]> = (0..journal_words(JOURNAL))
        .map(|_| AtomicU64::new(0))
        .collect();
    let (journal, mut reader) =
        Journal::new(storage).map_err(|small| anyhow!("a journal of {} bytes", small.given))?;
    let mut batch = vec![0; BATCH];
    let (mut writes, mut drains, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        writes.push(write(&journal, &record));
        drains.push(drain(&journal, &mut reader, &mut batch)?);
        copies.push(copy(&record, &mut batch));
    }
    let per_record = |seconds: &[f64]| quantile(seconds, 0.5) / RECORDS as f64;
    let copied = per_record(&copies);
    let speed = |what: &str, seconds: f64| Speed {
        what: what.to_owned(),
        records_per_second: 1.0 / seconds,
        bytes_per_second: record.len() as f64 / seconds,
        times: Some(seconds / copied),
        compared_with: "memcpy",
    };
    Ok(vec![
        speed(
            &format!("journal: reserve and complete, {} bytes", record.len()),
            per_record(&writes),
        ),
        speed("journal: drain in batches", per_record(&drains)),
        speed("memcpy", copied),
    ])
}

fn write(journal: &Journal<Box<[AtomicU64]>>, record: &[u8]) -> f64 {
    let outcome = Outcome {
        status: 0,
        information: 0,
        ended: 1,
        time: 1,
        kind: OutcomeKind::Completed,
        source_after: SourceAfter::Unasked,
    };
    let began = Instant::now();
    for _ in 0..RECORDS {
        let ticket = journal.reserve(LossClass::Routine, black_box(record));
        // It was handed out just now.
        let _completed = black_box(journal.complete(ticket, &outcome));
    }
    began.elapsed().as_secs_f64()
}

fn drain(
    journal: &Journal<Box<[AtomicU64]>>,
    reader: &mut Reader,
    batch: &mut [u8],
) -> Result<f64> {
    let began = Instant::now();
    let mut drained = 0;
    while drained < RECORDS as u64 {
        let filled = journal
            .fill_batch(reader, [7; 16], 0, batch)
            .context("a batch")?;
        let released = journal.acknowledge(reader, filled.last_sequence);
        let released = released.map_err(|error| anyhow!("{error:?}"))?;
        anyhow::ensure!(
            released > 0,
            "the journal holds {drained} of {RECORDS} records"
        );
        drained += released;
    }
    Ok(began.elapsed().as_secs_f64())
}

fn copy(record: &[u8], to: &mut [u8]) -> f64 {
    let began = Instant::now();
    for _ in 0..RECORDS {
        if let Some(place) = to.get_mut(..record.len()) {
            place.copy_from_slice(black_box(record));
        }
        black_box(&to);
    }
    began.elapsed().as_secs_f64()
}

/// A record of a clone, as the driver makes it.
fn record(images: &Images) -> Result<Vec<u8>> {
    let mut rig = Rig::start(images, Filter::CloneGuard, &Setting::default())?;
    let prepared = Operation::Clone4Kib.prepare(&mut rig, Filter::CloneGuard)?;
    rig.program.run(|thread| {
        prepared.send(thread)?;
        prepared.close(thread)
    })?;
    let spec = ProcessSpec::user(r"\Device\HarddiskVolume3\Tools\cloneguard.exe");
    let tool = rig.machine.create_process(spec.user_sid(SYSTEM_SID));
    let request = Consumer::new().connect_request();
    let port = tool.run(|thread| rig.machine.connect_port(thread, PORT, request.as_bytes()));
    let port = port.map_err(|status| anyhow!("the port: {status}"))?;
    let message = port.get_message().context("a batch")?;
    let batch = Batch::parse(&message.body).map_err(|error| anyhow!("{error}"))?;
    let clone = batch
        .records()
        .find(|record| record.kind() == RecordKind::Clone);
    let record = clone.context("a record of a clone")?.bytes().to_vec();
    drop(port);
    rig.end()?;
    Ok(record)
}
