//! Frozen bytes of every message. They were written from the tables of `docs/wire.md` by another
//! program, so that reader and writer cannot be wrong in the same way, and must never change.

use crate::common::{CLONE, ENDED, PENDING, POLICY, RECORDS, SEEN, UNKNOWN, again, boot_id};
use wire::policy::PolicyMode;
use wire::{
    Ack, Batch, BatchHead, Body, ConnectKind, ConnectRequest, Counters, LossCause, LossClass,
    Record, RecordKind, StatusReport, loss_total,
};
use zerocopy::{FromZeros as _, IntoBytes as _};

const WATCH: &[u8] = include_bytes!("../golden/connect-watch.bin");
const RELOAD: &[u8] = include_bytes!("../golden/connect-reload.bin");
const STATUS: &[u8] = include_bytes!("../golden/connect-status.bin");
const ACK: &[u8] = include_bytes!("../golden/ack.bin");
const BATCH: &[u8] = include_bytes!("../golden/batch.bin");
const EMPTY: &[u8] = include_bytes!("../golden/batch-empty.bin");
const REPORT: &[u8] = include_bytes!("../golden/status.bin");

#[test]
fn connect_requests() {
    let (boot_id, after_sequence) = (boot_id(), 0x0102_0304_0506_0708);
    let watch = ConnectKind::Watch {
        boot_id,
        after_sequence,
    };
    let request = ConnectRequest::watch(boot_id, after_sequence);
    assert_eq!(ConnectRequest::parse(WATCH), Ok(watch));
    assert_eq!(request.as_bytes(), WATCH);
    assert_eq!(ConnectRequest::parse(RELOAD), Ok(ConnectKind::Reload));
    assert_eq!(ConnectRequest::reload().as_bytes(), RELOAD);
    assert_eq!(ConnectRequest::parse(STATUS), Ok(ConnectKind::Status));
    assert_eq!(ConnectRequest::status().as_bytes(), STATUS);
}

#[test]
fn acknowledgement() {
    let ack = Ack::parse(ACK).unwrap();
    assert_eq!(
        (ack.boot_id(), ack.through_sequence()),
        (boot_id(), 0x0102_0304_0506_0708)
    );
    assert_eq!(Ack::new(ack.boot_id(), ack.through_sequence()).bytes(), ACK);
}

/// The counters of all golden files.
pub(crate) fn counters() -> Counters {
    let mut counters = Counters {
        seen: 50.into(),
        completed: 40.into(),
        failed: 3.into(),
        refused: 2.into(),
        not_inspected: 1.into(),
        in_flight: 4.into(),
        delivered: 38.into(),
        lost: 45.into(),
        held: 7.into(),
        losses: Default::default(),
        summarised: 11.into(),
        refused_unaudited: 12.into(),
        memory: 0x12_3456.into(),
    };
    for (place, number) in counters.losses.iter_mut().flatten().zip(1..) {
        *place = number.into();
    }
    counters
}

#[test]
fn a_batch() {
    let batch = Batch::parse(BATCH).unwrap();
    assert_eq!(batch.boot_id(), boot_id());
    assert_eq!(
        (batch.first_sequence(), batch.last_sequence()),
        (Some(41), Some(50))
    );
    assert_eq!(batch.record_count(), 5);
    let records: Vec<&[u8]> = batch.records().map(|record| record.bytes()).collect();
    assert_eq!(records, [CLONE, PENDING, SEEN, POLICY, ENDED]);
    assert_eq!(batch.counters(), &counters());
}

#[test]
fn a_batch_without_records() {
    let batch = Batch::parse(EMPTY).unwrap();
    assert_eq!(
        (batch.first_sequence(), batch.last_sequence()),
        (None, None)
    );
    assert_eq!(batch.records().count(), 0);
    assert_eq!(batch.counters(), &counters());
    assert_eq!(BatchHead::new(boot_id(), counters()).as_bytes(), EMPTY);
}

#[test]
fn a_status_report() {
    let report = StatusReport::parse(REPORT).unwrap();
    let mut written = StatusReport::new_zeroed();
    written.begin(boot_id());
    written.started = 0x01DC_5C00_0000_0001.into();
    written.now = 0x01DC_5C00_1234_5678.into();
    written.last_sequence = 90.into();
    written.journal_size = (1 << 20).into();
    written.journal_used = 0x8000.into();
    written.policy_revision = 0x1112_1314_1516_1718.into();
    written.policy_mode = PolicyMode::Enforce.raw();
    (written.locked, written.consumer) = (1, 1);
    written.volumes_attached = 3.into();
    written.volumes_not_attached = 1.into();
    written.driver_version = [1, 2, 3, 4].map(Into::into);
    written.counters = counters();
    assert_eq!(report, &written);
    assert_eq!(written.as_bytes(), REPORT);
}

#[test]
fn sums() {
    assert!(counters().is_balanced());
    assert_eq!(counters().last_sequence(), Some(90));
    assert_eq!(loss_total(&counters().losses), Some(45));
    let unbalanced: [fn(&mut Counters); 5] = [
        |c| c.seen = 51.into(),
        |c| c.failed = u64::MAX.into(),
        |c| c.lost = 44.into(),
        |c| c.losses[2][2] = 8.into(),
        |c| c.losses[0][0] = u64::MAX.into(),
    ];
    for change in unbalanced {
        let mut counters = counters();
        change(&mut counters);
        assert!(!counters.is_balanced(), "{counters:?}");
    }
    let endless = Counters {
        held: u64::MAX.into(),
        ..counters()
    };
    assert_eq!(endless.last_sequence(), None);
    assert_eq!(
        (LossClass::KNOWN.len(), LossCause::KNOWN.len()),
        (wire::LOSS_CLASSES, wire::LOSS_CAUSES)
    );
}

#[test]
fn every_record_is_put_together_again() {
    for golden in RECORDS {
        assert_eq!(again(golden), golden);
    }
    let kinds: Vec<u8> = RecordKind::KNOWN.iter().map(|kind| kind.raw()).collect();
    let found = RECORDS.map(|golden| Record::parse(golden).unwrap().kind().raw());
    for kind in kinds {
        assert!(found.contains(&kind), "no golden record of kind {kind}");
    }
}

#[test]
fn a_record_of_an_unknown_kind_is_kept() {
    let record = Record::parse(UNKNOWN).unwrap();
    assert_eq!(record.kind(), RecordKind::Unknown(200));
    assert_eq!(record.class(), LossClass::Unknown(7));
    assert_eq!((record.sequence(), record.lost_before()), (51, 0));
    assert_eq!(record.bytes(), UNKNOWN);
    let Body::Unknown(body) = record.body() else {
        panic!("{:?} is known", record.body());
    };
    assert_eq!(body, &UNKNOWN[48..]);
}
