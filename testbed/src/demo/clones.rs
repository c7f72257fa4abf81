//! Callers that mean well, each the way a real program does it.
//!
//! The chunk sizes and preparations are those of public callers: microsoft/CopyOnWrite, the crate
//! reflink-copy, git-lfs, a refs-fclone reproduction, and a copy engine in kernel mode such as
//! NtCopyFileChunk makes possible. All round the last chunk up to a cluster.

use anyhow::{Context as _, Result, anyhow};
use indicatif::ProgressBar;
use testbed::NtStatus;
use testbed::io::{Handle, IoStatus};
use testbed::status::STATUS_SUCCESS;
use testbed::volume::{FILE_ALL_ACCESS, FILE_GENERIC_READ, OpenRequest};

use super::files::RealFile;
use super::sent::{Form, Range, Sent};
use super::stage::{Caller, Stage};

/// Cluster of the volume that the files live on.
const CLUSTER: u64 = 4096;
const GIB: u64 = 1 << 30;

/// A way to clone.
struct Style {
    what: &'static str,
    form: Form,
    is_kernel: bool,
    /// Whether the target is made sparse before its end of file is set.
    sparse: bool,
    chunk: u64,
    flags: u32,
    /// The rules that even this caller sets off.
    rules: &'static [u8],
}

const fn style(what: &'static str, form: Form, sparse: bool, chunk: u64) -> Style {
    Style {
        what,
        form,
        is_kernel: false,
        sparse,
        chunk,
        flags: 0,
        rules: &[],
    }
}

const STYLES: &[Style] = &[
    style(
        "whole file below 4 GiB, sparse target",
        Form::Plain64,
        true,
        4 * GIB - CLUSTER,
    ),
    style(
        "whole file in 2 GiB chunks, sparse target",
        Form::Plain64,
        true,
        2 * GIB,
    ),
    style(
        "whole file in 1 GiB chunks, exact end of file",
        Form::Plain64,
        false,
        GIB,
    ),
    style("EX code, flags zero, sparse target", Form::Ex64, true, GIB),
    style("32-bit program", Form::Plain32, false, GIB),
    style("32-bit program, EX code", Form::Ex32, false, GIB),
    style(
        "chunks of eight clusters",
        Form::Plain64,
        false,
        8 * CLUSTER,
    ),
    Style {
        is_kernel: true,
        ..style("kernel-mode copy engine", Form::Plain64, false, 256 << 20)
    },
    Style {
        is_kernel: true,
        ..style("kernel-mode copy engine, EX code", Form::Ex64, false, GIB)
    },
    // Rule 32 notes the flag; it is legal.
    Style {
        flags: 1,
        rules: &[32],
        ..style("EX code, all or nothing", Form::Ex64, false, GIB)
    },
];

/// Copies every file to the volume and clones it there.
pub(crate) fn run(stage: &Stage, files: &[RealFile], bar: &ProgressBar) -> Result<Vec<Sent>> {
    let mut sent = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let style = STYLES.get(index % STYLES.len()).unwrap_or(&STYLES[0]);
        bar.set_message(file.name.clone());
        let requests = as_caller(stage, style, |caller| one(stage, caller, style, file));
        sent.extend(requests.with_context(|| file.path.display().to_string())?);
        bar.inc(1);
    }
    Ok(sent)
}

/// Runs `body` on a thread of the kind that the style asks for.
fn as_caller<T: Send>(
    stage: &Stage,
    style: &Style,
    body: impl FnOnce(&dyn Caller) -> T + Send,
) -> T {
    match (style.is_kernel, style.form.is_32bit()) {
        (true, _) => stage.machine.system().run_kernel(|thread| body(thread)),
        (false, true) => stage.program32.run(|thread| body(thread)),
        (false, false) => stage.program.run(|thread| body(thread)),
    }
}

fn one(stage: &Stage, caller: &dyn Caller, style: &Style, file: &RealFile) -> Result<Vec<Sent>> {
    let source_path = format!(r"\files\{}", file.name);
    make_directories(stage, caller, &source_path)?;
    let source = create(stage, caller, &source_path)?;
    caller
        .write(source, 0, &file.content)
        .map_err(failed("writing"))?;
    caller.close(source).map_err(failed("closing"))?;
    let size = u64::try_from(file.content.len())?;
    clone_file(
        stage,
        caller,
        style,
        &Job {
            source: source_path,
            target: clone_path(file),
            size,
        },
    )
}

/// What to clone where.
struct Job {
    source: String,
    target: String,
    size: u64,
}

fn clone_file(stage: &Stage, caller: &dyn Caller, style: &Style, job: &Job) -> Result<Vec<Sent>> {
    make_directories(stage, caller, &job.target)?;
    let request = OpenRequest::existing(FILE_GENERIC_READ);
    let source = caller
        .open(stage.volume, &job.source, &request)
        .map_err(failed("opening"))?;
    let target = create(stage, caller, &job.target)?;
    if style.sparse {
        caller.set_sparse(target).map_err(failed("making sparse"))?;
    }
    caller
        .set_end(target, job.size)
        .map_err(failed("setting the end of file"))?;
    let mut sent = Vec::new();
    for range in chunks(job.size, style.chunk)? {
        let input = style.form.bytes(source, range, style.flags);
        let answer = caller.control(target, style.form.code(), &input);
        let what = note(stage, style, job, range);
        sent.push(Sent {
            process_id: caller.process_id(),
            input_length: input.len(),
            answer,
            ..what
        });
    }
    caller.close(target).map_err(failed("closing"))?;
    caller.close(source).map_err(failed("closing"))?;
    Ok(sent)
}

/// The requests for a file of `size` bytes: at most `chunk` bytes each, the last rounded up to a
/// cluster.
fn chunks(size: u64, chunk: u64) -> Result<Vec<Range>> {
    let mut ranges = Vec::new();
    let mut offset = 0;
    while offset < size {
        let count = chunk.min((size - offset).next_multiple_of(CLUSTER));
        let at = i64::try_from(offset)?;
        ranges.push(Range {
            source: at,
            target: at,
            count: i64::try_from(count)?,
        });
        offset += count;
    }
    Ok(ranges)
}

/// What is known of a request before it is sent.
fn note(stage: &Stage, style: &Style, job: &Job, range: Range) -> Sent {
    let device = stage.device(stage.volume);
    Sent {
        what: style.what.to_owned(),
        code: style.form.code(),
        is_32bit: style.form.is_32bit(),
        is_kernel: style.is_kernel,
        process_id: 0,
        input_length: 0,
        range: Some(range),
        source: Some(format!("{device}{}", job.source)),
        target: format!("{device}{}", job.target),
        is_seen: true,
        rules: style.rules.to_vec(),
        expected: vec![STATUS_SUCCESS],
        answer: IoStatus {
            status: STATUS_SUCCESS,
            information: 0,
            output: Vec::new(),
        },
    }
}

/// A sparse file of 5 GiB: more than one request can carry.
pub(crate) fn huge_sparse_file(stage: &Stage) -> Result<Vec<Sent>> {
    let job = Job {
        source: r"\files\huge.vhdx".to_owned(),
        target: r"\clones\huge.vhdx".to_owned(),
        size: 5 * GIB + 1,
    };
    stage.program.run(|thread| {
        let caller: &dyn Caller = thread;
        make_huge(stage, caller, &job)?;
        let sent = clone_file(stage, caller, &STYLES[0], &job)?;
        check_huge(stage, caller, &job)?;
        Ok(sent)
    })
}

/// Where the huge file holds data: at the start, across the border of two requests, at the end.
const MARKS: [u64; 3] = [0, 4 * GIB - CLUSTER - 1, 5 * GIB - 2];
const MARK: &[u8] = b"end";

fn make_huge(stage: &Stage, caller: &dyn Caller, job: &Job) -> Result<()> {
    make_directories(stage, caller, &job.source)?;
    let handle = create(stage, caller, &job.source)?;
    caller.set_sparse(handle).map_err(failed("making sparse"))?;
    caller
        .set_end(handle, job.size)
        .map_err(failed("setting the end of file"))?;
    for offset in MARKS {
        caller
            .write(handle, offset, MARK)
            .map_err(failed("writing"))?;
    }
    caller.close(handle).map_err(failed("closing"))
}

fn check_huge(stage: &Stage, caller: &dyn Caller, job: &Job) -> Result<()> {
    let request = OpenRequest::existing(FILE_GENERIC_READ);
    let handle = caller
        .open(stage.volume, &job.target, &request)
        .map_err(failed("opening"))?;
    for offset in MARKS {
        let read = caller.read(handle, offset, 3).map_err(failed("reading"))?;
        if read != MARK {
            return Err(anyhow!("the clone of the 5 GiB file differs at {offset}"));
        }
    }
    caller.close(handle).map_err(failed("closing"))
}

/// Compares every clone with its real file, byte for byte.
pub(crate) fn verify(stage: &Stage, files: &[RealFile]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in files {
        let path = clone_path(file);
        let read = stage
            .program
            .run(|thread| read_whole(stage, thread, &path))?;
        if read != file.content {
            faults.push(format!("{path} differs from {}", file.path.display()));
        }
    }
    Ok(faults)
}

fn read_whole(stage: &Stage, caller: &dyn Caller, path: &str) -> Result<Vec<u8>> {
    let request = OpenRequest::existing(FILE_GENERIC_READ);
    let handle = caller
        .open(stage.volume, path, &request)
        .map_err(failed("opening"))?;
    let size = caller
        .information(handle)
        .map_err(failed("asking for sizes"))?
        .end_of_file;
    // A read at or past the end has its own status, also for an empty file.
    let content = if size == 0 {
        Vec::new()
    } else {
        caller
            .read(handle, 0, u32::try_from(size)?)
            .map_err(failed("reading"))?
    };
    caller.close(handle).map_err(failed("closing"))?;
    Ok(content)
}

fn clone_path(file: &RealFile) -> String {
    format!(r"\clones\{}", file.name)
}

fn create(stage: &Stage, caller: &dyn Caller, path: &str) -> Result<Handle> {
    caller
        .open(stage.volume, path, &OpenRequest::create(FILE_ALL_ACCESS))
        .map_err(failed("creating"))
}

/// Makes every directory above `path` that is not there.
fn make_directories(stage: &Stage, caller: &dyn Caller, path: &str) -> Result<()> {
    for (at, _) in path.match_indices('\\').skip(1) {
        let directory = &path[..at];
        let existing = OpenRequest::existing(FILE_GENERIC_READ);
        let request = OpenRequest::create_directory(FILE_GENERIC_READ);
        let handle = caller
            .open(stage.volume, directory, &existing)
            .or_else(|_missing| caller.open(stage.volume, directory, &request))
            .map_err(failed("making a directory"))?;
        caller.close(handle).map_err(failed("closing"))?;
    }
    Ok(())
}

fn failed(doing: &'static str) -> impl Fn(NtStatus) -> anyhow::Error {
    move |status| anyhow!("{doing} on the modelled volume failed with {status}")
}
