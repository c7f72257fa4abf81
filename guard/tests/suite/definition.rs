//! What a path pattern matches, by its definition (docs/policy.md): slow, recursive, plainly right, and what the matcher
//! of `guard` is held against.

use guard::policy::PathName;
use wire::policy::{PathPattern, VolumeSelector, upcase};
use zerocopy::little_endian::U16;

const SEPARATOR: u16 = b'\\' as u16;
pub(crate) const STAR: u16 = b'*' as u16;
pub(crate) const QUESTION: u16 = b'?' as u16;

/// What `guard` says of a name whose device does not matter.
pub(crate) fn fits(pattern: &[u16], name: &[u16], is_cut: bool) -> Option<bool> {
    let path: Vec<U16> = pattern.iter().copied().map(U16::new).collect();
    let name = PathName {
        device: &[],
        rest: name,
        volume_guid: None,
        is_cut,
    };
    name.fits(PathPattern {
        volume: VolumeSelector::Any,
        path: &path,
    })
}

/// The definition.
pub(crate) fn matches(pattern: &[u16], name: &[u16]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [STAR, STAR, rest @ ..] => (0..=name.len()).any(|end| matches(rest, &name[end..])),
        [STAR, rest @ ..] => (0..=name.len())
            .take_while(|end| !name[..*end].contains(&SEPARATOR))
            .any(|end| matches(rest, &name[end..])),
        [wanted, rest @ ..] => match name {
            [] => false,
            [unit, after @ ..] => {
                let is_met = match *wanted {
                    QUESTION => *unit != SEPARATOR,
                    literal => upcase(*unit) == literal,
                };
                is_met && matches(rest, after)
            }
        },
    }
}
