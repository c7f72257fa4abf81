//! Bytes from anywhere: no decoder panics, and what it accepts can be read.

use crate::common::{RECORDS, UNKNOWN, places};
use proptest::prelude::*;
use wire::{
    Ack, Batch, Bitness, Body, ConnectRequest, ConsumerEvent, EndHead, FactState, FileKind,
    LossCause, LossClass, Mode, NameState, OutcomeKind, PolicyEvent, PolicyMatch, PreviousStop,
    Record, RecordKind, Request, RuleId, RuleSet, SourceAfter, SourceState, StatusReport, Summary,
    Ternary, Verdict, VolumeCause, VolumeEvent,
};

const BATCH: &[u8] = include_bytes!("../golden/batch.bin");

/// Reads everything a record has to say, so that a panic in an accessor shows.
fn read_all(record: &Record<'_>) -> usize {
    let body = match record.body() {
        Body::Request(request) => read_request(&request),
        Body::Summary(summary) => read_summary(&summary),
        Body::Ended(ended) => read_end(ended.end()),
        Body::Volume(note) => {
            format!("{:?} {}", note.body().volume.read(), note.device().text()).len()
        }
        Body::Consumer(note) => format!("{:?} {}", note, note.image().text()).len(),
        other => format!("{other:?}").len(),
    };
    body + format!("{record:?} {:?}", record.request_number()).len()
}

fn read_request(request: &Request<'_>) -> usize {
    let names = [
        request.image(),
        request.parent_image(),
        request.source(),
        request.target(),
    ];
    let text: usize = names.iter().map(|name| name.text().to_string().len()).sum();
    let users = [request.effective_user(), request.primary_user()];
    let files = [request.source_file(), request.target_file()];
    let facts = format!("{:?} {users:?} {files:?}", request.process());
    let volumes = format!("{:?} {:?}", request.volume(), request.source_volume());
    let claim = format!("{:?} {:?}", request.claim(), request.granted_access());
    text + facts.len() + volumes.len() + claim.len() + read_end(request.end())
}

fn read_summary(summary: &Summary<'_>) -> usize {
    let names = [
        summary.image(),
        summary.parent_image(),
        summary.source(),
        summary.target(),
    ];
    let text: usize = names.iter().map(|name| name.text().to_string().len()).sum();
    text + format!("{:?} {:?}", summary.process(), summary.effective_user()).len()
}

fn read_end(end: &EndHead) -> usize {
    let numbers = format!("{:?} {:?}", end.status(), end.deciding_rule());
    numbers.len() + end.rules().iter().count()
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1000)) {
        let parsed = [
            ConnectRequest::parse(&bytes).is_ok(),
            Ack::parse(&bytes).is_ok(),
            StatusReport::parse(&bytes).is_ok(),
            Record::parse(&bytes).is_ok(),
            Batch::parse(&bytes).is_ok(),
        ];
        // A magic, a version or a length is wrong in all of these but for an astronomical accident.
        prop_assert!(!parsed.contains(&true));
    }

    #[test]
    fn a_changed_record_is_refused_or_read_whole(
        which in 0..=RECORDS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let golden = RECORDS.get(which).copied().unwrap_or(UNKNOWN);
        let mut bytes = golden.to_vec();
        for (at, value) in changes {
            bytes[at.index(golden.len())] = value;
        }
        if let Ok(record) = Record::parse(&bytes) {
            prop_assert!(read_all(&record) > 0);
            prop_assert_eq!(record.bytes(), &bytes[..]);
        }
    }

    #[test]
    fn a_changed_batch_is_refused_or_read_whole(
        changes in proptest::collection::vec((0..BATCH.len(), any::<u8>()), 1..4),
    ) {
        let mut bytes = BATCH.to_vec();
        for (at, value) in changes {
            bytes[at] = value;
        }
        if let Ok(batch) = Batch::parse(&bytes) {
            let count = batch.records().map(|record| read_all(&record).min(1)).sum::<usize>();
            prop_assert_eq!(count, batch.record_count() as usize);
            let lengths: usize = batch.records().map(|record| record.bytes().len()).sum();
            prop_assert_eq!(lengths + 216, bytes.len());
        }
    }

    #[test]
    fn a_rule_set_is_a_set(ids in proptest::collection::btree_set(1_u8..=127, 0..40)) {
        let set: RuleSet = ids.iter().filter_map(|id| RuleId::new(*id)).collect();
        prop_assert_eq!(set.iter().map(RuleId::number).collect::<Vec<_>>(), Vec::from_iter(ids.clone()));
        prop_assert_eq!(set.is_empty(), ids.is_empty());
        prop_assert_eq!(RuleSet::from_bits(set.bits()), Some(set));
        for number in 1..=127 {
            prop_assert_eq!(set.contains(RuleId::new(number).unwrap()), ids.contains(&number));
        }
    }
}

#[test]
fn every_byte_of_every_record_is_flipped() {
    for golden in RECORDS {
        for at in places(golden.len()) {
            for bit in places(8) {
                let mut bytes = golden.to_vec();
                bytes[at] ^= 1 << bit;
                if let Ok(record) = Record::parse(&bytes) {
                    assert!(read_all(&record) > 0);
                }
            }
        }
    }
}

#[test]
fn open_lists_give_every_byte_back() {
    /// Asserts it of each list, and that exactly the bytes with a value have a name.
    macro_rules! check {
        ($($name:ident),+) => {$(
            for raw in 0..=u8::MAX {
                let value = $name::from_raw(raw);
                assert_eq!(value.raw(), raw);
                let named = $name::KNOWN.iter().any(|known| known.raw() == raw);
                assert_eq!(value.name().is_some(), named, "{value:?}");
            }
        )+};
    }
    check!(
        RecordKind,
        LossClass,
        LossCause,
        PreviousStop,
        VolumeEvent,
        VolumeCause
    );
    check!(
        ConsumerEvent,
        Verdict,
        Mode,
        Bitness,
        OutcomeKind,
        SourceState,
        NameState
    );
    check!(
        FactState,
        FileKind,
        Ternary,
        PolicyMatch,
        PolicyEvent,
        SourceAfter
    );
}
