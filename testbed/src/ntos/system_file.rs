//! Files of the system volume, as far as a driver reads its own image: `IoQueryFullDriverPath`, `ZwOpenFile`,
//! `ZwReadFile`.
//!
//! The system volume is none of the mounted ones: no filter is attached to it. It holds the image file of every
//! driver that was loaded, where its INF would have put it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::io::FileObject;
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::pool::{self, SYSTEM_TAG};
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_END_OF_FILE, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};
use crate::thread::Mode;
use crate::verifier::{Rule, Violation};

/// Where the files lie.
const ROOT: &str = r"\SystemRoot\";

/// One open of a file of the system volume.
#[derive(Debug)]
pub(crate) struct SystemFile {
    path: String,
    content: Arc<[u8]>,
    position: AtomicU64,
}

impl SystemFile {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// The files by their path.
#[derive(Debug, Default)]
pub(crate) struct SystemVolume {
    files: Mutex<BTreeMap<String, Arc<[u8]>>>,
}

impl SystemVolume {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Arc<[u8]>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path of the image of the driver `name`.
    pub(crate) fn image_path(name: &str) -> String {
        format!(r"{ROOT}System32\drivers\{name}.sys")
    }

    /// Puts a file there, or replaces it.
    pub(crate) fn put(&self, path: String, content: &[u8]) {
        self.files().insert(path, Arc::from(content));
    }

    fn open(&self, path: &str, ignore_case: bool) -> Option<Arc<SystemFile>> {
        let files = self.files();
        let is_it = |other: &str| {
            if ignore_case {
                other.eq_ignore_ascii_case(path)
            } else {
                other == path
            }
        };
        let (path, content) = files.iter().find(|(other, _)| is_it(other))?;
        Some(Arc::new(SystemFile {
            path: path.clone(),
            content: Arc::clone(content),
            position: AtomicU64::new(0),
        }))
    }
}

/// "IoQueryFullDriverPath function (ntddk.h)", Microsoft Learn: a string in paged pool, which the caller frees.
/// Stricter: the own driver object only, as before Windows 10 1709.
pub(crate) fn io_query_full_driver_path(
    call: &Call,
    driver: u64,
    path: u64,
) -> Result<NtStatus, Violation> {
    if call.machine().driver_object(call.driver()) != Some(ObjectAddress(driver)) {
        let detail = "DriverObject is not the caller's own driver object";
        return Err(call.violation(Rule::Argument, detail));
    }
    let guest = call.guest();
    guest.check_aligned(path, 8, "FullPath")?;
    guest.check(path, 16, Access::ReadWrite, "FullPath")?;
    let text = SystemVolume::image_path(&call.site().driver_name);
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let Some(block) = pool::allocate_for_driver(call, text.len() as u64, SYSTEM_TAG)? else {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    };
    guest.host_write(block, &text)?;
    guest.write_u16(path, text.len() as u16, "FullPath")?;
    guest.write_u16(path + 2, text.len() as u16, "FullPath")?;
    guest.write_u64(path + 8, block, "FullPath")?;
    Ok(STATUS_SUCCESS)
}

// Access rights and options (wdm.h).
const READ_DATA: u32 = 0x1;
const SYNCHRONIZE: u32 = 0x0010_0000;
/// READ_DATA, READ_EA, READ_ATTRIBUTES, READ_CONTROL, SYNCHRONIZE.
const FILE_GENERIC_READ: u32 = 0x0012_0089;
const GENERIC_READ: u32 = 0x8000_0000;
const SEQUENTIAL_ONLY: u32 = 0x4;
const SYNCHRONOUS_IO_NONALERT: u32 = 0x20;
const NON_DIRECTORY_FILE: u32 = 0x40;
/// FILE_SHARE_READ, WRITE, DELETE.
const SHARES: u32 = 0x7;

/// "ZwOpenFile function (wdm.h)", Microsoft Learn. Stricter: reading only, synchronously only, and a kernel
/// handle outside the System process; everything else has no model.
pub(crate) fn zw_open_file(
    call: &Call,
    (out, access, attributes, io_status, share, options): (u64, u32, u64, u64, u32, u32),
) -> Result<NtStatus, Violation> {
    let (guest, machine) = (call.guest(), call.machine());
    guest.check_aligned(out, 8, "FileHandle")?;
    guest.check(out, 8, Access::ReadWrite, "FileHandle")?;
    check_io_status(call, io_status)?;
    check_open(call, (access, share, options))?;
    let name = read_attributes(call, attributes)?;
    let synchronize = access & (SYNCHRONIZE | GENERIC_READ) != 0;
    if share & !SHARES != 0 || !synchronize {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let found = machine.system_volume().open(&name.path, name.ignore_case);
    let Some(file) = found else {
        return Ok(STATUS_OBJECT_NAME_NOT_FOUND);
    };
    let object = FileObject::of_system_file(machine, &file)?;
    let granted = if access & GENERIC_READ == 0 {
        access
    } else {
        access & !GENERIC_READ | FILE_GENERIC_READ
    };
    let entry = HandleEntry {
        object: object.address(),
        access: granted,
        attributes: 0,
        driver: call.driver(),
    };
    let process = call.thread().process();
    let value = handle::create(machine, process, name.kernel, entry);
    guest.write_u64(out, value, "FileHandle")?;
    answer(call, io_status, STATUS_SUCCESS, FILE_OPENED)
}

/// FILE_OPENED: what IoStatusBlock.Information says of an open (wdm.h).
const FILE_OPENED: u64 = 1;

fn check_open(call: &Call, (access, share, options): (u32, u32, u32)) -> Result<(), Violation> {
    let unknown = options & !(SEQUENTIAL_ONLY | SYNCHRONOUS_IO_NONALERT | NON_DIRECTORY_FILE);
    let synchronous = options & SYNCHRONOUS_IO_NONALERT != 0;
    if access & !(FILE_GENERIC_READ | GENERIC_READ) != 0 || unknown != 0 || !synchronous {
        let detail = format!(
            "DesiredAccess {access:#x}, ShareAccess {share:#x}, OpenOptions {options:#x}: more than to read \
             an image file synchronously"
        );
        return Err(call.violation(Rule::NotModelled, detail));
    }
    Ok(())
}

struct Name {
    path: String,
    ignore_case: bool,
    kernel: bool,
}

/// OBJECT_ATTRIBUTES (ntdef.h): Length 0, RootDirectory 8, ObjectName 16, Attributes 24, two pointers.
fn read_attributes(call: &Call, attributes: u64) -> Result<Name, Violation> {
    const CASE_INSENSITIVE: u32 = 0x40;
    const KERNEL_HANDLE: u32 = 0x200;
    let guest = call.guest();
    guest.check_aligned(attributes, 8, "ObjectAttributes")?;
    let word = |offset| guest.read_u64(attributes + offset, "ObjectAttributes");
    let length = guest.read_u32(attributes, "ObjectAttributes")?;
    if length != 48 {
        return Err(call.violation(Rule::Argument, format!("ObjectAttributes.Length {length}")));
    }
    let flags = guest.read_u32(attributes + 24, "ObjectAttributes")?;
    let plain = word(8)? == 0 && word(32)? == 0 && word(40)? == 0;
    if !plain || flags & !(CASE_INSENSITIVE | KERNEL_HANDLE) != 0 {
        let detail = format!("ObjectAttributes.Attributes {flags:#x}, or a root, or a security");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    let kernel = flags & KERNEL_HANDLE != 0;
    if !kernel && call.thread().process().id() != call.machine().system().id() {
        let detail = "without OBJ_KERNEL_HANDLE the handle lands in a user process";
        return Err(call.violation(Rule::Handle, detail));
    }
    let units = guest.read_unicode_string(word(16)?, "ObjectName")?;
    let path = String::from_utf16_lossy(&units);
    if !path
        .get(..ROOT.len())
        .is_some_and(|root| root.eq_ignore_ascii_case(ROOT))
    {
        let detail = format!("{path:?} does not lie below {ROOT}");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    Ok(Name {
        path,
        ignore_case: flags & CASE_INSENSITIVE != 0,
        kernel,
    })
}

fn check_io_status(call: &Call, io_status: u64) -> Result<(), Violation> {
    let guest = call.guest();
    guest.check_aligned(io_status, 8, "IoStatusBlock")?;
    guest.check(io_status, 16, Access::ReadWrite, "IoStatusBlock")
}

/// Fills the IO_STATUS_BLOCK and answers the status.
fn answer(
    call: &Call,
    io_status: u64,
    status: NtStatus,
    information: u64,
) -> Result<NtStatus, Violation> {
    let guest = call.guest();
    guest.write_u64(io_status, status.0.into(), "IoStatusBlock")?;
    guest.write_u64(io_status + 8, information, "IoStatusBlock")?;
    Ok(status)
}

/// "ZwReadFile function (wdm.h)", Microsoft Learn. Stricter: in the System process only ("A driver should call
/// ZwReadFile in the context of the system process" when it made the handle), with what a driver "should set
/// to NULL" set so.
pub(crate) fn zw_read_file(
    call: &Call,
    (file, event, apc, context, io_status, buffer, length, offset, key): (
        u64,
        u64,
        u64,
        u64,
        u64,
        u64,
        u32,
        u64,
        u64,
    ),
) -> Result<NtStatus, Violation> {
    if [event, apc, context, key] != [0; 4] {
        return Err(call.violation(Rule::NotModelled, "an event, an APC or a key"));
    }
    let (file, access) = own_file(call, file)?;
    check_io_status(call, io_status)?;
    call.guest()
        .check(buffer, u64::from(length), Access::ReadWrite, "Buffer")?;
    let offset = match offset {
        0 => None,
        pointer => Some(call.guest().read_i64(pointer, "ByteOffset")?),
    };
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    if access & READ_DATA == 0 {
        return Ok(STATUS_ACCESS_DENIED);
    }
    // FILE_USE_FILE_POINTER_POSITION with the high part -1.
    let start = match offset {
        None | Some(-2) => file.position.load(Ordering::SeqCst),
        Some(offset) => match u64::try_from(offset) {
            Ok(start) => start,
            Err(_negative) => return Ok(STATUS_INVALID_PARAMETER),
        },
    };
    read(call, &file, (start, length), (buffer, io_status))
}

fn read(
    call: &Call,
    file: &SystemFile,
    (start, length): (u64, u32),
    (buffer, io_status): (u64, u64),
) -> Result<NtStatus, Violation> {
    let rest = usize::try_from(start)
        .ok()
        .and_then(|start| file.content.get(start..))
        .unwrap_or_default();
    if rest.is_empty() && length != 0 {
        return answer(call, io_status, STATUS_END_OF_FILE, 0);
    }
    let part = rest
        .get(..rest.len().min(length as usize))
        .unwrap_or_default();
    call.guest().write_bytes(buffer, part, "Buffer")?;
    let count = part.len() as u64;
    file.position.store(start + count, Ordering::SeqCst);
    answer(call, io_status, STATUS_SUCCESS, count)
}

/// The file behind a handle that the driver has open, and what the handle grants.
fn own_file(call: &Call, value: u64) -> Result<(Arc<SystemFile>, u32), Violation> {
    let (machine, process) = (call.machine(), call.thread().process());
    if process.id() != machine.system().id() {
        let detail = "the thread is none of the System process";
        return Err(call.violation(Rule::Handle, detail));
    }
    // The Zw form sets the previous mode to kernel.
    let found = handle::lookup(machine, process, Mode::Kernel, value).ok();
    let Some(entry) = found.filter(|entry| entry.driver == call.driver()) else {
        let detail = format!("{value:#x} is no handle that the driver has open");
        return Err(call.violation(Rule::Handle, detail));
    };
    let object: Arc<FileObject> = machine.objects().payload(entry.object, Kind::File)?;
    match object.system_file() {
        Some(file) => Ok((Arc::clone(file), entry.access)),
        None => Err(call.violation(Rule::NotModelled, "a file of a mounted volume")),
    }
}

#[cfg(test)]
mod tests;
