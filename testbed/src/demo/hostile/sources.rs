//! Sources that are not what a source should be: wrong kind, wrong place, wrong rights, wrong moment.

use anyhow::{Result, anyhow};
use testbed::NtStatus;
use testbed::io::Handle;
use testbed::status::{
    STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS,
};
use testbed::volume::{FILE_ALL_ACCESS, FILE_READ_ATTRIBUTES};

use super::{Attempt, Bench, GOOD, failed, fill};
use crate::demo::sent::Sent;

/// Values that lead to no file, whoever asks.
const VALUES: [(&str, u64, NtStatus); 3] = [
    ("no source handle", 0, STATUS_INVALID_HANDLE),
    ("a handle nobody has", 0x7774, STATUS_INVALID_HANDLE),
    ("the process itself", u64::MAX, STATUS_OBJECT_TYPE_MISMATCH),
];

/// A value in the range of kernel handles; a 32-bit program cannot write it down.
const KERNEL_VALUE: u64 = 0xFFFF_FFFF_8000_0004;

impl Bench<'_> {
    pub(super) fn sources(&self) -> Result<Vec<Sent>> {
        let mut sent = self.values()?;
        sent.extend(self.foreign()?);
        sent.extend(self.out_of_place()?);
        sent.extend(self.closed_and_reused()?);
        Ok(sent)
    }

    fn values(&self) -> Result<Vec<Sent>> {
        let attempt = |(what, value, status)| self.from(what, Handle(value), None, status);
        let mut attempts: Vec<_> = VALUES.map(attempt).into();
        if !self.form.is_32bit() {
            let what = "a kernel handle from user mode";
            attempts.push(attempt((what, KERNEL_VALUE, STATUS_INVALID_HANDLE)));
        }
        self.send_all(attempts)
    }

    /// Objects that are no files of a file system.
    fn foreign(&self) -> Result<Vec<Sent>> {
        let event = self.thread.create_event();
        let pipe = self
            .thread
            .open_foreign(r"\Device\NamedPipe\x", FILE_ALL_ACCESS);
        let sent = self.send_all(vec![
            self.from("an event", event, None, STATUS_OBJECT_TYPE_MISMATCH),
            self.from("a pipe", pipe, None, STATUS_INVALID_PARAMETER),
        ])?;
        self.close([event, pipe])?;
        Ok(sent)
    }

    /// Files on another volume, or opened without the right to read.
    fn out_of_place(&self) -> Result<Vec<Sent>> {
        let path = format!(r"\elsewhere-{:?}.bin", self.form);
        let other = fill(self.stage.other, self.thread, &path, 0x11)?;
        let name = Some(format!("{}{path}", self.stage.device(self.stage.other)));
        let blind = self
            .thread
            .duplicate_handle(self.source, Some(FILE_READ_ATTRIBUTES))
            .map_err(failed("duplicating"))?;
        let own = Some(self.name("source"));
        let sent = self.send_all(vec![
            self.from("another volume", other, name, STATUS_INVALID_PARAMETER),
            self.from("no read access", blind, own, STATUS_INVALID_PARAMETER),
        ])?;
        self.close([other, blind])?;
        Ok(sent)
    }

    /// A handle that is closed, and one whose value now means another file.
    fn closed_and_reused(&self) -> Result<Vec<Sent>> {
        let path = format!(r"\first-{:?}.bin", self.form);
        let first = fill(self.stage.volume, self.thread, &path, 0x22)?;
        self.close([first])?;
        let closed = self.from("a closed handle", first, None, STATUS_INVALID_HANDLE);
        let mut sent = self.send_all(vec![closed])?;
        let path = format!(r"\second-{:?}.bin", self.form);
        let second = fill(self.stage.volume, self.thread, &path, 0x33)?;
        if second != first {
            return Err(anyhow!("the model did not reuse the handle value"));
        }
        let name = Some(format!("{}{path}", self.stage.device(self.stage.volume)));
        let reused = self.from("a reused handle: another file", first, name, STATUS_SUCCESS);
        sent.extend(self.send_all(vec![reused])?);
        self.close([second])?;
        Ok(sent)
    }

    fn from(&self, what: &str, source: Handle, name: Option<String>, status: NtStatus) -> Attempt {
        Attempt {
            input: self.form.bytes(source, GOOD, 0),
            source_name: name,
            expected: vec![status],
            ..self.good(what)
        }
    }
}
