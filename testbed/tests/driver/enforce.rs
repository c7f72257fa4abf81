//! Enforce mode: what the file system would refuse is refused before it, with the same status; what it
//! would answer otherwise is left to it.

use cloneguard::{Entry, Event};
use testbed::fltmgr::Callback;
use testbed::io::{Handle, IoStatus, RequestOptions, VolumeId};
use testbed::status::{
    NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_MEDIA_WRITE_PROTECTED, STATUS_NOT_SUPPORTED,
    STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS,
};
use testbed::volume::{FILE_GENERIC_READ, FILE_READ_ATTRIBUTES};
use testbed::{ProcessSpec, UserThread};
use wire::{OutcomeKind, PolicyEvent, Verdict};

use super::blob::Blob;
use super::watch::requests;
use super::{Ask, Bench, COPY, close, send, two_files};

/// A request that is spoiled in one place, sent under a policy on a volume.
struct Trial {
    blob: Blob,
    volume: fn(&Bench) -> VolumeId,
    narrow: bool,
    spoil: fn(&mut Ask),
}

impl Trial {
    fn new(spoil: fn(&mut Ask)) -> Self {
        Self {
            blob: Blob::ENFORCE,
            volume: |bench| bench.refs,
            narrow: false,
            spoil,
        }
    }

    /// The answer and the record; `None` without an image.
    fn run(&self) -> Option<(IoStatus, Event)> {
        let bench = Bench::under(&self.blob)?;
        let volume = (self.volume)(&bench);
        let spec = ProcessSpec::user(COPY);
        let spec = if self.narrow { spec.bitness32() } else { spec };
        let caller = bench.machine.create_process(spec);
        let answer = caller.run(|thread| {
            let (source, target) = two_files(thread, volume, 16);
            let mut ask = Ask {
                narrow: self.narrow,
                ..Ask::plain(source)
            };
            (self.spoil)(&mut ask);
            protect(&bench, volume, true);
            let answer = send(thread, target, &ask, RequestOptions::default());
            protect(&bench, volume, false);
            close(thread, &[source, target]);
            answer
        });
        let event = only(applied(&bench.entries()));
        bench.end();
        Some((answer, event))
    }

    /// The driver refuses, with this status and by this rule.
    fn refused(&self, status: NtStatus, rule: u8) {
        let Some((answer, event)) = self.run() else {
            return;
        };
        assert_eq!((answer.status, answer.information), (status, 0));
        assert_eq!(
            (event.end.verdict, event.end.outcome),
            (Verdict::Refused, OutcomeKind::Refused)
        );
        assert_eq!(
            event.end.deciding_rule.as_ref().map(|rule| rule.id),
            Some(rule)
        );
        for recorded in [event.end.status, event.refusal] {
            assert_eq!(recorded.map(|status| status.code()), Some(status.0));
        }
        assert!(event.grounds.iter().any(|ground| ground.id == rule));
        assert_eq!(event.policy.revision, Blob::ENFORCE.revision);
    }

    /// The file system answers, and the rule is only noted.
    fn passed(&self, status: NtStatus, rules: &[u8]) {
        let Some((answer, event)) = self.run() else {
            return;
        };
        assert_eq!(answer.status, status);
        assert_eq!(
            (event.end.verdict, event.end.outcome),
            (Verdict::Flagged, OutcomeKind::Completed)
        );
        let fired: Vec<u8> = event.end.rules.iter().map(|rule| rule.id).collect();
        assert_eq!((fired.as_slice(), event.grounds.len()), (rules, 0));
        assert_eq!(event.refusal, None);
    }
}

/// Makes the volume read-only while the request is sent, if it is the one that is for that.
fn protect(bench: &Bench, volume: VolumeId, read_only: bool) {
    if volume == bench.other {
        let mounted = bench.machine.io().volume(volume).expect("mounted");
        mounted.file_system().set_read_only(read_only);
    }
}

/// The requests. Before all of them stands that the policy was applied, which the driver says after that it was loaded.
pub(crate) fn applied(entries: &[Entry]) -> Vec<Event> {
    let [Entry::Started(_), Entry::Policy(policy), rest @ ..] = entries else {
        panic!("{entries:?}")
    };
    assert_eq!(policy.event, PolicyEvent::Applied);
    requests(rest)
}

pub(crate) fn only(events: Vec<Event>) -> Event {
    let count = events.len();
    let [event] = <[Event; 1]>::try_from(events).unwrap_or_else(|_| panic!("{count} events"));
    event
}

type Spoil = fn(&mut Ask);

/// Malformed in one place: status and deciding rule.
const MALFORMED: &[(NtStatus, u8, Spoil)] = &[
    (STATUS_BUFFER_TOO_SMALL, 1, |ask| ask.cut = 1),
    (STATUS_INVALID_PARAMETER, 20, |ask| ask.source = 512),
    (STATUS_INVALID_PARAMETER, 21, |ask| ask.target = 1),
    (STATUS_INVALID_PARAMETER, 22, |ask| ask.count = 4095),
    (STATUS_INVALID_PARAMETER, 10, |ask| ask.source = -4096),
    (STATUS_INVALID_PARAMETER, 11, |ask| ask.target = -4096),
    (STATUS_INVALID_PARAMETER, 12, |ask| ask.count = -4096),
    (STATUS_INVALID_PARAMETER, 13, |ask| {
        ask.source = i64::MAX - 4095
    }),
    (STATUS_INVALID_PARAMETER, 14, |ask| {
        ask.target = i64::MAX - 4095
    }),
];

#[test]
fn malformed_requests_are_refused_with_the_documented_status() {
    for (status, rule, spoil) in MALFORMED {
        Trial::new(*spoil).refused(*status, *rule);
    }
    let size = |ask: &mut Ask| (ask.code, ask.size) = (super::EX, Some(0x28));
    Trial::new(size).refused(STATUS_NOT_SUPPORTED, 3);
}

#[test]
fn a_volume_that_does_not_clone_answers_for_itself() {
    for (_, rule, spoil) in MALFORMED {
        let mut trial = Trial::new(*spoil);
        trial.volume = |bench| bench.ntfs;
        let Some((answer, event)) = trial.run() else {
            return;
        };
        assert_eq!(answer.status, STATUS_INVALID_DEVICE_REQUEST, "rule {rule}");
        assert_eq!(
            (event.end.verdict, event.grounds.len()),
            (Verdict::Flagged, 0)
        );
    }
}

#[test]
fn a_volume_that_became_read_only_answers_for_itself() {
    // The structure comes before the protection (MS-FSA 2.1.5.10.4), the numbers after it.
    let mut short = Trial::new(|ask| ask.cut = 1);
    short.volume = |bench| bench.other;
    short.refused(STATUS_BUFFER_TOO_SMALL, 1);
    let mut unaligned = Trial::new(|ask| ask.count = 0x8000);
    unaligned.volume = |bench| bench.other;
    unaligned.passed(STATUS_MEDIA_WRITE_PROTECTED, &[22]);
}

#[test]
fn a_count_of_zero_is_left_to_the_file_system() {
    Trial::new(|ask| (ask.source, ask.count) = (512, 0))
        .passed(STATUS_INVALID_PARAMETER, &[16, 20]);
    Trial::new(|ask| ask.count = 0).passed(STATUS_SUCCESS, &[16]);
}

#[test]
fn what_the_ex_structure_of_a_32_bit_program_holds_is_left_to_the_file_system() {
    let mut trial = Trial::new(|ask| (ask.code, ask.source) = (super::EX, 512));
    trial.narrow = true;
    trial.passed(STATUS_INVALID_PARAMETER, &[20]);
    let mut trial = Trial::new(|ask| (ask.code, ask.size) = (super::EX, Some(0x30)));
    trial.narrow = true;
    trial.passed(STATUS_NOT_SUPPORTED, &[3]);
    // Its plain structure has the same numbers at the same places as the 64-bit one.
    let mut trial = Trial::new(|ask| ask.source = 512);
    trial.narrow = true;
    trial.refused(STATUS_INVALID_PARAMETER, 20);
}

#[test]
fn a_good_request_is_cloned() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    bench
        .copy
        .run(|thread| super::clone_once(thread, bench.refs));
    let event = only(applied(&bench.entries()));
    assert_eq!((event.end.verdict, event.refusal), (Verdict::Passed, None));
    bench.end();
}

/// What a strict rule looks at, and the statuses without and with the rule in the list.
fn strict(
    enforced: &'static [u8],
    make: fn(&UserThread, &Bench, Handle) -> Handle,
) -> Option<(NtStatus, Event)> {
    let blob = Blob {
        enforced,
        ..Blob::ENFORCE
    };
    let bench = Bench::under(&blob)?;
    let answer = bench.copy.run(|thread| {
        let (good, target) = two_files(thread, bench.refs, 16);
        let source = make(thread, &bench, good);
        let answer = send(
            thread,
            target,
            &Ask::plain(source),
            RequestOptions::default(),
        );
        for handle in [good, source, target] {
            // Some are the same, some never were one.
            let _closed = thread.close(handle);
        }
        answer
    });
    let event = only(applied(&bench.entries()));
    bench.end();
    Some((answer.status, event))
}

/// What breaks one strict rule, and the status without and with the rule in the list.
struct StrictCase {
    rule: u8,
    noted: NtStatus,
    refused: NtStatus,
    make: fn(&UserThread, &Bench, Handle) -> Handle,
}

static STRICT: [StrictCase; 4] = [
    StrictCase {
        rule: 40,
        noted: STATUS_INVALID_HANDLE,
        refused: STATUS_INVALID_HANDLE,
        make: |_, _, _| Handle(0),
    },
    StrictCase {
        rule: 41,
        noted: STATUS_OBJECT_TYPE_MISMATCH,
        refused: STATUS_INVALID_PARAMETER,
        make: |thread, _, _| thread.create_event(),
    },
    StrictCase {
        rule: 42,
        noted: STATUS_INVALID_PARAMETER,
        refused: STATUS_INVALID_PARAMETER,
        make: |thread, bench, _| {
            let (source, target) = two_files(thread, bench.other, 16);
            close(thread, &[target]);
            source
        },
    },
    StrictCase {
        rule: 43,
        noted: STATUS_INVALID_PARAMETER,
        refused: STATUS_INVALID_PARAMETER,
        make: |thread, _, good| {
            let blind = thread.duplicate_handle(good, Some(FILE_READ_ATTRIBUTES));
            blind.expect("duplicated")
        },
    },
];

#[test]
fn a_strict_rule_refuses_exactly_when_it_is_listed() {
    for case in &STRICT {
        let rule = case.rule;
        let Some((status, event)) = strict(&[], case.make) else {
            return;
        };
        let came = (status, event.end.verdict);
        assert_eq!(came, (case.noted, Verdict::Flagged), "rule {rule}");
        let grounds: Vec<_> = event.grounds.iter().map(|rule| rule.id).collect();
        assert_eq!(grounds, [rule]);
        let listed = std::slice::from_ref(&case.rule);
        let (status, event) = strict(listed, case.make).expect("an image");
        let came = (status, event.end.verdict);
        assert_eq!(came, (case.refused, Verdict::Refused), "rule {rule}");
        assert_eq!(event.end.outcome, OutcomeKind::Refused);
    }
}

#[test]
fn strict_rules_that_are_listed_let_a_good_source_pass() {
    let made = strict(&[40, 41, 42, 43], |thread, _, good| {
        let whole = thread.duplicate_handle(good, Some(FILE_GENERIC_READ));
        whole.expect("duplicated")
    });
    let Some((status, event)) = made else {
        return;
    };
    assert_eq!(
        (status, event.end.verdict),
        (STATUS_SUCCESS, Verdict::Passed)
    );
}

#[test]
fn observe_mode_says_what_enforce_mode_would_do() {
    let blob = Blob {
        mode: wire::policy::PolicyMode::Observe,
        enforced: &[42],
        ..Blob::ENFORCE
    };
    let trial = Trial {
        blob,
        ..Trial::new(|ask| ask.source = 512)
    };
    let Some((answer, event)) = trial.run() else {
        return;
    };
    assert_eq!(answer.status, STATUS_INVALID_PARAMETER);
    assert_eq!(
        (event.end.verdict, event.end.outcome),
        (Verdict::WouldRefuse, OutcomeKind::Completed)
    );
    let refusal = event.refusal.map(|status| status.code());
    assert_eq!(refusal, Some(STATUS_INVALID_PARAMETER.0));
}

#[test]
fn a_refused_request_ends_with_the_driver_and_is_counted() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    let volume = bench.refs;
    bench.machine.filter_manager().start_trace();
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume, 16);
        let ask = Ask {
            source: 512,
            ..Ask::plain(source)
        };
        let answer = send(thread, target, &ask, RequestOptions::default());
        assert_eq!(answer.status, STATUS_INVALID_PARAMETER);
        close(thread, &[source, target]);
    });
    let trace = bench.machine.filter_manager().take_trace();
    let count = |callback| {
        trace
            .iter()
            .filter(|entry| entry.callback == callback)
            .count()
    };
    assert_eq!((count(Callback::Pre), count(Callback::Post)), (1, 0));
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let counters = watcher.drain().counters;
    let counts = [
        counters.seen,
        counters.refused,
        counters.completed,
        counters.failed,
    ];
    assert_eq!(counts.map(|count| count.get()), [1, 1, 0, 0]);
    drop(watcher);
    bench.end();
}
