//! Who asked, in a record.

use crate::common::{Case, IDENTITY, Request, SYSTEM, numbered, request};
use guard::{Bitness, ControlCode, Identity, Parent, Process, TokenFacts, User};
use wire::Ternary;

/// A record from that requestor.
fn record_of(identity: Identity<'_>) -> Vec<u8> {
    let case = Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
    let mut draft = case.draft([&[]; 3]);
    draft.requestor.identity = identity;
    numbered(&draft)
}

/// The same of a process with that token and that parent.
fn record_with(token: &TokenFacts, parent: Option<Parent>) -> Vec<u8> {
    let process = &Process {
        parent,
        ..*IDENTITY.process
    };
    record_of(Identity {
        token,
        process,
        ..IDENTITY
    })
}

#[test]
fn all_of_it_arrives() {
    let bytes = record_of(IDENTITY);
    let record = request(&bytes);
    let process = record.process();
    assert_eq!((process.process_id, process.thread_id), (4321, 8765));
    assert_eq!(process.start_key, Some(0x0777_0000_0000_0042));
    assert_eq!(process.create_time, Some(0x01DC_5C00_1234_0000));
    assert_eq!(process.parent_id, Some(1234));
    assert_eq!(process.parent_start_key, Some(0x0777_0000_0000_0041));
    assert_eq!(process.session_id, Some(2));
    assert_eq!(process.logon_id, Some(0x3E7));
    assert_eq!(process.integrity_level, Some(0x3000));
    assert_eq!(process.token_reason, 0x14);
    assert_eq!(
        (process.elevated, process.impersonating),
        (Ternary::Yes, Ternary::No)
    );
    let (effective, primary) = (record.effective_user(), record.primary_user());
    assert_eq!((effective.sid, effective.reason), (Some(&SYSTEM[..]), 0));
    assert_eq!((primary.sid, primary.reason), (None, 0x13));
}

#[test]
fn what_is_not_known_is_told_from_zero() {
    let zeros = TokenFacts {
        session_id: Some(0),
        logon_id: Some(0),
        integrity_level: Some(0),
        elevated: Some(false),
        impersonating: Some(true),
        reason: 0,
    };
    for (token, parent, known) in [
        (TokenFacts::UNKNOWN, None, None),
        (
            zeros,
            Some(Parent {
                process_id: 0,
                start_key: 0,
            }),
            Some(0),
        ),
    ] {
        let bytes = record_with(&token, parent);
        let process = request(&bytes).process();
        assert_eq!((process.session_id, process.parent_id), (known, known));
        assert_eq!(
            (process.integrity_level, process.logon_id),
            (known, known.map(u64::from))
        );
        assert_eq!(process.token_reason, 0);
        let (elevated, impersonating) = match known {
            Some(_) => (Ternary::No, Ternary::Yes),
            None => (Ternary::Unasked, Ternary::Unasked),
        };
        assert_eq!(
            (process.elevated, process.impersonating),
            (elevated, impersonating)
        );
    }
}

#[test]
fn bytes_that_are_no_sid_are_an_unknown_user() {
    let mut whole = [0; 68];
    (whole[0], whole[1]) = (1, 15);
    let mut beyond = [0; 72];
    (beyond[0], beyond[1]) = (1, 16);
    for (sid, known) in [
        (&[][..], false),
        (&[1][..], false),
        (&whole[..], true),
        (&whole[..67], false),
        (&beyond[..], false),
        (&[1, 0, 0, 0, 0, 0, 0, 5][..], true),
    ] {
        let user = User {
            sid: Some(sid),
            reason: 0,
        };
        let bytes = record_of(Identity {
            primary: user,
            ..IDENTITY
        });
        let record = request(&bytes);
        assert_eq!(record.primary_user().sid, known.then_some(sid));
        assert_eq!(
            record.effective_user().sid,
            Some(&SYSTEM[..]),
            "the other stays"
        );
    }
}
