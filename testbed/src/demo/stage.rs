//! The machine of the demo: volumes, processes, and the driver.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use testbed::io::{Handle, IoStatus, VolumeId, VolumeSpec};
use testbed::ntos::token::SYSTEM_SID;
use testbed::volume::{FileInformation, OpenRequest};
use testbed::{BootOptions, KernelThread, Machine, NtStatus, Process, ProcessSpec, UserThread};

/// Name of the service, as the INF would install it.
const SERVICE: &str = "CloneGuard";

/// Everything that acts in the demo.
pub(crate) struct Stage {
    /// The machine.
    pub(crate) machine: Arc<Machine>,
    /// Clones, clusters of 4 KiB: where the files live.
    pub(crate) volume: VolumeId,
    /// Clones, clusters of 64 KiB.
    pub(crate) coarse: VolumeId,
    /// Clones, but is another volume.
    pub(crate) other: VolumeId,
    /// Does not clone.
    pub(crate) ntfs: VolumeId,
    /// A 64-bit program.
    pub(crate) program: Arc<Process>,
    /// A 32-bit program.
    pub(crate) program32: Arc<Process>,
    /// The consumer of the port.
    pub(crate) tool: Arc<Process>,
}

impl Stage {
    /// Boots, mounts, loads the driver.
    pub(crate) fn set_up(image: &Path) -> Result<Self> {
        let machine = Machine::boot(BootOptions::default());
        let mount = |spec: VolumeSpec| machine.mount(spec).context("the demo's volume");
        let volume = mount(VolumeSpec::refs(4096).name(r"\Device\HarddiskVolume3"))?;
        let coarse = mount(VolumeSpec::refs(65536).name(r"\Device\HarddiskVolume4"))?;
        let other = mount(VolumeSpec::refs(4096).name(r"\Device\HarddiskVolume5"))?;
        let ntfs = mount(VolumeSpec::ntfs(4096).name(r"\Device\HarddiskVolume6"))?;
        machine
            .load_driver(image, SERVICE)
            .context("the driver was not loaded")?;
        let program =
            |name: &str| ProcessSpec::user(format!(r"\Device\HarddiskVolume3\Tools\{name}"));
        Ok(Self {
            volume,
            coarse,
            other,
            ntfs,
            program: machine.create_process(program("copy64.exe")),
            program32: machine.create_process(program("copy32.exe").bitness32()),
            tool: machine.create_process(program("cloneguard.exe").user_sid(SYSTEM_SID)),
            machine,
        })
    }

    /// The device name of a volume.
    pub(crate) fn device(&self, volume: VolumeId) -> String {
        self.machine
            .io()
            .volume(volume)
            .map(|volume| volume.name().to_owned())
            .unwrap_or_default()
    }

    /// Unloads the driver and ends the machine; answers what was left behind.
    pub(crate) fn tear_down(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Err(error) = self.machine.unload(SERVICE) {
            faults.push(format!("unload: {error}"));
        }
        for line in self.machine.debug_output() {
            println!("  driver said     {line}");
        }
        for id in [self.volume, self.coarse, self.other, self.ntfs] {
            let Some(volume) = self.machine.io().volume(id) else {
                continue;
            };
            if let Err(errors) = volume.file_system().check() {
                faults.extend(
                    errors
                        .into_iter()
                        .map(|error| format!("{}: {error}", volume.name())),
                );
            }
        }
        if let Err(violations) = self.machine.shutdown() {
            faults.extend(
                violations
                    .iter()
                    .map(|violation| format!("shutdown: {violation}")),
            );
        }
        faults
    }
}

/// What a caller can do, in user mode or in kernel mode.
pub(crate) trait Caller {
    /// Opens or creates.
    fn open(&self, volume: VolumeId, path: &str, request: &OpenRequest)
    -> Result<Handle, NtStatus>;
    /// Closes.
    fn close(&self, handle: Handle) -> Result<(), NtStatus>;
    /// Reads.
    fn read(&self, handle: Handle, offset: u64, length: u32) -> Result<Vec<u8>, NtStatus>;
    /// Writes.
    fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<usize, NtStatus>;
    /// Sets the end of file.
    fn set_end(&self, handle: Handle, size: u64) -> Result<(), NtStatus>;
    /// Makes a file sparse.
    fn set_sparse(&self, handle: Handle) -> Result<(), NtStatus>;
    /// Asks for sizes.
    fn information(&self, handle: Handle) -> Result<FileInformation, NtStatus>;
    /// Sends a file-system control.
    fn control(&self, handle: Handle, code: u32, input: &[u8]) -> IoStatus;
    /// The process.
    fn process_id(&self) -> u64;
}

macro_rules! callers {
    ($($thread:ty)*) => {$(
        impl Caller for $thread {
            fn open(&self, volume: VolumeId, path: &str, request: &OpenRequest) -> Result<Handle, NtStatus> {
                self.create_file(volume, path, request)
            }
            fn close(&self, handle: Handle) -> Result<(), NtStatus> {
                self.close(handle)
            }
            fn read(&self, handle: Handle, offset: u64, length: u32) -> Result<Vec<u8>, NtStatus> {
                self.read(handle, offset, length)
            }
            fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<usize, NtStatus> {
                self.write(handle, offset, bytes)
            }
            fn set_end(&self, handle: Handle, size: u64) -> Result<(), NtStatus> {
                self.set_end_of_file(handle, size)
            }
            fn set_sparse(&self, handle: Handle) -> Result<(), NtStatus> {
                self.set_sparse(handle, true)
            }
            fn information(&self, handle: Handle) -> Result<FileInformation, NtStatus> {
                self.information(handle)
            }
            fn control(&self, handle: Handle, code: u32, input: &[u8]) -> IoStatus {
                self.fs_control(handle, code, Some(input), 0)
            }
            fn process_id(&self) -> u64 {
                self.thread().process().id()
            }
        }
    )*};
}

callers! { UserThread KernelThread }
