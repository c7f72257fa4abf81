//! Programs come to the port and go while others do.

use std::sync::Arc;

use cloneguard::{Consumer, Entry};
use testbed::fltmgr::PortClient;
use testbed::status::STATUS_CONNECTION_COUNT_LIMIT;
use testbed::{Held, NtStatus, Process};
use wire::{ConnectRequest, ConsumerEvent, StatusReport};
use zerocopy::IntoBytes as _;

use super::super::Bench;
use super::super::watch::{PORT, Watcher};
use super::{Kept, alone, everywhere, places};

/// A program at the port.
struct Program(Arc<Process>);

type Answer = Result<PortClient, NtStatus>;

impl Program {
    fn new(bench: &Bench) -> Self {
        Self(bench.administrator())
    }

    fn id(&self) -> u32 {
        u32::try_from(self.0.id()).expect("small")
    }

    fn knock(&self, request: &ConnectRequest) -> Answer {
        self.0.run(|thread| {
            let machine = thread.machine();
            machine.connect_port(thread, PORT, request.as_bytes())
        })
    }

    /// Wants the records.
    fn watch(&self) -> Answer {
        self.knock(&ConnectRequest::watch([0; 16], 0))
    }

    /// Wants to be told how things stand.
    fn ask(&self) -> Answer {
        self.knock(&ConnectRequest::status())
    }

    /// Wants the policy to be read again.
    fn reload(&self) -> Answer {
        self.knock(&ConnectRequest::reload())
    }

    /// Who wants the records came and went, or was turned away, as `answer` says.
    fn story(&self, answer: &Answer) -> Vec<(u32, ConsumerEvent)> {
        let story = match answer {
            Ok(_) => vec![ConsumerEvent::Connected, ConsumerEvent::Lost],
            Err(status) => {
                assert_eq!(*status, STATUS_CONNECTION_COUNT_LIMIT);
                vec![ConsumerEvent::Refused]
            }
        };
        story.into_iter().map(|event| (self.id(), event)).collect()
    }
}

/// Comes when the others have gone, for which there must be a place, and learns who came and went.
struct Successor(Program);

impl Successor {
    fn changes(&self, bench: &Bench) -> Vec<(u32, ConsumerEvent)> {
        // Programs may be told of again.
        bench.pass(60);
        let port = self.0.watch().expect("a place is free");
        let mut watcher = Watcher {
            port,
            consumer: Consumer::new(),
        };
        let entries = watcher.drain().entries;
        let changes = entries.iter().filter_map(|entry| match entry {
            Entry::Consumer(change) => Some((change.process_id?, change.event)),
            _ => None,
        });
        changes.filter(|(id, _)| *id != self.0.id()).collect()
    }
}

/// The same with what each program did together, in its order.
fn by_program(mut changes: Vec<(u32, ConsumerEvent)>) -> Vec<(u32, ConsumerEvent)> {
    changes.sort_by_key(|(id, _)| *id);
    changes
}

/// Of those that come beside each other, or beside one that is there, one is turned away.
fn one_is_refused(answers: &[&Answer]) {
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let refused: Vec<_> = refused.copied().collect();
    assert_eq!(refused, [STATUS_CONNECTION_COUNT_LIMIT]);
}

/// Whoever is let in is greeted.
fn check_greeting(bench: &Bench, answer: &Answer) {
    bench.machine.wait_until_idle();
    let greeting = answer.as_ref().map(PortClient::poll_message);
    assert!(!matches!(greeting, Ok(Ok(None))), "nothing was sent");
}

#[test]
fn of_two_consumers_one_is_refused() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let [left, right, third] = [(); 3].map(|()| Program::new(&bench));
        let third = Successor(third);
        let places = places(&bench, Held::Caller, || {
            drop(left.watch().expect("let in"));
        });
        third.changes(&bench);
        let check = |first: Answer, second: Answer| {
            one_is_refused(&[&first, &second]);
            check_greeting(&bench, &first);
            check_greeting(&bench, &second);
            let expected = [left.story(&first), right.story(&second)].concat();
            drop((first, second));
            assert_eq!(by_program(third.changes(&bench)), by_program(expected));
        };
        everywhere(&bench, &places, || left.watch(), || right.watch(), check);
        bench.end();
    });
}

/// A consumer goes and another one comes; whose work is interrupted is another thing.
struct Change {
    bench: Bench,
    old: Program,
    port: Kept<PortClient>,
    new: Program,
    third: Successor,
}

impl Change {
    fn prepare() -> Option<Self> {
        let bench = Bench::still()?;
        let change = Self {
            old: Program::new(&bench),
            new: Program::new(&bench),
            third: Successor(Program::new(&bench)),
            port: Kept::none(),
            bench,
        };
        change.begin();
        Some(change)
    }

    fn begin(&self) {
        self.port.put(self.old.watch().expect("let in"));
    }

    fn go(&self) {
        self.port.take().close();
    }

    /// The new one has the place or not, and if it has, the old one was gone.
    fn check(&self, answer: Answer) {
        if answer.is_ok() {
            one_is_refused(&[&answer, &self.third.0.watch()]);
            check_greeting(&self.bench, &answer);
        }
        let came = [ConsumerEvent::Connected, ConsumerEvent::Lost];
        let old = came.map(|event| (self.old.id(), event));
        let expected = [old.to_vec(), self.new.story(&answer)].concat();
        let is_in = answer.is_ok();
        drop(answer);
        let told = self.third.changes(&self.bench);
        if is_in {
            assert_eq!(told, expected, "one after the other");
        } else {
            assert_eq!(by_program(told), by_program(expected));
        }
        self.begin();
    }

    fn end(self) {
        self.go();
        self.bench.end();
    }
}

#[test]
fn a_consumer_comes_while_another_goes() {
    alone(|| {
        let Some(change) = Change::prepare() else {
            return;
        };
        let places = places(&change.bench, Held::Caller, || {
            one_is_refused(&[&change.new.watch()]);
        });
        change.go();
        change.third.changes(&change.bench);
        change.begin();
        let (come, go) = (|| change.new.watch(), || change.go());
        let check = |answer, ()| change.check(answer);
        everywhere(&change.bench, &places, come, go, check);
        change.end();
    });
}

#[test]
fn a_consumer_goes_while_another_comes() {
    alone(|| {
        let Some(change) = Change::prepare() else {
            return;
        };
        let places = places(&change.bench, Held::Caller, || change.go());
        change.third.changes(&change.bench);
        change.begin();
        let (go, come) = (|| change.go(), || change.new.watch());
        let check = |(), answer| change.check(answer);
        everywhere(&change.bench, &places, go, come, check);
        change.end();
    });
}

/// How many visitors are let in beside those that are there.
fn free_places(visitor: &Program) -> usize {
    let let_in: Vec<_> = std::iter::from_fn(|| visitor.reload().ok()).collect();
    assert_eq!(visitor.reload().err(), Some(STATUS_CONNECTION_COUNT_LIMIT));
    let_in.len()
}

/// Those who ask are told, one after the other.
fn are_told(bench: &Bench, askers: &[&PortClient]) {
    let mut waiting = askers.to_vec();
    for _ in askers {
        bench.machine.wait_until_idle();
        waiting.retain(|asker| {
            let Some(message) = asker.poll_message().expect("connected") else {
                return true;
            };
            StatusReport::parse(&message.body).expect("a report");
            false
        });
    }
    assert_eq!(waiting.len(), 0, "they are not told");
}

#[test]
fn of_two_visitors_one_gets_the_last_place() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let [left, right, others] = [(); 3].map(|()| Program::new(&bench));
        let there = [(); 2].map(|()| others.reload().expect("let in"));
        let places = places(&bench, Held::Caller, || {
            are_told(&bench, &[&left.ask().expect("let in")]);
        });
        let check = |first: Answer, second: Answer| {
            one_is_refused(&[&first, &second]);
            if let Ok(asker) = &first {
                are_told(&bench, &[asker]);
            }
            drop((first, second));
            assert_eq!(free_places(&others), 1);
        };
        everywhere(&bench, &places, || left.ask(), || right.reload(), check);
        drop(there);
        bench.end();
    });
}

#[test]
fn two_who_ask_are_both_told() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let [left, right] = [(); 2].map(|()| Program::new(&bench));
        let places = places(&bench, Held::Caller, || {
            are_told(&bench, &[&left.ask().expect("let in")]);
        });
        let check = |first: Answer, second: Answer| {
            let both = [first, second].map(|answer| answer.expect("let in"));
            are_told(&bench, &both.each_ref());
            drop(both);
            assert_eq!(free_places(&left), 3);
        };
        everywhere(&bench, &places, || left.ask(), || right.ask(), check);
        bench.end();
    });
}

/// The thread is held that tells, when who has asked has gone and another one has its place.
#[test]
fn who_asks_in_anothers_place_is_told() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let [left, right] = [(); 2].map(|()| Program::new(&bench));
        let there = Kept::none();
        let first = || {
            there.put(left.ask().expect("let in"));
            bench.machine.wait_until_idle();
        };
        let places = places(&bench, Held::Worker, first);
        drop(there.take_any());
        let second = || {
            // It may not have come quite yet.
            drop(there.take_any());
            right.ask()
        };
        let check = |(), answer: Answer| {
            drop(there.take_any());
            are_told(&bench, &[&answer.expect("let in")]);
        };
        everywhere(&bench, &places, first, second, check);
        bench.end();
    });
}

#[test]
fn a_visitor_goes_while_another_comes() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let [left, right] = [(); 2].map(|()| Program::new(&bench));
        let there = [(); 2].map(|()| left.reload().expect("let in"));
        let goes = Kept::none();
        let begin = || goes.put(left.reload().expect("let in"));
        begin();
        let places = places(&bench, Held::Caller, || goes.take().close());
        begin();
        let check = |(), answer: Answer| {
            let taken = answer.iter().count();
            assert_eq!(free_places(&left), 1 - taken);
            drop(answer);
            assert_eq!(free_places(&left), 1);
            begin();
        };
        let go = || goes.take().close();
        everywhere(&bench, &places, go, || right.ask(), check);
        drop((there, goes));
        bench.end();
    });
}
