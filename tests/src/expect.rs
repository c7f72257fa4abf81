//! What must come of a request, on every stage: the file system's answer and the driver's record.
//!
//! An [`Expect`] is data. What differs between stages is looked up in it by [`Mode`], so no body ever
//! asks where it runs.

use serde::Serialize;

use crate::status::{ACCESS_DENIED, Status};

/// How the driver on a stage is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It observes: its default, without any policy.
    Observe,
    /// It enforces the definite rules.
    Enforce,
    /// It enforces the strict rules too, and the policy's own rules apply.
    Policy,
}

/// What a record says was decided; the names are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No rule fired.
    Passed,
    /// Rules fired, none of which refuses here.
    Flagged,
    /// It would be refused if the driver enforced.
    WouldRefuse,
    /// It was refused.
    Refused,
    /// The driver could not look.
    NotInspected,
}

impl Verdict {
    /// The name of the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Flagged => "flagged",
            Self::WouldRefuse => "would_refuse",
            Self::Refused => "refused",
            Self::NotInspected => "not_inspected",
        }
    }
}

/// The verdict in each mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// In [`Mode::Observe`].
    pub observe: Verdict,
    /// In [`Mode::Enforce`].
    pub enforce: Verdict,
    /// In [`Mode::Policy`].
    pub policy: Verdict,
}

impl Verdicts {
    /// The same everywhere.
    const fn all(verdict: Verdict) -> Self {
        Self {
            observe: verdict,
            enforce: verdict,
            policy: verdict,
        }
    }

    /// In this mode.
    #[must_use]
    pub const fn in_mode(self, mode: Mode) -> Verdict {
        match mode {
            Mode::Observe => self.observe,
            Mode::Enforce => self.enforce,
            Mode::Policy => self.policy,
        }
    }
}

/// How far a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The driver judges it: one record.
    Judged,
    /// The driver notes it and does not judge it: one record of kind "seen".
    Seen,
    /// The driver lets it pass without a record, or it never gets there.
    Unrecorded,
}

/// What must come of a request.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Expect {
    /// The file system's answer.
    pub status: Status,
    /// How far the request gets.
    pub reach: Reach,
    /// The rules that fire, the deciding one first.
    pub fires: &'static [u8],
    /// What the driver decides.
    pub verdicts: Verdicts,
    /// The driver's own status where it refuses, if it is not the file system's.
    pub refusal: Option<Status>,
    /// The rule that fires in [`Mode::Policy`] only.
    pub policy_rule: Option<u8>,
    /// Bytes from the start of the range that are cloned, if that is not what the status says.
    pub cloned: Option<u64>,
}

/// No rule fires.
#[must_use]
pub const fn passes(status: Status) -> Expect {
    Expect {
        status,
        reach: Reach::Judged,
        fires: &[],
        verdicts: Verdicts::all(Verdict::Passed),
        refusal: None,
        policy_rule: None,
        cloned: None,
    }
}

/// These rules fire, and none of them refuses.
#[must_use]
pub const fn flagged(status: Status, fires: &'static [u8]) -> Expect {
    Expect {
        fires,
        verdicts: Verdicts::all(Verdict::Flagged),
        ..passes(status)
    }
}

/// The first of these rules is definite: the driver refuses as the file system does.
#[must_use]
pub const fn definite(status: Status, fires: &'static [u8]) -> Expect {
    Expect {
        fires,
        verdicts: Verdicts {
            observe: Verdict::WouldRefuse,
            enforce: Verdict::Refused,
            policy: Verdict::Refused,
        },
        ..passes(status)
    }
}

/// The first of these rules is strict: the driver refuses where the policy lists it.
#[must_use]
pub const fn strict(status: Status, fires: &'static [u8]) -> Expect {
    Expect {
        fires,
        verdicts: Verdicts {
            observe: Verdict::Flagged,
            enforce: Verdict::Flagged,
            policy: Verdict::Refused,
        },
        ..passes(status)
    }
}

/// No filter sees it: the answer is that of the layers above.
#[must_use]
pub const fn unrecorded(status: Status) -> Expect {
    Expect {
        reach: Reach::Unrecorded,
        ..passes(status)
    }
}

/// The driver notes that it passed, and does not judge it.
#[must_use]
pub const fn seen(status: Status) -> Expect {
    Expect {
        reach: Reach::Seen,
        ..passes(status)
    }
}

impl Expect {
    /// Where the driver refuses, it does so with this status.
    #[must_use]
    pub const fn refused_with(self, status: Status) -> Self {
        Self {
            refusal: Some(status),
            ..self
        }
    }

    /// A deny rule of the policy matches (rule 60), and nothing else refuses.
    #[must_use]
    pub const fn denied_by_policy(self) -> Self {
        let denied = self.with_policy(60, Verdict::Refused);
        denied.refused_with(ACCESS_DENIED)
    }

    /// In [`Mode::Policy`] this rule fires too, and the verdict is this one.
    #[must_use]
    pub const fn with_policy(self, rule: u8, policy: Verdict) -> Self {
        Self {
            verdicts: Verdicts {
                policy,
                ..self.verdicts
            },
            policy_rule: Some(rule),
            ..self
        }
    }

    /// The driver could not look at it.
    #[must_use]
    pub const fn not_inspected(self) -> Self {
        Self {
            verdicts: Verdicts::all(Verdict::NotInspected),
            ..self
        }
    }

    /// So many bytes from the start of the range are cloned, whatever the status.
    #[must_use]
    pub const fn cloning(self, bytes: u64) -> Self {
        Self {
            cloned: Some(bytes),
            ..self
        }
    }

    /// Whether the driver refuses it in this mode.
    #[must_use]
    pub fn is_refused(&self, mode: Option<Mode>) -> bool {
        mode.is_some_and(|mode| self.verdicts.in_mode(mode) == Verdict::Refused)
    }

    /// The status that the caller gets; without a mode there is no driver.
    #[must_use]
    pub fn status(&self, mode: Option<Mode>) -> Status {
        match self.refusal {
            Some(refusal) if self.is_refused(mode) => refusal,
            Some(_) | None => self.status,
        }
    }

    /// The rules that fire in this mode, the deciding one first: what the policy adds comes after the
    /// definite and the strict rules, and before the notes (docs/rules.md).
    #[must_use]
    pub fn rules(&self, mode: Mode) -> Vec<u8> {
        let is_before = |rule: &u8| matches!(rule, 1..=3 | 10..=14 | 20..=22 | 40..=43);
        let mut rules = self.fires.to_vec();
        if let Some(added) = self.policy_rule.filter(|_| mode == Mode::Policy) {
            let place = rules.iter().take_while(|rule| is_before(rule)).count();
            rules.insert(place, added);
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Verdict, definite, passes, strict};
    use crate::status::{ACCESS_DENIED, INVALID_HANDLE, INVALID_PARAMETER, SUCCESS};

    #[test]
    fn a_definite_rule_refuses_as_soon_as_the_driver_enforces() {
        let expect = definite(INVALID_PARAMETER, &[20]);
        let refused = [
            None,
            Some(Mode::Observe),
            Some(Mode::Enforce),
            Some(Mode::Policy),
        ]
        .map(|mode| expect.is_refused(mode));
        assert_eq!(refused, [false, false, true, true]);
        assert_eq!(expect.verdicts.observe, Verdict::WouldRefuse);
    }

    #[test]
    fn a_strict_rule_has_a_status_of_its_own_where_it_refuses() {
        let expect = strict(INVALID_HANDLE, &[41]).refused_with(INVALID_PARAMETER);
        assert_eq!(expect.status(None), INVALID_HANDLE);
        assert_eq!(expect.status(Some(Mode::Enforce)), INVALID_HANDLE);
        assert_eq!(expect.status(Some(Mode::Policy)), INVALID_PARAMETER);
    }

    #[test]
    fn a_deny_rule_adds_its_number_where_there_is_a_policy() {
        let expect = passes(SUCCESS).denied_by_policy();
        assert_eq!(expect.status(Some(Mode::Observe)), SUCCESS);
        assert_eq!(expect.status(Some(Mode::Policy)), ACCESS_DENIED);
        assert!(expect.rules(Mode::Enforce).is_empty());
        assert_eq!(expect.rules(Mode::Policy), [60]);
        let expect = definite(INVALID_PARAMETER, &[20, 4]).with_policy(60, Verdict::Refused);
        assert_eq!(expect.rules(Mode::Policy), [20, 60, 4]);
    }
}
