//! Callers that do not mean well, or do not know better.
//!
//! Each attempt says what status the model's sources demand (MS-FSA 2.1.5.10.4 and .5, MS-FSCC 2.3.8,
//! the object manager's for handles), what the driver must note, and what the target must hold
//! afterwards: the clone after a success, what it held before after anything else. [`buffers`] has
//! the attempts that differ in the input, [`handles`] those that differ in the files.

mod buffers;
mod handles;

use anyhow::Result;
use testbed::NtStatus;
use testbed::io::{FsControl, Handle, IoStatus, RequestOptions};
use testbed::status::STATUS_SUCCESS;

use super::audit::Trail;
use super::caller::Caller;
use super::sent::{Claim, Form, Range, Sent, Source};
use super::stage::{Drive, Stage, Who};

/// Cluster of the volume with the files, and of most attempts.
const CLUSTER: i64 = 4096;
/// Bytes of every file here: four clusters of 64 KiB.
const FILE_BYTES: usize = 256 << 10;
/// Bytes at the start of the target that attempts may change.
const TOUCHED: usize = 64 << 10;
/// What the target starts with before each attempt, and what the pattern of the source is made of.
const TARGET_BYTE: u8 = 0xC3;
const SOURCE_BYTE: u8 = 0x5A;
/// What every attempt is a variation of: legal.
const GOOD: Range = range(0, 0, 4 * CLUSTER);

/// One attempt.
#[derive(Clone)]
struct Attempt {
    what: String,
    input: Vec<u8>,
    /// A driver says that there is so much input, and gives none.
    claimed_input: Option<u32>,
    output_length: u32,
    /// The handle in the input.
    origin: Handle,
    target: Handle,
    target_name: String,
    is_posted: bool,
    is_seen: bool,
    claim: Option<Claim>,
    source: Source,
    rules: Vec<u8>,
    expected: Vec<NtStatus>,
}

/// What came of the attempts.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Every request, in the order in which they were sent.
    pub(crate) sent: Vec<Sent>,
    /// Files that do not hold what they must.
    pub(crate) faults: Vec<String>,
}

/// One caller with its two files open.
struct Bench<'a> {
    stage: &'a Stage,
    trail: &'a Trail,
    caller: &'a dyn Caller,
    form: Form,
    /// Sets the names of its files apart from those of the others.
    tag: &'static str,
    source: Handle,
    target: Handle,
    outcome: Outcome,
}

/// Sends every attempt.
pub(crate) fn run(stage: &Stage, trail: &Trail) -> Result<Outcome> {
    let mut all = Outcome::default();
    for (who, form, tag) in [
        (Who::Program("hostile.exe"), Form::Plain64, "plain"),
        (Who::Program("hostile.exe"), Form::Ex64, "ex"),
        (Who::Program32("hostile32.exe"), Form::Plain32, "plain32"),
        (Who::Program32("hostile32.exe"), Form::Ex32, "ex32"),
        (Who::Kernel, Form::Plain64, "kernel"),
        (Who::Kernel, Form::Ex64, "kernel-ex"),
    ] {
        let outcome = stage.run(who, |caller| {
            let mut bench = Bench::open(stage, trail, caller, (form, tag))?;
            bench.buffers()?;
            // In kernel mode a wrong handle is not an error but a fault of the caller.
            if who != Who::Kernel {
                bench.handles()?;
                bench.places()?;
            }
            bench.close()
        })?;
        all.sent.extend(outcome.sent);
        all.faults.extend(outcome.faults);
    }
    Ok(all)
}

const fn range(source: i64, target: i64, count: i64) -> Range {
    Range {
        source,
        target,
        count,
    }
}

impl<'a> Bench<'a> {
    fn open(
        stage: &'a Stage,
        trail: &'a Trail,
        caller: &'a dyn Caller,
        (form, tag): (Form, &'static str),
    ) -> Result<Self> {
        Ok(Self {
            stage,
            trail,
            caller,
            form,
            tag,
            source: fill(caller, stage.fine, &path("source", tag), SOURCE_BYTE)?,
            target: fill(caller, stage.fine, &path("target", tag), TARGET_BYTE)?,
            outcome: Outcome::default(),
        })
    }

    /// The source must have come through all of it unharmed.
    fn close(mut self) -> Result<Outcome> {
        let source = self.caller.read_all(self.source)?;
        if source != pattern(SOURCE_BYTE) {
            let name = self.name(self.stage.fine, "source");
            self.outcome
                .faults
                .push(format!("{name}, only ever a source, has changed"));
        }
        self.caller.close(self.source)?;
        self.caller.close(self.target)?;
        Ok(self.outcome)
    }

    /// The full name of one of the files of this caller.
    fn name(&self, drive: Drive, which: &str) -> String {
        format!("{}{}", drive.device, path(which, self.tag))
    }

    /// The legal request.
    fn good(&self, what: impl Into<String>) -> Attempt {
        self.with_range(what, GOOD)
    }

    /// The request for this range.
    fn with_range(&self, what: impl Into<String>, range: Range) -> Attempt {
        let claim = self.form.claim(range, 0);
        Attempt {
            what: what.into(),
            input: self.form.bytes(self.source, &claim),
            claimed_input: None,
            output_length: 0,
            origin: self.source,
            target: self.target,
            target_name: self.name(self.stage.fine, "target"),
            is_posted: false,
            is_seen: true,
            claim: Some(claim),
            source: Source::SameVolume(self.name(self.stage.fine, "source")),
            rules: Vec::new(),
            expected: vec![STATUS_SUCCESS],
        }
    }

    fn send_all(&mut self, attempts: impl IntoIterator<Item = Attempt>) -> Result<()> {
        attempts
            .into_iter()
            .try_for_each(|attempt| self.send(attempt))
    }

    fn send(&mut self, attempt: Attempt) -> Result<()> {
        let what = format!("{} ({})", attempt.what, self.tag);
        if attempt.is_seen {
            self.trail.announce(&attempt.what, self.tag);
        }
        self.caller.write(self.target, 0, &[TARGET_BYTE; TOUCHED])?;
        let before = self.content(attempt.target)?;
        let answer = self.ask(&attempt);
        let wanted = match (answer.status.is_success(), &attempt.claim) {
            (true, Some(claim)) => {
                let source = self.content(attempt.origin)?;
                cloned(&before, &source, claim.range)
            }
            (_, _) => before,
        };
        if self.content(attempt.target)? != wanted {
            let (target, got) = (&attempt.target_name, answer.status);
            let fault = format!("{what}: {target} does not hold what it must after {got}");
            self.outcome.faults.push(fault);
        }
        let input_length = u64::try_from(attempt.input.len())?;
        self.outcome.sent.push(Sent {
            what,
            code: self.form.code(),
            sender: self.caller.sender(),
            input_length: attempt.claimed_input.map_or(input_length, u64::from),
            output_length: attempt.output_length,
            claim: attempt.claim,
            source: attempt.source,
            target: attempt.target_name,
            is_seen: attempt.is_seen,
            rules: attempt.rules,
            expected: attempt.expected,
            answer,
        });
        Ok(())
    }

    fn ask(&self, attempt: &Attempt) -> IoStatus {
        let options = RequestOptions::default();
        let options = match (attempt.claimed_input, attempt.is_posted) {
            (Some(length), _) => options.claimed_input(length),
            (None, true) => options.posted(),
            (None, false) => options,
        };
        self.caller.control(&FsControl {
            handle: attempt.target,
            code: self.form.code(),
            input: (!attempt.input.is_empty()).then_some(attempt.input.as_slice()),
            output_length: attempt.output_length,
            options,
        })
    }

    /// What a data file holds; nothing for a directory or a volume.
    fn content(&self, handle: Handle) -> Result<Vec<u8>> {
        if self.caller.information(handle)?.directory {
            return Ok(Vec::new());
        }
        self.caller.read_all(handle)
    }
}

impl Attempt {
    /// With these rules noted, the deciding one first.
    fn noting(self, rules: &[u8]) -> Self {
        Self {
            rules: rules.to_vec(),
            ..self
        }
    }

    /// Ending with this status.
    fn ending(self, status: NtStatus) -> Self {
        Self {
            expected: vec![status],
            ..self
        }
    }
}

/// What a target holds after a clone: nothing beyond its end.
fn cloned(before: &[u8], source: &[u8], range: Range) -> Vec<u8> {
    let at = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
    let (from, to, count) = (at(range.source), at(range.target), at(range.count));
    let bytes = source.iter().skip(from).take(count);
    let mut after = before.to_vec();
    for (place, byte) in after.iter_mut().skip(to).zip(bytes) {
        *place = *byte;
    }
    after
}

fn path(which: &str, tag: &str) -> String {
    format!(r"\{which}-{tag}.bin")
}

/// The content of a file here: no two clusters of 4 KiB are the same.
fn pattern(byte: u8) -> Vec<u8> {
    let cluster = |number| [byte ^ number; 4096];
    (0..=u8::MAX)
        .take(FILE_BYTES / 4096)
        .flat_map(cluster)
        .collect()
}

/// A new file with a pattern of its own, open with every right.
fn fill(caller: &dyn Caller, drive: Drive, path: &str, byte: u8) -> Result<Handle> {
    let handle = caller.create(drive, path)?;
    caller.write(handle, 0, &pattern(byte))?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::{cloned, range};

    #[test]
    fn a_clone_replaces_its_range_and_nothing_else() {
        let (before, source) = ([1, 1, 1, 1, 1, 1], [7, 8, 9]);
        assert_eq!(cloned(&before, &source, range(1, 2, 2)), [1, 1, 8, 9, 1, 1]);
        assert_eq!(cloned(&before, &source, range(0, 5, 3)), [1, 1, 1, 1, 1, 7]);
        assert_eq!(cloned(&before, &source, range(0, 9, 3)), before);
        assert_eq!(cloned(&before, &source, range(0, 0, 0)), before);
    }
}
