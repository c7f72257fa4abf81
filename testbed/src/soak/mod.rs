//! `testbed soak`: everything at once, at random, for as long as one likes.
//!
//! Programs clone under load ([`crate::serve`]), a consumer keeps the records durably and is killed at random
//! ([`keeper`]), and [`mischief`] does the rest: other policies, visitors, processes and volumes that come and go, calls
//! that fail, a driver that is unloaded and loaded under load. [`memory`] watches that nothing grows, and [`reckoning`]
//! counts exactly when it is quiet again. A run is named by its seed; what mixes with what is the scheduler's.

mod keeper;
mod memory;
mod mischief;
mod reckoning;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cloneguard::journal::{Folder, Walk, verify};

use self::keeper::Keeper;
use self::memory::Watch;
use self::mischief::Mischief;
use crate::demo::output::say;
use crate::demo::stage::Stage;
use crate::serve::load::{Load, Random};
use crate::serve::tally::Tally;

/// Options of `testbed soak`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The driver image to load
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// How long
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// What everything is drawn from; without it a new one, which is printed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the records are kept, in a journal of this directory
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
}

/// How often something happens beside the load.
const PAUSE: Duration = Duration::from_millis(40);
/// How often the state is printed.
const TELL: Duration = Duration::from_secs(10);

/// Soaks, and judges.
pub(crate) fn run(options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(new_seed);
    say(&format!("Seed {seed}; {} seconds", options.seconds));
    let stage = Arc::new(Stage::boot()?);
    let tally = Arc::new(Tally::new());
    let mut mischief = Mischief::begin(&stage, &options.image, Random::new(seed))?;
    let keeper = Keeper::start(&stage, &options.journal, seed);
    let load = Load::start(&stage, &tally, (seed, 0));
    let mut watch = Watch::new(&stage);
    let (began, mut told) = (Instant::now(), Instant::now());
    while began.elapsed() < Duration::from_secs(options.seconds) {
        std::thread::sleep(PAUSE);
        mischief.act()?;
        watch.look();
        if told.elapsed() >= TELL {
            told = Instant::now();
            tally.print();
        }
    }
    tally.finish();
    let mut faults = load.end();
    // The last records have somebody to take them before the driver goes.
    mischief.settle()?;
    faults.extend(keeper.end());
    mischief.unload()?;
    faults.extend(reckoning::reckon(&stage, &options.image)?);
    faults.extend(stage.end());
    faults.extend(watch.faults());
    faults.extend(judge(options)?);
    say(&mischief.summary());
    say(&watch.summary());
    pronounce(&faults, seed)
}

/// Says what was wrong, or that nothing was.
fn pronounce(faults: &[String], seed: u64) -> Result<()> {
    for fault in faults {
        say(&format!("  fault: {fault}"));
    }
    ensure!(
        faults.is_empty(),
        "{} faults with seed {seed}",
        faults.len()
    );
    say(
        "Every record is there or counted as lost, the counters add up, nothing is left, nothing has grown.",
    );
    Ok(())
}

fn new_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

/// What is wrong with the journal.
fn judge(options: &Options) -> Result<Vec<String>> {
    let walk = Walk::open(Folder::new(&options.journal))?;
    let report = verify(walk, None, |_| {})?;
    say(&format!(
        "Journal: {} records of {} loads; {} lost, {} taken along by unloads",
        report.records,
        report.loads.len() as u64 + report.older_loads.loads,
        report.lost(),
        report.counted_missing()
    ));
    let mut faults = Vec::new();
    if !report.is_sound() {
        let path = options.journal.display();
        faults.push(format!(
            "the journal is not sound: cloneguard verify {path}"
        ));
    }
    Ok(faults)
}
