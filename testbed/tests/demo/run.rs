//! The shipped image on a small directory.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use cloneguard::journal::{Folder, Walk, verify};
use serde_json::Value;

use super::{Ended, Scratch, demo, image};

/// A directory with everything that is special about files.
fn small() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("in/three.txt", b"abc");
    scratch.write("in/empty", b"");
    scratch.write("in/sub/exact.bin", &[7; 65536]);
    scratch.write("in/sub/large.bin", &noise(300_001));
    scratch.write("in/with:colon?.txt", b"renamed");
    scratch.write("in/README", b"upper");
    scratch.write("in/readme", b"lower");
    scratch.write("in/target/built.o", b"not a source");
    scratch.write("elsewhere.txt", b"behind a link");
    symlink(scratch.path("elsewhere.txt"), scratch.path("in/link")).expect("links can be made");
    scratch
}

/// Bytes that differ from cluster to cluster.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// Runs the demo with JSON lines, and reads them.
fn run(more: &[&str]) -> Option<(Ended, Vec<Value>)> {
    let image = image()?;
    let scratch = small();
    let json = scratch.path("records.jsonl");
    let mut arguments = vec!["--json", json.to_str().expect("the path is UTF-8")];
    arguments.extend(more);
    let ended = demo(&image, &scratch.input(), &arguments);
    let lines = std::fs::read_to_string(&json).unwrap_or_default();
    let records = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    Some((ended, records))
}

/// The number that follows `before`, up to `after`.
fn number(text: &str, before: &str, after: &str) -> usize {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before:?} in {text}"));
    let (number, _) = rest
        .split_once(after)
        .unwrap_or_else(|| panic!("no {after:?} in {text}"));
    number
        .trim()
        .parse()
        .unwrap_or_else(|_| panic!("{number:?} is no number"))
}

#[test]
fn all_is_well() {
    let Some((ended, records)) = run(&[]) else {
        return;
    };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // No bar where there is no terminal, and nothing to complain about.
    assert_eq!(ended.error, "", "{}", ended.out);
    for part in [
        "7 files, ",
        "Left out: 1 directories named target or .git, 1 links and special files",
        "SEQ PROCESS",
        r"V3:\files\three.txt",
        "Requests that no well-behaved caller sends",
        "one byte short",
        "a closed and reused handle",
        "CloneGuard: stopped",
        "lost = 0",
        "every clone equals its file",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
    let (_, summary) = ended.out.split_once("Summary").expect("it sums up");
    let count = number(summary, "records ", " received");
    assert_eq!(records.len(), count, "JSON lines");
    assert_eq!(number(summary, "sequence 1 to ", ","), count);
    let (requests, own) = (
        number(summary, &format!("1 to {count}, "), " of requests"),
        number(summary, " of requests, ", " of the driver itself"),
    );
    assert_eq!(requests + own, count);
}

#[test]
fn json_has_every_record_in_order_and_every_style() {
    let Some((_, records)) = run(&[]) else {
        return;
    };
    let numbers: Vec<_> = records
        .iter()
        .map(|record| record["sequence"].as_u64())
        .collect();
    let expected: Vec<_> = (1..=records.len() as u64).map(Some).collect();
    assert_eq!(numbers, expected);
    let programs: BTreeSet<_> = records
        .iter()
        .filter_map(|record| record["image"]["text"].as_str()?.rsplit('\\').next())
        .collect();
    // Seven files, and every style has its turn; kernel code has no image.
    for program in [
        "msbuild.exe",
        "reflink-copy.exe",
        "git-lfs.exe",
        "refs-fclone.exe",
        "robocopy.exe",
        "reflink32.exe",
        "fclone32.exe",
        "backup.exe",
        "vmcopy.exe",
        "hostile.exe",
        "hostile32.exe",
        "",
    ] {
        assert!(
            programs.contains(program),
            "no {program:?} among {programs:?}"
        );
    }
}

#[test]
fn every_rule_fires() {
    let Some((_, records)) = run(&[]) else {
        return;
    };
    let rules: BTreeSet<_> = records
        .iter()
        .flat_map(|record| record["rules"].as_array().cloned().unwrap_or_default())
        .filter_map(|rule| rule["id"].as_u64())
        .collect();
    // The rest takes a race, a policy, or a driver that cannot look; testbed/tests/driver has them.
    let elsewhere = [45, 60, 70];
    let all = wire::RULE_NAMES
        .iter()
        .map(|(id, _)| u64::from(id.number()));
    let expected: BTreeSet<_> = all.filter(|id| !elsewhere.contains(id)).collect();
    assert_eq!(rules, expected);
}

#[test]
fn a_file_larger_than_4_gib_goes_in_several_requests() {
    let Some((_, records)) = run(&[]) else {
        return;
    };
    let chunks = |target: &str| -> Vec<i64> {
        let of = |record: &&Value| {
            record["target"]["text"]
                .as_str()
                .is_some_and(|name| name.ends_with(target))
        };
        let counts = records
            .iter()
            .filter(of)
            .map(|record| &record["claim"]["byte_count"]);
        counts.filter_map(Value::as_i64).collect()
    };
    let gib = 1_i64 << 30;
    assert_eq!(chunks("by-4-gib.vhdx"), [4 * gib - 4096, gib + 8192]);
    assert_eq!(chunks("by-1-gib.vhdx"), [gib, gib, gib, gib, gib, 4096]);
}

#[test]
fn all_shows_every_record() {
    let Some((ended, records)) = run(&["--all"]) else {
        return;
    };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (table, _) = ended.out.split_once("Summary").expect("it sums up");
    let rows: Vec<_> = table
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .collect();
    let expected: Vec<_> = (1..=records.len() as u64).collect();
    assert_eq!(rows, expected);
}

/// Whoever stops reading does not make the run fail.
#[test]
fn nobody_needs_to_read_the_output() {
    let Some(image) = image() else {
        return;
    };
    let scratch = Scratch::with_a_file();
    let mut child = super::testbed()
        .args(["demo", "--all", "--image"])
        .arg(&image)
        .arg(scratch.input())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let status = child.wait().expect("the program ends");
    assert_eq!(status.code(), Some(0));
}

/// A second run is another load of the driver, and is kept behind the first.
#[test]
fn the_journal_of_the_run_is_sound() {
    let Some(image) = image() else {
        return;
    };
    let scratch = small();
    let journal = scratch.path("journal");
    let path = journal.to_str().expect("the path is UTF-8");
    for runs in 1..=2 {
        let ended = demo(&image, &scratch.input(), &["--journal", path]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("cloneguard verify"), "{}", ended.out);
        let walk = Walk::open(Folder::new(&journal)).expect("there is a journal");
        let report = verify(walk, None, |_| ()).expect("it can be read");
        assert!(report.is_sound(), "{report:?}");
        assert_eq!((report.loads.len(), report.lost()), (runs, 0));
        let last = report.loads.last().expect("a load");
        assert_eq!(last.records, last.last, "all of them");
    }
}
