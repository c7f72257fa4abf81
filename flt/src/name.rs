//! File names from the filter manager, released when dropped.

#![expect(
    unsafe_code,
    reason = "asks the filter manager for names and reads its answer"
)]

use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use flt_sys::callback::FLT_CALLBACK_DATA;
use flt_sys::types::PFLT_INSTANCE;

use flt_sys::name::{
    FLT_FILE_NAME_QUERY_ALWAYS_ALLOW_CACHE_LOOKUP, FLT_FILE_NAME_QUERY_CACHE_ONLY,
    FLT_FILE_NAME_QUERY_DEFAULT,
};

use crate::object::FileObject;
use crate::process::units;
use crate::reentry::may_ask_file_system;
use crate::status::NtStatus;

/// Which form of a name to ask for, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The normalized name, if the filter manager has it at hand: never a round trip.
    NormalizedFromCache,
    /// The name used at open; may ask the file system.
    Opened,
}

impl Form {
    /// The format, and where to look: for an opened name by `query`.
    const fn options(self, query: u32) -> u32 {
        match self {
            Self::NormalizedFromCache => {
                flt_sys::name::FLT_FILE_NAME_NORMALIZED | FLT_FILE_NAME_QUERY_CACHE_ONLY
            }
            Self::Opened => flt_sys::name::FLT_FILE_NAME_OPENED | query,
        }
    }
}

/// A name that the filter manager lent us. Lives in paged pool, hence not `Send`.
///
/// # Invariants
///
/// One reference to the structure is ours until drop.
pub struct FileName {
    information: NonNull<flt_sys::name::FLT_FILE_NAME_INFORMATION>,
    not_send: PhantomData<*const ()>,
}

impl FileName {
    /// # Safety
    ///
    /// 1. `data` is the callback data of a running pre-operation callback.
    pub(crate) unsafe fn of_target(
        data: *mut FLT_CALLBACK_DATA,
        form: Form,
    ) -> Result<Self, NtStatus> {
        // The filter manager asks the file system only where that is safe, and its cache in any case.
        let options = form.options(FLT_FILE_NAME_QUERY_ALWAYS_ALLOW_CACHE_LOOKUP);
        let mut information = ptr::null_mut();
        // SAFETY: contract 1; a file-system-control pre-operation runs at APC_LEVEL at most, which is
        // what the routine asks; `information` may be written.
        let status = unsafe {
            flt_sys::name::FltGetFileNameInformation(data, options, &raw mut information)
        };
        Self::taken(status, information)
    }

    /// # Safety
    ///
    /// 1. `instance` is a live instance of this filter on the volume of `file`.
    pub(crate) unsafe fn of_file(
        file: &FileObject,
        instance: PFLT_INSTANCE,
        form: Form,
    ) -> Result<Self, NtStatus> {
        if form == Form::Opened && !may_ask_file_system() {
            return Err(NtStatus::FLT_INVALID_NAME_REQUEST);
        }
        let mut information = ptr::null_mut();
        // SAFETY: the file system is only asked where `may_ask_file_system` rules out the deadlocks that
        // the routine does not protect from; the file object is referenced, the instance is live (contract 1), `information` may
        // be written. The callers run at APC_LEVEL at most, in a pre-operation callback.
        let status = unsafe {
            flt_sys::name::FltGetFileNameInformationUnsafe(
                file.as_ptr(),
                instance,
                form.options(FLT_FILE_NAME_QUERY_DEFAULT),
                &raw mut information,
            )
        };
        Self::taken(status, information)
    }

    fn taken(
        status: i32,
        information: *mut flt_sys::name::FLT_FILE_NAME_INFORMATION,
    ) -> Result<Self, NtStatus> {
        NtStatus::check(status)?;
        let information = NonNull::new(information).ok_or(NtStatus::NOT_FOUND)?;
        Ok(Self {
            information,
            not_send: PhantomData,
        })
    }

    /// The whole name in UTF-16 units: volume, path, stream.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        // SAFETY: the structure is ours until drop (invariant) and is not changed after it was handed out.
        let information = unsafe { self.information.as_ref() };
        // SAFETY: Name describes text that lives as long as the structure (fltkernel.h).
        unsafe { units(&information.Name) }
    }

    /// The volume's part of the name, its device: a beginning of [`Self::units`].
    #[must_use]
    pub fn volume_units(&self) -> &[u16] {
        // SAFETY: as in `units`.
        let information = unsafe { self.information.as_ref() };
        // SAFETY: Volume describes a part of the same text. The filter manager fills it in by itself; only other
        // parts need parsing first (fltkernel.h, FLT_FILE_NAME_INFORMATION).
        unsafe { units(&information.Volume) }
    }
}

impl Drop for FileName {
    fn drop(&mut self) {
        // SAFETY: our one reference, given back once.
        unsafe { flt_sys::name::FltReleaseFileNameInformation(self.information.as_ptr()) };
    }
}
