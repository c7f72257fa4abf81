//! The two previous modes of a thread, as tests and programs see it.

use std::sync::Arc;

use super::Thread;
use crate::machine::Machine;
use crate::ntos::token::Impersonation;

macro_rules! thread_kinds {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name {
                thread: Arc<Thread>,
            }

            impl $name {
                pub(crate) fn new(thread: &Arc<Thread>) -> Self {
                    Self { thread: Arc::clone(thread) }
                }

                /// The modelled thread.
                #[must_use]
                pub fn thread(&self) -> &Arc<Thread> {
                    &self.thread
                }

                /// The machine it runs on.
                #[must_use]
                pub fn machine(&self) -> &Arc<Machine> {
                    self.thread.machine()
                }

                /// Runs `body` while impersonating.
                pub fn impersonate<T>(&self, whom: Impersonation, body: impl FnOnce() -> T) -> T {
                    let before = self.thread.set_impersonation(Some(whom));
                    let value = body();
                    self.thread.set_impersonation(before);
                    value
                }
            }
        )*
    };
}

thread_kinds! {
    /// A thread that calls the system from user mode: previous mode user, handles of its process.
    UserThread;
    /// A thread of kernel code: previous mode kernel, kernel handles.
    KernelThread;
}
