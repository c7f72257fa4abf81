//! A record of every callback that the filter manager made, for tests and for reading.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::phase::Callback;

/// One call of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// Name of the filter.
    pub filter: Arc<str>,
    /// Which callback.
    pub callback: Callback,
    /// Number of the request, or 0 for callbacks that belong to none.
    pub request: u64,
    /// IRQL of the call.
    pub irql: u8,
    /// Id of the modelled thread it ran on.
    pub thread: u64,
    /// Id of the process of that thread.
    pub process: u64,
    /// What it returned: an NTSTATUS or a pre- or post-operation status; 0 for VOID.
    pub returned: u32,
}

/// Collects entries when switched on; off at first, because a long run would fill memory.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<Option<Vec<TraceEntry>>>);

impl Trace {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<TraceEntry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn start(&self) {
        self.lock().get_or_insert_default();
    }

    pub(crate) fn take(&self) -> Vec<TraceEntry> {
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn add(&self, entry: TraceEntry) {
        if let Some(entries) = self.lock().as_mut() {
            entries.push(entry);
        }
    }
}
