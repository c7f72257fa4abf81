//! What the crates bound for the kernel have in common: the second set of lints, and the bans.

use super::sources::Source;
use super::tokens::{self, Token};

/// The crates whose code is in the image. Each opens with the same second set of lints, because a
/// crate cannot inherit the table of the workspace and add to it.
const ROOTS: [&str; 4] = [
    "wire/src/lib.rs",
    "guard/src/lib.rs",
    "flt/src/lib.rs",
    "driver/src/lib.rs",
];

/// That second set, in the order of the alphabet.
const LINTS: [&str; 15] = [
    "arithmetic_side_effects",
    "as_conversions",
    "disallowed_macros",
    "disallowed_methods",
    "expect_used",
    "indexing_slicing",
    "integer_division",
    "let_underscore_must_use",
    "mem_forget",
    "panic",
    "string_slice",
    "todo",
    "unreachable",
    "unwrap_used",
    "wildcard_enum_match_arm",
];

/// Clippy reads the nearest of these files and merges nothing, so the others repeat the first.
const SHARED: &str = "clippy.toml";
/// The crates that can allocate, and what they may not call. wire and guard need no list: they do
/// not link `alloc` (see [`super::naming`]).
const BANS: [&str; 2] = ["flt/clippy.toml", "driver/clippy.toml"];

/// Every breach of a rule about crates bound for the kernel.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut breaches: Vec<_> = ROOTS
        .iter()
        .flat_map(|path| match find(sources, path) {
            Ok(root) => check_root(root),
            Err(breach) => vec![breach],
        })
        .collect();
    breaches.extend(check_bans(sources).unwrap_or_else(|breach| vec![breach]));
    breaches
}

fn find<'a>(sources: &'a [Source], path: &str) -> Result<&'a Source, String> {
    sources
        .iter()
        .find(|source| source.path == path)
        .ok_or_else(|| format!("{path}: missing, and xtask/src/lint/kernel.rs needs it"))
}

fn check_root(root: &Source) -> Vec<String> {
    let tokens = match tokens::read(root) {
        Ok(tokens) => tokens,
        Err(breach) => return vec![breach],
    };
    let at = |what: String| format!("{}: {what}", root.path);
    let mut breaches = Vec::new();
    if tokens::lines_of(&tokens, &["#", "!", "[", "no_std", "]"])
        .next()
        .is_none()
    {
        breaches.push(at("is bound for the kernel and not #![no_std]".to_owned()));
    }
    let denied = denied(&tokens);
    let missing = LINTS.iter().filter(|lint| !denied.contains(lint));
    breaches.extend(missing.map(|lint| at(format!("does not deny clippy::{lint}"))));
    let more = denied.iter().filter(|lint| !LINTS.contains(lint));
    breaches.extend(more.map(|lint| {
        at(format!(
            "denies clippy::{lint}, which the other crates of the kernel do not"
        ))
    }));
    breaches
}

/// The lints of clippy in the crate's `#![deny(..)]`.
fn denied(tokens: &[Token]) -> Vec<&str> {
    let texts: Vec<_> = tokens.iter().map(|token| token.text.as_str()).collect();
    let opening = ["#", "!", "[", "deny", "("];
    let Some(start) = texts
        .windows(opening.len())
        .position(|window| *window == opening)
    else {
        return Vec::new();
    };
    let list = texts.iter().skip(start + opening.len()).copied();
    let list: Vec<_> = list.take_while(|text| *text != ")").collect();
    list.windows(4)
        .filter_map(|window| match window {
            ["clippy", ":", ":", lint] => Some(*lint),
            _ => None,
        })
        .collect()
}

fn check_bans(sources: &[Source]) -> Result<Vec<String>, String> {
    let shared = &find(sources, SHARED)?.text;
    let [flt, driver] = BANS;
    let (flt, driver) = (find(sources, flt)?, find(sources, driver)?);
    let mut breaches = Vec::new();
    for own in [flt, driver] {
        let missing = settings(shared).filter(|line| !settings(&own.text).any(|own| own == *line));
        breaches
            .extend(missing.map(|line| format!("{}: lacks the shared line {line:?}", own.path)));
    }
    if flt.text != driver.text {
        breaches.push(format!("{} and {} differ", flt.path, driver.path));
    }
    Ok(breaches)
}

fn settings(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository in order.
    fn base() -> Vec<Source> {
        let lints: Vec<_> = LINTS.iter().map(|lint| format!("clippy::{lint}")).collect();
        let root = format!("#![no_std]\n#![deny({})]\n", lints.join(", "));
        let mut sources: Vec<_> = ROOTS.iter().map(|path| Source::new(path, &root)).collect();
        sources.push(Source::new(SHARED, "a = 1\nb = 2\n"));
        sources.extend(BANS.map(|path| Source::new(path, "# why\na = 1\nb = 2\n\nc = []\n")));
        sources
    }

    /// The breaches after `from` has become `to` in the file `path`.
    fn flipped(path: &str, from: &str, to: &str) -> Vec<String> {
        let mut sources = base();
        let source = sources
            .iter_mut()
            .find(|source| source.path == path)
            .unwrap();
        assert!(source.text.contains(from), "{from}");
        source.text = source.text.replace(from, to);
        check(&sources)
    }

    #[test]
    fn the_base_is_in_order() {
        assert!(check(&base()).is_empty());
    }

    #[test]
    fn each_lint_is_asked_for_in_each_crate() {
        for root in ROOTS {
            for lint in LINTS {
                let expected = format!("{root}: does not deny clippy::{lint}");
                let found = flipped(root, &format!("clippy::{lint}"), "dead_code");
                assert_eq!(found, [expected]);
            }
        }
    }

    #[test]
    fn a_lint_named_elsewhere_is_not_denied() {
        assert_eq!(
            flipped("flt/src/lib.rs", "#![deny(", "#![warn(").len(),
            LINTS.len()
        );
        assert_eq!(
            flipped("flt/src/lib.rs", "#![deny(", "// #![deny(").len(),
            LINTS.len()
        );
    }

    #[test]
    fn a_lint_that_one_crate_has_alone_is_named() {
        let found = flipped(
            "guard/src/lib.rs",
            "clippy::todo",
            "clippy::todo, clippy::dbg_macro",
        );
        assert_eq!(found.len(), 1);
        assert!(found.first().unwrap().contains("denies clippy::dbg_macro"));
    }

    #[test]
    fn a_crate_with_std_is_refused() {
        let found = flipped("wire/src/lib.rs", "#![no_std]", "");
        assert_eq!(
            found,
            ["wire/src/lib.rs: is bound for the kernel and not #![no_std]"]
        );
    }

    #[test]
    fn the_shared_lines_are_repeated() {
        let found = flipped(SHARED, "a = 1", "a = 3");
        assert_eq!(
            found,
            BANS.map(|path| format!("{path}: lacks the shared line \"a = 3\""))
        );
    }

    #[test]
    fn both_lists_of_bans_are_the_same() {
        let found = flipped("driver/clippy.toml", "c = []", "c = [1]");
        assert_eq!(found, ["flt/clippy.toml and driver/clippy.toml differ"]);
    }

    #[test]
    fn a_file_that_is_gone_is_a_breach() {
        for at in 0..base().len() {
            let mut sources = base();
            let gone = sources.remove(at);
            assert!(
                check(&sources)
                    .iter()
                    .any(|breach| breach.starts_with(&gone.path))
            );
        }
    }
}
