//! Patterns against names, refereed by a recursive matcher that is plainly right and slow.

use crate::definition::{QUESTION, STAR, fits, matches};
use crate::policy::units;
use guard::policy::PathName;
use proptest::prelude::*;
use wire::policy::{PathPattern, VolumeSelector, upcase};
use zerocopy::little_endian::U16;

fn text_fits(pattern: &str, name: &str) -> bool {
    fits(&units(pattern), &units(name), false).unwrap()
}

/// Patterns of few letters and many wildcards, with at most two stars in a row.
fn patterns() -> impl Strategy<Value = Vec<u16>> {
    let token = prop_oneof![
        3 => Just("A"), 2 => Just("B"), 3 => Just("\\"), 1 => Just("?"), 2 => Just("*"), 2 => Just("**"),
    ];
    proptest::collection::vec(token, 0..12).prop_map(|tokens| {
        let mut text = tokens.concat();
        while text.contains("***") {
            text = text.replace("***", "**");
        }
        units(&text)
    })
}

/// Names of the same letters.
fn names() -> impl Strategy<Value = Vec<u16>> {
    let unit = proptest::sample::select(units("aAbB\\\\"));
    proptest::collection::vec(unit, 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 16 } else { 4096 }))]

    #[test]
    fn every_answer_is_that_of_the_definition(pattern in patterns(), name in names()) {
        prop_assert_eq!(fits(&pattern, &name, false), Some(matches(&pattern, &name)));
    }

    #[test]
    fn of_a_cut_name_only_what_holds_for_every_end_is_said(
        pattern in patterns(),
        name in names(),
        ends in proptest::collection::vec(names(), 8),
    ) {
        let Some(answer) = fits(&pattern, &name, true) else {
            return Ok(());
        };
        for end in ends.iter().filter(|end| !end.is_empty()) {
            let whole = [&name[..], end].concat();
            prop_assert_eq!(matches(&pattern, &whole), answer, "{:?}", end);
        }
    }

    #[test]
    fn units_of_any_kind_match_themselves_and_their_upper_case(
        name in proptest::collection::vec(proptest::num::u16::ANY, 0..40),
    ) {
        let plain: Vec<u16> = name
            .iter()
            .copied()
            .filter(|unit| ![STAR, QUESTION].contains(unit))
            .collect();
        let upper: Vec<u16> = plain.iter().map(|unit| upcase(*unit)).collect();
        prop_assert_eq!(fits(&upper, &plain, false), Some(true));
        prop_assert_eq!(fits(&upper, &upper, false), Some(true));
        prop_assert_eq!(fits(&units("**"), &plain, true), Some(true));
    }
}

#[test]
fn the_examples_of_the_documentation() {
    for (pattern, name, expected) in [
        (r"\DATA\*.VHDX", r"\data\a.vhdx", true),
        (r"\DATA\*.VHDX", r"\data\sub\a.vhdx", false),
        (r"\DATA\**", r"\data\sub\a.vhdx", true),
        (r"\DATA\**", r"\data", false),
        (r"\DATA\**", r"\database\a", false),
        (r"\**\A.VHDX", r"\a.vhdx", false),
        (r"\**A.VHDX", r"\a.vhdx", true),
        (r"\**\A.VHDX", r"\x\y\a.vhdx", true),
        (r"\A?", r"\ab", true),
        (r"\A?", r"\a", false),
        (r"\A?B", r"\a\b", false),
        (r"\*.VHDX", r"\a.vhdx:stream", false),
        (r"\*.VHDX*", r"\a.vhdx:stream", true),
    ] {
        assert_eq!(text_fits(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn a_cut_name_is_known_as_far_as_it_goes() {
    let cut = |pattern: &str, name: &str| fits(&units(pattern), &units(name), true);
    assert_eq!(cut(r"\DATA\**", r"\data\su"), Some(true));
    assert_eq!(cut(r"\DATA\**", r"\other\su"), Some(false));
    assert_eq!(cut(r"\DATA\*", r"\data\su"), None);
    assert_eq!(cut(r"\**\END", r"\data\su"), None);
}

#[test]
fn the_type_of_a_stream_is_no_part_of_a_name() {
    for (pattern, name, expected) in [
        (r"\A.MD", r"\a.md::$DATA", true),
        (r"\A.MD", r"\a.md:$data", true),
        (r"\A.MD:S", r"\a.md:s:$Data", true),
        (r"\A.MD", r"\a.md:s:$DATA", false),
        (r"\A.MD", r"\a.md:s", false),
        (r"\A$DATA", r"\a$DATA", true),
    ] {
        assert_eq!(text_fits(pattern, name), expected, "{pattern} {name}");
    }
    // The type may lie beyond the cut, and then the colon before it is no part of the name either.
    for known in [r"\a:", r"\a::", r"\a::$D", r"\a::$DAT", r"\a:$DAT"] {
        assert_eq!(fits(&units(r"\A:**"), &units(known), true), None, "{known}");
        assert_eq!(
            fits(&units(r"\A**"), &units(known), true),
            Some(true),
            "{known}"
        );
    }
}

#[test]
fn names_come_apart_behind_the_device() {
    let split = |text: &str| {
        let name = units(text);
        let parts = PathName::split(&name)?;
        assert!(!parts.is_cut && parts.volume_guid.is_none());
        let text = |units: &[u16]| String::from_utf16(units).unwrap();
        Some((text(parts.device), text(parts.rest)))
    };
    let parts = |device: &str, rest: &str| Some((device.to_owned(), rest.to_owned()));
    assert_eq!(split(r"\Device\C\a\b"), parts(r"\Device\C", r"\a\b"));
    assert_eq!(split(r"\dEVICE\C\"), parts(r"\dEVICE\C", r"\"));
    assert_eq!(split(r"\Device\C"), parts(r"\Device\C", ""));
    assert_eq!(split(""), parts("", ""));
    for other in [
        r"C:\a",
        r"\??\C:\a",
        r"\Device",
        r"\Device\",
        r"\Device\\a",
        r"a\Device\C\b",
        r"\DeviceX\C\a",
        r"\SystemRoot\x\y",
    ] {
        assert_eq!(split(other), None, "{other}");
    }
}

#[test]
fn a_device_is_compared_without_case_and_in_whole() {
    let device: Vec<U16> = units(r"\DEVICE\D").into_iter().map(U16::new).collect();
    let path: Vec<U16> = units(r"\**").into_iter().map(U16::new).collect();
    let on = |volume, name: &str| {
        let name = units(name);
        let pattern = PathPattern {
            volume,
            path: &path,
        };
        PathName::split(&name).unwrap().fits(pattern)
    };
    let by_device = VolumeSelector::Device(&device);
    assert_eq!(on(by_device, r"\Device\d\x"), Some(true));
    assert_eq!(on(by_device, r"\Device\D2\x"), Some(false));
    // The GUID of the volume is not known, but a path that does not fit settles it.
    assert_eq!(on(VolumeSelector::Guid([1; 16]), r"\Device\d\x"), None);
    assert_eq!(on(VolumeSelector::Guid([1; 16]), r"\Device\d"), Some(false));
}
