//! Loading and unloading drivers.
//!
//! [`Machine::load_driver`] maps an image and calls DriverEntry in the System process, as the service
//! control manager's request ends; [`Machine::unload`] is `fltmc unload`, which the filter's unload
//! callback may decline, [`Machine::unload_mandatory`] is `sc stop`, [`Machine::restart`] the end of the power. After each
//! end of a driver everything it took must have been given back.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::boundary::call;
use crate::boundary::guest::Guest;
use crate::boundary::memory::{Access, BlockSpec};
use crate::fltmgr::{self, CannotUnload, Departure};
use crate::image::{Image, ImageError, Owner};
use crate::machine::Machine;
use crate::ntos::{self, object::ObjectAddress, system_file::SystemVolume};
use crate::status::NtStatus;
use crate::symbols::Symbols;
use crate::thread::Thread;
use crate::verifier::{self, Rule, Violation};

/// A loaded driver.
#[derive(Debug)]
pub(crate) struct Driver {
    owner: Owner,
    object: ObjectAddress,
    image: Arc<Image>,
}

impl Driver {
    pub(crate) fn name(&self) -> &str {
        &self.owner.name
    }

    pub(crate) fn number(&self) -> u32 {
        self.owner.number
    }

    pub(crate) fn object(&self) -> ObjectAddress {
        self.object
    }

    pub(crate) fn place(&self, address: u64) -> Option<String> {
        self.image.place(address)
    }

    pub(crate) fn range(&self) -> std::ops::Range<u64> {
        self.image.range()
    }
}

/// Why a driver was not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    File(PathBuf, std::io::Error),
    /// The image cannot be mapped.
    Image(PathBuf, ImageError),
    /// A driver of this name is loaded.
    NameTaken(String),
    /// DriverEntry answered with this status, and left nothing behind.
    Entry(NtStatus),
    /// DriverEntry answered with this status and left behind what the violations say.
    EntryLeft(NtStatus, Vec<Violation>),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Image(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NameTaken(name) => write!(f, "a driver named {name} is loaded already"),
            Self::Entry(status) => write!(f, "DriverEntry failed with {status}"),
            Self::EntryLeft(status, left) => {
                write!(
                    f,
                    "DriverEntry failed with {status} and left behind: {}",
                    list(left)
                )
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// Why a driver was not unloaded cleanly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnloadError {
    /// No driver of this name is loaded.
    NotLoaded(String),
    /// It has no filter, or its filter cannot be unloaded.
    Refused(String),
    /// The unload callback declined with this status: the driver goes on.
    Declined(NtStatus),
    /// It is gone, and this was never given back.
    Left(Vec<Violation>),
}

impl fmt::Display for UnloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded(name) => write!(f, "no driver named {name} is loaded"),
            Self::Refused(why) => f.write_str(why),
            Self::Declined(status) => write!(f, "the unload callback declined with {status}"),
            Self::Left(left) => write!(f, "the driver left behind: {}", list(left)),
        }
    }
}

impl std::error::Error for UnloadError {}

fn list(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

impl Machine {
    /// Loads the driver image at `path` as the service `name` and runs its DriverEntry.
    ///
    /// # Errors
    ///
    /// A file that is no driver image, imports without a model, or the failure of DriverEntry.
    pub fn load_driver(self: &Arc<Self>, path: &Path, name: &str) -> Result<(), LoadError> {
        if self.drivers().iter().any(|driver| driver.name() == name) {
            return Err(LoadError::NameTaken(name.to_owned()));
        }
        let bytes = std::fs::read(path).map_err(|error| LoadError::File(path.to_owned(), error))?;
        let owner = Owner {
            number: self.next_driver_number(),
            name: Arc::from(name),
            symbols: Arc::new(Symbols::of(path)),
        };
        let tables = [&ntos::IMPORTS, &fltmgr::IMPORTS];
        let image = Image::map(self, &owner, &bytes, &tables)
            .map_err(|error| LoadError::Image(path.to_owned(), error))?;
        let image = Arc::new(image);
        let number = owner.number;
        self.system_volume()
            .put(SystemVolume::image_path(name), &bytes);
        let object = self.create_driver_object(name);
        self.drivers().push(Driver {
            owner,
            object,
            image: Arc::clone(&image),
        });
        let status = self.system().run_kernel(|thread| {
            verifier::settle(enter(thread.thread(), name, object, image.entry()))
        });
        if status.is_success() {
            verifier::settle(image.discard_init());
            return Ok(());
        }
        let left = self.remove(number);
        if left.is_empty() {
            Err(LoadError::Entry(status))
        } else {
            Err(LoadError::EntryLeft(status, left))
        }
    }

    /// Unloads a driver as `fltmc unload` does and checks that it gave everything back.
    ///
    /// # Errors
    ///
    /// A refusal, after which the driver goes on; or what it left behind.
    pub fn unload(self: &Arc<Self>, name: &str) -> Result<(), UnloadError> {
        self.take_out(name, Departure::Asked)
    }

    /// Unloads a driver as `sc stop` does: its filter may not decline.
    ///
    /// # Errors
    ///
    /// As [`Self::unload`], without [`UnloadError::Declined`].
    pub fn unload_mandatory(self: &Arc<Self>, name: &str) -> Result<(), UnloadError> {
        self.take_out(name, Departure::Stopped)
    }

    /// The power goes, and comes again: the driver is gone, and its next load finds of its state what is on the disk. To
    /// shut the machine down before is the caller's ([`Self::power_down`]).
    ///
    /// Volumes, processes and the parameters of services stay as they are. So that the threads of the host end, the driver
    /// is unloaded, also one that cannot be stopped; nothing that it writes meanwhile is kept.
    ///
    /// # Errors
    ///
    /// As [`Self::unload`], without a refusal.
    pub fn restart(self: &Arc<Self>, name: &str) -> Result<(), UnloadError> {
        self.registry().lose_power();
        let gone = self.take_out(name, Departure::WithThePower);
        self.registry().start_again();
        gone
    }

    fn take_out(self: &Arc<Self>, name: &str, how: Departure) -> Result<(), UnloadError> {
        let _alone = self.filter_manager().unload_alone();
        let number = self
            .drivers()
            .iter()
            .find(|d| d.name() == name)
            .map(Driver::number);
        let number = number.ok_or_else(|| UnloadError::NotLoaded(name.to_owned()))?;
        let result = self
            .system()
            .run_kernel(|thread| verifier::settle(fltmgr::unload(thread.thread(), number, how)));
        result.map_err(|refusal| match refusal {
            CannotUnload::NotAFilter => {
                UnloadError::Refused(format!("{name} has no registered filter"))
            }
            CannotUnload::Refuses => {
                UnloadError::Refused(format!("{name} does not support being stopped"))
            }
            CannotUnload::Declined(status) => UnloadError::Declined(status),
        })?;
        let left = self.remove(number);
        if left.is_empty() {
            Ok(())
        } else {
            Err(UnloadError::Left(left))
        }
    }

    /// Forgets a driver that runs no more; answers what it left behind.
    fn remove(&self, number: u32) -> Vec<Violation> {
        self.devices().wait_for_telling(number);
        let mut left = self.pool().leaks(number);
        left.extend(self.objects().leaks(number));
        left.extend(self.filter_manager().leaks(number));
        left.extend(self.running_threads(number));
        left.extend(self.open_handles(number));
        left.extend(self.process_notify().leaks(number));
        left.extend(self.devices().leaks(number));
        self.process_notify().forget(number);
        self.devices().forget(number);
        let mut drivers = self.drivers();
        let Some(index) = drivers.iter().position(|driver| driver.number() == number) else {
            return left;
        };
        // A thread that still runs its code keeps the driver in the list, so that its end is named.
        if left
            .iter()
            .any(|violation| violation.rule == Rule::SystemThread)
        {
            return left;
        }
        let driver = drivers.remove(index);
        drop(drivers);
        self.objects().release(driver.object);
        verifier::settle(driver.image.unload());
        self.keep_image(driver.image);
        left
    }
}

/// Calls DriverEntry with the driver object and the path of the service's registry key.
fn enter(
    thread: &Arc<Thread>,
    name: &str,
    object: ObjectAddress,
    entry: u64,
) -> Result<NtStatus, Violation> {
    let path = format!(r"\Registry\Machine\System\CurrentControlSet\Services\{name}");
    let units: Vec<u8> = path.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let memory = thread.machine().memory();
    let guest = Guest::new(memory, 0);
    let block = |bytes: &[u8], label: &str| {
        let spec = BlockSpec {
            access: Access::ReadOnly,
            align: 8,
            ..BlockSpec::new(bytes.len() as u64, label)
        };
        let address = memory.allocate(spec)?;
        guest.host_write(address, bytes)?;
        Ok::<u64, Violation>(address)
    };
    let text = block(&units, "text of the registry path")?;
    // UNICODE_STRING: Length 0, MaximumLength 2, Buffer 8.
    let length = u16::try_from(units.len()).unwrap_or(u16::MAX).to_le_bytes();
    let string: Vec<u8> = [length, length]
        .concat()
        .into_iter()
        .chain([0; 4])
        .chain(text.to_le_bytes())
        .collect();
    let registry_path = block(&string, "RegistryPath of DriverEntry")?;
    let label = format!("DriverEntry of {name}");
    let result = call::image(thread, &label, entry, &[object.0, registry_path])?;
    memory.free(registry_path, "the return of DriverEntry")?;
    memory.free(text, "the return of DriverEntry")?;
    Ok(NtStatus(
        u32::try_from(result & 0xFFFF_FFFF).unwrap_or(u32::MAX),
    ))
}
