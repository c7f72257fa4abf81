//! Compiles the test image of these tests, once for the process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The compiled `tests/images/kernel.rs`.
///
/// `None` when the toolchain has no x86_64-pc-windows-msvc target; then nothing can be run.
pub(crate) fn kernel() -> Option<PathBuf> {
    static IMAGE: OnceLock<Option<PathBuf>> = OnceLock::new();
    IMAGE.get_or_init(|| compile("kernel", &[])).clone()
}

/// The same with two imports that nobody models.
pub(crate) fn with_unknown_imports() -> Option<PathBuf> {
    compile("unknown", &["--cfg", "unknown_imports"])
}

/// A fresh path for a file of this test program.
pub(crate) fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("core");
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    folder.join(format!("{name}-{}.sys", std::process::id()))
}

/// How the image is compiled and linked.
const OPTIONS: &[&str] = &[
    "--edition=2024",
    "--target=x86_64-pc-windows-msvc",
    "--crate-type=cdylib",
    "--crate-name=kernel",
    "--cap-lints=allow",
    "-Cpanic=abort",
    "-Copt-level=1",
    "-Clinker=rust-lld",
    "-Clink-args=/NODEFAULTLIB /ENTRY:DriverEntry /SUBSYSTEM:NATIVE /DRIVER /RELEASE",
    // Readable and discardable.
    "-Clink-arg=/SECTION:INIT,RD",
];

fn compile(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let image = path(name);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/kernel.rs");
    let output = Command::new(rustc)
        .args(OPTIONS)
        .args(flags)
        .arg("-o")
        .args([&image, &source])
        .output()
        .expect("rustc runs");
    if output.status.success() {
        return Some(image);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let target_is_there = !text.contains("can't find crate for `core`");
    assert!(!target_is_there, "the test image does not compile:\n{text}");
    let missing = "rustup target add x86_64-pc-windows-msvc";
    let required = std::env::var_os("CLONEGUARD_REQUIRE_REFEREES").is_some_and(|v| v == "1");
    assert!(!required, "{missing}");
    println!("not run: {missing}");
    None
}
