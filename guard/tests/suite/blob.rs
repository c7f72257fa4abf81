//! Policies built field by field, without the compiler that people use.

use std::borrow::Cow;

use guard::policy::{Effect, PolicyBlob};
use wire::policy::{PathPatternHead, PolicyHead, PolicyRuleHead, PoolRef, VolumeSelectorHead};
use zerocopy::IntoBytes as _;

/// What a rule says; most of it is written in the test.
pub(crate) type Text = Cow<'static, str>;

/// Which volume a rule means; its texts are in upper case already.
#[derive(Clone, Debug)]
pub(crate) enum Volume {
    Device(Text),
    Guid([u8; 16]),
}

/// A pattern: the volume, if one is meant, and the path.
pub(crate) type Pattern = (Option<Volume>, Text);

/// A rule; everything that is not given is no condition.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) image: Option<Pattern>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) source: Option<Pattern>,
    pub(crate) target: Option<Pattern>,
    pub(crate) volume: Option<Volume>,
    pub(crate) remote: u8,
    pub(crate) byte_count_min: u64,
}

impl Rule {
    /// A rule without conditions.
    pub(crate) const fn new(effect: Effect) -> Self {
        Self {
            effect,
            image: None,
            user: None,
            source: None,
            target: None,
            volume: None,
            remote: 0,
            byte_count_min: 0,
        }
    }
}

/// A pattern on every volume.
pub(crate) fn any(path: impl Into<Text>) -> Pattern {
    (None, path.into())
}

/// A pattern on one device.
pub(crate) fn on_device(name: impl Into<Text>, path: impl Into<Text>) -> Pattern {
    (Some(device(name)), path.into())
}

/// The volume of a device.
pub(crate) fn device(name: impl Into<Text>) -> Volume {
    Volume::Device(name.into())
}

/// The volume with a GUID.
pub(crate) const fn guid(guid: [u8; 16]) -> Volume {
    Volume::Guid(guid)
}

/// The policy of these rules.
pub(crate) fn blob(rules: &[Rule]) -> PolicyBlob<Vec<u8>> {
    let mut pool = Vec::new();
    let rules: Vec<PolicyRuleHead> = rules.iter().map(|rule| head(rule, &mut pool)).collect();
    let head = PolicyHead::new(rules.len(), pool.len()).unwrap();
    PolicyBlob::parse([head.as_bytes(), rules.as_bytes(), &pool].concat()).unwrap()
}

fn head(rule: &Rule, pool: &mut Vec<u8>) -> PolicyRuleHead {
    let mut head = PolicyRuleHead::zeroed();
    head.effect = rule.effect.raw();
    head.remote = rule.remote;
    head.name = text("rule", pool);
    head.user = rule
        .user
        .as_ref()
        .map_or_else(PoolRef::default, |sid| put(sid, pool));
    head.image = pattern(rule.image.as_ref(), pool);
    head.source = pattern(rule.source.as_ref(), pool);
    head.target = pattern(rule.target.as_ref(), pool);
    head.volume = volume(rule.volume.as_ref(), pool);
    head.byte_count_min = rule.byte_count_min.into();
    head
}

fn pattern(pattern: Option<&Pattern>, pool: &mut Vec<u8>) -> PathPatternHead {
    pattern.map_or_else(PathPatternHead::default, |(meant, path)| PathPatternHead {
        volume: volume(meant.as_ref(), pool),
        path: text(path, pool),
    })
}

fn volume(volume: Option<&Volume>, pool: &mut Vec<u8>) -> VolumeSelectorHead {
    let mut head = VolumeSelectorHead::default();
    match volume {
        None => {}
        Some(Volume::Device(name)) => {
            head.kind = 1;
            head.device = text(name, pool);
        }
        Some(Volume::Guid(guid)) => {
            head.kind = 2;
            head.guid = *guid;
        }
    }
    head
}

fn text(text: &str, pool: &mut Vec<u8>) -> PoolRef {
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(&bytes, pool)
}

fn put(bytes: &[u8], pool: &mut Vec<u8>) -> PoolRef {
    let offset = u32::try_from(pool.len()).unwrap();
    pool.extend(bytes);
    PoolRef {
        offset: offset.into(),
        byte_length: u32::try_from(bytes.len()).unwrap().into(),
    }
}
