//! A driver image in memory: sections, relocations, imports, protections.
//!
//! [`Image::map`] reads a native x86-64 PE image ("PE Format", Microsoft Learn) with the `object`
//! crate, copies it to fresh pages, relocates it, points its import address table to trampolines and
//! variables of the test-bed, and protects each section as its header asks. An import without a model
//! refuses the image and is named, with all the others that have none.
#![expect(
    unsafe_code,
    reason = "maps executable memory and copies the image into it"
)]

use std::fmt;
use std::ptr;
use std::sync::Arc;

use object::LittleEndian as LE;
use object::pe::{self, ImageNtHeaders64};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, Import as PeImport, PeFile64};

use crate::boundary::import::{Binding, Import, ImportTable, Trampolines, map_anonymous};
use crate::boundary::memory::{Access, Memory, PAGE, host_usize, protect};
use crate::machine::Machine;
use crate::verifier::Violation;

/// Why an image cannot be mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// It is no native x86-64 driver image; the text says what is wrong.
    Malformed(String),
    /// It imports names that have no model, each as "module!name".
    UnknownImports(Vec<String>),
    /// The test-bed cannot map it.
    Host(Violation),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "not a driver image for x86-64: {why}"),
            Self::UnknownImports(names) => {
                write!(
                    f,
                    "imports that the test-bed has no model of: {}",
                    names.join(", ")
                )
            }
            Self::Host(violation) => violation.fmt(f),
        }
    }
}

impl std::error::Error for ImageError {}

impl From<object::Error> for ImageError {
    fn from(error: object::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<Violation> for ImageError {
    fn from(violation: Violation) -> Self {
        Self::Host(violation)
    }
}

/// Whose image is mapped.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Number of the driver.
    pub(crate) number: u32,
    /// Its name.
    pub(crate) name: Arc<str>,
}

/// A mapped image. Its pages stay reserved until the value is dropped, so that a late touch of an
/// unloaded image faults and can be named.
#[derive(Debug)]
pub(crate) struct Image {
    memory: Arc<Memory>,
    name: Arc<str>,
    base: u64,
    size: u64,
    entry: u64,
    sections: Vec<Section>,
    _trampolines: Trampolines,
}

#[derive(Clone, Debug)]
struct Section {
    address: u64,
    size: u64,
    access: Access,
}

/// An import slot: where it is, and what it gets.
struct Slot {
    rva: u64,
    target: Target,
}

enum Target {
    Routine(&'static Import),
    Variable(u64),
}

impl Image {
    /// Maps the image in `bytes`.
    pub(crate) fn map(
        machine: &Machine,
        owner: &Owner,
        bytes: &[u8],
        tables: &[&'static ImportTable],
    ) -> Result<Self, ImageError> {
        let file = PeFile64::parse(bytes)?;
        check_headers(&file)?;
        let slots = resolve_imports(machine, &file, tables)?;
        let header = file.nt_headers().optional_header();
        let size = u64::from(header.size_of_image()).next_multiple_of(PAGE);
        let base = map_anonymous(size)?;
        let mut image = vec![0; host_usize(size)];
        copy_sections(&file, bytes, &mut image)?;
        relocate(&file, &mut image, base.wrapping_sub(header.image_base()))?;
        let trampolines = bind(owner, base, &slots, &mut image)?;
        let target: *mut u8 = ptr::with_exposed_provenance_mut(host_usize(base));
        // SAFETY: `map_anonymous` just returned `size` writable bytes, and `image` has as many.
        unsafe { ptr::copy_nonoverlapping(image.as_ptr(), target, image.len()) };
        let mapped = Self {
            memory: Arc::clone(machine.memory()),
            name: Arc::clone(&owner.name),
            base,
            size,
            entry: base + u64::from(header.address_of_entry_point()),
            sections: sections(&file, base)?,
            _trampolines: trampolines,
        };
        mapped.protect_sections()?;
        Ok(mapped)
    }

    /// Address of the entry point.
    pub(crate) fn entry(&self) -> u64 {
        self.entry
    }

    /// "name+rva" for an address within.
    pub(crate) fn place(&self, address: u64) -> Option<String> {
        let rva = address
            .checked_sub(self.base)
            .filter(|rva| *rva < self.size)?;
        Some(format!("{}+{rva:#x}", self.name))
    }

    /// Takes all access away: the driver is unloaded.
    pub(crate) fn unload(&self) -> Result<(), Violation> {
        for section in &self.sections {
            self.memory.change_range(
                section.address,
                Access::None,
                Some("the unload of the driver"),
            );
        }
        protect(self.base, self.size, Access::None)
    }

    fn protect_sections(&self) -> Result<(), Violation> {
        protect(self.base, self.size, Access::None)?;
        for section in &self.sections {
            protect(
                section.address,
                section.size.next_multiple_of(PAGE),
                section.access,
            )?;
            let label = format!(
                "section of {} at {:#x}",
                self.name,
                section.address - self.base
            );
            self.memory
                .add_range(section.address, section.size, section.access, label);
        }
        Ok(())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        for section in &self.sections {
            self.memory.remove_range(section.address);
        }
        let start = ptr::with_exposed_provenance_mut(host_usize(self.base));
        // SAFETY: `map` mapped exactly this range, and nothing of the image runs any more: its driver
        // was unloaded or never started.
        unsafe { libc::munmap(start, host_usize(self.size)) };
    }
}

fn malformed<T>(why: impl Into<String>) -> Result<T, ImageError> {
    Err(ImageError::Malformed(why.into()))
}

fn check_headers(file: &PeFile64<'_>) -> Result<(), ImageError> {
    let headers = file.nt_headers();
    let machine = headers.file_header().machine.get(LE);
    if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
        return malformed(format!("machine {machine:#06x}"));
    }
    let header = headers.optional_header();
    if header.subsystem() != pe::IMAGE_SUBSYSTEM_NATIVE {
        return malformed(format!("subsystem {}, not native", header.subsystem()));
    }
    if u64::from(header.section_alignment()) != PAGE {
        return malformed(format!("section alignment {}", header.section_alignment()));
    }
    if header.address_of_entry_point() == 0 {
        return malformed("no entry point");
    }
    Ok(())
}

fn sections(file: &PeFile64<'_>, base: u64) -> Result<Vec<Section>, ImageError> {
    let mut sections = Vec::new();
    for header in file.section_table().iter() {
        let flags = header.characteristics.get(LE);
        let has = |flag| flags & flag != 0;
        let access = match (has(pe::IMAGE_SCN_MEM_EXECUTE), has(pe::IMAGE_SCN_MEM_WRITE)) {
            (true, true) => return malformed("a section is writable and executable"),
            (true, false) => Access::Execute,
            (false, true) => Access::ReadWrite,
            (false, false) => Access::ReadOnly,
        };
        let address = base + u64::from(header.virtual_address.get(LE));
        let size = u64::from(header.virtual_size.get(LE).max(1));
        sections.push(Section {
            address,
            size,
            access,
        });
    }
    Ok(sections)
}

fn copy_sections(file: &PeFile64<'_>, bytes: &[u8], image: &mut [u8]) -> Result<(), ImageError> {
    for header in file.section_table().iter() {
        let (offset, size) = header.pe_file_range();
        let source = slice(bytes, u64::from(offset), u64::from(size));
        let target = usize::try_from(header.virtual_address.get(LE)).unwrap_or(usize::MAX);
        let room = source.and_then(|source| {
            Some((
                source,
                image.get_mut(target..target.checked_add(source.len())?)?,
            ))
        });
        let Some((source, room)) = room else {
            return malformed("a section leaves the image");
        };
        room.copy_from_slice(source);
    }
    Ok(())
}

fn slice(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn relocate(file: &PeFile64<'_>, image: &mut [u8], delta: u64) -> Result<(), ImageError> {
    let directories = file.data_directories();
    let Some(mut blocks) = directories.relocation_blocks(file.data(), &file.section_table())?
    else {
        return malformed("no relocations");
    };
    while let Some(block) = blocks.next()? {
        for relocation in block {
            match relocation.typ {
                pe::IMAGE_REL_BASED_ABSOLUTE => {}
                pe::IMAGE_REL_BASED_DIR64 => {
                    let value = word_at(image, u64::from(relocation.virtual_address))?;
                    let moved = u64::from_le_bytes(*value).wrapping_add(delta);
                    *value = moved.to_le_bytes();
                }
                other => return malformed(format!("relocation of type {other}")),
            }
        }
    }
    Ok(())
}

fn word_at(image: &mut [u8], rva: u64) -> Result<&mut [u8; 8], ImageError> {
    let rest = usize::try_from(rva)
        .ok()
        .and_then(|start| image.get_mut(start..));
    match rest.and_then(|rest| rest.first_chunk_mut()) {
        Some(word) => Ok(word),
        None => malformed("an address leaves the image"),
    }
}

/// What each import slot gets, or all names without a model.
fn resolve_imports(
    machine: &Machine,
    file: &PeFile64<'_>,
    tables: &[&'static ImportTable],
) -> Result<Vec<Slot>, ImageError> {
    let (mut slots, mut unknown) = (Vec::new(), Vec::new());
    let Some(imports) = file.import_table()? else {
        return Ok(slots);
    };
    let mut descriptors = imports.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let module = String::from_utf8_lossy(imports.name(descriptor.name.get(LE))?).into_owned();
        let names = match descriptor.original_first_thunk.get(LE) {
            0 => descriptor.first_thunk.get(LE),
            names => names,
        };
        let mut thunks = imports.thunks(names)?;
        let mut rva = u64::from(descriptor.first_thunk.get(LE));
        while let Some(thunk) = thunks.next::<ImageNtHeaders64>()? {
            match target(
                machine,
                &module,
                imports.import::<ImageNtHeaders64>(thunk)?,
                tables,
            )? {
                Ok(target) => slots.push(Slot { rva, target }),
                Err(name) => unknown.push(format!("{module}!{name}")),
            }
            rva += 8;
        }
    }
    if unknown.is_empty() {
        Ok(slots)
    } else {
        Err(ImageError::UnknownImports(unknown))
    }
}

/// The model of an import, or its name when there is none.
fn target(
    machine: &Machine,
    module: &str,
    import: PeImport<'_>,
    tables: &[&'static ImportTable],
) -> Result<Result<Target, String>, ImageError> {
    let name = match import {
        PeImport::Ordinal(ordinal) => return Ok(Err(format!("#{ordinal}"))),
        PeImport::Name(_hint, name) => String::from_utf8_lossy(name),
    };
    let table = tables
        .iter()
        .find(|table| table.module.eq_ignore_ascii_case(module));
    let routine = table.and_then(|table| table.functions.iter().find(|f| f.name == name));
    if let Some(routine) = routine {
        return Ok(Ok(Target::Routine(routine)));
    }
    let of_kernel = module.eq_ignore_ascii_case("ntoskrnl.exe");
    let variable = crate::ntos::DATA
        .iter()
        .find(|(known, _)| of_kernel && *known == name);
    match variable {
        Some((_, address)) => Ok(Ok(Target::Variable(address(machine)?))),
        None => Ok(Err(name.into_owned())),
    }
}

fn bind(
    owner: &Owner,
    base: u64,
    slots: &[Slot],
    image: &mut [u8],
) -> Result<Trampolines, ImageError> {
    let routine = |slot: &Slot| match slot.target {
        Target::Routine(import) => Some(Binding {
            import,
            driver: owner.number,
            driver_name: Arc::clone(&owner.name),
            image_base: base,
        }),
        Target::Variable(_) => None,
    };
    let trampolines = Trampolines::new(slots.iter().filter_map(routine).collect())?;
    let mut routines = 0;
    for slot in slots {
        let address = match slot.target {
            Target::Variable(address) => address,
            Target::Routine(_) => {
                routines += 1;
                trampolines.address(routines - 1)
            }
        };
        *word_at(image, slot.rva)? = address.to_le_bytes();
    }
    Ok(trampolines)
}
