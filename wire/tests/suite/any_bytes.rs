//! Bytes from anywhere: no decoder panics, and what it accepts is what was written.

use proptest::prelude::*;
use wire::{
    Ack, Batch, Bitness, ConnectRequest, FileKind, Mode, NAMES, NameState, OutcomeKind,
    PolicyMatch, Record, RecordHead, RecordKind, RuleId, RuleSet, SourceAfter, SourceState,
    Ternary, Verdict,
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
        check_facts(&record, &head)?;
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
    head.reserved = [0; 2];
    head.rules = rules.iter().map(|id| 1_u128 << id).sum::<u128>().into();
    head.deciding_rule = rules.first().copied().unwrap_or(0);
    head.grounds = (head.grounds.get() & head.rules.get()).into();
    head.volume_state = 1;
    head.volume_guid_known = 1;
    for file in &mut head.files {
        file.state = 1;
        file.reserved = [0; 2];
        file.padding = 0.into();
    }
    head.user_sid[1] = sid_count;
    head.user_sid_size = 8 + 4 * sid_count;
    head.user_sid[usize::from(head.user_sid_size)..].fill(0);
}

/// Compares the accessors of what was found and decided with the fields.
fn check_facts(record: &Record<'_>, head: &RecordHead) -> Result<(), TestCaseError> {
    prop_assert_eq!(head.grounds, record.grounds().bits());
    prop_assert_eq!(head.refusal, record.refusal().unwrap_or(0));
    prop_assert_eq!(head.policy_revision, record.policy_revision());
    prop_assert_eq!(head.policy_rule, record.policy_rule().unwrap_or(0));
    prop_assert_eq!(
        record.policy_match(),
        PolicyMatch::from_raw(head.policy_match)
    );
    prop_assert_eq!(record.remote(), Ternary::from_raw(head.remote));
    prop_assert_eq!(record.same_stream(), Ternary::from_raw(head.same_stream));
    prop_assert_eq!(
        record.volume_attributes(),
        Some(head.volume_attributes.get())
    );
    prop_assert_eq!(head.volume_reason, record.volume_reason());
    prop_assert_eq!(record.volume_guid(), Some(head.volume_guid));
    prop_assert_eq!(
        record.source_after(),
        SourceAfter::from_raw(head.source_after)
    );
    prop_assert_eq!(head.source_reason, record.source_reason());
    prop_assert_eq!(head.cluster_reason, record.cluster_reason());
    prop_assert_eq!(head.guid_reason, record.guid_reason());
    prop_assert_eq!(head.user_reason, record.user_reason());
    for (read, file) in [record.source_file(), record.target_file()]
        .iter()
        .zip(&head.files)
    {
        prop_assert_eq!(read.kind, FileKind::from_raw(file.kind));
        prop_assert_eq!(file.reason, read.reason);
        prop_assert_eq!(file.attributes, read.attributes);
        prop_assert_eq!(file.end_of_file, read.end_of_file);
        prop_assert_eq!(file.allocation_size, read.allocation_size);
    }
    Ok(())
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
    assert_eq!(wire::record_size(&[&longest, &[], &[]]), Some(408 + 65536));
    assert_eq!(wire::record_size(&[&[], &longer, &[]]), None);
}
