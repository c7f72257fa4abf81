//! What can go wrong, in words for the person who reads a failed build.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a build could not be configured.
#[derive(Debug)]
pub enum ConfigError {
    /// A file could not be read or written.
    Io(IoError),
    /// `cargo metadata` failed.
    Metadata(cargo_metadata::Error),
    /// No manifest says what kind of driver is built.
    NoDriverModel,
    /// The manifests ask for a kind of driver that this crate does not know, or for several.
    UnsupportedDriverModel(Vec<String>),
    /// The target is neither x86-64 nor 64-bit ARM.
    UnsupportedArchitecture(String),
    /// Nothing says where the kit is.
    KitNotFound,
    /// The kit is incomplete.
    DirectoryNotFound(PathBuf),
    /// The C runtime is linked dynamically.
    StaticCrtNotEnabled,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(formatter),
            Self::Metadata(error) => write!(formatter, "cargo metadata failed: {error}"),
            Self::NoDriverModel => formatter.write_str(
                "no manifest has [package.metadata.wdk.driver-model] or \
                 [workspace.metadata.wdk.driver-model]",
            ),
            Self::UnsupportedDriverModel(kinds) => write!(
                formatter,
                "the stand-in for wdk-build builds WDM drivers only; the manifests say {kinds:?}"
            ),
            Self::UnsupportedArchitecture(name) => write!(
                formatter,
                "cannot build a driver for {name:?}: the target must be x86_64-pc-windows-msvc \
                 or aarch64-pc-windows-msvc"
            ),
            Self::KitNotFound => formatter.write_str(
                "WDKContentRoot is not set: on a host without a WDK, build drivers with ./dev",
            ),
            Self::DirectoryNotFound(path) => write!(
                formatter,
                "{} is missing: remove target/kit and run ./dev image",
                path.display()
            ),
            Self::StaticCrtNotEnabled => formatter.write_str(
                "the target feature crt-static is off: .cargo/config.toml must turn it on",
            ),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Metadata(error) => error.source(),
            _ => None,
        }
    }
}

impl From<IoError> for ConfigError {
    fn from(error: IoError) -> Self {
        Self::Io(error)
    }
}

impl From<cargo_metadata::Error> for ConfigError {
    fn from(error: cargo_metadata::Error) -> Self {
        Self::Metadata(error)
    }
}

/// A failed operation on a named file.
#[derive(Debug)]
pub struct IoError {
    path: PathBuf,
    source: io::Error,
}

impl IoError {
    /// Names the file on which `source` happened.
    pub fn with_path(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self {
            path: path.into(),
            source,
        }
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.source)
    }
}

impl Error for IoError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
