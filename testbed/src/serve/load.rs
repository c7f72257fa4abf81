//! Programs that clone, each on a thread of a process of its own: well-behaved ones on two volumes, one that
//! takes what the policy denies it, and two that send what nobody should.
//!
//! What each sends follows from the seed. How their requests mix does not, since they run at once. The files
//! are few and are used again and again, so that a long run needs no more memory than a short one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use cloneguard::live::Stop;
use testbed::io::{FsControl, Handle, RequestOptions};
use testbed::process::Running;
use testbed::volume::{Disposition, FILE_ALL_ACCESS, OpenRequest};

use super::tally::Tally;
use crate::demo::caller::Caller;
use crate::demo::sent::{Form, Range};
use crate::demo::stage::{Drive, Stage};

/// What a program does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Clones what it may.
    Clean,
    /// Spoils every request in one way or another.
    Hostile,
}

/// A program of the load.
struct Program {
    name: &'static str,
    is_32bit: bool,
    form: Form,
    is_coarse: bool,
    /// Where its sources lie.
    directory: &'static str,
    habit: Habit,
}

/// A 64-bit program on the volume with small clusters.
const fn program(name: &'static str, form: Form, directory: &'static str) -> Program {
    Program {
        name,
        is_32bit: false,
        form,
        is_coarse: false,
        directory,
        habit: Habit::Clean,
    }
}

const PROGRAMS: [Program; 7] = [
    program("robocopy.exe", Form::Plain64, r"\projects"),
    program("git-lfs.exe", Form::Ex64, r"\repository"),
    Program {
        is_coarse: true,
        ..program("backup.exe", Form::Ex64, r"\machines")
    },
    Program {
        is_32bit: true,
        is_coarse: true,
        ..program("reflink32.exe", Form::Plain32, r"\images")
    },
    program("intruder.exe", Form::Plain64, r"\vault"),
    Program {
        habit: Habit::Hostile,
        ..program("hostile.exe", Form::Ex64, r"\odd")
    },
    Program {
        habit: Habit::Hostile,
        is_32bit: true,
        ..program("hostile32.exe", Form::Plain32, r"\odd32")
    },
];

/// Files of each program.
const FILES: u64 = 6;
/// Clusters of each file.
const CLUSTERS: u64 = 4;

/// A running load.
pub(crate) struct Load {
    stop: Stop,
    programs: Vec<(&'static str, Running<Result<()>>)>,
}

impl Load {
    /// Starts every program; `rate` is that of all together in a second, 0 for no limit.
    pub(crate) fn start(stage: &Arc<Stage>, tally: &Arc<Tally>, (seed, rate): (u64, u32)) -> Self {
        let stop = Stop::new();
        let pace = Arc::new(Pace::new(rate));
        let programs = (1..).zip(&PROGRAMS).map(|(number, program)| {
            let process = stage.program(program.name, program.is_32bit);
            let (stage, tally) = (Arc::clone(stage), Arc::clone(tally));
            let (stop, pace) = (stop.clone(), Arc::clone(&pace));
            let mut random = Random(seed.wrapping_mul(0x1_0000).wrapping_add(number));
            let running = process.spawn(move |thread| {
                let worker = Worker::prepare(&stage, program, thread)?;
                while pace.wait(&stop) {
                    tally.answered(worker.send_one(&mut random)?);
                }
                worker.end()
            });
            (program.name, running)
        });
        Self {
            stop: stop.clone(),
            programs: programs.collect(),
        }
    }

    /// Ends every program; what went wrong with them.
    pub(crate) fn end(self) -> Vec<String> {
        self.stop.request();
        let ended = self.programs.into_iter();
        ended
            .filter_map(|(name, running)| {
                let error = running.join().err()?;
                Some(format!("{name}: {error:#}"))
            })
            .collect()
    }
}

/// When the next request is due.
struct Pace {
    start: Instant,
    /// Between two requests of all programs together; `None` for no limit.
    interval: Option<Duration>,
    next: AtomicU64,
}

impl Pace {
    fn new(rate: u32) -> Self {
        Self {
            start: Instant::now(),
            interval: Duration::from_secs(1).checked_div(rate),
            next: AtomicU64::new(0),
        }
    }

    /// Waits for the next turn; `false` if there is none.
    fn wait(&self, stop: &Stop) -> bool {
        let Some(interval) = self.interval else {
            return !stop.is_requested();
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let offset = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let due = self.start + Duration::from_nanos(offset.saturating_mul(number));
        stop.sleep(due.saturating_duration_since(Instant::now()))
    }
}

/// A program at work.
struct Worker<'a> {
    caller: &'a dyn Caller,
    program: &'static Program,
    drive: Drive,
    /// What is no source: a file on another volume, a pipe, an event.
    strangers: [Handle; 3],
}

impl<'a> Worker<'a> {
    /// Makes its files.
    fn prepare(stage: &Stage, program: &'static Program, caller: &'a dyn Caller) -> Result<Self> {
        let drive = if program.is_coarse {
            stage.coarse
        } else {
            stage.fine
        };
        let elsewhere = format!(r"\elsewhere\{}", program.name);
        caller.make_directories(stage.other, &elsewhere)?;
        let elsewhere = caller.create(stage.other, &elsewhere)?;
        let worker = Self {
            caller,
            program,
            drive,
            strangers: [elsewhere, caller.open_pipe(), caller.create_event()],
        };
        for number in 0..FILES {
            let path = worker.source(number);
            caller.make_directories(drive, &path)?;
            caller.make_directories(drive, &worker.target(number))?;
            let source = caller.create(drive, &path)?;
            let fill = u8::try_from(number)?;
            caller.write(source, 0, &vec![fill; usize::try_from(worker.size())?])?;
            caller.close(source)?;
        }
        Ok(worker)
    }

    /// Closes what it has open.
    fn end(&self) -> Result<()> {
        let mut strangers = self.strangers.iter();
        strangers.try_for_each(|handle| self.caller.close(*handle))
    }

    fn size(&self) -> u64 {
        self.drive.cluster * CLUSTERS
    }

    fn source(&self, number: u64) -> String {
        format!(r"{}\file-{number}.dat", self.program.directory)
    }

    fn target(&self, number: u64) -> String {
        let name = self.program.name.trim_end_matches(".exe");
        format!(r"\copies\{name}\file-{number}.dat")
    }

    /// Sends one request; what came of it.
    fn send_one(&self, random: &mut Random) -> Result<testbed::NtStatus> {
        let (caller, drive) = (self.caller, self.drive);
        let source = caller.open(drive, &self.source(random.below(FILES)))?;
        let path = self.target(random.below(FILES));
        let request = OpenRequest {
            disposition: Disposition::OpenIf,
            ..OpenRequest::create(FILE_ALL_ACCESS)
        };
        let target = caller
            .try_open(drive, &path, &request)
            .map_err(|status| anyhow!("opening {path} failed with {status}"))?;
        caller.set_end(target, self.size())?;
        let input = self.input(source, random)?;
        let answer = caller.control(&FsControl {
            handle: target,
            code: self.program.form.code(),
            input: Some(&input),
            output_length: 0,
            options: RequestOptions::default(),
        });
        caller.close(target)?;
        caller.close(source)?;
        Ok(answer.status)
    }

    /// The bytes of a request.
    fn input(&self, source: Handle, random: &mut Random) -> Result<Vec<u8>> {
        let form = self.program.form;
        let cluster = i64::try_from(self.drive.cluster)?;
        let first = random.below(CLUSTERS);
        let count = 1 + random.below(CLUSTERS - first);
        let at = cluster * i64::try_from(first)?;
        let good = Range {
            source: at,
            target: at,
            count: cluster * i64::try_from(count)?,
        };
        if self.program.habit == Habit::Clean {
            return Ok(form.bytes(source, &form.claim(good, 0)));
        }
        self.spoiled(source, good, random)
    }

    /// The bytes of a request that is wrong in one way.
    fn spoiled(&self, source: Handle, good: Range, random: &mut Random) -> Result<Vec<u8>> {
        let form = self.program.form;
        let cluster = i64::try_from(self.drive.cluster)?;
        let (mut handle, mut range) = (source, good);
        match random.below(10) {
            0 => handle = self.strangers[0],
            1 => handle = self.strangers[1],
            2 => handle = self.strangers[2],
            3 => handle = Handle(random.next()),
            4 => range.source += 1,
            5 => range.target = -cluster,
            6 => range.count = i64::MAX - cluster + 1,
            7 => range.source = cluster << 20,
            _ => {}
        }
        let mut input = form.bytes(handle, &form.claim(range, 0));
        let place = usize::try_from(random.below(input.len() as u64))?;
        match (handle == source && range == good, random.below(2)) {
            (true, 0) => input.truncate(place),
            // Any bit at all, the handle's and the size's too.
            (true, _) => input[place] ^= 1 << random.below(8),
            (false, _) => {}
        }
        Ok(input)
    }
}

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Random(u64);

impl Random {
    /// Numbers that follow from the seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is small.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use testbed::status::{STATUS_INVALID_PARAMETER, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS};

    use super::{Habit, PROGRAMS, Random, Stage, Worker};

    #[test]
    fn a_hostile_program_names_what_is_no_file() {
        let stage = Stage::boot().expect("a machine");
        let mut programs = PROGRAMS.iter();
        let program = programs.find(|program| program.habit == Habit::Hostile);
        let program = program.expect("there is one");
        let statuses: Vec<_> = stage.program(program.name, false).run(|thread| {
            let worker = Worker::prepare(&stage, program, thread).expect("files");
            let mut random = Random::new(1);
            let sent = (0..200).map(|_| worker.send_one(&mut random).expect("an answer"));
            let statuses = sent.collect();
            worker.end().expect("closed");
            statuses
        });
        for status in [
            STATUS_SUCCESS,
            STATUS_INVALID_PARAMETER,
            STATUS_OBJECT_TYPE_MISMATCH,
        ] {
            assert!(statuses.contains(&status), "no {status}");
        }
        stage.machine.shutdown().expect("nothing is left");
    }
}
