//! What this program changes on a machine.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a change is for: a run undoes its own, `uninstall` those of the driver too, and `cleanup` everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// The volumes that cases run on.
    Volumes,
    /// The driver and what it needs.
    Driver,
    /// One stage of a run: the driver loaded, under a policy.
    Run,
}

/// A change, with all that is needed to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Change {
    /// A virtual disk of ours: attached perhaps, and its file.
    Disk {
        /// The file.
        path: PathBuf,
    },
    /// The copy of the package that is installed from.
    PackageCopy {
        /// Its folder.
        path: PathBuf,
    },
    /// The certificate of the test signature in a store of the machine.
    Certificate {
        /// `Root` or `TrustedPublisher`.
        store: String,
        /// The certificate's file, in the copy of the package.
        file: PathBuf,
    },
    /// The driver's package in the driver store, and its service.
    Package {
        /// The INF that it was installed by.
        inf: PathBuf,
    },
    /// The policy in the driver's registry key.
    Policy {
        /// What was there before.
        previous: Option<Vec<u8>>,
    },
    /// The driver runs.
    Loaded,
}

impl Change {
    /// The file or folder that it is about.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Disk { path }
            | Self::PackageCopy { path }
            | Self::Certificate { file: path, .. }
            | Self::Package { inf: path } => Some(path),
            Self::Policy { .. } | Self::Loaded => None,
        }
    }

    /// What it is for.
    pub(crate) const fn group(&self) -> Group {
        match self {
            Self::Disk { .. } => Group::Volumes,
            Self::PackageCopy { .. } | Self::Certificate { .. } | Self::Package { .. } => {
                Group::Driver
            }
            Self::Policy { .. } | Self::Loaded => Group::Run,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { path } => write!(f, "virtual disk {}", path.display()),
            Self::PackageCopy { path } => write!(f, "copy of the package in {}", path.display()),
            Self::Certificate { store, .. } => write!(f, "test certificate in the store {store}"),
            Self::Package { .. } => f.write_str("driver package and service CloneGuard"),
            Self::Policy { .. } => f.write_str("policy in the registry"),
            Self::Loaded => f.write_str("the driver is loaded"),
        }
    }
}
