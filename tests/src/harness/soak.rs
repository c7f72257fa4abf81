//! Clones for hours: many threads, random ranges, every byte compared, and no record missing.
//!
//! Each thread has two files of its own and knows what is in them. The numbers come from a seed that is shown,
//! so that a run can be repeated. Meanwhile the trail is read; there must be a record for each request. A
//! thread waits when the reader is far behind, so the driver's journal never has to lose one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::ask::Ask;
use crate::oracle::{Content, pattern};
use crate::scene::{ActorRef, Handle};
use crate::stage::{
    Actor, Carriage, Change, Control, Open, OwnedFile, Stage, Trouble, VolumeSpec, Who,
};
use crate::windows::{DUPLICATE_EXTENTS, DUPLICATE_EXTENTS_EX, SOURCE_ACCESS, TARGET_ACCESS};

/// Clusters of each file.
const CLUSTERS: u64 = 256;
/// Bytes of a cluster.
const CLUSTER: u64 = 4096;
/// Requests that may wait for their record.
const BEHIND: u64 = 1000;
/// How long a thread waits for the reader, and the reader for requests.
const PAUSE: Duration = Duration::from_millis(5);
/// How often the reader looks for the last records.
const LAST_LOOKS: u32 = 400;

/// What to do.
pub(super) struct Plan<'a> {
    pub(super) threads: u64,
    pub(super) seed: u64,
    /// Whether to go on, after so many requests.
    pub(super) goes_on: &'a (dyn Fn(u64) -> bool + Sync),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Soaked {
    pub(super) requests: u64,
    pub(super) records: u64,
    /// What was wrong.
    pub(super) faults: Vec<String>,
}

/// What threads tell each other.
#[derive(Default)]
struct Shared {
    sent: AtomicU64,
    recorded: AtomicU64,
    is_over: AtomicBool,
}

/// Clones on a stage with the driver.
pub(super) fn run(stage: &dyn Stage, plan: &Plan<'_>) -> Soaked {
    let shared = Shared::default();
    let mut faults = Vec::new();
    thread::scope(|scope| {
        let start = |number| {
            let shared = &shared;
            scope.spawn(move || {
                let done = work(stage, shared, plan, number);
                if done.is_err() {
                    shared.is_over.store(true, Ordering::Relaxed);
                }
                done
            })
        };
        let workers: Vec<_> = (0..plan.threads).map(start).collect();
        let reader = scope.spawn(|| read(stage, &shared));
        for worker in workers {
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => faults.push(fault),
                Err(_) => faults.push("a thread ended early".to_owned()),
            }
        }
        shared.is_over.store(true, Ordering::Relaxed);
        match reader.join() {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => faults.push(fault),
            Err(_) => faults.push("the reader ended early".to_owned()),
        }
    });
    let requests = shared.sent.into_inner();
    let records = shared.recorded.into_inner();
    if faults.is_empty() && requests != records {
        faults.push(format!("{requests} requests have {records} records"));
    }
    Soaked {
        requests,
        records,
        faults,
    }
}

/// Reads the trail until all is over and every request has its record.
fn read(stage: &dyn Stage, shared: &Shared) -> Result<(), String> {
    let mut last_looks = 0;
    while last_looks < LAST_LOOKS {
        let is_over = shared.is_over.load(Ordering::Relaxed);
        let events = stage.records().inspect_err(|_| {
            shared.is_over.store(true, Ordering::Relaxed);
        })?;
        let count = events.len() as u64;
        let recorded = shared.recorded.fetch_add(count, Ordering::Relaxed) + count;
        if is_over {
            if recorded >= shared.sent.load(Ordering::Relaxed) {
                break;
            }
            last_looks += 1;
        }
        if count == 0 {
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}

/// A thread's files and what must be in them.
struct Files {
    source: Box<dyn OwnedFile>,
    target: Box<dyn OwnedFile>,
    in_source: Content,
    in_target: Content,
}

fn work(stage: &dyn Stage, shared: &Shared, plan: &Plan<'_>, number: u64) -> Result<(), String> {
    let text = |trouble: Trouble| match trouble {
        Trouble::Unable(why) | Trouble::Failed(why) => format!("thread {number}: {why}"),
    };
    let volume = stage.make_volume(&VolumeSpec::refs(4096)).map_err(text)?;
    let mut files = Files {
        source: stage.create(volume, r"\source").map_err(text)?,
        target: stage.create(volume, r"\target").map_err(text)?,
        in_source: Content::default(),
        in_target: Content::default(),
    };
    files.fill(number).map_err(text)?;
    let actor = stage.start(Who::Program, "soak").map_err(text)?;
    let open = |path, access| actor.open(Open::File(volume, path), access).map_err(text);
    let handles = (
        open(r"\source", SOURCE_ACCESS)?,
        open(r"\target", TARGET_ACCESS)?,
    );
    let handles = (Handle::of_value(handles.0.0), Handle::of_value(handles.1.0));
    let mut random = Random(plan.seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    while !shared.is_over.load(Ordering::Relaxed) {
        let sent = shared.sent.load(Ordering::Relaxed);
        if !(plan.goes_on)(sent) {
            break;
        }
        if sent.saturating_sub(shared.recorded.load(Ordering::Relaxed)) > BEHIND {
            thread::sleep(PAUSE);
            continue;
        }
        if random.below(8) == 0 {
            files.write(&mut random).map_err(text)?;
        } else {
            shared.sent.fetch_add(1, Ordering::Relaxed);
            files
                .clone_once(&*actor, handles, &mut random)
                .map_err(text)?;
        }
    }
    Ok(())
}

impl Files {
    fn fill(&mut self, number: u64) -> Result<(), Trouble> {
        let seed = u8::try_from(number % 251).unwrap_or(0);
        for (file, content, seed) in [
            (&self.source, &mut self.in_source, seed),
            (&self.target, &mut self.in_target, seed.wrapping_add(1)),
        ] {
            let bytes = pattern(seed, CLUSTERS * CLUSTER);
            file.change(&Change::Write(0, &bytes))?;
            content.write(0, &bytes);
        }
        Ok(())
    }

    /// Writes a cluster of the source.
    fn write(&mut self, random: &mut Random) -> Result<(), Trouble> {
        let offset = random.below(CLUSTERS) * CLUSTER;
        let bytes = pattern(u8::try_from(random.below(251)).unwrap_or(0), CLUSTER);
        self.source.change(&Change::Write(offset, &bytes))?;
        self.in_source.write(offset, &bytes);
        Ok(())
    }

    /// Clones a range and compares it.
    fn clone_once(
        &mut self,
        actor: &dyn Actor,
        (from, to): (Handle, Handle),
        random: &mut Random,
    ) -> Result<(), Trouble> {
        let count = 1 + random.below(CLUSTERS);
        let source = random.below(CLUSTERS - count + 1) * CLUSTER;
        let target = random.below(CLUSTERS - count + 1) * CLUSTER;
        let count = count * CLUSTER;
        let code = [DUPLICATE_EXTENTS, DUPLICATE_EXTENTS_EX][usize::from(random.below(2) == 1)];
        let ask = Ask::new(ActorRef::PROGRAM, code, to, from);
        let [from_offset, to_offset, bytes] = [source, target, count].map(u64::cast_signed);
        let input = ask.range(from_offset, to_offset, bytes).input();
        let answer = actor.control(&Control {
            to: to.raw,
            code,
            input: input.as_deref(),
            output: 0,
            carriage: Carriage::Usual,
        })?;
        let what = format!("a clone of {count:#x} bytes from {source:#x} to {target:#x}");
        if !answer.status.is_success() {
            return Err(Trouble::Failed(format!(
                "{what} ended with {}",
                answer.status
            )));
        }
        self.in_target
            .copy(&self.in_source, (source, target, count));
        let read = self
            .target
            .read(target, u32::try_from(count).unwrap_or(u32::MAX));
        let bytes = read.map_err(|status| Trouble::Failed(format!("{what}: read: {status}")))?;
        if bytes != self.in_target.read(target, count) {
            return Err(Trouble::Failed(format!("{what} left other bytes")));
        }
        Ok(())
    }
}

/// xorshift64 (Marsaglia, Xorshift RNGs, 2003): numbers need not be good here, only the same again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // Zero is the one state that it never leaves.
        self.0 = self.0.max(1);
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use std::path::PathBuf;

    use super::{Plan, run};
    use crate::bed::Bed;
    use crate::expect::Mode;
    use crate::stages::{CannotRun, find_image};

    /// Enough for several threads to be at it together.
    const REQUESTS: u64 = 400;

    const fn plan() -> Plan<'static> {
        Plan {
            threads: 4,
            seed: 7,
            goes_on: &|sent| sent < REQUESTS,
        }
    }

    /// The driver; without one the test says so and passes, unless it is required.
    fn image() -> Option<PathBuf> {
        match find_image(None) {
            Ok(image) => Some(image),
            Err(CannotRun(why)) => {
                let required = std::env::var_os("CLONEGUARD_REQUIRE_REFEREES");
                assert!(required.is_none_or(|value| value != "1"), "{why}");
                println!("not run: {why}");
                None
            }
        }
    }

    #[test]
    fn every_clone_is_right_and_has_its_record() {
        let Some(image) = image() else {
            return;
        };
        let bed = Bed::with_driver(&image, Mode::Observe).unwrap();
        let soaked = run(&bed, &plan());
        assert_eq!(soaked.faults, [""; 0]);
        assert!(soaked.requests >= REQUESTS);
        assert_eq!(soaked.records, soaked.requests);
        assert_eq!(bed.end(), Ok(()));
    }

    #[test]
    fn records_that_never_come_are_a_fault() {
        let bed = Bed::bare();
        let soaked = run(&bed, &plan());
        let missing = format!("{} requests have 0 records", soaked.requests);
        assert_eq!(soaked.faults, [missing]);
        assert_eq!(bed.end(), Ok(()));
    }
}
