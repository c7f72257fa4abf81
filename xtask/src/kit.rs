//! What Linux lacks to build with the wdk crates: a directory laid out as a kit, and a workspace in
//! which wdk-build is replaced by `kit/wdk-build`.
//!
//! Everything is made below `target/kit`, from the repository and from Debian packages, and only
//! what changed is written again. The repository itself, its lock file included, is left as it is:
//! the shadow workspace has links to the members, a root manifest with the patch, and a lock file of
//! its own. The build scripts of the wdk crates find it, because they look for the nearest
//! `Cargo.lock` above their output directory.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::Arch;
use crate::files;
use crate::imports::{AllowedImports, KERNEL};

/// Where Debian's mingw-w64-common puts its headers.
const MINGW_HEADERS: &str = "/usr/share/mingw-w64/include";
/// Where Debian's packages put the versions of LLVM, a directory each.
const LLVM_PARENT: &str = "/usr/lib";
/// What of the repository's root is not linked into the shadow workspace.
const NOT_LINKED: [&str; 4] = ["target", ".git", "Cargo.toml", "Cargo.lock"];
/// Added to the root manifest of the shadow workspace.
const PATCH: &str = "\n[patch.crates-io]\nwdk-build = { path = \"kit/wdk-build\" }\n";
/// Libraries that wdk-sys links and nothing of ours takes a symbol from.
const EMPTY_LIBRARIES: [&str; 4] = ["hal", "wmilib", "BufferOverflowFastFailK", "arm64rt"];
/// An archive without members is its magic number alone.
const EMPTY_ARCHIVE: &[u8] = b"!<arch>\n";

/// A kit that is ready to build with.
#[derive(Debug)]
pub(crate) struct Kit {
    /// What `WDKContentRoot` names.
    content_root: PathBuf,
    /// The shadow workspace.
    workspace: PathBuf,
    /// The libclang that bindgen loads.
    libclang: PathBuf,
}

impl Kit {
    /// Makes the kit or brings it up to date.
    pub(crate) fn prepare() -> Result<Self> {
        let root = files::root();
        let kit = root.join("target").join("kit");
        let clang = Clang::find(Path::new(LLVM_PARENT))?;
        let content_root = kit.join("wdk");
        let workspace = kit.join("workspace");
        link_headers(&root, &content_root.join("Include"), &clang)?;
        make_libraries(&content_root.join("Lib").join("km"))?;
        shadow_workspace(&root, &workspace)?;
        Ok(Self {
            content_root,
            workspace,
            libclang: clang.library,
        })
    }

    /// A `cargo` that works in the shadow workspace. Give it `--target` with a target of [`Arch`].
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&self.workspace)
            .env("CARGO_TARGET_DIR", self.target_directory())
            .env("WDKContentRoot", &self.content_root)
            .env("LIBCLANG_PATH", &self.libclang)
            // Flags from outside would replace those of .cargo/config.toml.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET");
        for arch in Arch::ALL {
            // The same code wherever the repository lies, and no path of the machine in it.
            let flags = self.remap_flags();
            cargo.args([
                "--config",
                &format!("target.{}.rustflags={flags:?}", arch.target()),
            ]);
            // A linker-flavor flag would reach the build scripts, whose `cargo metadata` it breaks.
            let target = arch.target().to_uppercase().replace('-', "_");
            cargo.env(format!("CARGO_TARGET_{target}_LINKER"), "rust-lld");
        }
        cargo
    }

    /// Flags that cut the paths in the image down to what they say about the sources.
    fn remap_flags(&self) -> Vec<String> {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
            // The default, as the Cargo book gives it.
            env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"))
        });
        let registry = home.map(|home| (home.join("registry").join("src"), "registry"));
        let remapped = [(self.workspace.clone(), ".")].into_iter().chain(registry);
        remapped
            .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
            .collect()
    }

    /// Where [`Self::cargo`] leaves what it builds.
    pub(crate) fn target_directory(&self) -> PathBuf {
        self.workspace.join("target")
    }
}

/// libclang and the headers that belong to it.
#[derive(Debug, PartialEq, Eq)]
struct Clang {
    library: PathBuf,
    headers: PathBuf,
}

impl Clang {
    /// Finds the newest version that has both; of different versions they do not work together.
    fn find(parent: &Path) -> Result<Self> {
        let mut versions: Vec<(u32, PathBuf)> = directory_entries(parent)
            .into_iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                Some((name.strip_prefix("llvm-")?.parse().ok()?, path))
            })
            .collect();
        versions.sort();
        let found = versions
            .iter()
            .rev()
            .find_map(|(_, llvm)| Self::in_llvm(llvm));
        found.with_context(|| {
            format!(
                "no libclang with its headers below {}: run ./dev image",
                parent.display()
            )
        })
    }

    fn in_llvm(llvm: &Path) -> Option<Self> {
        let library = directory_entries(&llvm.join("lib"))
            .into_iter()
            .find(|path| {
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                // Not libclang-cpp.so, which has another interface.
                (name.starts_with("libclang.so")
                    || name.starts_with("libclang-") && !name.starts_with("libclang-cpp"))
                    && name.contains(".so")
            })?;
        let headers = directory_entries(&llvm.join("lib").join("clang"))
            .into_iter()
            .map(|version| version.join("include"))
            .find(|include| include.join("stddef.h").exists())?;
        Some(Self { library, headers })
    }
}

fn link_headers(root: &Path, include: &Path, clang: &Clang) -> Result<()> {
    let mingw = Path::new(MINGW_HEADERS);
    ensure!(
        mingw.join("ddk/ntifs.h").exists(),
        "{MINGW_HEADERS}/ddk/ntifs.h is missing: install mingw-w64-common (./dev image does)"
    );
    files::link(&clang.headers, &include.join("clang"))?;
    files::link(&root.join("kit/include"), &include.join("overlay"))?;
    files::link(&mingw.join("ddk"), &include.join("km"))?;
    files::link(mingw, &include.join("shared"))
}

/// Makes the libraries that wdk-sys links: the kernel's from the list of names, the rest empty.
fn make_libraries(libraries: &Path) -> Result<()> {
    let mut definition = format!("LIBRARY {KERNEL}\nEXPORTS\n");
    for name in AllowedImports::read()?.kernel_names() {
        definition.push_str(name);
        // The variables among them are object types. Without the word, a program that took the
        // address of one would get that of a jump.
        definition.push_str(if name.ends_with("Type") {
            " DATA\n"
        } else {
            "\n"
        });
    }
    for arch in Arch::ALL {
        let directory = libraries.join(arch.kit_name());
        for name in EMPTY_LIBRARIES {
            files::write_if_changed(&directory.join(format!("{name}.lib")), EMPTY_ARCHIVE)?;
        }
        let library = directory.join("ntoskrnl.lib");
        let definition_file = directory.join("ntoskrnl.def");
        if files::write_if_changed(&definition_file, definition.as_bytes())? || !library.exists() {
            make_import_library(arch.image_name(), &definition_file, &library)?;
        }
    }
    Ok(())
}

/// Makes an import library of a definition file, for a processor by the linker's name.
pub(crate) fn make_import_library(machine: &str, definition: &Path, library: &Path) -> Result<()> {
    // lld's librarian makes the same library as llvm-dlltool, and comes with rustup.
    let status = Command::new(rust_lld()?)
        .args(["-flavor", "link", "/lib"])
        .arg(format!("/machine:{machine}"))
        .arg(format!("/def:{}", definition.display()))
        .arg(format!("/out:{}", library.display()))
        .status()
        .context("cannot run rust-lld")?;
    ensure!(
        status.success(),
        "rust-lld made no import library from {}",
        definition.display()
    );
    Ok(())
}

/// The linker that rustup installs with every toolchain.
fn rust_lld() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        // Here rust-toolchain.toml chooses the toolchain.
        .current_dir(files::root())
        .output()
        .context("cannot run rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    directory_entries(&sysroot.join("lib/rustlib"))
        .into_iter()
        .map(|target| target.join("bin/rust-lld"))
        .find(|lld| lld.exists())
        .with_context(|| format!("no rust-lld below {}", sysroot.display()))
}

fn shadow_workspace(root: &Path, workspace: &Path) -> Result<()> {
    let entries = directory_entries(root);
    let names = entries.iter().filter_map(|path| path.file_name());
    let linked: Vec<_> = names
        .filter(|name| !NOT_LINKED.iter().any(|not| name == not))
        .collect();
    for name in &linked {
        files::link(&root.join(name), &workspace.join(name))?;
    }
    for path in directory_entries(workspace) {
        let is_stale = path.file_name().is_none_or(|name| !linked.contains(&name));
        if path.is_symlink() && is_stale {
            files::remove_link(&path)?;
        }
    }
    let manifest = files::read_text(&root.join("Cargo.toml"))?;
    if manifest.contains("[patch.crates-io]") {
        bail!(
            "Cargo.toml has a [patch.crates-io] of its own: xtask/src/kit.rs must learn to merge"
        );
    }
    files::write_if_changed(&workspace.join("Cargo.toml"), (manifest + PATCH).as_bytes())?;
    copy_lock_file(root, workspace)
}

/// Starts again from the committed lock file whenever that changes; Cargo then adapts the copy.
fn copy_lock_file(root: &Path, workspace: &Path) -> Result<()> {
    let committed = files::read_text(&root.join("Cargo.lock"))?;
    let lock_file = workspace.join("Cargo.lock");
    let seen = workspace.join("Cargo.lock.committed");
    if files::write_if_changed(&seen, committed.as_bytes())? || !lock_file.exists() {
        files::write_if_changed(&lock_file, committed.as_bytes())?;
    }
    Ok(())
}

/// The entries of a directory in the order of their names; none if it cannot be read.
fn directory_entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
