//! File operations that leave alone what is already right, so that Cargo sees nothing new.

use std::fs;
#[cfg(unix)]
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Names another copy of the sources for this program to work on than the one it was built from.
pub(crate) const ROOT: &str = "CLONEGUARD_ROOT";
/// What of the root is not copied: what Cargo, git and this program write.
const NOT_COPIED: [&str; 2] = ["target", ".git"];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    if let Some(other) = std::env::var_os(ROOT) {
        return PathBuf::from(other);
    }
    let manifest_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_directory
        .parent()
        .unwrap_or(manifest_directory)
        .to_path_buf()
}

/// Reads a text file of the repository.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes `content` unless the file has it already. Says whether it wrote.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(false);
    }
    create_parent(path)?;
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// Copies a file unless the copy is identical already.
pub(crate) fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write_if_changed(to, &content).map(drop)
}

/// Makes `link` a symbolic link to `target`, whatever it was before.
#[cfg(unix)]
pub(crate) fn link(target: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|present| present == target) {
        return Ok(());
    }
    create_parent(link)?;
    remove_link(link)?;
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot link {} to {}", link.display(), target.display()))
}

/// Removes a symbolic link; none is fine too.
#[cfg(unix)]
pub(crate) fn remove_link(link: &Path) -> Result<()> {
    match fs::remove_file(link) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", link.display()))
        }
        _ => Ok(()),
    }
}

fn create_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))
}

/// Makes `to` a copy of the sources in `from`, also where an earlier one stood.
pub(crate) fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    for (path, _) in entries(from)? {
        if !NOT_COPIED.contains(&path.as_str()) {
            mirror(&from.join(&path), &to.join(&path))?;
        }
    }
    Ok(())
}

/// Copies what differs and removes what the original does not have.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return copy_if_changed(from, to);
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let originals = entries(from)?;
    for (name, is_directory) in entries(to)? {
        if originals.contains(&(name.clone(), is_directory)) {
            continue;
        }
        let path = to.join(name);
        let removed = match is_directory {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    for (name, _) in originals {
        mirror(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// What is in a directory, and whether it is a directory itself.
fn entries(directory: &Path) -> Result<Vec<(String, bool)>> {
    let entries = fs::read_dir(directory);
    let entries = entries.with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", directory.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        names.push((name, entry.path().is_dir()));
    }
    Ok(names)
}
