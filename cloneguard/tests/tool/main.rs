//! Tests of the program `cloneguard`: what it prints, writes and exits with.

#[path = "../suite/build.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod build;
mod commands;
mod completions;
mod doctor;
mod export;
mod frame;
mod journal;
mod lineage;
mod messages;
mod reading;
mod replay;
mod schema;
mod silence;
mod stats;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod watch;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory of a test's own.
pub(crate) struct Place(PathBuf);

impl Place {
    /// An empty directory; `name` is the test's.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).unwrap();
        }
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    /// Makes a directory.
    pub(crate) fn create_directory(&self, name: &str) {
        std::fs::create_dir(self.0.join(name)).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// The names of all files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs `cloneguard` with words there.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_cloneguard"))
            .args(words)
            .current_dir(&self.0)
            .output()
            .unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}
