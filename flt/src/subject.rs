//! For whom a thread acts: the tokens of a thread and its process, and what they say.

#![expect(unsafe_code, reason = "captures and asks tokens through the kernel")]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use flt_sys::nt::{
    LUID, PACCESS_TOKEN, SECURITY_SUBJECT_CONTEXT, SeCaptureSubjectContextEx,
    SeQueryInformationToken, SeReleaseSubjectContext, SecurityImpersonation, TOKEN_ELEVATION,
    TOKEN_INFORMATION_CLASS, TOKEN_STATISTICS, TOKEN_USER, TokenElevation, TokenIntegrityLevel,
    TokenSessionId, TokenStatistics, TokenUser,
};
use flt_sys::types::PETHREAD;
use wdk_sys::ntddk::ExFreePool;

use crate::irql::Passive;
use crate::process::Process;
use crate::status::NtStatus;

/// The security context of a thread, held until drop.
///
/// # Invariants
///
/// Captured once and not yet released: both tokens, where not null, are referenced.
pub struct Subject<'op> {
    context: SECURITY_SUBJECT_CONTEXT,
    operation: PhantomData<(&'op (), *const ())>,
}

impl Subject<'_> {
    /// # Safety
    ///
    /// 1. `thread` is null or, like the process, referenced for all of the lifetime.
    pub(crate) unsafe fn capture(thread: PETHREAD, process: &Process<'_>, _: Passive) -> Self {
        let mut context = SECURITY_SUBJECT_CONTEXT {
            ClientToken: ptr::null_mut(),
            ImpersonationLevel: 0,
            PrimaryToken: ptr::null_mut(),
            ProcessAuditId: ptr::null_mut(),
        };
        // SAFETY: both objects are referenced (contract 1); a null thread means "no impersonation"
        // (ntifs.h, SeCaptureSubjectContextEx); the level is proven; `context` may be written.
        unsafe { SeCaptureSubjectContextEx(thread, process.as_ptr(), &raw mut context) };
        Self {
            context,
            operation: PhantomData,
        }
    }

    /// Whether the thread acts for another than its process does.
    ///
    /// A client token below SecurityImpersonation only tells who somebody is and lets nobody act for them: SeAccessCheck
    /// grants nothing by it, so it does not count here either.
    #[must_use]
    pub const fn is_impersonating(&self) -> bool {
        !self.context.ClientToken.is_null()
            && self.context.ImpersonationLevel >= SecurityImpersonation
    }

    /// The token that access is granted by: the client's when impersonating, else the process's
    /// (ntifs.h, SeQuerySubjectContextToken, which is a macro).
    #[must_use]
    pub const fn effective(&self) -> AccessToken<'_> {
        if self.is_impersonating() {
            AccessToken::of(self.context.ClientToken)
        } else {
            self.primary()
        }
    }

    /// The token of the process.
    #[must_use]
    pub const fn primary(&self) -> AccessToken<'_> {
        AccessToken::of(self.context.PrimaryToken)
    }
}

impl Drop for Subject<'_> {
    fn drop(&mut self) {
        // SAFETY: captured once in `capture`, released once here; not `Send`, so still at the level proven there.
        unsafe { SeReleaseSubjectContext(&raw mut self.context) };
    }
}

/// Which token, and in which state.
///
/// Equal stamps are of one token that was not changed in between: no other has its id, and its `ModifiedId` "changes each
/// time the token is modified", so that it can be tested whether a security context is still the one that was looked at
/// (ntifs.h, TOKEN_STATISTICS, TOKEN_CONTROL).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenStamp {
    token_id: u64,
    modified_id: u64,
    /// The logon session (`AuthenticationId`).
    pub logon_id: u64,
}

/// A token, held by the subject that it is borrowed from.
///
/// # Invariants
///
/// The token is referenced for all of `'s`.
#[derive(Clone, Copy)]
pub struct AccessToken<'s> {
    token: PACCESS_TOKEN,
    subject: PhantomData<(&'s (), *const ())>,
}

impl AccessToken<'_> {
    const fn of(token: PACCESS_TOKEN) -> Self {
        Self {
            token,
            subject: PhantomData,
        }
    }

    /// Its user.
    ///
    /// # Errors
    ///
    /// The kernel's status, unchanged.
    pub fn user(&self, passive: Passive) -> Result<UserSid, NtStatus> {
        let block = self.block(TokenUser, passive)?;
        // SAFETY: on success the block starts with a TOKEN_USER (ntifs.h, SeQueryInformationToken).
        let user = unsafe { block.0.cast::<TOKEN_USER>().read() };
        // SAFETY: its first field points at a SID in the same block, alive while the block is.
        unsafe { UserSid::copy(user.User.Sid.cast()) }
    }

    /// Which token it is, in which state, and the logon session that it comes from.
    ///
    /// # Errors
    ///
    /// The kernel's status, unchanged.
    pub fn stamp(&self, passive: Passive) -> Result<TokenStamp, NtStatus> {
        let block = self.block(TokenStatistics, passive)?;
        // SAFETY: on success the block is a TOKEN_STATISTICS (ntifs.h, SeQueryInformationToken).
        let told = unsafe { block.0.cast::<TOKEN_STATISTICS>().read() };
        Ok(TokenStamp {
            token_id: number(told.TokenId),
            modified_id: number(told.ModifiedId),
            logon_id: number(told.AuthenticationId),
        })
    }

    /// Whether it is elevated.
    ///
    /// # Errors
    ///
    /// The kernel's status, unchanged.
    pub fn is_elevated(&self, passive: Passive) -> Result<bool, NtStatus> {
        let block = self.block(TokenElevation, passive)?;
        // SAFETY: on success the block is a TOKEN_ELEVATION (ntifs.h, SeQueryInformationToken).
        let told = unsafe { block.0.cast::<TOKEN_ELEVATION>().read() };
        Ok(told.TokenIsElevated != 0)
    }

    /// The terminal-services session that it belongs to.
    ///
    /// # Errors
    ///
    /// The kernel's status, unchanged.
    pub fn session_id(&self, passive: Passive) -> Result<u32, NtStatus> {
        self.number(TokenSessionId, passive)
    }

    /// Its integrity level: the last sub-authority of the label (MS-DTYP 2.4.2.4, S-1-16-x).
    ///
    /// # Errors
    ///
    /// The kernel's status, unchanged.
    pub fn integrity_level(&self, passive: Passive) -> Result<u32, NtStatus> {
        self.number(TokenIntegrityLevel, passive)
    }

    /// Asks for a class that is answered in a block of pool.
    fn block(&self, class: TOKEN_INFORMATION_CLASS, _: Passive) -> Result<PoolBlock, NtStatus> {
        let mut answer: *mut c_void = ptr::null_mut();
        // SAFETY: the token is referenced (invariant), the level is proven, `answer` may be written.
        let status = unsafe { SeQueryInformationToken(self.token, class, &raw mut answer) };
        NtStatus::check(status)?;
        NonNull::new(answer)
            .map(PoolBlock)
            .ok_or(NtStatus::NOT_FOUND)
    }

    /// Asks for a class that is answered in place of the pointer, by four bytes of it.
    fn number(&self, class: TOKEN_INFORMATION_CLASS, _: Passive) -> Result<u32, NtStatus> {
        let mut answer: *mut c_void = ptr::null_mut();
        // SAFETY: the token is referenced (invariant), the level is proven, `answer` may be written.
        let status = unsafe { SeQueryInformationToken(self.token, class, &raw mut answer) };
        NtStatus::check(status)?;
        // The other four bytes are still those of the null pointer above.
        u32::try_from(answer.addr()).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)
    }
}

/// A LUID as a number.
fn number(id: LUID) -> u64 {
    let high = u64::from(id.HighPart.cast_unsigned());
    (high << 32_u32) | u64::from(id.LowPart)
}

/// A block of pool that some routine allocated for us to free.
struct PoolBlock(NonNull<c_void>);

impl Drop for PoolBlock {
    fn drop(&mut self) {
        // SAFETY: SeQueryInformationToken documents that the caller frees the block with ExFreePool.
        unsafe { ExFreePool(self.0.as_ptr()) };
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
