//! The subcommand `property` of the program: longer runs, other seeds.

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::run::run_and_tell;
use super::{Mode, Options, Stopped};
use crate::stages::{CannotRun, find_image};

/// The command line.
#[derive(clap::Args)]
pub struct PropertyOptions {
    /// Send at least so many requests, on each machine
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    requests: u64,
    /// Where to start; otherwise taken from the clock
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// What the driver does; otherwise both, one after the other
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The driver; otherwise CLONEGUARD_IMAGE, or what ./dev image built last
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

impl PropertyOptions {
    /// Runs; `say` prints.
    ///
    /// # Errors
    /// As [`super::run`].
    pub fn run(&self, say: &mut dyn FnMut(&str) -> bool) -> Result<(), Stopped> {
        let image = find_image(self.image.as_deref());
        let image = image.map_err(|CannotRun(why)| Stopped::Broken(why))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = self
            .seed
            .unwrap_or_else(|| now.map_or(0, |time| time.as_secs()) << 20);
        let modes = self
            .mode
            .map_or(vec![Mode::Enforce, Mode::Observe], |mode| vec![mode]);
        for mode in modes {
            let options = Options {
                image: image.clone(),
                mode,
                seed,
                requests: self.requests,
                forced: None,
            };
            let start = Instant::now();
            // A broken rule of the kernel ends the process, so the seed is said before.
            let tally = run_and_tell(&options, &mut |seed, tally| {
                let (mode, sent) = (mode.name(), tally.requests);
                say(&format!("{mode}: {sent} requests, at seed {seed}\n"));
            })?;
            let seconds = start.elapsed().as_secs_f64();
            let rate = tally.requests as f64 / seconds;
            say(&format!(
                "{}: the property holds; {seconds:.1} s, {rate:.0} requests a second\n{tally}",
                mode.name()
            ));
        }
        Ok(())
    }
}
