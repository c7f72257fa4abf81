//! The programs for a test-signed Windows, built on Linux (docs/vm.md): `conformance.exe` and `cloneguard.exe` for x86-64
//! and ARM64, and for 32 bits the part of conformance that calls, `conformance32.exe`.
//!
//! x86-64 and 32 bits are linked by Debian's mingw-w64. For ARM64 Debian has none, so [`arm64`] links it
//! with Rust's own linker. The 32-bit program lies beside both others: Windows on ARM64 runs it too.

#[cfg(unix)]
mod arm64;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::Arch;
use crate::files;

/// Where everything is put together, below `target`.
const FOLDER: &str = "harness";
/// The package beside the programs (tests/src/harness/command.rs).
const PACKAGE: &str = "cloneguard_package";
/// The profile: quick to build, and quick enough to run.
const PROFILE: &str = "demo";
/// The name of the 32-bit program beside the others (tests/src/harness/command.rs).
const NARROW: &str = "conformance32.exe";
/// What Wine 8 lacks, and the library of that name (kit/wine).
const WINE_SOURCE: &str = "kit/wine/bcryptprimitives.rs";
const WINE_LIBRARY: &str = "bcryptprimitives.dll";

/// A processor that programs are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Processor {
    /// x86-64.
    X64,
    /// 32-bit x86.
    X86,
    /// 64-bit ARM.
    Arm64,
}

impl Processor {
    const fn of(arch: Arch) -> Self {
        match arch {
            Arch::X64 => Self::X64,
            Arch::Arm64 => Self::Arm64,
        }
    }

    /// Rust's name.
    const fn target(self) -> &'static str {
        match self {
            Self::X64 => "x86_64-pc-windows-gnu",
            Self::X86 => "i686-pc-windows-gnu",
            Self::Arm64 => "aarch64-pc-windows-msvc",
        }
    }

    /// The members whose programs are built for it.
    const fn members(self) -> &'static [&'static str] {
        match self {
            Self::X64 | Self::Arm64 => &["conformance", "cloneguard"],
            Self::X86 => &["caller"],
        }
    }
}

/// A program for what is linked before `main`, and its name.
#[cfg(unix)]
const STARTUP_SOURCE: &str = "kit/startup/tried.rs";
#[cfg(unix)]
const STARTUP: &str = "startup.exe";
/// The 64-bit caller, which only tests run.
const WIDE: &str = "caller64.exe";

/// Builds the programs for a processor, puts the driver's package beside them, and says where they are.
pub(crate) fn build_with_package(arch: Arch, package: &Path) -> Result<()> {
    let folder = build(arch)?;
    let copy = folder.join(PACKAGE);
    for entry in
        fs::read_dir(package).with_context(|| format!("cannot read {}", package.display()))?
    {
        let entry = entry.with_context(|| format!("cannot read {}", package.display()))?;
        files::copy_if_changed(&entry.path(), &copy.join(entry.file_name()))?;
    }
    let below = folder.strip_prefix(files::root()).unwrap_or(&folder);
    println!(
        "{}: conformance.exe, its package and tools",
        below.display()
    );
    Ok(())
}

/// Builds what tests run under Wine, and links what they cannot run. The folder of all of it.
pub(crate) fn build_for_tests() -> Result<PathBuf> {
    for arch in Arch::ALL {
        build(arch)?;
    }
    let folder = files::root().join("target").join(FOLDER);
    // What lies there is for tests alone.
    compile(Processor::X64, &["caller"])?;
    files::copy_if_changed(&built(Processor::X64, "caller.exe"), &folder.join(WIDE))?;
    let library = folder.join(WINE_LIBRARY);
    let status = Command::new("rustc")
        .current_dir(files::root())
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "-Cpanic=abort",
            "-O",
        ])
        .args(["--target", Processor::X64.target(), WINE_SOURCE, "-o"])
        .arg(&library)
        .status()
        .context("cannot run rustc")?;
    ensure!(status.success(), "{WINE_SOURCE} did not compile");
    #[cfg(unix)]
    arm64::link_alone(arm64::X64, STARTUP_SOURCE, &folder.join(STARTUP))?;
    Ok(folder)
}

/// Builds the programs for a processor and puts them together. Their folder.
fn build(arch: Arch) -> Result<PathBuf> {
    let processor = Processor::of(arch);
    compile(processor, processor.members())?;
    compile(Processor::X86, Processor::X86.members())?;
    let folder = files::root()
        .join("target")
        .join(FOLDER)
        .join(arch.image_name());
    for member in processor.members() {
        let name = format!("{member}.exe");
        files::copy_if_changed(&built(processor, &name), &folder.join(&name))?;
    }
    files::copy_if_changed(&built(Processor::X86, "caller.exe"), &folder.join(NARROW))?;
    Ok(folder)
}

fn compile(processor: Processor, members: &[&str]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(files::root())
        .env("CARGO_TARGET_DIR", files::root().join("target"))
        // Nobody looks at them with a debugger, and a file with its symbols is ten times as large.
        .env("CARGO_PROFILE_DEMO_DEBUG", "0")
        .env("CARGO_PROFILE_DEMO_STRIP", "symbols")
        .args(["build", "--quiet", "--profile", PROFILE])
        .args(["--target", processor.target()]);
    for member in members {
        cargo.args(["--package", member]);
    }
    #[cfg(unix)]
    if processor == Processor::Arm64 {
        arm64::configure(&mut cargo, arm64::ARM64)?;
    }
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the programs for {} did not build; {}",
        processor.target(),
        match processor {
            Processor::X64 | Processor::X86 => "./dev gets the linker that this needs",
            Processor::Arm64 =>
                "a function of Windows that the linker misses belongs into kit/imports/std.txt",
        }
    );
    Ok(())
}

fn built(processor: Processor, name: &str) -> PathBuf {
    let target = files::root().join("target").join(processor.target());
    target.join(PROFILE).join(name)
}
