//! Linking for ARM64 with what rustup brings: import libraries made of a list, and an object for what the C runtime does
//! before `main` (kit/startup).
//!
//! Nothing of it depends on ARM64 but the name of the processor, so [`link_alone`] links a program for x86-64 the same way,
//! which a test runs under Wine (tests/tests/wine.rs).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::files;

/// What is imported, by DLL.
const IMPORTS: &str = "kit/imports/std.txt";
/// What runs before `main`.
const STARTUP: &str = "kit/startup/startup.rs";
/// A library that the standard library names although nothing of it is needed.
const EMPTY_LIBRARY: &str = "dbghelp.lib";
/// The DLL of Windows that has the functions of C, and the library that the linker looks for them in.
const C_FUNCTIONS: (&str, &str) = ("ucrtbase", "libcmt");
/// An archive without members (the format of `ar`).
const EMPTY_ARCHIVE: &[u8] = b"!<arch>\n";

/// A target that is linked this way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Rust's name.
    name: &'static str,
    /// The linker's.
    machine: &'static str,
}

/// 64-bit ARM.
pub(super) const ARM64: Target = Target {
    name: "aarch64-pc-windows-msvc",
    machine: "arm64",
};

/// Makes Cargo link programs for this target.
pub(super) fn configure(cargo: &mut Command, target: Target) -> Result<()> {
    let folder = prepare(target)?;
    let key = target.name.replace('-', "_").to_uppercase();
    cargo
        .env(format!("CARGO_TARGET_{key}_LINKER"), "rust-lld")
        .env(
            format!("CARGO_TARGET_{key}_RUSTFLAGS"),
            link_arguments(&folder).join(" "),
        );
    Ok(())
}

/// The other processor, for what shows that such a program runs.
pub(super) const X64: Target = Target {
    name: "x86_64-pc-windows-msvc",
    machine: "x64",
};

/// Links a program of one file.
pub(super) fn link_alone(target: Target, source: &str, program: &Path) -> Result<()> {
    let folder = prepare(target)?;
    let status = Command::new("rustc")
        .current_dir(files::root())
        .args([
            "--edition",
            "2024",
            "-Cpanic=abort",
            "-O",
            "-Clinker=rust-lld",
        ])
        .args(["--target", target.name, source])
        .args(link_arguments(&folder))
        .arg("-o")
        .arg(program)
        .status()
        .context("cannot run rustc")?;
    ensure!(status.success(), "{source} did not link");
    Ok(())
}

/// Flags of rustc that link what [`prepare`] made.
fn link_arguments(folder: &Path) -> [String; 3] {
    [
        "-Ctarget-feature=+crt-static".to_owned(),
        format!("-Clink-arg=/LIBPATH:{}", folder.display()),
        format!("-Clink-arg={}", folder.join("startup.obj").display()),
    ]
}

/// Makes the libraries and the object; the folder they are in.
fn prepare(target: Target) -> Result<PathBuf> {
    let root = files::root();
    let folder = root.join("target/kit/startup").join(target.machine);
    files::write_if_changed(&folder.join(EMPTY_LIBRARY), EMPTY_ARCHIVE)?;
    let list = files::read_text(&root.join(IMPORTS))?;
    for (dll, names) in by_dll(&list)? {
        let mut definition = format!("LIBRARY {dll}.dll\nEXPORTS\n");
        for name in names {
            writeln!(definition, "{name}").context("a string takes every text")?;
        }
        let definition_file = folder.join(format!("{dll}.def"));
        let file = if dll == C_FUNCTIONS.0 {
            C_FUNCTIONS.1
        } else {
            dll
        };
        let library = folder.join(format!("{file}.lib"));
        if files::write_if_changed(&definition_file, definition.as_bytes())? || !library.exists() {
            crate::kit::make_import_library(target.machine, &definition_file, &library)?;
        }
    }
    let status = Command::new("rustc")
        .current_dir(&root)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "obj"])
        .args(["-Cpanic=abort", "-O", "--target", target.name, STARTUP])
        .arg("-o")
        .arg(folder.join("startup.obj"))
        .status()
        .context("cannot run rustc")?;
    ensure!(status.success(), "{STARTUP} did not compile");
    Ok(folder)
}

/// The names of a list by their DLL.
fn by_dll(list: &str) -> Result<BTreeMap<&str, Vec<&str>>> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (index, line) in list.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            [dll, name] => names.entry(dll).or_default().push(name),
            _ => bail!("{IMPORTS}:{}: not a DLL and a name", index + 1),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::by_dll;

    #[test]
    fn a_list_is_sorted_into_its_libraries() {
        let names =
            by_dll("# heading\nntdll memcpy # C\nkernel32 Sleep\n\nntdll memset\n").unwrap();
        assert_eq!(names["ntdll"], ["memcpy", "memset"]);
        assert_eq!(names["kernel32"], ["Sleep"]);
        let error = by_dll("\nSleep\n").unwrap_err().to_string();
        assert!(error.contains(":2:"), "{error}");
    }
}
