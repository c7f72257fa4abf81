//! What the loader refuses, starting from an image that it takes.

use testbed::{BootOptions, LoadError, Machine, RegistryValue};

use super::image;

/// The bytes of the test image, changed by `change`, as the loader answers to them.
fn load_changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Option<String> {
    let mut bytes = std::fs::read(image::kernel()?).expect("the image was compiled");
    change(&mut bytes);
    let path = image::path(name);
    std::fs::write(&path, &bytes).expect("the target directory is writable");
    let machine = Machine::boot(BootOptions::default());
    machine.set_registry("good", "Answer", RegistryValue::Dword(42));
    let error = machine
        .load_driver(&path, "good")
        .expect_err("DriverEntry fails on purpose");
    Some(error.to_string())
}

/// Offset of the PE signature.
fn signature(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[0x3C..0x40].try_into().expect("four bytes")) as usize
}

/// Removes the checksum, so that a change elsewhere is what is judged.
fn without_checksum(bytes: &mut [u8]) -> usize {
    let signature = signature(bytes);
    bytes[signature + 0x58..signature + 0x5C].fill(0);
    signature
}

/// Offset of the first section header.
fn first_section(bytes: &[u8]) -> usize {
    let signature = signature(bytes);
    let optional = u16::from_le_bytes([bytes[signature + 0x14], bytes[signature + 0x15]]);
    signature + 0x18 + usize::from(optional)
}

fn refused(name: &str, expected: &str, change: impl FnOnce(&mut Vec<u8>)) {
    if let Some(text) = load_changed(name, change) {
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[test]
fn the_image_is_taken_unchanged_and_without_checksum() {
    refused(
        "unchanged",
        "DriverEntry failed with STATUS_UNSUCCESSFUL",
        |_| {},
    );
    refused(
        "no-checksum",
        "DriverEntry failed with STATUS_UNSUCCESSFUL",
        |bytes| {
            without_checksum(bytes);
        },
    );
}

#[test]
fn a_wrong_checksum_is_refused() {
    refused("checksum", "checksum", |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
}

#[test]
fn other_machines_and_subsystems_are_refused() {
    refused("arm", "machine 0xaa64", |bytes| {
        let at = without_checksum(bytes) + 4;
        bytes[at..at + 2].copy_from_slice(&0xAA64_u16.to_le_bytes());
    });
    refused("console", "subsystem 3", |bytes| {
        let at = without_checksum(bytes) + 0x5C;
        bytes[at] = 3;
    });
}

#[test]
fn a_section_that_is_writable_and_executable_is_refused() {
    refused("rwx", "writable and executable", |bytes| {
        without_checksum(bytes);
        let at = first_section(bytes) + 0x24 + 3;
        bytes[at] |= 0xA0;
    });
}

#[test]
fn sections_that_overlap_are_refused() {
    refused("overlap", "overlaps", |bytes| {
        without_checksum(bytes);
        let at = first_section(bytes) + 8;
        bytes[at..at + 4].copy_from_slice(&0x10_0000_u32.to_le_bytes());
    });
}

#[test]
fn no_prefix_of_an_image_is_loaded_or_crashes_the_loader() {
    let Some(path) = image::kernel() else { return };
    let bytes = std::fs::read(path).expect("the image was compiled");
    for length in (0..bytes.len()).step_by(97) {
        let text = load_changed("prefix", |bytes| {
            if length > 0x200 {
                without_checksum(bytes);
            }
            bytes.truncate(length);
        });
        assert!(
            text.is_some_and(|text| !text.contains("DriverEntry")),
            "{length}"
        );
    }
}

#[test]
fn every_unknown_import_is_named() {
    let Some(path) = image::with_unknown_imports() else {
        return;
    };
    let machine = Machine::boot(BootOptions::default());
    let error = machine.load_driver(&path, "good").expect_err("refused");
    assert!(matches!(error, LoadError::Image(..)));
    let text = error.to_string();
    assert!(text.contains("ntoskrnl.exe!NoSuchRoutine"), "{text}");
    assert!(text.contains("fltmgr.sys!FltNoSuchRoutine"), "{text}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let machine = Machine::boot(BootOptions::default());
    let missing = std::path::Path::new("no/such/driver.sys");
    let error = machine.load_driver(missing, "good").expect_err("refused");
    assert!(error.to_string().contains("no/such/driver.sys"), "{error}");
}
