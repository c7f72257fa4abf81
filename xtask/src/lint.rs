//! `lint`: the rules of the house that neither rustc nor clippy knows.
//!
//! [`arrows`] are the dependencies that must not exist; [`sources`] is about text: where unsafe may
//! live, which lints a kernel-bound crate carries, stray blanks. Each rule answers with the breaches
//! it found, and all are printed.

mod arrows;
mod sources;

use anyhow::{Result, ensure};

use crate::files;

/// Checks the repository against every rule.
pub(crate) fn run() -> Result<()> {
    let sources = sources::read(&files::root())?;
    let mut breaches = arrows::check(&arrows::read()?);
    breaches.extend(sources::check(&sources));
    for long in sources::long_files(&sources) {
        println!("   note: {long}");
    }
    for breach in &breaches {
        println!("   {breach}");
    }
    ensure!(
        breaches.is_empty(),
        "{} breaches of the rules of the house",
        breaches.len()
    );
    println!("   {} files, no breach", sources.len());
    Ok(())
}
