//! How the cost of a clone grows with what there is: exact, in instructions.

use anyhow::{Result, ensure};
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

/// How many times as much as under ten rules a clone may cost under ten thousand.
const RATIO_MAX: u64 = 2;

/// Rules of every sort, each about something of its own; none of them fits. Of the two that every request meets there
/// are as many in a short policy as in a long one.
fn mixed(count: usize) -> String {
    let mut text = policy("");
    text += &rule(0, "flag", "remote = true\nmin-count = '1TiB'");
    text += &rule(1, "flag", r"source = '*:\**\secret\**'");
    for number in 2..count {
        let (effect, conditions) = match number % 8 {
            0 => (
                "allow",
                format!(r"image = '*:\Program Files\Suite {number}\bin\tool.exe'"),
            ),
            1 => (
                "deny",
                format!(r"image = '\Device\HarddiskVolume3\Tools\copy{number}.exe'"),
            ),
            2 | 3 => (
                "deny",
                format!(r"source = '*:\departments\dept{number}\**'"),
            ),
            4 => ("flag", format!(r"target = '*:\**.ext{number}'")),
            5 => (
                "deny",
                format!("user = 'S-1-5-21-1-2-3-{number}'\nsource = '*:\\archive\\**'"),
            ),
            6 => (
                "flag",
                format!(r"volume = '\Device\HarddiskVolume{number}'"),
            ),
            _ => (
                "deny",
                format!("source = '*:\\disks\\d{number}-*.vhdx'\nmin-count = '1GiB'"),
            ),
        };
        text += &rule(number, effect, &conditions);
    }
    text
}

/// The same, and the last rule fits.
fn mixed_and_fits(count: usize) -> String {
    let last = rule(count, "flag", r"source = '*:\Source*.bin'");
    mixed(count - 1) + &last
}

/// Rules for one folder, in which the program lies: what they begin with finds them all.
fn alike(count: usize) -> String {
    let alike = |number| rule(number, "deny", &format!(r"image = '*:\Tools\*{number}*'"));
    policy(&(0..count).map(alike).collect::<String>())
}

fn rule(number: usize, effect: &str, conditions: &str) -> String {
    format!("\n[[rule]]\nname = \"rule {number}\"\neffect = \"{effect}\"\n{conditions}\n")
}

/// What is counted for one size.
struct Plan {
    what: &'static str,
    size: usize,
    operation: Operation,
    setting: Setting,
    /// How many requests are counted: of millions of instructions each takes microseconds.
    counted: usize,
}

impl Plan {
    fn count(&self, images: &Images) -> Result<u64> {
        let (operation, setting) = (self.operation, &self.setting);
        let cost = cost::of_some(images, operation, Filter::CloneGuard, setting, self.counted)?;
        Ok(cost.instructions)
    }
}

/// Every step.
pub(crate) fn measure(images: &Images, is_quick: bool, bar: &ProgressBar) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for plan in plans(is_quick) {
        let instructions = plan.count(images)?;
        bar.inc(1);
        steps.push(Step {
            what: plan.what,
            size: plan.size,
            instructions,
        });
    }
    Ok(steps)
}

/// Holds what a long policy costs against a short one.
pub(crate) fn check(images: &Images) -> Result<()> {
    for (what, operation, policy) in POLICIES {
        let under = |size| under_rules(what, operation, policy, size).count(images);
        let (few, many) = (under(10)?, under(10_000)?);
        println!("{what:26} {few:>6} instructions under 10, {many} under 10000");
        ensure!(
            many <= few.saturating_mul(RATIO_MAX),
            "{what}: a clone costs {many} instructions under 10000, more than {RATIO_MAX} times the {few} under 10"
        );
    }
    Ok(())
}

/// How many steps there are.
pub(crate) fn count(is_quick: bool) -> usize {
    plans(is_quick).len()
}

/// A policy of so many rules.
type Policy = fn(usize) -> String;

/// Policies whose length may hardly matter.
const POLICIES: [(&str, Operation, Policy); 3] = [
    ("rules, none fits", Operation::Clone4Kib, mixed),
    ("rules, last fits", Operation::Clone4Kib, mixed_and_fits),
    ("rules, no source", Operation::NoSource, mixed),
];

fn under_rules(what: &'static str, operation: Operation, policy: Policy, size: usize) -> Plan {
    Plan {
        what,
        size,
        operation,
        setting: Setting {
            policy: policy(size),
            ..Setting::default()
        },
        counted: cost::COUNTED,
    }
}

fn plans(is_quick: bool) -> Vec<Plan> {
    let default = Setting::default;
    let plan = |what, size, setting| Plan {
        what,
        size,
        operation: Operation::Clone4Kib,
        setting,
        counted: cost::COUNTED,
    };
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
    let sizes = |sizes: &'static [usize]| {
        let kept = if is_quick { 2 } else { sizes.len() };
        sizes.iter().copied().take(kept)
    };
    let mut all = Vec::new();
    all.extend(sizes(&[64, 1024, 65536]).map(|kib| plan("KiB of journal", kib, journal(kib))));
    all.extend(sizes(&[1, 8, 64]).map(|count| plan("volumes", count, volumes(count))));
    all.extend(sizes(&[1, 100, 2000]).map(|count| plan("programs", count, processes(count))));
    let counts: &[usize] = &[10, 100, 1000, 10_000];
    for (what, operation, policy) in POLICIES {
        let under = |size| under_rules(what, operation, policy, size);
        all.extend(sizes(counts).map(under));
    }
    all.extend(sizes(counts).map(|size| Plan {
        counted: 1,
        ..under_rules("rules, all alike", Operation::Clone4Kib, alike, size)
    }));
    all
}
