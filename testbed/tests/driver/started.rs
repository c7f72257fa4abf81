//! What the driver says when it is loaded, and what it left for that when it went.

use cloneguard::{Entry, Started};
use sha2::{Digest as _, Sha256};
use wire::PreviousStop;

use super::blob::Blob;
use super::{Bench, SERVICE, clone_once};

/// What the driver said of this load.
fn started(entries: &[Entry]) -> &Started {
    let Some(Entry::Started(started)) = entries.first() else {
        panic!("{entries:?}")
    };
    assert_eq!(started.head.sequence, 1);
    started
}

#[test]
fn the_first_record_says_what_was_loaded() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let entries = bench.entries();
    let started = started(&entries);
    let file = std::fs::read(&bench.image).expect("readable");
    let hash: String = Sha256::digest(file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(started.image_hash.as_deref(), Some(hash.as_str()));
    assert_eq!(started.image_hash_reason, None);
    assert!(
        started
            .driver_version
            .starts_with(env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(started.previous_stop, PreviousStop::FirstStart);
    assert_eq!(
        (started.policy_mode.as_str(), started.policy_revision),
        ("observe", 0)
    );
    assert_eq!(
        (started.journal_size, started.summarise_seconds),
        (4 << 20, 0)
    );
    bench.end();
}

/// Too small and too large a journal is made as small and as large as is allowed.
#[test]
fn a_policy_says_how_large_the_journal_is() {
    for (asked, made) in [(256 << 10, 256 << 10), (1, 64 << 10), (u64::MAX, 64 << 20)] {
        let blob = Blob {
            journal_size: asked,
            summarise_seconds: 9,
            ..Blob::ENFORCE
        };
        let Some(bench) = Bench::under(&blob) else {
            return;
        };
        let held = bench.machine.pool_held(SERVICE).expect("loaded");
        assert!((made..made + (1 << 20)).contains(&held), "{held} of {made}");
        let entries = bench.entries();
        let started = started(&entries);
        assert_eq!((started.journal_size, started.summarise_seconds), (made, 9));
        assert_eq!(
            (started.policy_mode.as_str(), started.policy_revision),
            ("enforce", 7)
        );
        bench.end();
    }
}

/// Without memory for what the policy wants there is a journal of the usual size, and the driver says so.
#[test]
fn a_journal_for_which_there_is_no_memory() {
    let Some(bench) = Bench::bare() else {
        return;
    };
    let blob = Blob {
        journal_size: 32 << 20,
        ..Blob::ENFORCE
    };
    bench.store(blob.bytes());
    bench.machine.pool().set_limit(Some(16 << 20));
    bench.load();
    let entries = bench.entries();
    assert_eq!(started(&entries).journal_size, 4 << 20);
    bench.end();
}

#[test]
fn a_load_says_that_the_one_before_was_stopped_and_what_it_took_with_it() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let first = bench.watch(cloneguard::Consumer::new()).take();
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    bench.unload();
    bench.load();
    let entries = bench.entries();
    let second = started(&entries);
    assert_eq!(second.previous_stop, PreviousStop::Clean);
    let boot_id = cloneguard_hex(&first.entries[0].boot_id());
    assert_eq!(second.previous_boot_id.as_ref(), Some(&boot_id));
    // Nothing was acknowledged: all that was recorded has gone with it.
    assert!(second.previous_sequence > first.records);
    assert_eq!(second.previous_undelivered, second.previous_sequence);
    bench.end();
}

fn cloneguard_hex(id: &[u8; 16]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_load_says_that_the_one_before_fell_with_the_machine() {
    let Some(fallen) = Bench::still() else {
        return;
    };
    let entries = fallen.entries();
    let boot_id = cloneguard_hex(&entries[0].boot_id());
    fallen.pass(60);
    // What would be on the disk if the power went now.
    let disk = fallen.machine.driver_state_on_disk(SERVICE);
    fallen.end();
    let Some(bench) = Bench::bare() else {
        return;
    };
    bench.machine.restore_driver_state(SERVICE, disk);
    bench.load();
    let entries = bench.entries();
    let second = started(&entries);
    assert_eq!(second.previous_stop, PreviousStop::Unclean);
    assert_eq!(second.previous_boot_id, Some(boot_id));
    assert!(second.previous_sequence > 0);
    assert_eq!(second.previous_undelivered, 0, "nobody knows");
    bench.end();
}

/// What another has written there is not taken for a trace.
#[test]
fn a_trace_that_is_none_of_ours() {
    for bytes in [vec![], vec![1], vec![0xA5; 34], vec![1; 35], vec![1; 4096]] {
        let Some(bench) = Bench::start() else {
            return;
        };
        bench.unload();
        let mut disk = bench.machine.driver_state_on_disk(SERVICE);
        disk.set("LastRun", testbed::RegistryValue::Binary(bytes));
        bench.machine.restore_driver_state(SERVICE, disk);
        bench.load();
        let entries = bench.entries();
        assert_eq!(started(&entries).previous_stop, PreviousStop::Unasked);
        assert_eq!(started(&entries).previous_boot_id, None);
        bench.end();
    }
}
