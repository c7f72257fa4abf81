//! `testbed serve`: the shipped driver under a load of clones, with its port on a Unix socket.
//!
//! [`load`] plays the programs that clone. [`listen`] holds the socket; each connection is a [`link`],
//! which plays one program at the port in a modelled process of an administrator. [`tally`] counts and
//! prints. The frames of the socket are those of `cloneguard::live::frame`.

mod link;
mod listen;
pub(crate) mod load;
pub(crate) mod tally;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use cloneguard::live::Stop;
use testbed::RegistryValue;

use self::link::Links;
use self::listen::Listener;
use self::load::Load;
use self::tally::Tally;
use crate::demo::output::say;
use crate::demo::stage::{POLICY_VALUE, SERVICE, Stage};

/// Options of `testbed serve`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The driver image to load
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// The socket to listen on; only its owner can connect
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// How many requests a second; 0 is as many as there can be
    #[arg(long, value_name = "N", default_value_t = 100)]
    rate: u32,
    /// What the load is drawn from: the same number, the same requests of each program
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End after so many seconds; without it Ctrl-C ends
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// The policy in force, compiled (`cloneguard policy compile`)
    #[arg(long, value_name = "BLOB")]
    policy: Option<PathBuf>,
}

/// The policy without `--policy`.
const POLICY: &str = include_str!("policy.toml");
/// How often the counts are printed.
const TICK: Duration = Duration::from_secs(1);

/// Serves until it is asked to end, and says what the driver leaves behind.
pub(crate) fn run(options: &Options) -> Result<()> {
    let stop = stop_on_signals()?;
    let listener = Listener::bind(&options.socket)?;
    let stage = Arc::new(set_up(options)?);
    let tally = Arc::new(Tally::new());
    let links = Links::new(&stage, &tally);
    listener.accept(&links)?;
    say(&format!("Driver {} loaded", options.image.display()));
    let socket = options.socket.display();
    say(&format!(
        "Listening; in another terminal: cloneguard watch --socket {socket}"
    ));
    let load = Load::start(&stage, &tally, (options.seed, options.rate));
    wait(options, &stop, &tally);
    tally.finish();
    let mut faults = load.end();
    let status = links.drain();
    faults.extend(stage.tear_down());
    // The driver has closed its ports by now. A client that does not go is cut off.
    drop(listener);
    links.end();
    match &status {
        Ok(status) => say(&tally.json(status)?),
        Err(error) => faults.push(format!("{error:#}")),
    }
    conclude(&faults)
}

/// SIGINT, SIGTERM and SIGHUP ask for the end; a second one ends at once.
fn stop_on_signals() -> Result<Stop> {
    let stop = Stop::new();
    let heard = stop.clone();
    ctrlc::set_handler(move || {
        if !heard.request() {
            std::process::exit(130);
        }
    })
    .context("cannot listen for signals")?;
    Ok(stop)
}

fn set_up(options: &Options) -> Result<Stage> {
    let stage = Stage::boot()?;
    let policy = match &options.policy {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        None => cloneguard::policy::compile(POLICY)
            .map_err(|problems| anyhow!("the built-in policy: {:?}", problems.all()))?,
    };
    let value = RegistryValue::Binary(policy);
    stage.machine.set_registry(SERVICE, POLICY_VALUE, value);
    stage.load(&options.image)?;
    Ok(stage)
}

/// Waits for the end and prints the counts meanwhile.
fn wait(options: &Options, stop: &Stop, tally: &Tally) {
    let mut seconds = 0;
    while options.seconds.is_none_or(|end| seconds < end) && stop.sleep(TICK) {
        tally.print();
        seconds += 1;
    }
}

fn conclude(faults: &[String]) -> Result<()> {
    for fault in faults {
        say(&format!("  fault: {fault}"));
    }
    ensure!(faults.is_empty(), "{} faults", faults.len());
    Ok(())
}
