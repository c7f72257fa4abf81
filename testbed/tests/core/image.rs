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

fn compile(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let image = path(name);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--target", "x86_64-pc-windows-msvc"])
        .args([
            "--crate-type",
            "cdylib",
            "--crate-name",
            "kernel",
            "-C",
            "panic=abort",
        ])
        .args([
            "-C",
            "opt-level=1",
            "-C",
            "linker=rust-lld",
            "--cap-lints",
            "allow",
        ])
        .args([
            "-C",
            "link-args=/NODEFAULTLIB /ENTRY:DriverEntry /SUBSYSTEM:NATIVE /DRIVER /RELEASE",
        ])
        .args(["-C", "link-arg=/SECTION:INIT,RD"])
        .args(flags)
        .arg("-o")
        .arg(&image)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/kernel.rs"))
        .output()
        .expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && text.contains("can't find crate for `core`") {
        let missing = "rustup target add x86_64-pc-windows-msvc";
        assert_ne!(
            std::env::var("CLONEGUARD_REQUIRE_REFEREES").as_deref(),
            Ok("1"),
            "{missing}"
        );
        println!("not run: {missing}");
        return None;
    }
    assert!(
        output.status.success(),
        "the test image does not compile:\n{text}"
    );
    Some(image)
}
