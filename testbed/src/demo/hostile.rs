//! Callers that do not mean well, or do not know better.
//!
//! Each attempt says what status the model's sources demand (MS-FSA 2.1.5.10.4 and .5, MS-FSCC 2.3.8,
//! the object manager's for handles) and which rules the driver must note. A refused attempt must
//! leave the target as it was.

mod sources;
mod targets;

use anyhow::{Result, anyhow};
use testbed::io::{FsControl, Handle, RequestOptions, VolumeId};
use testbed::status::{
    STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use testbed::volume::{FILE_ALL_ACCESS, OpenRequest};
use testbed::{NtStatus, UserThread};

use super::sent::{Form, Range, Sent};
use super::stage::{Caller as _, Stage};

const CLUSTER: i64 = 4096;
/// Bytes of every file here: eight clusters of 4 KiB, and one of 64 KiB is enough room too.
const FILE_BYTES: usize = 1 << 20;
/// A count or an offset whose sum with a cluster passes the largest signed number.
const NEAR_END: i64 = i64::MAX - (CLUSTER - 1);

/// One attempt.
struct Attempt {
    what: String,
    form: Form,
    input: Vec<u8>,
    output_length: u32,
    target: Handle,
    /// Names of source and target for the comparison with the record.
    source_name: Option<String>,
    target_name: String,
    is_posted: bool,
    is_seen: bool,
    range: Option<Range>,
    rules: Vec<u8>,
    expected: Vec<NtStatus>,
}

/// The files of one program, open.
struct Bench<'a> {
    stage: &'a Stage,
    thread: &'a UserThread,
    source: Handle,
    target: Handle,
    form: Form,
}

/// Sends every attempt.
pub(crate) fn run(stage: &Stage) -> Result<Vec<Sent>> {
    let mut sent = Vec::new();
    for form in [Form::Plain64, Form::Ex64, Form::Plain32, Form::Ex32] {
        let process = if form.is_32bit() {
            &stage.program32
        } else {
            &stage.program
        };
        sent.extend(process.run(|thread| {
            let bench = Bench::open(stage, thread, form)?;
            let mut attempts = bench.malformed();
            attempts.extend(bench.arithmetic());
            attempts.extend(bench.tolerated());
            let mut sent = bench.send_all(attempts)?;
            sent.extend(bench.sources()?);
            sent.extend(bench.targets()?);
            bench.close([bench.source, bench.target])?;
            Ok::<_, anyhow::Error>(sent)
        })?);
    }
    Ok(sent)
}

const fn range(source: i64, target: i64, count: i64) -> Range {
    Range {
        source,
        target,
        count,
    }
}

/// What every attempt is a variation of: legal.
const GOOD: Range = range(0, 0, 4 * CLUSTER);

impl<'a> Bench<'a> {
    fn open(stage: &'a Stage, thread: &'a UserThread, form: Form) -> Result<Self> {
        let tag = format!("{form:?}");
        let source = fill(stage.volume, thread, &format!(r"\source-{tag}.bin"), 0x5A)?;
        let target = fill(stage.volume, thread, &format!(r"\target-{tag}.bin"), 0xC3)?;
        Ok(Self {
            stage,
            thread,
            source,
            target,
            form,
        })
    }

    fn name(&self, which: &str) -> String {
        format!(
            r"{}\{which}-{:?}.bin",
            self.stage.device(self.stage.volume),
            self.form
        )
    }

    /// The legal request.
    fn good(&self, what: &str) -> Attempt {
        self.with_range(what, GOOD, &[], STATUS_SUCCESS)
    }

    fn with_range(&self, what: &str, range: Range, rules: &[u8], expected: NtStatus) -> Attempt {
        Attempt {
            what: what.to_owned(),
            form: self.form,
            input: self.form.bytes(self.source, range, 0),
            output_length: 0,
            target: self.target,
            source_name: Some(self.name("source")),
            target_name: self.name("target"),
            is_posted: false,
            is_seen: true,
            range: Some(range),
            rules: rules.to_vec(),
            expected: vec![expected],
        }
    }

    /// Buffers that are no request.
    fn malformed(&self) -> Vec<Attempt> {
        let good = self.good("");
        let cut = |what: &str, length: usize| Attempt {
            what: what.to_owned(),
            input: good.input.get(..length).unwrap_or_default().to_vec(),
            source_name: None,
            range: None,
            rules: vec![1],
            expected: vec![STATUS_BUFFER_TOO_SMALL],
            ..self.good("")
        };
        let mut attempts = vec![
            cut("no input at all", 0),
            cut("one byte short", good.input.len() - 1),
        ];
        if self.form == Form::Ex64 {
            attempts.push(cut("64-bit program sends the 32-bit structure", 0x28));
            for size in [0_u8, 0x28, 0x31] {
                let mut input = good.input.clone();
                input[0] = size;
                attempts.push(Attempt {
                    input,
                    rules: vec![3],
                    expected: vec![STATUS_NOT_SUPPORTED],
                    ..self.good(&format!("Size says {size:#x}"))
                });
            }
        }
        attempts
    }

    /// Ranges that do not exist.
    fn arithmetic(&self) -> Vec<Attempt> {
        let bad =
            |what, range, rules| self.with_range(what, range, rules, STATUS_INVALID_PARAMETER);
        vec![
            bad("negative source offset", range(-CLUSTER, 0, CLUSTER), &[10]),
            bad("negative target offset", range(0, -CLUSTER, CLUSTER), &[11]),
            bad("negative count", range(0, 0, -CLUSTER), &[12]),
            bad(
                "smallest number as source offset",
                range(i64::MIN, 0, CLUSTER),
                &[10],
            ),
            bad("source end overflows", range(NEAR_END, 0, CLUSTER), &[13]),
            bad("target end overflows", range(0, NEAR_END, CLUSTER), &[14]),
            bad("source offset unaligned", range(512, 0, CLUSTER), &[20]),
            bad("target offset unaligned", range(0, 1, CLUSTER), &[21]),
            bad("count unaligned", range(0, 0, CLUSTER - 1), &[22]),
            bad("count of nearly everything", range(0, 0, NEAR_END), &[15]),
        ]
    }

    /// Odd, and legal.
    fn tolerated(&self) -> Vec<Attempt> {
        let mut attempts = vec![
            self.with_range("zero count", range(0, 0, 0), &[16], STATUS_SUCCESS),
            Attempt {
                output_length: 64,
                rules: vec![4],
                ..self.good("output buffer")
            },
        ];
        let mut long = self.good("trailing bytes");
        long.input.extend([0xCC; 8]);
        long.rules = vec![4];
        attempts.push(long);
        if matches!(self.form, Form::Ex64 | Form::Ex32) {
            for (what, flags, rule) in [
                ("unknown flags", 0xFFFF_FFFC, 30),
                ("asynchronous", 2, 31),
                ("all or nothing", 1, 32),
            ] {
                let input = self.form.bytes(self.source, GOOD, flags);
                attempts.push(Attempt {
                    input,
                    rules: vec![rule],
                    ..self.good(what)
                });
            }
        }
        attempts
    }

    fn send_all(&self, attempts: Vec<Attempt>) -> Result<Vec<Sent>> {
        attempts
            .into_iter()
            .map(|attempt| self.send(attempt))
            .collect()
    }

    fn send(&self, attempt: Attempt) -> Result<Sent> {
        let before = self.content(attempt.target)?;
        let options = RequestOptions::default();
        let control = FsControl {
            handle: attempt.target,
            code: attempt.form.code(),
            input: (!attempt.input.is_empty()).then_some(attempt.input.as_slice()),
            output_length: attempt.output_length,
            options: if attempt.is_posted {
                options.posted()
            } else {
                options
            },
        };
        let answer = self.thread.fs_control_with(&control);
        if !answer.status.is_success() && self.content(attempt.target)? != before {
            return Err(anyhow!(
                "{}: refused, and the target has changed",
                attempt.what
            ));
        }
        Ok(Sent {
            what: format!("{} ({:?})", attempt.what, attempt.form),
            code: attempt.form.code(),
            is_32bit: attempt.form.is_32bit(),
            is_kernel: false,
            process_id: self.thread.process_id(),
            input_length: attempt.input.len(),
            range: attempt.range,
            source: attempt.source_name,
            target: attempt.target_name,
            is_seen: attempt.is_seen,
            rules: attempt.rules,
            expected: attempt.expected,
            answer,
        })
    }

    fn close<const N: usize>(&self, handles: [Handle; N]) -> Result<()> {
        for handle in handles {
            self.thread.close(handle).map_err(failed("closing"))?;
        }
        Ok(())
    }

    fn content(&self, handle: Handle) -> Result<Vec<u8>> {
        let length = u32::try_from(FILE_BYTES)?;
        self.thread
            .read(handle, 0, length)
            .map_err(failed("reading"))
    }
}

/// A new file full of one byte, open with every right.
fn fill(volume: VolumeId, thread: &UserThread, path: &str, byte: u8) -> Result<Handle> {
    let handle = thread
        .create_file(volume, path, &OpenRequest::create(FILE_ALL_ACCESS))
        .map_err(failed("creating"))?;
    thread
        .write(handle, 0, &vec![byte; FILE_BYTES])
        .map_err(failed("writing"))?;
    Ok(handle)
}

fn failed(doing: &'static str) -> impl Fn(NtStatus) -> anyhow::Error {
    move |status| anyhow!("{doing} on the modelled volume failed with {status}")
}
