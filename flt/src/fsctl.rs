//! A file-system control request, as seen by a pre-operation callback.
//!
//! `Parameters.FileSystemControl.Buffered` is only meaningful for the minor codes of a user request
//! and of a kernel call; mount and verify use other members of the union (WDK, "FLT_PARAMETERS for
//! IRP_MJ_FILE_SYSTEM_CONTROL"). [`FsControl`] exists only for those two.

#![expect(
    unsafe_code,
    reason = "reads the callback data and captures the system buffer"
)]

use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use flt_sys::callback::{
    FLT_CALLBACK_DATA, FLT_PARAMETERS_FSCTL_BUFFERED, FLT_RELATED_OBJECTS, FltGetRequestorProcess,
    FltIs32bitProcess,
};
use flt_sys::file::FILE_OBJECT;
use flt_sys::registration::{IRP_MN_KERNEL_CALL, IRP_MN_USER_FS_REQUEST};

use crate::file::{self, FileInformation};
use crate::filter::Minifilter;
use crate::instance;
use crate::name::{FileName, Form};
use crate::object::{FileObject, TargetFile};
use crate::place::Place;
use crate::reentry::Asking;
use crate::requestor::{InRequestor, Mode, Requestor};
use crate::status::NtStatus;
use crate::volume;

/// The two low bits of a control code say how its buffers travel (WDK, "Defining I/O Control Codes").
const METHOD_MASK: u32 = 3;
/// One system buffer for input and output.
const METHOD_BUFFERED: u32 = 0;

/// A request on its way down; borrowed for the duration of one pre-operation callback.
///
/// # Invariants
///
/// `data` and `objects` are the arguments of a running callback, `target` is the file that it is for, which
/// the request keeps referenced, and the minor code is one for which the buffered parameters are valid.
pub struct FsControl<'op, F> {
    data: NonNull<FLT_CALLBACK_DATA>,
    objects: NonNull<FLT_RELATED_OBJECTS>,
    target: NonNull<FILE_OBJECT>,
    parameters: FLT_PARAMETERS_FSCTL_BUFFERED,
    operation: PhantomData<(&'op F, *const ())>,
}

/// The caller's input, copied once into memory of our own size.
#[derive(Clone, Copy)]
pub struct Captured<const N: usize> {
    /// The first bytes of the input; zero beyond `length`.
    pub bytes: [u8; N],
    /// How many of `bytes` were given: the smaller of N and the input length.
    pub length: usize,
}

/// What stands where a control code does: one, unless the minor code says that there is none.
///
/// # Safety
///
/// 1. `data` is the callback data of a pre-operation callback for IRP_MJ_FILE_SYSTEM_CONTROL that runs.
pub(crate) unsafe fn code_of(data: *const FLT_CALLBACK_DATA) -> u32 {
    // SAFETY: callback data is valid for the callback (contract 1).
    let iopb = unsafe { (*data).Iopb };
    // SAFETY: so is its parameter block, which is never null.
    let parameters = unsafe { &(*iopb).Parameters };
    // SAFETY: the parameters are plain memory of the union's whole size, and any bits are these numbers and pointers.
    let parameters = unsafe { parameters.FileSystemControl };
    // SAFETY: as above.
    let parameters = unsafe { parameters.Buffered };
    parameters.FsControlCode
}

impl<'op, F: Minifilter> FsControl<'op, F> {
    /// `None` for a minor code that has no buffered parameters, and for a request that is not for a file.
    ///
    /// # Safety
    ///
    /// 1. Both pointers are the arguments of a pre-operation callback for
    ///    IRP_MJ_FILE_SYSTEM_CONTROL that runs for all of `'op`.
    pub(crate) unsafe fn from_raw(
        data: *mut FLT_CALLBACK_DATA,
        objects: *const FLT_RELATED_OBJECTS,
    ) -> Option<Self> {
        let data = NonNull::new(data)?;
        let objects = NonNull::new(objects.cast_mut())?;
        // SAFETY: the related objects are valid and unchanged for the callback (contract 1).
        let target = NonNull::new(unsafe { (*objects.as_ptr()).FileObject })?;
        // SAFETY: callback data and its parameter block are valid for the callback (contract 1).
        let iopb = unsafe { (*data.as_ptr()).Iopb };
        // SAFETY: as above; the parameter block is never null, and nobody changes it during the callback.
        let iopb = unsafe { &*iopb };
        if iopb.MinorFunction != IRP_MN_USER_FS_REQUEST && iopb.MinorFunction != IRP_MN_KERNEL_CALL
        {
            return None;
        }
        // SAFETY: the union's valid member for this major function.
        let parameters = unsafe { iopb.Parameters.FileSystemControl };
        // SAFETY: lengths and code stand at the same places for every transfer method. SystemBuffer is a
        // plain pointer here, which `capture` follows only for METHOD_BUFFERED codes.
        let parameters = unsafe { parameters.Buffered };
        Some(Self {
            data,
            objects,
            target,
            parameters,
            operation: PhantomData,
        })
    }

    /// The whole 32-bit control code.
    #[must_use]
    pub const fn control_code(&self) -> u32 {
        self.parameters.FsControlCode
    }

    /// The length of the input in bytes, as the caller gave it.
    #[must_use]
    pub const fn input_length(&self) -> u32 {
        self.parameters.InputBufferLength
    }

    /// The length of the output buffer in bytes, as the caller gave it.
    #[must_use]
    pub const fn output_length(&self) -> u32 {
        self.parameters.OutputBufferLength
    }

    /// Whether there is a system buffer at all.
    #[must_use]
    pub fn has_buffer(&self) -> bool {
        !self.parameters.SystemBuffer.is_null()
    }

    /// Copies the input out of the system buffer: the one time it is read. Only for a control code whose
    /// transfer method is METHOD_BUFFERED; for another method nothing is copied.
    ///
    /// The buffer is kernel memory of at least the input's length, so no probe is needed; but a filter
    /// above or a kernel caller may still write to it, hence the copy. It is read as bytes, because a
    /// driver-built request need not align its buffer.
    #[must_use]
    pub fn capture<const N: usize>(&self) -> Captured<N> {
        let mut captured = Captured {
            bytes: [0; N],
            length: 0,
        };
        let length = usize::try_from(self.parameters.InputBufferLength)
            .unwrap_or(0)
            .min(N);
        if self.has_buffer() && self.parameters.FsControlCode & METHOD_MASK == METHOD_BUFFERED {
            let source = self.parameters.SystemBuffer.cast::<u8>();
            // SAFETY: for METHOD_BUFFERED the I/O manager made the system buffer at least InputBufferLength bytes long
            // (WDK, "Using buffered I/O"), of which at most N are read into N bytes of our own.
            unsafe { ptr::copy_nonoverlapping(source, captured.bytes.as_mut_ptr(), length) };
            captured.length = length;
        }
        captured
    }

    /// Whether user-mode or kernel-mode code issued the request.
    #[must_use]
    pub fn mode(&self) -> Mode {
        // SAFETY: valid for the callback (invariant).
        unsafe { Mode::of(self.data.as_ptr()) }
    }

    /// Whether the request came from a 32-bit process, whose structures are laid out otherwise.
    #[must_use]
    pub fn is_32bit(&self) -> bool {
        // SAFETY: live callback data (invariant); pre-operations run at APC_LEVEL at most.
        unsafe { FltIs32bitProcess(self.data.as_ptr()) != 0 }
    }

    /// The process and thread that issued the request, if the request still knows them.
    #[must_use]
    pub fn requestor(&self) -> Option<Requestor<'op>> {
        // SAFETY: live callback data (invariant); at most DISPATCH_LEVEL.
        let process = unsafe { FltGetRequestorProcess(self.data.as_ptr()) };
        // SAFETY: valid for the callback (invariant).
        let thread = unsafe { (*self.data.as_ptr()).Thread };
        // SAFETY: the request keeps its process and thread referenced while it is in this callback.
        NonNull::new(process).map(|process| unsafe { Requestor::from_raw(process, thread) })
    }

    /// Proof that this callback runs in the requestor's own process; `None` when the request was
    /// posted to another.
    #[must_use]
    pub fn in_requestor(&self) -> Option<InRequestor<'op>> {
        // SAFETY: the callback data of the running callback (invariant).
        unsafe { InRequestor::prove(self.data.as_ptr()) }
    }

    /// The file the request was sent to: the target of a clone.
    #[must_use]
    pub const fn target(&self) -> TargetFile<'op> {
        // SAFETY: a request keeps its file referenced until it has ended, which is after `'op` (invariant).
        unsafe { TargetFile::from_raw(self.target) }
    }

    /// Whether a server issued the request for a client on the network: it opened the target for one.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.target().is_remote()
    }

    /// The name of the file the request was sent to: the target of a clone.
    ///
    /// # Errors
    ///
    /// The filter manager's status: no name in this context, not in the cache, no memory.
    pub fn target_name(&self, form: Form) -> Result<FileName, NtStatus> {
        // SAFETY: the callback data of the running pre-operation (invariant).
        unsafe { FileName::of_target(self.data.as_ptr(), form) }
    }

    /// Where `file` lies: on the volume of this request, or elsewhere.
    ///
    /// # Errors
    ///
    /// The filter manager's status: `INVALID_PARAMETER` for a file object of no file system, such as
    /// a pipe.
    pub fn locate<'a>(&'a self, file: &'a FileObject) -> Result<Place<'a>, NtStatus> {
        // SAFETY: the objects of the running pre-operation (invariant), borrowed no longer than it.
        unsafe { Place::of(self.objects(), file) }
    }

    /// Attributes and sizes of the target; for a file elsewhere there is [`Place::information`].
    ///
    /// # Errors
    ///
    /// `POSSIBLE_DEADLOCK`, unasked, where asking could wait for ever; else the file system's status.
    pub fn target_information(&self, asking: Asking) -> Result<FileInformation, NtStatus> {
        // SAFETY: the callback's own instance, on the volume of the file the request was sent to.
        unsafe { FileInformation::query(&self.target(), self.objects().Instance, asking) }
    }

    /// The number of the target on its volume; see [`crate::file`].
    ///
    /// # Errors
    ///
    /// As for [`Self::target_information`]; also of a file system that has no such numbers.
    pub fn target_id(&self, asking: Asking) -> Result<u128, NtStatus> {
        // SAFETY: the callback's own instance, on the volume of the file the request was sent to.
        unsafe { file::id(&self.target(), self.objects().Instance, asking) }
    }

    /// The unique id of this volume, asked afresh, for when it was not known at set-up.
    ///
    /// # Errors
    ///
    /// `POSSIBLE_DEADLOCK`, unasked, where asking could wait for ever; else the filter manager's status.
    pub fn volume_guid(&self, asking: Asking) -> Result<[u8; 16], NtStatus> {
        asking.check()?;
        // SAFETY: the volume of a running callback for an open file: its mount has ended.
        unsafe { volume::guid(self.objects().Volume, asking.passive()) }
    }

    /// FILE_* of the file system of this volume, asked afresh; see [`crate::volume`].
    ///
    /// # Errors
    ///
    /// `POSSIBLE_DEADLOCK`, unasked, where asking could wait for ever; else the file system's status.
    pub fn volume_attributes(&self, asking: Asking) -> Result<u32, NtStatus> {
        // SAFETY: the callback's own instance.
        unsafe { volume::attributes(self.objects().Instance, asking) }
    }

    /// A copy of what the driver remembered of this volume in [`Minifilter::attach`].
    #[must_use]
    pub fn volume(&self) -> Option<F::Volume> {
        // SAFETY: the callback's own instance, whose context `F::attach` set.
        unsafe { instance::read_context::<F>(self.objects().Instance) }
    }

    const fn objects(&self) -> &FLT_RELATED_OBJECTS {
        // SAFETY: the related objects are valid and unchanged for the callback (invariant).
        unsafe { self.objects.as_ref() }
    }
}
