//! Calls of this process.

use std::collections::BTreeMap;
use std::io;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::sync::{Mutex, PoisonError};

use crate::nt::{self, Opening};
use crate::protocol::{Call, Caller, Opened, Reply};

/// FILE_OPEN.
const OPEN: u32 = 1;
/// FILE_OPEN_IF.
const OPEN_OR_MAKE: u32 = 3;
/// FILE_DIRECTORY_FILE.
const DIRECTORY: u32 = 0x1;
/// FILE_NON_DIRECTORY_FILE.
const NO_DIRECTORY: u32 = 0x40;

/// This process as a caller. What it has open is closed with it.
#[derive(Debug)]
pub struct Local {
    handles: Mutex<BTreeMap<u64, OwnedHandle>>,
}

impl Default for Local {
    fn default() -> Self {
        nt::prepare_thread();
        Self {
            handles: Mutex::default(),
        }
    }
}

impl Local {
    fn keep(&self, handle: OwnedHandle) -> u64 {
        let value = handle.as_raw_handle() as usize as u64;
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.insert(value, handle);
        value
    }

    fn open(&self, what: &Opened, access: u32) -> Result<u64, u32> {
        let (path, disposition, options) = match what {
            Opened::File(path) => (path, OPEN, NO_DIRECTORY),
            Opened::Directory(path) => (path, OPEN_OR_MAKE, DIRECTORY),
            Opened::Volume(path) => (path, OPEN, 0),
            Opened::Pipe(name) => return nt::pipe(name).map(|pipe| self.keep(pipe)),
            Opened::Event => return nt::event().map(|event| self.keep(event)),
        };
        let opening = Opening {
            access,
            disposition,
            options,
        };
        nt::open(path, opening).map(|file| self.keep(file))
    }

    /// Closes a handle of ours, once; of no other value anything is known.
    fn close(&self, handle: u64) -> Result<(), u32> {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        match handles.remove(&handle) {
            Some(_closed) => Ok(()),
            None => Err(nt::INVALID_HANDLE),
        }
    }
}

impl Caller for Local {
    fn call(&self, call: &Call) -> io::Result<Reply> {
        let done = match call {
            Call::Open { what, access } => self.open(what, *access).map(Reply::Handle),
            Call::Duplicate { handle, access } => {
                nt::duplicate(*handle, *access).map(|copy| Reply::Handle(self.keep(copy)))
            }
            Call::Close { handle } => self.close(*handle).map(|()| Reply::Closed),
            Call::Control {
                to,
                code,
                input,
                output,
            } => Ok(Reply::Answered(nt::control(
                *to,
                *code,
                input.as_deref(),
                *output,
            ))),
        };
        Ok(done.unwrap_or_else(Reply::Failed))
    }
}
