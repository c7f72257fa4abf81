//! Targets that are elsewhere or out of reach, and a request that arrives in another process.

use anyhow::Result;
use testbed::io::{Handle, VolumeId};
use testbed::status::{
    STATUS_ACCESS_DENIED, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_TYPE_MISMATCH,
};
use testbed::volume::FILE_GENERIC_READ;

use super::{Attempt, Bench, CLUSTER, GOOD, failed, fill, range};
use crate::demo::sent::{Range, Sent};

impl Bench<'_> {
    pub(super) fn targets(&self) -> Result<Vec<Sent>> {
        let mut sent = self.send_all(vec![self.posted()])?;
        let steps = range(0, CLUSTER, 16 * CLUSTER);
        sent.extend(self.on(self.stage.coarse, steps, |attempt| Attempt {
            what: "4 KiB steps on 64 KiB clusters".to_owned(),
            rules: vec![21],
            expected: vec![STATUS_INVALID_PARAMETER],
            ..attempt
        })?);
        sent.extend(self.on(self.stage.ntfs, GOOD, |attempt| Attempt {
            what: "a file system that does not clone".to_owned(),
            expected: vec![STATUS_INVALID_DEVICE_REQUEST],
            ..attempt
        })?);
        sent.extend(self.mute()?);
        Ok(sent)
    }

    /// A filter above has posted the request: nobody can tell what the handle meant.
    fn posted(&self) -> Attempt {
        Attempt {
            is_posted: true,
            source_name: None,
            // The file system resolves the handle in the worker's process too, where it means
            // nothing, or something that is no file.
            expected: vec![STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH],
            ..self.good("posted into another process")
        }
    }

    /// A file of another volume, cloned into itself.
    fn on(
        &self,
        volume: VolumeId,
        range: Range,
        change: impl FnOnce(Attempt) -> Attempt,
    ) -> Result<Vec<Sent>> {
        let path = format!(r"\place-{:?}.bin", self.form);
        let target: Handle = fill(volume, self.thread, &path, 0x44)?;
        let name = format!("{}{path}", self.stage.device(volume));
        let attempt = change(Attempt {
            target,
            range: Some(range),
            input: self.form.bytes(target, range, 0),
            source_name: Some(name.clone()),
            target_name: name,
            ..self.good("")
        });
        let sent = self.send_all(vec![attempt])?;
        self.close([target])?;
        Ok(sent)
    }

    /// The I/O manager refuses this one before there is a request.
    fn mute(&self) -> Result<Vec<Sent>> {
        let target = self
            .thread
            .duplicate_handle(self.target, Some(FILE_GENERIC_READ))
            .map_err(failed("duplicating"))?;
        let sent = self.send_all(vec![Attempt {
            target,
            is_seen: false,
            expected: vec![STATUS_ACCESS_DENIED],
            ..self.good("a target without write access")
        }])?;
        self.close([target])?;
        Ok(sent)
    }
}
