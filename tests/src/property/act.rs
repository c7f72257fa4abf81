//! What an administrator does while others clone: policies, programs at the port, the driver itself.
//!
//! Acts occur in scripts that bytes make ([`super::bytes`]). On the machine without the driver they change nothing.

use cloneguard::policy::compile;
use wire::ConnectRequest;
use zerocopy::IntoBytes as _;

use super::draw::Draw;

/// Policies that people write.
const POLICIES: [&str; 9] = [
    "mode = 'enforce'",
    "mode = 'observe'\nrecheck = true",
    "mode = 'enforce'\nenforce = ['source-handle', 'source-kind', 'other-volume', 'source-access']",
    "mode = 'enforce'\n[[rule]]\nname = 'one file'\neffect = 'deny'\ntarget = '*:\\**f1'\n\
     [[rule]]\nname = 'its copies'\neffect = 'flag'\nsource = '*:\\**f?'",
    "mode = 'enforce'\nrecheck = true\non-audit-loss = 'refuse'\n[[rule]]\nname = 'much'\neffect = 'deny'\n\
     min-count = '8KiB'",
    "mode = 'observe'\nsummarise = 30",
    "mode = 'enforce'\nsummarise = 3600\non-audit-loss = 'refuse'\n[[rule]]\nname = 'afar'\neffect = 'deny'\n\
     remote = true",
    "mode = 'enforce'\nlock-until-reboot = true",
    "mode = 'enforce'\non-audit-loss = 'refuse'\njournal-size = '64KiB'",
];

/// What the driver is loaded with first: it observes, and its journal is no larger than the records of a script. To set
/// up the usual 4 MiB takes longer than all the rest of a short script.
pub(super) fn small_journal() -> Vec<u8> {
    compile("mode = 'observe'\njournal-size = '512KiB'").unwrap_or_default()
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing at all, in place of a step that is left out.
    Nothing,
    /// Stores a policy, or removes it.
    Store(Option<Vec<u8>>),
    /// Asks for the stored policy to be read.
    Reload,
    /// A program connects and stays.
    Join,
    /// It takes a batch, if there is one, and answers.
    Take(Reply),
    /// It goes; `true` if it is killed.
    Leave(bool),
    /// Some program connects with these bytes and goes.
    Knock(Vec<u8>),
    /// The filter is detached from a volume.
    Detach(usize),
    /// A volume is dismounted by force, and does not come back.
    Dismount(usize),
    /// So many seconds pass.
    Pass(u64),
    /// The driver is unloaded, with the program at the port if one is there. It may decline if its policy is locked.
    Unload,
    /// The service is stopped, which it may not decline.
    Stop,
    /// The driver is loaded.
    Load,
    /// The machine tells its drivers that it is shut down, `true` at APC_LEVEL, and takes some time to go on with that.
    ShutDown(bool),
    /// The power goes, and comes again. Callers and volumes stay as they are: for the driver this is the end all the same.
    Restart,
    /// In the place of a policy there is something else.
    Spoil(Odd),
    /// Somebody else's registry filter keeps the policy from the driver from now on.
    Block(Block),
    /// Of the calls of the kernel that can fail, in the next step this one does, counted from 1.
    Fail(u8),
}

impl Act {
    /// Whether it takes an instance of the filter away, which waits for requests that are synchronised.
    pub(super) const fn takes_an_instance(&self) -> bool {
        matches!(
            self,
            Self::Detach(_) | Self::Dismount(_) | Self::Unload | Self::Stop | Self::Restart
        )
    }
}

/// What is no policy, whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// A value of type REG_DWORD.
    Number,
    /// A value of type REG_SZ.
    Text,
    /// More bytes than a policy has.
    Huge,
}

/// What a registry filter does not let the driver do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Nothing.
    Nothing,
    /// Open the key.
    Open,
    /// Read a value.
    Query,
}

/// How a batch is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// With its acknowledgement.
    Acknowledged,
    /// Not at all, and what came is forgotten.
    None,
    /// With an acknowledgement of what was had before.
    Again,
    /// With one of records that there are not yet.
    Ahead(u8),
    /// With one of another load.
    OtherLoad,
    /// With other bytes.
    Other(Vec<u8>),
}

/// The policy that a script with this number begins under; none for each tenth.
pub(super) fn policy(number: u64) -> Option<Vec<u8>> {
    let index = number % (POLICIES.len() as u64 + 1);
    compile(POLICIES.get(index as usize)?).ok()
}

/// A random act.
pub(super) fn draw_act(draw: &mut Draw) -> Act {
    match draw.below(28) {
        0..=2 => Act::Store(draw_policy(draw)),
        3..=5 => Act::Reload,
        6..=7 => Act::Join,
        8..=10 => Act::Take(draw_reply(draw)),
        11 => Act::Leave(draw.chance(50)),
        12 => Act::Knock(draw_context(draw)),
        13 => Act::Detach(draw.index(2)),
        14 if draw.chance(30) => Act::Dismount(draw.index(2)),
        14..=15 => Act::Pass(draw.pick(&[1, 10, 60, 3600])),
        16 => Act::Unload,
        17 if draw.chance(30) => Act::Stop,
        17..=19 => Act::Load,
        20 => Act::ShutDown(draw.chance(50)),
        21 => Act::Restart,
        22 => Act::Spoil(draw.pick(&[Odd::Number, Odd::Text, Odd::Huge])),
        23 => Act::Block(draw.pick(&[Block::Nothing, Block::Nothing, Block::Open, Block::Query])),
        _ => Act::Fail(1 + draw.below(40) as u8),
    }
}

fn draw_reply(draw: &mut Draw) -> Reply {
    match draw.below(8) {
        0..=3 => Reply::Acknowledged,
        4 => Reply::None,
        5 => Reply::Again,
        6 => Reply::Ahead(draw.below(256) as u8),
        _ if draw.chance(50) => Reply::OtherLoad,
        _ => Reply::Other(draw_bytes(draw)),
    }
}

/// What a program may connect with. One that takes records is no knock.
fn draw_context(draw: &mut Draw) -> Vec<u8> {
    match draw.below(3) {
        0 => ConnectRequest::status().as_bytes().to_vec(),
        1 => ConnectRequest::watch([draw.below(256) as u8; 16], draw.bits())
            .as_bytes()
            .to_vec(),
        _ => draw_bytes(draw),
    }
}

fn draw_bytes(draw: &mut Draw) -> Vec<u8> {
    let length = draw.index(48);
    (0..length).map(|_| draw.below(256) as u8).collect()
}

/// A policy, sound or not, or none.
fn draw_policy(draw: &mut Draw) -> Option<Vec<u8>> {
    let mut blob = match draw.below(8) {
        0 => return None,
        1 => draw_bytes(draw),
        _ => compile(draw.pick(&POLICIES)).unwrap_or_default(),
    };
    if draw.chance(25) && !blob.is_empty() {
        let at = draw.index(blob.len());
        blob[at] = draw.below(256) as u8;
    }
    Some(blob)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::mem::discriminant;

    use super::{Act, Block, Draw, Odd, POLICIES, compile, draw_act};

    #[test]
    fn every_policy_is_sound() {
        for text in POLICIES {
            assert!(compile(text).is_ok(), "{text}: {:?}", compile(text).err());
        }
    }

    /// What is never drawn a fuzzer seldom comes by.
    #[test]
    fn every_act_is_drawn() {
        let mut draw = Draw::new(1);
        let drawn: Vec<Act> = (0..2000).map(|_| draw_act(&mut draw)).collect();
        let kinds: HashSet<_> = drawn.iter().map(discriminant).collect();
        assert_eq!(kinds.len(), 17, "all but none at all");
        let blocks = [Block::Nothing, Block::Open, Block::Query].map(Act::Block);
        let odd = [Odd::Number, Odd::Text, Odd::Huge].map(Act::Spoil);
        let shutdowns = [true, false].map(Act::ShutDown);
        for act in blocks.iter().chain(&odd).chain(&shutdowns) {
            assert!(drawn.contains(act), "{act:?}");
        }
    }
}
