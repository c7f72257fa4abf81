//! A policy is stored while something else is under way.

use std::sync::atomic::{AtomicU64, Ordering};

use cloneguard::{Consumer, Event};
use testbed::Held;
use wire::ConnectRequest;
use zerocopy::IntoBytes as _;

use super::super::Bench;
use super::super::races::policies::{check, policy};
use super::super::watch::{Watcher, requests};
use super::clones::Cloner;
use super::{alone, everywhere, places, told};

/// Policies that take turns on a machine, each with the next number.
struct Exchange {
    bench: Bench,
    revision: AtomicU64,
    cloner: Cloner,
}

impl Exchange {
    fn start() -> Option<(Self, Watcher)> {
        let bench = Bench::still_under(&policy(1))?;
        let cloner = Cloner::new(&bench, 1);
        cloner.clone_half();
        let watcher = bench.watch(Consumer::new());
        let exchange = Self {
            bench,
            revision: AtomicU64::new(1),
            cloner,
        };
        Some((exchange, watcher))
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// Stores the next policy and asks the driver to read it.
    fn store_next(&self) {
        let next = self.revision.fetch_add(1, Ordering::SeqCst) + 1;
        self.bench.store(policy(next).bytes());
        let visitor = self.bench.connect(ConnectRequest::reload().as_bytes());
        drop(visitor.expect("let in"));
    }

    /// The one request that was made. Time passes, so that records may tell of policies again.
    fn request(&self, watcher: &mut Watcher) -> Event {
        let mut events = requests(&told(&self.bench, watcher));
        self.bench.pass(60);
        assert_eq!(events.len(), 1, "one record of one request");
        events.remove(0)
    }

    fn end(self, watcher: Watcher) {
        drop(watcher);
        self.cloner.end();
        self.bench.end();
    }
}

#[test]
fn a_request_is_judged_by_one_policy() {
    alone(|| {
        let Some((exchange, mut watcher)) = Exchange::start() else {
            return;
        };
        let (bench, cloner) = (&exchange.bench, &exchange.cloner);
        let places = places(bench, Held::Caller, || drop(cloner.clone_half()));
        told(bench, &mut watcher);
        everywhere(
            bench,
            &places,
            || cloner.clone_half(),
            || exchange.store_next(),
            |_, ()| {
                let event = exchange.request(&mut watcher);
                check(&event);
                let now = exchange.revision();
                assert!(event.policy.revision + 1 >= now, "of policy {now}");
            },
        );
        exchange.end(watcher);
    });
}

#[test]
fn the_policy_that_was_stored_last_comes_into_force() {
    alone(|| {
        let Some((exchange, mut watcher)) = Exchange::start() else {
            return;
        };
        let (bench, cloner) = (&exchange.bench, &exchange.cloner);
        let places = places(bench, Held::Worker, || {
            exchange.store_next();
            bench.machine.wait_until_idle();
        });
        told(bench, &mut watcher);
        everywhere(
            bench,
            &places,
            || exchange.store_next(),
            || exchange.store_next(),
            |(), ()| {
                told(bench, &mut watcher);
                cloner.clone_half();
                let event = exchange.request(&mut watcher);
                check(&event);
                assert_eq!(event.policy.revision, exchange.revision());
            },
        );
        exchange.end(watcher);
    });
}
