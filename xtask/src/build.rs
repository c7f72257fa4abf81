//! Builds driver images: on Linux in the shadow workspace of [`crate::kit`], with a WDK where Cargo
//! finds one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

#[cfg(unix)]
use crate::kit::Kit;
use crate::{files, image};

/// A processor that drivers are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arch {
    /// x86-64.
    X64,
    /// 64-bit ARM.
    Arm64,
}

impl Arch {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::X64, Self::Arm64];

    /// Rust's name.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::X64 => "x86_64-pc-windows-msvc",
            Self::Arm64 => "aarch64-pc-windows-msvc",
        }
    }

    /// The name of the directory below `target/image`, and the linker's name.
    pub(crate) fn image_name(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::Arm64 => "arm64",
        }
    }

    /// The name of the directory below a kit's `Lib/km`.
    #[cfg(unix)]
    pub(crate) fn kit_name(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::Arm64 => "ARM64",
        }
    }
}

/// The package of the driver.
pub(crate) const PACKAGE: &str = "driver";
/// The name of its library and image, without an extension.
const IMAGE: &str = "cloneguard";

/// An image that was built.
#[derive(Debug)]
pub(crate) struct Image {
    /// The processor it was built for.
    pub(crate) arch: Arch,
    /// `target/image/<arch>/<name>.sys`; beside it lie the `.pdb` and the `.map`.
    pub(crate) sys: PathBuf,
}

impl Image {
    /// The linker's map of the image.
    pub(crate) fn map(&self) -> PathBuf {
        self.sys.with_extension("map")
    }
}

/// Builds the driver for every one of `arches`, in the release profile, and copies the results below
/// `target/image`. Cargo decides what there is to do.
pub(crate) fn images(arches: &[Arch]) -> Result<Vec<Image>> {
    let (mut cargo, target_directory) = cargo()?;
    cargo.args(["build", "--release", "--quiet", "--package", PACKAGE]);
    for arch in arches {
        cargo.args(["--target", arch.target()]);
    }
    if !target_directory.exists() {
        eprintln!("Building the driver for the first time: a minute or two");
    }
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the driver did not build. If the linker misses `__chkstk`, a stack frame has a page or \
         more; if it misses another symbol, no list of imports has it (kit/imports/ntoskrnl.txt, \
         flt-sys/imports.txt)"
    );
    arches
        .iter()
        .map(|arch| collect(*arch, &target_directory))
        .collect()
}

/// On Linux: the kit's Cargo.
#[cfg(unix)]
fn cargo() -> Result<(Command, PathBuf)> {
    let kit = Kit::prepare()?;
    Ok((kit.cargo(), kit.target_directory()))
}

/// On Windows: Cargo as it is, which needs a WDK.
#[cfg(windows)]
fn cargo() -> Result<(Command, PathBuf)> {
    let mut cargo = Command::new("cargo");
    let target_directory = files::root().join("target");
    cargo
        .current_dir(files::root())
        .env("CARGO_TARGET_DIR", &target_directory);
    Ok((cargo, target_directory))
}

/// Copies what the linker left to where the other jobs look for it.
fn collect(arch: Arch, target_directory: &Path) -> Result<Image> {
    let release = target_directory.join(arch.target()).join("release");
    let images = files::root().join("target/image").join(arch.image_name());
    let sys = images.join(format!("{IMAGE}.sys"));
    let mut image = linked(&release.join(format!("{IMAGE}.dll")))?;
    let mut symbols = linked(&release.join(format!("{IMAGE}.pdb")))?;
    if cfg!(unix) {
        image::settle(&mut image, &mut symbols)
            .with_context(|| format!("{} cannot be told by its content", sys.display()))?;
    }
    files::write_if_changed(&sys, &image)?;
    files::write_if_changed(&sys.with_extension("pdb"), &symbols)?;
    // Cargo does not know of the map, so it stays where the linker put it.
    let map = release.join("deps").join(format!("{IMAGE}.map"));
    files::copy_if_changed(&map, &sys.with_extension("map"))?;
    Ok(Image { arch, sys })
}

/// What the linker left.
fn linked(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
