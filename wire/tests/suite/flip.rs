//! From a valid message one field at a time is made wrong, and the error names it.

use crate::common::{CLONE, PENDING, POLICY, SEEN, places};
use wire::{
    Ack, Batch, BatchHead, ConnectKind, ConnectRequest, DecodeError, RecordHead, StatusReport,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

const BATCH: &[u8] = include_bytes!("../golden/batch.bin");
const REPORT: &[u8] = include_bytes!("../golden/status.bin");

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

/// The error of a status report with a changed field.
fn report(change: impl Fn(&mut StatusReport)) -> Option<DecodeError> {
    let mut report = StatusReport::read_from_bytes(REPORT).unwrap();
    change(&mut report);
    StatusReport::parse(report.as_bytes()).err()
}

#[test]
fn connect_fields() {
    assert_eq!(connect(|_| ()), None);
    assert_eq!(connect(|r| r.magic = 7.into()), Some(DecodeError::Magic(7)));
    assert_eq!(
        connect(|r| r.version = 0.into()),
        Some(DecodeError::Version(0))
    );
    assert_eq!(
        connect(|r| r.reserved = 1.into()),
        Some(DecodeError::Reserved)
    );
    for kind in [0, 4, 0x100] {
        assert_eq!(
            connect(|r| r.kind = kind.into()),
            Some(DecodeError::Kind(kind))
        );
    }
}

#[test]
fn requests_without_parameters_carry_none() {
    let cases = [
        (ConnectRequest::reload(), ConnectKind::Reload),
        (ConnectRequest::status(), ConnectKind::Status),
    ];
    for (request, kind) in cases {
        let parse = |change: &dyn Fn(&mut ConnectRequest)| {
            let mut request = request;
            change(&mut request);
            ConnectRequest::parse(request.as_bytes())
        };
        assert_eq!(parse(&|_| ()), Ok(kind));
        let filled = Err(DecodeError::Reserved);
        assert_eq!(parse(&|r| r.boot_id[15] = 1), filled);
        assert_eq!(parse(&|r| r.after_sequence = 1.into()), filled);
    }
}

#[test]
fn lengths_of_fixed_messages_are_exact() {
    let request = ConnectRequest::watch([1; 16], 5);
    let ack = Ack::new([1; 16], 5);
    for length in places(request.as_bytes().len()) {
        let error = DecodeError::Short {
            needed: 40,
            found: length,
        };
        assert_eq!(
            ConnectRequest::parse(&request.as_bytes()[..length]),
            Err(error)
        );
    }
    for length in places(ack.bytes().len()) {
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
    assert_eq!(changed(4), Some(DecodeError::Version(0)));
    assert_eq!(changed(7), Some(DecodeError::Reserved));
    assert_eq!((changed(8), changed(31)), (None, None));
}

#[test]
fn report_fields() {
    assert_eq!(report(|_| ()), None);
    assert_eq!(report(|r| r.magic = 7.into()), Some(DecodeError::Magic(7)));
    assert_eq!(
        report(|r| r.version = 2.into()),
        Some(DecodeError::Version(2))
    );
    assert_eq!(
        report(|r| r.size = 263.into()),
        Some(DecodeError::HeadSize(263))
    );
    assert_eq!(report(|r| r.reserved = 1), Some(DecodeError::Reserved));
    assert_eq!(
        report(|r| r.padding = 1.into()),
        Some(DecodeError::Reserved)
    );
    let status = Some(DecodeError::Status);
    for mode in [0, 3] {
        assert_eq!(report(|r| r.policy_mode = mode), status);
    }
    assert_eq!(report(|r| r.locked = 2), status);
    assert_eq!(report(|r| r.consumer = 2), status);
    for length in places(REPORT.len()) {
        let error = DecodeError::Short {
            needed: REPORT.len(),
            found: length,
        };
        assert_eq!(StatusReport::parse(&REPORT[..length]), Err(error));
    }
    let longer = [REPORT, &[0]].concat();
    assert!(matches!(
        StatusReport::parse(&longer),
        Err(DecodeError::Length { .. })
    ));
}

#[test]
fn batch_head_fields() {
    assert_eq!(batch(|_| ()), None);
    assert_eq!(batch(|h| h.magic = 7.into()), Some(DecodeError::Magic(7)));
    assert_eq!(
        batch(|h| h.version = 0.into()),
        Some(DecodeError::Version(0))
    );
    assert_eq!(
        batch(|h| h.head_size = 112.into()),
        Some(DecodeError::HeadSize(112))
    );
    for stated in [0, 216, u32::MAX] {
        let error = DecodeError::Length {
            stated: stated.into(),
            found: BATCH.len(),
        };
        assert_eq!(batch(|h| h.byte_count = stated.into()), Some(error));
    }
    for stated in [0, 4, 6] {
        let error = DecodeError::RecordCount { stated, found: 5 };
        assert_eq!(batch(|h| h.record_count = stated.into()), Some(error));
    }
    assert_eq!(
        batch(|h| h.first_sequence = 40.into()),
        Some(DecodeError::Sequence(40))
    );
    assert_eq!(
        batch(|h| h.last_sequence = 49.into()),
        Some(DecodeError::Sequence(49))
    );
}

#[test]
fn every_cut_of_a_batch_is_refused() {
    for length in places(BATCH.len()) {
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
    let fourth = 216 + CLONE.len() + PENDING.len() + SEEN.len();
    assert_eq!(&BATCH[fourth..fourth + POLICY.len()], POLICY);
    for (sequence, refused) in [(42_u64, true), (43, true), (44, false), (50, true)] {
        let mut bytes = BATCH.to_vec();
        let (head, _) = RecordHead::mut_from_prefix(&mut bytes[fourth..]).unwrap();
        head.sequence = sequence.into();
        let expected = refused.then_some(DecodeError::Sequence(sequence));
        assert_eq!(Batch::parse(&bytes).err(), expected);
    }
}
