//! What the headers of an image say: whether it is one that the kernel loads, and its sections.
//!
//! Rules of "PE Format" (Microsoft Learn), and of memory integrity: 4 KiB alignment, no section both
//! writable and executable ("Implement HVCI compatible code").

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64};

use super::{ImageError, malformed};
use crate::boundary::memory::{Access, PAGE, host_usize};

/// A range of the image with one protection.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) size: u64,
    pub(super) access: Access,
    /// Needed until DriverEntry has returned only (IMAGE_SCN_MEM_DISCARDABLE).
    pub(super) discardable: bool,
}

/// Refuses what the kernel would not load.
pub(super) fn check(file: &PeFile64<'_>, bytes: &[u8]) -> Result<(), ImageError> {
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
    // Zero means "none was computed"; that the build sets it is checked there.
    let (stored, real) = (header.check_sum(), checksum(bytes));
    if stored != 0 && stored != real {
        return malformed(format!(
            "checksum {stored:#x} in the header, {real:#x} of the file"
        ));
    }
    check_directories(file)
}

/// Thread-local storage, delayed imports and managed code mean nothing to the kernel's loader.
fn check_directories(file: &PeFile64<'_>) -> Result<(), ImageError> {
    for (index, what) in [
        (pe::IMAGE_DIRECTORY_ENTRY_TLS, "thread-local storage"),
        (pe::IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, "delayed imports"),
        (pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR, "managed code"),
    ] {
        if file
            .data_directory(index)
            .is_some_and(|entry| entry.size.get(LE) != 0)
        {
            return malformed(format!("{what} in a driver"));
        }
    }
    Ok(())
}

/// The sum that `CheckSumMappedFile` (imagehlp.h) computes: 16-bit words without the field itself,
/// carries added back, plus the length of the file.
fn checksum(bytes: &[u8]) -> u32 {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    // e_lfanew stands at 0x3C; the field 0x58 behind the signature that it leads to ("PE Format").
    let headers = u32::from_le_bytes([byte(0x3C), byte(0x3D), byte(0x3E), byte(0x3F)]);
    let field = host_usize(headers.into()) + 0x58;
    let mut sum = 0_u32;
    for at in (0..bytes.len()).step_by(2) {
        if !(field..field + 4).contains(&at) {
            sum += u32::from(u16::from_le_bytes([byte(at), byte(at + 1)]));
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
    }
    sum.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}

/// What is mapped: the headers, read-only as if they were a section, and the sections in order.
pub(super) fn sections(
    file: &PeFile64<'_>,
    base: u64,
    size: u64,
) -> Result<Vec<Section>, ImageError> {
    let headers = u64::from(file.nt_headers().optional_header().size_of_headers().max(1));
    let mut sections = vec![Section {
        name: "headers".to_owned(),
        address: base,
        size: headers,
        access: Access::ReadOnly,
        discardable: false,
    }];
    let mut free = headers.next_multiple_of(PAGE);
    for header in file.section_table().iter() {
        let section = section(header, base)?;
        let end = (section.address - base + section.size).next_multiple_of(PAGE);
        if !section.address.is_multiple_of(PAGE) || section.address - base < free || end > size {
            let why = "overlaps another or leaves the image";
            return malformed(format!("section {} {why}", section.name));
        }
        free = end;
        sections.push(section);
    }
    Ok(sections)
}

/// Every section's data lie in the file, padding included: a truncated file is refused.
pub(super) fn check_raw_data(file: &PeFile64<'_>, bytes: &[u8]) -> Result<(), ImageError> {
    for header in file.section_table().iter() {
        let start = u64::from(header.pointer_to_raw_data.get(LE));
        if start + u64::from(header.size_of_raw_data.get(LE)) > bytes.len() as u64 {
            return malformed("the data of a section lie past the end of the file");
        }
    }
    Ok(())
}

fn section(header: &pe::ImageSectionHeader, base: u64) -> Result<Section, ImageError> {
    // Short names are padded with NULs, and never a reference to a string table in an image.
    let name = String::from_utf8_lossy(header.raw_name()).into_owned();
    let flags = header.characteristics.get(LE);
    let has = |flag| flags & flag != 0;
    let access = match (has(pe::IMAGE_SCN_MEM_EXECUTE), has(pe::IMAGE_SCN_MEM_WRITE)) {
        (true, true) => return malformed(format!("section {name} is writable and executable")),
        (true, false) => Access::Execute,
        (false, true) => Access::ReadWrite,
        (false, false) => Access::ReadOnly,
    };
    let size = u64::from(header.virtual_size.get(LE).max(1));
    let discardable = has(pe::IMAGE_SCN_MEM_DISCARDABLE);
    let address = base + u64::from(header.virtual_address.get(LE));
    Ok(Section {
        name,
        address,
        size,
        access,
        discardable,
    })
}
