//! The matcher of path patterns against its definition: slow, recursive, plainly right.
//!
//! Input: tokens of the pattern up to the byte 0xFF, then units of the name. Few letters and many wildcards, because
//! that is where a matcher errs.

use guard::policy::PathName;
use wire::policy::{PathPattern, VolumeSelector, upcase};
use zerocopy::little_endian::U16;

const SEPARATOR: u16 = b'\\' as u16;
const STAR: u16 = b'*' as u16;
const QUESTION: u16 = b'?' as u16;
/// Beyond these the definition takes too long.
const TOKENS_MAX: usize = 10;
const UNITS_MAX: usize = 16;

/// Compares the answers, for the whole name and for one that is cut.
///
/// # Panics
/// If they differ.
pub fn body(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0xFF);
    let pattern = pattern(parts.next().unwrap_or_default());
    let name = name(parts.next().unwrap_or_default());
    let expected = reference(&pattern, &name);
    assert_eq!(
        fits(&pattern, &name, false),
        Some(expected),
        "{pattern:?} {name:?}"
    );
    // What is said of a cut name holds for each way in which it can go on.
    if let Some(answer) = fits(&pattern, &name, true) {
        for end in ["A", "b", r"\", r"\a", "aB", r"b\"] {
            let whole: Vec<u16> = name.iter().copied().chain(end.encode_utf16()).collect();
            assert_eq!(reference(&pattern, &whole), answer, "{pattern:?} {whole:?}");
        }
    }
}

fn pattern(bytes: &[u8]) -> Vec<u16> {
    let tokens = ["A", "B", r"\", "?", "*", "**", "A", r"\"];
    let chosen = bytes.iter().take(TOKENS_MAX);
    let mut text: String = chosen.map(|byte| tokens[usize::from(byte % 8)]).collect();
    // What no policy may say.
    while text.contains("***") {
        text = text.replace("***", "**");
    }
    text.encode_utf16().collect()
}

fn name(bytes: &[u8]) -> Vec<u16> {
    let units = br"aAbB\\ab";
    let chosen = bytes.iter().take(UNITS_MAX);
    chosen
        .map(|byte| u16::from(units[usize::from(byte % 8)]))
        .collect()
}

/// What `guard` says of a name whose device does not matter.
fn fits(pattern: &[u16], name: &[u16], is_cut: bool) -> Option<bool> {
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

/// The definition (docs/policy.md).
fn reference(pattern: &[u16], name: &[u16]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [STAR, STAR, rest @ ..] => (0..=name.len()).any(|end| reference(rest, &name[end..])),
        [STAR, rest @ ..] => (0..=name.len())
            .take_while(|end| !name[..*end].contains(&SEPARATOR))
            .any(|end| reference(rest, &name[end..])),
        [wanted, rest @ ..] => match name {
            [] => false,
            [unit, after @ ..] => {
                let is_met = match *wanted {
                    QUESTION => *unit != SEPARATOR,
                    literal => upcase(*unit) == literal,
                };
                is_met && reference(rest, after)
            }
        },
    }
}
