//! The machine of the demo: volumes, processes, and the driver.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow};
use testbed::io::{MountedVolume, VolumeId, VolumeSpec};
use testbed::ntos::token::SYSTEM_SID;
use testbed::{BootOptions, Machine, Process, ProcessSpec, UnloadError};

use super::caller::Caller;
use super::output::say;

/// Name of the service, as the INF would install it.
pub(crate) const SERVICE: &str = "CloneGuard";
/// The name of the driver's port.
pub(crate) const PORT: &str = r"\CloneGuardPort";
/// The registry value that the driver reads its policy from.
pub(crate) const POLICY_VALUE: &str = "Policy";
/// The user whose programs clone.
pub(crate) const USER: &str = "S-1-5-21-1004336348-1177238915-682003330-1001";

/// A mounted volume.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drive {
    /// Which one.
    pub(crate) id: VolumeId,
    /// Bytes per cluster.
    pub(crate) cluster: u64,
    /// Its device name.
    pub(crate) device: &'static str,
}

/// Whose thread a piece of work runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A 64-bit program of the user, by its file name.
    Program(&'static str),
    /// A 32-bit program.
    Program32(&'static str),
    /// Kernel code in the System process, with kernel handles.
    Kernel,
}

/// Everything that acts in the demo.
pub(crate) struct Stage {
    /// The machine.
    pub(crate) machine: Arc<Machine>,
    /// Clones, clusters of 4 KiB: where most files live.
    pub(crate) fine: Drive,
    /// Clones, clusters of 64 KiB.
    pub(crate) coarse: Drive,
    /// Clones, but is another volume.
    pub(crate) other: Drive,
    /// Does not clone.
    pub(crate) ntfs: Drive,
    /// The consumer of the port.
    pub(crate) tool: Arc<Process>,
    programs: Mutex<BTreeMap<&'static str, Arc<Process>>>,
}

impl Stage {
    /// Boots, mounts, loads the driver.
    pub(crate) fn set_up(image: &Path) -> Result<Self> {
        let stage = Self::boot()?;
        stage.load(image)?;
        Ok(stage)
    }

    /// Boots and mounts. Each machine draws numbers of its own, so that each load of the driver has a boot id of its
    /// own: a journal may hold several.
    pub(crate) fn boot() -> Result<Self> {
        Self::boot_with(BootOptions {
            seed: RandomState::new().hash_one(0) | 1,
            ..BootOptions::default()
        })
    }

    /// The same on a machine of one's own choice.
    pub(crate) fn boot_with(options: BootOptions) -> Result<Self> {
        let machine = Machine::boot(options);
        let mount = |spec: VolumeSpec, cluster, device| {
            let id = machine
                .mount(spec.name(device))
                .context("a volume of the demo")?;
            Ok::<_, anyhow::Error>(Drive {
                id,
                cluster,
                device,
            })
        };
        let fine = mount(VolumeSpec::refs(4096), 4096, r"\Device\HarddiskVolume3")?;
        let coarse = mount(VolumeSpec::refs(65536), 65536, r"\Device\HarddiskVolume4")?;
        let other = mount(VolumeSpec::refs(4096), 4096, r"\Device\HarddiskVolume5")?;
        let ntfs = mount(VolumeSpec::ntfs(4096), 4096, r"\Device\HarddiskVolume6")?;
        let tool = ProcessSpec::user(image_path("cloneguard.exe")).user_sid(SYSTEM_SID);
        Ok(Self {
            fine,
            coarse,
            other,
            ntfs,
            tool: machine.create_process(tool),
            programs: Mutex::default(),
            machine,
        })
    }

    /// Loads the driver.
    pub(crate) fn load(&self, image: &Path) -> Result<()> {
        let loaded = self.machine.load_driver(image, SERVICE);
        loaded.map_err(|error| anyhow!("the driver was not loaded: {error}"))
    }

    /// Runs `body` on a new thread of a process that is made when it is first needed.
    pub(crate) fn run<T: Send>(&self, who: Who, body: impl FnOnce(&dyn Caller) -> T + Send) -> T {
        match who {
            Who::Program(name) | Who::Program32(name) => {
                let is_32bit = matches!(who, Who::Program32(_));
                self.program(name, is_32bit).run(|thread| body(thread))
            }
            Who::Kernel => self.machine.system().run_kernel(|thread| body(thread)),
        }
    }

    /// The process of a program, which is made when it is first needed.
    pub(crate) fn program(&self, name: &'static str, is_32bit: bool) -> Arc<Process> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let create = || {
            let spec = ProcessSpec::user(image_path(name)).user_sid(USER);
            let spec = if is_32bit { spec.bitness32() } else { spec };
            self.machine.create_process(spec)
        };
        Arc::clone(programs.entry(name).or_insert_with(create))
    }

    /// The volumes, as the model keeps them.
    pub(crate) fn volumes(&self) -> Vec<Arc<MountedVolume>> {
        self.machine.io().volumes()
    }

    /// Unloads the driver and ends the machine, and says what the driver has said; answers what was left behind.
    pub(crate) fn tear_down(&self) -> Vec<String> {
        let faults = self.tear_down_quietly();
        for line in self.machine.debug_output() {
            say(&format!("  the driver said: {line}"));
        }
        faults
    }

    /// The same without its words.
    pub(crate) fn tear_down_quietly(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match self.machine.unload(SERVICE) {
            Ok(()) => {}
            Err(UnloadError::Left(left)) => {
                faults.extend(left.iter().map(|found| format!("left behind: {found}")));
            }
            Err(error) => faults.push(format!("unload: {error}")),
        }
        faults.extend(self.end());
        faults
    }

    /// Ends the machine when the driver has gone; answers what was left behind.
    pub(crate) fn end(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for volume in self.volumes() {
            let name = volume.name();
            if let Err(errors) = volume.file_system().check() {
                faults.extend(errors.iter().map(|error| format!("{name}: {error}")));
            }
            let opens = volume.file_system().statistics().opens;
            if opens != 0 {
                faults.push(format!("{name}: {opens} files are still open"));
            }
        }
        if let Err(violations) = self.machine.shutdown() {
            faults.extend(violations.iter().map(|found| format!("shutdown: {found}")));
        }
        faults
    }
}

/// Where the program of this name is installed.
pub(crate) fn image_path(name: &str) -> String {
    format!(r"\Device\HarddiskVolume3\Tools\{name}")
}
