//! Compiles the small drivers that the tests of the models load.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A compiled image; its folder goes when it is dropped.
pub(crate) struct TestImage {
    folder: PathBuf,
}

impl TestImage {
    /// The image file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("test.sys")
    }
}

impl Drop for TestImage {
    fn drop(&mut self) {
        // What stays behind lies in the target directory and harms nobody.
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// Compiles `tests/images/<name>.rs` with `flags` ("fault=\"edit\"", "synchronize").
///
/// `None` when the toolchain has no x86_64-pc-windows-msvc target; then nothing can be run.
pub(crate) fn compile(name: &str, flags: &[&str]) -> Option<TestImage> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    // Tests run at the same time, in threads and in child processes: each has a folder of its own.
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = format!("{name}-{}-{number}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let image = TestImage { folder };
    let compiled = compiler(name, &image.path(), flags).output();
    let output = compiled.expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && text.contains("can't find crate for `core`") {
        let missing = "rustup target add x86_64-pc-windows-msvc";
        let required = std::env::var_os("CLONEGUARD_REQUIRE_REFEREES").is_some_and(|v| v == "1");
        assert!(!required, "{missing}");
        println!("not run: {missing}");
        return None;
    }
    assert!(
        output.status.success(),
        "the test image does not compile:\n{text}"
    );
    Some(image)
}

fn compiler(name: &str, target: &Path, flags: &[&str]) -> Command {
    const ARGUMENTS: &str = "--edition 2024 --target x86_64-pc-windows-msvc --crate-type cdylib \
        --cap-lints allow -C panic=abort -C opt-level=2 -C linker=rust-lld";
    const LINKER: &str = "link-args=/NODEFAULTLIB /ENTRY:DriverEntry /SUBSYSTEM:NATIVE /DRIVER";
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(ARGUMENTS.split_whitespace());
    command.args(["--crate-name", name, "-C", LINKER]);
    command.args(flags.iter().flat_map(|flag| ["--cfg", *flag]));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/images/{name}.rs"));
    command.arg("-o").arg(target).arg(source);
    command
}
