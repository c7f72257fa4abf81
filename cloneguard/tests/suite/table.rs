//! The table for people.

use crate::build::{NAMELESS, clone, entry, names, units};
use cloneguard::table::{Layout, WIDTH_MIN, byte_size, printable, shorten};
use proptest::prelude::*;

#[test]
fn a_line_on_a_narrow_screen() {
    let layout = Layout::new(100);
    let header = "   SEQ PROCESS      SOURCE -> TARGET                 RANGE         VERDICT RULES  STATUS    TIME";
    assert_eq!(layout.header(), header);
    let row = "    41 roboco…:4321 V4:\\…disk.vhdx -> V4:\\…disk.vhdx 0>64K+1G      passed  -      SUCCESS   12:34:56";
    assert_eq!(layout.row(&entry(&clone(41, 0), &names())), row);
}

#[test]
fn a_line_on_a_wide_screen() {
    let mut draft = clone(41, 0);
    draft.body.end.verdict = 3;
    draft.body.end.rules = ((1_u128 << 15) | (1 << 22)).into();
    draft.body.end.deciding_rule = 22;
    draft.body.end.status = 0xC000_000D.into();
    let row = Layout::new(160).row(&entry(&draft, &names()));
    let expected = "     41 robocopy.exe:4321  V4:\\proj…date-7\\disk.vhdx -> V4:\\back…-11-23\\disk.vhdx 0>64K+1G           would refuse 22,15     INVALID_PARAMETER      12:34:56.789";
    assert_eq!(row, expected);
}

#[test]
fn a_volume_is_written_in_brief_and_nothing_else_is() {
    for (path, shown) in [
        (r"\Device\HarddiskVolume12\a", r"V12:\a "),
        (r"\Device\HarddiskVolume\a", r"\Device\HarddiskVolume\a "),
        (r"\Device\HarddiskVolume4", r"\Device\HarddiskVolume4 "),
        (r"\Device\HarddiskVolumeX\a", r"\Device\HarddiskVolumeX\a "),
        (r"\Device\Mup\server\share", r"\Device\Mup\server\share "),
    ] {
        let row = Layout::new(200).row(&entry(
            &clone(1, 0),
            &[units("i"), units("p"), units("s"), units(path)],
        ));
        assert!(row.contains(&format!(" -> {shown}")), "{row}");
    }
}

#[test]
fn what_is_not_known_is_said_in_few_letters() {
    let mut draft = clone(1, 0);
    draft.body.claim_known = 0;
    draft.body.target_offset = 0.into();
    draft.body.byte_count = 0.into();
    draft.body.end.outcome = 2;
    draft.body.end.verdict = 5;
    draft.body.process.process_id = 0.into();
    let row = Layout::new(100).row(&entry(&draft, &NAMELESS));
    for part in ["?:?", "(no name)", "draining", "unseen"] {
        assert!(row.contains(part), "{part} in {row}");
    }
}

#[test]
fn offsets_that_are_equal_are_written_once() {
    let mut draft = clone(1, 0);
    draft.body.source_offset = 4096.into();
    draft.body.target_offset = 4096.into();
    draft.body.byte_count = 12_289.into();
    let row = Layout::new(160).row(&entry(&draft, &names()));
    assert!(row.contains(" 4K+12289 "), "{row}");
}

#[test]
fn names_cannot_move_the_cursor() {
    let mut names = names();
    names[0] = units("\\a\u{1b}[2J.exe");
    names[3] = units("\\b\u{202E}txt.exe\n\r\t");
    let row = Layout::new(160).row(&entry(&clone(1, 0), &names));
    assert!(row.contains("\u{FFFD}[2J.exe:4321"), "{row}");
    assert!(
        !row.chars().any(|c| c.is_control() || c == '\u{202E}'),
        "{row:?}"
    );
}

#[test]
fn printable_text_stays_as_it_is() {
    assert_eq!(printable("größe 大 \u{1F980} é"), "größe 大 \u{1F980} é");
    assert_eq!(
        printable("a\0b\u{9b}c\u{200F}d\u{2066}e\u{FEFF}"),
        "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}"
    );
}

#[test]
fn the_system_process_is_named_by_its_id() {
    let mut draft = clone(1, 0);
    draft.body.process.process_id = 4.into();
    let nameless = [Vec::new(), Vec::new(), units("s"), units("t")];
    let row = Layout::new(160).row(&entry(&draft, &nameless));
    assert!(row.contains(" System:4 "), "{row}");
}

#[test]
fn sizes_are_exact() {
    for (value, text) in [
        (0, "0"),
        (1, "1"),
        (1023, "1023"),
        (4096, "4K"),
        (4097, "4097"),
        (1 << 20, "1M"),
        (3 << 30, "3G"),
        ((4 << 30) - 4096, "4194300K"),
        (-65536, "-64K"),
        ((1 << 50) - 4096, "1099511627772K"),
        (1 << 50, "0x4000000000000"),
        (i64::MIN, "-0x8000000000000000"),
        (i64::MAX - 4095, "0x7ffffffffffff000"),
    ] {
        assert_eq!(byte_size(value), text);
    }
}

#[test]
fn shortening_keeps_both_ends() {
    assert_eq!(shorten("abcdefghij", 10), "abcdefghij");
    assert_eq!(shorten("abcdefghij", 9), "ab…efghij");
    assert_eq!(shorten("abcdefghij", 1), "…");
    assert_eq!(shorten("abcdefghij", 0), "");
}

proptest! {
    #[test]
    fn every_line_fits_and_its_columns_stand_under_the_heading(
        width in 0_usize..220,
        sequence in 1_u64..1_000_000,
        offsets in any::<[i64; 2]>(),
        texts in ["\\PC{0,200}", "\\PC{0,200}", "\\PC{0,200}", "\\PC{0,200}"],
    ) {
        let mut draft = clone(sequence, 0);
        (draft.body.source_offset, draft.body.target_offset) = (offsets[0].into(), offsets[1].into());
        let layout = Layout::new(width);
        let row = layout.row(&entry(&draft, &texts.map(|text| units(&text))));
        let limit = width.max(WIDTH_MIN);
        prop_assert!(row.chars().count() <= limit, "{} > {limit}: {row}", row.chars().count());
        prop_assert!(layout.header().chars().count() <= limit);
        let column = layout.header().find("TIME").unwrap();
        let time: String = row.chars().skip(column).collect();
        prop_assert!(time.starts_with("12:34:56"), "{row}");
    }

    #[test]
    fn shortened_text_has_the_width(text in "\\PC{0,60}", width in 0_usize..60) {
        let short = shorten(&text, width);
        let count = text.chars().count();
        prop_assert_eq!(short.chars().count(), count.min(width));
        prop_assert_eq!(short == text, count <= width);
    }
}
