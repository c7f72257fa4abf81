//! Lines for people.

use std::io::Write as _;

/// Prints a line. Whoever stops reading (`| head`) does not stop the run: its exit status still tells.
pub(crate) fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout().lock(), "{line}");
}
