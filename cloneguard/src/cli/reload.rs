//! `cloneguard reload`.

use super::driver::{Driver, not_connected};
use super::{EXIT_CODES, End, Trouble, exit, interrupt};
use cloneguard::live;
use std::io::{self, Write as _};

const HELP: &str = "\
The driver reads the compiled policy from the registry. Whether it takes it is told by a record of kind
`policy`: see `cloneguard watch`. `cloneguard status` shows the revision in force.";

/// Have the driver read its policy again
#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    #[command(flatten)]
    driver: Driver,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let stop = interrupt::end_in_order();
    let asked = live::reload(&args.driver.source(), stop);
    if stop.is_requested() {
        return Ok(End::Interrupted);
    }
    asked.map_err(|error| not_connected(&error))?;
    let text = "the driver was asked to read its policy again";
    exit::printed(End::Done, writeln!(io::stdout(), "{text}"))
}
