//! Scripts by hand, for a fuzzer to begin with: what neither a conformance case nor a handful of random scripts leads to.

use cloneguard::policy::compile;

use super::act::{Act, Block, Odd, Reply};
use super::codec;
use super::script::{
    Carriage, Change, Drive, EX, Kind, Length, Number, Request, Script, Source, Step, VolumePlan,
    What, Who,
};

/// FILE_ALL_ACCESS.
const EVERYTHING: u32 = 0x001F_01FF;
/// The slots of the target and of the source of every request.
const TARGET: usize = 0;
const SOURCE: usize = 1;

/// What refuses sources that are no files, and looks at each again.
const STRICT: &str = "mode = 'enforce'\nenforce = ['source-handle', 'source-kind']\nrecheck = true";
/// What nothing but a restart ends if it is there at the load.
const LOCK: &str = "mode = 'enforce'\nlock-until-reboot = true\njournal-size = '512KiB'";

/// The smallest journal that there is.
const SMALL: &str = "mode = 'observe'\njournal-size = '64KiB'";
/// As many requests as fill it; of more the bytes would be too many for a corpus.
const REQUESTS: usize = 110;

/// The bytes of each story, by its name.
#[must_use]
pub fn stories() -> Vec<(&'static str, Vec<u8>)> {
    let stories: [(&str, Vec<Step>); 5] = [
        ("other-types", other_types()),
        ("shutdown", shutdown()),
        ("policies", [policy_withheld(), locked_at_load()].concat()),
        ("full-journal", full_journal()),
        ("answers", answers()),
    ];
    let told = stories.into_iter().map(|(name, steps)| {
        let script = Script {
            seed: 0,
            main: Who::User64,
            volumes: vec![volume(), volume()],
            steps: [files(), steps].concat(),
        };
        (name, codec::write(&script))
    });
    told.collect()
}

/// Handles to what is no file, in the place of the source and of the target, with other low bits, duplicated, and in the
/// place of a source that was closed while its request was in the file system.
fn other_types() -> Vec<Step> {
    let others = [What::Event, What::Process, What::Thread, What::Token];
    let mut steps = policy(STRICT).to_vec();
    for (other, slot) in others.into_iter().zip(2..) {
        steps.push(open(slot, other));
        steps.push(request(|request| request.source = Source::Slot(slot, 0)));
        steps.push(request(|request| request.source = Source::Slot(slot, 3)));
        steps.push(request(|request| request.to = slot));
        steps.push(Step::Duplicate {
            from: slot,
            to: 7,
            access: Some(1),
        });
        steps.push(request(|request| request.source = Source::Slot(7, 0)));
        steps.push(request(|request| request.carriage.held = true));
        // The lowest free value is given out again.
        steps.push(Step::Close { slot: SOURCE });
        steps.push(open(SOURCE, other));
        steps.push(Step::Release);
        steps.push(open(SOURCE, What::File(0, 1)));
    }
    steps.push(request(|_| {}));
    steps
}

/// The machine is shut down, in front of a program and of nobody, and what comes then: requests, the minute, the end of
/// the power or an unload before it. Once the power goes without a word.
fn shutdown() -> Vec<Step> {
    let clone = || request(|_| {});
    [
        acts(&[Act::Join, Act::Take(Reply::Acknowledged)]),
        vec![clone()],
        acts(&[Act::ShutDown(false)]),
        vec![clone()],
        acts(&[Act::Pass(60), Act::Restart]),
        vec![clone()],
        acts(&[Act::Load]),
        vec![clone()],
        acts(&[Act::ShutDown(true), Act::Join, Act::Unload, Act::Load]),
        vec![clone()],
        acts(&[Act::Restart, Act::Load]),
        vec![clone()],
    ]
    .concat()
}

/// Somebody keeps the policy from the driver, at its load and later, or has put something else there.
fn policy_withheld() -> Vec<Step> {
    let misaligned = || request(|request| request.source_offset.bytes = 512);
    let read = |block| acts(&[Act::Block(block), Act::Reload]);
    let mut steps = acts(&[
        Act::Unload,
        Act::Store(compile(STRICT).ok()),
        Act::Block(Block::Open),
        Act::Load,
    ]);
    steps.push(misaligned());
    for block in [Block::Query, Block::Nothing, Block::Open] {
        steps.extend(read(block));
        steps.push(misaligned());
    }
    steps.extend(acts(&[Act::Block(Block::Nothing)]));
    for odd in [Odd::Number, Odd::Text, Odd::Huge] {
        steps.extend(acts(&[Act::Spoil(odd), Act::Reload]));
        steps.push(misaligned());
    }
    steps.extend(acts(&[
        Act::Unload,
        Act::Load,
        Act::Store(None),
        Act::Reload,
    ]));
    steps.push(misaligned());
    steps
}

/// A lock that is in force from the load on: nobody gets the driver out, and no other policy in, before the restart.
fn locked_at_load() -> Vec<Step> {
    let mut steps = acts(&[
        Act::Unload,
        Act::Store(compile(LOCK).ok()),
        Act::Load,
        Act::Unload,
        Act::Stop,
        Act::Detach(0),
        Act::Store(None),
        Act::Reload,
    ]);
    steps.push(request(|request| request.source_offset.bytes = 512));
    steps.extend(acts(&[
        Act::ShutDown(false),
        Act::Stop,
        Act::Restart,
        Act::Load,
    ]));
    steps.push(request(|request| request.source_offset.bytes = 512));
    steps
}

/// A small journal runs full, so that something is lost, and then somebody reads it.
fn full_journal() -> Vec<Step> {
    let mut steps = acts(&[Act::Unload, Act::Store(compile(SMALL).ok()), Act::Load]);
    steps.extend((0..REQUESTS).map(|_| request(|_| {})));
    steps.extend(acts(&[Act::Join, Act::Take(Reply::Acknowledged)]));
    steps.push(request(|_| {}));
    steps
}

/// A program that answers each batch in another way, with records behind it that it has not had.
fn answers() -> Vec<Step> {
    let replies = [
        Reply::Acknowledged,
        Reply::Ahead(0),
        Reply::Ahead(9),
        Reply::Again,
        Reply::OtherLoad,
        Reply::Other(vec![7; 24]),
        Reply::None,
    ];
    let answered = replies.into_iter().flat_map(|reply| {
        let mut steps = acts(&[Act::Join]);
        steps.extend([request(|_| {}), request(|_| {})]);
        steps.extend(acts(&[Act::Take(reply), Act::Pass(1)]));
        steps
    });
    answered.collect()
}

fn volume() -> VolumePlan {
    VolumePlan {
        kind: Kind::Refs,
        cluster: 4096,
        capacity: None,
        reference_limit: None,
        drive: Drive::Ordinary,
        switches: Vec::new(),
    }
}

/// Two files with something in them, open in their slots.
fn files() -> Vec<Step> {
    let written = |file| Step::Change {
        volume: 0,
        file,
        change: Change::Write {
            at: (0, 0),
            bytes: 16 << 10,
            fill: 7,
        },
    };
    vec![
        written(0),
        written(1),
        open(TARGET, What::File(0, 0)),
        open(SOURCE, What::File(0, 1)),
    ]
}

fn open(slot: usize, what: What) -> Step {
    Step::Open {
        slot,
        who: Who::User64,
        what,
        access: EVERYTHING,
        remote: false,
    }
}

fn acts(acts: &[Act]) -> Vec<Step> {
    acts.iter().cloned().map(Step::Act).collect()
}

fn policy(text: &str) -> [Step; 2] {
    [Act::Store(compile(text).ok()), Act::Reload].map(Step::Act)
}

/// A clone of the first cluster, but for one thing.
fn request(change: impl FnOnce(&mut Request)) -> Step {
    let mut request = Request {
        who: Who::User64,
        impersonates: false,
        to: TARGET,
        code: EX,
        narrow: false,
        source: Source::Slot(SOURCE, 0),
        source_offset: Number::clusters(0),
        target_offset: Number::clusters(0),
        count: Number::clusters(1),
        size: None,
        flags: 0,
        length: Length::Exact,
        output: 0,
        carriage: Carriage::default(),
    };
    change(&mut request);
    Step::Send(Box::new(request))
}

#[cfg(test)]
mod tests {
    use super::{LOCK, SMALL, STRICT, compile, stories};
    use crate::property::codec::{read, write};

    #[test]
    fn every_story_is_told_whole_and_its_policies_are_sound() {
        for text in [LOCK, STRICT, SMALL] {
            assert!(compile(text).is_ok(), "{text}: {:?}", compile(text).err());
        }
        for (name, bytes) in stories() {
            assert_eq!(write(&read(&bytes)), bytes, "{name}");
        }
    }
}
