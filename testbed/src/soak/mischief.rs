//! What happens beside the load: one thing at a time, drawn at random.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use testbed::io::{VolumeId, VolumeSpec};
use testbed::ntos::token::SYSTEM_SID;
use testbed::{LoadError, Process, ProcessSpec, RegistryValue, UnloadError};
use wire::ConnectRequest;
use zerocopy::IntoBytes as _;

use crate::demo::stage::{POLICY_VALUE, PORT, SERVICE, Stage, image_path};
use crate::serve::load::Random;

/// Policies among which it is chosen; none of them locks.
const POLICIES: [&str; 5] = [
    "mode = \"observe\"\n",
    "mode = \"observe\"\nsummarise = 1\n",
    "mode = \"observe\"\njournal-size = \"256KiB\"\nrecheck = true\n",
    "mode = \"enforce\"\nenforce = [\"other-volume\", \"source-handle\"]\non-audit-loss = \"refuse\"\n",
    "mode = \"enforce\"\n[[rule]]\nname = \"vault\"\neffect = \"deny\"\nsource = '*:\\vault\\**'\n",
];
/// Calls of a load that can fail, about.
const CALLS_OF_A_LOAD: u64 = 60;
/// How long calls fail in a row.
const SHORTAGE: Duration = Duration::from_millis(3);

/// The hand behind it.
pub(crate) struct Mischief {
    stage: Arc<Stage>,
    image: PathBuf,
    random: Random,
    visitor: Arc<Process>,
    volumes: Vec<VolumeId>,
    mounted: u64,
    is_loaded: bool,
    done: BTreeMap<&'static str, u64>,
}

impl Mischief {
    /// Loads the driver.
    pub(crate) fn begin(stage: &Arc<Stage>, image: &Path, random: Random) -> Result<Self> {
        let spec = ProcessSpec::user(image_path("visitor.exe")).user_sid(SYSTEM_SID);
        let mut mischief = Self {
            visitor: stage.machine.create_process(spec),
            stage: Arc::clone(stage),
            image: image.to_owned(),
            random,
            volumes: Vec::new(),
            mounted: 0,
            is_loaded: false,
            done: BTreeMap::new(),
        };
        mischief.load()?;
        Ok(mischief)
    }

    /// Does one thing.
    pub(crate) fn act(&mut self) -> Result<()> {
        if !self.is_loaded {
            return self.load_short();
        }
        match self.random.below(40) {
            0 => self.unload(),
            1..=6 => self.change_policy(),
            7..=9 => self.ask(ConnectRequest::status().as_bytes(), "visits for the status"),
            10..=12 => self.knock(),
            13..=16 => self.come_and_go(),
            17..=19 => self.mount_or_dismount(),
            20..=22 => self.run_short(),
            23..=26 => self.fail_one(),
            _ => Ok(()),
        }
    }

    /// Ends with a driver that is loaded and has memory.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.stage.machine.injection().fail_all(false);
        self.stage.machine.injection().fail(0);
        if self.is_loaded { Ok(()) } else { self.load() }
    }

    pub(crate) fn summary(&self) -> String {
        let done = self
            .done
            .iter()
            .map(|(what, times)| format!("{times} {what}"));
        format!("Beside the load: {}", done.collect::<Vec<_>>().join(", "))
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// Loads, and nothing fails.
    fn load(&mut self) -> Result<()> {
        let loaded = self.stage.machine.load_driver(&self.image, SERVICE);
        loaded.map_err(|error| anyhow!("load: {error}"))?;
        self.is_loaded = true;
        self.count("loads");
        Ok(())
    }

    /// Loads, every other time short of memory for one of the calls of the load.
    fn load_short(&mut self) -> Result<()> {
        if self.random.below(2) == 0 {
            let number = 1 + self.random.below(CALLS_OF_A_LOAD);
            self.stage.machine.injection().fail(number);
        }
        match self.stage.machine.load_driver(&self.image, SERVICE) {
            Ok(()) => {
                self.is_loaded = true;
                self.count("loads");
            }
            // A call was to fail, and did.
            Err(LoadError::Entry(_)) => self.count("loads without memory"),
            Err(error) => return Err(anyhow!("load: {error}")),
        }
        Ok(())
    }

    pub(crate) fn unload(&mut self) -> Result<()> {
        match self.stage.machine.unload(SERVICE) {
            Ok(()) => self.is_loaded = false,
            Err(UnloadError::Left(left)) => {
                let left: Vec<_> = left.iter().map(ToString::to_string).collect();
                return Err(anyhow!("left behind: {}", left.join("; ")));
            }
            Err(error) => return Err(anyhow!("unload: {error}")),
        }
        self.count("unloads");
        Ok(())
    }

    fn change_policy(&mut self) -> Result<()> {
        let chosen = self.random.below(POLICIES.len() as u64 + 1);
        let policy = usize::try_from(chosen).ok().and_then(|at| POLICIES.get(at));
        let bytes = match policy {
            Some(text) => {
                let bytes = cloneguard::policy::compile(text);
                bytes.map_err(|problems| anyhow!("{problems}"))?
            }
            None => vec![0xEE; 100],
        };
        let value = RegistryValue::Binary(bytes);
        self.stage
            .machine
            .set_registry(SERVICE, POLICY_VALUE, value);
        self.ask(ConnectRequest::reload().as_bytes(), "policies")
    }

    /// Whatever is asked with a fault in it is refused.
    fn knock(&mut self) -> Result<()> {
        let mut context = ConnectRequest::watch([7; 16], self.random.next())
            .as_bytes()
            .to_vec();
        let at = usize::try_from(self.random.below(context.len() as u64))?;
        if self.random.below(2) == 0 {
            context.truncate(at);
        } else {
            context[at] ^= 0x40;
        }
        self.ask(&context, "odd connections")
    }

    fn ask(&mut self, context: &[u8], what: &'static str) -> Result<()> {
        let machine = &self.stage.machine;
        // Refused or not: the driver says.
        let port = self
            .visitor
            .run(|thread| machine.connect_port(thread, PORT, context));
        drop(port);
        self.count(what);
        Ok(())
    }

    fn come_and_go(&mut self) -> Result<()> {
        let spec = ProcessSpec::user(image_path("passer-by.exe")).parent(&self.visitor);
        let process = self.stage.machine.create_process(spec);
        if self.random.below(2) == 0 {
            process.exit();
        } else {
            process.kill();
        }
        self.count("processes");
        Ok(())
    }

    fn mount_or_dismount(&mut self) -> Result<()> {
        let machine = &self.stage.machine;
        if let Some(volume) = self.volumes.pop() {
            let gone = machine.dismount(volume);
            gone.map_err(|status| anyhow!("dismount: {status}"))?;
        } else {
            self.mounted += 1;
            let name = format!(r"\Device\HarddiskVolume{}", 100 + self.mounted);
            let volume = machine.mount(VolumeSpec::refs(4096).name(name));
            self.volumes.push(volume.context("a volume")?);
        }
        self.count("volumes come or gone");
        Ok(())
    }

    fn run_short(&mut self) -> Result<()> {
        let injection = self.stage.machine.injection();
        injection.fail_all(true);
        std::thread::sleep(SHORTAGE);
        injection.fail_all(false);
        self.count("shortages of memory");
        Ok(())
    }

    fn fail_one(&mut self) -> Result<()> {
        let number = 1 + self.random.below(200);
        self.stage.machine.injection().fail(number);
        self.count("calls failed");
        Ok(())
    }
}
