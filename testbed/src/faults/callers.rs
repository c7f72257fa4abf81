//! The requests of one phase of a run: of every verdict, from callers of every kind.

use anyhow::{Context as _, Result};
use testbed::ProcessSpec;
use testbed::io::{FsControl, Handle, IoStatus, RequestOptions};
use testbed::volume::{Disposition, FILE_ALL_ACCESS, OpenRequest};

use crate::demo::caller::Caller;
use crate::demo::sent::{Claim, Form, Range};
use crate::demo::stage::{Drive, SERVICE, Stage, USER, Who, image_path};

/// FSCTL_DUPLICATE_CLUSTER (ntifs.h; MS-FSCC does not have it), which shares blocks too.
const DUPLICATE_CLUSTER: u32 = 0x0009_045C;
/// What a file holds at first.
const CLUSTERS: usize = 4;

/// A request and what came of it.
pub(crate) struct Answer {
    /// What it is, for people; the same in every phase and run.
    pub(crate) name: &'static str,
    /// What the caller got.
    pub(crate) answer: IoStatus,
    /// Whether a filter of the driver stood above the volume then.
    pub(crate) is_seen: bool,
}

/// What a request is like.
struct Request {
    name: &'static str,
    who: Who,
    form: Form,
    /// Where the source lies, and where the target.
    drives: fn(&Stage) -> (Drive, Drive),
    source: &'static str,
    spoil: fn(&mut Claim),
    /// Bytes cut off the end of the input.
    cut: usize,
    /// A code of another kind, if any.
    code: Option<u32>,
}

/// What every request is that is not spoiled.
const GOOD: Request = Request {
    name: "a clone",
    who: Who::Program("copy.exe"),
    form: Form::Plain64,
    drives: |stage| (stage.fine, stage.fine),
    source: r"\plain\source.bin",
    spoil: |_| {},
    cut: 0,
    code: None,
};

const REQUESTS: [Request; 12] = [
    GOOD,
    Request {
        name: "a clone with the extended code",
        form: Form::Ex64,
        ..GOOD
    },
    Request {
        name: "a clone of a 32-bit program",
        who: Who::Program32("copy32.exe"),
        form: Form::Plain32,
        drives: |stage| (stage.coarse, stage.coarse),
        ..GOOD
    },
    Request {
        name: "a clone of kernel code",
        who: Who::Kernel,
        ..GOOD
    },
    Request {
        name: "a clone out of the vault",
        source: r"\vault\source.bin",
        ..GOOD
    },
    Request {
        name: "an offset inside a cluster",
        spoil: |claim| claim.range.source = 512,
        ..GOOD
    },
    Request {
        name: "a negative count",
        spoil: |claim| claim.range.count = -1,
        ..GOOD
    },
    Request {
        name: "a wrong size field",
        form: Form::Ex64,
        spoil: |claim| claim.ex_size = Some(7),
        ..GOOD
    },
    Request {
        name: "half an input",
        cut: 16,
        ..GOOD
    },
    Request {
        name: "a source on another volume",
        drives: |stage| (stage.other, stage.fine),
        ..GOOD
    },
    Request {
        name: "a volume that does not clone",
        drives: |stage| (stage.ntfs, stage.ntfs),
        ..GOOD
    },
    Request {
        name: "another code that shares blocks",
        code: Some(DUPLICATE_CLUSTER),
        ..GOOD
    },
];

/// Opens what is no source.
type Stranger = fn(&dyn Caller) -> Handle;

/// Sources that are no files of a file system, by what that is called.
const STRANGERS: [(&str, Stranger); 2] = [
    ("a pipe for a source", |caller| caller.open_pipe()),
    ("an event for a source", |caller| caller.create_event()),
];

/// Sends all of them; then two from programs that have just begun, some with what is no file in the place of the source,
/// and one for a handle that names nothing.
pub(crate) fn send_all(stage: &Stage) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for request in &REQUESTS {
        let answer = stage.run(request.who, |caller| request.send(stage, caller, None))?;
        answers.push(answer);
    }
    answers.extend(from_children(stage)?);
    for (name, open) in STRANGERS {
        let request = Request { name, ..GOOD };
        answers.push(stage.run(GOOD.who, |caller| {
            let stranger = open(caller);
            let answer = request.send(stage, caller, Some(stranger))?;
            caller.close(stranger)?;
            Ok::<_, anyhow::Error>(answer)
        })?);
    }
    let request = Request {
        name: "a handle that names nothing",
        ..GOOD
    };
    let handle = Some(Handle(0x7774));
    answers.push(stage.run(GOOD.who, |caller| request.send(stage, caller, handle))?);
    Ok(answers)
}

/// From processes that begin for it and end after it: one whose path is so long that its records take more memory than usual.
fn from_children(stage: &Stage) -> Result<[Answer; 2]> {
    let long = "long".repeat(400);
    Ok([
        from_a_child(stage, "child.exe", "a clone of a new process")?,
        from_a_child(stage, &long, "a clone of a program with a long path")?,
    ])
}

fn from_a_child(stage: &Stage, program: &str, name: &'static str) -> Result<Answer> {
    let shell = stage.program("shell.exe", false);
    let spec = ProcessSpec::user(image_path(program)).user_sid(USER);
    let child = stage.machine.create_process(spec.parent(&shell));
    let request = Request { name, ..GOOD };
    let answer = child.run(|thread| request.send(stage, thread, None));
    child.exit();
    answer
}

impl Request {
    fn send(&self, stage: &Stage, caller: &dyn Caller, handle: Option<Handle>) -> Result<Answer> {
        let (from, to) = (self.drives)(stage);
        let source = make(caller, from, self.source, 7)?;
        let target = make(caller, to, r"\plain\target.bin", 1)?;
        let count = i64::try_from(to.cluster)?;
        let range = Range {
            source: 0,
            target: 0,
            count,
        };
        let mut claim = self.form.claim(range, 0);
        (self.spoil)(&mut claim);
        let mut input = self.form.bytes(handle.unwrap_or(source), &claim);
        input.truncate(input.len().saturating_sub(self.cut));
        let answer = caller.control(&FsControl {
            handle: target,
            code: self.code.unwrap_or(self.form.code()),
            input: Some(&input),
            output_length: 0,
            options: RequestOptions::default(),
        });
        caller.close(source)?;
        caller.close(target)?;
        let volume = stage.machine.io().volume(to.id).context("a volume")?;
        Ok(Answer {
            name: self.name,
            answer,
            is_seen: volume.attached_filters().iter().any(|name| name == SERVICE),
        })
    }
}

/// A file that is as it was at the beginning of every run.
fn make(caller: &dyn Caller, drive: Drive, path: &str, fill: u8) -> Result<Handle> {
    caller.make_directories(drive, path)?;
    let request = OpenRequest {
        disposition: Disposition::OverwriteIf,
        ..OpenRequest::create(FILE_ALL_ACCESS)
    };
    let opened = caller.try_open(drive, path, &request);
    let handle = opened.map_err(|status| anyhow::anyhow!("{path}: {status}"))?;
    let bytes = vec![fill; CLUSTERS * usize::try_from(drive.cluster)?];
    caller.write(handle, 0, &bytes)?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use testbed::status::{
        STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_OBJECT_TYPE_MISMATCH,
    };

    use super::{Stage, send_all};

    #[test]
    fn sources_of_every_kind_are_among_them() {
        let stage = Stage::boot().expect("a machine");
        let answers = send_all(&stage).expect("answers");
        for (name, status) in [
            ("a source on another volume", STATUS_INVALID_PARAMETER),
            ("a pipe for a source", STATUS_INVALID_PARAMETER),
            ("an event for a source", STATUS_OBJECT_TYPE_MISMATCH),
            ("a handle that names nothing", STATUS_INVALID_HANDLE),
        ] {
            let mut answers = answers.iter();
            let answer = answers.find(|answer| answer.name == name);
            let got = answer.map(|answer| answer.answer.status);
            assert_eq!(got, Some(status), "{name}");
        }
        stage.machine.shutdown().expect("nothing is left");
    }
}
