//! `lint`: the rules of the house that neither rustc nor clippy knows.
//!
//! [`arrows`] are the dependencies between members; [`unsafety`] says where unsafe may live;
//! [`kernel`] what the crates bound for the kernel have in common; [`naming`] which crates a folder
//! may not name; [`evidence`] that the tests exist which the documents about safety name; [`sources`] reads
//! the files and looks at their text. Each rule answers with the breaches it found, and all are printed.
//!
//! That the ids of the clone rules agree in wire, guard and docs/rules.md is a test of guard
//! (`guard/tests/suite/table.rs`), and not repeated here.

mod arrows;
mod evidence;
mod kernel;
mod naming;
mod sources;
mod tokens;
mod unsafety;

use anyhow::{Result, ensure};

use crate::files;

/// Checks the repository against every rule.
pub(crate) fn run() -> Result<()> {
    let members = arrows::read()?;
    let sources = sources::read(&files::root())?;
    let breaches = [
        arrows::check(&members),
        sources::check(&sources),
        unsafety::check(&sources),
        kernel::check(&sources),
        naming::check(&sources),
        evidence::check(&sources),
    ]
    .concat();
    for long in sources::long_files(&sources) {
        println!("   note: {long}");
    }
    for breach in &breaches {
        println!("   {breach}");
    }
    ensure!(
        breaches.is_empty(),
        "the rules of the house are broken in {} places",
        breaches.len()
    );
    println!(
        "   {} members, {} files, no breach",
        members.len(),
        sources.len()
    );
    Ok(())
}
