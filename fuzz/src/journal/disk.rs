//! Files in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::path::Path;
use std::rc::Rc;

use cloneguard::journal::{Disk, Handle};

/// Files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A directory that never fails.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(pub(super) Rc<RefCell<Files>>);

/// A file that is written.
#[derive(Debug)]
pub(super) struct Open {
    disk: Memory,
    name: String,
}

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Memory {
    pub(super) fn of(files: &Files) -> Self {
        Self(Rc::new(RefCell::new(files.clone())))
    }

    fn open(&self, name: &str) -> Open {
        Open {
            disk: self.clone(),
            name: name.to_owned(),
        }
    }
}

impl Disk for Memory {
    type Handle = Open;
    type Source = Cursor<Vec<u8>>;

    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<(Self::Source, u64)> {
        let bytes = self.0.borrow().get(name).cloned().ok_or_else(missing)?;
        let length = bytes.len() as u64;
        Ok((Cursor::new(bytes), length))
    }

    fn create(&self, name: &str) -> io::Result<Self::Handle> {
        self.0.borrow_mut().insert(name.to_owned(), Vec::new());
        Ok(self.open(name))
    }

    fn reopen(&self, name: &str) -> io::Result<Self::Handle> {
        let is_there = self.0.borrow().contains_key(name);
        is_there.then(|| self.open(name)).ok_or_else(missing)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let bytes = self.0.borrow_mut().remove(from).ok_or_else(missing)?;
        self.0.borrow_mut().insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.0.borrow_mut().remove(name);
        removed.map(drop).ok_or_else(missing)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Handle for Open {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.disk.0.borrow_mut();
        files
            .get_mut(&self.name)
            .ok_or_else(missing)?
            .extend_from_slice(bytes);
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut files = self.disk.0.borrow_mut();
        files
            .get_mut(&self.name)
            .ok_or_else(missing)?
            .resize(length, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
