//! File-system controls: who asks, what is answered, which code goes where.
//!
//! Modelled: the two block-clone codes, FSCTL_SET_SPARSE, FSCTL_GET_INTEGRITY_INFORMATION. Every other
//! code, and cloning on a volume that does not, is STATUS_INVALID_DEVICE_REQUEST.

use std::sync::Arc;

use super::access::{FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA};
use super::clone;
use super::open::{OpenFile, OpenKind};
use super::request::{FSCTL_DUPLICATE_EXTENTS_TO_FILE, FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX};
use super::spec::FsKind;
use super::status::Status;

/// FSCTL_SET_SPARSE (\[MS-FSCC\] 2.3).
pub const FSCTL_SET_SPARSE: u32 = 0x0009_00C4;
/// FSCTL_GET_INTEGRITY_INFORMATION (\[MS-FSCC\] 2.3).
pub const FSCTL_GET_INTEGRITY_INFORMATION: u32 = 0x0009_027C;

/// The size of FSCTL_GET_INTEGRITY_INFORMATION_BUFFER (\[MS-FSCC\] 2.3.20).
const INTEGRITY_LENGTH: u32 = 16;

/// The requestor mode of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerMode {
    /// From user mode: access to the source is checked.
    User,
    /// From the kernel: access is not checked.
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

/// A file-system control as it arrives: METHOD_BUFFERED, so the input is the system's copy.
#[derive(Clone, Copy, Debug)]
pub struct ControlRequest<'a> {
    /// The control code.
    pub code: u32,
    /// The input.
    pub input: &'a [u8],
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
        let answer = match request.code {
            FSCTL_DUPLICATE_EXTENTS_TO_FILE | FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX => {
                clone::duplicate(self, request, resolve).map(|()| Vec::new())
            }
            FSCTL_SET_SPARSE => set_sparse(self, request.input).map(|()| Vec::new()),
            FSCTL_GET_INTEGRITY_INFORMATION => integrity(self, request.output_length),
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
}

/// \[MS-FSA\] 2.1.5.10.38. Without an input the file becomes sparse (Win32 page of FSCTL_SET_SPARSE).
fn set_sparse(open: &OpenFile, input: &[u8]) -> Result<(), Status> {
    let sparse = input.first().is_none_or(|&byte| byte != 0);
    open.data(Status::INVALID_PARAMETER, |stream, disk| {
        if open.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        if open.granted() & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES) == 0 {
            return Err(Status::ACCESS_DENIED);
        }
        stream.set_sparse(disk, sparse)
    })
}

/// \[MS-FSA\] 2.1.5.10.10, ReFS only (note 103). Integrity streams are not modelled, so the algorithm is
/// always CHECKSUM_TYPE_NONE; public copy tools read the cluster size from here.
fn integrity(open: &OpenFile, output_length: u32) -> Result<Vec<u8>, Status> {
    if open.spec().kind != FsKind::Refs {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    if output_length < INTEGRITY_LENGTH || open.kind() == OpenKind::Volume {
        return Err(Status::INVALID_PARAMETER);
    }
    let cluster_size = open.spec().cluster_size.to_le_bytes();
    let mut output = vec![0; 8];
    output.extend(cluster_size);
    output.extend(cluster_size);
    Ok(output)
}
