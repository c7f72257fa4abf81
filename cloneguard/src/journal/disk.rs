//! What a journal asks of a file system: a trait, so that tests can let one crash, and the real one.
//!
//! Only what is promised is used: bytes are durable after [`Handle::sync`], names after
//! [`Disk::sync`], and a rename gives either the old file or the new one.

use super::error::JournalError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Name of the file that a writer holds locked.
const LOCK_NAME: &str = "cloneguard.lock";

/// A directory of files.
pub trait Disk {
    /// A file that is written.
    type Handle: Handle;
    /// A file that is read.
    type Source: io::Read;

    /// The directory, for messages.
    fn path(&self) -> &Path;
    /// Names of all files.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn names(&self) -> io::Result<Vec<String>>;
    /// A file from its beginning, and its length.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn read(&self, name: &str) -> io::Result<(Self::Source, u64)>;
    /// A new file; of one that is there, the content goes.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn create(&self, name: &str) -> io::Result<Self::Handle>;
    /// A file to be written on from its end.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn reopen(&self, name: &str) -> io::Result<Self::Handle>;
    /// Gives a file another name; a file that has it goes.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Waits until all names are durable.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is written at its end.
pub trait Handle {
    /// Appends all the bytes.
    ///
    /// # Errors
    ///
    /// What the system says. Some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Waits until bytes and length are durable.
    ///
    /// # Errors
    ///
    /// What the system says. What is durable is unknown then, also after a later success (the page
    /// cache may have dropped the bytes), so nobody may try again.
    fn sync(&mut self) -> io::Result<()>;
}

/// A directory of this machine.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held as long as somebody writes.
    _lock: Option<File>,
}

impl Folder {
    /// A directory to read in.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            _lock: None,
        }
    }

    /// A directory to write in, made if it is not there, with nobody else writing.
    ///
    /// # Errors
    ///
    /// Somebody else does, or the system refuses something.
    pub fn locked(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let path = path.into();
        create_directory(&path).map_err(JournalError::io("create", &path))?;
        let lock_path = path.join(LOCK_NAME);
        let lock = private()
            .read(true)
            .open(&lock_path)
            .map_err(JournalError::io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Busy {
                    holder: holder(&lock),
                    path,
                });
            }
            Err(TryLockError::Error(error)) => {
                return Err(JournalError::io("lock", lock_path)(error));
            }
        }
        name_holder(&lock).map_err(JournalError::io("write", lock_path))?;
        Ok(Self {
            path,
            _lock: Some(lock),
        })
    }
}

/// The process that wrote its number into the lock file. On Windows nobody else may read it.
fn holder(mut lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Writes our number into the lock file.
fn name_holder(mut lock: &File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

/// Makes a directory that only its owner may enter, where the system has such a thing, and has it and those above
/// it that were made on the disk. On Windows it inherits the access of the directory above.
fn create_directory(path: &Path) -> io::Result<()> {
    let is_there = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let made: Vec<&Path> = path.ancestors().take_while(is_there).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // A name is durable once the directory that has it is.
    made.into_iter().rev().try_for_each(|made| {
        let above = made.parent().unwrap_or(made);
        let is_here = above.as_os_str().is_empty();
        sync_directory(if is_here { Path::new(".") } else { above })
    })
}

/// Waits until the names in a directory are durable. Windows opens no directory to be flushed, and needs
/// none: NTFS and ReFS log their metadata.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path)?.sync_all()
}

/// Opens files that only their owner may read, and makes them.
fn private() -> OpenOptions {
    let mut options = real();
    options.create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Opens files to be written, and no links, which may lead anywhere.
fn real() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    options
}

impl Disk for Folder {
    type Handle = File;
    type Source = File;

    fn path(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<(File, u64)> {
        let file = File::open(self.path.join(name))?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        private().truncate(true).open(self.path.join(name))
    }

    fn reopen(&self, name: &str) -> io::Result<File> {
        let mut file = real().open(self.path.join(name))?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }
}

impl Handle for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
