//! The index of a policy's rules as it lies in memory, and how it is made.
//!
//! Two lists hold the numbers of the rules: one by a hash of what each is filed under, one by the kind of
//! that. Both are made by counting: how many there are of each, where each begins, and then every rule
//! in its order to its place. So nothing is compared, and the work is that of hashing the texts.
//! `key.rs` says what a rule can be filed under, `candidates.rs` reads the lists.

use super::key::{Kind, Lengths, keys_of};
use core::ops::Range;
use wire::policy::{Effect, PolicyRule, PolicyRules};

/// One row of four columns that have no more in common than their length. A policy needs one for each rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct IndexSlot {
    /// Of the rule with this number: what it is filed under.
    filed: Filed,
    /// Of the bucket with this number: where it ends in the next column.
    bucket_end: u16,
    /// Numbers of the rules, by bucket.
    by_tag: u16,
    /// Numbers of the rules, by kind and effect.
    by_kind: u16,
}

/// What a rule is filed under.
#[derive(Clone, Copy, Debug, Default)]
struct Filed {
    kind: Kind,
    tag: u32,
}

/// What the lists of an index need beside its slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory {
    /// Where the list of each kind and effect ends.
    list_ends: [u16; LISTS],
    lengths: [Lengths; Kind::COUNT],
}

impl Directory {
    /// Files the rules, one in each slot. Whatever was in the slots is gone.
    pub(super) fn build(rules: PolicyRules<'_>, slots: &mut [IndexSlot]) -> Self {
        slots.fill(IndexSlot::default());
        let lengths = choose(rules.clone(), slots);
        sort_by_tag(slots);
        let list_ends = sort_by_kind(rules, slots);
        Self { list_ends, lengths }
    }

    /// The lengths of what rules are filed under.
    pub(super) fn lengths(&self, kind: Kind) -> Lengths {
        self.lengths.get(kind.index()).copied().unwrap_or_default()
    }

    /// The part of the list by kind with the rules of one kind and effect.
    pub(super) fn list(&self, kind: Kind, effect: Effect) -> Range<u16> {
        let at = list(kind, effect);
        let end = |at: usize| self.list_ends.get(at).copied();
        let start = at.checked_sub(1).and_then(end).unwrap_or(0);
        start..end(at).unwrap_or(start)
    }
}

/// Files each rule under that of its conditions which the fewest rules have, and says how long these are.
fn choose(rules: PolicyRules<'_>, slots: &mut [IndexSlot]) -> [Lengths; Kind::COUNT] {
    for rule in rules.clone() {
        for key in keys_of(&rule).iter().flatten() {
            sketch(slots, key.tag);
        }
    }
    let mut lengths = [Lengths::default(); Kind::COUNT];
    for (number, rule) in numbered(rules) {
        let keys = keys_of(&rule);
        let rarest = keys
            .iter()
            .flatten()
            .min_by_key(|key| frequency(slots, key.tag));
        let Some(key) = rarest else { continue };
        if let Some(slot) = slots.get_mut(usize::from(number)) {
            slot.filed = Filed {
                kind: key.kind,
                tag: key.tag,
            };
        }
        if let Some(lengths) = lengths.get_mut(key.kind.index()) {
            lengths.add(key.length);
        }
    }
    lengths
}

/// Counts a tag. The columns of the list by tag, which is made later, are the two rows of a count-min sketch
/// (Cormode and Muthukrishnan 2005): a rare tag is taken for a frequent one only if it meets such in both.
fn sketch(slots: &mut [IndexSlot], tag: u32) {
    count(bucket_end(slots, tag));
    let other = bucket(slots, other_hash(tag));
    count(slots.get_mut(other).map(|slot| &mut slot.by_tag));
}

/// How many rules have a condition with this tag, or a few more.
fn frequency(slots: &[IndexSlot], tag: u32) -> u16 {
    let row = |tag| slots.get(bucket(slots, tag));
    let one = row(tag).map_or(0, |slot| slot.bucket_end);
    let other = row(other_hash(tag)).map_or(0, |slot| slot.by_tag);
    one.min(other)
}

/// A number that spreads tags over the buckets in another way.
const fn other_hash(tag: u32) -> u32 {
    tag.rotate_left(16)
}

/// Makes the list by tag, which leaves out what is filed under nothing.
fn sort_by_tag(slots: &mut [IndexSlot]) {
    let numbers = 0..u16::try_from(slots.len()).unwrap_or(u16::MAX);
    slots.iter_mut().for_each(|slot| slot.bucket_end = 0);
    for number in numbers.clone() {
        if let Some(filed) = filed(slots, number) {
            count(bucket_end(slots, filed.tag));
        }
    }
    let ends = slots.iter_mut().map(|slot| &mut slot.bucket_end);
    counts_into_starts(ends);
    for number in numbers {
        let place = filed(slots, number).and_then(|filed| {
            let end = bucket_end(slots, filed.tag);
            end.map(advance)
        });
        if let Some(slot) = place.and_then(|place| slots.get_mut(usize::from(place))) {
            slot.by_tag = number;
        }
    }
}

/// Makes the list by kind and effect, and says where each part of it ends.
fn sort_by_kind(rules: PolicyRules<'_>, slots: &mut [IndexSlot]) -> [u16; LISTS] {
    let mut ends = [0; LISTS];
    let kind =
        |slots: &[IndexSlot], number| filed(slots, number).map_or(Kind::NONE, |filed| filed.kind);
    for (number, rule) in numbered(rules.clone()) {
        count(ends.get_mut(list(kind(slots, number), rule.effect())));
    }
    counts_into_starts(ends.iter_mut());
    for (number, rule) in numbered(rules) {
        let end = ends.get_mut(list(kind(slots, number), rule.effect()));
        let place = end.map(advance);
        if let Some(slot) = place.and_then(|place| slots.get_mut(usize::from(place))) {
            slot.by_kind = number;
        }
    }
    ends
}

/// The rules with their numbers, of which a policy has fewer than 2^16. `enumerate` would leave a call to
/// panic in the driver.
fn numbered(rules: PolicyRules<'_>) -> impl Iterator<Item = (u16, PolicyRule<'_>)> {
    (0..u16::MAX).zip(rules)
}

/// What a rule is filed under, if it is under anything.
fn filed(slots: &[IndexSlot], number: u16) -> Option<Filed> {
    let slot = slots.get(usize::from(number))?;
    Some(slot.filed).filter(|filed| filed.kind != Kind::NONE)
}

/// One more.
fn count(counter: Option<&mut u16>) {
    if let Some(counter) = counter {
        *counter = counter.saturating_add(1);
    }
}

/// How many there are of each becomes where each begins.
fn counts_into_starts<'a>(counts: impl Iterator<Item = &'a mut u16>) {
    let mut start = 0_u16;
    for count in counts {
        let end = start.saturating_add(*count);
        *count = start;
        start = end;
    }
}

/// The place where a part ends so far; then it has one more.
fn advance(end: &mut u16) -> u16 {
    let place = *end;
    *end = place.saturating_add(1);
    place
}

/// The bucket of a tag, one of as many as there are slots: tags are spread over all 32 bits.
fn bucket(slots: &[IndexSlot], tag: u32) -> usize {
    let count = u64::try_from(slots.len()).unwrap_or(0);
    let spread = u64::from(tag).saturating_mul(count);
    usize::try_from(spread >> 32).unwrap_or(0)
}

fn bucket_end(slots: &mut [IndexSlot], tag: u32) -> Option<&mut u16> {
    let bucket = bucket(slots, tag);
    slots.get_mut(bucket).map(|slot| &mut slot.bucket_end)
}

/// The part of the list by tag that the rules with a tag lie in, beside some with others.
pub(super) fn bucket_range(slots: &[IndexSlot], tag: u32) -> Range<u16> {
    let bucket = bucket(slots, tag);
    let end = |bucket: usize| slots.get(bucket).map(|slot| slot.bucket_end);
    let start = bucket.checked_sub(1).and_then(end).unwrap_or(0);
    start..end(bucket).unwrap_or(start)
}

/// A place in the list by tag: the number of the rule, if it has the tag.
pub(super) fn by_tag(slots: &[IndexSlot], place: u16, tag: u32) -> Option<u16> {
    let number = slots.get(usize::from(place))?.by_tag;
    filed(slots, number)
        .filter(|filed| filed.tag == tag)
        .map(|_| number)
}

/// A place in the list by kind: the number of the rule.
pub(super) fn by_kind(slots: &[IndexSlot], place: u16) -> Option<u16> {
    slots.get(usize::from(place)).map(|slot| slot.by_kind)
}

/// Kinds by effects.
const LISTS: usize = 30;
const _: () = assert!(LISTS == Kind::COUNT * 3, "LISTS is not that of all kinds");

/// The place of a kind and an effect in the table of their ends.
fn list(kind: Kind, effect: Effect) -> usize {
    let effect = match effect {
        Effect::Allow => 0,
        Effect::Flag => 1,
        Effect::Deny => 2,
    };
    kind.index().saturating_mul(3).saturating_add(effect)
}
