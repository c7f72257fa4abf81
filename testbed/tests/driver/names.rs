//! The names in a record: the normalized one where the filter manager has it at hand, else the one used at open.

use cloneguard::EventName;
use testbed::io::RequestOptions;
use testbed::status::STATUS_FLT_NAME_CACHE_MISS;

use super::{Ask, Bench, close, send, two_files};

/// What a record says of the name of a file: its last part, where it comes from, and why from there.
fn told(name: &EventName) -> (&str, &str, Option<u32>) {
    let text = name.text.as_deref().unwrap_or_default();
    let file = text.rsplit('\\').next().unwrap_or_default();
    let reason = name.reason.as_ref().map(|status| status.code());
    (file, name.state.as_str(), reason)
}

#[test]
fn a_normalized_name_is_taken_where_it_is_at_hand() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let clone = || {
            let ask = Ask::plain(source);
            let answer = send(thread, target, &ask, RequestOptions::default());
            assert!(answer.status.is_success(), "{answer:?}");
        };
        clone();
        for handle in [source, target] {
            thread.cache_normalized_name(handle).expect("a file");
            clone();
        }
        close(thread, &[source, target]);
    });
    let miss = Some(STATUS_FLT_NAME_CACHE_MISS.0);
    let opened = |file| (file, "opened", miss);
    let normalized = |file| (file, "normalized", None);
    let (source, target) = ("Source.bin", "Target.bin");
    let expected = [
        [opened(source), opened(target)],
        [normalized(source), opened(target)],
        [normalized(source), normalized(target)],
    ];
    let events = bench.events();
    let names = events
        .iter()
        .flat_map(|event| [&event.source, &event.target]);
    assert_eq!(names.map(told).collect::<Vec<_>>(), expected.concat());
    bench.end();
}
