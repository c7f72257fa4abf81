//! The build script of the drivers: configures the linker through wdk-build and embeds the version.
//!
//! The version resource is written here, byte by byte, rather than by a resource compiler: the same
//! few lines then serve hosts with and without `rc.exe`. Both linkers take a `.res` file as input.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "runs where the driver is built; the bans in driver/clippy.toml are for the kernel"
)]

use std::env;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), wdk_build::ConfigError> {
    let out_dir = env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR");
    let resource = PathBuf::from(out_dir).join("version.res");
    fs::write(&resource, resource_file(&version_info())).expect("OUT_DIR is writable");
    println!("cargo::rustc-cdylib-link-arg={}", resource.display());
    // Sets the checksum, without which Windows refuses to load a driver at boot.
    println!("cargo::rustc-cdylib-link-arg=/RELEASE");
    // A hash in place of the time stamps, so that building again gives the same image.
    println!("cargo::rustc-cdylib-link-arg=/Brepro");
    println!("cargo::rerun-if-changed=Cargo.toml");
    wdk_build::configure_wdk_binary_build()
}

/// The `VS_VERSIONINFO` structure for the package being built.
/// <https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo>
fn version_info() -> Vec<u8> {
    let version = cargo_variable("CARGO_PKG_VERSION");
    let image = match cargo_variable("CARGO_PKG_NAME").as_str() {
        "driver" => "cloneguard".to_owned(),
        other => other.to_owned(),
    };
    let text = |key, value: &str| block(key, 1, &wide(value), wide(value).len() / 2, &[]);
    let strings = [
        text("CompanyName", "The CloneGuard authors"),
        text("FileDescription", &cargo_variable("CARGO_PKG_DESCRIPTION")),
        text("FileVersion", &version),
        text("InternalName", &image),
        text("LegalCopyright", &cargo_variable("CARGO_PKG_LICENSE")),
        text("OriginalFilename", &format!("{image}.sys")),
        text("ProductName", "CloneGuard"),
        text("ProductVersion", &version),
    ];
    // English (United States), Unicode.
    let table = block("040904b0", 1, &[], 0, &strings);
    let string_info = block("StringFileInfo", 1, &[], 0, &[table]);
    let translation = words(&[0x0409, 0x04b0]);
    let variable = block("Translation", 0, &translation, translation.len(), &[]);
    let variable_info = block("VarFileInfo", 1, &[], 0, &[variable]);
    let fixed = fixed_file_info();
    block(
        "VS_VERSION_INFO",
        0,
        &fixed,
        fixed.len(),
        &[string_info, variable_info],
    )
}

/// `VS_FIXEDFILEINFO`: a signature, the versions of structure, file and product, and what it is.
fn fixed_file_info() -> Vec<u8> {
    let part = |name| {
        cargo_variable(name)
            .parse::<u32>()
            .expect("Cargo checks version numbers")
    };
    let high = part("CARGO_PKG_VERSION_MAJOR") << 16 | part("CARGO_PKG_VERSION_MINOR");
    let low = part("CARGO_PKG_VERSION_PATCH") << 16;
    // No flag of the mask is set; VOS_NT_WINDOWS32, VFT_DRV, VFT2_DRV_SYSTEM; no date.
    let kind = [0x3F, 0, 0x0004_0004, 3, 7, 0, 0];
    let head = [0xFEEF_04BD, 0x0001_0000, high, low, high, low];
    head.into_iter()
        .chain(kind)
        .flat_map(u32::to_le_bytes)
        .collect()
}

/// One node: length, length of the value, type (1 is text), key, value, children, each aligned.
fn block(key: &str, kind: u16, value: &[u8], value_length: usize, children: &[Vec<u8>]) -> Vec<u8> {
    let value_length = u16::try_from(value_length).expect("version strings are short");
    let mut bytes = words(&[0, value_length, kind]);
    bytes.extend(wide(key));
    for part in [value]
        .into_iter()
        .chain(children.iter().map(Vec::as_slice))
    {
        align(&mut bytes);
        bytes.extend(part);
    }
    let length = u16::try_from(bytes.len()).expect("version strings are short");
    bytes[..2].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// A `.res` file: an empty entry that marks the format, then one of type `RT_VERSION`, number 1.
/// <https://learn.microsoft.com/windows/win32/menurc/resource-file-formats>
fn resource_file(data: &[u8]) -> Vec<u8> {
    let mut file = resource_header(0, 0, 0, 0);
    // RT_VERSION, the first of its type, English (United States).
    file.extend(resource_header(data.len(), 16, 1, 0x0409));
    file.extend(data);
    align(&mut file);
    file
}

fn resource_header(data_length: usize, kind: u16, number: u16, language: u16) -> Vec<u8> {
    const HEADER_LENGTH: u32 = 32;
    let data_length = u32::try_from(data_length).expect("version strings are short");
    let mut header = [data_length.to_le_bytes(), HEADER_LENGTH.to_le_bytes()].concat();
    // 0xFFFF: a number follows, not a name. Of the rest only the language is used.
    header.extend(words(&[
        0xFFFF, kind, 0xFFFF, number, 0, 0, 0, language, 0, 0, 0, 0,
    ]));
    header
}

fn align(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// UTF-16 with a terminator.
fn wide(text: &str) -> Vec<u8> {
    words(&text.encode_utf16().chain([0]).collect::<Vec<_>>())
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn cargo_variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("Cargo sets {name}"))
}
