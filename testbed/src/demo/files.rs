//! The real files that are cloned.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use walkdir::WalkDir;

/// Directories that hold what tools made, not what people wrote.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// A real file and its name on the modelled volume.
pub(crate) struct RealFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its name below the root of the modelled volume, with backslashes.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

/// Every regular file below `directory`, in the order of the names. Symbolic links are not followed.
pub(crate) fn find(directory: &Path) -> Result<Vec<RealFile>> {
    if !directory.is_dir() {
        bail!("{}: no such directory", directory.display());
    }
    let wanted = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !SKIPPED.iter().any(|name| entry.file_name() == *name)
    };
    let mut taken = HashSet::new();
    let mut files = Vec::new();
    for entry in WalkDir::new(directory)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(wanted)
    {
        let entry = entry.with_context(|| format!("{} cannot be read", directory.display()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().to_owned();
        let content =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let below = path.strip_prefix(directory).unwrap_or(&path);
        let name = unique(windows_name(below), &mut taken);
        files.push(RealFile {
            path,
            name,
            content,
        });
    }
    Ok(files)
}

/// A name that Windows accepts: characters it forbids become "%" and their number.
fn windows_name(path: &Path) -> String {
    let part = |part: std::path::Component<'_>| {
        let text = part.as_os_str().to_string_lossy().into_owned();
        text.chars().map(legal).collect::<String>()
    };
    path.components().map(part).collect::<Vec<_>>().join("\\")
}

fn legal(character: char) -> String {
    let forbidden = r#"<>:"/\|?*%"#.contains(character) || character.is_control();
    if forbidden {
        format!("%{:02X}", u32::from(character))
    } else {
        character.to_string()
    }
}

/// Windows does not tell upper from lower case, Linux does.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !taken.insert(candidate.to_lowercase()) {
        candidate = format!("{name}~{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_legal_and_stay_apart() {
        assert_eq!(windows_name(Path::new("a/b:c?.txt")), r"a\b%3Ac%3F.txt");
        let mut taken = HashSet::new();
        assert_eq!(unique("README".to_owned(), &mut taken), "README");
        assert_eq!(unique("readme".to_owned(), &mut taken), "readme~2");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = find(Path::new("/no/such/place"))
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("/no/such/place: no such directory"));
    }
}
