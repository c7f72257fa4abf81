//! The trace that a load of the driver leaves for the next one: whether it was stopped in order, and what it took
//! with it undelivered.
//!
//! One value of a few bytes in the driver's state in the registry: written when the driver begins to run, again with
//! each heartbeat, and last of all when it is unloaded or the machine is shut down. So a load that finds "running" knows
//! that the one before was not stopped, but fell with the machine.

use flt::irql::Passive;
use flt::registry::{Haste, Parameters, Place};
use flt::status::NtStatus;
use guard::PreviousLoad;
use wire::{BOOT_ID_SIZE, PreviousStop};

/// The name of the value, "LastRun" in UTF-16.
const VALUE: [u16; 7] = [0x4C, 0x61, 0x73, 0x74, 0x52, 0x75, 0x6E];
/// The first byte of a value of this form.
const VERSION: u8 = 1;
/// The second byte: it runs, or fell.
const RUNNING: u8 = 1;
/// The second byte: it was stopped.
const STOPPED: u8 = 2;
/// The second byte: the machine was shut down.
const SHUT_DOWN: u8 = 3;
/// Bytes of the value.
const SIZE: usize = 2 + BOOT_ID_SIZE + 8 + 8;

/// What becomes of a load.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// It runs.
    Runs,
    /// It was stopped.
    Stopped,
    /// The machine goes down.
    ShutDown,
}

/// What is left for the next load.
#[derive(Clone, Copy)]
pub(crate) struct Trace {
    /// The id of this load.
    pub(crate) boot_id: [u8; BOOT_ID_SIZE],
    /// The last sequence number that was handed out.
    pub(crate) sequence: u64,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// How many records are undelivered for good; 0 while it runs.
    pub(crate) undelivered: u64,
}

impl Trace {
    /// Writes it. A failure is told on the debugger's console: the next load finds the trace before.
    pub(crate) fn leave(&self, parameters: &Parameters, haste: Haste, passive: Passive) {
        if let Err(status) = parameters.write_state(&VALUE, &self.bytes(), haste, passive) {
            wdk::println!("CloneGuard: the state cannot be written: {status}");
        }
    }

    fn bytes(&self) -> [u8; SIZE] {
        let state = match self.fate {
            Fate::Runs => RUNNING,
            Fate::Stopped => STOPPED,
            Fate::ShutDown => SHUT_DOWN,
        };
        let mut bytes = [0; SIZE];
        let parts = [VERSION, state]
            .into_iter()
            .chain(self.boot_id)
            .chain(self.sequence.to_le_bytes())
            .chain(self.undelivered.to_le_bytes());
        for (place, byte) in bytes.iter_mut().zip(parts) {
            *place = byte;
        }
        bytes
    }
}

/// What the load before has left.
pub(crate) fn read(parameters: &Parameters, passive: Passive) -> PreviousLoad {
    let unknown = PreviousLoad {
        stop: PreviousStop::Unasked,
        boot_id: [0; BOOT_ID_SIZE],
        sequence: 0,
        undelivered: 0,
    };
    match parameters.read_binary((Place::State, &VALUE), SIZE, passive) {
        Ok(Some(bytes)) => parse(&bytes).unwrap_or(unknown),
        Ok(None) => PreviousLoad {
            stop: PreviousStop::FirstStart,
            ..unknown
        },
        Err(status) => {
            told(status);
            unknown
        }
    }
}

fn told(status: NtStatus) {
    wdk::println!("CloneGuard: the state cannot be read: {status}");
}

/// `None` for a value that is not ours.
fn parse(bytes: &[u8]) -> Option<PreviousLoad> {
    let (&[version, state], rest) = bytes.split_first_chunk()?;
    let (&boot_id, rest) = rest.split_first_chunk()?;
    let (&sequence, rest) = rest.split_first_chunk()?;
    let (&undelivered, rest) = rest.split_first_chunk()?;
    let stop = match state {
        RUNNING => PreviousStop::Unclean,
        STOPPED => PreviousStop::Clean,
        SHUT_DOWN => PreviousStop::Shutdown,
        _ => return None,
    };
    (version == VERSION && rest.is_empty()).then_some(PreviousLoad {
        stop,
        boot_id,
        sequence: u64::from_le_bytes(sequence),
        undelivered: u64::from_le_bytes(undelivered),
    })
}
