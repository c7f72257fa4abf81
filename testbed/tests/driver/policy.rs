//! Which policy is in force: stored, stored again, wrong, unreadable, gone, locked.

use cloneguard::{Consumer, Entry, PolicyChange};
use testbed::io::RequestOptions;
use testbed::ntos::registry::RegistryValue;
use testbed::status::STATUS_INVALID_PARAMETER;
use testbed::{ProcessSpec, UnloadError};
use wire::policy::OnAuditLoss;
use wire::{ConnectRequest, PolicyEvent, Verdict};
use zerocopy::IntoBytes as _;

use super::blob::{Blob, VALUE};
use super::watch::Watcher;
use super::{Ask, Bench, SERVICE, close, send, two_files};

/// A consumer that has seen what there was.
fn watcher(bench: &Bench) -> (Watcher, Vec<PolicyChange>) {
    let mut watcher = bench.watch(Consumer::new());
    let policies = changes(&watcher.drain().entries);
    (watcher, policies)
}

/// What was said of policies.
fn changes(entries: &[Entry]) -> Vec<PolicyChange> {
    let change = |entry: &Entry| match entry {
        Entry::Policy(change) => Some(change.clone()),
        _ => None,
    };
    entries.iter().filter_map(change).collect()
}

/// Asks for the policy to be read again and waits for the record that says what became of it.
fn reload(bench: &Bench, watcher: &mut Watcher) -> PolicyChange {
    let visitor = bench.connect(ConnectRequest::reload().as_bytes());
    drop(visitor.expect("a visitor is let in beside the consumer"));
    // The record wakes the sender, so it comes in a batch of its own.
    let taken = watcher.take();
    watcher.acknowledge(&taken);
    let [Entry::Policy(change)] = taken.entries.as_slice() else {
        panic!("{:?}", taken.entries)
    };
    change.clone()
}

/// What became of a policy, and the revision in force.
fn told(change: &PolicyChange) -> (PolicyEvent, u64) {
    (change.event, change.policy_revision)
}

/// Sends an unaligned request: only enforce mode refuses it.
fn is_enforced(bench: &Bench, watcher: &mut Watcher) -> bool {
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let ask = Ask {
            source: 512,
            ..Ask::plain(source)
        };
        let answer = send(thread, target, &ask, RequestOptions::default());
        assert_eq!(answer.status, STATUS_INVALID_PARAMETER);
        close(thread, &[source, target]);
    });
    let taken = watcher.take();
    watcher.acknowledge(&taken);
    match taken.requests().as_slice() {
        [event] if event.end.verdict == Verdict::Refused => true,
        [event] if event.end.verdict == Verdict::WouldRefuse => false,
        events => panic!("{events:?}"),
    }
}

#[test]
fn a_stored_policy_is_in_force_from_the_first_request_on() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    let (mut watcher, events) = watcher(&bench);
    assert_eq!(
        events.iter().map(told).collect::<Vec<_>>(),
        [(PolicyEvent::Applied, 7)]
    );
    assert!(is_enforced(&bench, &mut watcher));
    drop(watcher);
    bench.end();
}

#[test]
fn a_policy_is_exchanged_while_the_driver_runs() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let (mut watcher, events) = watcher(&bench);
    assert_eq!(
        events,
        [],
        "that nothing is stored is no event of the start"
    );
    assert!(!is_enforced(&bench, &mut watcher));
    bench.store(Blob::ENFORCE.bytes());
    assert!(
        !is_enforced(&bench, &mut watcher),
        "not before it is asked for"
    );
    assert_eq!(
        told(&reload(&bench, &mut watcher)),
        (PolicyEvent::Applied, 7)
    );
    assert!(is_enforced(&bench, &mut watcher));
    assert!(bench.machine.remove_registry(SERVICE, VALUE));
    assert_eq!(
        told(&reload(&bench, &mut watcher)),
        (PolicyEvent::Default, 0)
    );
    assert!(!is_enforced(&bench, &mut watcher));
    drop(watcher);
    bench.end();
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a list of faults and what is true of each"
)]
fn a_faulty_policy_is_refused_whole_and_says_where_it_is_wrong() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    let (mut watcher, _) = watcher(&bench);
    let good = Blob {
        revision: 8,
        ..Blob::ENFORCE
    }
    .bytes();
    let wrong_at = |at: usize, value: u8| {
        let mut blob = good.clone();
        blob[at] = value;
        blob
    };
    for (blob, offset) in [
        (wrong_at(0, 0), 0),
        (wrong_at(4, 9), 4),
        (wrong_at(18, 200), 18),
        (good[..good.len() - 1].to_vec(), 0),
        (Vec::new(), 0),
        (vec![0xA5; 0x2000], 0),
    ] {
        bench.store(blob.clone());
        let event = reload(&bench, &mut watcher);
        assert_eq!(
            told(&event),
            (PolicyEvent::Faulty, 7),
            "{} bytes",
            blob.len()
        );
        let fault = event.fault.as_ref().expect("a fault");
        let reason = wire::policy::PolicyBlob::parse(blob.as_slice()).err();
        let reason = reason.expect("the same fault");
        assert_eq!(u16::from(reason.reason.raw()), fault.code);
        assert_eq!(reason.offset, fault.offset);
        if offset != 0 {
            assert_eq!(fault.offset, offset);
        }
        assert!(
            is_enforced(&bench, &mut watcher),
            "the one before stays in force"
        );
    }
    drop(watcher);
    bench.end();
}

#[test]
fn a_policy_that_cannot_be_read_leaves_the_one_before_in_force() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    let (mut watcher, _) = watcher(&bench);
    for value in [
        RegistryValue::Dword(1),
        RegistryValue::Text("policy".to_owned()),
        RegistryValue::Binary(vec![0; 0x41_0000]),
    ] {
        bench.machine.set_registry(SERVICE, VALUE, value);
        let event = reload(&bench, &mut watcher);
        assert_eq!(told(&event), (PolicyEvent::Unreadable, 7));
        assert!(event.status.is_some_and(|status| status.code() != 0));
        assert!(is_enforced(&bench, &mut watcher));
    }
    drop(watcher);
    bench.end();
}

/// Stores a policy of revision 8 and fails each call of the driver in turn while it is read: in how many runs the one
/// before stays in force. `None` without an image.
fn refused_for_lack_of_memory(blob: &[u8]) -> Option<usize> {
    let mut refused = 0;
    for number in 1.. {
        let bench = Bench::under(&Blob::ENFORCE)?;
        let (mut watcher, _) = watcher(&bench);
        bench.store(blob.to_vec());
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        let event = reload(&bench, &mut watcher);
        let calls = injection.calls() - before;
        injection.fail(0);
        match told(&event) {
            (PolicyEvent::Applied, 8) => {}
            (PolicyEvent::Unreadable, 7) => refused += 1,
            other => panic!("call {number}: {other:?}"),
        }
        drop(watcher);
        bench.end();
        if calls < number {
            assert!(refused > 2, "only {refused} of {calls} calls matter");
            break;
        }
    }
    Some(refused)
}

#[test]
fn without_memory_for_it_a_new_policy_leaves_the_one_before_in_force() {
    let head = "mode = 'enforce'\nrevision = 8\n";
    let rule = "[[rule]]\nname = 'vault'\neffect = 'deny'\nsource = '*:\\vault\\**'\n";
    let [without, with] = [head.to_owned(), format!("{head}{rule}")]
        .map(|text| cloneguard::policy::compile(&text).expect("a policy"));
    let Some(calls) = refused_for_lack_of_memory(&without) else {
        return;
    };
    // Rules need memory for their index, and are refused with it.
    assert_eq!(refused_for_lack_of_memory(&with), Some(calls + 1));
}

const LOCKED: Blob = Blob {
    locks: true,
    ..Blob::ENFORCE
};

/// Neither another policy nor a request to leave changes anything.
fn stays_locked(bench: &Bench, watcher: &mut Watcher) {
    let lax = Blob {
        revision: 9,
        mode: wire::policy::PolicyMode::Observe,
        ..Blob::ENFORCE
    };
    bench.store(lax.bytes());
    assert_eq!(told(&reload(bench, watcher)), (PolicyEvent::Locked, 7));
    assert!(bench.machine.remove_registry(SERVICE, VALUE));
    assert_eq!(told(&reload(bench, watcher)), (PolicyEvent::Locked, 7));
    let declined = bench.machine.unload(SERVICE);
    assert!(
        matches!(declined, Err(UnloadError::Declined(_))),
        "{declined:?}"
    );
    let declined = bench.machine.detach(SERVICE, bench.refs);
    assert!(declined.is_err(), "{declined:?}");
    assert!(is_enforced(bench, watcher), "all goes on as before");
}

#[test]
fn a_lock_at_load_holds_against_stopping_the_service() {
    let Some(bench) = Bench::under(&LOCKED) else {
        return;
    };
    let (mut watcher, _) = watcher(&bench);
    stays_locked(&bench, &mut watcher);
    let refused = bench.machine.unload_mandatory(SERVICE);
    assert!(
        matches!(refused, Err(UnloadError::Refused(_))),
        "{refused:?}"
    );
    assert!(is_enforced(&bench, &mut watcher));
    drop(watcher);
    let restarted = bench.machine.restart(SERVICE);
    restarted.expect("only a restart of the machine ends it");
    bench.end_bare();
}

#[test]
fn a_lock_that_came_later_gives_way_to_stopping_the_service() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let (mut watcher, _) = watcher(&bench);
    bench.store(LOCKED.bytes());
    assert_eq!(
        told(&reload(&bench, &mut watcher)),
        (PolicyEvent::Applied, 7)
    );
    stays_locked(&bench, &mut watcher);
    drop(watcher);
    bench.machine.unload_mandatory(SERVICE).expect("it must");
    bench.end_bare();
}

#[test]
fn a_consumer_that_never_answers_does_not_hold_back_a_policy() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    let greeting = watcher.take();
    bench.store(Blob::ENFORCE.bytes());
    for _ in 0..5 {
        let visitor = bench.connect(ConnectRequest::reload().as_bytes());
        drop(visitor.expect("let in"));
    }
    // The sender waits for the answer to the greeting, and still the policy comes into force.
    let is_applied = || {
        bench.copy.run(|thread| {
            let (source, target) = two_files(thread, bench.refs, 16);
            let ask = Ask {
                count: 512,
                ..Ask::plain(source)
            };
            let before = bench.machine.io().requests();
            bench.machine.filter_manager().start_trace();
            let answer = send(thread, target, &ask, RequestOptions::default());
            assert_eq!(answer.status, STATUS_INVALID_PARAMETER);
            assert_eq!(bench.machine.io().requests(), before + 1);
            close(thread, &[source, target]);
            let trace = bench.machine.filter_manager().take_trace();
            !trace
                .iter()
                .any(|entry| entry.callback == testbed::fltmgr::Callback::Post)
        })
    };
    bench.machine.wait_until_idle();
    assert!(is_applied());
    watcher.acknowledge(&greeting);
    drop(watcher);
    bench.end();
}

#[test]
fn a_full_journal_refuses_clones_if_the_policy_says_so() {
    let blob = Blob {
        on_audit_loss: OnAuditLoss::Refuse,
        ..Blob::ENFORCE
    };
    let Some(bench) = Bench::under(&blob) else {
        return;
    };
    let refused = super::loss::fill(&bench);
    assert!(refused > 0, "the journal was never full");
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    let (events, counters) = (drained.requests(), drained.counters);
    assert_eq!(counters.refused.get(), refused);
    assert_eq!(counters.refused_unaudited.get(), refused);
    assert_eq!(counters.lost.get(), refused);
    assert!(counters.is_balanced());
    assert!(
        events
            .iter()
            .all(|event| event.end.verdict == Verdict::Passed)
    );
    let told: Vec<_> = drained
        .entries
        .iter()
        .filter_map(super::loss::gap)
        .collect();
    let [told] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((told.total, told.refused), (refused, refused));
    // With room again, clones are made again.
    bench
        .copy
        .run(|thread| super::clone_once(thread, bench.refs));
    assert_eq!(watcher.drain().requests().len(), 1);
    drop(watcher);
    bench.end();
}

/// Whichever call fails while a policy is read: at the minute it is in force, and nobody had to ask again.
#[test]
fn a_policy_that_memory_was_short_for_is_read_again() {
    let mut late = 0;
    for number in 1.. {
        let Some(bench) = Bench::still_under(&Blob::ENFORCE) else {
            return;
        };
        let next = Blob {
            revision: 8,
            ..Blob::ENFORCE
        };
        bench.store(next.bytes());
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        drop(bench.connect(ConnectRequest::reload().as_bytes()));
        bench.machine.wait_until_idle();
        let calls = injection.calls() - before;
        injection.fail(0);
        let in_force = || super::status::report(&bench).policy_revision.get();
        late += u64::from(in_force() == 7);
        bench.pass(60);
        // Who could not even ask is not answered at the minute.
        if calls > 0 {
            assert_eq!(in_force(), 8, "call {number}");
        }
        bench.end();
        if calls < number {
            assert!(late > 2, "{late} of {calls} calls");
            return;
        }
    }
}

/// The end of a path that was cut is not known, so a rule that asks for one is undecided.
#[test]
fn of_a_cut_path_no_end_is_taken_for_the_end() {
    let text =
        "mode = 'enforce'\n[[rule]]\nname = 'tail'\neffect = 'deny'\nimage = '*:\\**\\evil.exe'\n";
    let Some(bench) = Bench::still() else {
        return;
    };
    bench.store(cloneguard::policy::compile(text).expect("a policy"));
    drop(bench.connect(ConnectRequest::reload().as_bytes()));
    bench.machine.wait_until_idle();
    for (folders, rule) in [(5, None), (5_000, Some(1))] {
        let path = format!(
            r"\Device\HarddiskVolume3\{}good.exe",
            "deep\\".repeat(folders)
        );
        let program = bench.machine.create_process(ProcessSpec::user(path));
        program.run(|thread| super::clone_once(thread, bench.refs));
        let events = bench.events();
        let [event] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(event.policy.rule, rule, "{folders}");
    }
    bench.end();
}

/// The greatest policy is read, and what is longer is not.
#[test]
fn a_policy_of_the_greatest_size_is_read() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    let (mut watcher, _) = watcher(&bench);
    for (more, event) in [(0, PolicyEvent::Faulty), (1, PolicyEvent::Unreadable)] {
        bench.store(vec![0xA5; wire::policy::POLICY_SIZE_MAX + more]);
        assert_eq!(told(&reload(&bench, &mut watcher)), (event, 7));
    }
    drop(watcher);
    bench.end();
}

/// What memory was short for is read again once, and then there is nothing to be told.
#[test]
fn a_policy_that_was_read_again_is_not_read_each_minute() {
    for number in 1.. {
        let Some(bench) = Bench::still_under(&Blob::ENFORCE) else {
            return;
        };
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        drop(bench.connect(ConnectRequest::reload().as_bytes()));
        bench.machine.wait_until_idle();
        let calls = injection.calls() - before;
        injection.fail(0);
        bench.pass(60);
        drop(bench.entries());
        bench.pass(60);
        assert_eq!(changes(&bench.entries()).len(), 0, "call {number}");
        bench.end();
        if calls < number {
            return;
        }
    }
}

#[test]
fn a_record_names_the_rule_that_decided() {
    let rule = |(name, source)| {
        format!("[[rule]]\nname = '{name}'\neffect = 'flag'\nsource = '{source}'\n")
    };
    let rules = [("vault", r"*:\vault\**"), ("all", r"*:\**")].map(rule);
    let text = format!("mode = 'enforce'\nrevision = 8\n{}", rules.concat());
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.store(cloneguard::policy::compile(&text).expect("a policy"));
    drop(bench.connect(ConnectRequest::reload().as_bytes()));
    bench.machine.wait_until_idle();
    bench
        .copy
        .run(|thread| super::clone_once(thread, bench.refs));
    let events = bench.events();
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((event.policy.revision, event.policy.rule), (8, Some(2)));
    bench.end();
}
