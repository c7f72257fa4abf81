//! `imports.txt` says what the declarations say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flt_sys::IMPORTS;

/// The lines that `imports.txt` should have after its head.
fn declared() -> Vec<String> {
    let rows = IMPORTS.iter().copied().flatten();
    rows.map(|row| format!("{} {} {} {}", row.dll, row.name, row.since, row.irql.word()))
        .collect()
}

/// The lines that it has.
fn listed() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("imports.txt");
    let text = fs::read_to_string(path).expect("imports.txt is there");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn the_list_is_that_of_the_declarations() {
    let (listed, declared) = (listed(), declared());
    let missing: Vec<_> = declared
        .iter()
        .filter(|line| !listed.contains(line))
        .collect();
    let stale: Vec<_> = listed
        .iter()
        .filter(|line| !declared.contains(line))
        .collect();
    assert!(missing.is_empty(), "not in imports.txt: {missing:#?}");
    assert!(
        stale.is_empty(),
        "in imports.txt, but not declared so: {stale:#?}"
    );
    assert_eq!(listed.len(), declared.len(), "a line stands twice");
}

#[test]
fn a_name_is_declared_once() {
    let names: BTreeSet<&str> = IMPORTS
        .iter()
        .copied()
        .flatten()
        .map(|row| row.name)
        .collect();
    assert_eq!(names.len(), declared().len());
}

#[test]
fn every_declaration_stands_in_a_table() {
    // A foreign block written past the macro would be missing from the list.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in fs::read_dir(source).expect("the crate has a src directory") {
        let path = file.expect("src can be listed").path();
        let text = fs::read_to_string(&path).expect("sources are text");
        let blocks = text.matches("unsafe extern \"system\" {").count();
        let allowed = if path.ends_with("imports.rs") { 2 } else { 0 };
        assert_eq!(blocks, allowed, "foreign blocks in {}", path.display());
    }
}
