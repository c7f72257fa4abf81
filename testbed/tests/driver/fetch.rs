//! The input is fetched once: somebody else writes to it between any two instructions of the driver, and what was judged
//! is what was recorded.

use cloneguard::Event;
use testbed::UserThread;
use testbed::io::{Handle, RequestOptions, Rewrite};

use super::{Ask, Bench, SERVICE, close, send, two_files};

/// More instructions than a pre-operation of a clone executes.
const ALL: u64 = 1 << 16;

/// A good request.
fn good(source: Handle) -> Ask {
    Ask::ex(source)
}

/// One of which every field is another, and for each of them another rule fires, or another file is the source.
fn bad(source: Handle) -> Ask {
    Ask {
        source: -4096,
        target: -8192,
        count: -12_288,
        size: Some(0x28),
        flags: 0x8000_0000,
        ..Ask::ex(source)
    }
}

/// What the driver has read, as far as it tells, and what it has made of that.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Look {
    numbers: [i64; 3],
    size: Option<u64>,
    flags: Option<u32>,
    rules: Vec<u8>,
    source: Option<String>,
}

impl Look {
    fn of(event: &Event) -> Self {
        let claim = event.claim.as_ref().expect("long enough to be read");
        Self {
            numbers: [claim.source_offset, claim.target_offset, claim.byte_count],
            size: claim.ex_size,
            flags: claim.ex_flags,
            rules: event.end.rules.iter().map(|rule| rule.id).collect(),
            source: event.source.text.clone(),
        }
    }

    /// Each number that is told is the one that was judged. Also one of which half had been written.
    fn holds_together(&self) -> bool {
        let fired = |rule| self.rules.contains(&rule);
        let [source, target, count] = self.numbers;
        fired(10) == (source < 0)
            && fired(11) == (target < 0)
            && fired(12) == (count < 0)
            && fired(3) == (self.size != Some(0x30))
            && fired(30) == self.flags.is_some_and(|flags| flags & 0x8000_0000 != 0)
    }
}

/// Looks at the request with the bad one written over the good one behind so many instructions, and between `low` and
/// `high` wherever that made a difference; answers how often it looked.
fn search(
    look: &impl Fn(u64) -> Look,
    (low, first): (u64, &Look),
    (high, last): (u64, &Look),
) -> u32 {
    if high - low <= 1 || first == last {
        return 0;
    }
    let middle = low.midpoint(high);
    let found = look(middle);
    1 + search(look, (low, first), (middle, &found)) + search(look, (middle, &found), (high, last))
}

#[test]
fn what_is_judged_is_what_is_recorded_whenever_the_input_is_rewritten() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread: &UserThread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let look = |behind| {
            let rewrite = Rewrite {
                driver: SERVICE.to_owned(),
                behind,
                input: bad(target).bytes(),
            };
            let options = RequestOptions::default().rewritten(rewrite);
            send(thread, target, &good(source), options);
            let events = bench.events();
            let look = Look::of(events.last().expect("a record"));
            assert!(
                look.holds_together(),
                "with the input rewritten behind {behind} instructions: {look:?}"
            );
            look
        };
        // The filter is attached before.
        send(thread, target, &good(source), RequestOptions::default());
        let (first, last) = (look(0), look(ALL));
        let named = |look: &Look, name| {
            look.source
                .as_ref()
                .is_some_and(|told| told.ends_with(name))
        };
        assert!(named(&first, r"\Target.bin") && named(&last, r"\Source.bin"));
        assert_eq!(first.rules, [3, 10, 11, 12, 30]);
        assert!(last.rules.is_empty(), "{last:?}");
        let looks = search(&look, (0, &first), (ALL, &last));
        // As many as it takes to find one instruction.
        assert!(looks >= ALL.ilog2(), "{looks}");
        close(thread, &[source, target]);
    });
    bench.end();
}
