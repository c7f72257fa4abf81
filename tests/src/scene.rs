//! The surroundings of one run of a case: two files on a fresh volume, a program, and what a body can do.
//!
//! `\source` and `\target` have eight clusters each, of different patterns, and the program has a handle
//! to each with the rights of a well-behaved caller. Whatever a body does, the scene keeps an
//! [`oracle`](crate::oracle) of every file and compares all files with it after every request and at the
//! end; sizes must not change by a request, whether it succeeds or fails. So no body checks content.

mod send;
mod together;

use crate::ask::Ask;
use crate::case::{Case, Code};
use crate::expect::Mode;
use crate::oracle::{Content, pattern};
use crate::stage::{Actor, Change, Open, RawHandle, Stage, Trouble, VolumeId, VolumeSpec, Who};
use crate::trace::{File, Run};
use crate::windows::{DUPLICATE_EXTENTS, DUPLICATE_EXTENTS_EX, SOURCE_ACCESS, TARGET_ACCESS};

/// Clusters of both files.
const CLUSTERS: i64 = 8;

/// How a body ends before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The stage cannot do what the case needs.
    Skip(String),
    /// Something that a case relies on failed.
    Broken(String),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unable(reason) => Self::Skip(reason),
            Trouble::Failed(reason) => Self::Broken(reason),
        }
    }
}

/// What a body returns.
pub type Done = Result<(), Stop>;

/// An actor of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorRef(usize);

impl ActorRef {
    /// The program that every scene has.
    pub const PROGRAM: Self = Self(0);
}

/// A file of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRef(usize);

/// The file `\source`.
pub const SOURCE: FileRef = FileRef(0);
/// The file `\target`.
pub const TARGET: FileRef = FileRef(1);

/// A handle value, and the file behind it if it is one of the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    pub(crate) raw: RawHandle,
    file: Option<FileRef>,
}

impl Handle {
    /// A value that leads to no file of the scene.
    #[must_use]
    pub const fn of_value(value: u64) -> Self {
        Self {
            raw: RawHandle(value),
            file: None,
        }
    }
}

/// See the module.
pub struct Scene<'a> {
    stage: &'a dyn Stage,
    mode: Option<Mode>,
    case: &'a Case,
    code: Code,
    volume: VolumeId,
    files: Vec<File>,
    actors: Vec<(Who, Box<dyn Actor>)>,
    source: Handle,
    target: Handle,
    run: Run,
}

impl<'a> Scene<'a> {
    /// Sets everything up.
    pub(crate) fn set_up(
        stage: &'a dyn Stage,
        mode: Option<Mode>,
        case: &'a Case,
        code: Code,
    ) -> Result<Self, Stop> {
        let nothing = Handle::of_value(0);
        let mut scene = Self {
            stage,
            mode,
            case,
            code,
            volume: stage.make_volume(&case.volume)?,
            files: Vec::new(),
            actors: Vec::new(),
            source: nothing,
            target: nothing,
            run: Run::default(),
        };
        let length = CLUSTERS * scene.cluster();
        scene.add_file(scene.volume, r"\source", length)?;
        scene.add_file(scene.volume, r"\target", length)?;
        let program = scene.start(Who::Program)?;
        scene.source = scene.open_file(program, SOURCE, SOURCE_ACCESS)?;
        scene.target = scene.open_file(program, TARGET, TARGET_ACCESS)?;
        Ok(scene)
    }

    /// Ends it: all files are compared once more.
    pub(crate) fn finish(mut self, done: &Done) -> Run {
        if done.is_ok() {
            let sizes = self.sizes();
            self.look("at the end", (None, None), &sizes);
        }
        self.run
    }

    /// Bytes per cluster of the case's volume.
    #[must_use]
    pub fn cluster(&self) -> i64 {
        i64::from(self.case.volume.cluster)
    }

    /// The case's volume.
    #[must_use]
    pub const fn volume(&self) -> VolumeId {
        self.volume
    }

    /// The program's handle to `\source`.
    #[must_use]
    pub const fn source(&self) -> Handle {
        self.source
    }

    /// The program's handle to `\target`.
    #[must_use]
    pub const fn target(&self) -> Handle {
        self.target
    }

    /// A good request of the program: four clusters from the start of the source to that of the target.
    #[must_use]
    pub fn ask(&self) -> Ask {
        let code = match self.code {
            Code::Plain => DUPLICATE_EXTENTS,
            Code::Ex => DUPLICATE_EXTENTS_EX,
        };
        let ask = Ask::new(ActorRef::PROGRAM, code, self.target, self.source);
        ask.range(0, 0, 4 * self.cluster())
    }

    /// The same by another caller, who opens both files first.
    ///
    /// # Errors
    /// Skips where the stage has no such caller.
    pub fn ask_by(&mut self, who: Who) -> Result<Ask, Stop> {
        let by = self.start(who)?;
        let from = self.open_file(by, SOURCE, SOURCE_ACCESS)?;
        let to = self.open_file(by, TARGET, TARGET_ACCESS)?;
        let ask = self.ask().from(from).to(to);
        Ok(ask.sent_by(by, who.is_narrow()))
    }

    /// Starts another caller.
    ///
    /// # Errors
    /// Skips where the stage has no such caller.
    pub fn start(&mut self, who: Who) -> Result<ActorRef, Stop> {
        let actor = self.stage.start(who, self.case.id)?;
        self.actors.push((who, actor));
        Ok(ActorRef(self.actors.len() - 1))
    }

    /// Opens something for an actor.
    ///
    /// # Errors
    /// Stops when it cannot be opened.
    pub fn open(&self, by: ActorRef, what: Open<'_>, access: u32) -> Result<Handle, Stop> {
        let raw = self.actors[by.0].1.open(what, access)?;
        Ok(Handle { raw, file: None })
    }

    /// Opens a file of the scene for an actor.
    ///
    /// # Errors
    /// Stops when it cannot be opened.
    pub fn open_file(&self, by: ActorRef, file: FileRef, access: u32) -> Result<Handle, Stop> {
        self.open_by_name(by, &self.files[file.0].path, (file, access))
    }

    /// Opens a file of the scene by another of its names.
    ///
    /// # Errors
    /// Stops when it cannot be opened.
    pub fn open_by_name(
        &self,
        by: ActorRef,
        name: &str,
        (file, access): (FileRef, u32),
    ) -> Result<Handle, Stop> {
        let opened = self.open(by, Open::File(self.volume, name), access)?;
        Ok(Handle {
            file: Some(file),
            ..opened
        })
    }

    /// A second handle of the program to the same file object, with these rights if given.
    ///
    /// # Errors
    /// Stops when there can be none.
    pub fn duplicate(&self, handle: Handle, access: Option<u32>) -> Result<Handle, Stop> {
        let raw = self.actors[0].1.duplicate(handle.raw, access)?;
        Ok(Handle { raw, ..handle })
    }

    /// Closes a handle of the program.
    ///
    /// # Errors
    /// Stops when it is not one.
    pub fn close(&self, handle: Handle) -> Done {
        Ok(self.actors[0].1.close(handle.raw)?)
    }

    /// Makes another volume.
    ///
    /// # Errors
    /// Skips where the stage has no such volume.
    pub fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Stop> {
        Ok(self.stage.make_volume(spec)?)
    }

    /// Makes the case's volume read-only.
    ///
    /// # Errors
    /// Skips where the stage cannot.
    pub fn protect(&self) -> Done {
        Ok(self.stage.protect(self.volume)?)
    }

    /// Waits until references on the case's volume are counted.
    ///
    /// # Errors
    /// Skips where the stage cannot.
    pub fn settle(&self) -> Done {
        Ok(self.stage.settle(self.volume)?)
    }

    /// Makes another file of a pattern.
    ///
    /// # Errors
    /// Stops when it cannot be made.
    pub fn add_file(&mut self, volume: VolumeId, path: &str, length: i64) -> Result<FileRef, Stop> {
        let owned = self.stage.create(volume, path)?;
        let file = FileRef(self.files.len());
        self.files.push(File {
            path: path.to_owned(),
            owned,
            content: Content::default(),
        });
        let seed = u8::try_from(file.0).unwrap_or(u8::MAX);
        if length > 0 {
            self.change(file, Change::Write(0, &pattern(seed, unsigned(length))))?;
        }
        Ok(file)
    }

    /// Makes a file elsewhere, and opens it for the program.
    ///
    /// # Errors
    /// Stops when it cannot be made.
    pub fn open_elsewhere(&mut self, spec: &VolumeSpec, access: u32) -> Result<Handle, Stop> {
        let volume = self.make_volume(spec)?;
        let path = r"\elsewhere";
        let file = self.add_file(volume, path, CLUSTERS * self.cluster())?;
        let opened = self.open(ActorRef::PROGRAM, Open::File(volume, path), access)?;
        Ok(Handle {
            file: Some(file),
            ..opened
        })
    }

    /// Changes a file, by its owner.
    ///
    /// # Errors
    /// Stops when the file system refuses.
    pub fn change(&mut self, file: FileRef, change: Change<'_>) -> Done {
        let file = &mut self.files[file.0];
        file.owned.change(&change)?;
        match change {
            Change::Write(offset, bytes) => file.content.write(offset, bytes),
            Change::SetEnd(end) => file.content.set_end(end),
            Change::SetAllocation(size) => {
                file.content.set_end(file.content.end().min(size));
            }
            Change::Zero(from, to) => {
                file.content.zero(from, to);
            }
            Change::Trim
            | Change::SetSparse(_)
            | Change::SetIntegrity(_)
            | Change::Lock(..)
            | Change::Unlock(..)
            | Change::Link(_)
            | Change::SetReadOnly
            | Change::Delete => {}
        }
        Ok(())
    }

    /// Cuts or extends a file, and gives back what is behind its end.
    ///
    /// # Errors
    /// Stops when the file system refuses.
    pub fn resize(&mut self, file: FileRef, end: i64) -> Done {
        self.change(file, Change::SetEnd(unsigned(end)))?;
        self.change(file, Change::Trim)
    }

    /// The reference counts of a file's runs must be these.
    ///
    /// # Errors
    /// Skips where the stage cannot tell.
    pub fn expect_references(&mut self, file: FileRef, expected: &[u32]) -> Done {
        let references = self.files[file.0].owned.references()?;
        if references != expected {
            let path = &self.files[file.0].path;
            let fault = format!("{path}: reference counts {references:?}, not {expected:?}");
            self.run.faults.push(fault);
        }
        Ok(())
    }
}

/// A size or a length; a negative one does not occur where this is called on a success.
fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
