//! The test-bed as a stage, with or without the driver: the one place that names its types.
//!
//! [`Bed`] is a machine. Files are made at the file system itself, so that owners are no callers;
//! `actor` sends requests through the modelled I/O manager, `driver` loads the image and reads its
//! records.

mod actor;
pub(crate) mod driver;
mod spec;

use std::path::Path;
use std::sync::Arc;

use cloneguard::Event;
use testbed::io::VolumeSpec as BedVolume;
use testbed::volume::{
    ArrivedControl, Caller, ControlRequest, DELETE, FILE_ALL_ACCESS, FILE_ATTRIBUTE_READONLY,
    FILE_READ_ATTRIBUTES, FSCTL_SET_INTEGRITY_INFORMATION, FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA,
    FileSystem, Input, OpenFile, OpenRequest, Status as BedStatus,
};
use testbed::{BootOptions, Machine};

use self::actor::BedActor;
use self::driver::Driver;
use crate::expect::Mode;
use crate::stage::{
    Actor, Arrivals, Arrived, Change, OwnedFile, Sizes, Stage, Trouble, VolumeId, VolumeSpec, Who,
};
use crate::status::Status;

/// A machine of the test-bed.
pub struct Bed {
    machine: Arc<Machine>,
    driver: Option<Driver>,
}

impl Bed {
    /// A machine without the driver.
    #[must_use]
    pub fn bare() -> Self {
        Self {
            machine: Machine::boot(BootOptions::default()),
            driver: None,
        }
    }

    /// A machine with the driver of this image.
    ///
    /// # Errors
    /// Why it does not load.
    pub fn with_driver(image: &Path, mode: Mode) -> Result<Self, String> {
        let bed = Self::bare();
        let driver = Driver::load(&bed.machine, image, mode)?;
        Ok(Self {
            driver: Some(driver),
            ..bed
        })
    }

    /// Unloads the driver and ends the machine.
    ///
    /// # Errors
    /// What was left behind, and what is wrong with the volumes.
    pub fn end(self) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        if let Some(driver) = self.driver {
            faults.extend(driver.unload(&self.machine));
        }
        for volume in self.machine.io().volumes() {
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
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn file_system(&self, volume: VolumeId) -> Result<FileSystem, Trouble> {
        let found = self.machine.io().volume(testbed::io::VolumeId(volume.0));
        let none = || Trouble::Failed("no such volume".to_owned());
        Ok(found.ok_or_else(none)?.file_system().clone())
    }
}

impl Stage for Bed {
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble> {
        let mut volume = BedVolume::with(spec::of(spec)?);
        if spec.dev_drive {
            volume = volume.dev_drive().trusted();
        }
        let mounted = self.machine.mount(volume);
        let id = mounted.map_err(|error| Trouble::Failed(error.to_string()))?;
        Ok(VolumeId(id.0))
    }

    fn protect(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.file_system(volume)?.set_read_only(true);
        Ok(())
    }

    fn settle(&self, volume: VolumeId) -> Result<(), Trouble> {
        self.file_system(volume)?.settle();
        Ok(())
    }

    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble> {
        let request = OpenRequest::create(FILE_ALL_ACCESS);
        let opened = self.file_system(volume)?.open(path, &request);
        Ok(Box::new(Owned(opened.map_err(failed("creating a file"))?)))
    }

    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble> {
        Ok(Box::new(BedActor::start(&self.machine, who, label)))
    }

    fn arrivals(&self, volume: VolumeId) -> Result<Arrivals, Trouble> {
        let file_system = self.file_system(volume)?;
        let arrived = |last: ArrivedControl| Arrived {
            code: last.code,
            input: last.input,
            output: last.output_length,
        };
        Ok(Arrivals {
            count: file_system.controls(),
            last: file_system.last_control().map(arrived),
        })
    }

    fn records(&self) -> Result<Vec<Event>, String> {
        match &self.driver {
            Some(driver) => driver.records(&self.machine),
            None => Ok(Vec::new()),
        }
    }
}

/// A file, opened at the file system itself.
struct Owned(Arc<OpenFile>);

impl OwnedFile for Owned {
    fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        self.0
            .read(offset, length)
            .map_err(|status| Status(status.0))
    }

    fn sizes(&self) -> Result<Sizes, Status> {
        let information = self.0.information();
        let information = information.map_err(|status| Status(status.0))?;
        Ok(Sizes {
            end_of_file: information.end_of_file,
            allocation: information.allocation_size,
        })
    }

    fn change(&self, change: &Change<'_>) -> Result<(), Trouble> {
        let file = &self.0;
        match *change {
            Change::Write(offset, bytes) => file.write(offset, bytes).map(drop),
            Change::SetEnd(end) => file.set_end_of_file(end),
            Change::SetAllocation(size) => file.set_allocation(size),
            Change::Trim => {
                let request = OpenRequest::existing(FILE_READ_ATTRIBUTES);
                file.file_system().open(file.path(), &request).map(drop)
            }
            Change::SetSparse(on) => control(file, FSCTL_SET_SPARSE, &[u8::from(on)]),
            Change::SetIntegrity(on) => {
                control(file, FSCTL_SET_INTEGRITY_INFORMATION, &integrity(on))
            }
            Change::Zero(from, to) => {
                let range = [from.to_le_bytes(), to.to_le_bytes()].concat();
                control(file, FSCTL_SET_ZERO_DATA, &range)
            }
            Change::Lock(offset, length) => file.lock(offset, length, true),
            Change::Unlock(offset, length) => file.unlock(offset, length),
            Change::Link(path) => file.link(path),
            Change::SetReadOnly => file.set_attributes(FILE_ATTRIBUTE_READONLY),
            Change::Delete => {
                let request = OpenRequest::existing(DELETE);
                let other = file.file_system().open(file.path(), &request);
                other.and_then(|other| other.set_delete(true))
            }
        }
        .map_err(failed("changing a file"))
    }

    fn references(&self) -> Result<Vec<u32>, Trouble> {
        let extents = self.0.extents().map_err(failed("asking for extents"))?;
        Ok(extents.iter().map(|extent| extent.references).collect())
    }
}

/// FSCTL_SET_INTEGRITY_INFORMATION_BUFFER: CHECKSUM_TYPE_CRC64 or none, no flags (MS-FSCC 2.3.73).
const fn integrity(on: bool) -> [u8; 8] {
    [if on { 2 } else { 0 }, 0, 0, 0, 0, 0, 0, 0]
}

/// A file-system control of the owner.
fn control(file: &OpenFile, code: u32, input: &[u8]) -> Result<(), BedStatus> {
    let request = ControlRequest {
        code,
        input: Input::Bytes(input),
        output_length: 0,
        caller: Caller::KERNEL,
    };
    let answer = file.fs_control(&request, &mut |_| Err(BedStatus::INVALID_HANDLE));
    if answer.status == BedStatus::SUCCESS {
        Ok(())
    } else {
        Err(answer.status)
    }
}

fn failed(doing: &'static str) -> impl Fn(BedStatus) -> Trouble {
    move |status| Trouble::Failed(format!("{doing} failed with {status}"))
}
