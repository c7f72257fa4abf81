//! `status` against a driver that a test has written down: what it says of the volumes, and with which code it ends.

use cloneguard::live::frame::{Frame, Kind};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wire::{ConnectRequest, StatusReport};
use zerocopy::{FromZeros as _, IntoBytes as _};

/// A socket at which a driver tells one program how things stand.
struct Driver {
    path: PathBuf,
    thread: JoinHandle<()>,
}

impl Driver {
    /// Two volumes are watched, and so many are not that could be.
    fn with(name: &str, not_attached: u32) -> Self {
        let mut report = StatusReport::new_zeroed();
        report.begin([7; 16]);
        report.policy_mode = 1;
        report.volumes_attached = 2.into();
        report.volumes_not_attached = not_attached.into();
        // A path of a socket has about a hundred characters at most.
        let path = std::env::temp_dir().join(format!("cloneguard-{}-{name}", std::process::id()));
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).unwrap();
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Only a program that hangs needs so long.
            let patience = Duration::from_secs(100);
            stream.set_read_timeout(Some(patience)).unwrap();
            let asked = Frame::read(&mut stream).unwrap().unwrap();
            assert_eq!(asked.kind, Kind::Connect);
            assert_eq!(asked.body, ConnectRequest::status().as_bytes());
            let connected = Frame::new(Kind::Connected, 0, Vec::new());
            connected.write(&mut stream).unwrap();
            let message = Frame::about(Kind::Message, 1, 0, report.as_bytes().to_vec());
            message.write(&mut stream).unwrap();
            // It takes the report, answers nothing, and goes.
            assert_eq!(Frame::read(&mut stream).unwrap(), None);
        });
        Self { path, thread }
    }

    /// The program that asks it.
    fn status(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloneguard"));
        command.args(["status", "--socket"]).arg(&self.path);
        command.args(words);
        command
    }

    fn end(self) {
        self.thread.join().unwrap();
        std::fs::remove_file(&self.path).unwrap();
    }
}

#[test]
fn a_volume_that_is_not_watched_is_an_exit_code() {
    for (name, not_attached, code) in [("status-all", 0, 0), ("status-but-one", 1, 6)] {
        let driver = Driver::with(name, not_attached);
        let ran = driver.status(&[]).output().unwrap();
        driver.end();
        assert_eq!(ran.status.code(), Some(code), "{ran:?}");
        assert!(ran.stderr.is_empty(), "{ran:?}");
        let line = format!("volumes    2 watched, {not_attached} not watched that could be\n");
        let text = String::from_utf8(ran.stdout).unwrap();
        assert!(text.contains(&line), "{text}");

        let driver = Driver::with(name, not_attached);
        let ran = driver.status(&["--json"]).output().unwrap();
        driver.end();
        assert_eq!(ran.status.code(), Some(code), "{ran:?}");
        let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(json["volumes_attached"], 2);
        assert_eq!(json["volumes_not_attached"], not_attached);
    }
}

#[test]
fn the_code_is_the_same_though_nobody_reads_the_report() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let driver = Driver::with("status-deaf", 3);
    let mut command = driver.status(&[]);
    let status = command.stdout(writer).stderr(Stdio::null()).status();
    let status = status.unwrap();
    driver.end();
    assert_eq!(status.code(), Some(6));
}
