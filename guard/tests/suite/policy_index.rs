//! The index of a policy's rules: it changes no decision, and a request meets few of many rules.

use crate::blob::{Pattern, Rule, any, blob, device, guid, on_device};
use crate::linear::{decide, index};
use crate::policy::units;
use guard::policy::{
    Effect, IndexSlot, IndexedPolicy, PathName, PolicyBlob, PolicyDecision, PolicySubject,
    SlotCount,
};
use proptest::prelude::*;
use proptest::sample::select;

const SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
const EVERYONE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/// Patterns with and without a beginning, an end and a whole to look for, some of them each other's.
const PATTERNS: [&str; 24] = [
    r"\**",
    r"\*",
    r"\A",
    r"\A\**",
    r"\A\B",
    r"\A\B\**",
    r"\A\B\*.X",
    r"\A\B\C.X",
    r"\A\?",
    r"\A*",
    r"\AB",
    r"\**.X",
    r"\**\C.X",
    r"\*\B\*",
    r"\**B",
    r"\**\B\**",
    r"\Ä\**",
    r"\**Ä",
    r"\**:S",
    r"\A:$DATA",
    r"\A:S",
    r"\A\B?C.X",
    r"\**A**B**",
    r"\A\B\C\D\E\F\G\H\A\B\C\D\E\F\G\H\A\B\C\D\E\F\G\H\A\B\C\D\E\F\G\H.X",
];

/// Parts that names are put together from.
const PARTS: [&str; 14] = [
    r"\a",
    r"\A",
    r"\b",
    r"\B",
    r"\c",
    ".x",
    ".X",
    r"\ä",
    "Ä",
    ":s",
    "::$DATA",
    ":$data",
    "b",
    r"\a\b\c.x",
];

fn pattern() -> impl Strategy<Value = Option<Pattern>> {
    let path = || select(&PATTERNS[..]);
    prop_oneof![
        4 => Just(None),
        4 => path().prop_map(|path| Some(any(path))),
        1 => path().prop_map(|path| Some(on_device(r"\DEVICE\D", path))),
    ]
}

prop_compose! {
    fn rule()(
        effect in prop_oneof![1 => Just(Effect::Allow), 1 => Just(Effect::Flag), 3 => Just(Effect::Deny)],
        image in pattern(),
        source in pattern(),
        target in pattern(),
        user in proptest::option::weighted(0.3, prop_oneof![Just(SYSTEM), Just(EVERYONE)]),
        volume in proptest::option::weighted(0.3, prop_oneof![
            Just(device(r"\DEVICE\D")), Just(device(r"\DEVICE\E")), Just(guid([7; 16])), Just(guid([8; 16])),
        ]),
        remote in 0_u8..3,
        byte_count_min in prop_oneof![4 => Just(0_u64), 1 => Just(50)],
    ) -> Rule {
        let user = user.map(|sid| sid.to_vec());
        Rule { effect, image, user, source, target, volume, remote, byte_count_min }
    }
}

/// A name in some letter case, whole or cut.
#[derive(Clone, Debug)]
struct Text {
    device: Vec<u16>,
    rest: Vec<u16>,
    is_cut: bool,
}

impl Text {
    fn new(rest: &str) -> Self {
        Self {
            device: units(r"\Device\d"),
            rest: units(rest),
            is_cut: false,
        }
    }

    fn name(&self) -> PathName<'_> {
        PathName {
            device: &self.device,
            rest: &self.rest,
            volume_guid: None,
            is_cut: self.is_cut,
        }
    }
}

prop_compose! {
    fn text()(
        device in select(&[r"\Device\d", r"\device\E"][..]),
        parts in proptest::collection::vec(select(&PARTS[..]), 0..5),
        is_cut in proptest::bool::weighted(0.2),
    ) -> Text {
        let rest = units(&format!(r"\{}", parts.concat().trim_start_matches('\\')));
        Text { device: units(device), rest, is_cut }
    }
}

proptest! {
    #[test]
    fn no_decision_depends_on_the_index(
        rules in proptest::collection::vec(rule(), 0..if cfg!(miri) { 8 } else { 40 }),
        [image, source, target] in [
            proptest::option::weighted(0.8, text()),
            proptest::option::weighted(0.8, text()),
            proptest::option::weighted(0.8, text()),
        ],
        user in proptest::option::weighted(0.8, prop_oneof![Just(SYSTEM), Just(EVERYONE)]),
        volume_guid in proptest::option::weighted(0.8, prop_oneof![Just([7; 16]), Just([9; 16])]),
        knows_device in proptest::bool::ANY,
        remote in proptest::option::weighted(0.8, proptest::bool::ANY),
        byte_count in proptest::option::weighted(0.8, 0_i64..100),
    ) {
        let target = target.as_ref().map(Text::name);
        let subject = PolicySubject {
            image: image.as_ref().map(Text::name),
            user: user.as_ref().map(|sid| &sid[..]),
            source: source.as_ref().map(Text::name),
            target,
            volume_device: target.filter(|_| knows_device).map(|target| target.device),
            volume_guid,
            remote,
            byte_count,
        };
        // Compares.
        decide(&blob(&rules), &subject);
        let policy = blob(&rules);
        let policy = index(&policy);
        let met: Vec<_> = policy.candidates(&subject).collect();
        prop_assert!(met.is_sorted_by(|one, next| one < next), "{met:?}");
    }
}

/// What is known about a request of which nothing fits any rule.
struct Known {
    name: Text,
}

impl Known {
    fn new() -> Self {
        Self {
            name: Text::new(r"\else\where.txt"),
        }
    }

    fn subject(&self) -> PolicySubject<'_> {
        PolicySubject {
            image: Some(self.name.name()),
            user: Some(&EVERYONE),
            source: Some(self.name.name()),
            target: Some(self.name.name()),
            volume_device: Some(&self.name.device),
            volume_guid: Some([0xEE; 16]),
            remote: Some(false),
            byte_count: Some(0),
        }
    }
}

/// The rules that a request meets.
fn met(rules: &[Rule], subject: &PolicySubject<'_>) -> Vec<u16> {
    let policy = blob(rules);
    // Compares.
    decide(&policy, subject);
    index(&policy).candidates(subject).collect()
}

fn sid(number: usize) -> Vec<u8> {
    let number = u32::try_from(number).unwrap();
    [&[1, 1, 0, 0, 0, 0, 0, 5][..], &number.to_le_bytes()].concat()
}

fn guid_of(number: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Gives a rule a condition of its own.
type Condition = fn(usize, &mut Rule);

/// So many rules, which differ in one condition.
fn numbered(count: usize, condition: impl Fn(usize, &mut Rule)) -> Vec<Rule> {
    let rule = |number| {
        let mut rule = Rule::new(Effect::Deny);
        condition(number, &mut rule);
        rule
    };
    (0..count).map(rule).collect()
}

fn thousand(condition: impl Fn(usize, &mut Rule)) -> Vec<Rule> {
    numbered(1000, condition)
}

/// A question mark stands for any unit, so what it stands in is no text to look for.
#[test]
fn a_question_mark_ends_what_a_pattern_begins_or_ends_with() {
    let known = Known::new();
    for (pattern, name) in [
        (r"\DIRECTORY\A?C\**", r"\directory\axc\file"),
        (r"\**\FILE?.TEXT", r"\directory\file7.text"),
        (r"\DIRECTORY\FILE?.TEXT", r"\directory\fileq.text"),
        (r"\DIRECTORY?FILE", r"\directory-file"),
    ] {
        let mut rule = Rule::new(Effect::Deny);
        rule.source = Some(any(pattern));
        let text = Text::new(name);
        let subject = PolicySubject {
            source: Some(text.name()),
            ..known.subject()
        };
        assert_eq!(met(&[rule], &subject), [0], "{name}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "a thousand rules for each condition")]
#[expect(
    clippy::too_many_lines,
    reason = "a list of conditions, each with a request that fulfils it"
)]
fn a_request_meets_only_the_rules_whose_condition_it_fulfils() {
    let known = Known::new();
    let none = known.subject();
    let start = Text::new(r"\dir617\sub\file");
    let end = Text::new(r"\sub\file.ext617");
    let whole = Text::new(r"\DIR\file617.exe::$DATA");
    let (user, volume) = (sid(617), units(r"\device\v617"));
    let starts: Condition = |number, rule| {
        rule.image = Some(any(format!(r"\DIR{number}\**")));
    };
    let ends: Condition = |number, rule| {
        rule.image = Some(any(format!(r"\**.EXT{number}")));
    };
    let wholes: Condition = |number, rule| {
        rule.image = Some(any(format!(r"\DIR\FILE{number}.EXE")));
    };
    for (condition, text) in [(starts, &start), (ends, &end), (wholes, &whole)] {
        let name = Some(text.name());
        let images = thousand(condition);
        let moved = |to: fn(&mut Rule, Option<Pattern>)| {
            let mut rules = images.clone();
            rules.iter_mut().for_each(|rule| {
                let pattern = rule.image.take();
                to(rule, pattern);
            });
            rules
        };
        let sources = moved(|rule, pattern| rule.source = pattern);
        let targets = moved(|rule, pattern| rule.target = pattern);
        for rules in [&images, &sources, &targets] {
            assert_eq!(met(rules, &none), []);
        }
        assert_eq!(
            met(
                &images,
                &PolicySubject {
                    image: name,
                    ..none
                }
            ),
            [617]
        );
        assert_eq!(
            met(
                &images,
                &PolicySubject {
                    source: name,
                    target: name,
                    ..none
                }
            ),
            []
        );
        assert_eq!(
            met(
                &sources,
                &PolicySubject {
                    source: name,
                    ..none
                }
            ),
            [617]
        );
        assert_eq!(
            met(
                &sources,
                &PolicySubject {
                    image: name,
                    target: name,
                    ..none
                }
            ),
            []
        );
        assert_eq!(
            met(
                &targets,
                &PolicySubject {
                    target: name,
                    ..none
                }
            ),
            [617]
        );
        assert_eq!(
            met(
                &targets,
                &PolicySubject {
                    image: name,
                    source: name,
                    ..none
                }
            ),
            []
        );
    }
    let users = thousand(|number, rule| rule.user = Some(sid(number)));
    assert_eq!(met(&users, &none), []);
    assert_eq!(
        met(
            &users,
            &PolicySubject {
                user: Some(&user),
                ..none
            }
        ),
        [617]
    );
    let devices = thousand(|number, rule| {
        rule.volume = Some(device(format!(r"\DEVICE\V{number}")));
    });
    assert_eq!(met(&devices, &none), []);
    let there = PolicySubject {
        volume_device: Some(&volume),
        ..none
    };
    assert_eq!(met(&devices, &there), [617]);
    let guids = thousand(|number, rule| rule.volume = Some(guid(guid_of(number))));
    assert_eq!(met(&guids, &none), []);
    let there = PolicySubject {
        volume_guid: Some(guid_of(617)),
        ..none
    };
    assert_eq!(met(&guids, &there), [617]);
}

#[test]
fn rules_come_in_the_order_of_the_policy_whatever_they_are_filed_under() {
    let rules: Vec<_> = (0..6)
        .map(|number| {
            let mut rule = Rule::new(Effect::KNOWN[number % 3]);
            match number {
                0 | 5 => rule.image = Some(any(r"\ELSE\**")),
                1 => rule.user = Some(EVERYONE.to_vec()),
                2 => rule.image = Some(any(r"\ELSE\WHERE.TXT")),
                3 => {}
                _ => rule.source = Some(any(r"\**.TXT")),
            }
            // No rule matches, so all are met.
            rule.remote = 1;
            rule
        })
        .collect();
    assert_eq!(met(&rules, &Known::new().subject()), [0, 1, 2, 3, 4, 5]);
}

#[test]
#[cfg_attr(miri, ignore = "a thousand rules")]
fn a_rule_is_filed_under_its_rarest_condition() {
    let known = Known::new();
    let rules = thousand(|number, rule| {
        rule.image = Some(any(r"\ELSE\WHERE.TXT"));
        rule.user = Some(EVERYONE.to_vec());
        rule.target = Some(any(format!(r"\ELSE\*.TX{number}")));
        rule.volume = Some(device(r"\DEVICE\D"));
    });
    assert_eq!(met(&rules, &known.subject()), []);
    let name = Text::new(r"\else\where.tx3");
    let subject = PolicySubject {
        target: Some(name.name()),
        ..known.subject()
    };
    assert_eq!(met(&rules, &subject), [3]);
}

/// A request of which one fact is unknown.
type Unknown = for<'a> fn(PolicySubject<'a>) -> PolicySubject<'a>;

/// The facts that rules are filed under, and conditions on each.
const FACTS: [(Unknown, &[Condition]); 6] = [
    (
        |known| PolicySubject {
            image: None,
            ..known
        },
        &[
            |number, rule| rule.image = Some(any(format!(r"\DIR{number}\**"))),
            |number, rule| rule.image = Some(any(format!(r"\**.X{number}"))),
        ],
    ),
    (
        |known| PolicySubject {
            source: None,
            ..known
        },
        &[
            |number, rule| rule.source = Some(any(format!(r"\DIR{number}\**"))),
            |number, rule| rule.source = Some(any(format!(r"\**.X{number}"))),
        ],
    ),
    (
        |known| PolicySubject {
            target: None,
            ..known
        },
        &[
            |number, rule| rule.target = Some(any(format!(r"\DIR{number}\**"))),
            |number, rule| rule.target = Some(any(format!(r"\**.X{number}"))),
        ],
    ),
    (
        |known| PolicySubject {
            user: None,
            ..known
        },
        &[|number, rule| rule.user = Some(sid(number))],
    ),
    (
        |known| PolicySubject {
            volume_device: None,
            ..known
        },
        &[|number, rule| rule.volume = Some(device(format!(r"\DEVICE\V{number}")))],
    ),
    (
        |known| PolicySubject {
            volume_guid: None,
            ..known
        },
        &[|number, rule| rule.volume = Some(guid(guid_of(number)))],
    ),
];

#[test]
fn what_is_filed_under_an_unknown_fact_is_met_and_the_rest_is_not() {
    const COUNT: u16 = if cfg!(miri) { 3 } else { 9 };
    let known = Known::new();
    for (at, (_, conditions)) in FACTS.iter().enumerate() {
        for condition in *conditions {
            let mut rules = numbered(COUNT.into(), condition);
            for (number, rule) in rules.iter_mut().enumerate() {
                rule.effect = Effect::KNOWN[number % 3];
            }
            for (other, (unknown, _)) in FACTS.iter().enumerate() {
                let count = if at == other { COUNT } else { 0 };
                let expected: Vec<u16> = (0..count).collect();
                assert_eq!(met(&rules, &unknown(known.subject())), expected);
            }
        }
    }
}

#[test]
fn a_separator_alone_is_nothing_to_find_a_rule_by() {
    let known = Known::new();
    let rules = [r"\**", r"\A*", r"\B*"].map(|path| Rule {
        image: Some(any(path)),
        ..Rule::new(Effect::Deny)
    });
    let under = |rest: &str| {
        let text = Text::new(rest);
        let image = Some(text.name());
        met(
            &rules,
            &PolicySubject {
                image,
                ..known.subject()
            },
        )
    };
    assert_eq!(under(""), [0]);
    assert_eq!(under(r"\b"), [0, 2]);
    assert_eq!(under(r"\c"), [0]);
}

#[test]
fn of_rules_that_cannot_match_for_certain_one_of_each_effect_is_enough() {
    let known = Known::new();
    let rules: Vec<_> = (0..9)
        .map(|number| Rule {
            source: Some(any(format!(r"\DIR{number}\**"))),
            ..Rule::new(Effect::KNOWN[number / 2 % 3])
        })
        .collect();
    let mut user = Rule::new(Effect::Allow);
    user.user = Some(EVERYONE.to_vec());
    let rules = [&rules[..], &[user]].concat();
    let policy = blob(&rules);
    let policy = index(&policy);
    let subject = PolicySubject {
        source: None,
        ..known.subject()
    };
    let mut candidates = policy.candidates(&subject);
    assert_eq!(candidates.next(), Some(0));
    candidates.pass_over(Effect::Allow);
    assert_eq!(candidates.next(), Some(2));
    candidates.pass_over(Effect::Deny);
    // The last is no such rule.
    assert_eq!(candidates.collect::<Vec<_>>(), [3, 8, 9]);
}

#[test]
fn a_cut_name_may_go_on_with_the_rest_of_a_literal() {
    let known = Known::new();
    let cut = |rest: &str| Text {
        is_cut: true,
        ..Text::new(rest)
    };
    let rules = |paths: [&'static str; 2]| {
        paths.map(|path| Rule {
            image: Some(any(path)),
            ..Rule::new(Effect::Deny)
        })
    };
    let met = |paths, text: &Text| {
        let image = Some(text.name());
        met(
            &rules(paths),
            &PolicySubject {
                image,
                ..known.subject()
            },
        )
    };
    // As long as what is known, or shorter: it does not depend on the rest.
    assert_eq!(met([r"\AB\**", r"\ABC*"], &cut(r"\abc")), [1]);
    assert_eq!(met([r"\AB\**", r"\ABCD*"], &cut(r"\abc")), [0, 1]);
    assert_eq!(met([r"\**.X", r"\**.Y"], &cut(r"\abc.x")), [0, 1]);
    assert_eq!(met([r"\**.X", r"\**.Y"], &Text::new(r"\abc.x")), [0]);
}

/// Rules that are found by so many literals, each the beginning of the next, and behind them one for another name.
fn nested(count: usize) -> Vec<Rule> {
    let mut rules: Vec<_> = (1..=count)
        .map(|length| Rule {
            source: Some(any(format!(r"\{}*B", "A".repeat(length)))),
            ..Rule::new(Effect::Deny)
        })
        .collect();
    rules.push(Rule {
        source: Some(any(r"\OTHER\*")),
        ..Rule::new(Effect::Allow)
    });
    rules
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of rules with long names")]
fn a_name_with_more_literals_than_there_is_room_for_meets_every_rule() {
    let known = Known::new();
    let text = Text::new(&format!(r"\{}", "a".repeat(200)));
    let subject = PolicySubject {
        source: Some(text.name()),
        ..known.subject()
    };
    let met = |count| met(&nested(count), &subject);
    assert_eq!(met(32), (0..32).collect::<Vec<u16>>());
    assert_eq!(met(33), (0..34).collect::<Vec<u16>>());
    // What is added after there was no room any more comes twice.
    let mut many = met(150);
    many.dedup();
    assert_eq!(many, (0..151).collect::<Vec<u16>>());
    let found = Text::new(&format!(r"\{}b", "a".repeat(60)));
    let subject = PolicySubject {
        source: Some(found.name()),
        ..known.subject()
    };
    let denied = PolicyDecision::Matched {
        index: 0,
        effect: Effect::Deny,
    };
    assert_eq!(decide(&blob(&nested(150)), &subject), denied);
}

#[test]
fn storage_of_another_size_is_refused() {
    let rules = [Rule::new(Effect::Deny), Rule::new(Effect::Allow)];
    for count in [0, 1, 3] {
        let slots = vec![IndexSlot::default(); count];
        let error = IndexedPolicy::build(blob(&rules), slots).map(|_| ());
        assert_eq!(error, Err(SlotCount { needed: 2 }));
    }
    let empty: PolicyBlob<_> = blob(&[]);
    let policy = IndexedPolicy::build(empty, Vec::new()).unwrap();
    assert_eq!(policy.candidates(&PolicySubject::default()).count(), 0);
    assert!(!policy.has_rules());
    assert!(index(&blob(&rules)).has_rules());
}

#[test]
fn what_the_storage_held_before_does_not_matter() {
    const COUNT: usize = if cfg!(miri) { 30 } else { 1000 };
    let one = blob(&numbered(COUNT, |number, rule| {
        rule.user = Some(sid(number))
    }));
    let mut slots = vec![IndexSlot::default(); COUNT];
    IndexedPolicy::build(one, &mut slots[..]).unwrap();
    let two = blob(&numbered(COUNT, |number, rule| {
        rule.image = Some(any(format!(r"\DIR{number}\**")));
    }));
    let policy = IndexedPolicy::build(two, &mut slots[..]).unwrap();
    let text = Text::new(r"\dir5\a");
    let known = Known::new();
    let subject = PolicySubject {
        image: Some(text.name()),
        ..known.subject()
    };
    assert_eq!(policy.candidates(&subject).collect::<Vec<_>>(), [5]);
    let every = blob(&numbered(COUNT, |_, _| {}));
    let policy = IndexedPolicy::build(every, &mut slots[..]).unwrap();
    assert_eq!(policy.candidates(&subject).count(), COUNT);
}
