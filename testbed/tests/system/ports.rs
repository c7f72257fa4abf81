//! Several clients, messages without reply, and clients that go at any instant.

use std::time::Duration;

use testbed::fltmgr::PortClient;
use testbed::status::STATUS_CONNECTION_COUNT_LIMIT;
use testbed::{NtStatus, UserThread};

use super::{administrator, end, load, machine, printed, test_image};

fn connect(thread: &UserThread) -> Result<PortClient, NtStatus> {
    thread.machine().connect_port(thread, r"\Watcher", &[])
}

#[test]
fn every_client_gets_its_message_and_answers_nothing() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let tool = administrator(&machine);
    let clients = tool.run(|thread| [(); 3].map(|()| connect(thread).expect("connected")));
    for client in &clients {
        let message = client.get_message().expect("a greeting");
        assert_eq!((message.reply_length, message.body), (0, b"hello".to_vec()));
    }
    let refused = tool.run(|thread| connect(thread).err());
    assert_eq!(refused, Some(STATUS_CONNECTION_COUNT_LIMIT));
    drop(clients);
    assert_eq!(printed(&machine, "lost ").len(), 3);
    end(&machine);
}

#[test]
fn a_message_that_nobody_fetches_is_given_up_when_its_time_has_come() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let tool = administrator(&machine);
    let client = tool.run(connect).expect("connected");
    machine.wait_until_idle();
    machine.advance(Duration::from_secs(9));
    machine.wait_until_idle();
    assert_eq!(printed(&machine, "not heard by ").len(), 0);
    machine.advance(Duration::from_secs(1));
    machine.wait_until_idle();
    assert_eq!(printed(&machine, "not heard by "), ["0"]);
    client.close();
    end(&machine);
}

#[test]
fn a_killed_client_frees_the_sender() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let tool = administrator(&machine);
    let client = tool.run(connect).expect("connected");
    machine.wait_until_idle();
    tool.kill();
    machine.wait_until_idle();
    assert_eq!(printed(&machine, "gone is "), ["0"]);
    assert_eq!(printed(&machine, "lost "), ["0"]);
    assert!(client.is_closed());
    drop(client);
    assert_eq!(printed(&machine, "lost ").len(), 1, "once");
    // Its place is free.
    let other = administrator(&machine);
    let client = other.run(connect).expect("connected");
    assert!(client.get_message().is_ok());
    client.close();
    end(&machine);
}

#[test]
fn a_killed_client_that_waits_for_a_message_gets_none() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let tool = administrator(&machine);
    let client = tool.run(connect).expect("connected");
    client.get_message().expect("the greeting");
    let waiting = tool.spawn(move |_thread| client.get_message().err());
    tool.kill();
    assert!(waiting.join().is_some());
    end(&machine);
}

/// Connections that come and go as fast as they can, from several threads.
#[test]
fn a_flood_of_connections_leaves_nothing_behind() {
    let machine = machine();
    if load(&machine, &[]).is_none() {
        return;
    }
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let tool = administrator(&machine);
            std::thread::spawn(move || {
                let mut connected = 0;
                for _ in 0..50 {
                    match tool.run(connect) {
                        Ok(client) => {
                            connected += 1;
                            client.close();
                        }
                        Err(status) => assert_eq!(status, STATUS_CONNECTION_COUNT_LIMIT),
                    }
                }
                connected
            })
        })
        .collect();
    let connected: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("no panic"))
        .sum();
    assert!(connected > 0);
    assert_eq!(printed(&machine, "lost ").len(), connected);
    end(&machine);
}

/// Clients that go while the driver is unloaded: whoever calls its disconnect callback, it has returned before the driver
/// has gone.
#[test]
fn an_unload_meets_clients_that_go() {
    let Some(image) = test_image::compile("watcher", &[]) else {
        return;
    };
    for _ in 0..60 {
        let machine = machine();
        let loaded = machine.load_driver(&image.path(), "Watcher");
        loaded.expect("the driver loads");
        let tool = administrator(&machine);
        let clients = tool.run(|thread| [(); 3].map(|()| connect(thread).expect("connected")));
        std::thread::scope(|scope| {
            for client in clients {
                scope.spawn(move || client.close());
            }
            end(&machine);
        });
    }
}
