//! Wrong input: each is named, and the exit status is 2 for a command line that is wrong in itself and
//! 1 for what it leads to.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::patch::Patch;
use super::{Ended, Scratch, demo, image, testbed};

/// Runs the program with nothing but these arguments.
fn run(arguments: &[&str]) -> Ended {
    let output = testbed().args(arguments).output();
    Ended::new(output.expect("the program runs"))
}

/// Status 1, a message with these parts, and no run.
fn assert_refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.error.starts_with("error: "), "{ended:?}");
    for part in parts {
        assert!(ended.error.contains(part), "no {part:?} in {ended:?}");
    }
    assert!(!ended.out.contains("SEQ"), "it ran: {ended:?}");
}

#[test]
fn a_wrong_command_line_is_status_2_and_says_what_is_wrong() {
    for (arguments, part) in [
        (&[][..], "Usage"),
        (&["clone"], "clone"),
        (&["demo", "--no-such-option"], "--no-such-option"),
        (&["demo", "/tmp"], "--image"),
        (&["demo", "--image", "x.sys"], "DIR"),
        (&["demo", "--image", "x.sys", "/tmp", "/var"], "/var"),
        (&["demo", "/tmp", "--image"], "--image"),
        (&["demo", "--image", "x.sys", "/tmp", "--json"], "--json"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.error.contains(part), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn a_missing_directory() {
    let ended = demo(Path::new("x.sys"), Path::new("/no/such/place"), &[]);
    assert_refused(&ended, &["/no/such/place: no such directory"]);
}

#[test]
fn a_file_in_place_of_a_directory() {
    let scratch = Scratch::with_a_file();
    let ended = demo(Path::new("x.sys"), &scratch.path("in/file.txt"), &[]);
    assert_refused(&ended, &["in/file.txt: not a directory"]);
}

#[test]
fn nothing_to_clone() {
    let Some(image) = image() else {
        return;
    };
    let scratch = Scratch::new();
    let ended = demo(&image, &scratch.input(), &[]);
    assert_refused(&ended, &["no files to clone"]);
    scratch.write("in/empty", b"");
    let ended = demo(&image, &scratch.input(), &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.error.contains("every file is empty"), "{ended:?}");
}

/// Root reads whatever it likes, so there the program runs as nobody, from a place that nobody reaches.
#[test]
fn an_unreadable_file() {
    let name = format!("testbed-demo-{}", std::process::id());
    let place = std::env::temp_dir().join(name);
    let directory = place.join("in");
    std::fs::create_dir_all(&directory).expect("the temporary directory is writable");
    let secret = directory.join("secret.txt");
    std::fs::write(&secret, b"secret").expect("the temporary directory is writable");
    std::fs::set_permissions(&secret, Permissions::from_mode(0o000)).expect("the file is ours");
    let program = place.join("testbed");
    std::fs::copy(env!("CARGO_BIN_EXE_testbed"), &program).expect("the program can be copied");
    let mut command = Command::new(&program);
    if std::fs::read(&secret).is_ok() {
        command.uid(65534).gid(65534);
    }
    let output = command
        .args(["demo", "--image", "x.sys"])
        .arg(&directory)
        .output();
    let ended = Ended::new(output.expect("the program runs"));
    std::fs::remove_dir_all(&place).expect("the place is ours");
    assert_refused(&ended, &["in/secret.txt cannot be read", "denied"]);
}

#[test]
fn no_such_image() {
    let scratch = Scratch::with_a_file();
    let ended = demo(Path::new("/no/such/image.sys"), &scratch.input(), &[]);
    assert_refused(&ended, &["/no/such/image.sys", "No such file"]);
}

#[test]
fn an_image_that_is_none() {
    let scratch = Scratch::with_a_file();
    let file = scratch.path("in/file.txt");
    let ended = demo(&file, &scratch.input(), &[]);
    assert_refused(&ended, &["file.txt: not a driver image for x86-64"]);
    // A native program of another system is none either.
    let ended = demo(
        Path::new(env!("CARGO_BIN_EXE_testbed")),
        &scratch.input(),
        &[],
    );
    assert_refused(&ended, &["testbed: not a driver image for x86-64"]);
}

#[test]
fn an_image_with_unknown_imports() {
    let Some(mut patch) = Patch::of_image() else {
        return;
    };
    patch.rename_import("ObfDereferenceObject", "ObfDereferenceNothin");
    patch.rename_import("FltReleaseContext", "FltReleaseNothing");
    let scratch = Scratch::with_a_file();
    let ended = demo(&patch.write(&scratch), &scratch.input(), &[]);
    let parts = [
        "broken.sys",
        "ntoskrnl.exe!ObfDereferenceNothin",
        "!FltReleaseNothing",
    ];
    assert_refused(&ended, &parts);
}

#[test]
fn an_image_that_was_damaged() {
    let Some(mut patch) = Patch::of_image() else {
        return;
    };
    patch.rename_import("ObfDereferenceObject", "KeGetCurrentIrql");
    let scratch = Scratch::with_a_file();
    let ended = demo(
        &patch.write_with_old_checksum(&scratch),
        &scratch.input(),
        &[],
    );
    assert_refused(&ended, &["broken.sys", "checksum"]);
}

#[test]
fn json_that_cannot_be_written() {
    let Some(image) = image() else {
        return;
    };
    let scratch = Scratch::with_a_file();
    for path in ["/no/such/directory/records.jsonl", "/"] {
        let ended = demo(&image, &scratch.input(), &["--json", path]);
        assert_refused(&ended, &[&format!("{path} cannot be written")]);
    }
}

/// A bad image must not cost the records of the run before.
#[test]
fn json_of_an_earlier_run_survives_a_run_that_is_not_possible() {
    let scratch = Scratch::with_a_file();
    scratch.write("records.jsonl", b"precious");
    let json = scratch.path("records.jsonl");
    let path = json.to_str().expect("the path is UTF-8");
    let ended = demo(
        Path::new("/no/image.sys"),
        &scratch.input(),
        &["--json", path],
    );
    assert_refused(&ended, &["/no/image.sys"]);
    assert_eq!(std::fs::read(&json).expect("it is there"), b"precious");
}
