//! From a valid body one field at a time is made wrong, and the error names it.

use crate::common::{
    ATTACHED, CLONE, CONSUMER, ENDED, GAP, NOT_ATTACHED, POLICY, STARTED, SUMMARY, changed,
};
use wire::{
    ConsumerBody, DecodeError, EndedBody, FILES, FileHead, GapBody, PolicyBody, RequestBody,
    StartedBody, SummaryBody, USERS, VolumeBody,
};

/// The error of the golden clone with a changed body.
fn clone(change: impl FnOnce(&mut RequestBody)) -> Option<DecodeError> {
    changed(CLONE, |_, body| change(body))
}

/// The error of the golden summary with a changed body.
fn summary(change: impl FnOnce(&mut SummaryBody)) -> Option<DecodeError> {
    changed(SUMMARY, |_, body| change(body))
}

#[test]
fn reserved_bytes_are_zero() {
    let reserved = Some(DecodeError::Reserved);
    assert_eq!(clone(|b| b.reserved = 1), reserved);
    assert_eq!(clone(|b| b.padding = 1.into()), reserved);
    assert_eq!(clone(|b| b.process.reserved[1] = 1), reserved);
    assert_eq!(clone(|b| b.users[1].reserved[2] = 1), reserved);
    assert_eq!(clone(|b| b.volume.reserved[1] = 1), reserved);
    assert_eq!(clone(|b| b.source_volume.reserved[2] = 1), reserved);
    assert_eq!(clone(|b| b.files[1].reserved = 1), reserved);
    let policy = changed::<PolicyBody>(POLICY, |_, b| b.reserved = 1.into());
    assert_eq!(policy, reserved);
    let started = changed::<StartedBody>(STARTED, |_, b| b.reserved = 1);
    assert_eq!(started, reserved);
    let started = changed::<StartedBody>(STARTED, |_, b| b.padding = 1.into());
    assert_eq!(started, reserved);
    let volume = changed::<VolumeBody>(ATTACHED, |_, b| b.reserved[1] = 1);
    assert_eq!(volume, reserved);
    let consumer = changed::<ConsumerBody>(CONSUMER, |_, b| b.reserved[2] = 1);
    assert_eq!(consumer, reserved);
    let consumer = changed::<ConsumerBody>(CONSUMER, |_, b| b.padding = 1.into());
    assert_eq!(consumer, reserved);
}

#[test]
fn what_is_not_known_of_the_process_is_zero() {
    let error = Some(DecodeError::Process);
    assert_eq!(clone(|b| b.process.parent_known = 0), error);
    assert_eq!(clone(|b| b.process.session_known = 0), error);
    assert_eq!(clone(|b| b.process.logon_known = 0), error);
    assert_eq!(clone(|b| b.process.integrity_known = 0), error);
    assert_eq!(summary(|b| b.process.parent_known = 0), error);
    let unknown = |change: fn(&mut RequestBody)| {
        clone(|b| {
            let process = &mut b.process;
            (process.parent_known, process.session_known) = (0, 0);
            (process.logon_known, process.integrity_known) = (0, 0);
            (process.parent_id, process.session_id) = (0.into(), 0.into());
            process.integrity_level = 0.into();
            (process.parent_start_key, process.logon_id) = (0.into(), 0.into());
            change(b);
        })
    };
    assert_eq!(unknown(|_| ()), None);
    assert_eq!(unknown(|b| b.process.parent_start_key = 1.into()), error);
    assert_eq!(unknown(|b| b.process.parent_id = 1.into()), error);
    for flag in 0..4 {
        let two = clone(|b| {
            let process = &mut b.process;
            let flags = [
                &mut process.parent_known,
                &mut process.session_known,
                &mut process.logon_known,
                &mut process.integrity_known,
            ];
            *flags.into_iter().nth(flag).unwrap() = 2;
        });
        assert_eq!(two, error);
    }
}

#[test]
fn a_sid_has_the_length_that_it_counts() {
    for (place, number) in (0..USERS).zip(0_u8..) {
        let error = Some(DecodeError::User(number));
        for size in [1, 27, 29, 68, 69, 255] {
            assert_eq!(clone(|b| b.users[place].size = size), error);
        }
        assert_eq!(clone(|b| b.users[place].sid[1] = 4), error);
        assert_eq!(clone(|b| b.users[place].sid[67] = 1), error);
        assert_eq!(clone(|b| b.users[place].size = 0), error, "bytes are left");
        assert_eq!(summary(|b| b.users[place].size = 1), error);
    }
}

#[test]
fn what_is_not_known_of_the_volume_is_zero() {
    let error = Some(DecodeError::Volume);
    assert_eq!(clone(|b| b.volume.guid_known = 2), error);
    assert_eq!(clone(|b| b.volume.guid_known = 0), error);
    assert_eq!(clone(|b| b.volume.state = 0), error);
    assert_eq!(summary(|b| b.volume.state = 2), error);
    let unknown = clone(|b| {
        (b.volume.guid_known, b.volume.guid) = (0, [0; 16]);
        (b.volume.state, b.volume.attributes) = (2, 0.into());
    });
    assert_eq!(unknown, None);
    let note = changed::<VolumeBody>(NOT_ATTACHED, |_, b| b.volume.guid[3] = 1);
    assert_eq!(note, error);
    let error = Some(DecodeError::SourceVolume);
    assert_eq!(clone(|b| b.source_volume.guid_known = 0), error);
    assert_eq!(clone(|b| b.source_volume.guid_known = 2), error);
}

#[test]
fn what_is_not_known_of_a_file_is_zero() {
    for (place, number) in (0..FILES).zip(0_u8..) {
        let file = |change: fn(&mut FileHead)| {
            clone(|b| {
                let file = &mut b.files[place];
                (file.state, file.kind, file.attributes) = (2, 0, 0.into());
                (file.end_of_file, file.allocation_size) = (0.into(), 0.into());
                (file.id_state, file.id) = (2, [0; 16]);
                change(file);
            })
        };
        let error = Some(DecodeError::File(number));
        assert_eq!(file(|f| f.reason = 5.into()), None);
        assert_eq!(file(|f| f.id_reason = 5.into()), None);
        assert_eq!(file(|f| f.kind = 1), error);
        assert_eq!(file(|f| f.attributes = 1.into()), error);
        assert_eq!(file(|f| f.end_of_file = 1.into()), error);
        assert_eq!(file(|f| f.allocation_size = 1.into()), error);
        assert_eq!(file(|f| f.id[15] = 1), error);
        assert_eq!(file(|f| (f.state, f.kind) = (1, 1)), None);
        assert_eq!(file(|f| (f.id_state, f.id) = (1, [1; 16])), None);
    }
}

#[test]
fn an_unknown_claim_has_no_fields() {
    let unknown = |change: fn(&mut RequestBody)| {
        clone(|b| {
            b.claim_known = 0;
            (b.source_offset, b.target_offset) = (0.into(), 0.into());
            (b.byte_count, b.ex_size, b.ex_flags) = (0.into(), 0.into(), 0.into());
            change(b);
        })
    };
    let error = Some(DecodeError::Claim);
    assert_eq!(unknown(|_| ()), None);
    assert_eq!(unknown(|b| b.source_offset = 1.into()), error);
    assert_eq!(unknown(|b| b.target_offset = 1.into()), error);
    assert_eq!(unknown(|b| b.byte_count = 1.into()), error);
    assert_eq!(unknown(|b| b.ex_size = 1.into()), error);
    assert_eq!(unknown(|b| b.ex_flags = 1.into()), error);
    assert_eq!(clone(|b| b.claim_known = 2), error);
}

#[test]
fn rules_and_the_deciding_rule_agree() {
    let error = Some(DecodeError::Rules);
    assert_eq!(clone(|b| b.end.deciding_rule = 21), error, "did not fire");
    assert_eq!(clone(|b| b.end.deciding_rule = 0), error, "some fired");
    assert_eq!(clone(|b| b.end.deciding_rule = 150), error, "no such id");
    assert_eq!(clone(|b| b.end.rules = 1.into()), error, "bit 0");
    assert_eq!(clone(|b| b.end.rules = 0.into()), error, "none fired");
    let stranger = clone(|b| b.grounds = (1 << 12 | 1 << 21).into());
    assert_eq!(stranger, error, "a ground did not fire");
    assert_eq!(clone(|b| b.grounds = 1.into()), error, "bit 0");
    assert_eq!(clone(|b| b.grounds = 0.into()), None);
    let ended = changed::<EndedBody>(ENDED, |_, b| b.end.deciding_rule = 44);
    assert_eq!(ended, error);
    let ended = changed::<EndedBody>(ENDED, |_, b| b.end.rules = 0.into());
    assert_eq!(ended, error);
}

#[test]
fn a_summary_adds_up() {
    let error = Some(DecodeError::Summary);
    assert_eq!(summary(|b| b.count = 12.into()), error);
    assert_eq!(summary(|b| b.completed = 9.into()), error);
    assert_eq!(summary(|b| b.failed = 3.into()), error);
    assert_eq!(summary(|b| b.draining = u64::MAX.into()), error);
    assert_eq!(summary(|b| b.last_time = 1.into()), error);
    assert_eq!(summary(|b| b.last_time = b.first_time), None);
}

#[test]
fn losses_add_up() {
    let gap = |change: fn(&mut GapBody)| changed(GAP, |_, body| change(body));
    let error = Some(DecodeError::Losses);
    assert_eq!(gap(|g| g.total = 44.into()), error);
    assert_eq!(gap(|g| g.losses[0][0] = 2.into()), error);
    assert_eq!(gap(|g| g.losses[2][2] = u64::MAX.into()), error);
    assert_eq!(gap(|g| g.refused = 0.into()), None);
}

#[test]
fn what_is_said_of_a_policy_agrees() {
    let policy = |change: fn(&mut PolicyBody)| changed(POLICY, |_, body| change(body));
    let error = Some(DecodeError::Policy);
    assert_eq!(policy(|p| p.mode = 0), error);
    assert_eq!(policy(|p| p.mode = 3), error);
    assert_eq!(policy(|p| p.event = 1), error, "the default has no fault");
    assert_eq!(policy(|p| p.event = 2), error, "an applied one neither");
    assert_eq!(policy(|p| p.event = 200), None);
    let started = changed::<StartedBody>(STARTED, |_, b| b.policy_mode = 3);
    assert_eq!(started, error);
}

#[test]
fn an_unknown_hash_is_zero() {
    let unknown = changed::<StartedBody>(STARTED, |_, b| b.image_hash_state = 2);
    assert_eq!(unknown, Some(DecodeError::ImageHash));
    let zero = |_: &mut _, body: &mut StartedBody| {
        (body.image_hash_state, body.image_hash) = (2, [0; 32]);
    };
    assert_eq!(changed(STARTED, zero), None);
}
