//! What a run of a case leaves behind, and the comparison of a file with its oracle.

use crate::ask::Ask;
use crate::expect::{Expect, Reach};
use crate::oracle::Content;
use crate::stage::{Answer, Arrivals, Arrived, Carriage, Control, OwnedFile, Sizes, Who};
use crate::status::Status;

/// What was sent, for the comparison with the driver's records.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) ask: Ask,
    pub(crate) who: Who,
    pub(crate) expect: Expect,
    pub(crate) answer: Answer,
}

/// What can be seen after a request: the answer, how it got to the file system, and each file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) answer: Option<Answer>,
    /// Nothing where the stage has no way to see that.
    pub(crate) passage: Option<Passage>,
    pub(crate) files: Vec<(Sizes, Vec<u8>)>,
}

/// What a run leaves behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) steps: Vec<Step>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) faults: Vec<String>,
    /// Files that a request changed although the driver refused it: whatever the file system's side of a dispute is.
    pub(crate) spoilt: Vec<String>,
}

impl Sent {
    /// Whether the driver must have a record of it.
    pub(crate) fn is_recorded(&self) -> bool {
        match self.expect.reach {
            Reach::Judged | Reach::Seen => true,
            Reach::Unrecorded => false,
        }
    }
}

/// A file of a scene, its owner's hand on it, and what it must contain.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) owned: Box<dyn OwnedFile>,
    pub(crate) content: Content,
}

/// What a file is like now; the error says what is wrong with it.
pub(crate) fn compare(
    file: &File,
    before: &Result<Sizes, Status>,
) -> Result<(Sizes, Vec<u8>), String> {
    let sizes = file.owned.sizes();
    if sizes != *before {
        return Err(format!("sizes were {before:?} and are {sizes:?}"));
    }
    let sizes = sizes.map_err(|status| format!("its sizes: {status}"))?;
    if sizes.end_of_file != file.content.end() {
        let expected = file.content.end();
        return Err(format!("ends at {}, not {expected}", sizes.end_of_file));
    }
    let mut content = Vec::new();
    for (offset, length) in file.content.windows() {
        let short = u32::try_from(length).unwrap_or(u32::MAX);
        let read = file.owned.read(offset, short);
        let bytes = read.map_err(|status| format!("read at {offset}: {status}"))?;
        let expected = file.content.read(offset, length);
        if bytes != expected {
            let at = bytes
                .iter()
                .zip(&expected)
                .position(|(is, must)| is != must);
            let at = offset + at.unwrap_or(bytes.len().min(expected.len())) as u64;
            return Err(format!("another byte than expected at {at:#x}"));
        }
        content.extend(bytes);
    }
    Ok((sizes, content))
}

/// A file's sizes, and its bytes where they are compared.
pub(crate) type Snapshot = (Result<Sizes, Status>, Vec<Result<Vec<u8>, Status>>);

/// What a file is like, whatever it should be.
pub(crate) fn snapshot(file: &File) -> Snapshot {
    let windows = file.content.windows().into_iter();
    let read = |(offset, length)| {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        file.owned.read(offset, length)
    };
    (file.owned.sizes(), windows.map(read).collect())
}

/// How a request got to the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// How many requests got there until now.
    pub(crate) count: u64,
    /// Whether the last one is what was sent, bit for bit. Inputs of two runs cannot be compared with each
    /// other: they have handles in them.
    pub(crate) is_untouched: bool,
}

impl Passage {
    /// Of this request, after which so much has arrived.
    pub(crate) fn of(control: &Control<'_>, after: &Arrivals) -> Self {
        let sent = Arrived {
            code: control.code,
            input: control.input.unwrap_or_default().to_vec(),
            output: control.output,
        };
        Self {
            count: after.count,
            is_untouched: after.last.as_ref() == Some(&sent),
        }
    }
}

/// A request that passes gets to the file system bit for bit, and one that the driver refuses does not. A
/// request without a record may end in the layers above: that the driver does not touch it shows in the
/// comparison of the two runs.
pub(crate) fn way_down(
    (expect, is_refused): (&Expect, bool),
    carriage: Carriage,
    (before, after): (u64, Passage),
) -> Option<String> {
    if is_refused {
        let has_arrived = before != after.count;
        return has_arrived.then(|| "it got to the file system although it was refused".to_owned());
    }
    match carriage {
        Carriage::WithoutBuffer(_) | Carriage::VerifyVolume => return None,
        Carriage::Usual | Carriage::Posted | Carriage::AtApcLevel | Carriage::KernelCall => {}
    }
    let intact = Passage {
        count: before + 1,
        is_untouched: true,
    };
    let is_changed = expect.reach != Reach::Unrecorded && after != intact;
    is_changed.then(|| format!("the file system got {after:?} instead of {intact:?}"))
}
