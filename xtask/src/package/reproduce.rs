//! Builds the same sources twice, far from each other, and compares what Microsoft or a tester would sign.
//!
//! Each build has a copy of the sources in a directory of its own, with a target directory of its own and another time
//! zone and language, so that neither can take anything from the other, nor from the checkout. The tool is the same: it
//! is told of the copy by [`files::ROOT`]. [`compare`] names the first byte that differs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use driver_package::digest::Digests;
use driver_package::stamp::Stamp;

use super::make::{self, short};
use super::{MakeOptions, contents};
use crate::files;

/// Where the two lie, below `target/package`. Neither the length nor the depth is the same.
const PLACES: [&str; 2] = ["reproduce/one", "reproduce/another/place/two"];
/// What a machine elsewhere would have set.
const SETTINGS: [[(&str, &str); 2]; 2] = [
    [("TZ", "UTC"), ("LC_ALL", "C")],
    [("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8")],
];

/// Builds twice and compares. Says what was the same.
pub(super) fn run(options: &MakeOptions) -> Result<()> {
    let stamp = make::stamp(options)?;
    let package = files::root().join("target/package");
    let copies = PLACES.map(|place| package.join(place));
    for (copy, settings) in copies.iter().zip(SETTINGS) {
        println!("{}: a copy of the sources, built from nothing", short(copy));
        make::empty(copy)?;
        files::copy_sources(&files::root(), copy)?;
        build(copy, options, stamp, settings)
            .with_context(|| format!("the build in {} failed", copy.display()))?;
    }
    let mut same = Vec::new();
    for arch in make::arches(options) {
        let [one, two] = copies
            .each_ref()
            .map(|copy| make::unsigned_directory(copy, arch));
        for name in compare(&one, &two)? {
            let digest = Digests::of_bytes(&contents::bytes(&one.join(&name))?).sha256;
            same.push(format!(
                "  {} {name} {}",
                arch.image_name(),
                hexadecimal(&digest)
            ));
        }
    }
    fs::remove_dir_all(package.join("reproduce")).context("cannot remove the copies")?;
    println!(
        "Built twice, byte for byte the same (SHA-256):\n{}",
        same.join("\n")
    );
    Ok(())
}

/// Lets this program make the unsigned files from another copy of the sources.
fn build(
    copy: &Path,
    options: &MakeOptions,
    stamp: Stamp,
    settings: [(&str, &str); 2],
) -> Result<()> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let mut make = Command::new(program);
    make.env(files::ROOT, copy)
        .envs(settings)
        .current_dir(copy)
        .args(["package", "unsigned"])
        .args(["--date", &stamp.date.to_string()])
        .args(["--driver-version", &stamp.version.to_string()]);
    if let Some(arch) = options.arch {
        make.args(["--arch", arch.name()]);
    }
    let status = make.status().context("cannot run this program again")?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// Demands that two directories have the same files with the same bytes, and says which.
fn compare(one: &Path, two: &Path) -> Result<Vec<String>> {
    let names = contents::names(one)?;
    let others = contents::names(two)?;
    ensure!(
        names == others,
        "{} has {}, and {} has {}",
        one.display(),
        names.join(", "),
        two.display(),
        others.join(", ")
    );
    ensure!(!names.is_empty(), "there is nothing in {}", one.display());
    for name in &names {
        let files = [one.join(name), two.join(name)];
        let [a, b] = [contents::bytes(&files[0])?, contents::bytes(&files[1])?];
        if let Some(offset) = first_difference(&a, &b) {
            let [a_file, b_file] = files.map(|file: PathBuf| file.display().to_string());
            anyhow::bail!(
                "{name} differs from byte {offset:#x} on: {a_file} has {} there and {} bytes in all, \
                 {b_file} has {} and {}",
                byte_at(&a, offset),
                a.len(),
                byte_at(&b, offset),
                b.len()
            );
        }
    }
    Ok(names)
}

/// The place of the first byte that only one of them has, or that is not the same in both.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    let both = a.iter().zip(b).position(|(a, b)| a != b);
    both.or_else(|| (a.len() != b.len()).then(|| a.len().min(b.len())))
}

fn byte_at(bytes: &[u8], offset: usize) -> String {
    let byte = bytes.get(offset);
    byte.map_or_else(|| "nothing".to_owned(), |byte| format!("{byte:02x}"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two directories of a test, which go with it.
    struct Two(PathBuf);

    impl Two {
        fn new(name: &str) -> Self {
            let own = format!("cloneguard-reproduce-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(own);
            for side in ["one", "two"] {
                fs::create_dir_all(path.join(side)).unwrap();
            }
            Self(path)
        }

        fn write(&self, file: &str, content: &[u8]) -> &Self {
            fs::write(self.0.join(file), content).unwrap();
            self
        }

        fn compare(&self) -> Result<Vec<String>> {
            compare(&self.0.join("one"), &self.0.join("two"))
        }
    }

    impl Drop for Two {
        fn drop(&mut self) {
            // Nobody minds what is left of a test that failed.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn the_same_bytes_are_the_same_whenever_they_were_written() {
        let two = Two::new("same");
        two.write("one/a", b"1").write("one/b", b"22");
        two.write("two/b", b"22").write("two/a", b"1");
        assert_eq!(two.compare().unwrap(), ["a", "b"]);
    }

    #[test]
    fn the_first_byte_that_differs_is_named_with_its_file() {
        let two = Two::new("byte");
        two.write("one/a", b"1").write("one/b", b"\x00\x01\x02");
        two.write("two/a", b"1").write("two/b", b"\x00\x11\x12");
        let said = two.compare().unwrap_err().to_string();
        assert!(said.starts_with("b differs from byte 0x1 on: "), "{said}");
        assert!(
            said.contains("has 01 there") && said.contains("has 11 and 3"),
            "{said}"
        );
        two.write("two/b", b"\x00\x01");
        let said = two.compare().unwrap_err().to_string();
        assert!(said.starts_with("b differs from byte 0x2 on: "), "{said}");
        assert!(said.contains("has nothing and 2"), "{said}");
    }

    #[test]
    fn a_file_too_few_is_a_difference_and_nothing_at_all_is_no_success() {
        let two = Two::new("names");
        assert!(
            two.compare()
                .unwrap_err()
                .to_string()
                .starts_with("there is nothing in ")
        );
        two.write("one/a", b"1");
        let said = two.compare().unwrap_err().to_string();
        assert!(
            said.contains("one has a, and ") && said.ends_with("two has "),
            "{said}"
        );
    }
}
