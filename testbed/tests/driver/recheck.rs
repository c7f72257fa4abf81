//! The second look at the source handle, after the file system has answered.

use cloneguard::{Entry, Event};
use testbed::UserThread;
use testbed::io::{Handle, Hold, RequestOptions};
use testbed::volume::{FILE_GENERIC_READ, OpenRequest};
use wire::Verdict;

use super::blob::Blob;
use super::enforce::{applied, only};
use super::{Ask, Bench, close, send, two_files};

const RECHECK: Blob = Blob {
    rechecks: true,
    ..Blob::ENFORCE
};

/// Clones, and does something with the source handle while the file system has the request.
fn meanwhile(blob: &Blob, act: fn(&UserThread, &Bench, Handle)) -> Option<Event> {
    let bench = Bench::under(blob)?;
    let hold = Hold::new();
    let (source, target) = bench.copy.run(|thread| two_files(thread, bench.refs, 16));
    let options = RequestOptions::default().hold(&hold);
    let clone = bench
        .copy
        .spawn(move |thread: &UserThread| send(thread, target, &Ask::plain(source), options));
    hold.wait_for(1);
    bench.copy.run(|thread| act(thread, &bench, source));
    hold.release();
    let answer = clone.join();
    assert!(answer.status.is_success(), "{answer:?}");
    bench.copy.run(|thread| {
        // It may be closed already, and then it must stay so.
        let _closed = thread.close(source);
        close(thread, &[target]);
    });
    let event = only(applied(&bench.entries()));
    bench.end();
    Some(event)
}

fn fired(event: &Event) -> Vec<u8> {
    event.end.rules.iter().map(|rule| rule.id).collect()
}

/// Closes the handle and opens another file, which gets the value.
fn exchange(thread: &UserThread, bench: &Bench, source: Handle) {
    close(thread, &[source]);
    let request = OpenRequest::create(FILE_GENERIC_READ);
    let other = thread.create_file(bench.refs, r"\Other.bin", &request);
    assert_eq!(other, Ok(source), "the value is used again");
}

#[test]
fn a_source_that_stays_is_the_same() {
    let Some(event) = meanwhile(&RECHECK, |_, _, _| ()) else {
        return;
    };
    assert_eq!(event.end.source_after, "same");
    assert_eq!(
        (event.end.verdict, fired(&event)),
        (Verdict::Passed, vec![])
    );
}

#[test]
fn another_file_under_the_same_value_is_noted() {
    let Some(event) = meanwhile(&RECHECK, exchange) else {
        return;
    };
    assert_eq!(
        (event.end.verdict, fired(&event)),
        (Verdict::Flagged, vec![45])
    );
    assert_eq!(event.end.source_after, "changed");
    assert_eq!(event.end.deciding_rule.map(|rule| rule.id), Some(45));
}

/// The record of the request is lost, for want of room among the routine ones; the finding is not.
#[test]
fn a_finding_of_the_second_look_is_told_though_the_record_was_lost() {
    let blob = Blob {
        journal_size: 64 << 10,
        ..RECHECK
    };
    let Some(bench) = Bench::under(&blob) else {
        return;
    };
    bench.copy.run(|thread| {
        for _ in 0..60 {
            super::clone_once(thread, bench.refs);
        }
    });
    exchanged_clone(&bench);
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let drained = watcher.drain();
    let ended = drained.entries.iter().find_map(|entry| match entry {
        Entry::Ended(ended) => Some(ended),
        _ => None,
    });
    let ended = ended.expect("the finding is told");
    assert_eq!(ended.end.verdict, Verdict::Flagged);
    let rules: Vec<u8> = ended.end.rules.iter().map(|rule| rule.id).collect();
    assert_eq!(rules, [45]);
    assert_eq!(ended.end.source_after, "changed");
    assert!(ended.head.time.filetime() > 0 && ended.head.request.is_some());
    let of_it = |event: &&Event| event.head.request == ended.head.request;
    assert_eq!(drained.requests().iter().filter(of_it).count(), 0);
    let losses = drained.counters.losses;
    assert_eq!(
        losses[1].map(|lost| lost.get()),
        [0; 3],
        "no finding is lost"
    );
    assert!(losses[0][0].get() > 0);
    drop(watcher);
    bench.end();
}

/// A clone whose source handle names another file when it has ended.
fn exchanged_clone(bench: &Bench) {
    let hold = Hold::new();
    let (source, target) = bench.copy.run(|thread| two_files(thread, bench.refs, 16));
    let options = RequestOptions::default().hold(&hold);
    let clone = bench
        .copy
        .spawn(move |thread: &UserThread| send(thread, target, &Ask::plain(source), options));
    hold.wait_for(1);
    bench.copy.run(|thread| exchange(thread, bench, source));
    hold.release();
    assert!(clone.join().status.is_success());
    bench.copy.run(|thread| close(thread, &[source, target]));
}

#[test]
fn a_closed_handle_is_noted() {
    let Some(event) = meanwhile(&RECHECK, |thread, _, source| close(thread, &[source])) else {
        return;
    };
    assert_eq!(fired(&event), [45]);
}

#[test]
fn another_open_of_the_same_stream_is_the_same_source() {
    let Some(event) = meanwhile(&RECHECK, |thread, bench, source| {
        close(thread, &[source]);
        let again = OpenRequest::existing(FILE_GENERIC_READ);
        let again = thread.create_file(bench.refs, r"\Source.bin", &again);
        assert_eq!(again, Ok(source), "the value is used again");
    }) else {
        return;
    };
    assert_eq!(
        (event.end.verdict, fired(&event)),
        (Verdict::Passed, vec![])
    );
}

/// Where the handle may not be resolved, nobody looks, and the record says so.
#[test]
fn above_passive_level_the_second_look_is_missing() {
    let Some(bench) = Bench::under(&RECHECK) else {
        return;
    };
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let options = RequestOptions::default().synchronized_at_apc_level();
        let answer = send(thread, target, &Ask::plain(source), options);
        assert!(answer.status.is_success(), "{answer:?}");
        close(thread, &[source, target]);
    });
    let event = only(applied(&bench.entries()));
    assert_eq!(event.end.source_after, "unseen");
    assert!(fired(&event).is_empty());
    bench.end();
}

#[test]
fn without_the_option_nobody_looks_again() {
    let Some(event) = meanwhile(&Blob::ENFORCE, exchange) else {
        return;
    };
    assert_eq!(event.end.source_after, "unasked");
    assert_eq!(
        (event.end.verdict, fired(&event)),
        (Verdict::Passed, vec![])
    );
}

#[test]
fn an_unload_with_such_a_request_in_flight_leaves_nothing_behind() {
    let Some(bench) = Bench::under(&RECHECK) else {
        return;
    };
    let hold = Hold::new();
    let (source, target) = bench.copy.run(|thread| two_files(thread, bench.refs, 16));
    let options = RequestOptions::default().hold(&hold);
    let clone = bench.copy.spawn(move |thread: &UserThread| {
        let answer = send(thread, target, &Ask::plain(source), options);
        close(thread, &[source, target]);
        answer
    });
    hold.wait_for(1);
    let machine = std::sync::Arc::clone(&bench.machine);
    // A synchronised request may hold the unload until it has ended, or be drained; either is clean.
    let unload = std::thread::spawn(move || machine.unload(super::SERVICE));
    hold.release();
    assert!(clone.join().status.is_success());
    unload.join().expect("no panic").expect("unloaded");
    bench.end_bare();
}

#[test]
fn whichever_call_fails_the_clone_is_made_and_recorded() {
    let mut unseen = 0;
    for number in 1.. {
        let Some(bench) = Bench::under(&RECHECK) else {
            return;
        };
        bench.copy.run(|thread| {
            let (source, target) = two_files(thread, bench.refs, 16);
            close(thread, &[source, target]);
        });
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        bench
            .copy
            .run(|thread| super::clone_once(thread, bench.refs));
        let calls = injection.calls() - before;
        injection.fail(0);
        let event = only(applied(&bench.entries()));
        assert_eq!(
            event.end.status.map(|status| status.code()),
            Some(0),
            "call {number}"
        );
        // With a file to compare with there was a second look, or the record says that there should have been one.
        let expected: &[&str] = match event.source_state.as_str() {
            "same_volume" | "not_inspected" => &["same", "unseen"],
            _ => &["unasked"],
        };
        let after = event.end.source_after.as_str();
        assert!(expected.contains(&after), "call {number}: {after}");
        unseen += u32::from(after == "unseen");
        bench.end();
        if calls < number {
            assert!(unseen > 0, "memory for the source was never short");
            return;
        }
    }
}
