//! Bytes from anywhere: no decoder panics, and what it accepts is what was written.

use proptest::prelude::*;
use wire::{
    Ack, Batch, Bitness, ConnectRequest, Mode, NAMES, NameState, OutcomeKind, Record, RecordHead,
    RecordKind, RuleId, RuleSet, SourceState, Verdict,
};
use zerocopy::FromBytes as _;

const BATCH: &[u8] = include_bytes!("../golden/batch.bin");

/// Reads everything a record has to say, so that a panic in an accessor shows.
fn read_all(record: &Record<'_>) -> usize {
    let names = [record.image(), record.source(), record.target()];
    let text: usize = names.iter().map(|name| name.text().to_string().len()).sum();
    let numbers = format!("{record:?} {:?} {:?}", record.claim(), record.user_sid());
    text + numbers.len() + record.rules().iter().count()
}

/// Random text of a name.
fn units() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(any::<u16>(), 0..40)
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let parsed = [
            ConnectRequest::parse(&bytes).is_ok(),
            Ack::parse(&bytes).is_ok(),
            Record::parse(&bytes).is_ok(),
            Batch::parse(&bytes).is_ok(),
        ];
        // A magic, a version or a length is wrong in all of these but for an astronomical accident.
        prop_assert!(!parsed.contains(&true));
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
            prop_assert_eq!(lengths + 120, bytes.len());
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        raw in proptest::collection::vec(any::<u8>(), size_of::<RecordHead>()),
        names in [units(), units(), units()],
        rules in proptest::collection::btree_set(1_u8..=127, 0..6),
        sid_count in 0_u8..=15,
    ) {
        let mut head = RecordHead::read_from_bytes(&raw).unwrap();
        let set: RuleSet = rules.iter().filter_map(|id| RuleId::new(*id)).collect();
        tidy(&mut head, &rules, sid_count);
        for (name_head, name) in head.names.iter_mut().zip(&names) {
            let length = u16::try_from(name.len() * 2).unwrap();
            name_head.full_bytes = (length + 2 * u16::from(name_head.state)).into();
            name_head.state = if length == 0 { 1 } else { name_head.state.max(1) };
            name_head.reserved = [0; 3];
        }
        let slices = names.each_ref().map(Vec::as_slice);
        let mut out = vec![0xEE; wire::record_size(&slices).unwrap()];
        prop_assert_eq!(wire::write_record(&head, &slices, &mut out), Some(()));
        let record = Record::parse(&out).unwrap();
        check_numbers(&record, &head)?;
        prop_assert_eq!(record.rules(), set);
        prop_assert_eq!(record.deciding_rule().map(RuleId::number), rules.first().copied());
        let read = [record.image(), record.source(), record.target()];
        for place in 0..NAMES {
            prop_assert_eq!(read[place].units().collect::<Vec<_>>(), &names[place][..]);
            prop_assert_eq!(read[place].text().to_string(), String::from_utf16_lossy(&names[place]));
            prop_assert_eq!(read[place].state(), NameState::from_raw(head.names[place].state));
            prop_assert_eq!(read[place].reason(), head.names[place].reason.get());
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

/// Makes the fields of a random head agree with each other.
fn tidy(head: &mut RecordHead, rules: &std::collections::BTreeSet<u8>, sid_count: u8) {
    head.sequence = head.sequence.get().max(1).into();
    head.lost_before = (head.lost_before.get() % head.sequence.get()).into();
    head.claim_known = 1;
    head.reserved = [0; 3];
    head.rules = rules.iter().map(|id| 1_u128 << id).sum::<u128>().into();
    head.deciding_rule = rules.first().copied().unwrap_or(0);
    head.user_sid[1] = sid_count;
    head.user_sid_size = 8 + 4 * sid_count;
    head.user_sid[usize::from(head.user_sid_size)..].fill(0);
}

/// Compares the accessors with the fields.
fn check_numbers(record: &Record<'_>, head: &RecordHead) -> Result<(), TestCaseError> {
    prop_assert_eq!(record.kind(), RecordKind::from_raw(head.kind));
    prop_assert_eq!(
        record.verdict().raw(),
        Verdict::from_raw(head.verdict).raw()
    );
    prop_assert_eq!(record.requestor_mode(), Mode::from_raw(head.requestor_mode));
    prop_assert_eq!(record.bitness(), Bitness::from_raw(head.bitness));
    prop_assert_eq!(record.outcome(), OutcomeKind::from_raw(head.outcome));
    prop_assert_eq!(
        record.source_state(),
        SourceState::from_raw(head.source_state)
    );
    prop_assert_eq!(head.sequence, record.sequence());
    prop_assert_eq!(head.lost_before, record.lost_before());
    prop_assert_eq!(head.time, record.time());
    prop_assert_eq!(head.duration, record.duration());
    prop_assert_eq!(head.control_code, record.control_code());
    prop_assert_eq!(head.input_length, record.input_length());
    prop_assert_eq!(head.output_length, record.output_length());
    let claim = record.claim().unwrap();
    prop_assert_eq!(head.source_offset, claim.source_offset);
    prop_assert_eq!(head.target_offset, claim.target_offset);
    prop_assert_eq!(head.byte_count, claim.byte_count);
    prop_assert_eq!(head.ex_size, claim.ex_size);
    prop_assert_eq!(head.ex_flags, claim.ex_flags);
    prop_assert_eq!(head.process_id, record.process_id());
    prop_assert_eq!(head.thread_id, record.thread_id());
    prop_assert_eq!(head.file_system, record.file_system());
    prop_assert_eq!(head.cluster_size, record.cluster_size().unwrap_or(0));
    prop_assert_eq!(head.volume_flags, record.volume_flags());
    let sid = &head.user_sid[..usize::from(head.user_sid_size)];
    prop_assert_eq!(Some(sid), record.user_sid());
    Ok(())
}

#[test]
fn open_lists_give_every_byte_back() {
    for raw in 0..=u8::MAX {
        assert_eq!(RecordKind::from_raw(raw).raw(), raw);
        assert_eq!(Verdict::from_raw(raw).raw(), raw);
        assert_eq!(Mode::from_raw(raw).raw(), raw);
        assert_eq!(Bitness::from_raw(raw).raw(), raw);
        assert_eq!(OutcomeKind::from_raw(raw).raw(), raw);
        assert_eq!(SourceState::from_raw(raw).raw(), raw);
        assert_eq!(NameState::from_raw(raw).raw(), raw);
        let named = Verdict::KNOWN.iter().any(|known| known.raw() == raw);
        assert_eq!(Verdict::from_raw(raw).name().is_some(), named);
    }
}

#[test]
fn a_name_longer_than_any_string_of_windows_has_no_record() {
    let longest = vec![0x61; 0x7FFF];
    let longer = vec![0x61; 0x8000];
    assert_eq!(wire::record_size(&[&longest, &[], &[]]), Some(256 + 65536));
    assert_eq!(wire::record_size(&[&[], &longer, &[]]), None);
}
