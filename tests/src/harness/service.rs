//! The driver: installed by its package, loaded under a policy, and all of it on record.

use std::fs;
use std::io;
use std::path::Path;

use windows_registry::LOCAL_MACHINE;

use super::ledger::{Change, Ledger};
use super::preflight::Package;
use super::sys;
use super::workplace::Workplace;
use crate::expect::Mode;

/// The service, and the filter.
pub(crate) const NAME: &str = "CloneGuard";
/// What the filter manager wants of who loads a filter (Win32, FilterLoad).
pub(crate) const LOAD_PRIVILEGE: &str = "SeLoadDriverPrivilege";

const KEY: &str = r"SYSTEM\CurrentControlSet\Services\CloneGuard";
const PARAMETERS: &str = r"SYSTEM\CurrentControlSet\Services\CloneGuard\Parameters";
/// The value that holds a policy (docs/policy.md).
const POLICY: &str = "Policy";

/// Where Windows looks for the signer of a driver that is installed without a question, and what is to be found there.
const TRUSTED: [(&str, &str); 2] = [
    ("Root", Package::ROOT),
    ("TrustedPublisher", Package::PUBLISHER),
];

/// HRESULT of ERROR_FILE_NOT_FOUND.
const NOT_FOUND: i32 = 0x8007_0002_u32.cast_signed();

/// Whether the driver's service exists.
pub(crate) fn is_installed() -> io::Result<bool> {
    match LOCAL_MACHINE.open(KEY) {
        Ok(_) => Ok(true),
        Err(error) if error.code().0 == NOT_FOUND => Ok(false),
        Err(error) => Err(io::Error::from_raw_os_error(error.code().0)),
    }
}

/// Whether this program installed it.
pub(crate) fn is_ours(ledger: &Ledger) -> bool {
    ledger
        .open()
        .any(|change| matches!(change, Change::Package { .. }))
}

/// Installs a package. Whether Windows wants a restart.
pub(crate) fn install(
    workplace: &Workplace,
    ledger: &mut Ledger,
    package: &Package,
) -> Result<bool, String> {
    let copy = workplace.package();
    let text = |error: io::Error| error.to_string();
    ledger
        .record(Change::PackageCopy { path: copy.clone() })
        .map_err(text)?;
    fs::create_dir_all(&copy).map_err(text)?;
    for name in Package::FILES {
        let from = package.folder.join(name);
        fs::copy(&from, copy.join(name)).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    for (store, name) in TRUSTED {
        trust(ledger, store, &copy.join(name))?;
    }
    let inf = copy.join(Package::INF);
    ledger
        .record(Change::Package { inf: inf.clone() })
        .map_err(text)?;
    let installed = sys::driver::install(&inf);
    installed.map_err(|error| {
        format!("Windows does not install {}: {error}; why, stands at the end of %windir%\\inf\\setupapi.dev.log", inf.display())
    })
}

/// Puts a certificate into a store of the machine, where it is not yet.
fn trust(ledger: &mut Ledger, store: &str, file: &Path) -> Result<(), String> {
    let wrong = |error: io::Error| format!("{}: {error}", file.display());
    let certificate = fs::read(file).map_err(wrong)?;
    if sys::driver::has_certificate(store, &certificate).map_err(wrong)? {
        return Ok(());
    }
    let change = Change::Certificate {
        store: store.to_owned(),
        file: file.to_path_buf(),
    };
    ledger.record(change).map_err(wrong)?;
    sys::driver::add_certificate(store, &certificate).map_err(wrong)
}

/// Loads the driver as a stage wants it.
pub(crate) fn load(ledger: &mut Ledger, mode: Mode) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let policy = match mode {
        Mode::Observe => None,
        Mode::Enforce => Some("mode = 'enforce'"),
        Mode::Policy => return Err("the stage policy is one of the test-bed".to_owned()),
    };
    let compile = |policy| {
        let blob = cloneguard::policy::compile(policy);
        blob.map_err(|problems| format!("the policy of the stage: {problems}"))
    };
    let blob = policy.map(compile).transpose()?;
    let previous = policy_now().map_err(text)?;
    ledger.record(Change::Policy { previous }).map_err(text)?;
    set_policy(blob.as_deref()).map_err(text)?;
    ledger.record(Change::Loaded).map_err(text)?;
    sys::machine::enable(LOAD_PRIVILEGE).map_err(text)?;
    sys::driver::load(NAME).map_err(|error| {
        format!("the filter manager does not load {NAME}: {error}; conformance preflight says what may be in the way")
    })
}

/// The policy in the registry.
fn policy_now() -> io::Result<Option<Vec<u8>>> {
    let key = match LOCAL_MACHINE.open(PARAMETERS) {
        Ok(key) => key,
        Err(error) if error.code().0 == NOT_FOUND => return Ok(None),
        Err(error) => return Err(io::Error::from_raw_os_error(error.code().0)),
    };
    match key.get_value(POLICY) {
        Ok(value) => Ok(Some(value.to_vec())),
        Err(error) if error.code().0 == NOT_FOUND => Ok(None),
        Err(error) => Err(io::Error::from_raw_os_error(error.code().0)),
    }
}

/// Sets the policy in the registry, or takes it away; without a driver there is none.
pub(crate) fn set_policy(policy: Option<&[u8]>) -> io::Result<()> {
    if !is_installed()? {
        return Ok(());
    }
    let key = LOCAL_MACHINE
        .options()
        .read()
        .write()
        .create()
        .open(PARAMETERS);
    let done = key.and_then(|key| match policy {
        Some(bytes) => key.set_bytes(POLICY, windows_registry::Type::Bytes, bytes),
        None => match key.remove_value(POLICY) {
            Err(error) if error.code().0 == NOT_FOUND => Ok(()),
            other => other,
        },
    });
    done.map_err(|error| io::Error::from_raw_os_error(error.code().0))
}
