//! `cloneguard completions`.

use super::exit::{EXIT_CODES, End, Trouble};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::{self, Write as _};

const HELP: &str = "\
Examples:
  cloneguard completions bash > /usr/share/bash-completion/completions/cloneguard
  cloneguard completions zsh > ~/.zfunc/_cloneguard
  cloneguard completions powershell >> $PROFILE";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// For which shell
    shell: Shell,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    // Made in memory first: the generator takes a write that fails for a fault of its own.
    let mut script = Vec::new();
    let mut command = super::Cli::command();
    clap_complete::generate(args.shell, &mut command, "cloneguard", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(End::Done)
}
