//! Random sequences of operations against plain byte vectors: a clone is a copy.

use std::sync::Arc;

use proptest::prelude::*;
use testbed::volume::{
    Accounting, DELETE, FILE_ALL_ACCESS, FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, FileSystem, FsKind,
    FsSpec, OpenFile, OpenRequest, SWITCHES, Status,
};

use crate::rig::{content, file};
use crate::settings::set_integrity;
use crate::sharing::{clone, control};
use crate::steps::{C, FILES, Step, steps};

/// A volume and what its files should read as.
struct Pair {
    fs: FileSystem,
    opens: Vec<Arc<OpenFile>>,
    plain: Vec<Vec<u8>>,
    /// Whether every switch has its default value, so that refusals can be foretold.
    by_default: bool,
}

/// Two files, and a named stream of the second.
const PATHS: [&str; FILES] = [r"\first", r"\second", r"\second:stream"];
/// Another name of the first file.
const LINK: &str = r"\link";

impl Pair {
    fn new(spec: FsSpec, by_default: bool) -> Self {
        let fs = FileSystem::new(spec).unwrap();
        let opens: Vec<_> = PATHS
            .into_iter()
            .map(|path| file(&fs, path, FILE_ALL_ACCESS, b""))
            .collect();
        opens[0].link(LINK).unwrap();
        Self {
            fs,
            opens,
            plain: vec![Vec::new(); FILES],
            by_default,
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
            Step::Zero {
                file,
                offset,
                length,
            } => self.zero(file, offset, length)?,
            _ => self.apply_other(step)?,
        }
        Ok(())
    }

    /// The steps that are about more than the bytes of one stream.
    fn apply_other(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Sparse { file, on } => self.sparse(file, on)?,
            Step::Integrity { file, on } => {
                let status = set_integrity(&self.opens[file], if on { 2 } else { 0 }, 0);
                let expected = match self.fs.spec().kind {
                    FsKind::Refs => Status::SUCCESS,
                    FsKind::Ntfs | FsKind::ThirdParty => Status::INVALID_DEVICE_REQUEST,
                };
                prop_assert_eq!(status, expected);
            }
            Step::Read {
                file,
                offset,
                length,
            } => self.read(file, offset, length)?,
            Step::Reopen { file, other_name } => self.reopen(file, other_name),
            Step::Settle => self.fs.settle(),
            Step::Clone {
                from,
                to,
                source,
                target,
                clusters,
                odd,
                atomic,
            } => {
                let range = (source * C + odd.0, target * C + odd.1, clusters * C + odd.2);
                self.clone(from, to, range, atomic)?;
            }
            Step::Write { .. }
            | Step::EndOfFile { .. }
            | Step::CutAndExtend { .. }
            | Step::Allocation { .. }
            | Step::Zero { .. } => unreachable!("{step:?} is done by apply"),
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

    fn reopen(&mut self, file: usize, other_name: bool) {
        self.opens[file].cleanup();
        let existing = OpenRequest::existing(FILE_ALL_ACCESS);
        let path = if other_name && file == 0 {
            LINK
        } else {
            PATHS[file]
        };
        self.opens[file] = self.fs.open(path, &existing).unwrap();
    }

    fn zero(&mut self, file: usize, offset: usize, length: usize) -> Result<(), TestCaseError> {
        let input = [offset as u64, (offset + length) as u64].map(u64::to_le_bytes);
        let status = control(&self.opens[file], FSCTL_SET_ZERO_DATA, &input.concat(), 0).0;
        prop_assert!([Status::SUCCESS, Status::DISK_FULL].contains(&status));
        if status == Status::SUCCESS {
            let plain = &mut self.plain[file];
            let end = plain.len();
            plain[offset.min(end)..(offset + length).min(end)].fill(0);
        }
        Ok(())
    }

    fn sparse(&mut self, file: usize, on: bool) -> Result<(), TestCaseError> {
        let status = control(&self.opens[file], FSCTL_SET_SPARSE, &[u8::from(on)], 0).0;
        prop_assert!([Status::SUCCESS, Status::DISK_FULL].contains(&status));
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

    /// What the specification says about a clone by default, given sizes and attributes.
    fn verdict(
        &self,
        from: usize,
        to: usize,
        (source, target, count): (usize, usize, usize),
    ) -> Status {
        if [source, target, count].iter().any(|value| value % C != 0) {
            return Status::INVALID_PARAMETER;
        }
        let [from_is, to_is] = [from, to].map(|i| self.opens[i].information().unwrap());
        let behind = (source + count) as u64 > from_is.allocation_size;
        let overlap = from == to && source.abs_diff(target) < count;
        let sparse = from_is.sparse && !to_is.sparse;
        let integrity = from_is.integrity != to_is.integrity;
        if behind || overlap || sparse || integrity {
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
        let verdict = self.verdict(from, to, range);
        let copied = self.copied(from, to, range);
        let [s, t, n] = [range.0, range.1, range.2].map(|value| value as u64);
        let (source, target) = (&self.opens[from], &self.opens[to]);
        let status = clone((source, s), (target, t), n, u32::from(atomic));
        match status {
            Status::SUCCESS => self.plain[to] = copied,
            Status::BLOCK_TOO_MANY_REFERENCES if !atomic => self.partial(to, range, &copied)?,
            _ => {}
        }
        let by_chance = [Status::BLOCK_TOO_MANY_REFERENCES, Status::DISK_FULL];
        if self.by_default && (verdict != Status::SUCCESS || !by_chance.contains(&status)) {
            prop_assert_eq!(status, verdict);
        }
        Ok(())
    }

    /// What the target reads as after a copy of the bytes, one after the other.
    fn copied(
        &self,
        from: usize,
        to: usize,
        (source, target, count): (usize, usize, usize),
    ) -> Vec<u8> {
        let allocated = self.opens[from].information().unwrap().allocation_size as usize;
        let count = count.min(allocated.saturating_sub(source));
        let mut copied = self.plain[to].clone();
        for i in 0..count.min(copied.len().saturating_sub(target)) {
            let read = if from == to {
                &copied
            } else {
                &self.plain[from]
            };
            copied[target + i] = read.get(source + i).copied().unwrap_or(0);
        }
        copied
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

fn run(spec: FsSpec, by_default: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut pair = Pair::new(spec, by_default);
    for step in steps {
        pair.apply(step)?;
        pair.compare()?;
    }
    let Pair { fs, opens, .. } = pair;
    for open in opens {
        open.set_delete(true).unwrap();
    }
    let left = OpenRequest::existing(DELETE);
    let names = PATHS.into_iter().chain([LINK]);
    for open in names.filter_map(|path| fs.open(path, &left).ok()) {
        open.set_delete(true).unwrap();
    }
    prop_assert_eq!(
        (fs.statistics().files, fs.statistics().used_clusters),
        (0, 0)
    );
    prop_assert_eq!(fs.check(), Ok(()));
    Ok(())
}

/// ReFS, or another file system that clones.
fn any_cloning() -> impl Strategy<Value = FsSpec> {
    let cluster = C as u32;
    prop_oneof![
        Just(FsSpec::refs(cluster)),
        Just(FsSpec::third_party(cluster)),
    ]
}

/// The same with one value for each switch that it can have.
fn any_answers() -> impl Strategy<Value = FsSpec> {
    any_cloning().prop_flat_map(|spec| {
        let kind = spec.kind;
        let values = SWITCHES
            .iter()
            .map(|switch| 0..switch.values_on(kind).len());
        values.collect::<Vec<_>>().prop_map(move |values| {
            let mut spec = spec.clone();
            for (switch, value) in SWITCHES.iter().zip(values) {
                switch.values[value].apply(&mut spec);
            }
            spec
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clone_is_a_copy(steps in steps(), spec in any_cloning()) {
        run(spec, true, &steps)?;
    }

    /// Space runs out and clusters reach their limit: what fails leaves the bytes alone.
    #[test]
    fn failures_leave_the_bytes_alone(
        steps in steps(), capacity in 8..40_u64, limit in 1..4_u32, lazy in any::<bool>(),
        spec in any_cloning(),
    ) {
        let spec = FsSpec {
            capacity_clusters: capacity,
            reference_limit: Some(limit),
            accounting: if lazy { Accounting::Lazy } else { Accounting::Exact },
            ..spec
        };
        run(spec, true, &steps)?;
    }

    /// Whatever the open questions are answered with, a clone is a copy or leaves the bytes alone.
    #[test]
    fn no_switch_makes_a_clone_anything_but_a_copy(
        steps in steps(), spec in any_answers(), limit in 1..9_u32,
    ) {
        let spec = FsSpec {
            capacity_clusters: 60,
            reference_limit: Some(limit),
            ..spec
        };
        run(spec, false, &steps)?;
    }
}
