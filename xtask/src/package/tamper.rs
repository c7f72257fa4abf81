//! Whether verification sees a changed byte, wherever it is, and says in which file.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::contents;
use super::verify::Package;

/// The files of a package that a signature vouches for.
const VOUCHED: [&str; 3] = ["cloneguard.sys", "cloneguard.inf", "cloneguard.cat"];
/// How many bytes of each file are changed, one after the other, from its first to its last.
const PLACES: usize = 12;

/// Changes bytes in a copy of the package, and demands that each is found. Says how many there were.
pub(super) fn every_change_is_seen(package: &Path, root: &Path, scratch: &Path) -> Result<usize> {
    fs::create_dir_all(scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    let result = changes(package, root, scratch);
    fs::remove_dir_all(scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    result
}

fn changes(package: &Path, root: &Path, scratch: &Path) -> Result<usize> {
    for name in contents::names(package)? {
        fs::copy(package.join(&name), scratch.join(&name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    let copy = Package {
        directory: scratch,
        root,
    };
    copy.verify()
        .context("a copy of the package does not verify")?;
    for name in VOUCHED {
        let path = scratch.join(name);
        let whole = contents::bytes(&path)?;
        for place in 0..PLACES {
            let offset = place * (whole.len() - 1) / (PLACES - 1);
            let mut changed = whole.clone();
            if let Some(byte) = changed.get_mut(offset) {
                *byte ^= 1;
            }
            fs::write(&path, &changed)?;
            let error = copy.verify().err();
            let said = error.map(|error| format!("{error:#}")).unwrap_or_default();
            ensure!(
                said.contains(name),
                "byte {offset} of {name} was changed, and verification says: {said:?}"
            );
        }
        fs::write(&path, &whole)?;
    }
    Ok(VOUCHED.len() * PLACES)
}
