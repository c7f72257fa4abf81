//! From a valid record one thing at a time is made wrong that records of all kinds have: the head, the
//! lengths, the names, the padding.

use crate::common::{
    CLONE, ENDED, HEAD, PENDING, POLICY, RECORDS, SUMMARY, UNKNOWN, changed, places,
};
use wire::{DecodeError, NameHead, PolicyBody, REQUEST_NAMES, Record, RecordHead, RequestBody};
use zerocopy::FromBytes as _;

/// The error of a record with a changed head.
fn head(golden: &[u8], change: impl FnOnce(&mut RecordHead)) -> Option<DecodeError> {
    let mut bytes = golden.to_vec();
    change(RecordHead::mut_from_prefix(&mut bytes).unwrap().0);
    Record::parse(&bytes).err()
}

#[test]
fn head_fields() {
    for golden in RECORDS.into_iter().chain([UNKNOWN]) {
        assert_eq!(head(golden, |_| ()), None);
        for version in [0, 2] {
            let error = Some(DecodeError::Version(version));
            assert_eq!(head(golden, |h| h.version = version.into()), error);
        }
        let error = Some(DecodeError::HeadSize(40));
        assert_eq!(head(golden, |h| h.head_size = 40.into()), error);
        let error = Some(DecodeError::Reserved);
        assert_eq!(head(golden, |h| h.reserved = 1.into()), error);
        let none = head(golden, |h| h.sequence = 0.into());
        assert_eq!(none, Some(DecodeError::Sequence(0)));
        assert_eq!(head(golden, |h| h.class = 200), None);
    }
    for sequence in [1, 2] {
        let error = Some(DecodeError::Sequence(sequence));
        assert_eq!(head(CLONE, |h| h.sequence = sequence.into()), error);
    }
    assert_eq!(head(CLONE, |h| h.sequence = 3.into()), None);
}

#[test]
fn the_size_of_a_body_is_that_of_its_kind() {
    for golden in RECORDS {
        let size = RecordHead::read_from_prefix(golden)
            .unwrap()
            .0
            .body_size
            .get();
        for wrong in [0, size - 1, size + 1, u16::MAX] {
            let error = Some(DecodeError::BodySize(wrong));
            assert_eq!(head(golden, |h| h.body_size = wrong.into()), error);
        }
    }
    assert_eq!(head(UNKNOWN, |h| h.body_size = 16.into()), None);
    let error = Some(DecodeError::BodySize(17));
    assert_eq!(head(UNKNOWN, |h| h.body_size = 17.into()), error);
}

#[test]
fn a_record_about_a_request_has_its_number() {
    for golden in RECORDS {
        let request = RecordHead::read_from_prefix(golden)
            .unwrap()
            .0
            .request
            .get();
        let other = if request == 0 { 5 } else { 0 };
        let error = Some(DecodeError::Request(other));
        assert_eq!(head(golden, |h| h.request = other.into()), error);
    }
}

#[test]
fn values_of_open_lists_are_not_judged() {
    let body = |change: fn(&mut RequestBody)| changed(CLONE, |_, body| change(body));
    let changes: [fn(&mut RequestBody); 12] = [
        |b| b.end.verdict = 200,
        |b| b.end.outcome = 200,
        |b| b.end.source_after = 200,
        |b| b.requestor_mode = 200,
        |b| b.bitness = 200,
        |b| b.source_state = 200,
        |b| b.remote = 200,
        |b| b.same_stream = 200,
        |b| b.policy_match = 200,
        |b| b.process.elevated = 200,
        |b| b.process.impersonating = 200,
        |b| b.names[1].state = 200,
    ];
    for change in changes {
        assert_eq!(body(change), None);
    }
}

#[test]
fn name_lengths_agree() {
    let name = |place: usize, change: &dyn Fn(&mut NameHead)| {
        changed::<RequestBody>(CLONE, |_, body| change(&mut body.names[place]))
    };
    for (place, number) in (0..REQUEST_NAMES).zip(0_u8..) {
        let error = Some(DecodeError::Name(number));
        let odd = |n: &mut NameHead| n.stored_bytes = (n.stored_bytes.get() - 1).into();
        assert_eq!(name(place, &odd), error);
        let less = |n: &mut NameHead| n.full_bytes = (n.stored_bytes.get() - 2).into();
        assert_eq!(name(place, &less), error);
        let odd = |n: &mut NameHead| n.full_bytes = (n.full_bytes.get() + 1).into();
        assert_eq!(name(place, &odd), error);
        assert_eq!(name(place, &|n| n.state = 0), error);
        let beyond = |n: &mut NameHead| {
            (n.stored_bytes, n.full_bytes) = (0xFFFE.into(), 0xFFFE.into());
        };
        assert_eq!(name(place, &beyond), error);
        let reserved = name(place, &|n| n.reserved[0] = 1);
        assert_eq!(reserved, Some(DecodeError::Reserved));
    }
}

#[test]
fn the_length_of_a_record_is_exact() {
    for golden in RECORDS.into_iter().chain([UNKNOWN]) {
        for length in places(golden.len()) {
            let found = length;
            let stated = golden.len() as u64;
            let error = match length {
                0..HEAD => DecodeError::Short {
                    needed: HEAD,
                    found,
                },
                _ => DecodeError::Length { stated, found },
            };
            assert_eq!(Record::parse(&golden[..length]).err(), Some(error));
        }
        let longer = [golden, &[0; 8]].concat();
        let error = Record::parse(&longer).err();
        assert!(matches!(error, Some(DecodeError::Length { .. })));
    }
}

/// The error of a record that is longer, and says so.
fn grown(golden: &[u8], extra: usize) -> Option<DecodeError> {
    let mut bytes = golden.to_vec();
    bytes.resize(golden.len() + extra, 0);
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.total_size = u32::try_from(golden.len() + extra).unwrap().into();
    Record::parse(&bytes).err()
}

#[test]
fn no_room_is_left_behind_the_names() {
    for extra in [1, 7, 9] {
        let error = grown(CLONE, extra);
        assert!(matches!(error, Some(DecodeError::Length { .. })), "{extra}");
    }
    for golden in [CLONE, SUMMARY] {
        let error = grown(golden, 8);
        assert!(matches!(error, Some(DecodeError::Trailing(8..16))));
    }
    for golden in [PENDING, POLICY, ENDED] {
        assert_eq!(grown(golden, 8), Some(DecodeError::Trailing(8)));
    }
    assert_eq!(grown(UNKNOWN, 8), None);
}

#[test]
fn a_record_ends_not_before_its_body() {
    for total in [0, 40, 48, 64] {
        let short = head(CLONE, |h| h.total_size = total.into());
        assert!(short.is_some(), "{total}");
    }
    let mut bytes = POLICY.to_vec();
    bytes.truncate(HEAD + 16);
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.total_size = 64.into();
    let error = Some(DecodeError::BodySize(24));
    assert_eq!(Record::parse(&bytes).err(), error);
}

#[test]
fn padding_is_zero() {
    let golden = RECORDS.into_iter().find(|golden| {
        let mut bytes = golden.to_vec();
        *bytes.last_mut().unwrap() = 1;
        Record::parse(&bytes).err() == Some(DecodeError::Reserved)
    });
    assert!(golden.is_some(), "no golden record ends in padding");
    assert_eq!(changed::<PolicyBody>(POLICY, |_, _| ()), None);
}

#[test]
fn what_has_no_size_is_not_written() {
    use wire::{Heading, RecordKind, record_size, write_record};
    let heading = Heading::state(RecordKind::Policy, 1);
    let mut out = [0; 72];
    let mut write = |heading, size: usize| {
        write_record::<PolicyBody>(&mut out[..size], heading, &[], |_| ()).map(<[u8]>::len)
    };
    assert_eq!(write(heading, 72), Some(72));
    assert_eq!(write(heading, 64), None, "too small");
    let other = Heading::state(RecordKind::Gap, 1);
    assert_eq!(write(other, 72), None, "another body's kind");
    let (longest, longer) = (vec![0x61; 0x7FFF], vec![0x61; 0x8000]);
    let size = |name| record_size::<RequestBody>(&[name, &[], &[], &[]]);
    assert_eq!(size(&longest[..]), Some(624 + 0x1_0000));
    assert_eq!(size(&longer[..]), None);
    assert_eq!(record_size::<RequestBody>(&[]), None, "names are missing");
    assert_eq!(record_size::<PolicyBody>(&[&[]]), None, "it has no names");
}
