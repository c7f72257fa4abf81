//! Who asks: the user that a thread acts for, and what the volume is called when the mount manager was late.

use testbed::ntos::token::Token;
use testbed::status::STATUS_CONNECTION_COUNT_LIMIT;
use wire::{ConnectRequest, RecordKind};
use zerocopy::IntoBytes as _;

use super::{Bench, OTHER, USER, clone_once, close, two_files};

/// The user of the record of a clone that a thread makes for somebody else at this level
/// (`SECURITY_IMPERSONATION_LEVEL`).
fn user_at(level: u32) -> Option<String> {
    let bench = Bench::start()?;
    let whom = bench.client(Token::of(OTHER), level);
    bench
        .copy
        .run(|thread| thread.impersonate(whom, || clone_once(thread, bench.refs)));
    let events = bench.events();
    bench.end();
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    event.users.user_sid.clone()
}

#[test]
fn the_user_is_the_one_that_the_thread_may_act_for() {
    for (level, user) in [(0, USER), (1, USER), (2, OTHER), (3, OTHER)] {
        let Some(found) = user_at(level) else {
            return;
        };
        assert_eq!(found, user, "level {level}");
    }
}

/// Whichever call fails while the filter attaches: when a clone comes, the volume's GUID is known.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one loop over every call that can fail"
)]
fn the_guid_of_a_volume_is_asked_again() {
    let mut poorer = 0;
    for number in 1.. {
        let Some(bench) = Bench::bare() else {
            return;
        };
        let injection = bench.machine.injection();
        injection.fail(number);
        let loaded = bench.machine.load_driver(&bench.image, super::SERVICE);
        bench.copy.run(|thread| {
            let (source, target) = two_files(thread, bench.refs, 16);
            close(thread, &[source, target]);
        });
        let calls = injection.calls();
        injection.fail(0);
        if loaded.is_err() {
            bench.end_bare();
            continue;
        }
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        // None if the filter could not attach at all.
        let events = bench.events();
        for event in events
            .iter()
            .filter(|event| event.head.kind == RecordKind::Clone)
        {
            let volume = &event.volume;
            assert!(
                volume.guid.is_some(),
                "call {number} of {calls}: {volume:?}"
            );
            assert_eq!(
                volume.cluster_size.is_none(),
                volume.cluster_reason.is_some()
            );
            poorer += u32::from(volume.cluster_size.is_none());
        }
        bench.end();
        if calls < number {
            assert!(poorer > 0, "no call of the attachment failed");
            return;
        }
    }
}

#[test]
fn three_visitors_are_let_in_beside_the_consumer() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let consumer = bench.watch(cloneguard::Consumer::new());
    let visit = || bench.connect(ConnectRequest::reload().as_bytes());
    let visitors: Vec<_> = (0..3).map(|_| visit().expect("let in")).collect();
    assert_eq!(visit().err(), Some(STATUS_CONNECTION_COUNT_LIMIT));
    drop(visitors);
    drop(visit().expect("there is room again"));
    drop(consumer);
    bench.end();
}
