//! What the driver finds where its policy is stored, as far as somebody else lets it look.

use testbed::Machine;
use testbed::ntos::registry::{Blocked, RegistryValue};
use wire::policy::POLICY_SIZE_MAX;

use super::act::{Block, Odd};
use super::setup::Setup;
use super::ward::SERVICE;

/// The registry value that holds a policy.
const POLICY: &str = "Policy";

/// What is there.
enum Value {
    Nothing,
    Blob(Vec<u8>),
    /// What is not even bytes, or too many.
    Odd,
}

/// What a look comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Unreadable,
    Faulty,
    Sound(Setup),
}

/// The place of the policy.
pub(super) struct Stored {
    value: Value,
    is_blocked: bool,
}

impl Stored {
    /// With nothing in it.
    pub(super) const fn nothing() -> Self {
        Self {
            value: Value::Nothing,
            is_blocked: false,
        }
    }

    /// Stores a blob, or removes what is there.
    pub(super) fn store(&mut self, machine: &Machine, blob: Option<Vec<u8>>) {
        self.value = blob.map_or(Value::Nothing, Value::Blob);
        match &self.value {
            Value::Blob(blob) => set(machine, RegistryValue::Binary(blob.clone())),
            Value::Nothing | Value::Odd => _ = machine.remove_registry(SERVICE, POLICY),
        }
    }

    /// Stores what is no policy.
    pub(super) fn spoil(&mut self, machine: &Machine, odd: Odd) {
        self.value = Value::Odd;
        let value = match odd {
            Odd::Number => RegistryValue::Dword(1),
            Odd::Text => RegistryValue::Text("mode = 'enforce'".to_owned()),
            Odd::Huge => RegistryValue::Binary(vec![0; POLICY_SIZE_MAX + 1]),
        };
        set(machine, value);
    }

    /// Lets somebody keep it from the driver, or no longer.
    pub(super) fn block(&mut self, machine: &Machine, block: Block) {
        self.is_blocked = block != Block::Nothing;
        let blocked = match block {
            Block::Nothing => None,
            Block::Open => Some(Blocked::Open),
            Block::Query => Some(Blocked::Query),
        };
        machine.block_registry(SERVICE, blocked);
    }

    /// What the driver finds.
    pub(super) fn look(&self) -> Found {
        match &self.value {
            _ if self.is_blocked => Found::Unreadable,
            Value::Nothing => Found::Nothing,
            Value::Odd => Found::Unreadable,
            Value::Blob(blob) => Setup::of(blob).map_or(Found::Faulty, Found::Sound),
        }
    }

    /// Bytes of the journal with which the driver is loaded, where a policy that it finds says so.
    pub(super) fn journal_size(&self) -> Option<u64> {
        match &self.value {
            Value::Blob(blob) if !self.is_blocked => Setup::journal_size(blob),
            Value::Blob(_) | Value::Nothing | Value::Odd => None,
        }
    }
}

fn set(machine: &Machine, value: RegistryValue) {
    machine.set_registry(SERVICE, POLICY, value);
}
