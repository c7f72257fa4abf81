//! `cloneguard lineage`.

use crate::Place;
use crate::journal::{JOURNAL, SOURCE_ID, damage, write_copies, write_journal};
use serde_json::Value;

#[test]
fn what_shares_blocks_is_drawn_and_written() {
    let place = Place::new("lineage");
    write_journal(&place);
    for file in [
        SOURCE_ID,
        r"*\disk.vhdx",
        r"C:\projects\firmware\2026\images\release-candidate-7\disk.vhdx",
    ] {
        let ran = place.run(&["lineage", file, JOURNAL]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{file}");
        // The third clone was refused.
        assert!(
            ran.out
                .contains("shares blocks with 2 files, shared some with 0 more"),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("9 records were lost"), "{}", ran.out);
    }
    let ran = place.run(&["lineage", SOURCE_ID, JOURNAL, "--json"]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        json["files"][0]["shares"][1]["file"]["id"],
        "00000000000000000000000000000003"
    );
    let ran = place.run(&["lineage", SOURCE_ID, JOURNAL, "--dot"]);
    assert!(
        ran.out.starts_with("digraph lineage {") && ran.out.ends_with("}\n"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches(" -> ").count(), 2);
}

#[test]
fn a_file_that_is_not_there_is_no_error() {
    let place = Place::new("lineage-none");
    write_journal(&place);
    let ran = place.run(&["lineage", r"C:\other", JOURNAL]);
    let line = "no clone of this file that went well is in the journal\n";
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), line));
}

#[test]
fn what_is_wrong_has_its_code() {
    let place = Place::new("lineage-wrong");
    write_journal(&place);
    let ran = place.run(&["lineage", "x", JOURNAL]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""));
    assert!(ran.err.starts_with("x: names no file: "), "{}", ran.err);
    for words in [
        &["lineage", SOURCE_ID][..],
        &["lineage", SOURCE_ID, JOURNAL, "--json", "--dot"],
    ] {
        assert_eq!(place.run(words).code, Some(1), "{words:?}");
    }
    assert_eq!(place.run(&["lineage", SOURCE_ID, "nowhere"]).code, Some(8));
}

#[test]
fn a_pattern_for_too_many_files_is_refused() {
    let place = Place::new("lineage-many");
    write_copies(&place, 100);
    let ran = place.run(&["lineage", "*", JOURNAL]);
    let line = "*: means 101 files; name one more exactly, or by its id\n";
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.as_str()),
        (Some(4), line, "")
    );
    assert_eq!(
        place.run(&["lineage", r"*\copies\*", JOURNAL]).code,
        Some(0)
    );
}

#[test]
fn damage_is_said_once() {
    let place = Place::new("lineage-damage");
    write_journal(&place);
    damage(&place);
    let ran = place.run(&["lineage", SOURCE_ID, JOURNAL]);
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    assert_eq!(ran.err.matches("frame").count(), 1, "{}", ran.err);
}
