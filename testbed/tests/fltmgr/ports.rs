//! Ports: connecting, messages with replies, and the ways in which a connection ends.

use testbed::fltmgr::{Callback, PortClient};
use testbed::ntos::token::Token;
use testbed::status::{
    STATUS_ACCESS_DENIED, STATUS_CONNECTION_COUNT_LIMIT, STATUS_FLT_NO_WAITER_FOR_REPLY,
    STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};
use testbed::{NtStatus, ProcessSpec, UserThread};

use super::{Bench, clone_once};

const PORT: &str = r"\TestPort";

fn connect(thread: &UserThread, context: &[u8]) -> Result<PortClient, NtStatus> {
    thread.machine().connect_port(thread, PORT, context)
}

/// A process whose user may connect.
fn administrator() -> ProcessSpec {
    let token = Token {
        integrity: 0x3000,
        ..Token::of("S-1-5-21-1-2-3-500")
    };
    ProcessSpec::user(r"\Device\HarddiskVolume1\tool.exe").token(token)
}

#[test]
fn only_administrators_connect_up_to_the_limit() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let refused = bench.copy.run(|thread| connect(thread, &[1, 2, 3]).err());
    assert_eq!(refused, Some(STATUS_ACCESS_DENIED));
    let tool = bench.machine.create_process(administrator());
    tool.run(|thread| {
        let missing = thread.machine().connect_port(thread, r"\NoPort", &[]);
        assert_eq!(missing.err(), Some(STATUS_OBJECT_NAME_NOT_FOUND));
        assert_eq!(
            connect(thread, &[13]).err(),
            Some(STATUS_ACCESS_DENIED),
            "the driver refuses"
        );
        let client = connect(thread, &[1, 2, 3]).expect("connected");
        assert_eq!(
            connect(thread, &[]).err(),
            Some(STATUS_CONNECTION_COUNT_LIMIT)
        );
        client.close();
        connect(thread, &[3, 2, 1])
            .expect("the place is free again")
            .close();
    });
    assert_eq!(
        (bench.printed("connected"), bench.printed("disconnected")),
        (2, 2)
    );
    bench.end();
}

/// Each connection has a cookie of its own, which its disconnect callback gets.
#[test]
fn several_clients_come_and_go_one_by_one() {
    let Some(bench) = Bench::start(&["several"]) else {
        return;
    };
    let tool = bench.machine.create_process(administrator());
    tool.run(|thread| {
        let [first, second, third] = [1, 2, 3].map(|at| connect(thread, &[at]).expect("connected"));
        let full = Some(STATUS_CONNECTION_COUNT_LIMIT);
        assert_eq!(connect(thread, &[4]).err(), full);
        second.close();
        let goes = ["first goes", "second goes", "third goes"];
        assert_eq!(goes.map(|text| bench.printed(text)), [0, 1, 0]);
        assert!(!first.is_closed() && !third.is_closed());
        let again = connect(thread, &[5]).expect("a place is free");
        assert_eq!(bench.printed("second"), 2, "the driver gave its place away");
        first.close();
        assert_eq!(goes.map(|text| bench.printed(text)), [1, 1, 0]);
        // Two are left when the driver goes.
        bench.machine.unload("Filter").expect("unloaded");
        assert_eq!(goes.map(|text| bench.printed(text)), [1, 2, 1]);
        assert!(third.get_message().is_err() && again.get_message().is_err());
        third.close();
        again.close();
    });
    assert_eq!(bench.calls(Callback::Disconnect).len(), 4, "once each");
    bench.machine.shutdown().expect("nothing is left");
}

#[test]
fn a_message_is_answered() {
    let Some(bench) = Bench::start(&["sends"]) else {
        return;
    };
    let (volume, tool) = (bench.volume, bench.machine.create_process(administrator()));
    let client = tool.run(|thread| connect(thread, &[6]).expect("connected"));
    let reader = tool.spawn(move |_| {
        let message = client.get_message().expect("a message");
        assert_eq!(
            (message.body.as_slice(), message.reply_length),
            (&b"hello"[..], 4 + 16)
        );
        assert_eq!(client.reply(message.id, STATUS_SUCCESS, b"ok"), Ok(()));
        let again = client.reply(message.id, STATUS_SUCCESS, b"ok");
        assert_eq!(again, Err(STATUS_FLT_NO_WAITER_FOR_REPLY));
    });
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    reader.join();
    assert_eq!(
        (bench.printed("answered"), bench.printed("disconnected")),
        (1, 1)
    );
    bench.end();
}

#[test]
fn a_program_that_goes_frees_the_sender_that_waits_for_its_reply() {
    let Some(bench) = Bench::start(&["sends"]) else {
        return;
    };
    let (volume, tool) = (bench.volume, bench.machine.create_process(administrator()));
    let client = tool.run(|thread| connect(thread, &[6]).expect("connected"));
    let reader = tool.spawn(move |_| drop(client.get_message()));
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    reader.join();
    // Once as the answer to the send, once from the disconnect callback.
    assert_eq!(bench.printed("disconnected"), 2);
    bench.end();
}

#[test]
fn without_a_client_a_send_is_disconnected_at_once() {
    let Some(bench) = Bench::start(&["sends"]) else {
        return;
    };
    let volume = bench.volume;
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    assert_eq!(bench.printed("disconnected"), 1);
    bench.end();
}

#[test]
fn an_unload_disconnects_who_is_still_there() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let tool = bench.machine.create_process(administrator());
    let client = tool.run(|thread| connect(thread, &[6]).expect("connected"));
    bench.machine.unload("Filter").expect("unloaded");
    assert!(client.get_message().is_err());
    assert_eq!(bench.calls(Callback::Disconnect).len(), 1);
    client.close();
    assert!(bench.calls(Callback::Disconnect).is_empty(), "once only");
    bench.machine.shutdown().expect("nothing is left");
}
