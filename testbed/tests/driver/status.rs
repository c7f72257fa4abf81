//! How things stand, for whoever asks.

use testbed::fltmgr::PortClient;
use testbed::status::STATUS_CONNECTION_COUNT_LIMIT;
use wire::{ConnectRequest, StatusReport};
use zerocopy::IntoBytes as _;

use super::blob::Blob;
use super::heartbeat::beats;
use super::{Bench, SERVICE, clone_once};

fn ask(bench: &Bench) -> PortClient {
    let request = ConnectRequest::status();
    bench.connect(request.as_bytes()).expect("let in")
}

/// The report that a visitor gets, and nothing else.
pub(crate) fn report(bench: &Bench) -> StatusReport {
    let visitor = ask(bench);
    let message = visitor.get_message().expect("a report");
    assert_eq!(message.reply_length, 0, "no answer is wanted");
    *StatusReport::parse(&message.body).expect("a report")
}

#[test]
fn a_visitor_is_told_how_things_stand() {
    let blob = Blob {
        locks: true,
        ..Blob::ENFORCE
    };
    for (blob, locked) in [(Blob::ENFORCE, 0), (blob, 1)] {
        let Some(bench) = Bench::start() else {
            return;
        };
        bench.store(blob.bytes());
        drop(bench.connect(ConnectRequest::reload().as_bytes()));
        bench.machine.wait_until_idle();
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let told = report(&bench);
        assert_eq!(told.policy_revision.get(), 7);
        assert_eq!(
            (told.policy_mode, told.locked, told.consumer),
            (2, locked, 0)
        );
        assert_eq!(told.volumes_attached.get(), 3);
        assert_eq!(told.volumes_not_attached.get(), 0);
        assert!(told.now.get() >= told.started.get() && told.started.get() > 0);
        let (used, size) = (told.journal_used.get(), told.journal_size.get());
        assert!(
            0 < used && used < size && size <= 4 << 20,
            "{used} of {size}"
        );
        let counters = told.counters;
        assert!(counters.is_balanced());
        assert_eq!((counters.seen.get(), counters.completed.get()), (1, 1));
        assert_eq!(counters.last_sequence(), Some(told.last_sequence.get()));
        let consumer = bench.watch(cloneguard::Consumer::new());
        assert_eq!(report(&bench).consumer, 1);
        drop(consumer);
        bench.machine.unload_mandatory(SERVICE).expect("it must");
        bench.end_bare();
    }
}

/// Visitors that do not fetch their answer are waited for a second each, and hold nobody.
#[test]
fn who_does_not_fetch_the_answer_goes_without() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let silent: Vec<_> = (0..3).map(|_| ask(&bench)).collect();
    let full = bench.connect(ConnectRequest::status().as_bytes());
    assert_eq!(full.err(), Some(STATUS_CONNECTION_COUNT_LIMIT));
    for _ in 0..3 {
        bench.machine.wait_until_idle();
        bench.pass(1);
    }
    bench.pass(57);
    assert_eq!(beats(&bench.entries()).len(), 1, "the minute is kept");
    drop(silent);
    let told = ask(&bench).get_message().expect("a report");
    assert!(StatusReport::parse(&told.body).is_ok());
    bench.end();
}
