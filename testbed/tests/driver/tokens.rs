//! What tokens say, and how often they are asked: a token that nobody has changed need not be asked again.

use std::sync::Arc;

use cloneguard::Event;
use testbed::ntos::token::Token;
use testbed::{Process, ProcessSpec};

use super::{Bench, OTHER, SERVICE, USER, clone_once};

/// The calls that ask a token.
const ASK: &str = "SeQueryInformationToken";

/// Clones once, and answers with how many questions that took.
fn questions(bench: &Bench, process: &Arc<Process>) -> u64 {
    process.run(|thread| count(bench, || clone_once(thread, bench.refs)))
}

/// The questions that a clone takes.
fn count(bench: &Bench, clone: impl FnOnce()) -> u64 {
    let ((), cost) = bench.machine.cost_of(SERVICE, clone);
    cost.calls.get(ASK).copied().unwrap_or(0)
}

/// What the record of a request says of the token it was made with.
fn told(event: &Event) -> (Option<u32>, Option<u32>, Option<bool>, Option<&str>) {
    let process = &event.process;
    (
        process.session_id,
        process.integrity_level.as_ref().map(|level| level.0),
        process.elevated,
        event.users.user_sid.as_deref(),
    )
}

#[test]
fn a_token_is_asked_everything_once_and_then_only_whether_it_was_changed() {
    let Some(bench) = Bench::start() else {
        return;
    };
    assert_eq!(questions(&bench, &bench.copy), 5);
    for _ in 0..3 {
        assert_eq!(questions(&bench, &bench.copy), 1);
    }
    let events = bench.events();
    let [first, others @ ..] = events.as_slice() else {
        panic!("no event")
    };
    assert_eq!(
        told(first),
        (Some(1), Some(0x2000), Some(false), Some(USER))
    );
    for event in others {
        assert_eq!(told(event), told(first));
        assert_eq!(event.process.logon_id, first.process.logon_id);
        assert_eq!(event.users, first.users);
    }
    bench.end();
}

#[test]
fn of_a_token_that_was_changed_the_record_says_what_it_says_now() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let copy = &bench.copy;
    questions(&bench, copy);
    copy.modify_token(|token| (token.session, token.integrity) = (4, 0x1000));
    assert_eq!(questions(&bench, copy), 5);
    assert_eq!(questions(&bench, copy), 1);
    copy.modify_token(|token| token.elevated = true);
    assert_eq!(questions(&bench, copy), 5);
    let events = bench.events();
    let expected = [
        (Some(1), Some(0x2000), Some(false), Some(USER)),
        (Some(4), Some(0x1000), Some(false), Some(USER)),
        (Some(4), Some(0x1000), Some(false), Some(USER)),
        (Some(4), Some(0x1000), Some(true), Some(USER)),
    ];
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), expected);
    bench.end();
}

/// A client's token is asked each time, and what the server's own said is not taken for it, nor the other way round.
#[test]
fn the_token_of_a_client_is_asked_each_time() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let token = Token {
        session: 7,
        integrity: 0x1000,
        ..Token::of(OTHER)
    };
    let whom = bench.client(token, 2);
    questions(&bench, &bench.copy);
    for _ in 0..2 {
        let asked = bench.copy.run(|thread| {
            let clone = || thread.impersonate(whom, || clone_once(thread, bench.refs));
            count(&bench, clone)
        });
        assert_eq!(asked, 6, "the user of the process as well");
    }
    assert_eq!(questions(&bench, &bench.copy), 1);
    let own = (Some(1), Some(0x2000), Some(false), Some(USER));
    let clients = (Some(7), Some(0x1000), Some(false), Some(OTHER));
    let events = bench.events();
    let expected = [own, clients, clients, own];
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), expected);
    bench.end();
}

/// Two processes of one user have tokens of their own, which need not say the same.
#[test]
fn each_process_has_its_own() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let token = Token {
        session: 9,
        ..Token::of(USER)
    };
    let other = bench
        .machine
        .create_process(ProcessSpec::user(super::COPY).token(token));
    for process in [&bench.copy, &other, &bench.copy, &other] {
        questions(&bench, process);
    }
    let sessions = bench.events();
    let sessions: Vec<_> = sessions
        .iter()
        .map(|event| event.process.session_id)
        .collect();
    assert_eq!(sessions, [Some(1), Some(9), Some(1), Some(9)]);
    bench.end();
}
