//! Each rule against a small valid image in which one field is wrong.

use object::pe;

use super::facts::{self, Facts};
use super::identity;
use super::version::Version;
use super::{Expected, RULES};
use crate::imports::{AllowedImports, KERNEL};

const FILE_ALIGNMENT: usize = 0x200;
const RDATA: u32 = 0x2000;
const RSRC: u32 = 0x3000;
const RELOC: u32 = 0x4000;
const RESOURCE_DATA: u32 = 0x80;

/// A 64-bit image of four sections, as fields; [`Self::bytes`] lays it out.
struct Image {
    machine: u16,
    file_characteristics: u16,
    dll_characteristics: u16,
    subsystem: u16,
    section_alignment: u32,
    text_characteristics: u32,
    import_addresses: u32,
    relocation_bytes: u32,
    dll: &'static str,
    import: &'static str,
    file_version: [u16; 4],
    product: &'static str,
    has_resources: bool,
    checksum_error: u32,
    symbol: &'static str,
}

impl Image {
    fn valid() -> Self {
        Self {
            machine: pe::IMAGE_FILE_MACHINE_AMD64,
            file_characteristics: pe::IMAGE_FILE_EXECUTABLE_IMAGE,
            dll_characteristics: pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE
                | pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
            subsystem: pe::IMAGE_SUBSYSTEM_NATIVE,
            section_alignment: 4096,
            text_characteristics: pe::IMAGE_SCN_MEM_READ | pe::IMAGE_SCN_MEM_EXECUTE,
            import_addresses: RDATA,
            relocation_bytes: 12,
            dll: KERNEL,
            import: "DbgPrint",
            file_version: [1, 2, 3, 0],
            product: "CloneGuard",
            has_resources: true,
            checksum_error: 0,
            symbol: "DriverEntry",
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let sections = [
            (".text", 0x1000, self.text_characteristics, vec![0xC3; 16]),
            (".rdata", RDATA, pe::IMAGE_SCN_MEM_READ, self.imports()),
            (".rsrc", RSRC, pe::IMAGE_SCN_MEM_READ, self.resources()),
            (".reloc", RELOC, pe::IMAGE_SCN_MEM_READ, vec![0; 12]),
        ];
        let mut image = self.headers(sections.len());
        for (index, (name, address, characteristics, _)) in sections.iter().enumerate() {
            let offset = FILE_ALIGNMENT * (index + 2);
            let mut header = name.as_bytes().to_vec();
            header.resize(8, 0);
            header.extend(dwords(&[
                0x1000,
                *address,
                dword(FILE_ALIGNMENT),
                dword(offset),
            ]));
            header.extend(dwords(&[0, 0, 0, *characteristics]));
            image.extend(header);
        }
        image.resize(FILE_ALIGNMENT * 2, 0);
        for (_, _, _, content) in sections {
            image.extend(content);
            image.resize(image.len().next_multiple_of(FILE_ALIGNMENT), 0);
        }
        let checksum = facts::checksum(&image).expect("headers") ^ self.checksum_error;
        let field = facts::checksum_offset(&image).expect("headers");
        image[field..field + 4].copy_from_slice(&checksum.to_le_bytes());
        image
    }

    fn headers(&self, sections: usize) -> Vec<u8> {
        let mut image = b"MZ".to_vec();
        image.resize(0x3C, 0);
        image.extend(dwords(&[0x40]));
        image.extend(b"PE\0\0");
        image.extend(words(&[
            self.machine,
            u16::try_from(sections).expect("few"),
            0,
            0,
            0,
            0,
        ]));
        image.extend(words(&[0, 0, 240, self.file_characteristics]));
        image.extend(self.optional_header());
        image
    }

    /// Only what the rules ask for is filled in.
    fn optional_header(&self) -> Vec<u8> {
        let mut header = vec![0; 240];
        let mut put = |offset: usize, bytes: Vec<u8>| {
            header[offset..offset + bytes.len()].copy_from_slice(&bytes);
        };
        put(0, words(&[pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC]));
        put(32, dwords(&[self.section_alignment, dword(FILE_ALIGNMENT)]));
        put(68, words(&[self.subsystem, self.dll_characteristics]));
        put(108, dwords(&[16]));
        let directory = |index: usize| 112 + index * 8;
        put(
            directory(pe::IMAGE_DIRECTORY_ENTRY_IMPORT),
            dwords(&[RDATA + 0x10, 40]),
        );
        put(
            directory(pe::IMAGE_DIRECTORY_ENTRY_IAT),
            dwords(&[self.import_addresses, 16]),
        );
        put(
            directory(pe::IMAGE_DIRECTORY_ENTRY_BASERELOC),
            dwords(&[RELOC, self.relocation_bytes]),
        );
        if self.has_resources {
            put(
                directory(pe::IMAGE_DIRECTORY_ENTRY_RESOURCE),
                dwords(&[RSRC, 0x180]),
            );
        }
        header
    }

    /// Address table, one descriptor and its end, lookup table, DLL name, hint and name.
    fn imports(&self) -> Vec<u8> {
        let mut bytes = dwords(&[RDATA + 0x80, 0, 0, 0]);
        bytes.extend(dwords(&[RDATA + 0x40, 0, 0, RDATA + 0x60, RDATA]));
        bytes.resize(0x40, 0);
        bytes.extend(dwords(&[RDATA + 0x80, 0, 0, 0]));
        bytes.resize(0x60, 0);
        bytes.extend(self.dll.as_bytes());
        bytes.resize(0x82, 0);
        bytes.extend(self.import.as_bytes());
        bytes
    }

    /// Three directories of one entry each (type, name, language), the data entry, the data.
    fn resources(&self) -> Vec<u8> {
        const IS_TABLE: u32 = 0x8000_0000;
        let data = self.version_info();
        let mut bytes = Vec::new();
        for (id, next) in [(16, IS_TABLE | 0x18), (1, IS_TABLE | 0x30), (0x409, 0x48)] {
            bytes.extend(dwords(&[0, 0, 0]));
            bytes.extend(words(&[0, 1]));
            bytes.extend(dwords(&[id, next]));
        }
        bytes.extend(dwords(&[RSRC + RESOURCE_DATA, dword(data.len()), 0, 0]));
        bytes.resize(RESOURCE_DATA as usize, 0);
        bytes.extend(data);
        bytes
    }

    fn version_info(&self) -> Vec<u8> {
        let [major, minor, patch, build] = self.file_version;
        let mut fixed = dwords(&[0xFEEF_04BD, 0x0001_0000]);
        fixed.extend(words(&[minor, major, build, patch]));
        let product = block("ProductName", 1, &wide(self.product), &[]);
        let table = block("040904b0", 1, &[], &product);
        let strings = block("StringFileInfo", 1, &[], &table);
        block("VS_VERSION_INFO", 0, &fixed, &strings)
    }

    fn facts(&self) -> Facts {
        Facts::read(&self.bytes(), vec![self.symbol.to_owned()]).expect("a readable image")
    }
}

#[test]
fn a_valid_image_breaks_no_rule() {
    assert_eq!(broken(&Image::valid().facts()), [""; 0]);
}

#[test]
fn one_wrong_field_breaks_the_rule_about_it_and_no_other() {
    type Flip = fn(&mut Image);
    let flips: [(&str, Flip); 18] = [
        ("machine", |image| {
            image.machine = pe::IMAGE_FILE_MACHINE_ARM64
        }),
        ("subsystem", |image| {
            image.subsystem = pe::IMAGE_SUBSYSTEM_WINDOWS_GUI
        }),
        ("checksum", |image| image.checksum_error = 1),
        ("imports", |image| image.import = "MmMapIoSpace"),
        ("imports", |image| image.dll = "hal.dll"),
        ("oldest Windows", |image| image.import = "RtlNewest"),
        ("import table", |image| image.import_addresses = 0x1000),
        ("import table", |image| image.import_addresses = 0),
        ("sections", |image| {
            image.text_characteristics |= pe::IMAGE_SCN_MEM_WRITE
        }),
        ("alignment", |image| image.section_alignment = 512),
        ("relocations", |image| image.relocation_bytes = 0),
        ("relocations", |image| {
            image.file_characteristics |= pe::IMAGE_FILE_RELOCS_STRIPPED
        }),
        ("relocations", |image| {
            image.dll_characteristics &= !pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE;
        }),
        ("no execute", |image| {
            image.dll_characteristics &= !pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT
        }),
        ("version", |image| image.file_version = [1, 2, 4, 0]),
        ("version", |image| image.product = "Other"),
        ("version", |image| image.has_resources = false),
        ("stack frames", |image| image.symbol = "__chkstk"),
    ];
    for (rule, flip) in flips {
        let mut image = Image::valid();
        flip(&mut image);
        assert_eq!(broken(&image.facts()), [rule]);
    }
}

#[test]
fn an_image_without_a_checksum_is_told_so() {
    let mut facts = Image::valid().facts();
    facts.stored_checksum = 0;
    assert_eq!(broken(&facts), ["checksum"]);
}

#[test]
fn an_imported_stack_probe_is_unlisted_and_a_large_frame() {
    let image = Image {
        import: "__chkstk",
        ..Image::valid()
    };
    assert_eq!(broken(&image.facts()), ["imports", "stack frames"]);
}

#[test]
fn what_an_image_says_is_read_as_it_stands() {
    let facts = Image::valid().facts();
    assert_eq!(facts.imports, [(KERNEL.to_owned(), "DbgPrint".to_owned())]);
    let version = Version {
        file_version: "1.2.3.0".to_owned(),
        product_name: Some("CloneGuard".to_owned()),
    };
    assert_eq!(facts.version, Some(version));
}

#[test]
fn an_image_cut_short_anywhere_is_refused_or_read_without_a_panic() {
    let image = Image::valid().bytes();
    for length in 0..image.len() {
        _ = Facts::read(&image[..length], Vec::new());
    }
}

fn broken(facts: &Facts) -> Vec<&'static str> {
    let mut allowed = AllowedImports::default();
    let list = "DbgPrint 2000 ddi\nRtlNewest 24H2 ddi\n";
    allowed
        .add("list", Some(KERNEL), list)
        .expect("a valid list");
    allowed
        .add("list", Some("hal.dll"), list)
        .expect("a valid list");
    let machine = pe::IMAGE_FILE_MACHINE_AMD64;
    let expected = Expected {
        machine,
        version: "1.2.3.0".to_owned(),
        allowed,
    };
    let broken = RULES
        .iter()
        .filter(|rule| (rule.check)(facts, &expected).is_err());
    broken.map(|rule| rule.name).collect()
}

/// A block of a version resource with at most one child.
fn block(key: &str, kind: u16, value: &[u8], child: &[u8]) -> Vec<u8> {
    let unit = if kind == 1 { 2 } else { 1 };
    let mut bytes = words(&[0, u16::try_from(value.len() / unit).expect("short"), kind]);
    bytes.extend(wide(key));
    for part in [value, child] {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(part);
    }
    let length = u16::try_from(bytes.len()).expect("short");
    bytes[..2].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    words(&text.encode_utf16().chain([0]).collect::<Vec<_>>())
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn dwords(dwords: &[u32]) -> Vec<u8> {
    dwords
        .iter()
        .flat_map(|dword| dword.to_le_bytes())
        .collect()
}

fn dword(number: usize) -> u32 {
    u32::try_from(number).expect("small")
}

/// An image that names its symbols, as two links of the same sources make it: one GUID and one time stamp differ.
fn linked(lot: u8) -> (Vec<u8>, Vec<u8>) {
    const DIRECTORY: usize = FILE_ALIGNMENT * 2 + 0x40;
    const NAME: usize = FILE_ALIGNMENT * 2 + 0x100;
    const ENTRY: usize = 28;
    let mut image = Image::valid().bytes();
    let mut put = |offset: usize, bytes: &[u8]| {
        image[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    let optional_header = 0x40 + 24;
    let directory = optional_header + 112 + pe::IMAGE_DIRECTORY_ENTRY_DEBUG * 8;
    put(directory, &dwords(&[0x1040, dword(ENTRY * 2)]));
    let kinds = [pe::IMAGE_DEBUG_TYPE_CODEVIEW, pe::IMAGE_DEBUG_TYPE_REPRO];
    for (index, kind) in kinds.into_iter().enumerate() {
        let own = DIRECTORY + index * ENTRY;
        put(own + 4, &[lot; 4]);
        put(own + 12, &dwords(&[kind, 24, 0x1100, dword(NAME)]));
    }
    put(0x40 + 8, &[lot; 4]);
    put(NAME, b"RSDS");
    put(NAME + 4, &[lot; 16]);
    let mut symbols = vec![0; 100];
    symbols[40..56].fill(lot);
    (image, symbols)
}

#[test]
fn an_image_is_told_by_its_content_and_not_by_the_lot_of_its_link() {
    let settled = |lot| {
        let (mut image, mut symbols) = linked(lot);
        identity::settle(&mut image, &mut symbols).unwrap();
        (image, symbols)
    };
    let (image, symbols) = settled(0x11);
    assert_eq!(settled(0x22), (image.clone(), symbols.clone()));
    let facts = Facts::read(&image, Vec::new()).unwrap();
    assert_eq!(facts.stored_checksum, facts.computed_checksum);
    let guid = &image[FILE_ALIGNMENT * 2 + 0x104..][..16];
    assert_eq!(&symbols[40..56], guid);
    assert_ne!(guid, [0x11; 16]);
    let (mut other, mut other_symbols) = linked(0x11);
    other[FILE_ALIGNMENT * 2] ^= 1;
    identity::settle(&mut other, &mut other_symbols).unwrap();
    assert_ne!(other_symbols, symbols);
}

#[test]
fn symbols_of_another_image_are_refused() {
    let (mut image, _) = linked(0x11);
    let (_, mut symbols) = linked(0x22);
    assert!(identity::settle(&mut image, &mut symbols).is_err());
    assert!(identity::settle(&mut Image::valid().bytes(), &mut symbols).is_err());
}
