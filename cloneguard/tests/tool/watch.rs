//! `watch` against a driver that a test has written down: what it says of losses, and to whom it says it first.

use crate::Place;
use crate::build::{BOOT, batch, counters, sound};
use crate::journal::{JOURNAL, damage, write_journal};
use cloneguard::live::frame::{Frame, Kind};
use std::io::{self, Read as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The load that follows the usual one.
const NEXT: [u8; 16] = [0xC0; 16];

/// A socket at which a driver is played for one program.
struct Driver {
    path: PathBuf,
    thread: JoinHandle<UnixStream>,
}

impl Driver {
    /// Sends these batches, each when the one before has been acknowledged.
    fn with(name: &str, batches: Vec<Vec<u8>>) -> Self {
        // A path of a socket has about a hundred characters at most.
        let path = std::env::temp_dir().join(format!("cloneguard-{}-{name}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).unwrap();
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Only a program that hangs needs so long.
            stream
                .set_read_timeout(Some(Duration::from_secs(100)))
                .unwrap();
            assert_eq!(
                Frame::read(&mut stream).unwrap().unwrap().kind,
                Kind::Connect
            );
            Frame::new(Kind::Connected, 0, Vec::new())
                .write(&mut stream)
                .unwrap();
            for (id, body) in (1..).zip(batches) {
                Frame::about(Kind::Message, id, 64, body)
                    .write(&mut stream)
                    .unwrap();
                let reply = Frame::read(&mut stream).unwrap().unwrap();
                assert_eq!((reply.kind, reply.id), (Kind::Reply, id));
                Frame::about(Kind::Replied, id, 0, Vec::new())
                    .write(&mut stream)
                    .unwrap();
            }
            stream
        });
        Self { path, thread }
    }

    /// The program, which takes what the driver has now.
    fn watch(&self, place: &Place, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloneguard"));
        command
            .args(["watch", "--once", "--socket"])
            .arg(&self.path);
        command.args(words).current_dir(place.path());
        command
    }

    /// Runs the program to its end.
    fn run(self, place: &Place, words: &[&str]) -> Output {
        let output = self.watch(place, words).output().unwrap();
        self.end();
        output
    }

    fn end(self) {
        drop(self.thread.join().unwrap());
        std::fs::remove_file(&self.path).unwrap();
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Records of which three were lost, and none passes the filter of the tests.
fn with_losses() -> Vec<Vec<u8>> {
    vec![sound(&[(1, 0), (5, 3), (6, 0)])]
}

#[test]
fn a_loss_is_told_whatever_the_filter_and_the_form() {
    let place = Place::new("watch-losses");
    let filter = ["--filter", "verdict=refused"];
    let ran = Driver::with("table", with_losses()).run(&place, &filter);
    assert_eq!(text(&ran.stdout), "! 3 records were lost before 5\n");
    assert_eq!(ran.status.code(), Some(5));

    let ran = Driver::with("json", with_losses()).run(&place, &[&["--json"], &filter[..]].concat());
    let line: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let boot_id = "b0".repeat(16);
    let expected = serde_json::json!({
        "schema_version": 1, "kind": "loss", "boot_id": boot_id, "before": 5, "count": 3,
    });
    assert_eq!(line, expected);
    assert_eq!(ran.status.code(), Some(5));
}

#[test]
fn the_code_is_the_same_though_nobody_reads_the_messages() {
    let place = Place::new("watch-deaf");
    for (name, batches, code) in [
        ("deaf-sound", vec![sound(&[(1, 0), (2, 0)])], 0),
        ("deaf-lost", with_losses(), 5),
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let driver = Driver::with(name, batches);
        let mut command = driver.watch(&place, &[]);
        let status = command
            .stdout(Stdio::null())
            .stderr(writer)
            .status()
            .unwrap();
        driver.end();
        assert_eq!(status.code(), Some(code), "{name}");
    }
}

#[test]
fn what_is_found_when_a_journal_is_opened_is_an_exit_code() {
    // Of these records the nine were told when they came.
    let again = || vec![batch(BOOT, counters(13, 9), &[(13, 0)])];
    for (name, is_damaged, code) in [("opened-sound", false, 0), ("opened-damaged", true, 5)] {
        let place = Place::new(name);
        write_journal(&place);
        if is_damaged {
            damage(&place);
        }
        let ran = Driver::with(name, again()).run(&place, &["--journal", JOURNAL]);
        assert_eq!(ran.status.code(), Some(code), "{}", text(&ran.stderr));
        let is_said = text(&ran.stderr).starts_with("! journal: ");
        assert_eq!(is_said, is_damaged, "{}", text(&ran.stderr));
    }
}

#[test]
fn a_load_that_is_entered_in_its_middle_is_one_for_watch_and_verify() {
    let place = Place::new("watch-middle");
    write_journal(&place);
    let middle = vec![batch(NEXT, counters(7, 0), &[(7, 0)])];
    let ran = Driver::with("middle", middle).run(&place, &["--journal", JOURNAL]);
    let line = "! gap: 6 records missing between 0 and 7, 0 explained";
    assert!(
        text(&ran.stdout).lines().any(|found| found == line),
        "{}",
        text(&ran.stdout)
    );
    assert_eq!(ran.status.code(), Some(5));
    let verified = place.run(&["verify", JOURNAL]);
    assert_eq!(verified.code, Some(5), "{}", verified.out);
}

#[test]
fn what_is_in_the_journal_is_acknowledged_before_anybody_has_seen_it() {
    let place = Place::new("watch-slow");
    // More than a pipe takes that nobody reads.
    let records: Vec<(u64, u64)> = (1..=200).map(|number| (number, 0)).collect();
    let driver = Driver::with("slow", records.chunks(100).map(sound).take(1).collect());
    let mut command = driver.watch(&place, &["--json", "--journal", JOURNAL]);
    let mut watching = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The driver has had its answer, and nothing has been read.
    driver.end();
    let mut shown = String::new();
    watching
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut shown)
        .unwrap();
    assert_eq!(shown.lines().count(), 100);
    assert!(shown.len() > 100_000, "{}", shown.len());
    assert_eq!(watching.wait().unwrap().code(), Some(0));
}
