//! File-system controls: who asks, what is answered, which code goes where.
//!
//! Modelled: the two block-clone codes (`clone.rs`), holes (`sparse.rs`), integrity (`integrity.rs`), as
//! far as anything is documented the other codes that share clusters (`other_sharing.rs`). Every other
//! code, and cloning on a volume that does not, is STATUS_INVALID_DEVICE_REQUEST. A missing input
//! ([`Input::Missing`]) is described nowhere; where no switch decides, it is STATUS_INVALID_PARAMETER.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::integrity::{FSCTL_GET_INTEGRITY_INFORMATION, FSCTL_SET_INTEGRITY_INFORMATION};
use super::open::OpenFile;
use super::other_sharing::{
    FSCTL_DUPLICATE_CLUSTER, FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS,
    FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT,
};
use super::request::{FSCTL_DUPLICATE_EXTENTS_TO_FILE, FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX};
use super::sparse::{FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA};
use super::status::Status;
use super::{clone, integrity, other_sharing, sparse};

/// The requestor mode of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerMode {
    /// From user mode: access to the source is checked.
    User,
    /// From the kernel: access is not checked (O, WinBtrfs).
    Kernel,
}

/// Who sends a request, as the I/O layer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The requestor mode.
    pub mode: CallerMode,
    /// Whether the request comes from a 32-bit process (IoIs32bitProcess).
    pub bits32: bool,
}

impl Caller {
    /// A 64-bit program.
    pub const USER: Self = Self {
        mode: CallerMode::User,
        bits32: false,
    };
    /// A 32-bit program.
    pub const USER_32: Self = Self {
        mode: CallerMode::User,
        bits32: true,
    };
    /// A driver.
    pub const KERNEL: Self = Self {
        mode: CallerMode::Kernel,
        bits32: false,
    };
}

/// The input of a file-system control. The codes are METHOD_BUFFERED, so it is the system's copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// These bytes, or none at all.
    Bytes(&'a [u8]),
    /// No buffer, although the request claims this many bytes, or none but an output, which has the same
    /// buffer: the I/O manager never builds that, another driver can.
    Missing(u32),
}

impl<'a> Input<'a> {
    /// InputBufferLength.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Missing(claimed) => claimed as usize,
        }
    }

    /// The bytes, or `missing`.
    pub(super) fn bytes(self, missing: Status) -> Result<&'a [u8], Status> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Missing(_) => Err(missing),
        }
    }
}

/// A file-system control as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct ControlRequest<'a> {
    /// The control code.
    pub code: u32,
    /// The input.
    pub input: Input<'a>,
    /// The length of the caller's output buffer.
    pub output_length: u32,
    /// Who asks.
    pub caller: Caller,
}

/// A file-system control as it was when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivedControl {
    /// The control code.
    pub code: u32,
    /// The input, byte for byte; empty too where it was missing.
    pub input: Vec<u8>,
    /// The length of the caller's output buffer.
    pub output_length: u32,
    /// Who asks.
    pub caller: Caller,
}

/// The answer: the I/O status block and the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlAnswer {
    /// The final status.
    pub status: Status,
    /// IO_STATUS_BLOCK.Information: bytes of output.
    pub information: u64,
    /// The output, `information` bytes.
    pub output: Vec<u8>,
}

/// What a source handle turned out to be.
#[derive(Clone, Debug)]
pub enum SourceOpen {
    /// An open of this or of another modelled volume.
    Open {
        /// The open.
        file: Arc<OpenFile>,
        /// The rights of the handle, which may be fewer than those of the open.
        granted: u32,
    },
    /// A file object of somebody else: a pipe, a device, a redirector.
    Foreign,
}

impl OpenFile {
    /// Handles a file-system control sent to this open.
    ///
    /// `resolve` turns a source handle into what it names, or into the object manager's status, which
    /// becomes the answer (\[MS-FSA\] 2.1.5.10.4, step "open of the SourceFileID"). It is called at most
    /// once, in the caller's thread, with no lock held.
    pub fn fs_control(
        &self,
        request: &ControlRequest<'_>,
        resolve: &mut dyn FnMut(u64) -> Result<SourceOpen, Status>,
    ) -> ControlAnswer {
        self.arrived(request);
        let nothing = |()| Vec::new();
        let answer = match request.code {
            FSCTL_DUPLICATE_EXTENTS_TO_FILE | FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX => {
                clone::duplicate(self, request, resolve).map(nothing)
            }
            FSCTL_SET_SPARSE => sparse::set_sparse(self, request).map(nothing),
            FSCTL_SET_ZERO_DATA => sparse::set_zero_data(self, request).map(nothing),
            FSCTL_GET_INTEGRITY_INFORMATION => integrity::get(self, request),
            FSCTL_SET_INTEGRITY_INFORMATION => integrity::set(self, request).map(nothing),
            FSCTL_DUPLICATE_CLUSTER => other_sharing::duplicate_cluster(self, request),
            FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS => {
                other_sharing::query_async_status(self, request)
            }
            FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT => other_sharing::snapshots(self, request),
            _ => Err(Status::INVALID_DEVICE_REQUEST),
        };
        let (status, output) = match answer {
            Ok(output) => (Status::SUCCESS, output),
            Err(status) => (status, Vec::new()),
        };
        ControlAnswer {
            status,
            information: output.len() as u64,
            output,
        }
    }

    /// Counts the request and remembers it as the last one, for [`super::FileSystem::controls`] and
    /// [`super::FileSystem::last_control`].
    fn arrived(&self, request: &ControlRequest<'_>) {
        self.shared().controls.fetch_add(1, Ordering::SeqCst);
        let last = &self.shared().last_control;
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(ArrivedControl {
            code: request.code,
            input: match request.input {
                Input::Bytes(bytes) => bytes.to_vec(),
                Input::Missing(_) => Vec::new(),
            },
            output_length: request.output_length,
            caller: request.caller,
        });
    }
}
