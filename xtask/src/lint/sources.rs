//! Rules about the text of the sources.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Where unsafe may be written, and why these places and no others: CONTRIBUTING.md,
/// `unsafe-one-home`. A folder ends in a slash.
const UNSAFE_HOMES: &[&str] = &[
    "flt/src/",
    "flt-sys/src/",
    "testbed/src/boundary/",
    "testbed/src/image.rs",
    "testbed/tests/images/",
];

/// The crates that run in the kernel. Each opens with the same second set of lints, because a crate
/// cannot inherit the workspace's table and add to it.
const KERNEL_CRATES: &[&str] = &[
    "wire/src/lib.rs",
    "guard/src/lib.rs",
    "flt/src/lib.rs",
    "driver/src/lib.rs",
];

/// That second set.
const KERNEL_LINTS: &[&str] = &[
    "arithmetic_side_effects",
    "as_conversions",
    "disallowed_macros",
    "disallowed_methods",
    "expect_used",
    "indexing_slicing",
    "integer_division",
    "let_underscore_must_use",
    "mem_forget",
    "panic",
    "string_slice",
    "todo",
    "unreachable",
    "unwrap_used",
    "wildcard_enum_match_arm",
];

/// Lines above which a file is probably two thoughts.
const LONG: usize = 400;

/// A file of the repository.
#[derive(Debug)]
pub(super) struct Source {
    path: String,
    text: String,
}

/// Reads every text file that git tracks or would track.
pub(super) fn read(root: &Path) -> Result<Vec<Source>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git ls-files")?;
    ensure!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let paths = String::from_utf8(output.stdout)?;
    let read = |path: &str| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        Some(Source {
            path: path.to_owned(),
            text,
        })
    };
    Ok(paths.lines().filter_map(read).collect())
}

/// Every breach of a rule about text.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut breaches: Vec<_> = sources.iter().flat_map(check_one).collect();
    for path in KERNEL_CRATES {
        if !sources.iter().any(|source| source.path == *path) {
            breaches.push(format!(
                "{path}: missing, but listed as the root of a kernel-bound crate"
            ));
        }
    }
    breaches
}

/// Rust files that are longer than one thought should be.
pub(super) fn long_files(sources: &[Source]) -> Vec<String> {
    let rust = sources.iter().filter(|source| source.path.ends_with(".rs"));
    let long = rust.map(|source| (&source.path, source.text.lines().count()));
    long.filter(|(_, lines)| *lines > LONG)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

fn check_one(source: &Source) -> Vec<String> {
    let mut breaches = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let place = format!("{}:{}", source.path, number + 1);
        if line.ends_with([' ', '\t']) {
            breaches.push(format!("{place}: ends in blanks"));
        }
        if source.path.ends_with(".rs") && writes_unsafe(line) && !may_be_unsafe(&source.path) {
            breaches.push(format!("{place}: unsafe outside its homes"));
        }
    }
    if KERNEL_CRATES.contains(&source.path.as_str()) {
        let missing = KERNEL_LINTS
            .iter()
            .filter(|lint| !source.text.contains(&format!("clippy::{lint}")));
        breaches
            .extend(missing.map(|lint| format!("{}: does not deny clippy::{lint}", source.path)));
    }
    breaches.extend(unreasoned(source));
    breaches
}

/// Whether a line of Rust opens an unsafe block, function, implementation, trait or attribute.
fn writes_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    [
        "unsafe {",
        "unsafe fn",
        "unsafe extern",
        "unsafe impl",
        "unsafe trait",
        "#[unsafe(",
    ]
    .iter()
    .any(|form| code.contains(form))
        && !code.contains('"')
}

fn may_be_unsafe(path: &str) -> bool {
    UNSAFE_HOMES.iter().any(|home| path.starts_with(home))
}

/// A module that opts in to unsafe says why in the same attribute.
fn unreasoned(source: &Source) -> Option<String> {
    let (_, after) = source.text.split_once("expect(unsafe_code")?;
    let attribute = after.split(']').next().unwrap_or_default();
    let why = attribute.contains("reason")
        || attribute.contains('"')
        || source.path.starts_with("xtask/");
    (!why).then(|| format!("{}: opts in to unsafe without a reason", source.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn unsafe_has_its_homes() {
        let block = "    let x = unsafe { *p };\n";
        assert_eq!(check_one(&source("driver/src/a.rs", block)).len(), 1);
        assert_eq!(check_one(&source("testbed/src/io/a.rs", block)).len(), 1);
        assert!(check_one(&source("flt/src/a.rs", block)).is_empty());
        assert!(check_one(&source("driver/src/a.rs", "// unsafe { is a word here }\n")).is_empty());
        assert_eq!(
            check_one(&source("driver/src/a.rs", "unsafe impl Send for A {}\n")).len(),
            1
        );
    }

    #[test]
    fn an_opt_in_needs_a_reason() {
        let bare = source("flt/src/a.rs", "#![expect(unsafe_code)]\n");
        assert_eq!(check_one(&bare).len(), 1);
        let why = source(
            "flt/src/a.rs",
            "#![expect(unsafe_code, reason = \"calls\")]\n",
        );
        assert!(check_one(&why).is_empty());
    }

    #[test]
    fn each_lint_of_the_second_set_is_asked_for() {
        let all: String = KERNEL_LINTS
            .iter()
            .map(|lint| format!("clippy::{lint},\n"))
            .collect();
        assert!(check_one(&source("flt/src/lib.rs", &all)).is_empty());
        for lint in KERNEL_LINTS {
            let without = all.replace(&format!("clippy::{lint},\n"), "");
            assert_eq!(
                check_one(&source("flt/src/lib.rs", &without)).len(),
                1,
                "{lint}"
            );
        }
    }

    #[test]
    fn stray_blanks_are_seen() {
        assert_eq!(check_one(&source("README.md", "a \nb\n")).len(), 1);
    }

    #[test]
    fn a_missing_kernel_crate_is_a_breach() {
        assert_eq!(check(&[]).len(), KERNEL_CRATES.len());
    }
}
