//! An image as plain data: what the rules ask about, read once.

use anyhow::{Context as _, Result, anyhow};
use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{DataDirectories, ImageNtHeaders as _, PeFile64, SectionTable};

use super::version::{self, Version};

/// A section of an image.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) address: u32,
    pub(super) characteristics: u32,
    pub(super) bytes: Vec<u8>,
    size: u32,
}

impl Section {
    pub(super) fn is_executable(&self) -> bool {
        self.characteristics & pe::IMAGE_SCN_MEM_EXECUTE != 0
    }

    /// Whether the section covers a relative virtual address.
    pub(super) fn holds(&self, address: u32) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|offset| offset < self.size)
    }
}

/// What is known about an image.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) machine: u16,
    pub(super) characteristics: u16,
    pub(super) dll_characteristics: u16,
    pub(super) subsystem: u16,
    pub(super) stored_checksum: u32,
    pub(super) computed_checksum: u32,
    pub(super) section_alignment: u32,
    pub(super) sections: Vec<Section>,
    /// DLL in lower case, and name.
    pub(super) imports: Vec<(String, String)>,
    /// Where the import address table is.
    pub(super) import_addresses: u32,
    pub(super) relocation_bytes: u32,
    pub(super) version: Option<Version>,
    /// Names that the linker's map gives.
    pub(super) symbols: Vec<String>,
}

impl Facts {
    /// Reads an image; `symbols` come from its map, since an image has none.
    pub(super) fn read(image: &[u8], symbols: Vec<String>) -> Result<Self> {
        let file = PeFile64::parse(image)?;
        let headers = file.nt_headers();
        let optional = &headers.optional_header;
        let directories = file.data_directories();
        let directory = |index| directories.get(index);
        Ok(Self {
            machine: headers.file_header().machine.get(LE),
            characteristics: headers.file_header().characteristics.get(LE),
            dll_characteristics: optional.dll_characteristics.get(LE),
            subsystem: optional.subsystem.get(LE),
            stored_checksum: optional.check_sum.get(LE),
            computed_checksum: checksum(image).context("no optional header")?,
            section_alignment: optional.section_alignment.get(LE),
            sections: sections(image, &file.section_table())?,
            imports: imports(&file)?,
            import_addresses: directory(pe::IMAGE_DIRECTORY_ENTRY_IAT)
                .map_or(0, |iat| iat.virtual_address.get(LE)),
            relocation_bytes: directory(pe::IMAGE_DIRECTORY_ENTRY_BASERELOC)
                .map_or(0, |relocations| relocations.size.get(LE)),
            version: version(image, &directories, &file.section_table())?,
            symbols,
        })
    }
}

fn sections(image: &[u8], table: &SectionTable<'_>) -> Result<Vec<Section>> {
    table
        .iter()
        .map(|header| {
            Ok(Section {
                name: String::from_utf8_lossy(header.raw_name()).into_owned(),
                address: header.virtual_address.get(LE),
                characteristics: header.characteristics.get(LE),
                bytes: header.pe_data(image)?.to_vec(),
                size: header.virtual_size.get(LE),
            })
        })
        .collect()
}

fn imports(file: &PeFile64<'_>) -> Result<Vec<(String, String)>> {
    let mut imports = Vec::new();
    let Some(table) = file.import_table()? else {
        return Ok(imports);
    };
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let dll = table.name(descriptor.name.get(LE))?;
        let dll = String::from_utf8_lossy(dll).to_ascii_lowercase();
        let mut thunks = table.thunks(descriptor.original_first_thunk.get(LE))?;
        while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>()? {
            let name = match table.import::<pe::ImageNtHeaders64>(thunk)? {
                object::read::pe::Import::Name(_, name) => {
                    String::from_utf8_lossy(name).into_owned()
                }
                object::read::pe::Import::Ordinal(number) => format!("#{number}"),
            };
            imports.push((dll.clone(), name));
        }
    }
    Ok(imports)
}

/// The version resource: type `RT_VERSION`, first name, first language.
fn version(
    image: &[u8],
    directories: &DataDirectories<'_>,
    sections: &SectionTable<'_>,
) -> Result<Option<Version>> {
    let Some(resources) = directories.resource_directory(image, sections)? else {
        return Ok(None);
    };
    let root = resources.root()?;
    let Some(mut entry) = root
        .entries
        .iter()
        .find(|entry| entry.name_or_id().id() == Some(pe::RT_VERSION))
    else {
        return Ok(None);
    };
    // Type, name, language: three levels, as the format prescribes.
    for _ in 0..2 {
        let table = entry
            .data(resources)?
            .table()
            .context("a resource level is missing")?;
        entry = table.entries.first().context("an empty resource table")?;
    }
    let data = entry
        .data(resources)?
        .data()
        .context("a resource level too many")?;
    let address = data.offset_to_data.get(LE);
    let bytes = sections
        .pe_data_at(image, address)
        .and_then(|bytes| bytes.get(..data.size.get(LE) as usize))
        .ok_or_else(|| anyhow!("the version resource lies outside the image"))?;
    version::parse(bytes).map(Some)
}

/// The checksum that `MapFileAndCheckSum` computes: 16-bit words, the field itself counted as zero,
/// summed with the carry added back, plus the length of the file.
pub(super) fn checksum(image: &[u8]) -> Option<u32> {
    let field = checksum_offset(image)?;
    let mut sum = 0_u32;
    for (index, pair) in image.chunks(2).enumerate() {
        if (field..field + 4).contains(&(index * 2)) {
            continue;
        }
        let word = u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]);
        sum += u32::from(word);
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum.checked_add(u32::try_from(image.len()).ok()?)
}

/// Where the checksum is: 64 bytes into the optional header, which follows a signature and the file
/// header, to which the field at 0x3C points.
pub(super) fn checksum_offset(image: &[u8]) -> Option<usize> {
    let pointer: [u8; 4] = image.get(0x3C..0x40)?.try_into().ok()?;
    let headers = usize::try_from(u32::from_le_bytes(pointer)).ok()?;
    let optional = size_of::<u32>() + size_of::<pe::ImageFileHeader>();
    headers.checked_add(optional + 64)
}
