//! From a valid message one field at a time is made wrong, and the error names it.

use wire::{
    Ack, Batch, BatchHead, ConnectRequest, DecodeError, FILES, FileHead, NAMES, NameHead, Record,
    RecordHead, Request,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// The bytes of two golden files.
const RECORD: &[u8] = include_bytes!("../golden/record-clone.bin");
const BATCH: &[u8] = include_bytes!("../golden/batch.bin");

/// The error of a record with a changed head.
fn record(change: impl Fn(&mut RecordHead)) -> Option<DecodeError> {
    let mut bytes = RECORD.to_vec();
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    change(head);
    Record::parse(&bytes).err()
}

/// The error of a batch with a changed head.
fn batch(change: impl Fn(&mut BatchHead)) -> Option<DecodeError> {
    let mut bytes = BATCH.to_vec();
    let (head, _) = BatchHead::mut_from_prefix(&mut bytes).unwrap();
    change(head);
    Batch::parse(&bytes).err()
}

/// The error of a connect request with a changed field.
fn connect(change: impl Fn(&mut ConnectRequest)) -> Option<DecodeError> {
    let mut request = ConnectRequest::watch([1; 16], 5);
    change(&mut request);
    ConnectRequest::parse(request.as_bytes()).err()
}

/// The error of a record with one changed name head.
fn name(place: usize, change: impl Fn(&mut NameHead)) -> Option<DecodeError> {
    record(|head| change(&mut head.names[place]))
}

#[test]
fn connect_fields() {
    assert_eq!(connect(|_| ()), None);
    assert_eq!(connect(|r| r.magic = 7.into()), Some(DecodeError::Magic(7)));
    assert_eq!(
        connect(|r| r.version = 1.into()),
        Some(DecodeError::Version(1))
    );
    assert_eq!(
        connect(|r| r.reserved = 1.into()),
        Some(DecodeError::Reserved)
    );
    for kind in [0, 3, 0x100] {
        assert_eq!(
            connect(|r| r.kind = kind.into()),
            Some(DecodeError::Kind(kind))
        );
    }
}

#[test]
fn a_request_to_reload_carries_nothing() {
    let reload = |change: &dyn Fn(&mut ConnectRequest)| {
        let mut request = ConnectRequest::reload();
        change(&mut request);
        ConnectRequest::parse(request.as_bytes())
    };
    assert_eq!(reload(&|_| ()), Ok(Request::Reload));
    let filled = Err(DecodeError::Reserved);
    assert_eq!(reload(&|r| r.boot_id[15] = 1), filled);
    assert_eq!(reload(&|r| r.after_sequence = 1.into()), filled);
}

#[test]
fn lengths_of_fixed_messages_are_exact() {
    let request = ConnectRequest::watch([1; 16], 5);
    let ack = Ack::new([1; 16], 5);
    for length in 0..request.as_bytes().len() {
        let error = DecodeError::Short {
            needed: 40,
            found: length,
        };
        assert_eq!(
            ConnectRequest::parse(&request.as_bytes()[..length]),
            Err(error)
        );
    }
    for length in 0..ack.bytes().len() {
        let error = DecodeError::Short {
            needed: 32,
            found: length,
        };
        assert_eq!(Ack::parse(&ack.bytes()[..length]), Err(error));
    }
    let longer = [request.as_bytes(), &[0]].concat();
    let error = DecodeError::Length {
        stated: 40,
        found: 41,
    };
    assert_eq!(ConnectRequest::parse(&longer), Err(error));
    let longer = [ack.bytes(), &[0]].concat();
    assert_eq!(
        Ack::parse(&longer),
        Err(DecodeError::Length {
            stated: 32,
            found: 33
        })
    );
}

#[test]
fn ack_fields() {
    let base = Ack::new([1; 16], 5);
    let changed = |at: usize| {
        let mut bytes = base.bytes().to_vec();
        bytes[at] ^= 1;
        Ack::parse(&bytes).err()
    };
    assert_eq!(
        changed(0),
        Some(DecodeError::Magic(u32::from_le_bytes(*b"BGAK")))
    );
    assert_eq!(changed(4), Some(DecodeError::Version(1)));
    assert_eq!(changed(7), Some(DecodeError::Reserved));
    assert_eq!((changed(8), changed(31)), (None, None));
}

#[test]
fn record_head_fields() {
    assert_eq!(record(|_| ()), None);
    assert_eq!(
        record(|h| h.version = 1.into()),
        Some(DecodeError::Version(1))
    );
    assert_eq!(
        record(|h| h.head_size = 248.into()),
        Some(DecodeError::HeadSize(248))
    );
    for sequence in [0, 1, 2] {
        let error = DecodeError::Sequence(sequence);
        assert_eq!(record(|h| h.sequence = sequence.into()), Some(error));
    }
    assert_eq!(record(|h| h.sequence = 3.into()), None);
    assert_eq!(record(|h| h.reserved[1] = 1), Some(DecodeError::Reserved));
    assert_eq!(record(|h| h.claim_known = 2), Some(DecodeError::Claim));
}

#[test]
fn values_of_open_lists_are_not_judged() {
    assert_eq!(record(|h| h.kind = 200), None);
    assert_eq!(record(|h| h.verdict = 200), None);
    assert_eq!(record(|h| h.requestor_mode = 200), None);
    assert_eq!(record(|h| h.bitness = 200), None);
    assert_eq!(record(|h| h.outcome = 200), None);
    assert_eq!(record(|h| h.source_state = 200), None);
    assert_eq!(name(1, |n| n.state = 200), None);
}

#[test]
fn what_is_not_known_of_a_file_is_zero() {
    for (place, number) in (0..FILES).zip(0_u8..) {
        let file = |change: &dyn Fn(&mut FileHead)| {
            record(|h| {
                let unknown = FileHead {
                    state: 2,
                    kind: 0,
                    attributes: 0.into(),
                    end_of_file: 0.into(),
                    allocation_size: 0.into(),
                    ..h.files[place]
                };
                h.files[place] = unknown;
                change(&mut h.files[place]);
            })
        };
        let error = Some(DecodeError::File(number));
        assert_eq!(file(&|f| f.reason = 5.into()), None);
        assert_eq!(file(&|f| f.kind = 1), error);
        assert_eq!(file(&|f| f.attributes = 1.into()), error);
        assert_eq!(file(&|f| f.end_of_file = 1.into()), error);
        assert_eq!(file(&|f| f.allocation_size = 1.into()), error);
        assert_eq!(file(&|f| (f.state, f.kind) = (1, 1)), None);
        assert_eq!(file(&|f| f.padding = 1.into()), Some(DecodeError::Reserved));
        assert_eq!(file(&|f| f.reserved[1] = 1), Some(DecodeError::Reserved));
    }
}

#[test]
fn what_is_not_known_of_the_volume_is_zero() {
    let error = Some(DecodeError::Volume);
    assert_eq!(record(|h| h.volume_guid_known = 2), error);
    assert_eq!(record(|h| h.volume_guid_known = 0), error);
    assert_eq!(record(|h| h.volume_state = 0), error);
    assert_eq!(
        record(|h| {
            h.volume_guid_known = 0;
            h.volume_guid = [0; 16];
            h.volume_state = 2;
            h.volume_attributes = 0.into();
        }),
        None
    );
}

#[test]
fn an_unknown_claim_has_no_fields() {
    let unknown = |change: &dyn Fn(&mut RecordHead)| {
        record(|h| {
            h.claim_known = 0;
            h.source_offset = 0.into();
            h.target_offset = 0.into();
            h.byte_count = 0.into();
            h.ex_size = 0.into();
            h.ex_flags = 0.into();
            change(h);
        })
    };
    assert_eq!(unknown(&|_| ()), None);
    assert_eq!(
        unknown(&|h| h.source_offset = 1.into()),
        Some(DecodeError::Claim)
    );
    assert_eq!(
        unknown(&|h| h.target_offset = 1.into()),
        Some(DecodeError::Claim)
    );
    assert_eq!(
        unknown(&|h| h.byte_count = 1.into()),
        Some(DecodeError::Claim)
    );
    assert_eq!(unknown(&|h| h.ex_size = 1.into()), Some(DecodeError::Claim));
    assert_eq!(
        unknown(&|h| h.ex_flags = 1.into()),
        Some(DecodeError::Claim)
    );
}

#[test]
fn rules_and_the_deciding_rule_agree() {
    assert_eq!(
        record(|h| h.deciding_rule = 21),
        Some(DecodeError::Rules),
        "it did not fire"
    );
    assert_eq!(
        record(|h| h.deciding_rule = 0),
        Some(DecodeError::Rules),
        "some rule fired"
    );
    assert_eq!(
        record(|h| h.deciding_rule = 150),
        Some(DecodeError::Rules),
        "no such id"
    );
    assert_eq!(
        record(|h| h.rules = 1.into()),
        Some(DecodeError::Rules),
        "bit 0 is no rule"
    );
    assert_eq!(
        record(|h| h.rules = 0.into()),
        Some(DecodeError::Rules),
        "none fired"
    );
    assert_eq!(
        record(|h| h.grounds = (1 << 12 | 1 << 21).into()),
        Some(DecodeError::Rules),
        "a ground did not fire"
    );
    assert_eq!(record(|h| h.grounds = 0.into()), None);
}

#[test]
fn a_sid_has_the_length_that_it_counts() {
    for size in [1, 27, 29, 68, 69, 255] {
        assert_eq!(
            record(|h| h.user_sid_size = size),
            Some(DecodeError::Sid(size))
        );
    }
    assert_eq!(record(|h| h.user_sid[1] = 4), Some(DecodeError::Sid(28)));
    assert_eq!(record(|h| h.user_sid[67] = 1), Some(DecodeError::Sid(28)));
    assert_eq!(
        record(|h| h.user_sid_size = 0),
        Some(DecodeError::Sid(0)),
        "bytes are left"
    );
}

#[test]
fn name_lengths_agree() {
    for (place, number) in (0..NAMES).zip(0_u8..) {
        let error = Some(DecodeError::Name(number));
        assert_eq!(
            name(place, |n| n.stored_bytes =
                (n.stored_bytes.get() - 1).into()),
            error
        );
        assert_eq!(
            name(place, |n| n.full_bytes = (n.stored_bytes.get() - 2).into()),
            error
        );
        assert_eq!(
            name(place, |n| n.full_bytes = (n.full_bytes.get() + 1).into()),
            error
        );
        assert_eq!(
            name(place, |n| n.state = 0),
            error,
            "an absent name has no length"
        );
        assert_eq!(
            name(place, |n| n.reserved[0] = 1),
            Some(DecodeError::Reserved)
        );
    }
}

#[test]
fn the_length_of_a_record_is_exact() {
    for length in 0..RECORD.len() {
        let error = Record::parse(&RECORD[..length]).unwrap_err();
        if length < 408 {
            assert_eq!(
                error,
                DecodeError::Short {
                    needed: 408,
                    found: length
                }
            );
        } else {
            let stated = RECORD.len() as u64;
            assert_eq!(
                error,
                DecodeError::Length {
                    stated,
                    found: length
                }
            );
        }
    }
    let longer = [RECORD, &[0; 8]].concat();
    assert!(matches!(
        Record::parse(&longer),
        Err(DecodeError::Length { .. })
    ));
    let grown = |extra: usize| {
        let mut bytes = RECORD.to_vec();
        bytes.resize(RECORD.len() + extra, 0);
        let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
        head.total_size = u32::try_from(RECORD.len() + extra).unwrap().into();
        Record::parse(&bytes).err()
    };
    for extra in [1, 7, 8, 16] {
        assert!(
            matches!(grown(extra), Some(DecodeError::Length { .. })),
            "{extra}"
        );
    }
}

#[test]
fn eight_bytes_are_no_padding() {
    let (head, _) = RecordHead::read_from_prefix(RECORD).unwrap();
    let names = head.names.map(|name| NameHead {
        full_bytes: 0.into(),
        ..name
    });
    let mut bytes = vec![0; 408];
    let head = RecordHead { names, ..head };
    assert_eq!(
        wire::write_record(&head, &[&[]; NAMES], &mut bytes),
        Some(())
    );
    assert_eq!(Record::parse(&bytes).err(), None);
    bytes.resize(416, 0);
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.total_size = 416.into();
    let error = DecodeError::Length {
        stated: 416,
        found: 416,
    };
    assert_eq!(Record::parse(&bytes).err(), Some(error));
}

#[test]
fn padding_is_zero() {
    let mut bytes = RECORD.to_vec();
    let last = bytes.len() - 1;
    bytes[last] = 1;
    assert_eq!(Record::parse(&bytes).err(), Some(DecodeError::Reserved));
}

#[test]
fn batch_head_fields() {
    assert_eq!(batch(|_| ()), None);
    assert_eq!(batch(|h| h.magic = 7.into()), Some(DecodeError::Magic(7)));
    assert_eq!(
        batch(|h| h.version = 1.into()),
        Some(DecodeError::Version(1))
    );
    assert_eq!(
        batch(|h| h.head_size = 112.into()),
        Some(DecodeError::HeadSize(112))
    );
    for stated in [0, 120, u32::MAX] {
        let error = DecodeError::Length {
            stated: stated.into(),
            found: BATCH.len(),
        };
        assert_eq!(batch(|h| h.byte_count = stated.into()), Some(error));
    }
    for stated in [0, 1, 3] {
        let error = DecodeError::RecordCount { stated, found: 2 };
        assert_eq!(batch(|h| h.record_count = stated.into()), Some(error));
    }
    assert_eq!(
        batch(|h| h.first_sequence = 40.into()),
        Some(DecodeError::Sequence(40))
    );
    assert_eq!(
        batch(|h| h.last_sequence = 43.into()),
        Some(DecodeError::Sequence(43))
    );
}

#[test]
fn every_cut_of_a_batch_is_refused() {
    for length in 0..BATCH.len() {
        assert!(Batch::parse(&BATCH[..length]).is_err(), "{length}");
        let mut bytes = BATCH[..length].to_vec();
        if let Ok((head, _)) = BatchHead::mut_from_prefix(&mut bytes) {
            head.byte_count = u32::try_from(length).unwrap().into();
        }
        assert!(
            Batch::parse(&bytes).is_err(),
            "{length} with its own length in the head"
        );
    }
    assert!(Batch::parse(&[BATCH, &[0; 8]].concat()).is_err());
}

#[test]
fn sequence_numbers_rise() {
    let second = BATCH.len() - 416;
    for (sequence, refused) in [(40_u64, true), (41, true), (42, false)] {
        let mut bytes = BATCH.to_vec();
        let (head, _) = RecordHead::mut_from_prefix(&mut bytes[second..]).unwrap();
        head.sequence = sequence.into();
        let expected = refused.then_some(DecodeError::Sequence(sequence));
        assert_eq!(Batch::parse(&bytes).err(), expected);
    }
}
