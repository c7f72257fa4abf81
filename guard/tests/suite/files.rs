//! Rules about the source handle and the two files: each fires on its side of its boundary, and an
//! unknown fact makes none of them fire.

use crate::common::{CLONES, FILE, READ, READ_ONLY, Request, facts, judged};
use guard::{
    Bitness, Capture, ControlCode, Fact, Facts, FileFacts, FileKind, RequestorMode, RuleId,
    RuleSet, SourceState, Verdict, VolumeAttributes,
};

const C: i64 = 0x1_0000;

/// The rules that fire for a valid request with this range under these facts.
fn fired(range: [i64; 3], facts: &Facts) -> Vec<RuleId> {
    let valid = Request::valid(ControlCode::Duplicate, Bitness::Bits64);
    let request = Request { range, ..valid };
    judged(&request.capture(), facts)
        .findings
        .fired
        .iter()
        .collect()
}

/// The rules that fire for one cluster from the start to the second.
#[track_caller]
fn expect(facts: &Facts, rules: &[RuleId]) {
    assert_eq!(fired([0, C, C], facts), rules, "{facts:?}");
}

fn with_source(source: SourceState) -> Facts {
    Facts {
        source,
        source_file: Fact::NotAsked,
        ..facts()
    }
}

fn with_files(source: FileFacts, target: FileFacts) -> Facts {
    Facts {
        source_file: Fact::Known(source),
        target_file: Fact::Known(target),
        ..facts()
    }
}

#[test]
fn only_a_refused_handle_has_a_status() {
    assert_eq!(SourceState::HandleRefused(7).status(), 7);
    for other in [
        SourceState::SameVolume(READ),
        SourceState::OtherVolume(READ),
        SourceState::Foreign(READ),
        SourceState::NotInContext,
        SourceState::NotInspected(0),
    ] {
        assert_eq!(other.status(), 0, "{other:?}");
    }
}

#[test]
fn nothing_is_known_until_it_was_looked_at() {
    for mode in [RequestorMode::Kernel, RequestorMode::User] {
        let nothing = Facts {
            mode,
            is_refs: false,
            cluster_size: None,
            volume: Fact::NotAsked,
            source: SourceState::NotInspected(0),
            source_file: Fact::NotAsked,
            target_file: Fact::NotAsked,
            same_stream: None,
        };
        assert_eq!(Facts::unknown(mode), nothing);
    }
}

#[test]
fn rules_40_and_41_part_at_the_type_of_the_object() {
    for status in [0xC000_0008, 0xC000_0022, 1] {
        let refused = with_source(SourceState::HandleRefused(status));
        expect(&refused, &[RuleId::SOURCE_HANDLE]);
    }
    let no_file = with_source(SourceState::HandleRefused(0xC000_0024));
    expect(&no_file, &[RuleId::SOURCE_KIND]);
}

#[test]
fn rule_41_what_is_no_data_stream() {
    expect(
        &with_source(SourceState::Foreign(READ)),
        &[RuleId::SOURCE_KIND],
    );
    for (kind, fires) in [
        (FileKind::Data, false),
        (FileKind::Directory, true),
        (FileKind::Volume, true),
    ] {
        let source = FileFacts { kind, ..FILE };
        let rules: &[RuleId] = if fires { &[RuleId::SOURCE_KIND] } else { &[] };
        expect(&with_files(source, FILE), rules);
        expect(&with_files(FILE, FileFacts { kind, ..FILE }), &[]);
    }
}

#[test]
fn rule_42_another_volume() {
    let elsewhere = with_source(SourceState::OtherVolume(READ));
    expect(&elsewhere, &[RuleId::OTHER_VOLUME]);
}

#[test]
fn rule_43_both_rights_and_only_of_programs() {
    let all = 0x001F_01FF;
    for (rights, lacks) in [
        (READ, false),
        (all, false),
        (0, true),
        (0x01, true),
        (0x80, true),
        (all & !0x01, true),
        (all & !0x80, true),
    ] {
        for source in [
            SourceState::SameVolume(rights),
            SourceState::OtherVolume(rights),
            SourceState::Foreign(rights),
        ] {
            let user = with_source(source);
            let has = fired([0, C, C], &user).contains(&RuleId::SOURCE_ACCESS);
            assert_eq!(has, lacks, "{source:?}");
            let kernel = Facts {
                mode: RequestorMode::Kernel,
                ..user
            };
            assert!(!fired([0, C, C], &kernel).contains(&RuleId::SOURCE_ACCESS));
        }
    }
}

#[test]
fn rule_44_a_posted_request() {
    expect(
        &with_source(SourceState::NotInContext),
        &[RuleId::UNRESOLVED],
    );
}

#[test]
fn rule_50_the_clusters_of_the_source() {
    let source = FileFacts {
        end_of_file: 4 * C - 1,
        allocation_size: 4 * C,
        ..FILE
    };
    let facts = with_files(source, FILE);
    assert_eq!(fired([0, 8 * C, 4 * C], &facts), []);
    assert_eq!(fired([3 * C, 8 * C, C], &facts), []);
    assert_eq!(fired([C, 8 * C, 4 * C], &facts), [RuleId::PAST_SOURCE]);
    assert_eq!(fired([4 * C, 8 * C, C], &facts), [RuleId::PAST_SOURCE]);
    assert_eq!(fired([4 * C, 8 * C, 0], &facts), [RuleId::ZERO_COUNT]);
}

#[test]
fn a_range_without_a_byte_ends_past_nothing() {
    assert_eq!(fired([17 * C, 0, 0], &facts()), [RuleId::ZERO_COUNT]);
    assert_eq!(fired([0, 17 * C, 0], &facts()), [RuleId::ZERO_COUNT]);
    let same = Facts {
        same_stream: Some(true),
        ..facts()
    };
    let all = [
        RuleId::UNALIGNED_COUNT,
        RuleId::PAST_SOURCE,
        RuleId::PAST_TARGET,
        RuleId::OVERLAP,
    ];
    assert_eq!(fired([16 * C, 16 * C, 1], &same), all);
}

#[test]
fn a_range_ends_past_no_directory_and_no_volume() {
    for kind in [FileKind::Directory, FileKind::Volume] {
        let empty = FileFacts {
            kind,
            ..FileFacts::VOLUME
        };
        expect(&with_files(empty, FILE), &[RuleId::SOURCE_KIND]);
        expect(&with_files(FILE, empty), &[]);
    }
}

#[test]
fn a_volume_as_a_whole_has_no_sizes_and_no_attributes() {
    let volume = FileFacts {
        kind: FileKind::Volume,
        attributes: 0,
        end_of_file: 0,
        allocation_size: 0,
    };
    assert_eq!(FileFacts::VOLUME, volume);
}

#[test]
fn rule_51_the_last_cluster_of_the_target() {
    for end_of_file in [3 * C + 1, 4 * C] {
        let target = FileFacts {
            end_of_file,
            ..FILE
        };
        let facts = with_files(FILE, target);
        assert_eq!(fired([8 * C, 0, 4 * C], &facts), []);
        assert_eq!(fired([8 * C, C, 4 * C], &facts), [RuleId::PAST_TARGET]);
        assert_eq!(fired([8 * C, 4 * C, C], &facts), [RuleId::PAST_TARGET]);
        let unknown = Facts {
            cluster_size: None,
            ..facts
        };
        assert_eq!(fired([8 * C, C, 4 * C], &unknown), []);
    }
    let target = FileFacts {
        end_of_file: 3 * C,
        ..FILE
    };
    let fires = fired([8 * C, 0, 4 * C], &with_files(FILE, target));
    assert_eq!(fires, [RuleId::PAST_TARGET]);
    let endless = FileFacts {
        end_of_file: i64::MAX,
        ..FILE
    };
    assert_eq!(fired([0, C, C], &with_files(FILE, endless)), []);
}

#[test]
fn rule_52_ranges_that_share_a_byte() {
    let same = Facts {
        same_stream: Some(true),
        ..facts()
    };
    for (range, shares) in [
        ([0, 2 * C, 2 * C], false),
        ([2 * C, 0, 2 * C], false),
        ([0, C, 2 * C], true),
        ([C, 0, 2 * C], true),
        ([C, C, C], true),
    ] {
        let rules: &[RuleId] = if shares { &[RuleId::OVERLAP] } else { &[] };
        assert_eq!(fired(range, &same), rules, "{range:?}");
        for other in [Some(false), None] {
            let other = Facts {
                same_stream: other,
                ..same
            };
            assert_eq!(fired(range, &other), []);
        }
    }
    assert_eq!(fired([C, C, 0], &same), [RuleId::ZERO_COUNT]);
}

#[test]
fn rules_53_and_54_compare_attributes() {
    let of = |attributes| FileFacts { attributes, ..FILE };
    for (source, target, rules) in [
        (0x20, 0x20, &[][..]),
        (0x200, 0x20, &[RuleId::SPARSE_SOURCE]),
        (0x20, 0x200, &[]),
        (0x220, 0x200, &[]),
        (0x8000, 0x20, &[RuleId::INTEGRITY_MISMATCH]),
        (0x20, 0x8000, &[RuleId::INTEGRITY_MISMATCH]),
        (0x8020, 0x8000, &[]),
    ] {
        expect(&with_files(of(source), of(target)), rules);
    }
    for bit in 0..32 {
        let rules: &[RuleId] = match bit {
            9 => &[RuleId::SPARSE_SOURCE],
            15 => &[RuleId::INTEGRITY_MISMATCH],
            _ => &[],
        };
        expect(&with_files(of(1 << bit), FILE), rules);
    }
    let directory = FileFacts {
        kind: FileKind::Directory,
        ..of(0x8200)
    };
    expect(&with_files(FILE, directory), &[]);
    expect(&with_files(directory, FILE), &[RuleId::SOURCE_KIND]);
}

#[test]
fn what_could_not_be_asked_makes_no_rule_fire() {
    for unknown in [Fact::NotAsked, Fact::Refused(0xC000_009A)] {
        let facts = Facts {
            source_file: unknown,
            target_file: unknown,
            same_stream: None,
            ..facts()
        };
        assert_eq!(fired([TOP - C, 0, C], &facts), []);
        let source_only = Facts {
            source_file: Fact::Known(FileFacts {
                attributes: 0x8200,
                ..FILE
            }),
            ..facts
        };
        assert_eq!(fired([0, C, C], &source_only), []);
    }
}

/// The largest multiple of the cluster size.
const TOP: i64 = i64::MAX - (C - 1);

#[test]
fn a_source_that_nobody_looked_at_is_not_inspected() {
    let unseen = with_source(SourceState::NotInspected(0));
    expect(&unseen, &[RuleId::NOT_INSPECTED]);
    let valid = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
    assert_eq!(judged(&valid, &unseen).verdict, Verdict::NotInspected);
    let mut short = valid;
    short.input_length = 31;
    assert_eq!(judged(&short, &unseen).verdict, Verdict::WouldRefuse);
}

/// Whether the capture breaks a definite rule that is a ground to refuse on this volume.
fn has_grounds(capture: &Capture, volume: Fact<VolumeAttributes>) -> bool {
    let facts = Facts { volume, ..facts() };
    let findings = judged(capture, &facts).findings;
    assert!(findings.depend_on_volume());
    findings.grounds != RuleSet::EMPTY
}

#[test]
fn a_definite_rule_needs_a_target_that_is_known_to_be_a_data_stream() {
    let valid = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    let mut short = valid.capture();
    short.input_length = 0x2F;
    let unaligned = Request {
        range: [1, C, C],
        ..valid
    }
    .capture();
    let of = |kind| Fact::Known(FileFacts { kind, ..FILE });
    for (target_file, decides) in [
        (of(FileKind::Data), true),
        (of(FileKind::Directory), false),
        (of(FileKind::Volume), false),
        (Fact::NotAsked, false),
        (Fact::Refused(0xC000_009A), false),
    ] {
        let facts = Facts {
            target_file,
            ..facts()
        };
        for capture in [&short, &unaligned] {
            let grounds = judged(capture, &facts).findings.grounds;
            assert_eq!(!grounds.is_empty(), decides, "{target_file:?}");
        }
    }
}

#[test]
fn a_definite_rule_needs_a_volume_that_is_refs() {
    let valid = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    let mut short = valid.capture();
    short.input_length = 0x2F;
    let range = [1, C, C];
    for (is_refs, decides) in [(true, true), (false, false)] {
        let facts = Facts { is_refs, ..facts() };
        for capture in [short, Request { range, ..valid }.capture()] {
            let findings = judged(&capture, &facts).findings;
            assert_eq!(!findings.grounds.is_empty(), decides);
            assert!(!findings.fired.is_empty());
        }
    }
}

/// Each volume, and whether it answers a malformed input and malformed numbers by itself.
const VOLUMES: [(Fact<VolumeAttributes>, bool, bool); 6] = [
    (Fact::Known(VolumeAttributes(CLONES)), true, true),
    (
        Fact::Known(VolumeAttributes(CLONES | READ_ONLY)),
        true,
        false,
    ),
    (Fact::Known(VolumeAttributes(0x2)), false, false),
    (Fact::Known(VolumeAttributes(0)), false, false),
    (Fact::NotAsked, false, false),
    (Fact::Refused(0xC000_009A), false, false),
];

#[test]
fn a_rule_on_the_input_needs_a_volume_that_clones() {
    let valid = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    let mut short = valid.capture();
    short.input_length = 0x2F;
    let mut missing = valid.capture();
    (missing.buffer_present, missing.captured) = (false, 0);
    let size = Request { size: 0, ..valid }.capture();
    for (volume, decides, _) in VOLUMES {
        for capture in [&short, &missing, &size] {
            assert_eq!(has_grounds(capture, volume), decides, "{volume:?}");
        }
    }
    assert!(
        !judged(&valid.capture(), &facts())
            .findings
            .depend_on_volume()
    );
}

#[test]
fn a_rule_on_the_numbers_needs_a_volume_that_also_writes() {
    let valid = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    for range in [
        [1, C, C],
        [0, 1, C],
        [0, C, 1],
        [-C, C, C],
        [0, -C, C],
        [0, C, -C],
        [TOP, C, C],
        [0, TOP, C],
    ] {
        let capture = Request { range, ..valid }.capture();
        for (volume, _, decides) in VOLUMES {
            assert_eq!(
                has_grounds(&capture, volume),
                decides,
                "{range:?} {volume:?}"
            );
        }
    }
}

#[test]
fn no_rule_but_a_definite_one_depends_on_the_volume() {
    for source in [SourceState::OtherVolume(0), SourceState::NotInspected(9)] {
        let capture = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
        let findings = judged(&capture, &with_source(source)).findings;
        assert_ne!(findings.grounds, RuleSet::EMPTY);
        assert!(!findings.depend_on_volume());
    }
}

#[test]
fn one_attribute_says_that_a_volume_clones_and_one_that_it_takes_no_writes() {
    let valid = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    let size = Request { size: 0, ..valid }.capture();
    let range = [1, C, C];
    let numbers = Request { range, ..valid }.capture();
    for bit in (0..32).map(|place| 1 << place) {
        let clones = bit == CLONES & !0x2;
        let volume = Fact::Known(VolumeAttributes(bit));
        assert_eq!(has_grounds(&size, volume), clones, "{bit:#x}");
        let volume = Fact::Known(VolumeAttributes(CLONES | bit));
        let writes = bit != READ_ONLY;
        assert_eq!(has_grounds(&numbers, volume), writes, "{bit:#x}");
    }
}
