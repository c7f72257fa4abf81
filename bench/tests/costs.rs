//! What a request costs in the shipped driver is what the repository says.
//!
//! The image is `CLONEGUARD_IMAGE`, or what `./dev image` built last.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../../testbed/tests/shared/driver_image.rs"]
mod driver_image;

use std::path::Path;
use std::process::{Command, Output};

fn check(image: &Path, table: &Path) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("check")
        .arg("--image")
        .arg(image)
        .args(["--empty", "none"])
        .arg("--table")
        .arg(table)
        .output();
    output.expect("the program runs")
}

#[test]
fn no_request_costs_more_than_the_table_says() {
    let Some(image) = driver_image::image() else {
        return;
    };
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("costs.json");
    let output = check(&image, &table);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
