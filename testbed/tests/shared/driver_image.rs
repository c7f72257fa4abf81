//! Where the tests of the shipped driver find it.

use std::path::{Path, PathBuf};

/// The image under test; `None`, said aloud, if there is none and none is demanded.
pub(crate) fn image() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image/x64/cloneguard.sys");
    let path = std::env::var_os("CLONEGUARD_IMAGE").map_or(built, PathBuf::from);
    if path.is_file() {
        return Some(path);
    }
    let missing = format!("there is no driver image {}; ./dev image", path.display());
    let required = std::env::var("CLONEGUARD_REQUIRE_REFEREES").is_ok_and(|value| value == "1");
    assert!(!required, "CLONEGUARD_REQUIRE_REFEREES=1, but {missing}");
    println!("not run: {missing}");
    None
}
