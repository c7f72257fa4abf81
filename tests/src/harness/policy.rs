//! The policies of the stages on a machine of Windows.
//!
//! That of the stage `policy` is the test-bed's, bed/policy.toml. There a case's files lie at the root of a volume; here
//! they lie in the case's own directory, below one that is called as [`FOLDER`] says ([`super::volumes`]), so the patterns
//! are moved there.

use super::volumes::FOLDER;
use crate::expect::Mode;

/// The policy of the test-bed.
const OF_TEST_BED: &str = include_str!("../bed/policy.toml");
/// How its patterns of the cases' files begin.
const AT_ROOT: &str = r"'*:\policy-";
/// How the name of a case begins whose program has to be called after it: the first rule is about such a program. Here
/// every case has the same program, which has another name.
pub(crate) const NAMED_PROGRAM: &str = "policy.allow";
/// Tells that the driver has taken the policy.
pub(crate) const REVISION: u64 = 20_260_731;

/// How the driver comes to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// It is loaded without any.
    Without,
    /// It is there when the driver is loaded.
    Before(String),
    /// It is put there while the driver runs, which is told to read it again (docs/policy.md).
    Reloaded(String),
}

/// That of a stage.
pub(crate) fn of(mode: Mode) -> Plan {
    match mode {
        Mode::Observe => Plan::Without,
        Mode::Enforce => Plan::Before("mode = 'enforce'".to_owned()),
        Mode::Policy => {
            let below = format!(r"'*:\**{FOLDER}*\*\policy-");
            let moved = OF_TEST_BED.replace(AT_ROOT, &below);
            Plan::Reloaded(format!("revision = {REVISION}\n{moved}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use cloneguard::policy::compile_bytes;
    use cloneguard::policy::replay::{Recorded, index, replay};
    use serde_json::json;
    use wire::Verdict;

    use super::{AT_ROOT, NAMED_PROGRAM, Plan, REVISION, of};
    use crate::cases;
    use crate::expect::Mode;
    use crate::harness::volumes::FOLDER;

    fn moved() -> String {
        let Plan::Reloaded(policy) = of(Mode::Policy) else {
            panic!("it is reloaded");
        };
        policy
    }

    #[test]
    fn every_policy_compiles() {
        let Plan::Before(enforce) = of(Mode::Enforce) else {
            panic!("it is there before");
        };
        for policy in [enforce, moved()] {
            cloneguard::policy::compile(&policy).unwrap();
        }
        assert_eq!(of(Mode::Observe), Plan::Without);
        assert!(moved().starts_with(&format!("revision = {REVISION}\n")));
    }

    /// A pattern that was left at the root would make its rule say nothing here, and its cases fail.
    #[test]
    fn every_pattern_of_a_file_is_moved() {
        let policy = moved();
        assert!(!policy.contains(AT_ROOT));
        let patterns = policy
            .lines()
            .filter(|line| line.starts_with("target = ") || line.starts_with("source = "));
        let patterns: Vec<&str> = patterns.collect();
        assert!(patterns.len() >= 7, "{patterns:?}");
        for pattern in patterns {
            assert!(
                pattern.contains(&format!(r"\**{FOLDER}*\*\policy-")),
                "{pattern}"
            );
        }
    }

    /// The verdict on a clone from one file to another by this program, by the evaluator that the driver runs.
    fn verdict(source: &str, target: &str) -> Verdict {
        let policy = index(compile_bytes(moved().as_bytes()).unwrap());
        let name = |text: &str| json!({ "text": text, "is_truncated": false });
        let line = json!({
            "kind": "clone", "sequence": 1, "verdict": "passed", "rules": [], "grounds": [],
            "policy": { "match": "no_match" }, "source_status": null, "process_id": 8,
            "user_sid": "S-1-5-18", "source_state": "same_volume", "remote": false,
            "claim": { "byte_count": 4096 },
            "image": name(r"\Device\HarddiskVolume3\conformance\conformance.exe"),
            "source": name(source), "target": name(target),
        });
        let recorded = Recorded::parse(&line.to_string()).unwrap().unwrap();
        replay(&policy, &recorded).after
    }

    #[test]
    fn the_moved_rules_are_about_the_files_of_cases_and_no_others() {
        let prepared = r"\Device\HarddiskVolume9\cloneguard-conformance\12";
        let given = r"\Device\HarddiskVolume3\somebody\s\cloneguard-conformance-77\3";
        for case in [prepared, given] {
            let of = |source: &str, target: &str| {
                verdict(&format!(r"{case}\{source}"), &format!(r"{case}\{target}"))
            };
            assert_eq!(of("source", "policy-denied"), Verdict::Refused, "{case}");
            assert_eq!(of("source", "POLICY-Denied"), Verdict::Refused, "{case}");
            assert_eq!(of("source", "policy-denied-not"), Verdict::Passed, "{case}");
            assert_eq!(of("source", "policy-flagged"), Verdict::Flagged, "{case}");
            assert_eq!(
                of("policy-secret1", "policy-open"),
                Verdict::Refused,
                "{case}"
            );
            assert_eq!(
                of("policy-secret", "policy-open"),
                Verdict::Passed,
                "{case}"
            );
            assert_eq!(of("source", "target"), Verdict::Passed, "{case}");
        }
        let others = [
            r"\Device\HarddiskVolume3",
            r"\Device\HarddiskVolume3\conformance\1",
        ];
        for other in others {
            let verdict = verdict(r"\Device\A\source", &format!(r"{other}\policy-denied"));
            assert_eq!(verdict, Verdict::Passed, "{other}");
        }
    }

    #[test]
    fn some_cases_and_the_first_rule_are_about_a_program_by_name() {
        let rule = format!("image = '*:\\conformance\\{NAMED_PROGRAM}*'");
        assert!(moved().contains(&rule));
        let named = cases::all().filter(|case| case.id.starts_with(NAMED_PROGRAM));
        assert!(named.count() >= 2);
    }
}
