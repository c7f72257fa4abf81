//! A consumer that is killed again and again, under load.
//!
//! `CLONEGUARD_KILLS` is how often, in each test (150 without it), `CLONEGUARD_SEED` what the moments are drawn from.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::kept;
use super::rig::{Ended, Running, Server, until};

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// When a consumer is killed.
enum Moment {
    /// So many microseconds after it was started, whatever it has done by then.
    AfterStart(u64),
    /// So many microseconds after it has made something durable.
    AfterDurable(u64),
}

/// A linear congruential generator (Knuth's MMIX); its upper bits are good enough for moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Moment {
        if self.below(2) == 0 {
            Moment::AfterStart(self.below(60_000))
        } else {
            Moment::AfterDurable(self.below(8_000))
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// How far the journal has come: its anchor changes with each batch that is durable.
fn anchor(journal: &Path) -> Option<Vec<u8>> {
    fs::read(journal.join(cloneguard::journal::ANCHOR_NAME)).ok()
}

/// Starts a consumer and kills it. Whether it was alive then.
fn start_and_kill(server: &Server, moment: &Moment) -> Ended {
    let before = anchor(&server.journal());
    let mut consumer = Running::start_unread(&mut server.keep());
    let pause = match moment {
        Moment::AfterStart(pause) => pause,
        Moment::AfterDurable(pause) => {
            // It may end by itself: the one before is not quite gone yet.
            until("something durable", || {
                (consumer.has_ended() || anchor(&server.journal()) != before).then_some(())
            });
            pause
        }
    };
    thread::sleep(Duration::from_micros(*pause));
    consumer.kill()
}

/// The journal in the driver holds what comes meanwhile.
#[test]
fn a_consumer_killed_at_any_instant_has_every_record_once() {
    kill_under_load("100");
}

/// More comes than the driver has room for.
#[test]
fn a_consumer_killed_at_any_instant_names_every_loss() {
    kill_under_load("0");
}

fn kill_under_load(rate: &str) {
    let seed = setting("CLONEGUARD_SEED", 1);
    let Some(server) = Server::start(&["--rate", rate, "--seed", &seed.to_string()]) else {
        return;
    };
    let mut moments = Moments(seed);
    let kills = setting("CLONEGUARD_KILLS", 150);
    let mut killed = 0;
    while killed < kills {
        let ended = start_and_kill(&server, &moments.next());
        // Whoever came too early, and was told so, was not killed.
        match ended.status.code() {
            None => killed += 1,
            code => assert_eq!(code, Some(2), "seed {seed}: {ended:#?}"),
        }
    }
    let last = connected(&server);
    let journal = server.journal();
    let (report, _scratch) = server.stop();
    last.wait_for("waiting for it to come back");
    let last = last.interrupt();
    assert!(matches!(last.status.code(), Some(5 | 130)), "{last:#?}");
    kept::verify(&journal);
    let kept = kept::read(&journal);
    println!("{kept:?}, {report:?}");
    compare(&kept, &report, kills);
}

/// A consumer that has got the place.
fn connected(server: &Server) -> Running {
    until("a place", || {
        let consumer = Running::start_unread(&mut server.keep());
        consumer.comes_to("connected").then_some(consumer)
    })
}

/// What the journal has against what the driver counted.
fn compare(kept: &kept::Kept, report: &super::rig::Report, kills: u64) {
    assert!(
        kept.writers > kills / 2,
        "consumers got as far as the journal"
    );
    assert_eq!(report.count("sent"), report.counter("seen"));
    assert_eq!(kept.lost, report.counter("lost"), "every loss is told of");
    assert_eq!(kept.records + kept.lost, kept.last);
    assert!(kept.is_whole, "the last consumer has everything");
    assert!(kept.last > report.last_sequence());
}
