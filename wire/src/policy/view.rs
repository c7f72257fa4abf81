//! A policy as its readers see it.

use super::check::{Parts, fault};
use super::{
    Effect, OnAuditLoss, PathPatternHead, PolicyError, PolicyFault, PolicyHead, PolicyMode,
    PolicyRuleHead, PoolRef, Remote, VolumeKind, VolumeSelectorHead,
};
use crate::RuleSet;
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U16;

/// A policy whose every byte has been checked, and the memory that it lies in.
///
/// # Invariants
///
/// `Parts::split` and `Parts::check` accepted the bytes. `S` must hand out the same bytes each
/// time, as boxes, vectors and slices do; for one that does not, accessors answer with defaults.
#[derive(Clone, Copy, Debug)]
pub struct PolicyBlob<S> {
    storage: S,
}

impl<S: AsRef<[u8]>> PolicyBlob<S> {
    /// Checks a whole policy.
    ///
    /// # Errors
    ///
    /// The first wrong byte and why. Nothing of a policy is usable if one field is wrong.
    pub fn parse(storage: S) -> Result<Self, PolicyError> {
        Parts::split(storage.as_ref())?.check()?;
        Ok(Self { storage })
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.storage.as_ref()
    }

    /// The number that the author gave this policy.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.head().map_or(0, |head| head.revision.get())
    }

    /// Whether anything is refused.
    #[must_use]
    pub fn mode(&self) -> PolicyMode {
        self.head()
            .and_then(|head| PolicyMode::from_raw(head.mode))
            .unwrap_or(PolicyMode::Observe)
    }

    /// The strict rules that are enforced.
    #[must_use]
    pub fn enforced(&self) -> RuleSet {
        self.head()
            .and_then(|head| RuleSet::from_bits(head.enforced.get()))
            .unwrap_or(RuleSet::EMPTY)
    }

    /// What happens to a request for whose record there is no room.
    #[must_use]
    pub fn on_audit_loss(&self) -> OnAuditLoss {
        self.head()
            .and_then(|head| OnAuditLoss::from_raw(head.on_audit_loss))
            .unwrap_or(OnAuditLoss::Count)
    }

    /// Whether the source handle is resolved again after the operation.
    #[must_use]
    pub fn rechecks(&self) -> bool {
        self.head().is_some_and(|head| head.recheck == 1)
    }

    /// Whether no other policy is taken until the driver is loaded anew.
    #[must_use]
    pub fn locks_until_reboot(&self) -> bool {
        self.head().is_some_and(|head| head.lock_until_reboot == 1)
    }

    /// Window in which equal requests may be summarised, in seconds; `None` for never.
    #[must_use]
    pub fn summarise_seconds(&self) -> Option<u32> {
        let seconds = self.head()?.summarise_seconds.get();
        (seconds != 0).then_some(seconds)
    }

    /// Bytes of the journal; `None` for the driver's own choice.
    #[must_use]
    pub fn journal_size(&self) -> Option<u64> {
        let bytes = self.head()?.journal_size.get();
        (bytes != 0).then_some(bytes)
    }

    /// The rules in the order in which they are tried.
    #[must_use]
    pub fn rules(&self) -> PolicyRules<'_> {
        match Parts::split(self.storage.as_ref()) {
            Ok(parts) => PolicyRules {
                rules: parts.rules.iter(),
                pool: parts.pool,
            },
            // Impossible: the constructor split these very bytes.
            Err(_) => PolicyRules {
                rules: [].iter(),
                pool: Pool::new(&[]),
            },
        }
    }

    /// The head, which the constructor has seen.
    fn head(&self) -> Option<&PolicyHead> {
        let (head, _) = PolicyHead::ref_from_prefix(self.storage.as_ref()).ok()?;
        Some(head)
    }
}

/// Iterator over the rules of a policy.
#[derive(Clone, Debug)]
pub struct PolicyRules<'a> {
    rules: core::slice::Iter<'a, PolicyRuleHead>,
    pool: Pool<'a>,
}

impl<'a> Iterator for PolicyRules<'a> {
    type Item = PolicyRule<'a>;

    fn next(&mut self) -> Option<PolicyRule<'a>> {
        let (head, pool) = (self.rules.next()?, self.pool);
        Some(PolicyRule { head, pool })
    }

    /// At once, however far away it is.
    fn nth(&mut self, number: usize) -> Option<PolicyRule<'a>> {
        let (head, pool) = (self.rules.nth(number)?, self.pool);
        Some(PolicyRule { head, pool })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rules.size_hint()
    }
}

impl ExactSizeIterator for PolicyRules<'_> {}

/// One rule of a policy. A condition that is `None` is not there.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRule<'a> {
    head: &'a PolicyRuleHead,
    pool: Pool<'a>,
}

impl<'a> PolicyRule<'a> {
    /// Name for people: well-formed UTF-16 without control characters.
    #[must_use]
    pub fn name(&self) -> &'a [U16] {
        self.pool.units(self.head.name)
    }

    /// What the rule does with what it matches.
    #[must_use]
    pub fn effect(&self) -> Effect {
        Effect::from_raw(self.head.effect).unwrap_or(Effect::Flag)
    }

    /// Image of the requestor's process. Never selects a volume by GUID.
    #[must_use]
    pub fn image(&self) -> Option<PathPattern<'a>> {
        self.pattern(&self.head.image)
    }

    /// Binary SID of the user.
    #[must_use]
    pub fn user(&self) -> Option<&'a [u8]> {
        Some(self.pool.slice(self.head.user)).filter(|sid| !sid.is_empty())
    }

    /// Source file.
    #[must_use]
    pub fn source(&self) -> Option<PathPattern<'a>> {
        self.pattern(&self.head.source)
    }

    /// Target file.
    #[must_use]
    pub fn target(&self) -> Option<PathPattern<'a>> {
        self.pattern(&self.head.target)
    }

    /// Volume of the target.
    #[must_use]
    pub fn volume(&self) -> VolumeSelector<'a> {
        self.selector(&self.head.volume)
    }

    /// Whether the request must be remote (`true`) or local (`false`).
    #[must_use]
    pub const fn remote(&self) -> Option<bool> {
        match Remote::from_raw(self.head.remote) {
            Some(Remote::Only) => Some(true),
            Some(Remote::Never) => Some(false),
            Some(Remote::Either) | None => None,
        }
    }

    /// How many bytes the request must name at least.
    #[must_use]
    pub fn byte_count_min(&self) -> Option<i64> {
        i64::try_from(self.head.byte_count_min.get())
            .ok()
            .filter(|count| *count > 0)
    }

    /// A pattern, if it has a path.
    fn pattern(&self, head: &'a PathPatternHead) -> Option<PathPattern<'a>> {
        let path = self.pool.units(head.path);
        let volume = self.selector(&head.volume);
        (!path.is_empty()).then_some(PathPattern { volume, path })
    }

    /// Which volume a selector means.
    fn selector(&self, head: &'a VolumeSelectorHead) -> VolumeSelector<'a> {
        match VolumeKind::from_raw(head.kind) {
            Some(VolumeKind::Device) => VolumeSelector::Device(self.pool.units(head.device)),
            Some(VolumeKind::Guid) => VolumeSelector::Guid(head.guid),
            Some(VolumeKind::Any) | None => VolumeSelector::Any,
        }
    }
}

/// A pattern for the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathPattern<'a> {
    /// The volume of the file.
    pub volume: VolumeSelector<'a>,
    /// The part behind the volume, in upper case: begins with a backslash; `?`, `*` and `**` are
    /// wildcards.
    pub path: &'a [U16],
}

/// Which volume is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeSelector<'a> {
    /// Every volume.
    Any,
    /// The one with this NT device name, in upper case.
    Device(&'a [U16]),
    /// The one with this GUID, in the byte order of Windows' `GUID` structure.
    Guid([u8; 16]),
}

/// The bytes behind the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool<'a> {
    bytes: &'a [u8],
}

impl<'a> Pool<'a> {
    /// A pool of these bytes.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes of a reference that lies at `offset`, once it has been checked.
    pub(super) fn bytes(&self, at: PoolRef, offset: usize) -> Result<&'a [u8], PolicyError> {
        let even = |number: u32| number.is_multiple_of(2);
        if !even(at.offset.get()) || !even(at.byte_length.get()) {
            return Err(fault(offset, PolicyFault::Odd));
        }
        self.find(at)
            .ok_or_else(|| fault(offset, PolicyFault::Reference))
    }

    /// The units of a reference that has been checked.
    fn units(&self, at: PoolRef) -> &'a [U16] {
        <[U16]>::ref_from_bytes(self.slice(at)).unwrap_or(&[])
    }

    /// The bytes of a reference that has been checked.
    fn slice(&self, at: PoolRef) -> &'a [u8] {
        self.find(at).unwrap_or(&[])
    }

    /// The bytes of a reference, if they are inside the pool.
    fn find(&self, at: PoolRef) -> Option<&'a [u8]> {
        let start = usize::try_from(at.offset.get()).ok()?;
        let length = usize::try_from(at.byte_length.get()).ok()?;
        self.bytes.get(start..start.checked_add(length)?)
    }
}
