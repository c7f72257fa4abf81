//! What a rule is, and which rules fire for a request.
//!
//! The rules stand in `table.rs`, what they look for in `check.rs`, what follows in `verdict.rs`.
//! Every rule is run on every request; [`find`] returns all that fired.

use crate::facts::{FileFacts, VolumeAttributes};
use crate::table::RULES;
use crate::{Bitness, Capture, Claim, ControlCode, Facts, StructuralFinding};
use wire::{FileKind, PolicyMatch, RuleId, RuleSet};

/// What a rule may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No legal caller does it and the status is documented: refused in enforce mode.
    Definite,
    /// Refused only when the policy lists the rule.
    Strict,
    /// Recorded, never refused: racy, disputed or legal.
    Note,
    /// Decided by the policy's own rules.
    Policy,
    /// About ourselves: a request could not be looked at. Refused if the policy wants no gap in the
    /// audit.
    Engine,
}

/// With what a rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It never refuses.
    Never,
    /// With this NTSTATUS.
    Status(u32),
    /// With the NTSTATUS of the object manager.
    ObjectManager,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its number, which never changes.
    pub id: RuleId,
    /// Its stable name.
    pub name: &'static str,
    /// What it may lead to.
    pub class: Class,
    /// With what it refuses.
    pub answer: Answer,
    /// What it looks for, in one line.
    pub text: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// The check.
    pub(crate) check: fn(&Subject<'_>) -> Finding,
}

/// What a check looks at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The input as captured.
    pub capture: &'a Capture,
    /// What [`Capture::read`] made of it.
    pub claim: &'a Result<Claim, StructuralFinding>,
    /// What was found out beside it.
    pub facts: &'a Facts,
    /// What the rules of the policy say.
    pub policy: PolicyMatch,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Nothing to say, or a fact is missing.
    Silent,
    /// The rule fires with the class it has in the table.
    Fires,
    /// The rule fires, but nobody may be refused for it: this caller may be legal, or this file
    /// system may answer otherwise.
    Notes,
}

/// The rules that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    /// All of them.
    pub fired: RuleSet,
    /// Those that are reason enough to refuse, if mode and policy say so. Never a note.
    pub grounds: RuleSet,
}

/// The definite rules.
const DEFINITE: RuleSet = {
    let mut definite = RuleSet::EMPTY;
    let mut rules = RULES.as_slice();
    while let [rule, rest @ ..] = rules {
        if matches!(rule.class, Class::Definite) {
            definite.insert(rule.id);
        }
        rules = rest;
    }
    definite
};

/// Runs the rules at these places of the table. Each place is a constant, so the compiler knows the check that stands
/// there and takes it in: a request without findings costs no call and no look at the table.
macro_rules! run {
    ($subject:ident: $($place:literal)*) => {{
        const PLACES: [usize; RULES.len()] = [$($place),*];
        const _: () = assert!(is_every_place(&PLACES), "every rule is run, in the order of the table");
        let mut findings = Findings::NONE;
        $(
            let rule = const { &RULES[$place] };
            findings.take(rule.id, rule.class, (rule.check)($subject));
        )*
        findings
    }};
}

/// Whether these are the places of a table, all of them and in order.
const fn is_every_place(mut places: &[usize]) -> bool {
    while let [before @ .., last] = places {
        if *last != before.len() {
            return false;
        }
        places = before;
    }
    true
}

/// Runs every rule.
// Not inlined, because it is run again once the volume was asked.
#[must_use]
#[inline(never)]
pub fn find(subject: &Subject<'_>) -> Findings {
    run!(subject: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29)
}

impl Findings {
    const NONE: Self = Self {
        fired: RuleSet::EMPTY,
        grounds: RuleSet::EMPTY,
    };

    /// Takes in what a check says.
    #[inline(always)]
    const fn take(&mut self, id: RuleId, class: Class, finding: Finding) {
        match (finding, class) {
            (Finding::Silent, _) => {}
            (Finding::Fires, Class::Note) | (Finding::Notes, _) => self.fired.insert(id),
            (Finding::Fires, _) => {
                self.fired.insert(id);
                self.grounds.insert(id);
            }
        }
    }

    /// Whether a definite rule fired, so that it matters whether the volume clones and takes writes.
    #[must_use]
    pub fn depend_on_volume(&self) -> bool {
        self.fired.bits() & DEFINITE.bits() != 0
    }

    /// The findings of a recorded request under the rules of another policy. `undecided` says whether
    /// rule 70 fired because of the policy that was in force, and for no other reason.
    #[must_use]
    pub fn under(mut self, undecided: bool, policy: PolicyMatch) -> Self {
        self.set(RuleId::POLICY, Finding::Silent);
        if undecided {
            self.set(RuleId::NOT_INSPECTED, Finding::Silent);
        }
        match policy {
            PolicyMatch::Deny => self.set(RuleId::POLICY, Finding::Fires),
            PolicyMatch::Flag => self.set(RuleId::POLICY, Finding::Notes),
            PolicyMatch::Undecided => self.set(RuleId::NOT_INSPECTED, Finding::Fires),
            PolicyMatch::NoMatch | PolicyMatch::Allow | PolicyMatch::Unknown(_) => {}
        }
        self
    }

    /// Makes a rule say something else.
    const fn set(&mut self, id: RuleId, finding: Finding) {
        self.fired.remove(id);
        self.grounds.remove(id);
        match finding {
            Finding::Silent => {}
            Finding::Notes => self.fired.insert(id),
            Finding::Fires => {
                self.fired.insert(id);
                self.grounds.insert(id);
            }
        }
    }
}

impl Subject<'_> {
    /// The claim, if there is one.
    pub(crate) fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref().ok()
    }

    /// Whether the file system is known to answer a malformed input by itself: ReFS does, on a volume that
    /// clones and for a data stream. Others do not look at the input first (OpenZFS on Windows,
    /// `duplicate_extents_to_file`), or do not know the EX code (WinBtrfs, `duplicate_extents`).
    pub(crate) fn structure_decides(&self) -> bool {
        self.clones_into_data(VolumeAttributes::clones)
    }

    /// Whether the file system is known to judge these numbers by themselves.
    ///
    /// A read-only volume answers before it looks at them (MS-FSA 2.1.5.10.4). A count of zero
    /// succeeds, and sources disagree whether before or after the offsets are looked at. How a file
    /// system reads the EX structure of a 32-bit program is documented nowhere, so the numbers it
    /// sees may be others.
    pub(crate) fn numbers_decide(&self) -> bool {
        let foreign_layout = self.capture.code == ControlCode::DuplicateEx
            && self.capture.bitness == Bitness::Bits32;
        self.clones_into_data(VolumeAttributes::clones_and_writes)
            && !foreign_layout
            && self.claim().is_some_and(|claim| claim.byte_count != 0)
    }

    /// Whether this is ReFS, the volume is known to be so, and the target to be a data stream.
    fn clones_into_data(&self, is_so: fn(VolumeAttributes) -> bool) -> bool {
        let is_data = |file: FileFacts| file.kind == FileKind::Data;
        self.facts.is_refs
            && self.facts.volume.known().is_some_and(is_so)
            && self.facts.target_file.known().is_some_and(is_data)
    }
}

#[cfg(test)]
mod tests {
    use super::is_every_place;

    #[test]
    fn a_place_left_out_doubled_or_moved_is_noticed() {
        assert!(is_every_place(&[]) && is_every_place(&[0]) && is_every_place(&[0, 1, 2]));
        for wrong in [&[1][..], &[0, 0], &[0, 2], &[1, 0], &[0, 2, 1], &[1, 1, 2]] {
            assert!(!is_every_place(wrong), "{wrong:?}");
        }
    }
}
