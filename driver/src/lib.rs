//! cloneguard.sys: audits block clones on their way to the file system.
//!
//! Thin glue. The filter manager's side is `flt`, the judging and the journal are `guard`, the bytes
//! of the port are `wire`. Here they are joined: [`clone`] follows one request, [`requestor`] and
//! [`source`] find out about it, [`volume`] remembers a volume, [`policy`] keeps the policy in force,
//! [`audit`] turns a judged request into a record, [`delivery`] sends records out to whom [`connect`]
//! lets in.
//!
//! Without a policy every request is passed down unchanged, whatever the rules say.

#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::let_underscore_must_use,
    clippy::mem_forget,
    clippy::panic,
    clippy::string_slice,
    clippy::todo,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;
extern crate wdk_panic;

mod audit;
mod clone;
mod connect;
mod delivery;
mod names;
mod policy;
mod requestor;
mod source;
mod volume;

use flt::callback::{Ending, Next};
use flt::clients::{Clients, Connection};
use flt::filter::Minifilter;
use flt::fsctl::FsControl;
use flt::instance::VolumeSetup;
use flt::irql::Passive;
use flt::port::Link;
use flt::recheck::SourceAfter;
use flt::registry::Parameters;
use flt::status::NtStatus;
use flt::token::Token;
use wdk_alloc::WdkAllocator;

use crate::audit::Audit;
use crate::delivery::Delivery;
use crate::policy::PolicyKeeper;
use crate::volume::WatchedVolume;

#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

flt::driver_entry!(CloneGuard);

/// The driver.
struct CloneGuard {
    audit: Audit,
    delivery: Delivery,
    policy: PolicyKeeper,
}

impl CloneGuard {
    /// A record may be ready. At most DISPATCH_LEVEL.
    fn deliver_soon(&self) {
        if flt::filter::is_connected::<Self>() {
            self.delivery.wake();
        }
    }
}

impl Minifilter for CloneGuard {
    type Volume = WatchedVolume;

    const PORT: &'static [u16] = &port_name();
    const VOLUME_TAG: [u8; 4] = *b"CGvo";

    fn create(passive: Passive, parameters: &Parameters) -> Result<Self, NtStatus> {
        let audit = Audit::create(passive)?;
        let policy = PolicyKeeper::create()?;
        policy.load_first(&audit, parameters, passive);
        Ok(Self {
            audit,
            delivery: Delivery::create()?,
            policy,
        })
    }

    fn attach(&self, setup: &VolumeSetup<'_>, passive: Passive) -> Option<WatchedVolume> {
        Some(WatchedVolume::of(setup, passive))
    }

    fn before_fs_control(&self, request: &FsControl<'_, Self>) -> Next {
        clone::before(self, request)
    }

    fn after_fs_control(&self, token: Token, ending: Ending, source: SourceAfter) {
        self.audit.close(token, ending, source);
        self.deliver_soon();
    }

    fn connect<'c>(
        &self,
        request: &[u8],
        clients: &'c Clients,
    ) -> Result<Connection<'c>, NtStatus> {
        self.admit(request, clients)
    }

    fn connected(&self) {
        self.delivery.connected();
    }

    fn work(&self, link: &Link<'_>) {
        self.delivery.run(&self.audit, link);
    }

    fn housekeep(&self, passive: Passive, parameters: &Parameters) {
        while self.policy.wait(passive) {
            self.policy.load(&self.audit, parameters, passive);
            self.deliver_soon();
        }
    }

    fn stop(&self) {
        self.delivery.stop();
        self.policy.stop();
    }

    fn stopped(&self) {
        self.audit.report_at_stop();
    }

    fn may_leave(&self) -> bool {
        !self.policy.is_locked()
    }
}

/// `\CloneGuardPort` in UTF-16.
const fn port_name() -> [u16; 15] {
    const NAME: &[u8; 15] = b"\\CloneGuardPort";
    let mut units = [0; 15];
    let mut rest: &[u8] = NAME;
    let mut place: &mut [u16] = &mut units;
    while let ([first, tail @ ..], [unit, places @ ..]) = (rest, place) {
        // ASCII: the byte is the UTF-16 unit. `u16::from` is not const.
        *unit = u16::from_le_bytes([*first, 0]);
        rest = tail;
        place = places;
    }
    units
}
