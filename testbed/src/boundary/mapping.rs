//! Pages of the host: mapped, protected, and unmapped by the owner's end.
//!
//! [`Mapping`] owns a range of address space; [`Arena`] owns the pages of guarded blocks, which are seen
//! twice: through the image's view, whose protection changes, and the host's view, always accessible.
#![expect(
    unsafe_code,
    reason = "maps, protects and fills the pages that the image works on"
)]

use std::io;
use std::ptr;

use super::memory::{Access, host_usize};
use crate::verifier::{Rule, Violation};

/// Owned address space.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: u64,
    size: u64,
}

impl Mapping {
    /// Fresh, zeroed, writable pages.
    ///
    /// # Errors
    ///
    /// [`Rule::Testbed`] when the host has none.
    pub(crate) fn anonymous(size: u64) -> Result<Self, Violation> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        Self::map(size, Access::ReadWrite, flags, -1).map_err(|error| {
            Violation::new(Rule::Testbed, format!("the host has no memory: {error}"))
        })
    }

    fn map(size: u64, access: Access, flags: i32, file: libc::c_int) -> io::Result<Self> {
        let (none, length) = (ptr::null_mut(), host_usize(size));
        // SAFETY: a fresh mapping at an address of the host's choice replaces nothing.
        let start = unsafe { libc::mmap(none, length, access.protection(), flags, file, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            start: start.expose_provenance() as u64,
            size,
        })
    }

    /// First address.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether `address` lies within.
    pub(crate) fn contains(&self, address: u64) -> bool {
        address
            .checked_sub(self.start)
            .is_some_and(|offset| offset < self.size)
    }

    /// Fills a fresh mapping of [`Self::anonymous`] from its start and sets its protection.
    ///
    /// # Errors
    ///
    /// [`Rule::Testbed`] for more bytes than the mapping has, or when the host refuses.
    pub(crate) fn fill(&self, bytes: &[u8], access: Access) -> Result<(), Violation> {
        if bytes.len() as u64 > self.size {
            return Err(Violation::new(
                Rule::Testbed,
                "more bytes than the mapping has",
            ));
        }
        protect(self.start, self.size, Access::ReadWrite)?;
        let target: *mut u8 = ptr::with_exposed_provenance_mut(host_usize(self.start));
        // SAFETY: the mapping is `self`'s own, writable since the line above, and large enough.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        protect(self.start, self.size, access)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let start = ptr::with_exposed_provenance_mut(host_usize(self.start));
        // SAFETY: `map` mapped exactly this range, and whoever works with an address of it keeps its
        // owner alive: image code runs on threads that hold the machine.
        unsafe { libc::munmap(start, host_usize(self.size)) };
    }
}

/// Sets the protection of whole pages that this crate has mapped.
///
/// # Errors
///
/// [`Rule::Testbed`] when the host refuses.
pub(crate) fn protect(start: u64, size: u64, access: Access) -> Result<(), Violation> {
    let pointer = ptr::with_exposed_provenance_mut(host_usize(start));
    // SAFETY: callers pass pages mapped for the image; no Rust reference points into them, so a
    // changed protection invalidates none.
    let result = unsafe { libc::mprotect(pointer, host_usize(size), access.protection()) };
    check(result).map_err(|error| {
        Violation::new(
            Rule::Testbed,
            format!("the host refuses to protect memory: {error}"),
        )
    })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// The pages of guarded blocks, in two views.
#[derive(Debug)]
pub(super) struct Arena {
    file: libc::c_int,
    image: Mapping,
    host: Mapping,
}

impl Arena {
    /// Reserves `size` bytes of address space twice. Nothing is committed until it is used.
    pub(super) fn new(size: u64) -> io::Result<Self> {
        // SAFETY: the name is a C string, the flag is a documented one.
        let file = unsafe { libc::memfd_create(c"testbed".as_ptr(), libc::MFD_CLOEXEC) };
        check(file)?;
        // SAFETY: `file` was just opened; a sparse file takes no memory.
        check(unsafe { libc::ftruncate(file, size.cast_signed()) })?;
        let flags = libc::MAP_SHARED | libc::MAP_NORESERVE;
        let image = Mapping::map(size, Access::None, flags, file)?;
        let host = Mapping::map(size, Access::ReadWrite, flags, file)?;
        Ok(Self { file, image, host })
    }

    /// First address of the image's view.
    pub(super) fn start(&self) -> u64 {
        self.image.start
    }

    /// Whether `address` lies in the image's view.
    pub(super) fn contains(&self, address: u64) -> bool {
        self.image.contains(address)
    }

    /// Where the host finds the byte that the image sees at `address`.
    pub(super) fn host_address(&self, address: u64) -> u64 {
        self.host.start + (address - self.image.start)
    }

    /// Sets every byte of a span to `byte`. Asks for a span that lies in the arena.
    pub(super) fn set(&self, address: u64, size: u64, byte: u8) {
        assert!(self.holds(address, size), "a block lies in its arena");
        let target: *mut u8 =
            ptr::with_exposed_provenance_mut(host_usize(self.host_address(address)));
        // SAFETY: the span lies in the host's view, which is writable as long as `self` lives.
        unsafe { ptr::write_bytes(target, byte, host_usize(size)) };
    }

    /// The bytes of a span. Asks for a span that lies in the arena.
    pub(super) fn get(&self, address: u64, size: u64) -> Vec<u8> {
        assert!(self.holds(address, size), "a block lies in its arena");
        let mut bytes = vec![0; host_usize(size)];
        let source: *const u8 =
            ptr::with_exposed_provenance(host_usize(self.host_address(address)));
        // SAFETY: the span lies in the host's view, which is readable as long as `self` lives; `bytes`
        // is of that size and just made.
        unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), bytes.len()) };
        bytes
    }

    /// Gives whole pages back to the host; they read as zero afterwards.
    pub(super) fn discard(&self, address: u64, size: u64) {
        let (offset, size) = (
            (address - self.image.start).cast_signed(),
            size.cast_signed(),
        );
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: the file belongs to `self`. A failure costs memory only, so it is not looked at.
        let _unused = unsafe { libc::fallocate(self.file, mode, offset, size) };
    }

    fn holds(&self, address: u64, size: u64) -> bool {
        let offset = address.checked_sub(self.image.start);
        offset.is_some_and(|offset| offset + size <= self.image.size)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: `new` opened the file and nobody else closes it.
        unsafe { libc::close(self.file) };
    }
}
