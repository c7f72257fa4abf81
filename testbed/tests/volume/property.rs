//! Random sequences of operations against plain byte vectors: a clone is a copy.

use std::sync::Arc;

use proptest::prelude::*;
use testbed::volume::{
    Caller, ControlRequest, FILE_ALL_ACCESS, FSCTL_SET_SPARSE, FileSystem, FsSpec, OpenFile,
    OpenRequest, Status,
};

use crate::rig::{content, file};
use crate::sharing::clone;

/// A small cluster makes more boundaries.
const C: usize = 512;
/// Files of the volume.
const FILES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Write {
        file: usize,
        offset: usize,
        length: usize,
        byte: u8,
    },
    EndOfFile {
        file: usize,
        size: usize,
    },
    /// Cuts inside the last cluster and extends again, which leaves stale bytes behind.
    CutAndExtend {
        file: usize,
        cut: usize,
        size: usize,
    },
    Allocation {
        file: usize,
        size: usize,
    },
    Sparse {
        file: usize,
        on: bool,
    },
    Clone {
        from: usize,
        to: usize,
        source: usize,
        target: usize,
        clusters: usize,
        atomic: bool,
    },
    Read {
        file: usize,
        offset: usize,
        length: usize,
    },
    Reopen {
        file: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let files = || 0..FILES;
    let bytes = || 0..12 * C;
    let step = prop_oneof![
        4 => (files(), bytes(), 1..4 * C, 1..=255_u8)
            .prop_map(|(file, offset, length, byte)| Step::Write { file, offset, length, byte }),
        3 => (files(), bytes()).prop_map(|(file, size)| Step::EndOfFile { file, size }),
        3 => (files(), 1..=C, bytes())
            .prop_map(|(file, cut, size)| Step::CutAndExtend { file, cut, size }),
        1 => (files(), bytes()).prop_map(|(file, size)| Step::Allocation { file, size }),
        1 => (files(), any::<bool>()).prop_map(|(file, on)| Step::Sparse { file, on }),
        8 => (files(), files(), 0..10_usize, 0..10_usize, 1..8_usize, any::<bool>()).prop_map(
            |(from, to, source, target, clusters, atomic)| {
                Step::Clone { from, to, source, target, clusters, atomic }
            },
        ),
        1 => (files(), bytes(), 0..3 * C)
            .prop_map(|(file, offset, length)| Step::Read { file, offset, length }),
        1 => files().prop_map(|file| Step::Reopen { file }),
    ];
    prop::collection::vec(step, 1..40)
}

/// A volume and what its files should read as.
struct Pair {
    fs: FileSystem,
    opens: Vec<Arc<OpenFile>>,
    plain: Vec<Vec<u8>>,
}

fn path(index: usize) -> String {
    format!(r"\file {index}")
}

impl Pair {
    fn new(spec: FsSpec) -> Self {
        let fs = FileSystem::new(spec).unwrap();
        let opens = (0..FILES)
            .map(|i| file(&fs, &path(i), FILE_ALL_ACCESS, b""))
            .collect();
        Self {
            fs,
            opens,
            plain: vec![Vec::new(); FILES],
        }
    }

    /// Does a step on both sides. A step that fails for want of space changes nothing.
    fn apply(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Write {
                file,
                offset,
                length,
                byte,
            } => {
                self.write(file, offset, &vec![byte; length])?;
            }
            Step::EndOfFile { file, size } => self.end(file, size)?,
            Step::CutAndExtend { file, cut, size } => {
                let length = self.plain[file].len();
                self.end(file, length.saturating_sub(cut))?;
                self.end(file, length.max(size))?;
            }
            Step::Allocation { file, size } => {
                if space(self.opens[file].set_allocation(size as u64))? {
                    self.plain[file].truncate(size.next_multiple_of(C));
                }
            }
            Step::Sparse { file, on } => self.sparse(file, on)?,
            Step::Read {
                file,
                offset,
                length,
            } => self.read(file, offset, length)?,
            Step::Reopen { file } => self.reopen(file),
            Step::Clone {
                from,
                to,
                source,
                target,
                clusters,
                atomic,
            } => {
                let range = (source * C, target * C, clusters * C);
                self.clone(from, to, range, atomic)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, file: usize, offset: usize, bytes: &[u8]) -> Result<(), TestCaseError> {
        if space(self.opens[file].write(offset as u64, bytes).map(drop))? {
            let plain = &mut self.plain[file];
            plain.resize(plain.len().max(offset + bytes.len()), 0);
            plain[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self, file: usize, size: usize) -> Result<(), TestCaseError> {
        if space(self.opens[file].set_end_of_file(size as u64))? {
            self.plain[file].resize(size, 0);
        }
        Ok(())
    }

    fn reopen(&mut self, file: usize) {
        self.opens[file].cleanup();
        let existing = OpenRequest::existing(FILE_ALL_ACCESS);
        self.opens[file] = self.fs.open(&path(file), &existing).unwrap();
    }

    fn sparse(&mut self, file: usize, on: bool) -> Result<(), TestCaseError> {
        let input = [u8::from(on)];
        let request = ControlRequest {
            code: FSCTL_SET_SPARSE,
            input: &input,
            output_length: 0,
            caller: Caller::USER,
        };
        let answer = self.opens[file].fs_control(&request, &mut |_| Err(Status::INVALID_HANDLE));
        prop_assert!([Status::SUCCESS, Status::DISK_FULL].contains(&answer.status));
        Ok(())
    }

    fn read(&self, file: usize, offset: usize, length: usize) -> Result<(), TestCaseError> {
        let plain = &self.plain[file];
        let end = plain.len().min(offset + length);
        let expected = match (length, offset < plain.len()) {
            (0, _) => Ok(Vec::new()),
            (_, true) => Ok(plain[offset..end].to_vec()),
            (_, false) => Err(Status::END_OF_FILE),
        };
        prop_assert!(self.opens[file].read(offset as u64, length as u32) == expected);
        Ok(())
    }

    /// What the specification says about a clone, given sizes and sparse attributes.
    fn verdict(
        &self,
        from: usize,
        to: usize,
        (source, target, count): (usize, usize, usize),
    ) -> Status {
        let [from_is, to_is] = [from, to].map(|i| self.opens[i].information().unwrap());
        let behind = (source + count) as u64 > from_is.allocation_size;
        let overlap = from == to && source.abs_diff(target) < count;
        let sparse = from_is.attributes & !to_is.attributes & 0x200 != 0;
        if behind || overlap || sparse {
            Status::NOT_SUPPORTED
        } else {
            Status::SUCCESS
        }
    }

    fn clone(
        &mut self,
        from: usize,
        to: usize,
        range: (usize, usize, usize),
        atomic: bool,
    ) -> Result<(), TestCaseError> {
        let (source, target, count) = range;
        let verdict = self.verdict(from, to, range);
        let (s, t, n) = (source as u64, target as u64, count as u64);
        let status = clone(
            (&self.opens[from], s),
            (&self.opens[to], t),
            n,
            u32::from(atomic),
        );
        let mut copied = self.plain[to].clone();
        let end = copied.len();
        for (i, byte) in copied[target.min(end)..(target + count).min(end)]
            .iter_mut()
            .enumerate()
        {
            *byte = self.plain[from].get(source + i).copied().unwrap_or(0);
        }
        match status {
            Status::SUCCESS => self.plain[to] = copied,
            Status::BLOCK_TOO_MANY_REFERENCES if !atomic => self.partial(to, range, &copied)?,
            Status::BLOCK_TOO_MANY_REFERENCES | Status::DISK_FULL => {}
            _ => prop_assert_eq!(status, verdict),
        }
        if verdict != Status::SUCCESS {
            prop_assert_eq!(status, verdict);
        }
        Ok(())
    }

    /// After a clone that stopped half-way: some first clusters are new, the others old.
    fn partial(
        &mut self,
        to: usize,
        (_, target, count): (usize, usize, usize),
        copied: &[u8],
    ) -> Result<(), TestCaseError> {
        let found = content(&self.opens[to]);
        let mixed = |done: usize| {
            let mut bytes = self.plain[to].clone();
            let end = bytes.len();
            let part = target.min(end)..(target + done).min(end);
            bytes[part.clone()].copy_from_slice(&copied[part]);
            bytes
        };
        prop_assert!(
            (0..=count / C).any(|done| mixed(done * C) == found),
            "not a prefix"
        );
        self.plain[to] = found;
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        for (open, plain) in self.opens.iter().zip(&self.plain) {
            prop_assert!(content(open) == *plain, "{} differs", open.path());
        }
        prop_assert_eq!(self.fs.check(), Ok(()));
        Ok(())
    }
}

/// Whether the step was done; anything but success and a full disk is a failure of the test.
fn space(status: Result<(), Status>) -> Result<bool, TestCaseError> {
    prop_assert!(
        matches!(status, Ok(()) | Err(Status::DISK_FULL)),
        "{:?}",
        status
    );
    Ok(status.is_ok())
}

fn run(spec: FsSpec, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut pair = Pair::new(spec);
    for step in steps {
        pair.apply(step)?;
        pair.compare()?;
    }
    let Pair { fs, opens, .. } = pair;
    for open in opens {
        open.set_delete(true).unwrap();
    }
    prop_assert_eq!(fs.statistics().used_clusters, 0);
    prop_assert_eq!(fs.check(), Ok(()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clone_is_a_copy(steps in steps()) {
        run(FsSpec::refs(C as u32), &steps)?;
    }

    /// Space runs out and clusters reach their limit: what fails leaves the bytes alone.
    #[test]
    fn failures_leave_the_bytes_alone(steps in steps(), capacity in 8..40_u64, limit in 1..4_u32) {
        let spec = FsSpec {
            capacity_clusters: capacity,
            reference_limit: Some(limit),
            ..FsSpec::refs(C as u32)
        };
        run(spec, &steps)?;
    }
}
