//! The modelled filter manager: one file per API family of fltmgr.sys.
//!
//! `registry` keeps filters, `instance` their attachments and the requests between pre- and
//! post-operation, `dispatch` runs a request through the instances of a volume and `judge`s the
//! answers, `teardown` takes a filter down, `detach` one instance, `dismount` those of a volume.
//! `context`, `name`, `information`, `volume*`, `requestor`, `object`, `port*` and `security` hold the
//! routines that a driver calls; `channel` is what a port does between two programs. `layout` has the
//! offsets, `registration` captures the driver's tables, `phase` knows which callback is running.
//!
//! [`IMPORTS`] lists every routine with its highest IRQL, from the "Requirements" of its page
//! (`nf-fltkernel-*`, Windows driver reference). Requests come from `crate::io`.

mod altitude;
mod channel;
mod context;
mod detach;
mod dismount;
mod dispatch;
#[cfg(test)]
mod fixture;
mod frame;
mod information;
mod instance;
mod judge;
mod layout;
mod name;
mod object;
mod phase;
mod port;
mod port_client;
mod port_send;
mod registration;
mod registry;
mod requestor;
mod security;
mod teardown;
mod trace;
mod volume;
mod volume_list;
mod volume_name;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;
use crate::imports;
use crate::status::NtStatus;
use crate::verifier::{CallSite, Violation};

pub use channel::{Message, ReplyWait};
pub(crate) use dispatch::{Completion, Descent, Request, ascend, descend};
pub(crate) use instance::Instance;
pub(crate) use name::NameCache;
pub use phase::Callback;
pub(crate) use port::Connection;
pub(crate) use port_client::connect;
pub use port_client::{PortClient, PortClosed};
pub(crate) use registry::attach_all;
pub(crate) use teardown::{CannotUnload, Departure, unload};
pub use trace::TraceEntry;

/// All state of the filter manager of one machine.
#[derive(Debug, Default)]
pub struct FilterManager {
    registry: registry::Registry,
    /// Instances that were torn down: drivers may still hold their objects.
    gone: Shared<Instance>,
    contexts: context::ContextTable,
    frames: frame::FrameTable,
    names: name::NameTable,
    ports: port::PortTable,
    descriptors: security::DescriptorTable,
    trace: trace::Trace,
    /// Who unloads a driver.
    unloading: Mutex<()>,
}

impl FilterManager {
    /// One driver is unloaded at a time: who asks for what is unloaded already waits, and finds it gone.
    pub(crate) fn unload_alone(&self) -> MutexGuard<'_, ()> {
        lock(&self.unloading)
    }

    /// Lets everybody who sends a message look at the clock again.
    pub(crate) fn tell_senders(&self) {
        self.ports.tell_senders();
    }

    /// Starts to record every callback made.
    pub fn start_trace(&self) {
        self.trace.start();
    }

    /// The callbacks recorded since the last call of this function.
    #[must_use]
    pub fn take_trace(&self) -> Vec<TraceEntry> {
        self.trace.take()
    }

    /// Whether the time-out of `FltSendMessage` also bounds the wait for the reply; at first it does
    /// not (see [`ReplyWait`]).
    pub fn set_reply_wait(&self, rule: ReplyWait) {
        self.ports.set_reply_wait(rule);
    }

    /// What `driver` took from the filter manager and did not give back: registration, ports,
    /// contexts, names, security descriptors. References of objects are in the object table.
    #[must_use]
    pub fn leaks(&self, driver: u32) -> Vec<Violation> {
        let mut leaks = self.registry.leaks(driver);
        leaks.extend(self.ports.leaks(driver));
        leaks.extend(self.contexts.leaks(driver));
        leaks.extend(self.names.leaks(driver));
        leaks.extend(self.descriptors.leaks(driver));
        leaks
    }
}

/// The filter manager that serves `call`.
fn manager(call: &Call) -> &FilterManager {
    call.machine().filter_manager()
}

/// Locks `mutex`; a test that panicked elsewhere must not hide the report of this one.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// "`what`, from `site`", for leak reports.
fn leak(what: impl std::fmt::Display, site: &CallSite, cure: &str) -> Violation {
    let detail = format!("{what}, from {site}, was never given back with {cure}");
    Violation::new(crate::verifier::Rule::Leak, detail)
}

imports! {
    /// The routines of fltmgr.sys.
    pub static IMPORTS: "fltmgr.sys" {
        FltRegisterFilter(driver: u64, registration: u64, filter: u64) -> NtStatus [Apc] => registry::flt_register_filter;
        FltStartFiltering(filter: u64) -> NtStatus [Apc] => registry::flt_start_filtering;
        FltUnregisterFilter(filter: u64) -> () [Apc] => teardown::flt_unregister_filter;
        FltAllocateContext(filter: u64, kind: u16, size: u64, pool: u32, context: u64) -> NtStatus [Apc] => [context::flt_allocate_context];
        // Paged contexts narrow the level further, in the handler.
        FltReleaseContext(context: u64) -> () [Dispatch] => context::flt_release_context;
        FltSetInstanceContext(instance: u64, operation: u32, new: u64, old: u64) -> NtStatus [Apc] => context::flt_set_instance_context;
        FltGetInstanceContext(instance: u64, context: u64) -> NtStatus [Apc] => context::flt_get_instance_context;
        FltGetFileNameInformation(data: u64, options: u32, information: u64) -> NtStatus [Apc] => name::flt_get_file_name_information;
        FltGetFileNameInformationUnsafe(file: u64, instance: u64, options: u32, information: u64) -> NtStatus [Apc] => name::flt_get_file_name_information_unsafe;
        FltReleaseFileNameInformation(information: u64) -> () [Apc] => name::flt_release_file_name_information;
        FltGetRequestorProcess(data: u64) -> u64 [Dispatch] => requestor::flt_get_requestor_process;
        FltGetRequestorProcessId(data: u64) -> u32 [Dispatch] => requestor::flt_get_requestor_process_id;
        FltIs32bitProcess(data: u64) -> bool [Apc] => requestor::flt_is_32bit_process;
        FltQueryInformationFile(instance: u64, file: u64, buffer: u64, length: u32, class: u32, returned: u64) -> NtStatus [Passive] => [information::flt_query_information_file];
        FltQueryVolumeInformation(instance: u64, status: u64, buffer: u64, length: u32, class: u32) -> NtStatus [Passive] => [volume::flt_query_volume_information];
        FltGetVolumeGuidName(volume: u64, name: u64, needed: u64) -> NtStatus [Passive] => volume_name::flt_get_volume_guid_name;
        FltGetVolumeName(volume: u64, name: u64, needed: u64) -> NtStatus [Apc] => volume_name::flt_get_volume_name;
        FltEnumerateVolumes(filter: u64, list: u64, size: u32, returned: u64) -> NtStatus [Apc] => [volume_list::flt_enumerate_volumes];
        FltGetFileSystemType(object: u64, kind: u64) -> NtStatus [Apc] => volume_list::flt_get_file_system_type;
        FltGetVolumeFromFileObject(filter: u64, file: u64, volume: u64) -> NtStatus [Apc] => volume::flt_get_volume_from_file_object;
        FltGetVolumeInstanceFromName(filter: u64, volume: u64, name: u64, instance: u64) -> NtStatus [Apc] => volume::flt_get_volume_instance_from_name;
        FltObjectReference(object: u64) -> NtStatus [Dispatch] => object::flt_object_reference;
        FltObjectDereference(object: u64) -> () [Dispatch] => object::flt_object_dereference;
        FltBuildDefaultSecurityDescriptor(descriptor: u64, access: u32) -> NtStatus [Apc] => security::flt_build_default_security_descriptor;
        FltFreeSecurityDescriptor(descriptor: u64) -> () [Apc] => security::flt_free_security_descriptor;
        FltCreateCommunicationPort(filter: u64, port: u64, attributes: u64, cookie: u64, connect: u64, disconnect: u64, message: u64, limit: i32) -> NtStatus [Passive] => [port::flt_create_communication_port];
        FltCloseCommunicationPort(port: u64) -> () [Passive] => port::flt_close_communication_port;
        FltCloseClientPort(filter: u64, port: u64) -> () [Passive] => port::flt_close_client_port;
        FltSendMessage(filter: u64, port: u64, buffer: u64, length: u32, reply: u64, reply_length: u64, timeout: u64) -> NtStatus [Apc] => [port_send::flt_send_message];
    }
}

/// A list that several threads share.
type Shared<T> = Mutex<Vec<Arc<T>>>;
