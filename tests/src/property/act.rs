//! What an administrator does while others clone: policies, programs at the port, the driver itself.
//!
//! Acts occur in scripts that bytes make ([`super::bytes`]). On the machine without the driver they change nothing.

use cloneguard::policy::compile;
use wire::ConnectRequest;
use wire::policy::PolicyBlob;
use zerocopy::IntoBytes as _;

use super::draw::Draw;

/// Policies that people write.
const POLICIES: [&str; 5] = [
    "mode = 'enforce'",
    "mode = 'observe'\nrecheck = true",
    "mode = 'enforce'\nenforce = ['source-handle', 'source-kind', 'other-volume', 'source-access']",
    "mode = 'enforce'\n[[rule]]\nname = 'one file'\neffect = 'deny'\ntarget = '*:\\**f1'\n\
     [[rule]]\nname = 'its copies'\neffect = 'flag'\nsource = '*:\\**f?'",
    "mode = 'enforce'\nrecheck = true\non-audit-loss = 'refuse'\n[[rule]]\nname = 'much'\neffect = 'deny'\n\
     min-count = '8KiB'",
];

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
    /// So many seconds pass.
    Pass(u64),
    /// The driver is unloaded, with the program at the port if one is there.
    Unload,
    /// The driver is loaded.
    Load,
}

/// How a batch is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// With its acknowledgement.
    Acknowledged,
    /// Not at all, and what came is forgotten.
    None,
    /// With other bytes.
    Other(Vec<u8>),
}

/// An act that bytes choose.
pub(super) fn draw_act(draw: &mut Draw) -> Act {
    match draw.below(16) {
        0..=1 => Act::Store(draw_policy(draw)),
        2..=4 => Act::Reload,
        5..=6 => Act::Join,
        7..=8 => Act::Take(draw_reply(draw)),
        9 => Act::Leave(draw.chance(50)),
        10 => Act::Knock(draw_context(draw)),
        11 => Act::Detach(draw.index(2)),
        12 => Act::Pass(draw.pick(&[1, 10, 60, 3600])),
        13 => Act::Unload,
        _ => Act::Load,
    }
}

fn draw_reply(draw: &mut Draw) -> Reply {
    match draw.below(4) {
        0..=1 => Reply::Acknowledged,
        2 => Reply::None,
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

/// A policy, sound or not. What it could say of the trail itself is left out: a lock, summaries and a journal of
/// another size have tests of their own.
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
    let is_plain = PolicyBlob::parse(&blob).map_or(true, |policy| {
        let other = policy.summarise_seconds().is_some() || policy.journal_size().is_some();
        !other && !policy.locks_until_reboot()
    });
    is_plain.then_some(blob)
}

#[cfg(test)]
mod tests {
    use super::{POLICIES, compile};

    #[test]
    fn every_policy_is_sound() {
        for text in POLICIES {
            assert!(compile(text).is_ok(), "{text}: {:?}", compile(text).err());
        }
    }
}
