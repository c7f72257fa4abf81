//! The driver: its certificate, its package, and the filter manager's load and unload.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Devices::DeviceAndDriverInstallation::{
    DiInstallDriverW, DiUninstallDriverW,
};
use windows_sys::Win32::Security::Cryptography::{
    CERT_CONTEXT, CERT_FIND_EXISTING, CERT_STORE_ADD_USE_EXISTING, CERT_STORE_PROV_SYSTEM_W,
    CERT_SYSTEM_STORE_LOCAL_MACHINE_ID, CERT_SYSTEM_STORE_LOCATION_SHIFT,
    CertAddEncodedCertificateToStore, CertCloseStore, CertCreateCertificateContext,
    CertDeleteCertificateFromStore, CertFindCertificateInStore, CertFreeCertificateContext,
    CertOpenStore, HCERTSTORE, PKCS_7_ASN_ENCODING, X509_ASN_ENCODING,
};
use windows_sys::Win32::Storage::InstallableFileSystems::{FilterLoad, FilterUnload};

use super::wide;

/// How the certificate is written: DER, as a `.cer` file has it.
const ENCODING: u32 = X509_ASN_ENCODING | PKCS_7_ASN_ENCODING;

/// Puts a primitive driver's package into the driver store and runs its install section. Whether Windows wants a
/// restart.
pub(crate) fn install(inf: &Path) -> io::Result<bool> {
    let inf = wide(inf);
    let mut needs_restart = 0;
    // SAFETY: both pointers outlive the call; there is no window.
    let is_done =
        unsafe { DiInstallDriverW(ptr::null_mut(), inf.as_ptr(), 0, &raw mut needs_restart) };
    checked(is_done)?;
    Ok(needs_restart != 0)
}

/// Undoes [`install`].
pub(crate) fn uninstall(inf: &Path) -> io::Result<bool> {
    let inf = wide(inf);
    let mut needs_restart = 0;
    // SAFETY: both pointers outlive the call; there is no window.
    let is_done =
        unsafe { DiUninstallDriverW(ptr::null_mut(), inf.as_ptr(), 0, &raw mut needs_restart) };
    checked(is_done)?;
    Ok(needs_restart != 0)
}

/// Loads a filter by the name of its service. Needs SeLoadDriverPrivilege.
pub(crate) fn load(service: &str) -> io::Result<()> {
    let name = wide(service);
    // SAFETY: the name ends in a zero and outlives the call.
    hresult(unsafe { FilterLoad(name.as_ptr()) })
}

/// Unloads a filter. Needs SeLoadDriverPrivilege.
pub(crate) fn unload(service: &str) -> io::Result<()> {
    let name = wide(service);
    // SAFETY: the name ends in a zero and outlives the call.
    hresult(unsafe { FilterUnload(name.as_ptr()) })
}

/// Whether a store of the machine holds a certificate.
pub(crate) fn has_certificate(store: &str, certificate: &[u8]) -> io::Result<bool> {
    let store = Store::open(store)?;
    let wanted = Certificate::parse(certificate)?;
    Ok(store.find(&wanted).is_some())
}

/// Puts a certificate into a store of the machine.
pub(crate) fn add_certificate(store: &str, certificate: &[u8]) -> io::Result<()> {
    let store = Store::open(store)?;
    // SAFETY: the bytes have the length that is told and outlive the call; the context is not asked for.
    checked(unsafe {
        CertAddEncodedCertificateToStore(
            store.0,
            ENCODING,
            certificate.as_ptr(),
            u32::try_from(certificate.len()).unwrap_or(0),
            CERT_STORE_ADD_USE_EXISTING,
            ptr::null_mut(),
        )
    })
}

/// Takes a certificate out of a store of the machine; none is fine.
pub(crate) fn remove_certificate(store: &str, certificate: &[u8]) -> io::Result<()> {
    let store = Store::open(store)?;
    let wanted = Certificate::parse(certificate)?;
    let Some(found) = store.find(&wanted) else {
        return Ok(());
    };
    let context = found.0;
    std::mem::forget(found);
    // SAFETY: the context is of an open store; the call frees it in every case.
    checked(unsafe { CertDeleteCertificateFromStore(context) })
}

/// An open certificate store.
struct Store(HCERTSTORE);

impl Store {
    fn open(name: &str) -> io::Result<Self> {
        let name = wide(name);
        let location = CERT_SYSTEM_STORE_LOCAL_MACHINE_ID << CERT_SYSTEM_STORE_LOCATION_SHIFT;
        // SAFETY: the name ends in a zero and outlives the call.
        let store = unsafe {
            CertOpenStore(
                CERT_STORE_PROV_SYSTEM_W,
                0,
                0,
                location,
                name.as_ptr().cast(),
            )
        };
        if store.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(store))
    }

    fn find(&self, wanted: &Certificate) -> Option<Certificate> {
        // SAFETY: store and certificate are open; the search begins at the beginning.
        let found = unsafe {
            CertFindCertificateInStore(
                self.0,
                ENCODING,
                0,
                CERT_FIND_EXISTING,
                wanted.0.cast(),
                ptr::null(),
            )
        };
        (!found.is_null()).then_some(Certificate(found))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the store is open and not used again.
        unsafe { CertCloseStore(self.0, 0) };
    }
}

/// A certificate.
struct Certificate(*const CERT_CONTEXT);

impl Certificate {
    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let length = u32::try_from(bytes.len()).unwrap_or(0);
        // SAFETY: the bytes have the length that is told; the context keeps a copy.
        let context = unsafe { CertCreateCertificateContext(ENCODING, bytes.as_ptr(), length) };
        if context.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(context))
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        // SAFETY: the context is ours and not used again.
        unsafe { CertFreeCertificateContext(self.0) };
    }
}

fn checked(is_done: i32) -> io::Result<()> {
    if is_done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// A failed HRESULT; the system has texts for them too.
fn hresult(result: i32) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::from_raw_os_error(result))
    } else {
        Ok(())
    }
}
