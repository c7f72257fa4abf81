//! The property on a script that a fuzzer has made.
//!
//! An administrator acts in it ([`super::act`]), so what the driver may refuse changes on the way. What it refused by
//! a rule that is not definite is left out on the machine without it, and everything else has to be the same.

use std::collections::BTreeSet;
use std::path::Path;

use super::Mode;
use super::act::Act;
use super::codec;
use super::generate::{self, draw_eventful};
use super::judge::{Tally, Terms, judge, refused_by_own_rules};
use super::keeper::Keeper;
use super::place::Place;
use super::play::play;
use super::script::{Script, Step};
use super::volume::Answers;

/// Answers that contradict a definite rule are left out, as in every run that enforces.
const ANSWERS: Answers = Answers {
    mode: Mode::Enforce,
    forced: None,
};

/// The bytes of a random script, to begin with.
#[must_use]
pub fn drawn(seed: u64) -> Vec<u8> {
    codec::write(&draw_eventful(seed, &ANSWERS))
}

/// The bytes of a script that differs from that of `bytes` in a few steps.
#[must_use]
pub fn change(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut script = codec::read(bytes);
    generate::change(&mut script, seed);
    codec::write(&script)
}

/// Plays the script of `bytes` on two fresh machines, without and with the driver, and compares all that can be seen.
/// In the end the driver is unloaded, and nothing may be left.
///
/// # Errors
/// What differs, or was left behind, and the script. What breaks a rule of the kernel ends the process.
pub fn replay(image: &Path, bytes: &[u8]) -> Result<Tally, String> {
    let script = codec::read(bytes);
    compare(image, &script).map_err(|what| format!("{what}\n  caller {:?}\n{script}", script.main))
}

fn compare(image: &Path, script: &Script) -> Result<Tally, String> {
    let with = |what| format!("with the driver: {what}");
    let guarded = Place::kept(Keeper::guarded(image)).map_err(with)?;
    let played = play(&guarded, script).map_err(with)?;
    let end = played.end;
    let keeper = guarded.keeper().ok_or("nobody keeps the driver")?;
    let setup = |step| keeper.setup(step);
    let refused = refused_by_own_rules(&setup, script, &played).map_err(with)?;
    let without = |what| format!("without the driver: {what}");
    let bare = Place::kept(Keeper::bare(keeper)).map_err(without)?;
    let referee = play(&bare, &without_steps(script, &refused)).map_err(without)?;
    let terms = Terms {
        setup: &setup,
        refused: &refused,
    };
    let tally = judge(&terms, script, (&referee, &played))?;
    bare.end(end).map_err(without)?;
    guarded.end(end).map_err(with)?;
    Ok(tally)
}

/// The script with nothing in the place of these steps.
fn without_steps(script: &Script, left_out: &BTreeSet<usize>) -> Script {
    let mut rest = script.clone();
    for number in left_out {
        rest.steps[*number] = Step::Act(Act::Nothing);
    }
    rest
}
