//! Makes packages: stamps, checks, signs, catalogues, verifies.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use driver_package::catalog::Catalog;
use driver_package::stamp::{Date, Stamp};

use super::contents::{self, Contents};
use super::sign::Signer;
use super::verify::{Package, Verified};
use super::{Architecture, INX, MakeOptions, stamp, systems};
use crate::build::{Arch, Image};
use crate::{files, image};

/// The directory of a package, beside the image as the WDK's make file has it.
const DIRECTORY: &str = "cloneguard_package";
/// The image in it.
const SYS: &str = "cloneguard.sys";
/// The certificates in it, those of [`Signer::certificates`].
const CERTIFICATES: [&str; 2] = ["cloneguard-test-root.cer", "cloneguard-test-publisher.cer"];

/// A package that was made and verified.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) arch: Arch,
    pub(super) directory: PathBuf,
    pub(super) verified: Verified,
}

/// Makes the packages that are asked for, and says where they are.
pub(super) fn packages(options: &MakeOptions) -> Result<Vec<Made>> {
    if cfg!(windows) {
        bail!("on Windows the WDK's own tools make the package: run cargo make");
    }
    let stamp = stamp(options)?;
    let signer = Signer::for_tests()?;
    let mut made = Vec::new();
    for image in image::checked_images(&arches(options))? {
        let package = package(&image, stamp, &signer)
            .with_context(|| format!("no package for {}", image.arch.image_name()))?;
        println!(
            "{}: {}",
            short(&package.directory),
            package.verified.describe()
        );
        made.push(package);
    }
    println!(
        "Signed for tests only. Root: {}",
        short(&signer.certificates()[0])
    );
    Ok(made)
}

/// Makes what is to be signed, and says where it is.
pub(super) fn unsigned_files(options: &MakeOptions) -> Result<()> {
    if cfg!(windows) {
        bail!("on Windows the WDK's own tools make the package: run cargo make");
    }
    let stamp = stamp(options)?;
    for image in image::checked_images(&arches(options))? {
        let contents = unsigned(&image, stamp)?;
        println!("{}: {stamp}, not signed", short(&contents.directory));
    }
    Ok(())
}

/// The architectures that are asked for.
pub(super) fn arches(options: &MakeOptions) -> Vec<Arch> {
    match options.arch {
        Some(Architecture::X64) => vec![Arch::X64],
        Some(Architecture::Arm64) => vec![Arch::Arm64],
        None => Arch::ALL.to_vec(),
    }
}

/// Where the files of an architecture lie before they are signed, in the sources with this root.
pub(super) fn unsigned_directory(root: &Path, arch: Arch) -> PathBuf {
    root.join("target/package/unsigned").join(arch.image_name())
}

pub(super) fn short(path: &Path) -> String {
    let below = path.strip_prefix(files::root()).unwrap_or(path);
    below.display().to_string()
}

/// What is given, else what the environment says as StampInf has it, else what the repository says.
pub(super) fn stamp(options: &MakeOptions) -> Result<Stamp> {
    let variable = |given: &Option<String>, name| given.clone().or_else(|| env::var(name).ok());
    Ok(Stamp {
        date: match variable(&options.date, stamp::DATE_VARIABLE) {
            Some(date) => date.parse()?,
            None => stamp::date_of_commit()?,
        },
        version: match variable(&options.driver_version, stamp::VERSION_VARIABLE) {
            Some(version) => version.parse()?,
            None => stamp::version_of_workspace()?,
        },
    })
}

fn package(image: &Image, stamp: Stamp, signer: &Signer) -> Result<Made> {
    let contents = unsigned(image, stamp)?;
    let target = files::root().join("target").join(image.arch.target());
    let directory = target.join("release").join(DIRECTORY);
    empty(&directory)?;
    let into = |name: &str| directory.join(name);
    copy(
        &contents.path(&contents.inf_name),
        &into(&contents.inf_name),
    )?;
    for name in [SYS, contents.catalog()?] {
        signer.sign(&contents.path(name), &into(name))?;
    }
    copy(&image.sys.with_extension("pdb"), &into("cloneguard.pdb"))?;
    for (certificate, name) in signer.certificates().iter().zip(CERTIFICATES) {
        copy(certificate, &into(name))?;
    }
    let verified = Package {
        directory: &directory,
        root: &signer.root(),
    }
    .verify()?;
    Ok(Made {
        arch: image.arch,
        directory,
        verified,
    })
}

/// Image, INF file and catalogue before anything is signed, in a directory of their own: two builds of the same
/// sources make the same.
fn unsigned(image: &Image, stamp: Stamp) -> Result<Contents> {
    let root = files::root();
    let directory = unsigned_directory(&root, image.arch);
    empty(&directory)?;
    let inf = stamp::inf(&files::read_text(&root.join(INX))?, image.arch, stamp)?;
    write(&directory.join("cloneguard.inf"), inf.as_bytes())?;
    copy(&image.sys, &directory.join(SYS))?;
    let contents = Contents::read(&directory)?;
    contents::refuse_broken(&contents.inf, &contents.inf_name)?;
    let catalog = catalog(&contents, image.arch, stamp.date)?;
    write(&contents.path(contents.catalog()?), &catalog.to_bytes()?)?;
    Ok(contents)
}

fn catalog(contents: &Contents, arch: Arch, date: Date) -> Result<Catalog> {
    let members = contents.files.iter().map(|file| contents.member(file));
    Ok(Catalog {
        systems: systems(arch).to_owned(),
        date,
        members: members.collect::<Result<_>>()?,
    })
}

/// Makes a directory, or empties the one that is there.
pub(super) fn empty(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: &str = "[Version]\nCatalogFile = a.cat\n[SourceDisksFiles]\nb.txt = 1\na.txt = 1\n";

    #[test]
    fn the_same_files_make_the_same_catalogue_in_whatever_order_they_were_put_down() {
        let name = format!("cloneguard-make-{}", std::process::id());
        let scratch = env::temp_dir().join(name);
        let files = [
            ("a.inf", INF),
            ("a.txt", "a"),
            ("b.txt", "b"),
            ("c.pdb", "not in it"),
        ];
        let made = |name: &str, files: &[(&str, &str)]| {
            let directory = scratch.join(name);
            empty(&directory).unwrap();
            for (file, content) in files {
                write(&directory.join(file), content.as_bytes()).unwrap();
            }
            let contents = Contents::read(&directory).unwrap();
            let date = "11/26/2026".parse().unwrap();
            catalog(&contents, Arch::X64, date)
                .unwrap()
                .to_bytes()
                .unwrap()
        };
        let one = made("one", &files);
        let turned: Vec<_> = files.into_iter().rev().collect();
        assert_eq!(made("two", &turned), one);
        let other =
            files.map(|(file, content)| (file, if file == "b.txt" { "c" } else { content }));
        assert_ne!(made("three", &other), one);
        fs::remove_dir_all(&scratch).unwrap();
    }
}
