//! The end of a soak, when nothing else happens: what a run under load can only bound is exact now.
//!
//! A program clones until the journal is full, and each request is on record or counted as lost. Who takes the records
//! to the end gets the word of it last. A policy that locks lets nobody unload the driver but the service manager.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use cloneguard::{Consumer, Entry};
use testbed::fltmgr::PortClient;
use testbed::io::{FsControl, RequestOptions};
use testbed::status::STATUS_SUCCESS;
use testbed::{RegistryValue, UnloadError};
use wire::{ConnectRequest, Counters, StatusReport};
use zerocopy::IntoBytes as _;

use crate::demo::caller::Caller;
use crate::demo::sent::{EX, Form, Range};
use crate::demo::stage::{POLICY_VALUE, PORT, SERVICE, Stage, Who};

/// A journal that is soon full.
const SMALL: &str = "mode = \"observe\"\njournal-size = \"64KiB\"\n";
const LOCKED: &str = "mode = \"observe\"\nlock-until-reboot = true\n";
/// So many clones at a time.
const ROUND: u64 = 50;
/// A small journal is full long before so many rounds.
const ROUNDS: u64 = 40;
/// Between two looks whether the policy is there, and how many of them are made.
const PAUSE: Duration = Duration::from_millis(5);
const LOOKS: u32 = 2000;

/// Loads the driver anew and lets it go; what was wrong.
pub(crate) fn reckon(stage: &Stage, image: &Path) -> Result<Vec<String>> {
    store(stage, SMALL)?;
    stage.load(image)?;
    let sent = stage.run(Who::Program("reckoner.exe"), |caller| fill(stage, caller))?;
    let counters = report(stage)?.counters;
    let mut faults = check_counters(&counters, sent);
    store(stage, LOCKED)?;
    drop(connect(stage, ConnectRequest::reload().as_bytes())?);
    wait_until_locked(stage)?;
    let consumer = Consumer::new();
    let port = connect(stage, consumer.connect_request().as_bytes())?;
    let (entries, gone) = std::thread::scope(|scope| {
        let taking = scope.spawn(|| take_all(&port, consumer));
        let gone = go(stage);
        let taken = taking
            .join()
            .map_err(|_panic| anyhow!("the consumer has ended"));
        (taken.flatten(), gone)
    });
    drop(port);
    faults.extend(gone);
    faults.extend(check_entries(&entries?, &counters, sent));
    Ok(faults)
}

fn store(stage: &Stage, policy: &str) -> Result<()> {
    let bytes = cloneguard::policy::compile(policy);
    let bytes = bytes.map_err(|problems| anyhow!("{problems}"))?;
    let value = RegistryValue::Binary(bytes);
    stage.machine.set_registry(SERVICE, POLICY_VALUE, value);
    Ok(())
}

fn connect(stage: &Stage, context: &[u8]) -> Result<PortClient> {
    let connected = stage
        .tool
        .run(|thread| thread.machine().connect_port(thread, PORT, context));
    connected.map_err(|status| anyhow!("the port refuses: {status}"))
}

fn report(stage: &Stage) -> Result<StatusReport> {
    let message = connect(stage, ConnectRequest::status().as_bytes())?.get_message()?;
    let report = StatusReport::parse(&message.body);
    Ok(*report.map_err(|error| anyhow!("no status report: {error}"))?)
}

/// Clones until something is lost; how often.
fn fill(stage: &Stage, caller: &dyn Caller) -> Result<u64> {
    let drive = stage.fine;
    let source = caller.create(drive, r"\reckoned-source")?;
    let target = caller.create(drive, r"\reckoned-target")?;
    for file in [source, target] {
        caller.write(file, 0, &vec![1; usize::try_from(drive.cluster)?])?;
    }
    let range = Range {
        source: 0,
        target: 0,
        count: drive.cluster.cast_signed(),
    };
    let input = Form::Ex64.bytes(source, &Form::Ex64.claim(range, 0));
    let mut sent = 0;
    while report(stage)?.counters.lost == 0 {
        ensure!(
            sent < ROUND * ROUNDS,
            "{sent} clones do not fill a small journal"
        );
        for _ in 0..ROUND {
            let answer = caller.control(&FsControl {
                handle: target,
                code: EX,
                input: Some(&input),
                output_length: 0,
                options: RequestOptions::default(),
            });
            ensure!(answer.status.is_success(), "a clone: {}", answer.status);
        }
        sent += ROUND;
    }
    [source, target]
        .into_iter()
        .try_for_each(|file| caller.close(file))?;
    Ok(sent)
}

fn check_counters(counters: &Counters, sent: u64) -> Vec<String> {
    let expected = [
        ("seen", counters.seen.get(), sent),
        ("completed", counters.completed.get(), sent),
        ("in_flight", counters.in_flight.get(), 0),
        ("delivered", counters.delivered.get(), 0),
    ];
    let wrong = expected.into_iter().filter(|(_, is, should)| is != should);
    let mut faults: Vec<_> = wrong
        .map(|(name, is, should)| format!("{sent} clones: {name} is {is}, not {should}"))
        .collect();
    if !counters.is_balanced() {
        faults.push(format!("the counters do not add up: {counters:?}"));
    }
    faults
}

fn wait_until_locked(stage: &Stage) -> Result<()> {
    for _ in 0..LOOKS {
        if report(stage)?.locked == 1 {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    Err(anyhow!("a policy does not come into force"))
}

/// Takes and acknowledges until the port is closed.
fn take_all(port: &PortClient, mut consumer: Consumer) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while let Ok(message) = port.get_message() {
        let delivery = consumer.feed(&message.body).context("a batch")?;
        ensure!(delivery.findings.is_empty(), "{:?}", delivery.findings);
        entries.extend(delivery.entries);
        // The port may have been closed since.
        let _answered = port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
    }
    Ok(entries)
}

/// The driver goes, when it must.
fn go(stage: &Stage) -> Vec<String> {
    let mut faults = Vec::new();
    let asked = stage.machine.unload(SERVICE);
    if !matches!(asked, Err(UnloadError::Declined(_))) {
        faults.push(format!("a locked driver was asked to go: {asked:?}"));
    }
    if let Err(error) = stage.machine.unload_mandatory(SERVICE) {
        faults.push(format!("stopped: {error}"));
    }
    faults
}

/// Each request is on record or was lost, and the end is told.
fn check_entries(entries: &[Entry], counters: &Counters, sent: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let is_request = |entry: &&Entry| matches!(entry, Entry::Request(_));
    let recorded = entries.iter().filter(is_request).count() as u64;
    // What passes is of the first class (`wire::LossClass::Routine`).
    let lost: u64 = counters.losses[0].iter().map(|count| count.get()).sum();
    if recorded + lost != sent {
        faults.push(format!("{sent} clones: {recorded} on record, {lost} lost"));
    }
    if !matches!(entries.last(), Some(Entry::Stopping(_))) {
        faults.push(format!("the last record is {:?}", entries.last()));
    }
    faults
}
