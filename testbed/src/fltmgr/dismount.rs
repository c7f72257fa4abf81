//! The end of a volume: its instances are torn down, whoever wants to or not.

use super::layout::flags;
use super::{lock, teardown};
use crate::io::VolumeId;
use crate::machine::Machine;
use crate::status::{NtStatus, STATUS_FLT_VOLUME_NOT_FOUND};
use crate::verifier;

impl Machine {
    /// Dismounts a volume by force, as `FSCTL_DISMOUNT_VOLUME` or the removal of its device does: filters are
    /// told, what is under way is drained, and what is still open on it is good for a close only. Its id and its
    /// device name are not used again.
    ///
    /// # Errors
    ///
    /// `STATUS_FLT_VOLUME_NOT_FOUND`.
    pub fn dismount(&self, volume: VolumeId) -> Result<(), NtStatus> {
        let volume = self
            .io()
            .take_away(volume)
            .ok_or(STATUS_FLT_VOLUME_NOT_FOUND)?;
        self.system().run_kernel(|thread| {
            // A filter that is attaching has the lock of the list of those that were asked.
            drop(lock(volume.shown_to()));
            let instances = lock(volume.instances()).clone();
            for instance in instances {
                if instance.begin_teardown() {
                    let reason = flags::TEARDOWN_DISMOUNT;
                    verifier::settle(teardown::tear_down(thread.thread(), &instance, reason));
                } else {
                    instance.wait_until_gone();
                }
            }
        });
        self.objects().release(volume.address());
        Ok(())
    }
}
