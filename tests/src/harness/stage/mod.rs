//! This machine as a stage of the cases, without the driver or with it.
//!
//! A [`Windows`] has volumes and makes a directory on one of them for each case: that is the case's volume. Files are
//! made by [`owner`] through handles of their own. The 64-bit program is this process; the 32-bit one is another
//! ([`helper`]). [`trail`] reads the driver's records. What Windows cannot be asked for from user mode is answered with
//! [`Trouble::Unable`], so that the case is skipped with the reason.

mod helper;
mod owner;
mod trail;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caller::{Call, Caller, Local, Opened, Reply};
use cloneguard::Event;

use self::helper::Helper;
pub(crate) use self::owner::describe;
pub(crate) use self::trail::Trail;
use super::policy::NAMED_PROGRAM;
use super::volumes::{VolumeInfo, choose};
use crate::expect::Mode;
use crate::stage::{
    Actor, Answer, Arrivals, Carriage, Control, Open, OwnedFile, RawHandle, Stage, Trouble,
    VolumeId, VolumeSpec, Who,
};
use crate::status::Status;

/// A volume of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    /// The Win32 name of a directory on it, from `\\?\`, without a backslash at the end.
    pub(crate) root: String,
    /// The directory in it that holds those of the cases: it is removed at the end with all that is in it.
    pub(crate) folder: String,
    /// What it says of itself.
    pub(crate) info: VolumeInfo,
}

/// Where cases run.
pub(crate) struct Setting {
    pub(crate) volumes: Vec<Volume>,
    /// The 32-bit program.
    pub(crate) helper: PathBuf,
    /// Whether the driver, if it is loaded, is let onto Dev Drives.
    pub(crate) watches_dev_drives: bool,
}

/// A case's volume: a directory.
struct Place {
    /// From `\\?\`.
    directory: String,
    /// The volume that it is on, as an NT name; none where only a directory was given.
    volume: Option<String>,
}

/// See the module.
pub(crate) struct Windows {
    volumes: Vec<Volume>,
    /// The 32-bit program.
    helper: PathBuf,
    watches_dev_drives: bool,
    places: Arc<Places>,
    /// The driver's records, and how it is set up.
    driver: Option<(Trail, Mode)>,
    /// Whose records are ours.
    processes: Mutex<BTreeSet<u32>>,
}

impl Windows {
    /// A stage on these volumes; with the driver, what it records comes from the trail.
    pub(crate) fn new(setting: &Setting, driver: Option<(Trail, Mode)>) -> Self {
        Self {
            volumes: setting.volumes.clone(),
            helper: setting.helper.clone(),
            watches_dev_drives: setting.watches_dev_drives,
            places: Arc::default(),
            driver,
            processes: Mutex::new(BTreeSet::from([std::process::id()])),
        }
    }

    /// Removes what cases left on the volumes. What could not be removed comes back, and a volume that is read-only and can
    /// be written to.
    pub(crate) fn end(self) -> Vec<String> {
        let mut faults = Vec::new();
        for volume in &self.volumes {
            if volume.info.is_read_only() {
                faults.extend(owner::writable(&volume.root));
                continue;
            }
            let folder = format!(r"{}\{}", volume.root, volume.folder);
            if Path::new(&folder).exists() {
                let removed = fs::remove_dir_all(&folder);
                faults.extend(removed.err().map(|error| format!("{folder}: {error}")));
            }
        }
        faults
    }
}

/// The directories of the cases, which callers look up too.
#[derive(Default)]
struct Places(Mutex<Vec<Place>>);

impl Places {
    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The NT name of a path on a case's volume.
    fn nt_name(&self, volume: VolumeId, path: &str) -> Result<String, Trouble> {
        let places = self.lock();
        let place = places.get(volume.0 as usize);
        let none = || Trouble::Failed("no such volume".to_owned());
        let directory = &place.ok_or_else(none)?.directory;
        Ok(format!("{}{path}", nt_prefix(directory)))
    }

    /// What a caller is to open.
    fn opened(&self, what: Open<'_>) -> Result<Opened, Trouble> {
        Ok(match what {
            Open::File(volume, path) => Opened::File(self.nt_name(volume, path)?),
            Open::Directory(volume, path) => Opened::Directory(self.nt_name(volume, path)?),
            Open::Volume(volume) => {
                let places = self.lock();
                let place = places.get(volume.0 as usize);
                let name = place.and_then(|place| place.volume.clone());
                let given = || unable("only a directory of the volume was given");
                Opened::Volume(name.ok_or_else(given)?)
            }
            Open::Pipe => {
                let (process, number) = (std::process::id(), self.lock().len());
                Opened::Pipe(format!(
                    r"\\.\pipe\cloneguard-conformance-{process}-{number}"
                ))
            }
            Open::Event => Opened::Event,
        })
    }
}

impl Stage for Windows {
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble> {
        let infos: Vec<VolumeInfo> = self.volumes.iter().map(|v| v.info.clone()).collect();
        let index = choose(&infos, spec).map_err(|why| unable(&why))?;
        if infos[index].is_trusted_dev_drive() && self.driver.is_some() && !self.watches_dev_drives
        {
            let why =
                "the driver is not let onto Dev Drives: conformance preflight says how to let it";
            return Err(unable(why));
        }
        let Volume { root, folder, .. } = &self.volumes[index];
        let mut places = self.places.lock();
        let directory = format!(r"{root}\{folder}\{}", places.len());
        fs::create_dir_all(&directory)
            .map_err(|error| Trouble::Failed(format!("{directory}: {error}")))?;
        places.push(Place {
            directory,
            volume: root.contains("Volume{").then(|| nt_prefix(root)),
        });
        u32::try_from(places.len() - 1)
            .map(VolumeId)
            .map_err(|_| Trouble::Failed("too many volumes".to_owned()))
    }

    fn protect(&self, _volume: VolumeId) -> Result<(), Trouble> {
        let why = "a mounted volume of Windows becomes read-only only by a new mount, which ends every open";
        Err(unable(why))
    }

    fn settle(&self, _volume: VolumeId) -> Result<(), Trouble> {
        Err(unable("ReFS does not say when it has counted references"))
    }

    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble> {
        let name = self.places.nt_name(volume, path)?;
        Ok(Box::new(owner::create(name)?))
    }

    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        let is_under_policy = matches!(self.driver, Some((_, Mode::Policy)));
        if is_under_policy && label.starts_with(NAMED_PROGRAM) {
            return Err(unable("no program that is called after its case"));
        }
        let caller: Box<dyn Caller> = match who {
            Who::Program => Box::new(Local::default()),
            Who::Program32 => {
                let helper = Helper::start(&self.helper).map_err(|why| unable(&why))?;
                let mut processes = self
                    .processes
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                processes.insert(helper.process_id());
                Box::new(helper)
            }
            Who::ProgramOfAnother => {
                return Err(unable(
                    "no second user: an account would have to be made for it",
                ));
            }
            Who::Kernel | Who::KernelIn32 => {
                return Err(unable(
                    "no kernel-mode caller: another driver would have to call",
                ));
            }
            Who::Server => {
                return Err(unable(
                    "no remote caller: a share and a client would have to be set up",
                ));
            }
        };
        Ok(Box::new(Process {
            caller,
            places: Arc::clone(&self.places),
        }))
    }

    fn has_one_side(&self) -> bool {
        true
    }

    fn arrivals(&self, _volume: VolumeId) -> Result<Arrivals, Trouble> {
        Err(unable(
            "what arrives at a file system of Windows cannot be seen",
        ))
    }

    fn records(&self) -> Result<Vec<Event>, String> {
        let Some((trail, _)) = &self.driver else {
            return Ok(Vec::new());
        };
        let events = trail.read()?;
        let processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_ours = |event: &Event| {
            let id = event.process.process_id;
            id.is_some_and(|id| processes.contains(&id))
        };
        Ok(events.into_iter().filter(is_ours).collect())
    }
}

/// A caller of this machine.
struct Process {
    caller: Box<dyn Caller>,
    places: Arc<Places>,
}

impl Process {
    fn call(&self, call: &Call) -> Result<Reply, Trouble> {
        let lost = |error| Trouble::Failed(format!("the calling process: {error}"));
        self.caller.call(call).map_err(lost)
    }

    fn handle(&self, doing: &str, call: &Call) -> Result<RawHandle, Trouble> {
        match self.call(call)? {
            Reply::Handle(handle) => Ok(RawHandle(handle)),
            reply => Err(failed(doing, &reply)),
        }
    }
}

impl Actor for Process {
    fn open(&self, what: Open<'_>, access: u32) -> Result<RawHandle, Trouble> {
        let what = self.places.opened(what)?;
        self.handle("an open", &Call::Open { what, access })
    }

    fn duplicate(&self, handle: RawHandle, access: Option<u32>) -> Result<RawHandle, Trouble> {
        let handle = handle.0;
        self.handle("duplicating a handle", &Call::Duplicate { handle, access })
    }

    fn close(&self, handle: RawHandle) -> Result<(), Trouble> {
        match self.call(&Call::Close { handle: handle.0 })? {
            Reply::Closed => Ok(()),
            reply => Err(failed("closing", &reply)),
        }
    }

    fn control(&self, control: &Control<'_>) -> Result<Answer, Trouble> {
        if control.carriage != Carriage::Usual {
            return Err(unable(
                "a user-mode program sends requests in the usual way only",
            ));
        }
        let call = Call::Control {
            to: control.to.0,
            code: control.code,
            input: control.input.map(<[u8]>::to_vec),
            output: control.output,
        };
        match self.call(&call)? {
            Reply::Answered(answer) => Ok(Answer {
                status: Status(answer.status),
                information: answer.information,
                output: answer.output,
            }),
            reply => Err(failed("a control", &reply)),
        }
    }
}

fn failed(doing: &str, reply: &Reply) -> Trouble {
    Trouble::Failed(match reply {
        Reply::Failed(status) => format!("{doing} failed with {}", Status(*status)),
        Reply::Handle(_) | Reply::Closed | Reply::Answered(_) => {
            format!("{doing} was answered with {reply:?}")
        }
    })
}

/// `\\?\C:\a` as NT calls it: `\??\C:\a`.
fn nt_prefix(win32: &str) -> String {
    win32.replacen(r"\\?\", r"\??\", 1)
}

/// Skips a case, and says that it is this machine that cannot.
fn unable(why: &str) -> Trouble {
    Trouble::Unable(format!("not run here: {why}"))
}
