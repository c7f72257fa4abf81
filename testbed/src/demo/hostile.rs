//! Callers that do not mean well, or do not know better.
//!
//! Each attempt says what status the model's sources demand (MS-FSA 2.1.5.10.4 and .5, MS-FSCC 2.3.8,
//! the object manager's for handles) and which rules the driver must note. A refused attempt must
//! leave the target as it was.

use anyhow::{Result, anyhow};
use testbed::io::{FsControl, Handle, RequestOptions, VolumeId};
use testbed::status::{
    STATUS_ACCESS_DENIED, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED,
    STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS,
};
use testbed::volume::{FILE_ALL_ACCESS, FILE_GENERIC_READ, FILE_READ_ATTRIBUTES, OpenRequest};
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
            sent.extend(bench.handles()?);
            sent.extend(bench.places()?);
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

    /// Sources that are not what a source should be.
    fn handles(&self) -> Result<Vec<Sent>> {
        let thread = self.thread;
        let event = thread.create_event();
        let pipe = thread.open_foreign(r"\Device\NamedPipe\x", FILE_ALL_ACCESS);
        let path = format!(r"\elsewhere-{:?}.bin", self.form);
        let elsewhere = fill(self.stage.other, thread, &path, 0x11)?;
        let elsewhere_name = format!("{}{path}", self.stage.device(self.stage.other));
        let blind = thread
            .duplicate_handle(self.source, Some(FILE_READ_ATTRIBUTES))
            .map_err(failed("duplicating"))?;
        let own = Some(self.name("source"));
        let mut attempts = vec![
            self.from(
                "an event as source",
                event,
                None,
                STATUS_OBJECT_TYPE_MISMATCH,
            ),
            self.from("a pipe as source", pipe, None, STATUS_INVALID_PARAMETER),
            self.from(
                "another volume's file",
                elsewhere,
                Some(elsewhere_name),
                STATUS_INVALID_PARAMETER,
            ),
            self.from(
                "a source without read access",
                blind,
                own,
                STATUS_INVALID_PARAMETER,
            ),
            self.from("no source handle", Handle(0), None, STATUS_INVALID_HANDLE),
            self.from(
                "a handle nobody has",
                Handle(0x7774),
                None,
                STATUS_INVALID_HANDLE,
            ),
            self.from(
                "the process itself",
                Handle(u64::MAX),
                None,
                STATUS_OBJECT_TYPE_MISMATCH,
            ),
        ];
        if !self.form.is_32bit() {
            let value = Handle(0xFFFF_FFFF_8000_0004);
            attempts.push(self.from(
                "a kernel handle from user mode",
                value,
                None,
                STATUS_INVALID_HANDLE,
            ));
        }
        let mut sent = self.send_all(attempts)?;
        for handle in [event, pipe, elsewhere, blind] {
            thread.close(handle).map_err(failed("closing"))?;
        }
        sent.extend(self.closed_and_reused()?);
        Ok(sent)
    }

    /// A handle that is closed, and one whose value now means another file.
    fn closed_and_reused(&self) -> Result<Vec<Sent>> {
        let path = format!(r"\first-{:?}.bin", self.form);
        let first = fill(self.stage.volume, self.thread, &path, 0x22)?;
        self.thread.close(first).map_err(failed("closing"))?;
        let closed = self.from("a closed handle", first, None, STATUS_INVALID_HANDLE);
        let mut sent = self.send_all(vec![closed])?;
        let path = format!(r"\second-{:?}.bin", self.form);
        let second = fill(self.stage.volume, self.thread, &path, 0x33)?;
        if second != first {
            return Err(anyhow!("the model did not reuse the handle value"));
        }
        let name = format!("{}{path}", self.stage.device(self.stage.volume));
        let reused = self.from(
            "a reused handle: another file",
            first,
            Some(name),
            STATUS_SUCCESS,
        );
        sent.extend(self.send_all(vec![reused])?);
        self.thread.close(second).map_err(failed("closing"))?;
        Ok(sent)
    }

    fn from(
        &self,
        what: &str,
        handle: Handle,
        source_name: Option<String>,
        expected: NtStatus,
    ) -> Attempt {
        let input = self.form.bytes(handle, GOOD, 0);
        Attempt {
            input,
            source_name,
            expected: vec![expected],
            ..self.good(what)
        }
    }

    /// Targets that are elsewhere, or out of reach.
    fn places(&self) -> Result<Vec<Sent>> {
        let (stage, thread, form) = (self.stage, self.thread, self.form);
        let path = format!(r"\place-{form:?}.bin");
        let coarse = fill(stage.coarse, thread, &path, 0x44)?;
        let coarse_name = format!("{}{path}", stage.device(stage.coarse));
        let ntfs = fill(stage.ntfs, thread, &path, 0x55)?;
        let ntfs_name = format!("{}{path}", stage.device(stage.ntfs));
        let mute = thread
            .duplicate_handle(self.target, Some(FILE_GENERIC_READ))
            .map_err(failed("duplicating"))?;
        let posted = Attempt {
            is_posted: true,
            source_name: None,
            // The file system resolves the handle in the worker's process too, where it means nothing,
            // or something that is no file.
            expected: vec![STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH],
            ..self.good("posted into another process")
        };
        let within = range(0, CLUSTER, 16 * CLUSTER);
        let unaligned = Attempt {
            target: coarse,
            source_name: Some(coarse_name.clone()),
            target_name: coarse_name,
            input: form.bytes(coarse, within, 0),
            ..self.with_range(
                "4 KiB steps on 64 KiB clusters",
                within,
                &[21],
                STATUS_INVALID_PARAMETER,
            )
        };
        let sent = self.send_all(vec![
            posted,
            unaligned,
            Attempt {
                target: ntfs,
                source_name: Some(ntfs_name.clone()),
                target_name: ntfs_name,
                input: form.bytes(ntfs, GOOD, 0),
                expected: vec![STATUS_INVALID_DEVICE_REQUEST],
                ..self.good("a file system that does not clone")
            },
            Attempt {
                target: mute,
                is_seen: false,
                expected: vec![STATUS_ACCESS_DENIED],
                ..self.good("a target without write access")
            },
        ])?;
        for handle in [coarse, ntfs, mute, self.source, self.target] {
            thread.close(handle).map_err(failed("closing"))?;
        }
        Ok(sent)
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
