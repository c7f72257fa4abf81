//! cloneguard.sys: audits block clones on their way to the file system.
//!
//! Thin glue. The filter manager's side is `flt`, the judging and the journal are `guard`, the bytes
//! of the port are `wire`. Here they are joined: [`clone`] follows one request, [`volume`] remembers
//! a volume, [`audit`] turns a judged request into a record, [`delivery`] sends records out.
//!
//! Observe mode only: every request is passed down unchanged, whatever the rules say.

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
mod delivery;
mod volume;

use flt::callback::{Ending, Next};
use flt::filter::Minifilter;
use flt::fsctl::FsControl;
use flt::instance::VolumeSetup;
use flt::irql::Passive;
use flt::port::Link;
use flt::status::NtStatus;
use flt::token::Token;
use wdk_alloc::WdkAllocator;

use crate::audit::Audit;
use crate::delivery::Delivery;
use crate::volume::WatchedVolume;

#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

flt::driver_entry!(CloneGuard);

/// The driver.
struct CloneGuard {
    audit: Audit,
    delivery: Delivery,
}

impl Minifilter for CloneGuard {
    type Volume = WatchedVolume;

    const PORT: &'static [u16] = &port_name();
    const VOLUME_TAG: [u8; 4] = *b"CGvo";

    fn create(passive: Passive) -> Result<Self, NtStatus> {
        Ok(Self {
            audit: Audit::create(passive)?,
            delivery: Delivery::create()?,
        })
    }

    fn attach(&self, setup: &VolumeSetup<'_>, passive: Passive) -> Option<WatchedVolume> {
        Some(WatchedVolume::of(setup, passive))
    }

    fn before_fs_control(&self, request: &FsControl<'_, Self>) -> Next {
        clone::before(&self.audit, request)
    }

    fn after_fs_control(&self, token: Token, ending: Ending) {
        self.audit.close(token, ending);
        if flt::filter::is_connected::<Self>() {
            self.delivery.wake();
        }
    }

    fn connect(&self, request: &[u8]) -> Result<(), NtStatus> {
        delivery::connect(&self.audit, request)
    }

    fn connected(&self) {
        self.delivery.connected();
    }

    fn work(&self, link: &Link<'_>) {
        self.delivery.run(&self.audit, link);
    }

    fn stop(&self) {
        self.delivery.stop();
    }

    fn stopped(&self) {
        self.audit.report_at_stop();
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
