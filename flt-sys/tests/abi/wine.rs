//! Referee: the kernel headers of Wine, written by other people from the same documentation, read by clang.
//!
//! One C file asserts every size, offset and constant that Wine has, for both architectures. Without clang
//! or the headers the tests say so and pass; with `CLONEGUARD_REQUIRE_REFEREES=1` they fail instead.
//! `CLONEGUARD_WINE_HEADERS` names the directory that holds `windows/` and `msvcrt/`, for headers
//! that are unpacked but not installed.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flt_sys::{LAYOUTS, Layout};

/// Structures that Wine's headers lack; windows-sys judges them.
pub(crate) const LAYOUTS_NOT_IN_WINE: &[&str] = &[
    "FLT_RELATED_OBJECTS",
    "FLT_FILE_NAME_INFORMATION",
    "FILE_FS_SIZE_INFORMATION",
    "FILE_FS_ATTRIBUTE_INFORMATION",
    "OBJECT_HANDLE_INFORMATION",
];

/// Structures that Wine has without the fields that later versions of Windows added at their end; windows-sys
/// judges their size.
const SIZES_NOT_IN_WINE: &[&str] = &["FILE_OBJECT"];

/// Names constants of ours with their values.
macro_rules! constants {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((stringify!($name), flt_sys::$module::$name as i128)),+),+]
    };
}

/// The constants that Wine's headers have.
#[rustfmt::skip]
pub(crate) const CONSTANTS: &[(&str, i128)] = constants! {
    callback:
        FLT_PREOP_SUCCESS_WITH_CALLBACK, FLT_PREOP_SUCCESS_NO_CALLBACK, FLT_PREOP_PENDING,
        FLT_PREOP_DISALLOW_FASTIO, FLT_PREOP_COMPLETE, FLT_PREOP_SYNCHRONIZE,
        FLT_PREOP_DISALLOW_FSFILTER_IO, FLT_POSTOP_FINISHED_PROCESSING,
        FLT_POSTOP_MORE_PROCESSING_REQUIRED, FLT_POSTOP_DISALLOW_FSFILTER_IO;
    context:
        PagedPool, FLT_VOLUME_CONTEXT, FLT_INSTANCE_CONTEXT, FLT_FILE_CONTEXT, FLT_STREAM_CONTEXT,
        FLT_STREAMHANDLE_CONTEXT, FLT_TRANSACTION_CONTEXT;
    nt:
        KernelMode, UserMode, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE,
        TokenUser, TokenStatistics, TokenSessionId, TokenElevation, TokenIntegrityLevel,
        SecurityImpersonation;
    registration:
        IRP_MJ_FILE_SYSTEM_CONTROL, FLT_FSTYPE_UNKNOWN, FLT_FSTYPE_RAW, FLT_FSTYPE_NTFS,
        FLT_FSTYPE_FAT, FLT_FSTYPE_LANMAN, FLT_FSTYPE_MUP, FLT_FSTYPE_EXFAT, FLT_FSTYPE_NPFS,
        FLT_FSTYPE_MSFS, FLT_FSTYPE_CSVFS, FLT_FSTYPE_REFS, FLTFL_INSTANCE_TEARDOWN_MANUAL,
        FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD, FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD,
        FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT, FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR;
    registry:
        KEY_QUERY_VALUE, KEY_SET_VALUE, KeyValuePartialInformation, REG_BINARY;
    file:
        FileNetworkOpenInformation, FileIdInformation, FILE_READ_DATA, SYNCHRONIZE,
        FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT, FILE_NON_DIRECTORY_FILE;
    volume:
        FileFsSizeInformation, FileFsAttributeInformation, FILE_READ_ONLY_VOLUME,
        FILE_SUPPORTS_BLOCK_REFCOUNTING;
};

/// Where Debian's libwine-dev and an installation from Wine's sources put the headers.
const HEADER_PLACES: &[&str] = &["/usr/include/wine/wine", "/usr/include/wine"];

const PROLOGUE: &str = "\
#include <stdarg.h>
#include <stddef.h>
#include <ntstatus.h>
#define WIN32_NO_STATUS
#include <windef.h>
#include <winbase.h>
#include <winternl.h>
#include <ddk/fltkernel.h>
";

/// A compiler that can be run, and the headers it is to read.
struct Referee {
    clang: String,
    headers: PathBuf,
}

impl Referee {
    /// Finds both, or says what is missing.
    fn find() -> Result<Self, String> {
        let versions = (14..=30).rev().map(|version| format!("clang-{version}"));
        let clang = std::iter::once("clang".to_owned())
            .chain(versions)
            .find(|name| Command::new(name).arg("--version").output().is_ok())
            .ok_or("no clang in the path: install the package clang")?;
        let named = env::var_os("CLONEGUARD_WINE_HEADERS").map(PathBuf::from);
        let places = named.map_or_else(
            || HEADER_PLACES.iter().map(PathBuf::from).collect(),
            |directory| vec![directory],
        );
        let headers = places
            .iter()
            .find(|place| place.join("windows/ddk/fltkernel.h").exists())
            .cloned()
            .ok_or_else(|| {
                format!(
                    "no windows/ddk/fltkernel.h below {places:?}: install the package libwine-dev, or \
                     unpack it and set CLONEGUARD_WINE_HEADERS"
                )
            })?;
        Ok(Self { clang, headers })
    }

    /// Whether the file compiles for the target, or what the compiler says against it.
    fn accepts(&self, target: &str, file: &Path) -> Result<(), String> {
        // The headers alone, never those of the host; their warnings are not ours.
        let output = Command::new(&self.clang)
            .args([
                "-target",
                target,
                "-fsyntax-only",
                "-w",
                "-nostdlibinc",
                "-ferror-limit=0",
            ])
            .arg("-isystem")
            .arg(self.headers.join("windows"))
            .arg("-isystem")
            .arg(self.headers.join("msvcrt"))
            .arg(file)
            .output()
            .map_err(|error| format!("cannot run {}: {error}", self.clang))?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The referee, or `None` where it is missing and need not be there.
fn referee() -> Option<Referee> {
    let missing = match Referee::find() {
        Ok(referee) => return Some(referee),
        Err(missing) => missing,
    };
    let required = env::var("CLONEGUARD_REQUIRE_REFEREES").is_ok_and(|value| value == "1");
    assert!(!required, "CLONEGUARD_REQUIRE_REFEREES=1, but {missing}");
    println!("not run: {missing}");
    None
}

fn write_source(name: &str, body: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("{PROLOGUE}{body}"))
        .expect("the directory for test files is writable");
    path
}

fn size_assertion(layout: &Layout) -> String {
    let Layout { name, size, .. } = layout;
    format!("_Static_assert(sizeof({name}) == {size}, \"size of {name}\");\n")
}

fn assertions(layout: &Layout) -> String {
    let Layout { name, fields, .. } = layout;
    let mut text = String::new();
    if !SIZES_NOT_IN_WINE.contains(name) {
        text.push_str(&size_assertion(layout));
    }
    for field in *fields {
        let (path, offset) = (field.path, field.offset);
        let _ = writeln!(
            text,
            "_Static_assert(offsetof({name}, {path}) == {offset}, \"offset of {name}.{path}\");"
        );
    }
    text
}

fn all_assertions() -> String {
    let mut text: String = LAYOUTS
        .iter()
        .filter(|layout| !LAYOUTS_NOT_IN_WINE.contains(&layout.name))
        .map(assertions)
        .collect();
    for (name, value) in CONSTANTS {
        let _ = writeln!(
            text,
            "_Static_assert({name} == {value}, \"value of {name}\");"
        );
    }
    text
}

fn compare_for(target: &str) {
    let Some(referee) = referee() else { return };
    let source = write_source(&format!("wine-{target}.c"), &all_assertions());
    if let Err(complaint) = referee.accepts(target, &source) {
        panic!("flt-sys and Wine's headers differ for {target}:\n{complaint}");
    }
}

#[test]
fn x86_64_agrees() {
    compare_for("x86_64-w64-windows-gnu");
}

#[test]
fn aarch64_agrees() {
    compare_for("aarch64-w64-windows-gnu");
}

#[test]
fn a_wrong_offset_is_seen() {
    let Some(referee) = referee() else { return };
    let wrong = "_Static_assert(offsetof(FLT_CALLBACK_DATA, Iopb) == 8, \"planted\");\n";
    let source = write_source("wine-wrong.c", wrong);
    let complaint = referee
        .accepts("x86_64-w64-windows-gnu", &source)
        .expect_err("8 is wrong");
    assert!(complaint.contains("planted"), "{complaint}");
}

#[test]
fn what_is_listed_as_missing_is_missing() {
    let Some(referee) = referee() else { return };
    for name in LAYOUTS_NOT_IN_WINE {
        let source = write_source(
            &format!("wine-lacks-{name}.c"),
            &format!("{name} *instance;\n"),
        );
        let accepted = referee.accepts("x86_64-w64-windows-gnu", &source).is_ok();
        assert!(
            !accepted,
            "Wine has {name} now: take it off LAYOUTS_NOT_IN_WINE"
        );
    }
}

#[test]
fn what_is_listed_as_shorter_is_shorter() {
    let Some(referee) = referee() else { return };
    for name in SIZES_NOT_IN_WINE {
        let layout = LAYOUTS.iter().find(|layout| layout.name == *name);
        let layout = layout.unwrap_or_else(|| panic!("{name} is not in LAYOUTS"));
        let source = write_source(&format!("wine-cuts-{name}.c"), &size_assertion(layout));
        let accepted = referee.accepts("x86_64-w64-windows-gnu", &source).is_ok();
        assert!(
            !accepted,
            "Wine has all of {name} now: take it off SIZES_NOT_IN_WINE"
        );
    }
}
