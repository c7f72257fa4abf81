//! The driver: installed by its package, loaded under a policy, and all of it on record.

use std::path::Path;
use std::time::Duration;
use std::{fs, io, thread};

use cloneguard::live::windows::FilterManager;
use cloneguard::live::{self, Status, Stop};
use windows_registry::LOCAL_MACHINE;

use super::ledger::{Change, Ledger};
use super::policy::{self, Plan};
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

/// How often and how long to wait until a policy is in force.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

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
    let (before, reloaded) = match policy::of(mode) {
        Plan::Without => (None, None),
        Plan::Before(policy) => (Some(compiled(&policy)?), None),
        Plan::Reloaded(policy) => (None, Some(compiled(&policy)?)),
    };
    let previous = policy_now().map_err(text)?;
    // Whatever was there goes back when the run is undone, which unloads the driver first.
    ledger.record(Change::Policy { previous }).map_err(text)?;
    set_policy(before.as_deref()).map_err(text)?;
    ledger.record(Change::Loaded).map_err(text)?;
    sys::machine::enable(LOAD_PRIVILEGE).map_err(text)?;
    sys::driver::load(NAME).map_err(|error| {
        format!("the filter manager does not load {NAME}: {error}; conformance preflight says what may be in the way")
    })?;
    reloaded.map_or(Ok(()), |policy| reload(&policy))
}

fn compiled(policy: &str) -> Result<Vec<u8>, String> {
    let blob = cloneguard::policy::compile(policy);
    blob.map_err(|problems| format!("the policy of the stage: {problems}"))
}

/// Exchanges the policy of the driver that runs, and waits until it is in force.
fn reload(policy: &[u8]) -> Result<(), String> {
    set_policy(Some(policy)).map_err(|error| format!("the policy in the registry: {error}"))?;
    let stop = Stop::new();
    let unasked = |error| format!("the driver cannot be asked to read its policy again: {error}");
    live::reload(&FilterManager, &stop).map_err(unasked)?;
    for _ in 0..TRIES {
        let status = Status::ask(&FilterManager, &stop);
        let status =
            status.map_err(|error| format!("the driver does not tell how it stands: {error:?}"))?;
        if status.policy_revision == policy::REVISION {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err("the driver does not take the policy of the stage: cloneguard watch says why".to_owned())
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
