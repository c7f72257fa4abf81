//! How the cost of a clone grows with what there is: exact, in instructions.

use anyhow::Result;
use indicatif::ProgressBar;

use crate::cost;
use crate::operation::Operation;
use crate::rig::{Filter, Images, Setting, policy};

/// The cost for one size.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Step {
    /// What grows.
    pub(crate) what: &'static str,
    /// To how many.
    pub(crate) size: usize,
    /// Instructions of one clone of 4 KiB inside the image.
    pub(crate) instructions: u64,
}

/// Rules, none of which fits: every one would have to be looked at, if one had to look.
fn rules(count: usize) -> String {
    let rule = |number: usize| {
        format!(
            "\n[[rule]]\nname = \"rule {number}\"\neffect = \"deny\"\nsource = '*:\\vault{number}\\**'\nimage = '*:\\tools\\tool{number}.exe'\n"
        )
    };
    policy(&(0..count).map(rule).collect::<String>())
}

/// Every step.
pub(crate) fn measure(images: &Images, is_quick: bool, bar: &ProgressBar) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (what, size, setting) in settings(is_quick) {
        let cost = cost::of(images, Operation::Clone4Kib, Filter::CloneGuard, &setting)?;
        bar.inc(1);
        steps.push(Step {
            what,
            size,
            instructions: cost.instructions,
        });
    }
    Ok(steps)
}

/// How many steps there are.
pub(crate) fn count(is_quick: bool) -> usize {
    settings(is_quick).len()
}

fn settings(is_quick: bool) -> Vec<(&'static str, usize, Setting)> {
    let default = Setting::default;
    let journal = |kib: usize| Setting {
        policy: policy("").replace("64MiB", &format!("{kib}KiB")),
        ..default()
    };
    let volumes = |volumes| Setting {
        volumes,
        ..default()
    };
    let processes = |processes| Setting {
        processes,
        ..default()
    };
    let with_rules = |count| Setting {
        policy: rules(count),
        ..default()
    };
    let sizes = |sizes: &'static [usize]| {
        let kept = if is_quick { 2 } else { sizes.len() };
        sizes.iter().copied().take(kept)
    };
    let mut all = Vec::new();
    all.extend(sizes(&[64, 1024, 65536]).map(|kib| ("KiB of journal", kib, journal(kib))));
    all.extend(sizes(&[1, 8, 64]).map(|count| ("volumes", count, volumes(count))));
    all.extend(sizes(&[1, 100, 2000]).map(|count| ("programs", count, processes(count))));
    let counts = sizes(&[10, 100, 1000, 10_000]);
    all.extend(counts.map(|count| ("policy rules", count, with_rules(count))));
    all
}
