//! cloneguard.sys: audits block clones on their way to the file system.
//!
//! Thin glue. The filter manager's side is `flt`, the judging and the journal are `guard`, the bytes
//! of the port are `wire`. Here they are joined: [`clone`] follows one request, [`requestor`] and
//! [`source`] find out about it, [`processes`] and [`volume`] remember, [`policy`] keeps the policy in force,
//! [`audit`] turns a judged request into a record. [`delivery`] sends records out to whom [`connect`] lets in.
//! [`housekeeping`] does what is due: it beats, looks at the [`volumes`], tells of losses and [`summaries`], and answers
//! ([`mod@status`]). [`trace`] is what the next load finds.
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
mod consumer;
mod delivery;
mod housekeeping;
mod image;
mod names;
mod note;
mod policy;
mod processes;
mod requestor;
mod source;
mod status;
mod summaries;
mod tokens;
mod trace;
mod volume;
mod volumes;

use flt::callback::{Ending, Next};
use flt::clients::{Clients, Connection};
use flt::filter::Minifilter;
use flt::fsctl::FsControl;
use flt::house::House;
use flt::instance::{VolumeGone, VolumeSetup};
use flt::irql::Passive;
use flt::memory::Pool;
use flt::notify::Parent;
use flt::port::{Caller, Link};
use flt::process::Process;
use flt::recheck::SourceAfter;
use flt::registry::{Haste, Parameters};
use flt::status::NtStatus;
use flt::token::Token;
use guard::{ControlCode, NoteEvent, SeenCode, StartedNote, VolumeFacts};

use crate::audit::Audit;
use crate::consumer::Consumers;
use crate::delivery::Delivery;
use crate::housekeeping::Housekeeping;
use crate::policy::PolicyKeeper;
use crate::processes::Processes;
use crate::trace::Fate;
use crate::volumes::Volumes;

#[global_allocator]
static POOL: Pool = Pool::new();

flt::driver_entry!(CloneGuard);

/// The version of the driver: major, minor, patch, build.
const VERSION: [u16; 4] = [
    number(env!("CARGO_PKG_VERSION_MAJOR")),
    number(env!("CARGO_PKG_VERSION_MINOR")),
    number(env!("CARGO_PKG_VERSION_PATCH")),
    0,
];

/// The driver.
struct CloneGuard {
    audit: Audit,
    consumers: Consumers,
    delivery: Delivery,
    housekeeping: Housekeeping,
    policy: PolicyKeeper,
    processes: Processes,
    volumes: Volumes,
}

impl CloneGuard {
    /// A record may be ready. At most DISPATCH_LEVEL.
    fn deliver_soon(&self) {
        if flt::filter::is_connected::<Self>() {
            self.delivery.wake();
        }
    }

    /// The last records of the load: what was not told of yet, a heartbeat, and that it stops.
    fn conclude(&self) {
        self.audit.summaries.emit(&self.audit, u64::MAX);
        self.audit.tell_losses();
        self.beat();
        let counters = self.audit.counters();
        self.audit.note(NoteEvent::Stopping(&counters));
    }

    /// The first record of the load.
    #[inline(never)]
    fn start(&self, parameters: &Parameters, passive: Passive) {
        let policy = self.policy.current();
        self.audit.note(NoteEvent::Started(&StartedNote {
            driver_version: VERSION,
            previous: trace::read(parameters, passive),
            image_hash: image::hash(parameters, passive),
            policy_mode: policy.mode(),
            policy_revision: policy.revision(),
            summarise_seconds: policy.summarise_seconds(),
            journal_size: self.audit.size,
        }));
    }
}

impl Minifilter for CloneGuard {
    type Volume = VolumeFacts;

    const PORT: &'static [u16] = &port_name();
    const VOLUME_TAG: [u8; 4] = *b"CGvo";

    fn create(passive: Passive, parameters: &Parameters) -> Result<Self, NtStatus> {
        let policy = PolicyKeeper::create(parameters, passive)?;
        let journal_size = policy.current().journal_size();
        Ok(Self {
            consumers: Consumers::none(),
            delivery: Delivery::create()?,
            housekeeping: Housekeeping::create()?,
            policy,
            processes: Processes::create()?,
            volumes: Volumes::none(),
            audit: Audit::create(journal_size, passive)?,
        })
    }

    fn created(&self, passive: Passive, parameters: &Parameters) {
        self.start(parameters, passive);
        self.policy.record_first(&self.audit);
        self.prepare_summaries();
    }

    fn loaded(&self, passive: Passive, parameters: &Parameters) {
        self.leave_trace(parameters, Fate::Runs, Haste::Flush, passive);
    }

    fn attach(&self, setup: &VolumeSetup<'_>, passive: Passive) -> Option<VolumeFacts> {
        Some(volume::gather(setup, passive))
    }

    fn attached(
        &self,
        setup: &VolumeSetup<'_>,
        volume: &VolumeFacts,
        result: Result<(), NtStatus>,
    ) {
        self.volumes.set_up(&self.audit, setup, volume, result);
        self.deliver_soon();
    }

    fn detached(&self, gone: &VolumeGone<'_, Self>) {
        self.volumes.gone(&self.audit, gone);
        self.deliver_soon();
    }

    fn process_began(&self, process: &Process<'_>, parent: &Parent<'_>, passive: Passive) {
        self.processes.begin(process, parent, passive);
    }

    fn process_ended(&self, process: &Process<'_>) {
        self.processes.end(process.start_key());
    }

    fn watches(control_code: u32) -> bool {
        ControlCode::from_raw(control_code).is_some() || SeenCode::from_raw(control_code).is_some()
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
        caller: &Caller<'_>,
        clients: &'c Clients,
    ) -> Result<Connection<'c>, NtStatus> {
        self.admit(request, caller, clients)
    }

    fn connected(&self) {
        self.delivery.connected();
    }

    fn disconnected(&self) {
        // When the driver goes, all connections end. That is said by its last record.
        if !self.housekeeping.is_stopping() {
            self.consumers.go(&self.audit);
        }
    }

    fn asked(&self) {
        self.housekeeping.wake();
    }

    fn work(&self, link: &Link<'_>) {
        self.delivery.run(&self.audit, link);
    }

    fn housekeep(&self, house: &House<'_>) {
        self.keep_house(house);
    }

    fn shut_down(&self) {
        self.housekeeping.shut_down();
    }

    /// The last records go in before the delivery thread is asked to return, so that it still tries to deliver them. From
    /// the first line on nobody begins to tell of a consumer that goes: the last record says that all do. Only who had
    /// begun may come behind that.
    fn stop(&self) {
        self.housekeeping.stop();
        self.conclude();
        self.delivery.stop();
    }

    fn stopped(&self, passive: Passive, parameters: &Parameters) {
        // Of what ended after that, too. Nobody will ask again.
        self.audit.summaries.give_up(&self.audit);
        self.leave_trace(parameters, Fate::Stopped, Haste::Lazy, passive);
        let undelivered = self.audit.undelivered();
        wdk::println!("CloneGuard: stopped; not delivered {undelivered}");
    }

    fn may_leave(&self) -> bool {
        !self.policy.is_locked()
    }
}

/// The number that Cargo gives as text.
const fn number(text: &str) -> u16 {
    match u16::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => u16::MAX,
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
