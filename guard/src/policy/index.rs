//! A policy together with an index of its rules, so that a request meets few of them.
//!
//! Each rule is filed under one of its conditions, the rarest of those that can be looked up (`key.rs`).
//! [`IndexedPolicy::candidates`] yields, in the order of the policy, every rule whose filed condition the
//! request fulfils, or of which that is not known. A rule that is left out has a condition that is
//! false, and such a rule changes no decision.

use super::PolicySubject;
use super::candidates::{Candidates, List};
use super::key::{Key, Kind};
use super::slots::{Directory, IndexSlot};
use super::subject::PathName;
use wire::policy::{Effect, PolicyBlob};

/// The storage has another number of slots than the policy has rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotCount {
    /// Slots that are needed.
    pub needed: usize,
}

/// A policy and the index of its rules.
///
/// # Invariants
///
/// `slots` and `directory` are what [`Directory::build`] made of the rules of `policy`.
#[derive(Clone, Copy, Debug)]
pub struct IndexedPolicy<B, S> {
    policy: PolicyBlob<B>,
    slots: S,
    directory: Directory,
}

impl<B: AsRef<[u8]>, S: AsRef<[IndexSlot]> + AsMut<[IndexSlot]>> IndexedPolicy<B, S> {
    /// Files the rules, in storage with as many slots as there are rules, whatever they hold.
    ///
    /// # Errors
    ///
    /// [`SlotCount`] if there are fewer or more.
    pub fn build(policy: PolicyBlob<B>, mut slots: S) -> Result<Self, SlotCount> {
        let needed = policy.rules().len();
        if slots.as_ref().len() != needed {
            return Err(SlotCount { needed });
        }
        let directory = Directory::build(policy.rules(), slots.as_mut());
        Ok(Self {
            policy,
            slots,
            directory,
        })
    }
}

impl<B, S: AsRef<[IndexSlot]>> IndexedPolicy<B, S> {
    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &PolicyBlob<B> {
        &self.policy
    }

    /// Whether it has any rules.
    pub fn has_rules(&self) -> bool {
        !self.slots.as_ref().is_empty()
    }

    /// The numbers of the rules that a request may fulfil.
    pub fn candidates(&self, subject: &PolicySubject<'_>) -> Candidates<'_> {
        let mut found = Candidates::new(self.slots.as_ref());
        self.list(Kind::NONE, |_| List::Kind, &mut found);
        let (start, end) = (Kind::IMAGE_START, Kind::IMAGE_END);
        self.name([start, end], subject.image, &mut found);
        let (start, end) = (Kind::TARGET_START, Kind::TARGET_END);
        self.name([start, end], subject.target, &mut found);
        let (start, end) = (Kind::SOURCE_START, Kind::SOURCE_END);
        self.name([start, end], subject.source, &mut found);
        let user = |kind| Some(Key::of_bytes(kind, subject.user?));
        self.fact(Kind::USER, user, &mut found);
        let device = |kind| Some(Key::of_name(kind, subject.volume_device?));
        self.fact(Kind::VOLUME_DEVICE, device, &mut found);
        let guid = |kind| Some(Key::of_bytes(kind, &subject.volume_guid?));
        self.fact(Kind::VOLUME_GUID, guid, &mut found);
        found
    }

    /// Adds the rules that are filed under what a name begins or ends with.
    fn name(
        &self,
        [start, end]: [Kind; 2],
        name: Option<PathName<'_>>,
        found: &mut Candidates<'_>,
    ) {
        let Some(name) = name else {
            self.list(start, List::Unknown, found);
            self.list(end, List::Unknown, found);
            return;
        };
        let units = name.matched_units();
        let lengths = self.directory.lengths(start);
        // What a cut name goes on with may be the rest of a literal.
        if name.is_cut && usize::from(lengths.max()) > units.len() {
            self.list(start, |_| List::Kind, found);
        } else {
            lengths.visit(start, units.iter().copied(), |tag| found.add_tag(tag));
        }
        let lengths = self.directory.lengths(end);
        if name.is_cut {
            self.list(end, |_| List::Kind, found);
        } else {
            lengths.visit(end, units.iter().rev().copied(), |tag| found.add_tag(tag));
        }
    }

    /// Adds the rules that are filed under a fact which is compared as a whole.
    fn fact(&self, kind: Kind, key: impl FnOnce(Kind) -> Option<Key>, found: &mut Candidates<'_>) {
        if self.directory.lengths(kind).max() == 0 {
            return;
        }
        match key(kind) {
            Some(key) => found.add_tag(key.tag),
            None => self.list(kind, List::Unknown, found),
        }
    }

    /// Adds every rule that is filed under a kind.
    fn list(&self, kind: Kind, list: impl Fn(Effect) -> List, found: &mut Candidates<'_>) {
        for effect in [Effect::Allow, Effect::Flag, Effect::Deny] {
            found.add(list(effect), self.directory.list(kind, effect));
        }
    }
}
