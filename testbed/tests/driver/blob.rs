//! Policies without rules of their own, as bytes.

use testbed::ntos::registry::RegistryValue;
use wire::VERSION;
use wire::policy::{OnAuditLoss, PolicyHead, PolicyMode, PolicyRuleHead};
use zerocopy::{FromZeros as _, IntoBytes as _};

use super::{Bench, SERVICE};

/// The registry value.
pub(crate) const VALUE: &str = "Policy";

/// What a policy says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blob {
    pub(crate) revision: u64,
    pub(crate) mode: PolicyMode,
    pub(crate) enforced: &'static [u8],
    pub(crate) on_audit_loss: OnAuditLoss,
    pub(crate) rechecks: bool,
    pub(crate) locks: bool,
    /// In bytes; 0 for the driver's choice.
    pub(crate) journal_size: u64,
    /// The window; 0 for never.
    pub(crate) summarise_seconds: u32,
}

impl Blob {
    /// Enforce mode and nothing else.
    pub(crate) const ENFORCE: Self = Self {
        revision: 7,
        mode: PolicyMode::Enforce,
        enforced: &[],
        on_audit_loss: OnAuditLoss::Count,
        rechecks: false,
        locks: false,
        journal_size: 0,
        summarise_seconds: 0,
    };

    /// Observe mode and nothing else.
    pub(crate) const OBSERVE: Self = Self {
        mode: PolicyMode::Observe,
        ..Self::ENFORCE
    };

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = PolicyHead::new_zeroed();
        head.magic = u32::from_le_bytes(*b"CGPL").into();
        head.version = VERSION.into();
        let size = |size: usize| u16::try_from(size).expect("small");
        head.head_size = size(size_of::<PolicyHead>()).into();
        head.total_size = u32::from(size(size_of::<PolicyHead>())).into();
        head.rule_size = size(size_of::<PolicyRuleHead>()).into();
        head.mode = self.mode.raw();
        head.on_audit_loss = self.on_audit_loss.raw();
        head.recheck = u8::from(self.rechecks);
        head.lock_until_reboot = u8::from(self.locks);
        head.revision = self.revision.into();
        head.journal_size = self.journal_size.into();
        head.summarise_seconds = self.summarise_seconds.into();
        head.enforced = self
            .enforced
            .iter()
            .map(|id| 1_u128 << id)
            .sum::<u128>()
            .into();
        head.as_bytes().to_vec()
    }
}

impl Bench {
    /// The same on a clock that stands still, at rest.
    pub(crate) fn still_under(blob: &Blob) -> Option<Self> {
        let bench = Self::bare_still()?;
        bench.store(blob.bytes());
        bench.load();
        bench.machine.wait_until_idle();
        Some(bench)
    }

    /// With the driver loaded under this policy; `None` without an image.
    pub(crate) fn under(blob: &Blob) -> Option<Self> {
        let bench = Self::bare()?;
        bench.store(blob.bytes());
        bench.load();
        Some(bench)
    }

    /// Stores a policy, whatever it is.
    pub(crate) fn store(&self, blob: Vec<u8>) {
        let value = RegistryValue::Binary(blob);
        self.machine.set_registry(SERVICE, VALUE, value);
    }
}
