//! Whether verification sees a changed byte, wherever it is, and says in which file, and of no other.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Error, Result, ensure};

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
            let error = error.with_context(|| {
                format!("byte {offset} of {name} was changed, and verification says nothing")
            })?;
            ensure!(
                blamed(&error) == [name],
                "byte {offset} of {name} was changed, and verification says: {error:#}"
            );
        }
        fs::write(&path, &whole)?;
    }
    Ok(VOUCHED.len() * PLACES)
}

/// The files that a message says something is wrong with. What lies behind it may name others, as what was looked at.
fn blamed(error: &Error) -> Vec<&'static str> {
    let said = error.to_string();
    let names = VOUCHED.into_iter();
    names.filter(|name| said.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use driver_package::catalog::Catalog;
    use driver_package::digest;

    use super::*;
    use crate::package::contents::Contents;
    use crate::package::verify;

    #[test]
    fn who_names_two_files_blames_both() {
        let both = anyhow!("cloneguard.sys is not the file that cloneguard.cat is about");
        assert_eq!(blamed(&both), ["cloneguard.sys", "cloneguard.cat"]);
        let one = anyhow!("cloneguard.cat says so").context("cloneguard.sys is another file");
        assert_eq!(blamed(&one), ["cloneguard.sys"]);
        assert!(blamed(&anyhow!("it does not verify")).is_empty());
    }

    #[test]
    fn a_file_that_was_changed_is_blamed_alone() {
        let name = format!("cloneguard-tamper-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let inf =
            "[Version]\nCatalogFile = cloneguard.cat\n[SourceDisksFiles]\ncloneguard.sys = 1\n";
        let write = |file: &str, content: &str| fs::write(directory.join(file), content).unwrap();
        write("cloneguard.inf", inf);
        // No image: what it is digested as makes no difference to who is blamed.
        write("cloneguard.sys", "a driver");
        let contents = || Contents::read(&directory).unwrap();
        let members = contents()
            .files
            .iter()
            .map(|file| contents().member(file).unwrap())
            .collect();
        let catalog = Catalog {
            systems: "_v100_X64".to_owned(),
            date: "11/26/2026".parse().unwrap(),
            members,
        };
        assert!(
            catalog
                .members
                .iter()
                .all(|member| member.kind == digest::Kind::Flat)
        );
        let compare = || verify::compare(&contents(), "cloneguard.cat", &catalog);
        compare().unwrap();
        write("cloneguard.sys", "another");
        assert_eq!(blamed(&compare().unwrap_err()), ["cloneguard.sys"]);
        write("cloneguard.sys", "a driver");
        write("cloneguard.inf", &format!("; changed\n{inf}"));
        assert_eq!(blamed(&compare().unwrap_err()), ["cloneguard.inf"]);
        fs::remove_dir_all(&directory).unwrap();
    }
}
