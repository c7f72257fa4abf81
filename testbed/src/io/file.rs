//! File objects and what threads do with them besides file-system controls.
//!
//! A file object lives as long as a handle, a request or a driver's reference holds it. With its last
//! handle the open is cleaned up, with its last holder it is closed. These operations go straight to
//! the file system: no filter can register for them here. What threads call is in `calls`, and in `handles` where it
//! matters not what a handle leads to.

mod calls;
mod handles;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::file_body::{self, StreamKey};
use super::{MountedVolume, VolumeId};
use crate::boundary::memory::Access;
use crate::fltmgr::{self, NameCache};
use crate::machine::Machine;
use crate::ntos::handle;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::system_file::SystemFile;
use crate::process::Process;
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_HANDLE,
    STATUS_NO_SUCH_DEVICE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_VOLUME_DISMOUNTED,
};
use crate::thread::{Mode, Thread};
use crate::verifier::{self, Violation};
use crate::volume::{FileInformation, OpenFile, OpenRequest};

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
    Foreign { name: String, access: u32 },
    /// A file of the system volume, which no filter is attached to.
    System(Arc<SystemFile>),
}

/// For whom a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Local,
    /// A client of a network file server.
    Remote,
}

/// A `FILE_OBJECT`.
#[derive(Debug)]
pub struct FileObject {
    target: Target,
    opened_path: String,
    origin: Origin,
    address: OnceLock<ObjectAddress>,
    handles: AtomicU32,
    /// Handles and requests.
    holders: AtomicU32,
    names: Mutex<NameCache>,
}

impl FileObject {
    fn create(
        machine: &Machine,
        target: Target,
        opened_path: &str,
        origin: Origin,
    ) -> Result<Arc<Self>, Violation> {
        let body = body(machine, &target, origin)?;
        let label = match &target {
            Target::Open { volume, .. } => format!("FILE_OBJECT of {}{opened_path}", volume.name()),
            Target::Foreign { name, .. } => format!("FILE_OBJECT of {name}"),
            Target::System(file) => format!("FILE_OBJECT of {}", file.path()),
        };
        let file = Arc::new(Self {
            target,
            opened_path: opened_path.to_owned(),
            origin,
            address: OnceLock::new(),
            handles: AtomicU32::new(0),
            holders: AtomicU32::new(0),
            names: Mutex::default(),
        });
        let payload: Arc<Self> = Arc::clone(&file);
        let kind = (Kind::File, label);
        let address =
            machine
                .objects()
                .create_with_body(kind, payload, (&body, Access::ReadOnly))?;
        file.address.get_or_init(|| address);
        Ok(file)
    }

    /// Whether it was opened for a client of a network file server.
    pub(crate) fn is_remote(&self) -> bool {
        self.origin == Origin::Remote
    }

    /// What its file system says about it.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_DEVICE_REQUEST` for a foreign object, or the status of the file system.
    pub(crate) fn information(&self) -> Result<FileInformation, NtStatus> {
        Ok(self.usable()?.information()?)
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
            Target::Foreign { .. } | Target::System(_) => None,
        }
    }

    /// Opens a file of the system volume for a driver; the handle is to be added by the caller.
    pub(crate) fn of_system_file(
        machine: &Machine,
        file: &Arc<SystemFile>,
    ) -> Result<Arc<Self>, Violation> {
        let target = Target::System(Arc::clone(file));
        let object = Self::create(machine, target, "", Origin::Local)?;
        object.add_handle();
        Ok(object)
    }

    /// The file of the system volume, if it is one.
    pub(crate) fn system_file(&self) -> Option<&Arc<SystemFile>> {
        match &self.target {
            Target::System(file) => Some(file),
            Target::Open { .. } | Target::Foreign { .. } => None,
        }
    }

    /// The open, on a volume that is still there.
    fn usable(&self) -> Result<&Arc<OpenFile>, NtStatus> {
        let (volume, open) = self.open().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        if volume.is_dismounted() {
            return Err(STATUS_VOLUME_DISMOUNTED);
        }
        Ok(open)
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

    /// The same for who has found it by a handle, which others may close meanwhile; `false` if nobody holds it any more.
    pub(super) fn hold_if_held(&self) -> bool {
        let more = |holders: u32| (holders > 0).then(|| holders.saturating_add(1));
        let held = self
            .holders
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        held.is_ok()
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

    /// Another handle to what a handle leads to; `false` if that was the last one and is closed meanwhile.
    fn add_handle_if_held(&self) -> bool {
        let is_held = self.hold_if_held();
        self.handles.fetch_add(u32::from(is_held), Ordering::SeqCst);
        is_held
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

/// What a driver finds in the object.
fn body(machine: &Machine, target: &Target, origin: Origin) -> Result<Vec<u8>, Violation> {
    let io = machine.io();
    let (key, is_volume) = match target {
        Target::Foreign { .. } | Target::System(_) => {
            (StreamKey::Foreign(io.next_foreign()), false)
        }
        Target::Open { open, .. } => (StreamKey::Stream(open.stream_id()), open.is_volume()),
    };
    let fs_context = io.streams().of(machine.memory(), key)?;
    let remote = origin == Origin::Remote;
    Ok(file_body::bytes(fs_context, is_volume, remote))
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
    match machine.objects().kind(entry.object) {
        Some(Kind::File) => {}
        Some(_) => return Err(STATUS_OBJECT_TYPE_MISMATCH),
        None => return Err(STATUS_INVALID_HANDLE),
    }
    let file = machine.objects().led_to(entry.object, Kind::File);
    Ok((file.ok_or(STATUS_INVALID_HANDLE)?, entry.access))
}

fn create_file(
    thread: &Arc<Thread>,
    volume: VolumeId,
    path: &str,
    (request, origin): (&OpenRequest, Origin),
) -> Result<Handle, NtStatus> {
    let machine = thread.machine();
    let volume = machine.io().volume(volume).ok_or(STATUS_NO_SUCH_DEVICE)?;
    verifier::settle(fltmgr::attach_all(thread, &volume));
    let open = volume.file_system().open(path, request)?;
    let target = Target::Open { volume, open };
    Ok(finish_open(thread, target, path, origin))
}

fn open_volume(thread: &Arc<Thread>, volume: VolumeId, access: u32) -> Result<Handle, NtStatus> {
    let volume = thread
        .machine()
        .io()
        .volume(volume)
        .ok_or(STATUS_NO_SUCH_DEVICE)?;
    verifier::settle(fltmgr::attach_all(thread, &volume));
    let open = volume.file_system().open_volume(access);
    let target = Target::Open { volume, open };
    Ok(finish_open(thread, target, "", Origin::Local))
}

fn finish_open(thread: &Thread, target: Target, path: &str, origin: Origin) -> Handle {
    let access = match &target {
        Target::Open { open, .. } => open.granted(),
        Target::Foreign { access, .. } => *access,
        // Drivers open these, through a routine of their own.
        Target::System(_) => 0,
    };
    let file = verifier::settle(FileObject::create(thread.machine(), target, path, origin));
    file.add_handle();
    handles::add(thread, file.address(), access)
}

/// The open behind a handle with at least one of the rights `any_of`, which the I/O manager demands
/// of user-mode callers.
pub(super) fn open_with(
    thread: &Thread,
    handle: Handle,
    any_of: u32,
) -> Result<Arc<OpenFile>, NtStatus> {
    let (file, granted) = file_of_handle(thread, thread.mode(), handle)?;
    if thread.mode() == Mode::User && any_of != 0 && granted & any_of == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    file.usable().cloned()
}
