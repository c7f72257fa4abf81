//! Attempts that differ in the files: what the source handle names, where the target lies, what may be
//! done with either.

use anyhow::{Result, ensure};
use testbed::io::Handle;
use testbed::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS,
};
use testbed::volume::{
    Disposition, FILE_ALL_ACCESS, FILE_ATTRIBUTE_INTEGRITY_STREAM, FILE_DIRECTORY_FILE,
    FILE_GENERIC_READ, FILE_READ_ATTRIBUTES, FILE_WRITE_DATA, OpenRequest,
};

use super::{Attempt, Bench, CLUSTER, GOOD, fill, path, pattern, range};
use crate::demo::sent::Source;
use crate::demo::stage::Drive;

/// `NtCurrentProcess()` and `NtCurrentThread()`.
const THIS_PROCESS: Handle = Handle(u64::MAX);
const THIS_THREAD: Handle = Handle(u64::MAX - 1);
/// A kernel handle, also when a 32-bit program gives its lower half, which is sign-extended.
const KERNEL_HANDLE: Handle = Handle(0xFFFF_FFFF_8000_0004);

impl Bench<'_> {
    /// Sources that are not what a source should be.
    pub(super) fn handles(&mut self) -> Result<()> {
        self.no_files()?;
        self.wrong_files()?;
        self.overlapping()?;
        self.closed_and_reused()
    }

    /// Handles that the object manager does not take for a file.
    fn no_files(&mut self) -> Result<()> {
        let event = self.caller.create_event();
        let (wrong, none) = (STATUS_OBJECT_TYPE_MISMATCH, STATUS_INVALID_HANDLE);
        self.send_all([
            self.refused("an event", event, wrong).noting(&[41]),
            self.refused("this process", THIS_PROCESS, wrong)
                .noting(&[41]),
            self.refused("this thread", THIS_THREAD, wrong)
                .noting(&[41]),
            self.refused("no handle", Handle(0), none),
            self.refused("a handle nobody has", Handle(0x7774), none),
            self.refused("a kernel handle", KERNEL_HANDLE, none),
        ])?;
        self.caller.close(event)
    }

    /// File objects that are no source for this target.
    fn wrong_files(&mut self) -> Result<()> {
        self.wrong_objects()?;
        self.wrong_states()
    }

    /// What lies elsewhere, is no data, or must not be read.
    fn wrong_objects(&mut self) -> Result<()> {
        let (caller, fine) = (self.caller, self.stage.fine);
        let elsewhere = fill(caller, self.stage.other, &path("elsewhere", self.tag), 0x11)?;
        let blind = caller.duplicate(self.source, FILE_READ_ATTRIBUTES)?;
        let volume = caller.open_volume(fine)?;
        let directory = self.directory(FILE_GENERIC_READ)?;
        let pipe = caller.open_pipe();
        let own = self.on_fine("source");
        let itself = Source::SameVolume(fine.device.to_owned());
        let other = Source::OtherVolume(self.name(self.stage.other, "elsewhere"));
        // Whoever asks in kernel mode is not checked for rights.
        let lacks_rights: &[u8] = if caller.sender().is_kernel {
            &[]
        } else {
            &[43]
        };
        let bad = STATUS_INVALID_PARAMETER;
        self.send_all([
            self.from("a pipe", pipe, Source::Foreign, bad)
                .noting(&[41]),
            self.from("a file on another volume", elsewhere, other, bad)
                .noting(&[42]),
            self.from("a directory", directory, self.on_fine("directory"), bad)
                .noting(&[41]),
            self.from("a volume", volume, itself, bad).noting(&[41]),
            self.from("a source without read access", blind, own.clone(), bad)
                .noting(lacks_rights),
            // The object manager ignores the two lowest bits of a handle.
            self.from("tag bits", Handle(self.source.0 | 3), own, STATUS_SUCCESS),
        ])?;
        self.close_all([pipe, elsewhere, blind, volume, directory])
    }

    /// Data files in a state that does not go with the target's.
    fn wrong_states(&mut self) -> Result<()> {
        let (caller, fine) = (self.caller, self.stage.fine);
        let sparse = fill(caller, fine, &path("sparse", self.tag), 0x66)?;
        caller.set_sparse(sparse, true)?;
        let checked = self.checked(&path("checked", self.tag))?;
        let no = STATUS_NOT_SUPPORTED;
        self.send_all([
            self.from("a sparse source", sparse, self.on_fine("sparse"), no)
                .noting(&[53]),
            // The Win32 page forbids it and names no status; this is the model's.
            self.from(
                "a source with checksums",
                checked,
                self.on_fine("checked"),
                no,
            )
            .noting(&[54]),
        ])?;
        self.close_all([sparse, checked])
    }

    /// One of the files of this caller on the volume of the target.
    fn on_fine(&self, name: &str) -> Source {
        Source::SameVolume(self.name(self.stage.fine, name))
    }

    /// A handle that is closed, and one whose value now means another file.
    fn closed_and_reused(&mut self) -> Result<()> {
        let fine = self.stage.fine;
        let first = fill(self.caller, fine, &path("first", self.tag), 0x22)?;
        self.caller.close(first)?;
        self.send(self.refused("a closed handle", first, STATUS_INVALID_HANDLE))?;
        let second = fill(self.caller, fine, &path("second", self.tag), 0x33)?;
        ensure!(second == first, "the model did not reuse the handle value");
        let seen = Source::SameVolume(self.name(fine, "second"));
        self.send(self.from("a closed and reused handle", second, seen, STATUS_SUCCESS))?;
        self.caller.close(second)
    }

    /// Targets that are elsewhere, or out of reach.
    pub(super) fn places(&mut self) -> Result<()> {
        let (caller, stage) = (self.caller, self.stage);
        let ntfs = fill(caller, stage.ntfs, &path("place", self.tag), 0x55)?;
        let mute = caller.duplicate(self.target, FILE_GENERIC_READ)?;
        let directory = self.directory(FILE_WRITE_DATA | FILE_READ_ATTRIBUTES)?;
        let posted = Attempt {
            is_posted: true,
            source: Source::NotInContext,
            // The file system resolves the handle in the worker's process too, where it means nothing,
            // or something that is no file.
            expected: vec![STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH],
            ..self.good("posted into another process").noting(&[44])
        };
        let foreign = self.within(stage.ntfs, ntfs, self.good("a volume that does not clone"));
        let on_directory = Attempt {
            target: directory,
            target_name: self.name(stage.fine, "directory"),
            ..self.good("a directory as target")
        };
        // The I/O manager demands the right that the code spells out; no filter sees this.
        let unwritable = Attempt {
            target: mute,
            is_seen: false,
            ..self.good("a target without write access")
        };
        self.send_all([
            posted,
            foreign.noting(&[52]).ending(STATUS_INVALID_DEVICE_REQUEST),
            on_directory.ending(STATUS_NOT_SUPPORTED),
            unwritable.ending(STATUS_ACCESS_DENIED),
        ])?;
        self.close_all([ntfs, mute, directory])?;
        self.coarse()
    }

    /// What is aligned for clusters of 4 KiB need not be for clusters of 64 KiB.
    fn coarse(&mut self) -> Result<()> {
        const LARGE: i64 = 16 * CLUSTER;
        let drive = self.stage.coarse;
        let file = fill(self.caller, drive, &path("place", self.tag), 0x44)?;
        let at = |what: &str, range| self.within(drive, file, self.with_range(what, range));
        let bad = |what: &str, range, rules: &[u8]| {
            at(what, range)
                .noting(rules)
                .ending(STATUS_INVALID_PARAMETER)
        };
        let (source, target) = (range(CLUSTER, LARGE, LARGE), range(0, CLUSTER, LARGE));
        self.send_all([
            bad("4 KiB source on 64 KiB", source, &[20, 52]),
            bad("4 KiB target on 64 KiB", target, &[21, 52]),
            bad("4 KiB count on 64 KiB", range(0, LARGE, CLUSTER), &[22]),
            at("64 KiB on 64 KiB", range(0, LARGE, LARGE)),
        ])?;
        self.caller.close(file)
    }

    /// The good request with another source.
    fn from(&self, what: &str, handle: Handle, source: Source, expected: NtStatus) -> Attempt {
        Attempt {
            input: self.form.bytes(handle, &self.form.claim(GOOD, 0)),
            origin: handle,
            source,
            ..self.good(what).ending(expected)
        }
    }

    /// The same, and the object manager refuses the handle.
    fn refused(&self, what: &str, handle: Handle, status: NtStatus) -> Attempt {
        self.from(what, handle, Source::Refused(status), status)
            .noting(&[40])
    }

    /// Source and target are one stream, and the ranges overlap (MS-FSCC 2.3.8).
    fn overlapping(&mut self) -> Result<()> {
        let overlap = range(0, CLUSTER, 4 * CLUSTER);
        let attempt = self.with_range("overlap in one file", overlap);
        self.send(Attempt {
            input: self.form.bytes(self.target, &self.form.claim(overlap, 0)),
            origin: self.target,
            source: Source::SameVolume(self.name(self.stage.fine, "target")),
            ..attempt.noting(&[52]).ending(STATUS_NOT_SUPPORTED)
        })
    }

    fn close_all<const N: usize>(&self, handles: [Handle; N]) -> Result<()> {
        handles
            .into_iter()
            .try_for_each(|handle| self.caller.close(handle))
    }

    /// The attempt with one file of another volume as source and target.
    fn within(&self, drive: Drive, file: Handle, attempt: Attempt) -> Attempt {
        let input = attempt
            .claim
            .map(|claim| self.form.bytes(file, &claim))
            .unwrap_or_default();
        Attempt {
            input,
            origin: file,
            target: file,
            target_name: self.name(drive, "place"),
            source: Source::SameVolume(self.name(drive, "place")),
            ..attempt
        }
    }

    /// A new file with an integrity stream.
    fn checked(&self, path: &str) -> Result<Handle> {
        let request = OpenRequest {
            attributes: FILE_ATTRIBUTE_INTEGRITY_STREAM,
            ..OpenRequest::create(FILE_ALL_ACCESS)
        };
        let made = self.caller.try_open(self.stage.fine, path, &request);
        let handle = made.map_err(|status| anyhow::anyhow!("creating {path}: {status}"))?;
        self.caller.write(handle, 0, &pattern(0x77))?;
        Ok(handle)
    }

    /// The one directory, made at its first use.
    fn directory(&self, access: u32) -> Result<Handle> {
        let request = OpenRequest {
            access,
            disposition: Disposition::OpenIf,
            options: FILE_DIRECTORY_FILE,
            attributes: 0,
        };
        self.caller
            .try_open(self.stage.fine, &path("directory", self.tag), &request)
            .map_err(|status| anyhow::anyhow!("a directory was not opened: {status}"))
    }
}
