//! File objects and what threads do with them besides file-system controls.
//!
//! A file object lives as long as a handle, a request or a driver's reference holds it. With its last
//! handle the open is cleaned up, with its last holder it is closed. These operations go straight to
//! the file system: no filter can register for them here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::{MountedVolume, VolumeId};
use crate::fltmgr::{self, NameCache};
use crate::machine::Machine;
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::process::Process;
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_INVALID_DEVICE_REQUEST, STATUS_NO_SUCH_DEVICE,
    STATUS_OBJECT_TYPE_MISMATCH,
};
use crate::thread::{KernelThread, Mode, Thread, UserThread};
use crate::verifier;
use crate::volume::{
    FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, FileInformation, OpenFile, OpenKind,
    OpenRequest,
};

/// A handle value in the process of the thread that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(pub u64);

/// What a file object stands for.
#[derive(Debug)]
enum Target {
    /// A file, a directory or a volume of the test-bed.
    Open {
        volume: Arc<MountedVolume>,
        open: Arc<OpenFile>,
    },
    /// A file object of a driver that is no file system of ours, as a named pipe has.
    Foreign { name: String },
}

/// A `FILE_OBJECT`.
#[derive(Debug)]
pub struct FileObject {
    target: Target,
    opened_path: String,
    address: OnceLock<ObjectAddress>,
    handles: AtomicU32,
    /// Handles and requests.
    holders: AtomicU32,
    names: Mutex<NameCache>,
}

impl FileObject {
    fn create(machine: &Machine, target: Target, opened_path: &str) -> Arc<Self> {
        let label = match &target {
            Target::Open { volume, .. } => format!("FILE_OBJECT of {}{opened_path}", volume.name()),
            Target::Foreign { name } => format!("FILE_OBJECT of {name}"),
        };
        let file = Arc::new(Self {
            target,
            opened_path: opened_path.to_owned(),
            address: OnceLock::new(),
            handles: AtomicU32::new(0),
            holders: AtomicU32::new(0),
            names: Mutex::default(),
        });
        let payload: Arc<Self> = Arc::clone(&file);
        file.address
            .get_or_init(|| machine.objects().create(Kind::File, label, payload));
        file
    }

    /// Its address; `create` sets it before anybody else sees the object.
    #[must_use]
    pub fn address(&self) -> ObjectAddress {
        self.address.get().copied().unwrap_or(ObjectAddress(0))
    }

    /// The volume and the open, unless the file object is foreign.
    pub(super) fn open(&self) -> Option<(&Arc<MountedVolume>, &Arc<OpenFile>)> {
        match &self.target {
            Target::Open { volume, open } => Some((volume, open)),
            Target::Foreign { .. } => None,
        }
    }

    /// The volume that filters see, if there is one.
    pub(crate) fn volume(&self) -> Option<&Arc<MountedVolume>> {
        self.open().map(|(volume, _)| volume)
    }

    /// Whether a handle is left.
    pub(crate) fn is_open(&self) -> bool {
        self.handles.load(Ordering::SeqCst) > 0
    }

    /// The path as the caller wrote it.
    pub(crate) fn opened_path(&self) -> &str {
        &self.opened_path
    }

    /// The path as the file system stores it.
    pub(crate) fn normalized_path(&self) -> &str {
        self.open().map_or("", |(_, open)| open.path())
    }

    pub(crate) fn name_cache(&self) -> &Mutex<NameCache> {
        &self.names
    }

    /// A handle or a request holds the object.
    pub(super) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::SeqCst);
    }

    /// It no longer does.
    pub(super) fn let_go(&self, machine: &Machine) {
        if self.holders.fetch_sub(1, Ordering::SeqCst) == 1 {
            machine.objects().release(self.address());
        }
    }

    fn add_handle(&self) {
        self.handles.fetch_add(1, Ordering::SeqCst);
        self.hold();
    }

    fn remove_handle(&self, machine: &Machine) {
        if self.handles.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some((_, open)) = self.open()
        {
            open.cleanup();
        }
        self.let_go(machine);
    }
}

/// Closes a handle of `process` on behalf of a caller of this mode, and the object if that was all.
///
/// # Errors
///
/// `STATUS_INVALID_HANDLE`.
pub(crate) fn close_handle(
    machine: &Machine,
    process: &Arc<Process>,
    mode: Mode,
    value: u64,
) -> Result<(), NtStatus> {
    let entry = handle::close(machine, process, mode, value)?;
    if machine.objects().kind(entry.object) == Some(Kind::File) {
        file_at(machine, entry.object).remove_handle(machine);
    } else if machine.objects().kind(entry.object) == Some(Kind::Event) {
        machine.objects().release(entry.object);
    }
    Ok(())
}

fn file_at(machine: &Machine, object: ObjectAddress) -> Arc<FileObject> {
    verifier::settle(machine.objects().payload(object, Kind::File))
}

/// The file object behind a handle, and the access that the handle grants.
pub(super) fn file_of_handle(
    thread: &Thread,
    mode: Mode,
    handle: Handle,
) -> Result<(Arc<FileObject>, u32), NtStatus> {
    let machine = thread.machine();
    let entry = handle::lookup(machine, thread.process(), mode, handle.0)?;
    if machine.objects().kind(entry.object) != Some(Kind::File) {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    Ok((file_at(machine, entry.object), entry.access))
}

fn new_handle(thread: &Thread, file: &FileObject, access: u32) -> Handle {
    file.add_handle();
    let kernel = thread.mode() == Mode::Kernel;
    let entry = HandleEntry {
        object: file.address(),
        access,
        attributes: 0,
        driver: 0,
    };
    Handle(handle::create(
        thread.machine(),
        thread.process(),
        kernel,
        entry,
    ))
}

fn create_file(
    thread: &Arc<Thread>,
    volume: VolumeId,
    path: &str,
    request: &OpenRequest,
) -> Result<Handle, NtStatus> {
    let machine = thread.machine();
    let volume = machine.io().volume(volume).ok_or(STATUS_NO_SUCH_DEVICE)?;
    verifier::settle(fltmgr::attach_all(thread, &volume));
    let open = volume.file_system().open(path, request)?;
    Ok(finish_open(thread, volume, open, path))
}

fn open_volume(thread: &Arc<Thread>, volume: VolumeId, access: u32) -> Result<Handle, NtStatus> {
    let volume = thread
        .machine()
        .io()
        .volume(volume)
        .ok_or(STATUS_NO_SUCH_DEVICE)?;
    verifier::settle(fltmgr::attach_all(thread, &volume));
    let open = volume.file_system().open_volume(access);
    Ok(finish_open(thread, volume, open, ""))
}

fn finish_open(
    thread: &Thread,
    volume: Arc<MountedVolume>,
    open: Arc<OpenFile>,
    path: &str,
) -> Handle {
    let access = open.granted();
    let file = FileObject::create(thread.machine(), Target::Open { volume, open }, path);
    new_handle(thread, &file, access)
}

/// The open behind a handle with at least one of the rights `any_of`, which the I/O manager demands
/// of user-mode callers.
fn open_with(thread: &Thread, handle: Handle, any_of: u32) -> Result<Arc<OpenFile>, NtStatus> {
    let (file, granted) = file_of_handle(thread, thread.mode(), handle)?;
    if thread.mode() == Mode::User && any_of != 0 && granted & any_of == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    file.open()
        .map(|(_, open)| Arc::clone(open))
        .ok_or(STATUS_INVALID_DEVICE_REQUEST)
}

macro_rules! file_calls {
    ($($thread:ident)*) => {
        $(
            impl $thread {
                /// Opens or creates a file or directory by its path from the root of the volume. A
                /// kernel-mode thread gets a kernel handle.
                ///
                /// # Errors
                ///
                /// `STATUS_NO_SUCH_DEVICE` for an unknown volume, or the status of the file system.
                pub fn create_file(&self, volume: VolumeId, path: &str, request: &OpenRequest) -> Result<Handle, NtStatus> {
                    create_file(self.thread(), volume, path, request)
                }

                /// Opens the volume itself.
                ///
                /// # Errors
                ///
                /// `STATUS_NO_SUCH_DEVICE`.
                pub fn open_volume(&self, volume: VolumeId, access: u32) -> Result<Handle, NtStatus> {
                    open_volume(self.thread(), volume, access)
                }

                /// Makes a handle to a file object that belongs to no file system of the test-bed, as
                /// that of a named pipe does.
                #[must_use]
                pub fn open_foreign(&self, name: &str, access: u32) -> Handle {
                    let target = Target::Foreign { name: name.to_owned() };
                    let file = FileObject::create(self.machine(), target, "");
                    new_handle(self.thread(), &file, access)
                }

                /// Makes a handle to an object that is no file at all.
                #[must_use]
                pub fn create_event(&self) -> Handle {
                    let object = self.machine().objects().create(Kind::Event, "an event", Arc::new(Kind::Event));
                    let entry = HandleEntry { object, access: 0x001F_0003, attributes: 0, driver: 0 };
                    let thread = self.thread();
                    let kernel = thread.mode() == Mode::Kernel;
                    Handle(handle::create(self.machine(), thread.process(), kernel, entry))
                }

                /// Closes a handle.
                ///
                /// # Errors
                ///
                /// `STATUS_INVALID_HANDLE`.
                pub fn close(&self, handle: Handle) -> Result<(), NtStatus> {
                    let thread = self.thread();
                    close_handle(self.machine(), thread.process(), thread.mode(), handle.0)
                }

                /// Makes a second handle to the same file object, with `access` if that is given, which
                /// must not be more than the first has.
                ///
                /// # Errors
                ///
                /// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH` for what is no file;
                /// `STATUS_ACCESS_DENIED`.
                pub fn duplicate_handle(&self, handle: Handle, access: Option<u32>) -> Result<Handle, NtStatus> {
                    let thread = self.thread();
                    let (file, granted) = file_of_handle(thread, thread.mode(), handle)?;
                    let access = access.unwrap_or(granted);
                    if access & !granted != 0 {
                        return Err(STATUS_ACCESS_DENIED);
                    }
                    Ok(new_handle(thread, &file, access))
                }

                /// Reads up to `length` bytes from `offset`.
                ///
                /// # Errors
                ///
                /// Those of the handle, `STATUS_ACCESS_DENIED`, or the status of the file system.
                pub fn read(&self, handle: Handle, offset: u64, length: u32) -> Result<Vec<u8>, NtStatus> {
                    Ok(open_with(self.thread(), handle, FILE_READ_DATA)?.read(offset, length)?)
                }

                /// Writes `bytes` at `offset`.
                ///
                /// # Errors
                ///
                /// As [`Self::read`].
                pub fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<usize, NtStatus> {
                    let open = open_with(self.thread(), handle, FILE_WRITE_DATA | FILE_APPEND_DATA)?;
                    Ok(open.write(offset, bytes)?)
                }

                /// Sets the end of file.
                ///
                /// # Errors
                ///
                /// As [`Self::read`].
                pub fn set_end_of_file(&self, handle: Handle, size: u64) -> Result<(), NtStatus> {
                    Ok(open_with(self.thread(), handle, FILE_WRITE_DATA)?.set_end_of_file(size)?)
                }

                /// What the file says about itself.
                ///
                /// # Errors
                ///
                /// As [`Self::read`].
                pub fn information(&self, handle: Handle) -> Result<FileInformation, NtStatus> {
                    Ok(open_with(self.thread(), handle, 0)?.information()?)
                }

                /// What kind of open a handle names.
                ///
                /// # Errors
                ///
                /// Those of the handle.
                pub fn kind(&self, handle: Handle) -> Result<OpenKind, NtStatus> {
                    Ok(open_with(self.thread(), handle, 0)?.kind())
                }
            }
        )*
    };
}

file_calls! { UserThread KernelThread }
