//! The matcher of path patterns against its definition: slow, recursive, plainly right.
//!
//! Input: tokens of the pattern up to the byte 0xFF, then units of the name. Few letters and many wildcards, because
//! that is where a matcher errs.

#[path = "../../guard/tests/suite/definition.rs"]
mod definition;

use definition::{fits, matches};

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
    let expected = matches(&pattern, &name);
    assert_eq!(
        fits(&pattern, &name, false),
        Some(expected),
        "{pattern:?} {name:?}"
    );
    // What is said of a cut name holds for each way in which it can go on.
    if let Some(answer) = fits(&pattern, &name, true) {
        for end in ["A", "b", r"\", r"\a", "aB", r"b\"] {
            let whole: Vec<u16> = name.iter().copied().chain(end.encode_utf16()).collect();
            assert_eq!(matches(&pattern, &whole), answer, "{pattern:?} {whole:?}");
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
