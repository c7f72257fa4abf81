//! What has happened so far, for people and at the end for machines.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use cloneguard::live::Status;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use testbed::NtStatus;
use testbed::fltmgr::PortClient;

use crate::demo::output::say;

/// The counts.
pub(crate) struct Tally {
    sent: AtomicU64,
    cloned: AtomicU64,
    clients: AtomicU64,
    refused: AtomicU64,
    connected: AtomicU64,
    bar: Option<ProgressBar>,
}

impl Tally {
    /// Nothing yet. There is a bar on a terminal, and lines elsewhere.
    pub(crate) fn new() -> Self {
        let bar = std::io::stdout().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            sent: AtomicU64::new(0),
            cloned: AtomicU64::new(0),
            clients: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            connected: AtomicU64::new(0),
            bar,
        }
    }

    /// A program of the load has had an answer.
    pub(crate) fn answered(&self, status: NtStatus) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if status.is_success() {
            self.cloned.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A program was at the port; its number.
    pub(crate) fn client(&self, connected: &Result<PortClient, NtStatus>) -> u64 {
        let number = self.clients.fetch_add(1, Ordering::Relaxed) + 1;
        match connected {
            Ok(_) => {
                self.connected.fetch_add(1, Ordering::Relaxed);
                self.tell(&format!("client {number}: connected"));
            }
            Err(status) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                self.tell(&format!("client {number}: refused with {status}"));
            }
        }
        number
    }

    /// A program that was connected has ended.
    pub(crate) fn gone(&self, number: u64) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
        self.tell(&format!("client {number}: gone"));
    }

    /// Prints a line.
    pub(crate) fn tell(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }

    /// Prints the counts.
    pub(crate) fn print(&self) {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (sent, cloned) = (get(&self.sent), get(&self.cloned));
        let text = format!(
            "{sent} requests, {cloned} cloned, {} clients connected",
            get(&self.connected)
        );
        match &self.bar {
            Some(bar) => {
                bar.set_message(text);
                bar.tick();
            }
            None => say(&text),
        }
    }

    /// The bar goes, lines still come.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The counts and how things stand with the driver, as a line of JSON.
    pub(crate) fn json(&self, status: &Status) -> Result<String> {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let report = json!({
            "sent": get(&self.sent),
            "cloned": get(&self.cloned),
            "clients": get(&self.clients),
            "refused_clients": get(&self.refused),
            "driver": serde_json::to_value(status)?,
        });
        Ok(report.to_string())
    }
}
