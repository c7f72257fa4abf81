//! A machine to measure on: volumes, a program that sends, and one filter or none.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use cloneguard::Consumer;
use testbed::fltmgr::PortClient;
use testbed::io::{VolumeId, VolumeSpec};
use testbed::ntos::token::SYSTEM_SID;
use testbed::process::Running;
use testbed::status::STATUS_SUCCESS;
use testbed::{BootOptions, Machine, Process, ProcessSpec, RegistryValue, UnloadError};
use zerocopy::IntoBytes as _;

/// The service of every filter here.
pub(crate) const SERVICE: &str = "CloneGuard";
/// The name of the driver's port.
pub(crate) const PORT: &str = r"\CloneGuardPort";
const POLICY_VALUE: &str = "Policy";

/// What stands between the program and the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Filter {
    /// Nothing.
    None,
    /// A filter that calls nothing.
    Empty,
    /// The driver.
    CloneGuard,
}

impl Filter {
    /// In the order in which they are shown.
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Empty, Self::CloneGuard];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "no filter",
            Self::Empty => "empty filter",
            Self::CloneGuard => "CloneGuard",
        }
    }
}

/// The images of the filters.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub(crate) empty: PathBuf,
    pub(crate) cloneguard: PathBuf,
}

/// What the machine is like.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The policy in force, as text.
    pub(crate) policy: String,
    /// Volumes that clone.
    pub(crate) volumes: usize,
    /// Programs that have sent a request before.
    pub(crate) processes: usize,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            policy: policy(""),
            volumes: 1,
            processes: 1,
        }
    }
}

/// Observe mode with a journal that holds all that is measured, and what else is given.
pub(crate) fn policy(more: &str) -> String {
    format!("mode = \"observe\"\nrevision = 1\njournal-size = \"64MiB\"\n{more}")
}

/// The machine.
pub(crate) struct Rig {
    pub(crate) machine: Arc<Machine>,
    /// Where the files lie.
    pub(crate) volume: VolumeId,
    /// The others.
    pub(crate) others: Vec<VolumeId>,
    /// Who sends.
    pub(crate) program: Arc<Process>,
    filter: Filter,
    consumer: Option<Running<()>>,
    port: Option<Arc<PortClient>>,
}

impl Rig {
    /// Boots, mounts, and loads the filter.
    pub(crate) fn start(images: &Images, filter: Filter, setting: &Setting) -> Result<Self> {
        let machine = Machine::boot(BootOptions::default());
        let mut volumes = Vec::new();
        for number in 0..setting.volumes.max(1) {
            let name = format!(r"\Device\HarddiskVolume{}", number + 3);
            volumes.push(machine.mount(VolumeSpec::refs(4096).name(name))?);
        }
        let policy = cloneguard::policy::compile(&setting.policy);
        let policy = policy.map_err(|problems| anyhow!("{problems}"))?;
        machine.set_registry(SERVICE, POLICY_VALUE, RegistryValue::Binary(policy));
        let image = match filter {
            Filter::None => None,
            Filter::Empty => Some(&images.empty),
            Filter::CloneGuard => Some(&images.cloneguard),
        };
        if let Some(image) = image {
            let loaded = machine.load_driver(image, SERVICE);
            loaded.map_err(|error| anyhow!("{}: {error}", image.display()))?;
        }
        let spec = ProcessSpec::user(r"\Device\HarddiskVolume3\Tools\copy.exe");
        Ok(Self {
            volume: volumes.remove(0),
            others: volumes,
            program: machine.create_process(spec),
            machine,
            filter,
            consumer: None,
            port: None,
        })
    }

    /// Connects a consumer that takes and acknowledges all that comes.
    pub(crate) fn consume(&mut self) -> Result<()> {
        if self.filter != Filter::CloneGuard {
            return Ok(());
        }
        let spec = ProcessSpec::user(r"\Device\HarddiskVolume3\Tools\cloneguard.exe");
        let tool = self.machine.create_process(spec.user_sid(SYSTEM_SID));
        let mut consumer = Consumer::new();
        let request = consumer.connect_request();
        let port = tool.run(|thread| self.machine.connect_port(thread, PORT, request.as_bytes()));
        let port = Arc::new(port.map_err(|status| anyhow!("the port: {status}"))?);
        let taken = Arc::clone(&port);
        self.consumer = Some(tool.spawn(move |_| {
            while let Ok(message) = taken.next_message() {
                if let Ok(delivery) = consumer.feed(&message.body) {
                    // The connection may have ended since: then the next message is none.
                    let _answered = taken.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
                }
            }
        }));
        self.port = Some(port);
        Ok(())
    }

    /// Unloads and ends; a driver that left something behind has not been measured but broken.
    pub(crate) fn end(mut self) -> Result<()> {
        if self.filter != Filter::None {
            self.machine.unload(SERVICE).map_err(|error| match error {
                UnloadError::Left(left) => anyhow!("left behind: {left:?}"),
                other => anyhow!("unload: {other}"),
            })?;
        }
        // The unload has closed the port.
        if let Some(consumer) = self.consumer.take() {
            consumer.join();
        }
        drop(self.port.take());
        let left = self.machine.shutdown();
        left.map(drop).map_err(|left| anyhow!("shutdown: {left:?}"))
    }
}
