//! Random scripts: files in many states, handles of many kinds, and requests of which most are nearly
//! right, with one or two things moved to a boundary.

use super::act::{Act, draw_act, policy};
use super::draw::Draw;
use super::request::draw_request;
use super::script::{Change, FILES, SLOTS, Script, Step, What, Who};
use super::volume::{Answers, draw_volumes};

/// Rights of a file that can be target and source.
const READ_WRITE: u32 = 0x0012_019F;
/// Rights that lack something, or have just enough: read, write, read attributes, read data and both,
/// write data only, append only, synchronise only, everything.
const ACCESSES: [u32; 9] = [
    0x0012_0089,
    0x0012_0116,
    0x0000_0080,
    0x0000_0001,
    0x0000_0081,
    0x0000_0002,
    0x0000_0004,
    0x0010_0000,
    0x001F_01FF,
];

/// What the generator knows of the slots: whose handle is where, to what, with which rights. It may be
/// wrong: an open can fail.
pub(super) struct Table {
    /// The caller who does most.
    pub(super) main: Who,
    pub(super) slots: [Option<(Who, What, u32)>; SLOTS],
}

/// The script of a seed.
pub(super) fn draw_script(seed: u64, answers: &Answers) -> Script {
    let mut draw = Draw::new(seed);
    let (mut script, mut table) = draw_start(&mut draw, answers);
    for _ in 0..60 + draw.below(120) {
        script.steps.push(draw_step(&mut draw, &mut table));
    }
    Script { seed, ..script }
}

/// A script for a fuzzer to begin with: an administrator acts in it, calls fail, and requests stay in the file system.
/// Of ten seeds in a row nine begin under a policy, each under another.
pub(super) fn draw_eventful(seed: u64, answers: &Answers) -> Script {
    let mut draw = Draw::new(seed);
    let (mut script, mut table) = draw_start(&mut draw, answers);
    if let Some(policy) = policy(seed) {
        let acts = [Act::Store(Some(policy)), Act::Reload];
        script.steps.extend(acts.map(Step::Act));
    }
    for _ in 0..20 + draw.below(100) {
        let step = draw_event(&mut draw, &mut table);
        script.steps.push(step);
    }
    script
}

/// A step of such a script.
fn draw_event(draw: &mut Draw, table: &mut Table) -> Step {
    match draw.below(100) {
        0..=19 => Step::Act(draw_act(draw)),
        20..=22 => Step::Release,
        _ => {
            let mut step = draw_step(draw, table);
            if let Step::Send(request) = &mut step {
                request.carriage.held = draw.chance(5);
            }
            step
        }
    }
}

/// Changes a script in one to three places, as one who knows what scripts are: steps go, come again, trade places, or
/// are drawn anew.
pub(super) fn change(script: &mut Script, seed: u64) {
    let mut draw = Draw::new(seed);
    for _ in 0..=draw.below(3) {
        let (at, other) = (
            draw.index(script.steps.len() + 1),
            draw.index(script.steps.len() + 1),
        );
        let mut table = Table::after(script, at);
        match draw.below(8) {
            0 => _ = (at < script.steps.len()).then(|| script.steps.remove(at)),
            1 => {
                let again = script.steps.get(other).cloned();
                script.steps.insert(at, again.unwrap_or(Step::Release));
            }
            2 if at.max(other) < script.steps.len() => script.steps.swap(at, other),
            3 => script.steps.truncate(at),
            _ => script.steps.insert(at, draw_event(&mut draw, &mut table)),
        }
    }
}

impl Table {
    /// What is known before step `at` of a script.
    fn after(script: &Script, at: usize) -> Self {
        let mut slots = [None; SLOTS];
        for step in script.steps.iter().take(at) {
            match step {
                Step::Open {
                    slot,
                    who,
                    what,
                    access,
                    ..
                } => slots[*slot] = Some((*who, *what, *access)),
                Step::Close { slot } => slots[*slot] = None,
                Step::Duplicate { from, to, access } => {
                    slots[*to] = slots[*from]
                        .map(|(who, what, before)| (who, what, access.unwrap_or(before)));
                }
                _ => {}
            }
        }
        Self {
            main: script.main,
            slots,
        }
    }
}

/// The volumes, what is on them, and the first handles.
fn draw_start(draw: &mut Draw, answers: &Answers) -> (Script, Table) {
    let volumes = draw_volumes(draw, answers);
    let mut table = Table {
        main: draw.pick(&[
            Who::User64,
            Who::User64,
            Who::User64,
            Who::User32,
            Who::User32,
            Who::System,
            Who::KernelIn64,
        ]),
        slots: [None; SLOTS],
    };
    let mut steps = Vec::new();
    for volume in 0..volumes.len() {
        for file in 0..FILES {
            draw_file(draw, &mut steps, (volume, file));
        }
    }
    for slot in 0..SLOTS {
        steps.push(draw_open(draw, &mut table, slot));
    }
    if draw.chance(4) {
        steps.push(Step::Protect {
            volume: 0,
            on: true,
        });
    }
    let script = Script {
        seed: 0,
        main: table.main,
        volumes,
        steps,
    };
    (script, table)
}

/// A file with something in it, mostly, and then in any state.
fn draw_file(draw: &mut Draw, steps: &mut Vec<Step>, (volume, file): (usize, usize)) {
    let mut changes = Vec::new();
    if draw.chance(80) {
        changes.push(Change::Write {
            at: (0, 0),
            bytes: draw.pick(&[512, 5000, 12_288]),
            fill: 1 + draw.below(250) as u8,
        });
        changes.push(Change::SetEnd(
            4 + draw.below(4),
            draw.pick(&[0, 0, 1, 100]),
        ));
    }
    for _ in 0..draw.pick(&[0, 0, 1, 2]) {
        changes.push(draw_change(draw));
    }
    steps.extend(changes.into_iter().map(|change| Step::Change {
        volume,
        file,
        change,
    }));
}

fn draw_step(draw: &mut Draw, table: &mut Table) -> Step {
    match draw.below(100) {
        0..=7 => Step::Change {
            volume: usize::from(draw.chance(15)),
            file: draw.index(FILES),
            change: draw_change(draw),
        },
        8..=9 => {
            let slot = draw.index(SLOTS);
            draw_open(draw, table, slot)
        }
        10 => draw_close(draw, table),
        11 => draw_duplicate(draw, table),
        12 => Step::Protect {
            volume: usize::from(draw.chance(20)),
            on: draw.chance(30),
        },
        13 => Step::Settle {
            volume: usize::from(draw.chance(20)),
        },
        _ => Step::Send(Box::new(draw_request(draw, table))),
    }
}

fn draw_open(draw: &mut Draw, table: &mut Table, slot: usize) -> Step {
    let volume = usize::from(draw.chance(12));
    let what = match draw.below(24) {
        0 => What::Directory(volume),
        1 => What::Volume(volume),
        2 => What::Pipe,
        3 => draw.pick(&[What::Event, What::Process, What::Thread, What::Token]),
        _ => What::File(volume, draw.index(FILES)),
    };
    let who = if draw.chance(70) {
        table.main
    } else {
        draw.pick(&Who::ALL)
    };
    let access = if draw.chance(75) {
        READ_WRITE
    } else {
        draw.pick(&ACCESSES)
    };
    table.slots[slot] = Some((who, what, access));
    Step::Open {
        slot,
        who,
        what,
        access,
        remote: draw.chance(5),
    }
}

fn draw_close(draw: &mut Draw, table: &mut Table) -> Step {
    let slot = draw.index(SLOTS);
    table.slots[slot] = None;
    Step::Close { slot }
}

fn draw_duplicate(draw: &mut Draw, table: &mut Table) -> Step {
    let (from, to) = (draw.index(SLOTS), draw.index(SLOTS));
    let access = draw.chance(60).then(|| draw.pick(&ACCESSES));
    if from != to {
        table.slots[to] = table.slots[from];
        if let (Some(slot), Some(access)) = (&mut table.slots[to], access) {
            slot.2 = access;
        }
    }
    Step::Duplicate { from, to, access }
}

fn draw_change(draw: &mut Draw) -> Change {
    let clusters = |draw: &mut Draw| draw.below(7);
    let beyond = |draw: &mut Draw| draw.pick(&[0, 0, 1, 511, 100]);
    match draw.below(30) {
        0..=9 => Change::Write {
            at: (clusters(draw), beyond(draw)),
            bytes: draw.pick(&[1, 100, 512, 4096, 5000, 12_288]),
            fill: 1 + draw.below(250) as u8,
        },
        10..=16 => Change::SetEnd(clusters(draw), beyond(draw)),
        17..=19 => Change::SetAllocation(clusters(draw) + 1),
        20 => Change::Trim,
        21..=22 => Change::Sparse(draw.chance(60)),
        23 => Change::Integrity(draw.chance(60)),
        24 => Change::Zero {
            from: clusters(draw),
            to: clusters(draw),
        },
        25 => Change::Lock {
            at: clusters(draw),
            exclusive: draw.chance(50),
        },
        26 => Change::ReadOnlyAttribute,
        27 => Change::Delete,
        28 => Change::Recreate,
        // Larger than 4 GiB, which only a sparse file or a large disk takes.
        _ => Change::SetEnd((1 << 33) / 4096, 1),
    }
}
