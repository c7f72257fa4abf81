//! A driver image in memory: sections, relocations, imports, protections.
//!
//! [`Image::map`] reads a native x86-64 PE image ("PE Format", Microsoft Learn) with the `object`
//! crate, copies it to fresh pages, relocates it, points its import address table to trampolines and
//! variables of the test-bed, and protects each section as its header asks. An import without a model
//! refuses the image and is named, with all the others that have none.

mod headers;

use std::fmt;
use std::sync::Arc;

use object::LittleEndian as LE;
use object::pe::{self, ImageNtHeaders64};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, Import as PeImport, PeFile64};

use self::headers::Section;
use crate::boundary::import::{Import, ImportTable};
use crate::boundary::mapping::{Mapping, protect};
use crate::boundary::memory::{Access, Memory, PAGE, host_usize};
use crate::boundary::trampoline::{Binding, Trampolines};
use crate::machine::Machine;
use crate::symbols::Symbols;
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
    /// Its functions.
    pub(crate) symbols: Arc<Symbols>,
}

/// A mapped image. Its pages stay reserved until the value is dropped, so that a late touch of an
/// unloaded image faults and can be named.
#[derive(Debug)]
pub(crate) struct Image {
    memory: Arc<Memory>,
    name: Arc<str>,
    symbols: Arc<Symbols>,
    pages: Mapping,
    entry: u64,
    sections: Vec<Section>,
    _trampolines: Trampolines,
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
        headers::check(&file, bytes)?;
        let slots = resolve_imports(machine, &file, tables)?;
        let header = file.nt_headers().optional_header();
        let pages = Mapping::anonymous(u64::from(header.size_of_image()).next_multiple_of(PAGE))?;
        let base = pages.start();
        let sections = headers::sections(&file, base, pages.size())?;
        headers::check_raw_data(&file, bytes)?;
        let mut image = vec![0; host_usize(pages.size())];
        copy_sections(&file, bytes, &mut image)?;
        relocate(&file, &mut image, base.wrapping_sub(header.image_base()))?;
        let trampolines = bind(owner, base, &slots, &mut image)?;
        pages.fill(&image, Access::None)?;
        let mapped = Self {
            memory: Arc::clone(machine.memory()),
            name: Arc::clone(&owner.name),
            symbols: Arc::clone(&owner.symbols),
            pages,
            entry: base + u64::from(header.address_of_entry_point()),
            sections,
            _trampolines: trampolines,
        };
        mapped.protect_sections()?;
        Ok(mapped)
    }

    /// Address of the entry point.
    pub(crate) fn entry(&self) -> u64 {
        self.entry
    }

    /// "name+rva" for an address within, and the function if it is known.
    pub(crate) fn place(&self, address: u64) -> Option<String> {
        if !self.pages.contains(address) {
            return None;
        }
        let rva = address.wrapping_sub(self.pages.start());
        let function = self.symbols.function(rva);
        let function = function.map_or_else(String::new, |function| format!(" in {function}"));
        Some(format!("{}+{rva:#x}{function}", self.name))
    }

    /// The addresses at which it lies.
    pub(crate) fn range(&self) -> std::ops::Range<u64> {
        self.pages.start()..self.pages.start() + self.pages.size()
    }

    /// Takes the discardable sections away, as the system does when DriverEntry has returned.
    pub(crate) fn discard_init(&self) -> Result<(), Violation> {
        for section in self.sections.iter().filter(|section| section.discardable) {
            protect(
                section.address,
                section.size.next_multiple_of(PAGE),
                Access::None,
            )?;
            self.memory.change_range(
                section.address,
                Access::None,
                Some("the end of DriverEntry"),
            );
        }
        Ok(())
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
        protect(self.pages.start(), self.pages.size(), Access::None)
    }

    fn protect_sections(&self) -> Result<(), Violation> {
        for section in &self.sections {
            protect(
                section.address,
                section.size.next_multiple_of(PAGE),
                section.access,
            )?;
            let label = format!("section {} of {}", section.name, self.name);
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
    }
}

fn malformed<T>(why: impl Into<String>) -> Result<T, ImageError> {
    Err(ImageError::Malformed(why.into()))
}

fn copy_sections(file: &PeFile64<'_>, bytes: &[u8], image: &mut [u8]) -> Result<(), ImageError> {
    let headers = u64::from(file.nt_headers().optional_header().size_of_headers());
    let parts = slice(bytes, 0, headers).zip(image.get_mut(..host_usize(headers)));
    let Some((source, room)) = parts else {
        return malformed("the headers leave the image");
    };
    room.copy_from_slice(source);
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
            symbols: Arc::clone(&owner.symbols),
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
