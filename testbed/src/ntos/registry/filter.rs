//! A registry filter of somebody else's that keeps a driver from its parameters.
//!
//! "A registry filtering driver can block registry operations if its RegistryCallback routine returns a status value for
//! which NT_SUCCESS(status) equals FALSE"; the configuration manager then "immediately returns to the calling thread with
//! the driver-specified status value" ("Handling Notifications", Microsoft Learn). Calls of drivers are among those that it
//! is told of ("Registering for Notifications").

use super::{KeyKind, Registry, lock};
use crate::machine::Machine;

/// What such a filter blocks, with STATUS_ACCESS_DENIED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// That the `Parameters` key is opened.
    Open,
    /// That a value of it is read.
    Query,
}

impl Registry {
    /// Whether this call of the driver of a service is blocked.
    pub(super) fn blocks(&self, service: &str, key: KeyKind, call: Blocked) -> bool {
        let blocked = lock(&self.blocked);
        key == KeyKind::Parameters
            && blocked
                .iter()
                .any(|(other, what)| other.eq_ignore_ascii_case(service) && *what == call)
    }
}

impl Machine {
    /// Lets a registry filter block this call of the driver of a service from now on, or none any more.
    pub fn block_registry(&self, service: &str, blocked: Option<Blocked>) {
        let mut all = lock(&self.registry().blocked);
        all.retain(|(other, _)| !other.eq_ignore_ascii_case(service));
        all.extend(blocked.map(|what| (service.to_owned(), what)));
    }
}
