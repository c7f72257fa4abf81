//! What is measured: requests of each kind that matters.

use anyhow::{Result, anyhow, ensure};
use testbed::UserThread;
use testbed::io::{FsControl, Handle, RequestOptions, VolumeId};
use testbed::status::{NtStatus, STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use testbed::volume::{Disposition, FILE_ALL_ACCESS, OpenRequest};

use crate::rig::{Filter, Rig, Setting, policy};

/// FSCTL_DUPLICATE_EXTENTS_TO_FILE (MS-FSCC 2.3.7).
const CLONE: u32 = 0x0009_8344;
/// FSCTL_GET_COMPRESSION (MS-FSCC 2.3.19): one of the many codes that are none of ours.
const OTHER: u32 = 0x0009_003C;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Another file-system control.
    Other,
    /// A clone of one cluster.
    Clone4Kib,
    /// The same between files whose normalized names the filter manager has at hand.
    NamesCached,
    /// A clone of 1 MiB.
    Clone1Mib,
    /// A clone of 1 GiB.
    Clone1Gib,
    /// A clone that the driver refuses, and without it the file system.
    Refused,
    /// A clone of one cluster, for whose record there is no room.
    JournalFull,
    /// A clone of one cluster, while a consumer takes the records.
    Consumed,
    /// A clone of one cluster, which a summary tells of.
    Summarised,
    /// A clone from a handle that is none, so that the name of the source is unknown.
    NoSource,
}

/// A program's files, open for one kind of request.
pub(crate) struct Prepared {
    operation: Operation,
    source: Handle,
    target: Handle,
    input: Vec<u8>,
}

impl Operation {
    /// Those that are compared with other filters, in the order in which they are shown.
    pub(crate) const ALL: [Self; 9] = [
        Self::Other,
        Self::Clone4Kib,
        Self::NamesCached,
        Self::Clone1Mib,
        Self::Clone1Gib,
        Self::Refused,
        Self::JournalFull,
        Self::Consumed,
        Self::Summarised,
    ];

    /// What people call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Other => "other FSCTL",
            Self::Clone4Kib => "clone of 4 KiB",
            Self::NamesCached => "clone, names cached",
            Self::Clone1Mib => "clone of 1 MiB",
            Self::Clone1Gib => "clone of 1 GiB",
            Self::Refused => "refused clone",
            Self::JournalFull => "clone, journal full",
            Self::Consumed => "clone, consumer attached",
            Self::Summarised => "clone, summarised",
            Self::NoSource => "clone, no source",
        }
    }

    /// The machine for it.
    pub(crate) fn setting(self) -> Setting {
        let policy = match self {
            Self::Refused => policy("").replace("observe", "enforce"),
            Self::JournalFull => policy("").replace("64MiB", "64KiB"),
            Self::Summarised => policy("summarise = 3600\n"),
            Self::Other
            | Self::Clone4Kib
            | Self::NamesCached
            | Self::Clone1Mib
            | Self::Clone1Gib
            | Self::Consumed
            | Self::NoSource => policy(""),
        };
        Setting {
            policy,
            ..Setting::default()
        }
    }

    const fn size(self) -> u64 {
        match self {
            Self::Clone1Mib => MIB,
            Self::Clone1Gib => GIB,
            _ => 4 * KIB,
        }
    }

    const fn expected(self) -> NtStatus {
        match self {
            Self::Refused => STATUS_INVALID_PARAMETER,
            Self::NoSource => STATUS_INVALID_HANDLE,
            _ => STATUS_SUCCESS,
        }
    }

    /// Brings the machine into the state that the kind of request needs.
    pub(crate) fn prepare(self, rig: &mut Rig, filter: Filter) -> Result<Prepared> {
        let volume = rig.volume;
        let prepared = rig.program.run(|thread| self.open(thread, volume))?;
        match self {
            Self::Consumed => rig.consume()?,
            Self::JournalFull if filter == Filter::CloneGuard => {
                // A record takes about a kilobyte of the 64.
                rig.program
                    .run(|thread| (0..256).try_for_each(|_| prepared.send(thread)))?;
            }
            _ => {}
        }
        Ok(prepared)
    }

    /// Opens the files of a program on a volume.
    pub(crate) fn open(self, thread: &UserThread, volume: VolumeId) -> Result<Prepared> {
        self.open_as(thread, volume, 0)
    }

    /// The same, files of its own for each of several threads.
    pub(crate) fn open_as(
        self,
        thread: &UserThread,
        volume: VolumeId,
        number: usize,
    ) -> Result<Prepared> {
        let source = open(
            thread,
            volume,
            &format!(r"\Source{number}.bin"),
            self.size(),
        )?;
        let target = open(
            thread,
            volume,
            &format!(r"\Target{number}.bin"),
            self.size(),
        )?;
        // An offset inside a cluster is refused by the file system too (MS-FSA 2.1.5.10.4).
        let offset = if self == Self::Refused { 512_u64 } else { 0 };
        if self == Self::NamesCached {
            for handle in [source, target] {
                let cached = thread.cache_normalized_name(handle);
                cached.map_err(|status| anyhow!("a name: {status}"))?;
            }
        }
        let claimed = if self == Self::NoSource { 0 } else { source.0 };
        let words = [claimed, offset, 0, self.size()];
        Ok(Prepared {
            operation: self,
            source,
            target,
            input: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        })
    }
}

/// A sparse file of that size with something in its first cluster.
fn open(thread: &UserThread, volume: VolumeId, path: &str, size: u64) -> Result<Handle> {
    let failed = |status: NtStatus| anyhow!("{path}: {status}");
    let request = OpenRequest {
        disposition: Disposition::OverwriteIf,
        ..OpenRequest::create(FILE_ALL_ACCESS)
    };
    let handle = thread.create_file(volume, path, &request).map_err(failed)?;
    thread.set_sparse(handle, true).map_err(failed)?;
    thread.set_end_of_file(handle, size).map_err(failed)?;
    thread.write(handle, 0, &[7; 4096]).map_err(failed)?;
    Ok(handle)
}

impl Prepared {
    /// Sends one request.
    pub(crate) fn send(&self, thread: &UserThread) -> Result<()> {
        let is_other = self.operation == Operation::Other;
        let answer = thread.fs_control_with(&FsControl {
            handle: self.target,
            code: if is_other { OTHER } else { CLONE },
            input: (!is_other).then_some(&self.input),
            output_length: if is_other { 2 } else { 0 },
            options: RequestOptions::default(),
        });
        let expected = self.operation.expected();
        // What the model file system says to another code does not matter here.
        ensure!(
            is_other || answer.status == expected,
            "{}: {}, not {expected}",
            self.operation.name(),
            answer.status
        );
        Ok(())
    }

    /// Closes the files.
    pub(crate) fn close(self, thread: &UserThread) -> Result<()> {
        for handle in [self.source, self.target] {
            thread
                .close(handle)
                .map_err(|status| anyhow!("closing: {status}"))?;
        }
        Ok(())
    }
}
