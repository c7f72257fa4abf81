//! What is common to all commands: the command line, colours, the exit codes.

use crate::Place;
use std::process::{Command, Stdio};

/// Every exit code.
const CODES: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 130];

#[test]
fn a_wrong_command_line_exits_with_1_and_says_what_is_wrong() {
    let place = Place::new("usage");
    for words in [
        &["policy"][..],
        &["polcy"],
        &["policy", "check"],
        &[],
        &["--color", "purple", "policy", "check", "x"],
    ] {
        let ran = place.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{words:?}");
        assert!(ran.err.contains("--help"), "{}", ran.err);
    }
}

#[test]
fn help_and_the_document_say_every_exit_code() {
    let place = Place::new("help");
    let document = include_str!("../../../docs/tool.md");
    for code in CODES {
        assert!(
            document.contains(&format!("\n| {code} | ")),
            "docs/tool.md lacks {code}"
        );
    }
    for words in [&["--help"][..], &["policy", "--help"]] {
        let ran = place.run(words);
        assert_eq!(ran.code, Some(0));
        let (_, table) = ran.out.split_once("Exit codes:\n").unwrap();
        let first = |line: &str| line.split_whitespace().next().unwrap().parse().unwrap();
        let codes: Vec<u8> = table.lines().map(first).collect();
        assert_eq!(codes, CODES, "{words:?}");
    }
    for command in ["check", "compile", "show", "test"] {
        let ran = place.run(&["policy", command, "--help"]);
        let example = format!("cloneguard policy {command} policy.");
        assert!(ran.out.contains(&example), "{}", ran.out);
    }
}

#[test]
fn there_are_colours_only_where_they_are_wanted() {
    let place = Place::new("colours");
    let is_coloured = |words: &[&str]| place.run(words).out.contains('\u{1b}');
    assert!(!is_coloured(&["--help"]), "a pipe is no terminal");
    assert!(!is_coloured(&["--color", "never", "--help"]));
    assert!(is_coloured(&["--color", "always", "--help"]));
    assert!(is_coloured(&["policy", "--help", "--color=always"]));
}

#[test]
#[cfg(unix)]
fn a_reader_that_stops_is_no_error() {
    let place = Place::new("pipe");
    place.write("p.toml", "mode = 'observe'\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloneguard"))
        .args(["policy", "show", "p.toml"])
        .current_dir(place.path())
        .stdout(closed_pipe())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A pipe that nobody reads.
#[cfg(unix)]
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
#[cfg(unix)]
fn a_command_that_is_interrupted_exits_with_130() {
    let place = Place::new("interrupted");
    // Nobody writes into the pipe, so the command reads it until it is interrupted.
    let fifo = place.path().join("records");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    place.write("p.toml", "mode = 'observe'\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloneguard"))
        .args(["policy", "test", "p.toml", "records"])
        .current_dir(place.path())
        .spawn()
        .unwrap();
    // This returns once the command has opened its end, which is after it listens for Ctrl-C.
    let writer = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(writer);
}
