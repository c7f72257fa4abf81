//! Callers that mean well: every file is copied to the volume and cloned there, the [`STYLES`] taking
//! turns.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;
use testbed::io::{FsControl, Handle, RequestOptions, VolumeId};
use testbed::status::{NtStatus, STATUS_NOT_SUPPORTED, STATUS_SUCCESS};

use super::caller::Caller;
use super::files::RealFile;
use super::sent::{Range, Sent, Source};
use super::stage::{Drive, Stage, Who};
use super::styles::{GIB, REFLINK_COPY, REFS_FCLONE, STYLES, Style, Target};

/// What was done.
#[derive(Default)]
pub(crate) struct Done {
    /// Every request, in the order in which they were sent.
    pub(crate) sent: Vec<Sent>,
    copies: Vec<Copy>,
    /// Bytes that the clones must share with their sources, by volume.
    shared: BTreeMap<VolumeId, u64>,
}

/// A file and its clone on a volume.
struct Copy {
    drive: Drive,
    source: String,
    target: String,
    /// Index of the real file.
    file: usize,
}

/// What to clone where.
struct Job<'a> {
    drive: Drive,
    source: &'a str,
    target: &'a str,
    size: u64,
}

/// Copies every file to a volume and clones it there. Every style has its turn, even if there are
/// fewer files than styles: then the smallest file that holds something is cloned again.
pub(crate) fn run(stage: &Stage, files: &[RealFile], bar: &ProgressBar) -> Result<Done> {
    let mut holding = (0..files.len()).filter(|&file| !files[file].content.is_empty());
    let Some(smallest) = holding
        .by_ref()
        .min_by_key(|&file| files[file].content.len())
    else {
        bail!("every file is empty: there is nothing to clone");
    };
    let filled = files.iter().filter(|file| !file.content.is_empty()).count();
    let again = STYLES.len().saturating_sub(filled);
    bar.set_length(u64::try_from(files.len() + again)?);
    let turns = (0..files.len())
        .map(|file| (file, String::new()))
        .chain((1..=again).map(|round| (smallest, format!("-{round}"))));
    let mut done = Done::default();
    let mut turn = 0;
    for (index, suffix) in turns {
        let file = &files[index];
        let style = &STYLES[turn % STYLES.len()];
        turn += usize::from(!file.content.is_empty());
        bar.set_message(file.name.clone());
        let copy = Copy {
            drive: if style.is_coarse {
                stage.coarse
            } else {
                stage.fine
            },
            source: format!(r"\files{suffix}\{}", file.name),
            target: format!(r"\clones{suffix}\{}", file.name),
            file: index,
        };
        stage
            .run(style.who, |caller| {
                done.copy_and_clone(caller, style, copy, file)
            })
            .with_context(|| file.path.display().to_string())?;
        bar.inc(1);
    }
    Ok(done)
}

impl Done {
    fn copy_and_clone(
        &mut self,
        caller: &dyn Caller,
        style: &Style,
        copy: Copy,
        file: &RealFile,
    ) -> Result<()> {
        caller.make_directories(copy.drive, &copy.source)?;
        let source = caller.create(copy.drive, &copy.source)?;
        caller.write(source, 0, &file.content)?;
        caller.close(source)?;
        let job = Job {
            drive: copy.drive,
            source: &copy.source,
            target: &copy.target,
            size: u64::try_from(file.content.len())?,
        };
        self.sent.extend(clone(caller, style, &job)?);
        self.share(job.drive, job.size.next_multiple_of(job.drive.cluster));
        self.copies.push(copy);
        Ok(())
    }

    fn share(&mut self, drive: Drive, bytes: u64) {
        *self.shared.entry(drive.id).or_default() += bytes;
    }

    /// How many bytes the clones share with their sources, by the reference counts of the volumes. That
    /// must be all of their clusters; what is not so goes to `faults`. To be asked before anybody else
    /// writes.
    pub(crate) fn bytes_shared(&self, stage: &Stage, faults: &mut Vec<String>) -> u64 {
        let mut sum = 0;
        for volume in stage.volumes() {
            let must = self.shared.get(&volume.id()).copied().unwrap_or(0);
            let is = volume.file_system().statistics().bytes_saved;
            if is != must {
                let name = volume.name();
                faults.push(format!(
                    "{name}: clones share {is} bytes with their sources, not {must}"
                ));
            }
            sum += is;
        }
        sum
    }

    /// Compares every file on the volumes, and every clone, with the real one, byte for byte.
    pub(crate) fn verify(&self, stage: &Stage, files: &[RealFile]) -> Result<Vec<String>> {
        stage.run(VERIFIER, |caller| {
            let mut faults = Vec::new();
            for copy in &self.copies {
                let file = &files[copy.file];
                faults.extend(compare(caller, copy.drive, &copy.source, file)?);
                faults.extend(compare(caller, copy.drive, &copy.target, file)?);
            }
            Ok(faults)
        })
    }
}

/// Says that a file on a volume is not the real one.
fn compare(
    caller: &dyn Caller,
    drive: Drive,
    path: &str,
    file: &RealFile,
) -> Result<Option<String>> {
    let handle = caller.open(drive, path)?;
    let content = caller.read_all(handle)?;
    caller.close(handle)?;
    let (device, real) = (drive.device, file.path.display());
    Ok((content != file.content).then(|| format!("{device}{path} differs from {real}")))
}

/// Who looks at the files afterwards.
const VERIFIER: Who = Who::Program("fc.exe");

/// Clones one file as the style has it.
fn clone(caller: &dyn Caller, style: &Style, job: &Job<'_>) -> Result<Vec<Sent>> {
    caller.make_directories(job.drive, job.target)?;
    let source = caller.open(job.drive, job.source)?;
    let target = caller.create(job.drive, job.target)?;
    if style.target != Target::Exact {
        caller.set_sparse(target, true)?;
    }
    caller.set_end(target, job.size)?;
    let mut sent = Vec::new();
    let mut offset = 0;
    while offset < job.size {
        let Some(count) = clone_chunk(caller, style, job, (source, target), (offset, &mut sent))?
        else {
            // The comparison says what the caller got instead of success.
            break;
        };
        offset += count;
    }
    if style.target == Target::SparseMeanwhile {
        caller.set_sparse(target, false)?;
    }
    caller.close(target)?;
    caller.close(source)?;
    Ok(sent)
}

/// Clones one chunk, with one tail after the other until one is accepted; answers its length.
fn clone_chunk(
    caller: &dyn Caller,
    style: &Style,
    job: &Job<'_>,
    handles: (Handle, Handle),
    (offset, sent): (u64, &mut Vec<Sent>),
) -> Result<Option<u64>> {
    let cluster = job.drive.cluster;
    let allocated = job.size.next_multiple_of(cluster);
    for &tail in style.tails {
        let tail = if tail == 0 { cluster } else { tail };
        let rest = (job.size - offset).next_multiple_of(tail);
        let count = style.chunk.min(4 * GIB - cluster).min(rest);
        // A range behind the allocation of the source is not supported (MS-FSCC 2.3.8).
        let expected = if offset + count > allocated {
            STATUS_NOT_SUPPORTED
        } else {
            STATUS_SUCCESS
        };
        let range = Range {
            source: i64::try_from(offset)?,
            target: i64::try_from(offset)?,
            count: i64::try_from(count)?,
        };
        let request = send(caller, style, job, handles, (range, expected));
        let accepted = request.answer.status.is_success();
        sent.push(request);
        if accepted {
            return Ok(Some(count));
        }
    }
    Ok(None)
}

fn send(
    caller: &dyn Caller,
    style: &Style,
    job: &Job<'_>,
    (source, target): (Handle, Handle),
    (range, expected): (Range, NtStatus),
) -> Sent {
    // A range that is behind the source's clusters is behind the target's last one too.
    let mut rules = style.rules();
    if expected == STATUS_NOT_SUPPORTED {
        rules.extend([50, 51]);
    }
    let claim = style.form.claim(range, style.flags);
    let input = style.form.bytes(source, &claim);
    let answer = caller.control(&FsControl {
        handle: target,
        code: style.form.code(),
        input: Some(&input),
        output_length: 0,
        options: RequestOptions::default(),
    });
    let device = job.drive.device;
    Sent {
        what: format!("{}: {device}{}", style.what, job.source),
        code: style.form.code(),
        sender: caller.sender(),
        input_length: input.len() as u64,
        output_length: 0,
        claim: Some(claim),
        source: Source::SameVolume(format!("{device}{}", job.source)),
        target: format!("{device}{}", job.target),
        is_seen: true,
        rules,
        expected: vec![expected],
        answer,
    }
}

/// The size of the sparse file: more than one request can carry.
const HUGE: u64 = 5 * GIB + 1;
const HUGE_SOURCE: &str = r"\huge\source.vhdx";
/// Where the sparse file holds something: across the ends of chunks, and at both of its ends.
const MARKS: [u64; 5] = [0, GIB - 2, 4 * GIB - 4098, 4 * GIB - 2, HUGE - 4];
const MARK: &[u8] = b"mark";

/// Clones a sparse file of 5 GiB, in chunks of 4 GiB less a cluster and in chunks of 1 GiB.
pub(crate) fn huge(stage: &Stage, done: &mut Done) -> Result<()> {
    let drive = stage.fine;
    let allocated = stage.run(VERIFIER, |caller| make_huge(caller, drive))?;
    for (style, target) in [
        (REFLINK_COPY, r"\huge\by-4-gib.vhdx"),
        (REFS_FCLONE, r"\huge\by-1-gib.vhdx"),
    ] {
        // reflink-copy, too, leaves the clone of a sparse file sparse.
        let style = Style {
            target: Target::Sparse,
            ..style
        };
        let job = Job {
            drive,
            source: HUGE_SOURCE,
            target,
            size: HUGE,
        };
        let sent = stage.run(style.who, |caller| {
            let sent = clone(caller, &style, &job)?;
            check_huge(caller, &job).map(|()| sent)
        })?;
        done.sent.extend(sent);
        done.share(drive, allocated);
    }
    Ok(())
}

/// Makes the sparse file; answers how many bytes of clusters it has.
fn make_huge(caller: &dyn Caller, drive: Drive) -> Result<u64> {
    caller.make_directories(drive, HUGE_SOURCE)?;
    let handle = caller.create(drive, HUGE_SOURCE)?;
    caller.set_sparse(handle, true)?;
    caller.set_end(handle, HUGE)?;
    for offset in MARKS {
        caller.write(handle, offset, MARK)?;
    }
    let allocated = caller.information(handle)?.allocated_bytes;
    caller.close(handle)?;
    Ok(allocated)
}

fn check_huge(caller: &dyn Caller, job: &Job<'_>) -> Result<()> {
    let handle = caller.open(job.drive, job.target)?;
    let size = caller.information(handle)?.end_of_file;
    if size != HUGE {
        bail!("{} has {size} bytes, not {HUGE}", job.target);
    }
    for offset in MARKS {
        if caller.read(handle, offset, u32::try_from(MARK.len())?)? != MARK {
            bail!("{} differs from its source at {offset}", job.target);
        }
    }
    caller.close(handle)
}
