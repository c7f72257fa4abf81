//! The property on the script that some bytes make: for fuzzers.
//!
//! An administrator acts in it ([`super::act`]), so what the driver may refuse changes on the way. What it refused by
//! a rule that is not definite is left out on the machine without it, and everything else has to be the same.

use std::collections::BTreeSet;
use std::path::Path;

use super::Mode;
use super::act::Act;
use super::generate::read_script;
use super::judge::{Tally, Terms, judge, refused_by_own_rules};
use super::keeper::Keeper;
use super::place::Place;
use super::play::play;
use super::script::{Script, Step};
use super::volume::Answers;

/// Plays what `bytes` make on two fresh machines, without and with the driver, and compares all that can be seen.
/// In the end the driver is unloaded, and nothing may be left.
///
/// # Errors
/// What differs, or was left behind, and the script. What breaks a rule of the kernel ends the process.
pub fn replay(image: &Path, bytes: &[u8]) -> Result<Tally, String> {
    // Answers that contradict a definite rule are left out, as in every run that enforces.
    let answers = Answers {
        mode: Mode::Enforce,
        forced: None,
    };
    let script = read_script(bytes, &answers);
    compare(image, &script).map_err(|what| format!("{what}\n  caller {:?}\n{script}", script.main))
}

fn compare(image: &Path, script: &Script) -> Result<Tally, String> {
    let with = |what| format!("with the driver: {what}");
    let guarded = Place::kept(Keeper::guarded(image)).map_err(with)?;
    let played = play(&guarded, script).map_err(with)?;
    let keeper = guarded.keeper().ok_or("nobody keeps the driver")?;
    let refused = refused_by_own_rules(&played);
    let without = |what| format!("without the driver: {what}");
    let bare = Place::kept(Keeper::bare(keeper)).map_err(without)?;
    let referee = play(&bare, &without_steps(script, &refused)).map_err(without)?;
    let terms = Terms {
        setup: &|step| keeper.setup(step),
        refused: &refused,
    };
    let tally = judge(&terms, script, (&referee, &played))?;
    bare.end().map_err(without)?;
    guarded.end().map_err(with)?;
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
