//! A file system in memory that can stop at any call, and crash.
//!
//! Bytes and names have two states, what programs see and what the disk has. When the power fails,
//! each name is as old or as new, and of bytes that nobody waited for any part may be there, with
//! zeros in whole sectors where the length came before the bytes. When only the program dies, everything stays.

use cloneguard::journal::{Disk, Handle};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::path::Path;
use std::rc::Rc;

/// A file: what programs see, and what the disk has.
#[derive(Clone, Debug, Default)]
struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Calls so far that change something.
    calls: u64,
    /// The call that fails.
    failing: Option<Failing>,
}

/// How a call fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    /// Which call, from 0.
    pub(crate) call: u64,
    /// Of a write, so many bytes are written all the same.
    pub(crate) written: usize,
    /// Every later call fails too: the program is dead.
    pub(crate) is_forever: bool,
}

/// The file system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Rc<RefCell<State>>);

/// A file that is written.
#[derive(Debug)]
pub(crate) struct File {
    disk: Memory,
    inode: usize,
}

/// A sequence of numbers that looks random and is always the same.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end.max(1) as u64).unwrap()
    }
}

impl Memory {
    /// Files with these contents, all durable.
    pub(crate) fn of(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let memory = Self::default();
        {
            let mut state = memory.0.borrow_mut();
            for (name, bytes) in files {
                let inode = state.inodes.len();
                state.inodes.push(Inode {
                    seen: bytes.clone(),
                    durable: bytes.clone(),
                });
                state.seen.insert(name.clone(), inode);
                state.durable.insert(name.clone(), inode);
            }
        }
        memory
    }

    /// All files as programs see them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.borrow();
        let names = state.seen.iter();
        names
            .map(|(name, inode)| (name.clone(), state.inodes[*inode].seen.clone()))
            .collect()
    }

    /// Calls so far that change something.
    pub(crate) fn calls(&self) -> u64 {
        self.0.borrow().calls
    }

    /// Lets a call fail.
    pub(crate) fn fail(&self, failing: Failing) {
        self.0.borrow_mut().failing = Some(failing);
    }

    /// Lets no call fail any more.
    pub(crate) fn heal(&self) {
        self.0.borrow_mut().failing = None;
    }

    /// What is there after the power failed.
    pub(crate) fn after_power_failure(&self, dice: &mut Dice) -> Self {
        let state = self.0.borrow();
        let mut files = BTreeMap::new();
        let names = state.seen.keys().chain(state.durable.keys());
        for name in names {
            let pick = [&state.seen, &state.durable][dice.below(2)];
            if let Some(inode) = pick.get(name) {
                files.insert(name.clone(), survivor(&state.inodes[*inode], dice));
            } else {
                files.remove(name);
            }
        }
        Self::of(&files)
    }

    /// Counts a call that changes something, and fails it if it is its turn. `Err` has how much of a
    /// write happens all the same.
    fn call(&self) -> Result<(), usize> {
        let mut state = self.0.borrow_mut();
        let call = state.calls;
        state.calls += 1;
        match state.failing {
            Some(failing) if failing.call == call => Err(failing.written),
            Some(failing) if failing.call < call && failing.is_forever => Err(0),
            _ => Ok(()),
        }
    }

    /// A call that happens or does not.
    fn whole_call(&self) -> io::Result<()> {
        self.call().map_err(|_| full())
    }

    fn inode(&self, name: &str) -> io::Result<usize> {
        let found = self.0.borrow().seen.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// What of a file's bytes is there after the power failed.
fn survivor(inode: &Inode, dice: &mut Dice) -> Vec<u8> {
    let common = inode.seen.iter().zip(&inode.durable);
    let same = common.take_while(|(seen, durable)| seen == durable).count();
    let (old, new) = (&inode.durable[same..], &inode.seen[same..]);
    let mut bytes = inode.durable[..same].to_vec();
    match dice.below(4) {
        0 => bytes.extend_from_slice(old),
        1 => bytes.extend_from_slice(new),
        2 => bytes.extend_from_slice(&new[..dice.below(new.len() + 1)]),
        // The length is there, some of the sectors are not.
        _ => {
            let end = (same + dice.below(new.len() + 1)).next_multiple_of(512);
            let hole = (end - same).min(new.len());
            bytes.extend(std::iter::repeat_n(0, hole));
            bytes.extend_from_slice(&new[hole..]);
        }
    }
    bytes
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Disk for Memory {
    type Handle = File;
    type Source = Cursor<Vec<u8>>;

    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().seen.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<(Self::Source, u64)> {
        let inode = self.inode(name)?;
        let bytes = self.0.borrow().inodes[inode].seen.clone();
        let length = bytes.len() as u64;
        Ok((Cursor::new(bytes), length))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        self.whole_call()?;
        let inode = {
            let mut state = self.0.borrow_mut();
            let next = state.inodes.len();
            let inode = *state.seen.entry(name.to_owned()).or_insert(next);
            if inode == next {
                state.inodes.push(Inode::default());
            }
            state.inodes[inode].seen.clear();
            inode
        };
        let disk = self.clone();
        Ok(File { disk, inode })
    }

    fn reopen(&self, name: &str) -> io::Result<File> {
        let inode = self.inode(name)?;
        let disk = self.clone();
        Ok(File { disk, inode })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.whole_call()?;
        let inode = self.inode(from)?;
        let mut state = self.0.borrow_mut();
        state.seen.remove(from);
        state.seen.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.whole_call()?;
        self.inode(name)?;
        self.0.borrow_mut().seen.remove(name);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.whole_call()?;
        let mut state = self.0.borrow_mut();
        state.durable = state.seen.clone();
        Ok(())
    }
}

impl Handle for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = match self.disk.call() {
            Ok(()) => bytes.len(),
            Err(written) => written.min(bytes.len()),
        };
        let mut state = self.disk.0.borrow_mut();
        state.inodes[self.inode]
            .seen
            .extend_from_slice(&bytes[..written]);
        if written == bytes.len() {
            Ok(())
        } else {
            Err(full())
        }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.whole_call()?;
        let mut state = self.disk.0.borrow_mut();
        let seen = &mut state.inodes[self.inode].seen;
        seen.resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.whole_call()?;
        let mut state = self.disk.0.borrow_mut();
        let inode = &mut state.inodes[self.inode];
        inode.durable = inode.seen.clone();
        Ok(())
    }
}
