//! The names in a record: the normalized one where the filter manager has it at hand, else the one used at open.

use testbed::io::RequestOptions;
use testbed::status::STATUS_FLT_NAME_CACHE_MISS;

use super::{Ask, Bench, close, send, two_files};

#[test]
fn a_normalized_name_is_taken_where_it_is_at_hand() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        for cached in [None, Some(source), Some(target)] {
            if let Some(handle) = cached {
                thread.cache_normalized_name(handle).expect("a file");
            }
            let answer = send(
                thread,
                target,
                &Ask::plain(source),
                RequestOptions::default(),
            );
            assert!(answer.status.is_success(), "{answer:?}");
        }
        close(thread, &[source, target]);
    });
    let events = bench.events();
    let names = events
        .iter()
        .flat_map(|event| [&event.source, &event.target]);
    let told: Vec<_> = names
        .map(|name| {
            let file = name
                .text
                .as_deref()
                .and_then(|text| text.rsplit('\\').next());
            let reason = name.reason.as_ref().map(|status| status.code());
            (file.unwrap_or(""), name.state.as_str(), reason)
        })
        .collect();
    let miss = Some(STATUS_FLT_NAME_CACHE_MISS.0);
    let opened = |file| (file, "opened", miss);
    let normalized = |file| (file, "normalized", None);
    let (source, target) = ("Source.bin", "Target.bin");
    let expected = [
        [opened(source), opened(target)],
        [normalized(source), opened(target)],
        [normalized(source), normalized(target)],
    ];
    assert_eq!(told, expected.concat());
    bench.end();
}
