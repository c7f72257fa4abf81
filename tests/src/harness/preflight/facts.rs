//! What was found out about a machine.

use std::path::PathBuf;

/// A fact, or why it is not known.
pub(crate) type Known<T> = Result<T, String>;

/// A machine, as far as it could be asked.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Whether this process has the rights of an administrator.
    pub(crate) elevated: Known<bool>,
    /// The machine's processor and the one this program is for, by name.
    pub(crate) processors: Known<(String, String)>,
    pub(crate) build: Known<Build>,
    /// Whether Secure Boot is on; a machine without UEFI has none.
    pub(crate) secure_boot: Known<bool>,
    /// `CodeIntegrityOptions` of SYSTEM_CODEINTEGRITY_INFORMATION.
    pub(crate) code_integrity: Known<u32>,
    /// The files of ReFS that are missing.
    pub(crate) refs_missing: Known<Vec<String>>,
    /// Bytes that the virtual disks of the cases may take.
    pub(crate) disk_space: Known<u64>,
    /// The filters that are let onto trusted Dev Drives; none where there are no Dev Drives.
    pub(crate) dev_drive_filters: Known<Option<Vec<String>>>,
    pub(crate) verifier: Known<Verifier>,
    pub(crate) package: Package,
    /// What an earlier run changed and nobody undid.
    pub(crate) leftovers: Known<Vec<String>>,
}

/// A version of Windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Build {
    /// For instance 26100.
    pub(crate) number: u32,
    /// `EditionID`, for instance `ServerStandardEval`.
    pub(crate) edition: String,
}

/// What Driver Verifier was told at the last start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verifier {
    /// `VerifyDrivers`: names, or `*`; empty if there is none.
    pub(crate) drivers: String,
    /// `VerifyDriverLevel`.
    pub(crate) level: Option<u32>,
}

/// The driver's package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Where it was looked for.
    pub(crate) folder: PathBuf,
    /// The files of it that are not there.
    pub(crate) missing: Vec<&'static str>,
}

impl Package {
    /// What a package consists of.
    pub(crate) const FILES: [&'static str; 5] = [
        "cloneguard.sys",
        Self::INF,
        "cloneguard.cat",
        Self::ROOT,
        Self::PUBLISHER,
    ];

    /// The INF file.
    pub(crate) const INF: &'static str = "cloneguard.inf";

    /// The certificate of the authority that signs for tests.
    pub(crate) const ROOT: &'static str = "cloneguard-test-root.cer";

    /// The certificate of the signature.
    pub(crate) const PUBLISHER: &'static str = "cloneguard-test-publisher.cer";

    /// Looks into a folder.
    pub(crate) fn look(folder: PathBuf) -> Self {
        let is_missing = |name: &&'static str| !folder.join(name).is_file();
        let missing = Self::FILES.into_iter().filter(is_missing).collect();
        Self { folder, missing }
    }
}
