//! The fields of a policy as they lie in the blob. What they mean is in `docs/policy.md`.

use crate::VERSION;
use zerocopy::little_endian::{U16, U32, U64, U128};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `CGPL` as bytes in memory.
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"CGPL");
/// Size of [`PolicyHead`] as it stands in its own field.
pub(crate) const HEAD_SIZE: u16 = 64;
const _: () = assert!(
    size_of::<PolicyHead>() == 64,
    "HEAD_SIZE is not the size of PolicyHead"
);
/// Size of [`PolicyRuleHead`] as it stands in the head.
pub(crate) const RULE_SIZE: u16 = 164;
const _: () = assert!(
    size_of::<PolicyRuleHead>() == 164,
    "RULE_SIZE is not the size of PolicyRuleHead"
);

/// The fixed part of a policy.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct PolicyHead {
    /// `CGPL`.
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// Bytes of this head.
    pub head_size: U16,
    /// Bytes of the whole policy: this head, the rules, the pool.
    pub total_size: U32,
    /// Rules that follow this head.
    pub rule_count: U32,
    /// Bytes of each rule.
    pub rule_size: U16,
    /// [`crate::policy::PolicyMode`].
    pub mode: u8,
    /// [`crate::policy::OnAuditLoss`].
    pub on_audit_loss: u8,
    /// 1 if the source handle is resolved again after the operation.
    pub recheck: u8,
    /// 1 if no other policy is taken until the driver is loaded anew.
    pub lock_until_reboot: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// Number that the author gave this policy.
    pub revision: U64,
    /// The strict rules that are enforced: bit n stands for rule n.
    pub enforced: U128,
    /// Bytes of the journal; 0 for the driver's own choice.
    pub journal_size: U64,
    /// Window in which equal requests may be summarised, in seconds; 0 for never.
    pub summarise_seconds: U32,
    /// Bytes of the pool behind the rules.
    pub pool_size: U32,
}

/// Where a text or a SID lies in the pool.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct PoolRef {
    /// Bytes from the start of the pool; even.
    pub offset: U32,
    /// Bytes; even, 0 for none.
    pub byte_length: U32,
}

/// Which volume is meant.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct VolumeSelectorHead {
    /// [`crate::policy::VolumeKind`].
    pub kind: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// NT device name in upper case, `\DEVICE\NAME`; none unless `kind` says device.
    pub device: PoolRef,
    /// GUID in the byte order of Windows' `GUID` structure; zero unless `kind` says GUID.
    pub guid: [u8; 16],
}

/// A pattern for the name of a file. Without a path there is no condition.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct PathPatternHead {
    /// The volume of the file.
    pub volume: VolumeSelectorHead,
    /// The part behind the volume, in upper case, with wildcards.
    pub path: PoolRef,
}

/// One rule.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct PolicyRuleHead {
    /// [`crate::policy::Effect`].
    pub effect: u8,
    /// [`crate::policy::Remote`].
    pub remote: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// Name for people.
    pub name: PoolRef,
    /// Binary SID of the user; none for no condition.
    pub user: PoolRef,
    /// Image of the requestor's process.
    pub image: PathPatternHead,
    /// Source file.
    pub source: PathPatternHead,
    /// Target file.
    pub target: PathPatternHead,
    /// Volume of the target.
    pub volume: VolumeSelectorHead,
    /// The rule means requests of at least so many bytes; 0 for no condition.
    pub byte_count_min: U64,
}

impl PolicyHead {
    /// The head of a policy with so many rules and such a pool, observing and without any options.
    /// `None` if that is no size of a policy.
    #[must_use]
    pub fn new(rule_count: usize, pool_size: usize) -> Option<Self> {
        let rules = rule_count.checked_mul(size_of::<PolicyRuleHead>())?;
        let total = size_of::<Self>()
            .checked_add(rules)?
            .checked_add(pool_size)?;
        let mut head = Self::new_zeroed();
        head.magic = U32::new(MAGIC);
        head.version = U16::new(VERSION);
        head.head_size = U16::new(HEAD_SIZE);
        head.total_size = U32::new(u32::try_from(total).ok()?);
        head.rule_count = U32::new(u32::try_from(rule_count).ok()?);
        head.rule_size = U16::new(RULE_SIZE);
        head.mode = super::PolicyMode::Observe.raw();
        head.on_audit_loss = super::OnAuditLoss::Count.raw();
        head.pool_size = U32::new(u32::try_from(pool_size).ok()?);
        Some(head)
    }
}

impl PolicyRuleHead {
    /// A rule without a name, an effect or conditions, to be filled in.
    #[must_use]
    pub fn zeroed() -> Self {
        Self::new_zeroed()
    }
}
