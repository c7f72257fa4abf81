//! A policy that somebody else keeps from the driver: it works without one, says so, and has it when it may.

use cloneguard::{Consumer, Entry, PolicyChange};
use testbed::Blocked;
use testbed::status::STATUS_ACCESS_DENIED;
use wire::{ConnectRequest, PolicyEvent};
use zerocopy::IntoBytes as _;

use super::blob::Blob;
use super::watch::Watcher;
use super::{Bench, SERVICE};

/// The one thing that was said of policies since the last look.
fn said(watcher: &mut Watcher) -> PolicyChange {
    let entries = watcher.drain().entries;
    let mut changes = entries.into_iter().filter_map(|entry| match entry {
        Entry::Policy(change) => Some(change),
        _ => None,
    });
    let change = changes.next().expect("something of a policy");
    assert!(changes.next().is_none());
    change
}

/// Lets the policy be read again; what comes of it.
fn reload(bench: &Bench, watcher: &mut Watcher) -> PolicyChange {
    drop(bench.connect(ConnectRequest::reload().as_bytes()));
    bench.machine.wait_until_idle();
    said(watcher)
}

/// That nothing could be read, and which revision is in force.
fn unreadable(change: &PolicyChange, revision: u64) {
    let told = (change.event, change.policy_revision);
    assert_eq!(told, (PolicyEvent::Unreadable, revision));
    let status = change.status.map(|status| status.code());
    assert_eq!(status, Some(STATUS_ACCESS_DENIED.0));
}

#[test]
fn a_driver_is_loaded_without_its_policy_and_has_it_once_it_may() {
    for blocked in [Blocked::Open, Blocked::Query] {
        let Some(bench) = Bench::bare_still() else {
            return;
        };
        bench.store(Blob::ENFORCE.bytes());
        bench.machine.block_registry(SERVICE, Some(blocked));
        bench.load();
        bench.machine.wait_until_idle();
        let mut watcher = bench.watch(Consumer::new());
        unreadable(&said(&mut watcher), 0);
        unreadable(&reload(&bench, &mut watcher), 0);
        bench.machine.block_registry(SERVICE, None);
        let change = reload(&bench, &mut watcher);
        let told = (change.event, change.policy_revision);
        assert_eq!(told, (PolicyEvent::Applied, 7));
        bench.machine.block_registry(SERVICE, Some(blocked));
        unreadable(&reload(&bench, &mut watcher), 7);
        drop(watcher);
        bench.end();
    }
}
