//! The text files of the repository, and the rules about any text.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// What of the root is not ours: what Cargo and git write.
const NOT_SOURCES: [&str; 2] = ["target", ".git"];
/// Lines above which a file is probably two thoughts.
const LONG: usize = 400;

/// A file of the repository.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Relative to the root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Reads every text file of the repository, in the order of their paths. Git is not asked: it would
/// refuse in a checkout of another user, and an unpacked archive has none.
pub(super) fn read(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_directory(root, "", &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn read_directory(directory: &Path, prefix: &str, sources: &mut Vec<Source>) -> Result<()> {
    let entries = fs::read_dir(directory);
    let entries = entries.with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", directory.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry
            .file_type()
            .with_context(|| format!("cannot examine {path}"))?;
        if NOT_SOURCES.contains(&path.as_str()) {
            continue;
        }
        if kind.is_dir() {
            read_directory(&entry.path(), &format!("{path}/"), sources)?;
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            // What is not UTF-8 is no text: frozen bytes of tests.
            if let Ok(text) = String::from_utf8(bytes) {
                sources.push(Source { path, text });
            }
        }
    }
    Ok(())
}

/// Every line that ends in blanks.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    // Frozen bytes and what a fuzz target begins with may happen to be valid text.
    let is_frozen = |path: &str| path.ends_with(".bin") || path.starts_with("fuzz/corpus/");
    let text = sources.iter().filter(|source| !is_frozen(&source.path));
    text.flat_map(|source| {
        let lines = source.text.lines().zip(1..);
        lines
            .filter(|(line, _)| line.ends_with([' ', '\t', '\r']))
            .map(|(_, number)| format!("{}:{number}: ends in blanks", source.path))
    })
    .collect()
}

/// Rust files that are longer than one thought should be. They are reported, not refused.
pub(super) fn long_files(sources: &[Source]) -> Vec<String> {
    let rust = sources.iter().filter(|source| source.is_rust());
    let long = rust.map(|source| (&source.path, source.text.lines().count()));
    long.filter(|(_, lines)| *lines > LONG)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_repository_is_read() {
        let sources = read(&crate::files::root()).unwrap();
        let has = |path: &str| sources.iter().any(|source| source.path == path);
        for path in [
            "Cargo.toml",
            "dev",
            ".cargo/config.toml",
            "xtask/src/lint/sources.rs",
        ] {
            assert!(has(path), "{path}");
        }
        assert!(
            !sources
                .iter()
                .any(|source| source.path.starts_with("target/"))
        );
        assert!(
            !sources
                .iter()
                .any(|source| source.path.starts_with(".git/"))
        );
    }

    #[test]
    fn blanks_at_the_end_of_a_line_are_a_breach() {
        let breaches = |text| check(&[Source::new("a.md", text)]);
        assert!(breaches("a\n\n  b\n").is_empty());
        for text in ["a\nb \n", "a\nb\t\n", "a\n \n", "a\nb ", "a\nb \r\n"] {
            assert_eq!(breaches(text), ["a.md:2: ends in blanks"], "{text:?}");
        }
        for frozen in ["a.bin", "fuzz/corpus/inf/made-a"] {
            assert!(check(&[Source::new(frozen, "a ")]).is_empty());
        }
    }

    #[test]
    fn only_long_rust_files_are_reported() {
        let long = "\n".repeat(LONG + 1);
        assert_eq!(
            long_files(&[Source::new("a.rs", &long)]),
            ["a.rs has 401 lines"]
        );
        assert!(long_files(&[Source::new("a.rs", &"\n".repeat(LONG))]).is_empty());
        assert!(long_files(&[Source::new("a.md", &long)]).is_empty());
    }
}
