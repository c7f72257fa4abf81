//! What threads do with handles of any type, the same for programs and for the kernel: to events, processes, threads and
//! tokens they make them here.

use std::sync::Arc;

use super::{FileObject, Handle, close_handle};
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{NtStatus, STATUS_ACCESS_DENIED, STATUS_INVALID_HANDLE};
use crate::thread::{KernelThread, Mode, Thread, UserThread};

/// EVENT_ALL_ACCESS (winnt.h).
const EVENT_ALL_ACCESS: u32 = 0x001F_0003;
/// PROCESS_ALL_ACCESS (winnt.h).
const PROCESS_ALL_ACCESS: u32 = 0x001F_FFFF;
/// THREAD_ALL_ACCESS (winnt.h).
const THREAD_ALL_ACCESS: u32 = 0x001F_FFFF;
/// TOKEN_ALL_ACCESS (winnt.h).
const TOKEN_ALL_ACCESS: u32 = 0x000F_01FF;

macro_rules! handle_calls {
    ($($thread:ident)*) => {
        $(
            impl $thread {
                /// Makes an event, and a handle to it.
                #[must_use]
                pub fn create_event(&self) -> Handle {
                    let objects = self.machine().objects();
                    let object = objects.create(Kind::Event, "an event", Arc::new(Kind::Event));
                    let event = add(self.thread(), object, EVENT_ALL_ACCESS);
                    // Only the handle holds it.
                    objects.release(object);
                    event
                }

                /// Opens the process of the thread, which may do what it likes to itself ("OpenProcess function").
                #[must_use]
                pub fn open_process(&self) -> Handle {
                    let process = self.thread().process().object();
                    add(self.thread(), process, PROCESS_ALL_ACCESS)
                }

                /// Opens the thread ("OpenThread function"). Its object stays when the thread has ended.
                #[must_use]
                pub fn open_thread(&self) -> Handle {
                    add(self.thread(), self.thread().object(), THREAD_ALL_ACCESS)
                }

                /// Opens the primary token of its process ("OpenProcessToken function").
                #[must_use]
                pub fn open_process_token(&self) -> Handle {
                    let token = self.thread().process().token();
                    add(self.thread(), token, TOKEN_ALL_ACCESS)
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

                /// Makes a second handle to the same object, with `access` if that is given, which must not be more
                /// than the first has ("DuplicateHandle function": of files it never is).
                ///
                /// # Errors
                ///
                /// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
                pub fn duplicate_handle(&self, handle: Handle, access: Option<u32>) -> Result<Handle, NtStatus> {
                    let thread = self.thread();
                    let first = handle::lookup(self.machine(), thread.process(), thread.mode(), handle.0)?;
                    let access = access.unwrap_or(first.access);
                    if access & !first.access != 0 {
                        return Err(STATUS_ACCESS_DENIED);
                    }
                    let objects = self.machine().objects();
                    if objects.kind(first.object) == Some(Kind::File) {
                        let file: Option<Arc<FileObject>> = objects.led_to(first.object, Kind::File);
                        let added = file.is_some_and(|file| file.add_handle_if_held());
                        added.then_some(()).ok_or(STATUS_INVALID_HANDLE)?;
                    }
                    Ok(add(thread, first.object, access))
                }
            }
        )*
    };
}

handle_calls! { UserThread KernelThread }

/// Adds a handle for a thread: to its process, or a kernel handle.
pub(super) fn add(thread: &Thread, object: ObjectAddress, access: u32) -> Handle {
    let kernel = thread.mode() == Mode::Kernel;
    let entry = HandleEntry {
        object,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{BootOptions, Machine};
    use crate::process::ProcessSpec;
    use crate::status::STATUS_INVALID_HANDLE;
    use crate::thread::Mode;

    #[test]
    fn each_handle_leads_to_an_object_of_its_type_and_so_does_a_duplicate() {
        let machine = Machine::boot(BootOptions::default());
        let process = machine.create_process(ProcessSpec::user(r"\Device\X\a.exe"));
        process.run(|thread| {
            let kind = |handle: Handle| {
                let entry = handle::lookup(&machine, &process, Mode::User, handle.0);
                entry.map(|entry| machine.objects().kind(entry.object))
            };
            for (handle, is) in [
                (thread.create_event(), Kind::Event),
                (thread.open_process(), Kind::Process),
                (thread.open_thread(), Kind::Thread),
                (thread.open_process_token(), Kind::Token),
            ] {
                let second = thread.duplicate_handle(handle, Some(1)).expect("a right");
                assert_ne!(handle, second);
                assert_eq!(thread.close(handle), Ok(()));
                assert_eq!(kind(handle), Err(STATUS_INVALID_HANDLE));
                assert_eq!(kind(second), Ok(Some(is)), "the second holds it");
                let more = thread.duplicate_handle(second, Some(3));
                assert_eq!(more, Err(STATUS_ACCESS_DENIED));
                assert_eq!(thread.close(second), Ok(()));
                let again = thread.duplicate_handle(second, None);
                assert_eq!(again, Err(STATUS_INVALID_HANDLE));
            }
        });
    }

    #[test]
    fn an_object_stays_as_long_as_its_handle() {
        let machine = Machine::boot(BootOptions::default());
        let kind = |object| machine.objects().kind(object);
        let system = machine.system();
        let (handle, object) = system.run_kernel(|thread| {
            let object = thread.thread().object();
            (thread.open_thread(), object)
        });
        assert_eq!(kind(object), Some(Kind::Thread), "the thread has ended");
        let event = system.run_kernel(|thread| {
            assert_eq!(thread.close(handle), Ok(()));
            let event = thread.create_event();
            let entry = handle::lookup(&machine, &system, Mode::Kernel, event.0);
            let object = entry.expect("open").object;
            assert_eq!(kind(object), Some(Kind::Event));
            assert_eq!(thread.close(event), Ok(()));
            object
        });
        assert_eq!((kind(object), kind(event)), (None, None));
    }
}
