//! The programs `testbed demo` and `testbed faults`: what they print, write and answer, with the shipped image, with broken
//! ones, and with wrong input.
//!
//! The image is `CLONEGUARD_IMAGE`, or what `./dev image` built last. [`patch`] breaks copies of it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod broken;
#[path = "../shared/driver_image.rs"]
mod driver_image;
mod faults;
mod input;
mod patch;
mod run;
mod soak;

use driver_image::image;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of this test alone, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("demo-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(path.join("in")).expect("the target directory is writable");
        Self(path)
    }

    /// With one small file to clone.
    fn with_a_file() -> Self {
        let scratch = Self::new();
        scratch.write("in/file.txt", b"some text");
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The directory to clone.
    fn input(&self) -> PathBuf {
        self.path("in")
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        let parent = path.parent().expect("the path is below the scratch");
        std::fs::create_dir_all(parent).expect("the scratch is writable");
        std::fs::write(path, content).expect("the scratch is writable");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind lies in the target directory and harms nobody.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// How the program ended and what it said.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Ended {
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            error: text(output.stderr),
        }
    }
}

fn testbed() -> Command {
    Command::new(env!("CARGO_BIN_EXE_testbed"))
}

/// `testbed demo` with an image, a directory, and what else stands on the command line.
fn demo(image: &Path, directory: &Path, more: &[&str]) -> Ended {
    let output = testbed()
        .arg("demo")
        .arg("--image")
        .arg(image)
        .arg(directory)
        .args(more)
        .output();
    Ended::new(output.expect("the program runs"))
}
