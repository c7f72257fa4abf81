//! Consumers with manners of their own, and a driver that comes and goes.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use super::kept;
use super::rig::{Running, Server};

impl Server {
    /// A consumer with a journal that has got its place.
    fn kept(&self) -> Running {
        let consumer = Running::start_unread(&mut self.keep());
        consumer.wait_for("connected");
        consumer
    }

    /// Requests so far, by the last line of counts.
    fn requests(&self) -> u64 {
        let lines = self.running.printed();
        let counts = lines.iter().rev().find_map(|line| {
            let (count, _) = line.split_once(" requests, ")?;
            count.parse().ok()
        });
        counts.unwrap_or(0)
    }

    /// Waits until there are so many more.
    fn goes_on(&self, more: u64) {
        let before = self.requests();
        super::rig::until("more requests", || {
            (self.requests() >= before + more).then_some(())
        });
    }
}

#[test]
fn a_second_consumer_is_refused_with_a_reason_and_does_not_disturb_the_first() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let first = Running::start(server.tool("watch").arg("--json"));
    first.wait_for("connected");
    let second = Running::start(&mut server.tool("watch")).end();
    assert_eq!(second.status.code(), Some(2), "{second:#?}");
    assert!(second.says("another program is connected"), "{second:#?}");
    let before = first.printed().len();
    super::rig::until("more records", || {
        (first.printed().len() > before + 20).then_some(())
    });
    let first = first.interrupt();
    assert_eq!(first.status.code(), Some(130), "{:#?}", first.lines.last());
    // Its place is free again, as soon as the server has seen it go: its end and that are two things.
    let third = super::rig::until("a free place", || {
        let third = Running::start_unread(server.tool("watch").arg("--once")).end();
        (!third.says("another program is connected")).then_some(third)
    });
    assert_eq!(third.status.code(), Some(0), "{third:#?}");
    server.stop();
}

#[test]
fn a_consumer_that_stands_still_holds_nobody_and_goes_on_later() {
    let Some(server) = Server::start(&["--rate", "1000"]) else {
        return;
    };
    let consumer = server.kept();
    consumer.signal(Signal::STOP);
    server.goes_on(1500);
    consumer.signal(Signal::CONT);
    server.goes_on(500);
    let journal = server.journal();
    let (report, _scratch) = server.stop();
    consumer.wait_for("waiting for it to come back");
    consumer.interrupt();
    kept::verify(&journal);
    let kept = kept::read(&journal);
    assert_eq!(kept.lost, report.counter("lost"));
}

#[test]
fn a_consumer_that_stands_still_for_ever_does_not_hold_the_unload() {
    let Some(server) = Server::start(&["--rate", "1000"]) else {
        return;
    };
    let consumer = server.kept();
    consumer.signal(Signal::STOP);
    server.goes_on(1500);
    let journal = server.journal();
    let (_, _scratch) = server.stop();
    consumer.kill();
    kept::verify(&journal);
}

#[test]
fn a_consumer_whose_output_nobody_reads_holds_nobody() {
    let Some(server) = Server::start(&["--rate", "1000"]) else {
        return;
    };
    // Its pipe fills, and it waits for a reader who never comes.
    let mut blocked = server.keep();
    let mut blocked = blocked
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    server.running.wait_for("connected");
    server.goes_on(1500);
    blocked.kill().expect("it runs");
    blocked.wait().expect("it has ended");
    server.running.wait_for("client 1: gone");
    // What it had kept and not acknowledged comes again, and is there once.
    let once = Running::start_unread(server.keep().arg("--once")).end();
    assert_eq!(once.status.code(), Some(0), "{once:#?}");
    let journal = server.journal();
    let (_, _scratch) = server.stop();
    kept::verify(&journal);
}

#[test]
fn a_driver_that_goes_away_is_waited_for_and_its_next_load_is_taken_up() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (socket, journal) = (server.socket.clone(), server.journal());
    let consumer = server.kept();
    let (_, scratch) = server.stop();
    consumer.wait_for("waiting for it to come back");
    let again = Server::start_on(scratch, socket, &[]).expect("there was an image");
    again.running.wait_for("client 1: connected");
    again.goes_on(50);
    let (_, _scratch) = again.stop();
    let consumer = consumer.interrupt();
    assert!(consumer.says("2 loads"), "{consumer:#?}");
    kept::verify(&journal);
}

#[test]
fn a_server_that_was_killed_is_replaced_on_its_socket() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let consumer = server.kept();
    let Server {
        running,
        socket,
        scratch,
    } = server;
    running.kill();
    assert!(socket.exists(), "nobody has removed it");
    consumer.wait_for("waiting for it to come back");
    let again = Server::start_on(scratch, socket, &[]).expect("there was an image");
    again.running.wait_for("client 1: connected");
    again.stop();
    consumer.interrupt();
}

#[test]
fn what_is_not_reached_has_its_exit_code() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let socket = server.socket.clone();
    let mut watch = server.tool("watch");
    let (_, scratch) = server.stop();
    let gone = Running::start(&mut watch).end();
    assert_eq!(gone.status.code(), Some(2), "{gone:#?}");
    assert!(gone.says("no test-bed listens"), "{gone:#?}");
    fs::write(&socket, "no socket").expect("the scratch is writable");
    let refused = Running::start(&mut watch).end();
    assert_eq!(refused.status.code(), Some(2), "{refused:#?}");
    let image = super::driver_image::image().expect("there was an image");
    let server = Running::start(&mut super::rig::serve(&image, &socket)).end();
    assert_eq!(server.status.code(), Some(1), "{server:#?}");
    assert!(server.says("no socket"), "{server:#?}");
    assert!(socket.exists(), "what was there is left alone");
    drop(scratch);
}

#[test]
fn status_and_reload_disturb_no_consumer_and_a_filter_hides_the_rest() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let mut watch = server.tool("watch");
    let consumer = Running::start(watch.args(["--json", "--filter", "kind=policy"]));
    consumer.wait_for("connected");
    let policies = || {
        let lines = consumer.printed();
        lines.iter().filter(|line| line.starts_with('{')).count()
    };
    super::rig::until("the policy of the start", || {
        (policies() == 1).then_some(())
    });
    status_adds_up(&server);
    let reload = Running::start(&mut server.tool("reload")).end();
    assert_eq!(reload.status.code(), Some(0), "{reload:#?}");
    super::rig::until("the policy once more", || (policies() == 2).then_some(()));
    let consumer = consumer.interrupt();
    assert_eq!(consumer.status.code(), Some(130), "{consumer:#?}");
    let mut records = consumer.lines.iter().filter(|line| line.starts_with('{'));
    assert!(
        records.all(|line| line.contains(r#""kind":"policy""#)),
        "{consumer:#?}"
    );
    let (mut status, mut reload) = (server.tool("status"), server.tool("reload"));
    let (_, _scratch) = server.stop();
    for gone in [&mut status, &mut reload] {
        let gone = Running::start(gone).end();
        assert_eq!(gone.status.code(), Some(2), "{gone:#?}");
    }
}

/// `status` beside a consumer.
fn status_adds_up(server: &Server) {
    let status = Running::start(server.tool("status").arg("--json")).end();
    assert_eq!(status.status.code(), Some(0), "{status:#?}");
    let object: serde_json::Value = serde_json::from_str(&status.lines[0]).expect("JSON");
    assert_eq!(object["consumer_connected"], true, "{object}");
    assert_eq!(object["policy_mode"], "enforce", "{object}");
    let counters = &object["counters"];
    let count = |name: &str| counters[name].as_u64().expect("a count");
    let records = count("delivered") + count("held") + count("lost");
    assert_eq!(object["last_sequence"], records, "{object}");
    let text = Running::start(&mut server.tool("status")).end();
    assert_eq!(text.status.code(), Some(0), "{text:#?}");
    assert!(text.says("consumer   connected"), "{text:#?}");
}
