//! `cloneguard verify`, `search` and `export`.

use crate::build::{BOOT, Names, batch_of, clone, counters, names, record, units};
use crate::{Place, Ran};
use cloneguard::export::COLUMNS;
use cloneguard::journal::{Limits, Writer, segment_name};
use cloneguard::{Consumer, Timestamp};
use serde_json::Value;
use std::path::Path;

/// 2026-11-26.
const WRITTEN: Timestamp = Timestamp::from_filetime(134_401_248_000_000_000);
/// Names with everything in them that a file of commas can stumble over.
const WICKED: &str = r#"=cmd|' /C calc'!A0,"x"#;

/// Six records: 1 to 3, 6 after 2 losses, 7, and 8, which was refused.
fn records() -> Vec<Vec<u8>> {
    let mut records: Vec<Vec<u8>> = [(1, 0), (2, 0), (3, 0), (6, 2)]
        .map(|(sequence, lost)| record(&clone(sequence, lost), &names()))
        .to_vec();
    let mut wicked: Names = names();
    wicked[3] = units(WICKED);
    records.push(record(&clone(7, 0), &wicked));
    let mut refused = clone(8, 0);
    refused.body.end.verdict = 4;
    refused.body.end.outcome = 3;
    refused.body.end.deciding_rule = 22;
    refused.body.end.rules = (1_u128 << 22).into();
    refused.body.end.status = 0xC000_000D.into();
    refused.body.process.process_id = 99.into();
    refused.body.files[1].id_state = 1;
    refused.body.files[1].id = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";
    records.push(record(&refused, &names()));
    records
}

/// Writes these records to a journal, in segments of about two.
fn write(path: &Path, records: &[Vec<u8>]) {
    let limits = Limits {
        segment_size: 2000,
        ..Limits::default()
    };
    let (mut writer, _) = Writer::open(path, limits, WRITTEN).unwrap();
    let mut consumer = Consumer::new();
    for record in records {
        let bytes = batch_of(BOOT, counters(100, 2), std::slice::from_ref(record));
        let delivery = consumer.feed(&bytes).unwrap();
        writer.keep(WRITTEN, &delivery).unwrap();
    }
}

/// A place with a journal of all records.
fn place(name: &str) -> Place {
    let place = Place::new(name);
    write(&place.path().join("journal"), &records());
    place
}

/// Runs a command that has nothing to complain of.
#[track_caller]
fn run(place: &Place, words: &[&str]) -> String {
    let Ran { code, out, err } = place.run(words);
    assert_eq!(code, Some(0), "{out}{err}");
    out
}

/// Numbers of the records that `search` finds.
fn search(place: &Place, words: &[&str]) -> Vec<u64> {
    let words = [&["search", "journal", "--json"], words].concat();
    let out = run(place, &words);
    let numbers = out.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap();
        value["sequence"].as_u64().unwrap()
    });
    numbers.collect()
}

#[test]
fn a_sound_journal_is_proved() {
    let place = place("verify-sound");
    let out = run(&place, &["verify", "journal"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "segments  3, the last one is open");
    let load = format!(
        "{}: 6 records, 1 to 8; 2 lost by the driver's count",
        "b0".repeat(16)
    );
    assert!(
        lines.contains(&format!("load      {load}").as_str()),
        "{out}"
    );
    let verdict =
        "sound: everything is as it was written; 2 records are missing, as the driver counted";
    assert_eq!(lines.last(), Some(&verdict));

    let json: Value = serde_json::from_str(&run(&place, &["verify", "journal", "--json"])).unwrap();
    assert_eq!(json["is_sound"], true);
    assert_eq!((&json["records"], &json["lost"]), (&6.into(), &2.into()));
    let (frame, hash) = (&json["end"]["frame"], json["end"]["hash"].as_str().unwrap());
    let end = format!("{frame}:{hash}");
    assert!(out.contains(&format!("end       {end}\n")));
    run(&place, &["verify", "journal", "--expect", &end]);

    let strict = place.run(&["verify", "journal", "--strict"]);
    assert_eq!(strict.code, Some(5));
    assert!(
        strict
            .out
            .ends_with("not complete: 2 records are missing, as the driver counted\n")
    );
}

#[test]
fn a_changed_byte_is_named_and_exits_with_5() {
    let place = place("verify-flip");
    let name = format!("journal/{}", segment_name(2));
    let mut bytes = place.read(&name);
    bytes[600] ^= 1;
    place.write(&name, bytes);
    let ran = place.run(&["verify", "journal"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(5), ""));
    let first = ran.out.lines().next().unwrap();
    let load = "b0".repeat(16);
    let start = format!(
        "! {}, byte 168, frame 6 (record 3 of load {load}): ",
        segment_name(2)
    );
    assert!(first.starts_with(&start), "{}", ran.out);
    assert!(
        ran.out
            .ends_with("not sound: the journal is not as it was written\n")
    );
    let json = place.run(&["verify", "journal", "--json"]);
    assert_eq!(json.code, Some(5));
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["damages"][0]["sequence"], 3);
    assert_eq!(json["damages"][0]["offset"], 168);
    // What is left is found, with the same code.
    let ran = place.run(&["search", "journal", "--json"]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(5), 5));
    let said = start.replace('!', "journal:");
    assert!(ran.err.starts_with(&said), "{}", ran.err);
}

#[test]
fn a_hash_that_is_not_there_exits_with_5() {
    let place = place("verify-expect");
    let wrong = format!("3:{}", "0".repeat(64));
    let ran = place.run(&["verify", "journal", "--expect", &wrong]);
    assert_eq!(ran.code, Some(5));
    assert!(
        ran.out
            .starts_with("! the frame that --expect names is not there")
    );
    let ran = place.run(&["verify", "journal", "--expect", "3:12"]);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn what_is_no_journal_exits_with_4_or_8() {
    let place = Place::new("verify-nothing");
    place.create_directory("empty");
    for command in ["verify", "search", "export"] {
        let ran = place.run(&[command, "empty"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""));
        assert_eq!(ran.err, "empty: there is no journal in it\n");
        let ran = place.run(&[command, "gone"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(8), ""));
        assert!(ran.err.starts_with("gone: cannot read it: "), "{}", ran.err);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each option")]
fn records_are_found_by_every_option() {
    let place = place("search");
    let all = [1, 2, 3, 6, 7, 8];
    // As a number, so the last byte comes first.
    let id = "efcdab8967452301".repeat(2);
    let cases: &[(&[&str], &[u64])] = &[
        (&[], &all),
        (&["--limit", "2"], &[1, 2]),
        (&["--limit", "0"], &[]),
        (&["--sequence", "3"], &[3]),
        (&["--sequence", "3..7"], &[3, 6, 7]),
        (&["--pid", "99"], &[8]),
        (&["--verdict", "refused"], &[8]),
        (&["--rule", "22"], &[8]),
        (&["--rule", "unaligned-count"], &[8]),
        (&["--status", "INVALID_PARAMETER"], &[8]),
        (&["--file-id", &id], &[8]),
        (&["--path", "*CALC*"], &[7]),
        (&["--path", "and"], &[]),
        (&["--status", "0xC000000D"], &[8]),
        (&["--path", "*\\backup\\*"], &[1, 2, 3, 6, 8]),
        (
            &["--image", "*\\ROBOCOPY.exe", "--sequence", "1..2"],
            &[1, 2],
        ),
        (&["--image", "*\\xcopy.exe"], &[]),
        (&["--user", "S-1-5-18"], &all),
        (&["--user", "S-1-5-19"], &[]),
        (&["--kind", "clone"], &all),
        (&["--kind", "gap"], &[]),
        (&["--since", "2026-11-23T12:34:56Z"], &all),
        (&["--until", "2026-11-23T12:34:56Z"], &[]),
        (&["--since", "2026-11-24"], &[]),
        (&["--filter", "pid=99 || sequence=1"], &[1, 8]),
        (
            &["--filter", "pid=99 || sequence=1", "--verdict", "passed"],
            &[1],
        ),
    ];
    for (words, numbers) in cases {
        assert_eq!(search(&place, words), *numbers, "{words:?}");
    }
    assert_eq!(search(&place, &["--boot", &"b0".repeat(16)]), all);
    assert!(search(&place, &["--boot", &"b1".repeat(16)]).is_empty());
}

#[test]
fn what_was_found_is_a_table_for_people() {
    let place = place("search-table");
    let ran = place.run(&["search", "journal", "--verdict", "refused"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "1 record found\n"));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("SOURCE -> TARGET"));
    assert_eq!(lines[1], "-- 2026-11-23 UTC");
    let ran = place.run(&["search", "journal", "--pid", "1"]);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("", "0 records found\n")
    );
}

#[test]
fn a_wrong_value_is_said_and_exits_with_4() {
    let place = place("search-wrong");
    for (words, what) in [
        (["--verdict", "refuse"], "`verdict` is never `refuse`"),
        (["--path", "a\"b'c"], "both kinds of quotation marks"),
    ] {
        let ran = place.run(&[&["search", "journal"], &words[..]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""), "{words:?}");
        assert!(ran.err.contains(what), "{}", ran.err);
    }
}

#[test]
fn all_records_leave_as_json_lines() {
    let place = place("export-json");
    let exported = run(&place, &["export", "journal"]);
    assert_eq!(exported, run(&place, &["search", "journal", "--json"]));
    assert_eq!(exported.lines().count(), 6);
    assert_eq!(
        run(&place, &["export", "journal", "--output", "records.jsonl"]),
        ""
    );
    assert_eq!(place.read("records.jsonl"), exported.as_bytes());
    // It has paths and users in it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(place.path().join("records.jsonl")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let some = run(&place, &["export", "journal", "--filter", "pid=99"]);
    assert_eq!(some.lines().count(), 1);
}

#[test]
fn all_records_leave_as_a_table() {
    let place = place("export-csv");
    run(
        &place,
        &["export", "journal", "--format", "csv", "-o", "records.csv"],
    );
    let text = String::from_utf8(place.read("records.csv")).unwrap();
    let rows = parse_csv(&text);
    assert_eq!(rows.len(), 7);
    assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
    assert_eq!(rows[0], COLUMNS);
    let at = |row: usize, column: &str| {
        let place = COLUMNS.iter().position(|name| *name == column).unwrap();
        rows[row][place].as_str()
    };
    assert_eq!(at(1, "time"), "2026-11-23T12:34:56.7890123Z");
    assert_eq!(at(1, "claim.byte_count"), "1073741824");
    assert_eq!((at(4, "sequence"), at(4, "lost_before")), ("6", "2"));
    assert_eq!(at(5, "target.text"), format!("'{WICKED}"), "no formula");
    assert_eq!(
        (at(6, "rules.id"), at(6, "rules.name")),
        ("22", "unaligned-count")
    );
    assert_eq!(at(6, "status.name"), "STATUS_INVALID_PARAMETER");
}

/// Reads a file by RFC 4180.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = rest.next() {
        match (is_quoted, character) {
            (true, '"') if rest.peek() == Some(&'"') => cell.extend(rest.next()),
            (_, '"') => is_quoted = !is_quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(rest.next(), Some('\n'), "a line ends with both");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, character) => cell.push(character),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !is_quoted);
    rows
}

#[test]
fn an_output_file_is_whole_or_not_there() {
    let place = place("export-whole");
    place.create_directory("out");
    let ran = place.run(&["export", "journal", "-o", "out"]);
    assert_eq!(ran.code, Some(8), "{}", ran.err);
    assert_eq!(place.names(), ["journal", "out"]);
    let ran = place.run(&["export", "empty", "-o", "records"]);
    assert_eq!(ran.code, Some(8));
    assert_eq!(place.names(), ["journal", "out"]);
}
