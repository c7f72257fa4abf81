//! What the modelled kernel keeps and tells, driven by a small minifilter: processes, volumes, a state that
//! outlives a load, the image file, time, memory.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod clock;
#[path = "../shared/fault.rs"]
mod fault;
mod faults;
mod memory;
mod ports;
mod processes;
mod state;
#[path = "../shared/test_image.rs"]
mod test_image;
mod volumes;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use testbed::ntos::token::Token;
use testbed::{BootOptions, ClockSource, Machine, Process, ProcessSpec};

/// 2026-01-01, in 100 ns units since 1601.
const START: i64 = 134_116_992_000_000_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A machine whose clock stands still.
fn machine() -> Arc<Machine> {
    Machine::boot(BootOptions {
        clock: ClockSource::Manual { start: START },
        ..BootOptions::default()
    })
}

/// Loads the image with `flags`; `None` without the compiler target for it.
fn load(machine: &Arc<Machine>, flags: &[&str]) -> Option<()> {
    let image = test_image::compile("watcher", flags)?;
    machine
        .load_driver(&image.path(), "Watcher")
        .expect("the driver loads");
    machine.wait_until_idle();
    Some(())
}

fn unload(machine: &Arc<Machine>) {
    machine.unload("Watcher").expect("the driver unloads");
}

fn end(machine: &Arc<Machine>) {
    unload(machine);
    machine.shutdown().expect("nothing is left");
}

/// What the driver has printed that begins with `prefix`, without it.
fn printed(machine: &Machine, prefix: &str) -> Vec<String> {
    let lines = machine.debug_output();
    lines
        .iter()
        .filter_map(|line| line.trim_end_matches('\0').strip_prefix(prefix))
        .map(str::to_owned)
        .collect()
}

/// A process whose user may connect to a port.
fn administrator(machine: &Arc<Machine>) -> Arc<Process> {
    let token = Token {
        integrity: 0x3000,
        ..Token::of("S-1-5-21-1-2-3-500")
    };
    machine.create_process(ProcessSpec::user("tool.exe").token(token))
}
