//! InfVerif, where there is one.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What a signature of Microsoft's asks for, and what a Windows driver is. The second holds from the build on from which
/// a minifilter can be one: before it the filter manager looks for instances where such a driver may not write.
/// <https://learn.microsoft.com/windows-hardware/drivers/devtest/running-infverif-from-the-command-line>
const MODES: [&[&str]; 2] = [&["/h"], &["/w", "/wbuild", "10.0.25952"]];

/// Lets InfVerif judge, if it is on the path as in a developer's prompt with a WDK, and says whether it did.
pub(super) fn run(file: &Path) -> Result<()> {
    for mode in MODES {
        let mut infverif = Command::new("infverif");
        let status = match infverif.args(mode).arg("/v").arg(file).status() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("InfVerif is not here and was not asked: it comes with the WDK");
                return Ok(());
            }
            status => status.context("cannot run infverif")?,
        };
        ensure!(
            status.success(),
            "infverif {} found something: {status}",
            mode.join(" ")
        );
    }
    Ok(())
}
