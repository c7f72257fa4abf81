//! Frozen bytes of the records in which the driver tells of itself: every field of each.

use crate::common::{
    ATTACHED, CONSUMER, GAP, HEARTBEAT, NOT_ATTACHED, POLICY, SHUT_DOWN, STARTED, STOPPING,
    UNREADABLE, boot_id, rising,
};
use crate::golden::counters;
use wire::policy::{PolicyFault, PolicyMode};
use wire::{
    Body, ConsumerEvent, FactState, LossClass, PolicyEvent, PreviousStop, Record, VolumeCause,
    VolumeEvent,
};

fn body(bytes: &[u8]) -> Body<'_> {
    let record = Record::parse(bytes).unwrap();
    assert_eq!(record.class(), LossClass::State);
    assert_eq!(record.request_number(), None);
    assert!(record.request().is_none());
    record.body()
}

/// The body of a golden record, which is of this kind.
macro_rules! body {
    ($kind:ident, $bytes:expr) => {{
        let Body::$kind(body) = body($bytes) else {
            panic!("{:?} is of another kind", body($bytes));
        };
        body
    }};
}

#[test]
fn policies() {
    let faulty = body!(Policy, POLICY);
    assert_eq!(PolicyEvent::from_raw(faulty.event), PolicyEvent::Faulty);
    assert_eq!(faulty.revision, 0x1112_1314_1516_1718);
    assert_eq!(
        (faulty.offset.get(), faulty.fault.get()),
        (66, u16::from(PolicyFault::Value.raw()))
    );
    assert_eq!(faulty.mode, PolicyMode::Enforce.raw());
    let unreadable = body!(Policy, UNREADABLE);
    assert_eq!(
        PolicyEvent::from_raw(unreadable.event),
        PolicyEvent::Unreadable
    );
    assert_eq!(unreadable.status, 0xC000_0034);
    assert_eq!(unreadable.mode, PolicyMode::Observe.raw());
}

#[test]
fn started() {
    let started = body!(Started, STARTED);
    assert_eq!(started.driver_version.map(|part| part.get()), [1, 2, 3, 4]);
    assert_eq!(
        PreviousStop::from_raw(started.previous),
        PreviousStop::Unclean
    );
    assert_eq!(started.previous_boot_id, rising(0x60));
    assert_eq!(
        (
            started.previous_sequence.get(),
            started.previous_undelivered.get()
        ),
        (900, 17)
    );
    assert_eq!(
        FactState::from_raw(started.image_hash_state),
        FactState::Known
    );
    assert_eq!(started.image_hash, rising(0x80));
    assert_eq!(started.image_hash_reason, 0);
    assert_eq!(started.policy_mode, PolicyMode::Enforce.raw());
    assert_eq!(started.policy_revision, 0x1112_1314_1516_1718);
    assert_eq!(
        (started.journal_size.get(), started.summarise_seconds.get()),
        (1 << 20, 60)
    );
}

#[test]
fn started_after_a_shutdown_of_the_machine() {
    let started = body!(Started, SHUT_DOWN);
    assert_eq!(
        PreviousStop::from_raw(started.previous),
        PreviousStop::Shutdown
    );
    assert_eq!(started.previous_boot_id, rising(0x60));
    assert_eq!(started.previous_undelivered.get(), 17);
}

#[test]
fn counters_at_the_end_and_in_between() {
    assert_eq!(body!(Stopping, STOPPING).counters, counters());
    let heartbeat = body!(Heartbeat, HEARTBEAT);
    assert_eq!(heartbeat.counters, counters());
    assert_eq!(
        (heartbeat.uptime.get(), heartbeat.interval_seconds.get()),
        (600_000_000, 60)
    );
}

#[test]
fn a_gap() {
    let gap = body!(Gap, GAP);
    assert_eq!((gap.total.get(), gap.refused.get()), (45, 12));
    assert_eq!(gap.losses, counters().losses);
    let record = Record::parse(GAP).unwrap();
    assert_eq!((record.sequence(), record.lost_before()), (48, 3));
}

#[test]
fn volumes() {
    let attached = body!(Volume, ATTACHED);
    let event = VolumeEvent::from_raw(attached.body().event);
    let cause = VolumeCause::from_raw(attached.body().cause);
    assert_eq!(
        (event, cause),
        (VolumeEvent::Attached, VolumeCause::NoCause)
    );
    assert_eq!(attached.body().volume.read().guid, Some(rising(0xA0)));
    assert_eq!(
        attached.device().text().to_string(),
        r"\Device\HarddiskVolume7"
    );
    let other = body!(Volume, NOT_ATTACHED);
    let event = VolumeEvent::from_raw(other.body().event);
    let cause = VolumeCause::from_raw(other.body().cause);
    assert_eq!(
        (event, cause),
        (VolumeEvent::NotAttached, VolumeCause::Declined)
    );
    assert_eq!(other.body().status, 0xC000_009A);
    assert_eq!(other.body().volume.read().guid, None);
}

#[test]
fn a_consumer() {
    let consumer = body!(Consumer, CONSUMER);
    let body = consumer.body();
    assert_eq!(ConsumerEvent::from_raw(body.event), ConsumerEvent::Refused);
    assert_eq!(
        (body.status.get(), body.process_id.get()),
        (0xC000_0043, 77)
    );
    assert_eq!(body.start_key, 0x0001_0000_0000_0B00);
    assert_eq!((body.after_sequence.get(), body.boot_id), (40, boot_id()));
    assert_eq!(
        consumer.image().text().to_string(),
        r"\Device\HarddiskVolume4\tools\cloneguard.exe"
    );
}
