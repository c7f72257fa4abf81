//! Every value of every switch of `FsSpec`, shown by a request that it decides.
//!
//! The table of the model is walked: a value without a case here fails, and so does a value whose case
//! ends as it would without it.

use testbed::volume::{
    FsSpec, NamedStreams, ReadOnlyCheck, SWITCHES, Status, Switch, SwitchValue, TargetKind,
};

use crate::rig::{BASE, Case, Code, Rig, To};
use crate::switch_cases::{Shown, all, range};
use crate::table::{SMALL, early, shape};

/// The specification under one value.
fn spec(value: &SwitchValue, shown: &Shown) -> FsSpec {
    let mut spec = FsSpec::refs(4096);
    (shown.facts)(&mut spec);
    value.apply(&mut spec);
    spec
}

fn cases_of<'a>(
    switch: &'a Switch,
    value: &'a SwitchValue,
) -> impl Iterator<Item = &'static Shown> + 'a {
    all().filter(|shown| shown.switch == switch.name && shown.value == value.name)
}

#[test]
fn every_value_does_what_it_says() {
    for switch in SWITCHES {
        for value in switch.values {
            let mut cases = 0;
            for shown in cases_of(switch, value) {
                let label = format!("{} {}", switch.name, value.name);
                shown.case.run_on(&spec(value, shown), &label);
                cases += 1;
            }
            assert!(cases > 0, "{} {} is not shown", switch.name, value.name);
        }
    }
}

#[test]
fn every_other_value_is_another_answer_than_the_default() {
    for switch in SWITCHES {
        let (default, others) = switch.values.split_first().unwrap();
        for value in others {
            for shown in cases_of(switch, value) {
                let rig = Rig::new(spec(default, shown));
                (shown.case.set_up)(&rig);
                let ex = shown.case.code == Code::Ex;
                let status = rig.send(&shown.case, ex).0.status;
                let label = format!("{} {} {:?}", switch.name, value.name, shown.case.range);
                assert_ne!(status, shown.case.expected, "{label}");
            }
        }
    }
}

#[test]
fn no_case_is_of_a_value_that_does_not_exist() {
    for shown in all() {
        let switch = SWITCHES.iter().find(|switch| switch.name == shown.switch);
        let values = switch.unwrap().values;
        let known = values.iter().any(|value| value.name == shown.value);
        assert!(known, "{} {}", shown.switch, shown.value);
    }
}

/// What the values that move a check leave in its place.
#[test]
fn orders_that_a_value_does_not_touch() {
    let first = |spec: &mut FsSpec, switch: &str, value: &str| {
        let switch = SWITCHES.iter().find(|s| s.name == switch).unwrap();
        let value = switch.values.iter().find(|v| v.name == value).unwrap();
        value.apply(spec);
    };
    let mut spec = FsSpec::refs(4096);
    first(&mut spec, "target_kind", "BeforeNumbers");
    let short = Case {
        to: To::Directory,
        ..early(shape("", "", Code::Plain, 0x1F), SMALL)
    };
    short.run_on(&spec, "the structure still comes first");
    let mut spec = FsSpec::refs(4096);
    first(&mut spec, "zero_count", "BeforeNumbers");
    let read_only = Case {
        set_up: |rig| rig.fs.set_read_only(true),
        ..early(range((1, 0, 0)), Status::MEDIA_WRITE_PROTECTED)
    };
    read_only.run_on(&spec, "read-only still comes first");
    let mut spec = FsSpec::ntfs(4096);
    first(&mut spec, "zero_elsewhere", "Succeeds");
    let some = early(BASE, Status::INVALID_DEVICE_REQUEST);
    some.run_on(&spec, "only a count of zero succeeds");
}

/// What a filter is told of it: that it clones, and not that it is ReFS.
#[test]
fn a_third_party_announces_that_it_clones() {
    let rig = Rig::new(FsSpec::third_party(4096));
    let about = rig.fs.information();
    assert_eq!(about.file_system_name, "Btrfs");
    let (clones, integrity) = (0x0800_0000, 0x0400_0000);
    assert_eq!(about.attributes & (clones | integrity), clones);
    BASE.run_on(rig.fs.spec(), "third party");
}

/// OpenZFS and ms-nfs41-client refuse writes to a read-only volume before they look at anything else.
#[test]
fn a_read_only_check_that_comes_first() {
    let mut spec = FsSpec::third_party(4096);
    spec.read_only_check = ReadOnlyCheck::First;
    spec.target_kind = TargetKind::First;
    let kind = Case {
        set_up: |rig| rig.fs.set_read_only(true),
        to: To::Directory,
        ..early(BASE, Status::MEDIA_WRITE_PROTECTED)
    };
    kind.run_on(&spec, "before the kind");
    spec.block_refcounting = false;
    let nothing = early(kind, Status::INVALID_DEVICE_REQUEST);
    nothing.run_on(&spec, "nothing to check where nothing is cloned");
}

/// Named streams are Samba's affair, which refuses them last; where a volume looks at its target's kind
/// moves directories and volumes only.
#[test]
fn a_refused_stream_is_refused_after_the_numbers() {
    for target_kind in [TargetKind::BeforeNumbers, TargetKind::First] {
        let spec = FsSpec {
            named_streams: NamedStreams::Refused,
            target_kind,
            ..FsSpec::refs(4096)
        };
        let unaligned = Case {
            to: To::Stream,
            ..early(range((1, 0, 4096)), Status::INVALID_PARAMETER)
        };
        unaligned.run_on(&spec, "numbers first");
        let short = Case {
            to: To::Stream,
            ..early(shape("", "", Code::Plain, 0x1F), SMALL)
        };
        short.run_on(&spec, "structure first");
    }
}

/// ReFS 1.x: the capability is off, and both codes with it (Win32 page on block cloning).
#[test]
fn refs_without_block_refcounting_does_not_clone() {
    let spec = FsSpec {
        block_refcounting: false,
        ..FsSpec::refs(4096)
    };
    let rig = Rig::new(spec.clone());
    assert_eq!(rig.fs.information().attributes & 0x0800_0000, 0);
    assert_eq!(rig.fs.information().file_system_name, "ReFS");
    early(BASE, Status::INVALID_DEVICE_REQUEST).run_on(&spec, "ReFS 1.x");
}
