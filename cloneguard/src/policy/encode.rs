//! From a policy to the blob.

use super::Compiled;
use super::model::{Pattern, Policy, Rule, Volume};
use super::problem::Problem;
use std::collections::HashMap;
use wire::policy::{
    POLICY_SIZE_MAX, PathPatternHead, PolicyBlob, PolicyHead, PolicyRuleHead, PoolRef, Remote,
    VolumeKind, VolumeSelectorHead,
};
use zerocopy::IntoBytes as _;

/// Encodes a policy.
///
/// # Errors
///
/// If it is larger than a blob can be.
pub(super) fn encode(policy: &Policy) -> Result<Compiled, Problem> {
    let mut pool = Pool::default();
    let rules: Result<Vec<PolicyRuleHead>, Problem> =
        policy.rules.iter().map(|rule| pool.rule(rule)).collect();
    let rules = rules?;
    let mut head = PolicyHead::new(rules.len(), pool.bytes.len()).ok_or_else(too_large)?;
    head.mode = policy.mode.raw();
    head.revision = policy.revision.into();
    head.enforced = policy.enforced.bits().into();
    head.on_audit_loss = policy.on_audit_loss.raw();
    head.recheck = u8::from(policy.recheck);
    head.lock_until_reboot = u8::from(policy.lock_until_reboot);
    head.summarise_seconds = policy.summarise_seconds.into();
    head.journal_size = policy.journal_size.into();
    let blob = [head.as_bytes(), rules.as_bytes(), &pool.bytes].concat();
    if blob.len() > POLICY_SIZE_MAX {
        return Err(too_large());
    }
    // Every value was checked by the function that the blob's own check calls, so this cannot fail;
    // if it did, the driver would refuse the policy and a person has to know.
    PolicyBlob::parse(blob).map_err(|error| {
        let what = format!("the compiled policy is not one that the driver takes ({error})");
        Problem::whole(&what, "this is a fault of cloneguard: please report it")
    })
}

/// The problem of a policy that does not fit.
fn too_large() -> Problem {
    let what = "the policy is larger than 4 MiB once compiled";
    Problem::whole(
        what,
        "merge rules, or use wildcards in place of lists of names",
    )
}

/// The texts and SIDs of all rules, each of them once.
#[derive(Default)]
struct Pool {
    bytes: Vec<u8>,
    places: HashMap<Vec<u8>, PoolRef>,
}

impl Pool {
    /// The fields of a rule.
    fn rule(&mut self, rule: &Rule) -> Result<PolicyRuleHead, Problem> {
        let conditions = &rule.conditions;
        let mut head = PolicyRuleHead::zeroed();
        head.effect = rule.effect.raw();
        head.remote = match conditions.remote {
            None => Remote::Either,
            Some(true) => Remote::Only,
            Some(false) => Remote::Never,
        }
        .raw();
        head.name = self.text(&rule.name)?;
        head.user = match &conditions.user {
            Some(sid) => self.put(sid.clone())?,
            None => PoolRef::default(),
        };
        head.image = self.pattern(conditions.image.as_ref())?;
        head.source = self.pattern(conditions.source.as_ref())?;
        head.target = self.pattern(conditions.target.as_ref())?;
        head.volume = self.volume(conditions.volume.as_ref())?;
        head.byte_count_min = conditions.byte_count_min.into();
        Ok(head)
    }

    /// The fields of a pattern.
    fn pattern(&mut self, pattern: Option<&Pattern>) -> Result<PathPatternHead, Problem> {
        let Some(pattern) = pattern else {
            return Ok(PathPatternHead::default());
        };
        Ok(PathPatternHead {
            volume: self.volume(pattern.volume.as_ref())?,
            path: self.text(&pattern.path)?,
        })
    }

    /// The fields of a volume.
    fn volume(&mut self, volume: Option<&Volume>) -> Result<VolumeSelectorHead, Problem> {
        let mut head = VolumeSelectorHead::default();
        match volume {
            None => {}
            Some(Volume::Device(name)) => {
                head.kind = VolumeKind::Device.raw();
                head.device = self.text(name)?;
            }
            Some(Volume::Guid(guid)) => {
                head.kind = VolumeKind::Guid.raw();
                head.guid = *guid;
            }
        }
        Ok(head)
    }

    /// A text as UTF-16LE.
    fn text(&mut self, text: &str) -> Result<PoolRef, Problem> {
        self.put(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
    }

    /// The place of some bytes, put there if they are new.
    fn put(&mut self, bytes: Vec<u8>) -> Result<PoolRef, Problem> {
        if let Some(place) = self.places.get(&bytes) {
            return Ok(*place);
        }
        let number = |length: usize| u32::try_from(length).map_err(|_| too_large());
        let place = PoolRef {
            offset: number(self.bytes.len())?.into(),
            byte_length: number(bytes.len())?.into(),
        };
        self.bytes.extend(&bytes);
        self.places.insert(bytes, place);
        Ok(place)
    }
}
