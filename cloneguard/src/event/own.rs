//! What the driver tells of itself.

use super::{CounterValues, EventName, LossCounts, Volume};
use crate::label::{Hex64, hex, known, label, reason};
use crate::{EntryHead, NtStatus};
use serde::{Serialize, Serializer};
use wire::policy::{PolicyFault, PolicyMode};
use wire::{
    ConsumerEvent, ConsumerNote, FactState, GapBody, HeartbeatBody, PolicyBody, PolicyEvent,
    PreviousStop, StartedBody, StoppingBody, VolumeCause, VolumeEvent, VolumeNote,
};

/// Writes the value of an open list by its name.
macro_rules! by_name {
    ($function:ident: $list:ident) => {
        fn $function<S: Serializer>(value: &$list, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&label(value.name(), value.raw()))
        }
    };
}
by_name!(policy_event: PolicyEvent);
by_name!(previous_stop: PreviousStop);
by_name!(volume_event: VolumeEvent);
by_name!(volume_cause: VolumeCause);
by_name!(consumer_event: ConsumerEvent);

/// A policy that was loaded, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// What became of it.
    #[serde(serialize_with = "policy_event")]
    pub event: PolicyEvent,
    /// Mode of the policy in force afterwards.
    pub policy_mode: String,
    /// Its revision; 0 for the default.
    pub policy_revision: u64,
    /// Where a faulty policy is wrong, and how.
    pub fault: Option<PolicyFaultAt>,
    /// Why a policy could not be read.
    pub status: Option<NtStatus>,
}

/// What is wrong with a policy that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyFaultAt {
    /// The byte of the stored policy at which it is wrong.
    pub offset: u32,
    /// The number of the fault.
    pub code: u16,
    /// Its name, if this build knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
}

/// The driver was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Started {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// Version of the driver.
    pub driver_version: String,
    /// How the load before ended.
    #[serde(serialize_with = "previous_stop")]
    pub previous_stop: PreviousStop,
    /// Boot id of the load before; none if unknown.
    pub previous_boot_id: Option<String>,
    /// The last sequence number that it is known to have handed out.
    pub previous_sequence: u64,
    /// How many records it is known to have taken with it.
    pub previous_undelivered: u64,
    /// SHA-256 of the driver's file; none if unknown.
    pub image_hash: Option<String>,
    /// Why it is unknown, if somebody asked.
    pub image_hash_reason: Option<NtStatus>,
    /// Bytes of the journal.
    pub journal_size: u64,
    /// Mode of the policy in force.
    pub policy_mode: String,
    /// Its revision; 0 for the default.
    pub policy_revision: u64,
    /// Window in which passed requests are summarised; 0 for never.
    pub summarise_seconds: u32,
}

/// The driver is about to be unloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopping {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// The counters at that moment.
    pub counters: CounterValues,
}

/// A volume that is watched, is not, or is no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VolumeChange {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// What happened to it.
    #[serde(serialize_with = "volume_event")]
    pub event: VolumeEvent,
    /// Why it is not watched.
    #[serde(serialize_with = "volume_cause")]
    pub cause: VolumeCause,
    /// With what the driver's own set-up failed.
    pub status: Option<NtStatus>,
    /// Its device name.
    pub device: EventName,
    /// The volume.
    pub volume: Volume,
}

/// A program that wanted the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsumerChange {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// What happened to it.
    #[serde(serialize_with = "consumer_event")]
    pub event: ConsumerEvent,
    /// With what it was refused.
    pub status: Option<NtStatus>,
    /// Its process; none if unknown.
    pub process_id: Option<u32>,
    /// A number of that process that is never used again within a boot; none if unknown.
    pub process_start_key: Option<Hex64>,
    /// Image of its process.
    pub image: EventName,
    /// The last sequence number that it said it has.
    pub after_sequence: u64,
    /// The load of the driver that it said this number belongs to; none for whichever runs.
    pub after_boot_id: Option<String>,
}

/// The counters, at regular intervals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// Since the driver was loaded, in 100 ns.
    pub uptime_100ns: u64,
    /// From one heartbeat to the next.
    pub interval_seconds: u32,
    /// Programs at the port that no record tells of, since the driver was loaded.
    pub untold: u32,
    /// The counters at that moment.
    pub counters: CounterValues,
}

/// Records were lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// How many, since the entry of this kind before.
    pub total: u64,
    /// The same by class and cause.
    pub losses: LossCounts,
    /// Requests that were meanwhile refused because nothing could be recorded of them.
    pub refused: u64,
}

/// A record of a kind that this build has no name for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownEntry {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// What follows the head of the record, in hexadecimal.
    pub body: String,
}

impl PolicyChange {
    pub(crate) fn new(head: EntryHead, body: &PolicyBody) -> Self {
        let event = PolicyEvent::from_raw(body.event);
        let code = body.fault.get();
        let fault = u8::try_from(code).ok().and_then(PolicyFault::from_raw);
        let fault = PolicyFaultAt {
            offset: body.offset.get(),
            code,
            name: fault.map(PolicyFault::name),
        };
        Self {
            head,
            event,
            policy_mode: mode(body.mode),
            policy_revision: body.revision.get(),
            fault: (event == PolicyEvent::Faulty).then_some(fault),
            status: reason(body.status.get()),
        }
    }
}

impl Started {
    pub(crate) fn new(head: EntryHead, body: &StartedBody) -> Self {
        let version = body.driver_version.map(|part| part.get().to_string());
        let hash_is_known = FactState::from_raw(body.image_hash_state) == FactState::Known;
        Self {
            head,
            driver_version: version.join("."),
            previous_stop: PreviousStop::from_raw(body.previous),
            previous_boot_id: some_boot_id(&body.previous_boot_id),
            previous_sequence: body.previous_sequence.get(),
            previous_undelivered: body.previous_undelivered.get(),
            image_hash: hash_is_known.then(|| hex(&body.image_hash)),
            image_hash_reason: reason(body.image_hash_reason.get()),
            journal_size: body.journal_size.get(),
            policy_mode: mode(body.policy_mode),
            policy_revision: body.policy_revision.get(),
            summarise_seconds: body.summarise_seconds.get(),
        }
    }
}

impl Stopping {
    pub(crate) fn new(head: EntryHead, body: &StoppingBody) -> Self {
        Self {
            head,
            counters: (&body.counters).into(),
        }
    }
}

impl VolumeChange {
    pub(crate) fn new(head: EntryHead, note: &VolumeNote<'_>) -> Self {
        let body = note.body();
        Self {
            head,
            event: VolumeEvent::from_raw(body.event),
            cause: VolumeCause::from_raw(body.cause),
            status: reason(body.status.get()),
            device: EventName::new(&note.device()),
            volume: Volume::new(&body.volume.read()),
        }
    }
}

impl ConsumerChange {
    pub(crate) fn new(head: EntryHead, note: &ConsumerNote<'_>) -> Self {
        let body = note.body();
        let start_key = body.start_key.get();
        Self {
            head,
            event: ConsumerEvent::from_raw(body.event),
            status: reason(body.status.get()),
            process_id: known(body.process_id.get()),
            process_start_key: (start_key != 0).then_some(Hex64(start_key)),
            image: EventName::new(&note.image()),
            after_sequence: body.after_sequence.get(),
            after_boot_id: some_boot_id(&body.boot_id),
        }
    }
}

impl Heartbeat {
    pub(crate) fn new(head: EntryHead, body: &HeartbeatBody) -> Self {
        Self {
            head,
            uptime_100ns: body.uptime.get(),
            interval_seconds: body.interval_seconds.get(),
            untold: body.untold.get(),
            counters: (&body.counters).into(),
        }
    }
}

impl Gap {
    pub(crate) fn new(head: EntryHead, body: &GapBody) -> Self {
        Self {
            head,
            total: body.total.get(),
            losses: (&body.losses).into(),
            refused: body.refused.get(),
        }
    }
}

impl UnknownEntry {
    pub(crate) fn new(head: EntryHead, body: &[u8]) -> Self {
        Self {
            head,
            body: hex(body),
        }
    }
}

/// The name of a mode of the policy.
fn mode(raw: u8) -> String {
    label(PolicyMode::from_raw(raw).map(PolicyMode::name), raw)
}

/// A boot id, unless it is zero.
fn some_boot_id(boot_id: &[u8]) -> Option<String> {
    let is_some = boot_id.iter().any(|byte| *byte != 0);
    is_some.then(|| hex(boot_id))
}
