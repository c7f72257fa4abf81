//! `cloneguard doctor`.

use crate::Place;
use crate::journal::{JOURNAL, damage, write_journal};
use serde_json::Value;

/// The checks by name: state, and what was said.
fn checks(out: &str) -> Vec<(String, String, String)> {
    let json: Value = serde_json::from_str(out).unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = json["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            (
                text(check, "name"),
                text(check, "state"),
                text(check, "says"),
            )
        })
        .collect()
}

fn state<'c>(checks: &'c [(String, String, String)], name: &str) -> &'c str {
    &checks.iter().find(|check| check.0 == name).unwrap().1
}

#[test]
fn a_journal_in_order_is_fine_and_a_driver_is_not_checked() {
    let place = Place::new("doctor");
    write_journal(&place);
    let ran = place.run(&["doctor", JOURNAL, "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let checks = checks(&ran.out);
    for name in ["directory", "chain", "clock"] {
        assert_eq!(state(&checks, name), "fine", "{checks:?}");
    }
    assert_eq!(state(&checks, "losses"), "note");
    assert_eq!(state(&checks, "driver"), "unchecked");
    assert_eq!(state(&checks, "volumes"), "unchecked");
    // It leaves nothing behind.
    let names = std::fs::read_dir(place.path().join(JOURNAL)).unwrap();
    let has_file = |name: std::ffi::OsString| name.to_string_lossy().contains("doctor");
    assert!(!names.map(|entry| entry.unwrap().file_name()).any(has_file));
}

#[test]
fn the_lines_say_how_to_mend_it() {
    let place = Place::new("doctor-lines");
    write_journal(&place);
    let ran = place.run(&["doctor", JOURNAL]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out
            .contains("\nnote        losses         the driver says that it lost 9 records\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("to mend it: raise journal-size or summarise in the policy"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains('\u{1b}'), "no colours but on a terminal");
    let ran = place.run(&["--color", "always", "doctor", JOURNAL]);
    assert!(ran.out.contains("\u{1b}[32mfine"), "{}", ran.out);
}

#[test]
fn a_damaged_journal_exits_with_5() {
    let place = Place::new("doctor-damage");
    write_journal(&place);
    damage(&place);
    let ran = place.run(&["doctor", JOURNAL]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(5), ""));
    assert!(
        ran.out.contains("\nbad         chain          1 damages"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("keep a copy of the directory"),
        "{}",
        ran.out
    );
}

#[test]
fn a_directory_that_is_not_there_exits_with_8() {
    let place = Place::new("doctor-nowhere");
    let ran = place.run(&["doctor", "nowhere", "--json"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(8), "directory: see above\n")
    );
    let checks = checks(&ran.out);
    assert_eq!(
        (state(&checks, "directory"), state(&checks, "chain")),
        ("bad", "bad")
    );
}

#[test]
#[cfg(unix)]
fn a_driver_that_is_not_there_exits_with_2() {
    let place = Place::new("doctor-driver");
    let ran = place.run(&["doctor", "--socket", "none", "--json"]);
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    let checks = checks(&ran.out);
    assert_eq!(
        (state(&checks, "journal"), state(&checks, "driver")),
        ("unchecked", "bad")
    );
}
