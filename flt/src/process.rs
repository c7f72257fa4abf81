//! Who asks: the requestor's process, its image, and the user its thread acts for.

#![expect(
    unsafe_code,
    reason = "reads process and token objects through the kernel"
)]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;

use flt_sys::callback::{FLT_CALLBACK_DATA, FltGetRequestorProcess};
use flt_sys::nt::{HANDLE, PACCESS_TOKEN, SecurityImpersonation};
use flt_sys::types::{EPROCESS, PETHREAD, UNICODE_STRING};

use wdk_sys::ntddk::ExFreePool;

use crate::irql::Passive;
use crate::status::NtStatus;

/// Whether a request was issued by user-mode or by kernel-mode code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// KernelMode: handles are trusted, no access check was made.
    Kernel,
    /// UserMode.
    User,
}

impl Mode {
    /// # Safety
    ///
    /// 1. `data` is the callback data of a running callback.
    pub(crate) unsafe fn of(data: *mut FLT_CALLBACK_DATA) -> Self {
        // SAFETY: contract 1; nobody changes the mode.
        let mode = unsafe { (*data).RequestorMode };
        if mode == flt_sys::nt::KernelMode {
            Self::Kernel
        } else {
            Self::User
        }
    }

    pub(crate) const fn raw(self) -> i8 {
        match self {
            Self::Kernel => flt_sys::nt::KernelMode,
            Self::User => flt_sys::nt::UserMode,
        }
    }
}

/// Proof that the callback runs in the context of the process that issued the request, so that a
/// handle value means what the requestor meant by it.
///
/// # Invariants
///
/// Made only after comparing the current process with the requestor's, for this callback.
#[derive(Clone, Copy)]
pub struct InRequestor<'op> {
    mode: Mode,
    operation: PhantomData<(&'op (), *const ())>,
}

impl InRequestor<'_> {
    /// Compares the requestor's process with the one this thread is attached to.
    ///
    /// # Safety
    ///
    /// 1. `data` is the callback data of a running callback, which lasts for all of `'op`.
    pub(crate) unsafe fn prove(data: *mut FLT_CALLBACK_DATA) -> Option<Self> {
        // SAFETY: contract 1; at most DISPATCH_LEVEL.
        let process = unsafe { FltGetRequestorProcess(data) };
        // SAFETY: callable at any level; answers the process this thread is attached to (wdm.h).
        let current = unsafe { flt_sys::nt::IoGetCurrentProcess() };
        // SAFETY: contract 1.
        let mode = unsafe { Mode::of(data) };
        (!process.is_null() && current == process).then_some(Self {
            mode,
            operation: PhantomData,
        })
    }

    /// The requestor's mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }
}

/// The process that issued a request; valid while its callback runs.
#[derive(Clone, Copy)]
pub struct Process<'op> {
    process: NonNull<EPROCESS>,
    thread: PETHREAD,
    operation: PhantomData<(&'op (), *const ())>,
}

impl Process<'_> {
    /// # Safety
    ///
    /// 1. `process` and `thread` (if not null) are the requestor's, and stay referenced by the
    ///    request for `'op`.
    pub(crate) const unsafe fn from_raw(process: NonNull<EPROCESS>, thread: PETHREAD) -> Self {
        Self {
            process,
            thread,
            operation: PhantomData,
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        // SAFETY: the process is referenced by the request (from_raw, 1); any level.
        let id = unsafe { flt_sys::nt::PsGetProcessId(self.process.as_ptr()) };
        small_id(id)
    }

    /// The id of the thread that issued the request; 0 when the request names none.
    #[must_use]
    pub fn thread_id(&self) -> u32 {
        if self.thread.is_null() {
            return 0;
        }
        // SAFETY: the thread is referenced by the request (from_raw, 1) and not null; any level.
        let id = unsafe { flt_sys::nt::PsGetThreadId(self.thread) };
        small_id(id)
    }

    /// The full NT path of the process's image.
    ///
    /// # Errors
    ///
    /// The kernel's status, for instance for a process without an image.
    pub fn image(&self, _: Passive) -> Result<ImageName, NtStatus> {
        let mut name: *mut UNICODE_STRING = ptr::null_mut();
        // SAFETY: the process is referenced (from_raw, 1), the level is proven, `name` may be written.
        let status =
            unsafe { flt_sys::nt::SeLocateProcessImageName(self.process.as_ptr(), &raw mut name) };
        NtStatus::check(status)?;
        NonNull::new(name).map(ImageName).ok_or(NtStatus::NOT_FOUND)
    }

    /// The user of the thread's effective token: the impersonated user if there is one.
    ///
    /// # Errors
    ///
    /// The kernel's status, unchanged.
    pub fn user(&self, _: Passive) -> Result<UserSid, NtStatus> {
        let context = SubjectContext::capture(self.thread, self.process);
        let mut user: *mut c_void = ptr::null_mut();
        // SAFETY: the token is held by the captured context, the level is proven, `user` may be written.
        let status = unsafe {
            flt_sys::nt::SeQueryInformationToken(
                context.token(),
                flt_sys::nt::TokenUser,
                &raw mut user,
            )
        };
        NtStatus::check(status)?;
        let user = PoolBlock(NonNull::new(user).ok_or(NtStatus::NOT_FOUND)?);
        // SAFETY: on success the block starts with a TOKEN_USER whose first field points at a SID in
        // the same block (ntifs.h, SeQueryInformationToken).
        let sid = unsafe { user.0.cast::<*const u8>().read() };
        // SAFETY: `sid` is a valid SID, alive while the block is.
        unsafe { UserSid::copy(sid) }
    }
}

/// Process and thread ids are handles in type only; they fit 32 bits.
fn small_id(id: HANDLE) -> u32 {
    u32::try_from(id.addr()).unwrap_or(u32::MAX)
}

/// An image path allocated by the kernel for us.
///
/// # Invariants
///
/// The block starts with a UNICODE_STRING, followed by its text, and is ours to free.
pub struct ImageName(NonNull<UNICODE_STRING>);

impl ImageName {
    /// The path in UTF-16 units. May be paged memory.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        // SAFETY: a UNICODE_STRING stands at the start of the block (invariant).
        let string = unsafe { self.0.as_ref() };
        // SAFETY: the string describes text within the block, which we own (invariant).
        unsafe { units(string) }
    }
}

impl Drop for ImageName {
    fn drop(&mut self) {
        // SAFETY: ours to free, once; the documentation names no tag (SeLocateProcessImageName).
        unsafe { ExFreePool(self.0.as_ptr().cast()) };
    }
}

/// The text of a UNICODE_STRING as a slice; empty for a null buffer.
///
/// # Safety
///
/// 1. Length bytes at Buffer are readable, aligned for u16, and unchanged for `'a`.
pub(crate) unsafe fn units<'a>(string: &UNICODE_STRING) -> &'a [u16] {
    let count = usize::from(string.Length >> 1);
    if string.Buffer.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: contract 1, with an even count of bytes.
    unsafe { slice::from_raw_parts(string.Buffer, count) }
}

/// A block of pool that some routine allocated for us to free.
struct PoolBlock(NonNull<c_void>);

impl Drop for PoolBlock {
    fn drop(&mut self) {
        // SAFETY: SeQueryInformationToken documents that the caller frees the block with ExFreePool.
        unsafe { ExFreePool(self.0.as_ptr()) };
    }
}

/// The security context of a thread, held until drop.
struct SubjectContext(flt_sys::nt::SECURITY_SUBJECT_CONTEXT);

impl SubjectContext {
    fn capture(thread: PETHREAD, process: NonNull<EPROCESS>) -> Self {
        let mut context = flt_sys::nt::SECURITY_SUBJECT_CONTEXT {
            ClientToken: ptr::null_mut(),
            ImpersonationLevel: 0,
            PrimaryToken: ptr::null_mut(),
            ProcessAuditId: ptr::null_mut(),
        };
        // SAFETY: both objects are referenced by the request (Process::from_raw); a null thread means
        // "no impersonation" (ntifs.h, SeCaptureSubjectContextEx); `context` may be written.
        unsafe {
            flt_sys::nt::SeCaptureSubjectContextEx(thread, process.as_ptr(), &raw mut context)
        };
        Self(context)
    }

    /// The effective token: the client's when impersonating, else the process's
    /// (ntifs.h, SeQuerySubjectContextToken, which is a macro). A client token below
    /// SecurityImpersonation only tells who somebody is and lets nobody act for them: SeAccessCheck grants
    /// nothing by it, so it is not the user here either.
    const fn token(&self) -> PACCESS_TOKEN {
        if self.0.ClientToken.is_null() || self.0.ImpersonationLevel < SecurityImpersonation {
            self.0.PrimaryToken
        } else {
            self.0.ClientToken
        }
    }
}

impl Drop for SubjectContext {
    fn drop(&mut self) {
        // SAFETY: captured once in `capture`, released once here.
        unsafe { flt_sys::nt::SeReleaseSubjectContext(&raw mut self.0) };
    }
}

/// A user's SID, copied into our own memory.
///
/// # Invariants
///
/// `length` is at most [`UserSid::MAX`].
#[derive(Clone, Copy)]
pub struct UserSid {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl UserSid {
    /// SECURITY_MAX_SID_SIZE: an 8-byte head and 15 sub-authorities (MS-DTYP 2.4.2).
    pub const MAX: usize = 68;

    /// # Safety
    ///
    /// 1. `sid` points to a valid SID.
    unsafe fn copy(sid: *const u8) -> Result<Self, NtStatus> {
        if sid.is_null() {
            return Err(NtStatus::NOT_FOUND);
        }
        // SAFETY: byte 1 of a SID is its count of sub-authorities (contract 1; MS-DTYP 2.4.2).
        let sub_authorities = unsafe { sid.wrapping_add(1).read() };
        let length = usize::from(sub_authorities)
            .saturating_mul(4)
            .saturating_add(8);
        let mut bytes = [0; Self::MAX];
        let target = bytes.get_mut(..length).ok_or(NtStatus::INVALID_PARAMETER)?;
        // SAFETY: a SID of that many sub-authorities is `length` bytes (contract 1), and so is `target`.
        unsafe { ptr::copy_nonoverlapping(sid, target.as_mut_ptr(), length) };
        Ok(Self { bytes, length })
    }

    /// The SID in its binary form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}
