//! The policy is exchanged under load: each request is judged by one policy, the one that its record names.

use cloneguard::{Consumer, Entry, Event};
use testbed::UserThread;
use testbed::io::{Handle, RequestOptions};
use testbed::status::{NtStatus, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use wire::policy::PolicyMode;
use wire::{ConnectRequest, OutcomeKind, PolicyEvent, Verdict};
use zerocopy::IntoBytes as _;

use super::super::blob::Blob;
use super::super::watch::{Watcher, requests};
use super::super::{Ask, Bench, close, send, two_files};
use super::{Race, Racer, joined, program, race, rest, rounds};

/// The policies that take turns: what each makes of a request is another thing.
const POLICIES: [Blob; 3] = [
    Blob::ENFORCE,
    Blob::OBSERVE,
    Blob {
        enforced: &[42],
        rechecks: true,
        ..Blob::ENFORCE
    },
];
/// Policies of a round: fewer than the reloads of which records tell in a minute.
const RELOADS: u64 = 24;
const WORKERS: usize = 4;
/// Requests under each policy, more or less.
const REQUESTS: u64 = 16;

/// The policy of a revision.
pub(in super::super) fn policy(revision: u64) -> Blob {
    let number = usize::try_from(revision % 3).expect("small");
    Blob {
        revision,
        ..POLICIES[number]
    }
}

/// What a worker sends in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Good,
    /// Rule 22, definite.
    Unaligned,
    /// Rule 42, strict: enforced if the policy lists it.
    OtherVolume,
}

const KINDS: [Kind; 3] = [Kind::Good, Kind::Unaligned, Kind::OtherVolume];

impl Kind {
    fn ask(self, source: Handle, elsewhere: Handle) -> Ask {
        let good = Ask::plain(source);
        match self {
            Self::Good => good,
            Self::Unaligned => Ask { count: 512, ..good },
            Self::OtherVolume => Ask::plain(elsewhere),
        }
    }

    /// The status, whoever gives it.
    fn status(self) -> NtStatus {
        match self {
            Self::Good => STATUS_SUCCESS,
            Self::Unaligned | Self::OtherVolume => STATUS_INVALID_PARAMETER,
        }
    }

    /// By its record.
    fn of(event: &Event) -> Self {
        let claim = event.claim.as_ref().expect("read");
        match (event.source_state.as_str(), claim.byte_count) {
            ("same_volume", 4096) => Self::Good,
            ("same_volume", 512) => Self::Unaligned,
            ("other_volume", 4096) => Self::OtherVolume,
            other => panic!("{other:?}"),
        }
    }
}

/// Verdict, outcome and second look are those of the policy that the record names.
pub(in super::super) fn check(event: &Event) {
    let kind = Kind::of(event);
    let policy = policy(event.policy.revision);
    let enforces = policy.mode == PolicyMode::Enforce;
    let verdict = match kind {
        Kind::Good => Verdict::Passed,
        Kind::Unaligned if enforces => Verdict::Refused,
        Kind::Unaligned => Verdict::WouldRefuse,
        Kind::OtherVolume if enforces && policy.enforced.contains(&42) => Verdict::Refused,
        Kind::OtherVolume => Verdict::Flagged,
    };
    let outcome = if verdict == Verdict::Refused {
        OutcomeKind::Refused
    } else {
        OutcomeKind::Completed
    };
    let after = if policy.rechecks && verdict != Verdict::Refused {
        "same"
    } else {
        "unasked"
    };
    let end = &event.end;
    let status = kind.status();
    assert_eq!(end.status.map(|status| status.code()), Some(status.0));
    let told = (end.verdict, end.outcome, end.source_after.as_str());
    assert_eq!(told, (verdict, outcome, after), "{kind:?} under {policy:?}");
}

/// Sends one of each kind in turn; the answers.
fn work(racer: &Racer<'_>, thread: &UserThread, bench: &Bench) -> (u32, Vec<NtStatus>) {
    let (source, target) = two_files(thread, bench.refs, 16);
    let path = format!(r"\elsewhere {}", thread.thread().id());
    let request = OpenRequest::create(FILE_GENERIC_READ | FILE_GENERIC_WRITE);
    let elsewhere = thread.create_file(bench.other, &path, &request);
    let elsewhere = elsewhere.expect("created");
    thread.write(elsewhere, 0, &[7; 0x1_0000]).expect("written");
    racer.prepared();
    let mut answers = Vec::new();
    for kind in KINDS.iter().cycle() {
        if !racer.turn() {
            break;
        }
        let ask = kind.ask(source, elsewhere);
        let answer = send(thread, target, &ask, RequestOptions::default());
        answers.push(answer.status);
        racer.count();
    }
    close(thread, &[source, target, elsewhere]);
    let id = u32::try_from(thread.thread().id()).expect("small");
    (id, answers)
}

/// Puts the policy into force and takes the records until one says so.
fn reload(race: &Race, bench: &Bench, watcher: &mut Watcher, revision: u64) -> Vec<Entry> {
    bench.store(policy(revision).bytes());
    let visitor = bench.connect(ConnectRequest::reload().as_bytes());
    drop(visitor.expect("let in"));
    let mut entries = Vec::new();
    loop {
        let Some(taken) = watcher.poll() else {
            race.pause();
            continue;
        };
        watcher.acknowledge(&taken);
        let told = taken.entries.iter().find_map(|entry| match entry {
            Entry::Policy(change) => Some((change.event, change.policy_revision)),
            _ => None,
        });
        entries.extend(taken.entries);
        if let Some(told) = told {
            assert_eq!(told, (PolicyEvent::Applied, revision));
            return entries;
        }
    }
}

/// Some requests under each policy, and some that a change overtakes.
fn round(bench: &Bench, mut watcher: Watcher, number: u64) -> (Watcher, Vec<Event>) {
    let race = race("policies under load", number);
    race.run(|scope| {
        let workers = (0..WORKERS).map(|number| {
            let name = format!("worker-{number}");
            let program = program(bench, &name);
            race.start(scope, &name, move |racer| {
                let work = program.run(|thread| work(racer, thread, bench));
                program.exit();
                work
            })
        });
        let workers: Vec<_> = workers.collect();
        race.wait_for_workers(WORKERS);
        let mut entries = Vec::new();
        for (step, revision) in (0..).zip(revisions(number)) {
            race.stage(format_args!("policy {revision}"));
            entries.extend(reload(&race, bench, &mut watcher, revision));
            race.allow((step + 1) * REQUESTS);
            // More than may have begun before: some have begun under this policy.
            race.wait_for(step * REQUESTS + REQUESTS * 3 / 4, || {
                if let Some(taken) = watcher.poll() {
                    watcher.acknowledge(&taken);
                    entries.extend(taken.entries);
                }
            });
        }
        race.end();
        let work: Vec<_> = workers.into_iter().map(joined).collect();
        race.stage("the records");
        let (watcher, drained) = rest(bench, watcher);
        entries.extend(drained.entries);
        let events = requests(&entries);
        assert_eq!(events.len() as u64, race.answered(), "a record of each");
        check_answers(&events, &work);
        (watcher, events)
    })
}

/// The policies of a round; the first of all is there from the beginning.
fn revisions(round: u64) -> std::ops::Range<u64> {
    let first = 2 + round * RELOADS;
    first..first + RELOADS
}

/// Callers were told what is on record.
fn check_answers(events: &[Event], work: &[(u32, Vec<NtStatus>)]) {
    for (id, answers) in work {
        let own = events
            .iter()
            .filter(|event| event.process.thread_id == Some(*id));
        let recorded: Vec<_> = own
            .map(|event| event.end.status.map(|status| status.code()))
            .collect();
        let told: Vec<_> = answers.iter().map(|status| Some(status.0)).collect();
        assert_eq!(recorded, told, "thread {id}");
    }
}

#[test]
fn each_request_is_judged_by_the_policy_that_its_record_names() {
    let Some(bench) = Bench::still_under(&policy(1)) else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    watcher.drain();
    for number in 0..rounds() {
        let (same, events) = round(&bench, watcher, number);
        watcher = same;
        for event in &events {
            check(event);
        }
        for revision in revisions(number) {
            let of_it = |event: &&Event| event.policy.revision == revision;
            assert!(
                events.iter().any(|event| of_it(&event)),
                "policy {revision}"
            );
        }
        // Records may tell of reloads again.
        bench.pass(60);
    }
    drop(watcher);
    bench.end();
}
