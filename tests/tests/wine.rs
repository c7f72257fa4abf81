//! The programs for Windows under Wine: what a machine that is not ready is told, that nothing is touched, and the calls
//! of ntdll on a file system that does not clone.
//!
//! One installation of Wine serves all, because making one takes longer than all the rest; so all that needs it is one
//! test.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "shared/wine.rs"]
mod wine;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::wine::{Wine, ended_within};

/// The documented statuses (docs/vm.md).
const DONE: Option<i32> = Some(0);
const SOME_FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const CANNOT_RUN: Option<i32> = Some(3);
const NOT_READY: Option<i32> = Some(4);

/// Where a package is copied to.
const COPY: &str = r"C:\Program Files\CloneGuard\conformance\package";

/// Whoever waits here for a program that hangs finds out which, instead of waiting with it.
#[test]
fn a_program_that_does_not_end_is_ended_and_told() {
    let hanging = Command::new("sleep")
        .arg("infinity")
        .spawn()
        .expect("sleep runs");
    let why = ended_within(Duration::ZERO, hanging).expect_err("it never ends");
    assert_eq!(why, "it did not end within 0 s and was killed");
    let quick = Command::new("true").spawn().expect("true runs");
    let status = ended_within(Duration::from_secs(600), quick).expect("it ends");
    assert!(status.success());
}

#[test]
fn the_programs_under_wine() {
    let Some(wine) = Wine::create() else {
        return;
    };
    help_names_every_command_and_status(&wine);
    let before = wine.files();
    the_list_is_that_of_this_host(&wine);
    a_machine_that_is_not_ready_is_told_what_to_do(&wine);
    commands_stop_before_they_touch_anything(&wine);
    a_command_that_cannot_begin_says_what_comes_first(&wine);
    cases_run_where_nothing_clones(&wine);
    a_caller_calls(&wine);
    what_comes_before_main_works(&wine);
    assert_eq!(wine.files(), before, "the machine is as it was");
    what_an_earlier_run_left_is_undone(&wine);
    assert_eq!(wine.files(), before, "cleanup leaves nothing");
    a_certificate_without_its_file_is_not_forgotten(&wine);
    a_record_that_cannot_be_read_is_left_alone(&wine);
    assert!(wine.registry("cloneguard").is_empty());
}

fn conformance(wine: &Wine, words: &str) -> Output {
    let words: Vec<&str> = words.split_whitespace().collect();
    wine.run("conformance.exe", &words, "")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn help_names_every_command_and_status(wine: &Wine) {
    let help = conformance(wine, "--help");
    assert_eq!(help.status.code(), DONE, "{}", text(&help.stderr));
    let help = text(&help.stdout);
    let commands = [
        "list",
        "preflight",
        "prepare",
        "install",
        "run",
        "soak",
        "uninstall",
        "cleanup",
        "report",
    ];
    for command in commands {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command}: {help}"
        );
    }
    for status in [
        "0 everything",
        "1 something",
        "2 the",
        "3 something",
        "4 the",
    ] {
        assert!(help.contains(status), "{status}: {help}");
    }
    let tool = wine.run("cloneguard.exe", &["--version"], "");
    assert_eq!(tool.status.code(), DONE, "{}", text(&tool.stderr));
    assert!(text(&tool.stdout).starts_with("cloneguard "));
}

fn the_list_is_that_of_this_host(wine: &Wine) {
    let listed = text(&conformance(wine, "list").stdout);
    assert_eq!(listed.lines().count(), conformance::cases::all().count());
}

fn checks(output: &Output) -> Vec<Value> {
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["checks"].as_array().expect("checks").clone()
}

fn check(checks: &[Value], id: &str) -> Value {
    let found = checks.iter().find(|check| check["id"] == id);
    found.unwrap_or_else(|| panic!("no check {id}")).clone()
}

fn a_machine_that_is_not_ready_is_told_what_to_do(wine: &Wine) {
    let output = conformance(wine, "preflight --json");
    assert_eq!(output.status.code(), NOT_READY);
    let all = checks(&output);
    assert_eq!(all.len(), 12);
    for (id, command) in [
        ("test-signing", "bcdedit /set testsigning on"),
        ("refs", "Windows Server 2022"),
        ("package", "./dev package --harness"),
    ] {
        let check = check(&all, id);
        assert_eq!(check["state"], "needed", "{check}");
        assert!(check["mend"].to_string().contains(command), "{check}");
    }
    assert_eq!(check(&all, "driver-verifier")["state"], "advice");
    assert_eq!(check(&all, "processor")["state"], "good");
    // With a package there, one obstacle is gone. This time in words.
    let folder = wine.programs().join("package");
    fs::create_dir(&folder).expect("a folder");
    let names = check(&all, "package")["found"].as_str().map(str::to_owned);
    let names = names.expect("words");
    let (_, names) = names.split_once(" lacks ").expect("what it lacks");
    for name in names.split(", ") {
        fs::write(folder.join(name), "").expect("a file");
    }
    let output = conformance(wine, "preflight --package package");
    assert_eq!(output.status.code(), NOT_READY);
    let told = text(&output.stdout);
    assert!(told.contains("\nok       package "), "{told}");
    let end = "\nnot ready, and nothing was changed; to mend, in this order: ";
    assert!(told.contains(end), "{told}");
    fs::remove_dir_all(&folder).expect("to be removed");
}

fn commands_stop_before_they_touch_anything(wine: &Wine) {
    for (command, obstacle) in [
        ("prepare", "refs"),
        ("install", "test-signing"),
        ("run", "test-signing"),
        ("soak --minutes 1", "test-signing"),
    ] {
        let output = conformance(wine, command);
        assert_eq!(output.status.code(), NOT_READY, "{command}");
        let told = text(&output.stdout);
        let told = format!("\n{told}");
        assert!(
            told.contains(&format!("\nNEEDED   {obstacle} ")),
            "{command}: {told}"
        );
        assert!(
            !told.contains("\nok "),
            "{command} tells what is in its way only: {told}"
        );
    }
}

fn a_command_that_cannot_begin_says_what_comes_first(wine: &Wine) {
    let bare = conformance(wine, "run --stage bare");
    assert_eq!(bare.status.code(), NOT_READY);
    assert!(
        text(&bare.stderr).contains("conformance prepare"),
        "{}",
        text(&bare.stderr)
    );
    let report = conformance(wine, "report");
    assert_eq!(report.status.code(), NOT_READY);
    assert!(
        text(&report.stderr).contains("conformance run"),
        "{}",
        text(&report.stderr)
    );
    // A stage that there is not, and one that needs the driver.
    assert_eq!(
        conformance(wine, "run --stage polices").status.code(),
        USAGE
    );
    let policy = conformance(wine, "run --stage policy");
    assert_eq!(policy.status.code(), NOT_READY);
}

/// Wine's file system says that it is NTFS. That a code is unknown it says with another status than Windows, so its
/// cases fail, with these words; everything around them works: files made, bytes written and compared, all removed.
fn cases_run_where_nothing_clones(wine: &Wine) {
    let folder = wine.programs().join("volume");
    // As an earlier run called its own.
    let kept = folder.join("cloneguard-conformance");
    fs::create_dir_all(&kept).expect("a folder");
    fs::write(kept.join("a"), "of somebody").expect("a file");
    let output = conformance(wine, "run --on volume --format json");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stages = document["stages"].as_array().expect("stages");
    assert_eq!(stages.len(), 1);
    assert_eq!(stages[0]["end"], Value::Null, "nothing is left");
    let rows = stages[0]["cases"].as_array().expect("rows");
    let of = |outcome: &str| -> Vec<&Value> {
        rows.iter()
            .filter(|row| row["outcome"] == outcome)
            .collect()
    };
    let (failed, skipped) = (of("failed"), of("skipped"));
    let answer =
        "without the driver: request 1: ended with NOT_SUPPORTED, not INVALID_DEVICE_REQUEST";
    for row in &failed {
        assert_eq!(row["faults"], json!([answer]), "{row}");
    }
    for row in &skipped {
        let reason = row["reason"].as_str().expect("a reason");
        assert!(reason.starts_with("not run here: "), "{row}");
    }
    assert_eq!(output.status.code(), SOME_FAILED);
    let ran = rows.len() - skipped.len();
    assert!(ran >= 12, "{ran} ran");
    let ids: Vec<&str> = failed.iter().filter_map(|row| row["id"].as_str()).collect();
    assert!(ids.contains(&"target-volume.ntfs"), "{ids:?}");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    assert!(kept.join("a").is_file());
    fs::remove_dir_all(&folder).expect("to be removed");
}

/// The program that calls for other processes, as conformance talks to it; with a 32-bit Wine the 32-bit one too.
fn a_caller_calls(wine: &Wine) {
    let file = wine.programs().join("called");
    fs::write(&file, "x").expect("a file");
    let name = format!(r"\??\Z:{}", file.display()).replace('/', r"\");
    let open = json!({ "open": { "what": { "file": name }, "access": 0x0010_0081 } });
    let nothing = json!({ "close": { "handle": 0x7FFC } });
    let gone =
        json!({ "control": { "to": 0x7FFC, "code": 0x9_8344, "input": [1, 2], "output": 0 } });
    let event = json!({ "open": { "what": "event", "access": 0 } });
    let calls = [&open, &event, &nothing, &gone]
        .map(|call| format!("{call}\n"))
        .concat();
    let mut programs = vec!["caller64.exe"];
    if fs::exists("/usr/lib/wine/wine").expect("a look") {
        programs.push("conformance32.exe");
    } else {
        println!("not run: conformance32.exe, for there is no 32-bit Wine");
    }
    for program in programs {
        let output = wine.run(program, &[], &calls);
        assert_eq!(output.status.code(), DONE, "{}", text(&output.stderr));
        let replies: Vec<Value> = text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(replies.len(), 4, "{replies:?}");
        assert!(
            replies[0]["handle"].is_u64() && replies[1]["handle"].is_u64(),
            "{replies:?}"
        );
        assert_ne!(replies[0], replies[1]);
        assert_eq!(replies[2], json!({ "failed": 0xC000_0008_u32 }));
        assert_eq!(replies[3]["answered"]["status"], 0xC000_0008_u32);
    }
    fs::remove_file(&file).expect("to be removed");
}

/// The start-up code that the ARM64 programs are linked with (kit/startup).
fn what_comes_before_main_works(wine: &Wine) {
    let output = wine.run("startup.exe", &["a", "b"], "");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        ["the end of a thread with 42", "3 words, true, 40 here"]
    );
}

/// A line of the record.
fn change(number: u32, change: &Value) -> String {
    let line = json!({ "change": { "number": number, "change": change } });
    format!("{line}\n")
}

/// What a run leaves that was ended in the middle: on record, and half made.
fn leave(workplace: &Path) {
    fs::create_dir_all(workplace).expect("a folder");
    let disk = r"C:\Program Files\CloneGuard\conformance\refs-4k.vhdx";
    let inf = format!(r"{COPY}\cloneguard.inf");
    let record = [
        change(1, &json!({ "kind": "disk", "path": disk })),
        change(2, &json!({ "kind": "package_copy", "path": COPY })),
        change(3, &json!({ "kind": "package", "inf": inf })),
        change(4, &json!({ "kind": "policy", "previous": null })),
        change(5, &json!({ "kind": "loaded" })),
        // Torn by the end of the run.
        r#"{"change":{"number":6,"cha"#.to_owned(),
    ];
    fs::write(workplace.join("ledger.jsonl"), record.concat()).expect("a record");
    fs::write(workplace.join("refs-4k.vhdx"), "half a disk").expect("a file");
    fs::create_dir(workplace.join("package")).expect("a folder");
}

fn what_an_earlier_run_left_is_undone(wine: &Wine) {
    let workplace = wine.drive_c("Program Files/CloneGuard/conformance");
    leave(&workplace);
    let all = checks(&conformance(wine, "preflight --json"));
    let left = check(&all, "leftovers");
    assert_eq!(left["state"], "advice");
    assert!(
        left["found"]
            .as_str()
            .expect("words")
            .starts_with("5 changes are in force"),
        "{left}"
    );
    // Who is told that the machine is not ready finds everything as it was, also what an earlier run left.
    let before = wine.files();
    let bare = conformance(wine, "run --stage bare");
    assert_eq!(bare.status.code(), NOT_READY, "{}", text(&bare.stderr));
    assert_eq!(wine.files(), before);
    let output = conformance(wine, "uninstall");
    assert_eq!(output.status.code(), DONE, "{}", text(&output.stderr));
    assert!(!workplace.join("package").exists() && workplace.join("refs-4k.vhdx").exists());
    let output = conformance(wine, "cleanup");
    assert_eq!(output.status.code(), DONE, "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("undone: virtual disk "), "{told}");
    let last = told.lines().last();
    assert_eq!(last, Some("nothing of this program is left on the machine"));
    assert!(!wine.drive_c("Program Files/CloneGuard").exists());
}

fn a_certificate_without_its_file_is_not_forgotten(wine: &Wine) {
    let workplace = wine.drive_c("Program Files/CloneGuard/conformance");
    fs::create_dir_all(workplace.join("package")).expect("a folder");
    let file = format!(r"{COPY}\root.cer");
    let certificate = json!({ "kind": "certificate", "store": "Root", "file": file });
    let record = [
        change(1, &json!({ "kind": "package_copy", "path": COPY })),
        change(2, &certificate),
    ];
    let record = record.concat();
    let path = workplace.join("ledger.jsonl");
    fs::write(&path, &record).expect("a record");
    let output = conformance(wine, "cleanup");
    assert_eq!(output.status.code(), CANNOT_RUN);
    let told = text(&output.stderr);
    assert!(told.contains("root.cer: "), "{told}");
    assert_eq!(fs::read_to_string(&path).expect("a record"), record);
    assert!(workplace.join("package").exists());
    fs::remove_dir_all(&workplace).expect("to be removed");
}

fn a_record_that_cannot_be_read_is_left_alone(wine: &Wine) {
    let workplace = wine.drive_c("Program Files/CloneGuard/conformance");
    fs::create_dir_all(&workplace).expect("a folder");
    let record = workplace.join("ledger.jsonl");
    fs::write(&record, "damaged\n").expect("a record");
    let output = conformance(wine, "cleanup");
    assert_eq!(output.status.code(), NOT_READY);
    let told = text(&output.stdout);
    assert!(told.contains("ledger.jsonl line 1: "), "{told}");
    assert_eq!(fs::read_to_string(&record).expect("a record"), "damaged\n");
}
