//! What the documents about safety claim: each test that they name exists, and each place with unsafe is argued.
//!
//! A test is named in backquotes, by its file and its function; several of one file by commas:
//!
//! ```text
//! `guard/tests/suite/rules.rs: a_valid_request_passes, rule_1_one_byte_short`
//! ```
//!
//! A test is a function with `#[test]`, or an entry of the macros with which the test-bed's faults are written
//! (`testbed/tests/shared/fault.rs`). Whether it shows what is claimed only a reader can say.

use std::collections::BTreeSet;

use super::sources::Source;
use super::tokens::{self, Token};

/// The documents whose claims name their tests.
const DOCUMENTS: [&str; 2] = [SOUNDNESS, "docs/threat-model.md"];
/// The one that argues each file that opts in to unsafe.
const SOUNDNESS: &str = "docs/soundness.md";
/// The macros that make a test of each entry.
const MACROS: [&str; 2] = ["faults", "stops"];

/// Every claim without its test, and every file with unsafe of which nothing is said.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut breaches: Vec<_> = DOCUMENTS
        .iter()
        .flat_map(|path| match find(sources, path) {
            Some(document) => check_document(document, sources),
            None => vec![format!(
                "{path}: missing, and it names the tests of each claim"
            )],
        })
        .collect();
    breaches.extend(find(sources, SOUNDNESS).into_iter().flat_map(|document| {
        let rust = sources.iter().filter(|source| source.is_rust());
        let unsaid = rust.filter(|source| opts_in(source) && !document.text.contains(&source.path));
        unsaid.map(|source| format!("{SOUNDNESS}: says nothing of {}", source.path))
    }));
    breaches
}

fn find<'s>(sources: &'s [Source], path: &str) -> Option<&'s Source> {
    sources.iter().find(|source| source.path == path)
}

fn check_document(document: &Source, sources: &[Source]) -> Vec<String> {
    let references = references(&document.text);
    if references.is_empty() {
        return vec![format!("{}: names no test", document.path)];
    }
    references
        .into_iter()
        .flat_map(|(path, names)| {
            let known = find(sources, path).map(tests_of);
            names.filter_map(move |name| match &known {
                None => Some(format!("{path} is no file, with {name}")),
                Some(tests) if tests.contains(name) => None,
                Some(_) => Some(format!("{path} has no test {name}")),
            })
        })
        .map(|what| format!("{}: {what}", document.path))
        .collect()
}

/// The files in backquotes with a colon behind them, and the names behind that.
fn references(text: &str) -> Vec<(&str, impl Iterator<Item = &str>)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|span| {
            let (stem, names) = span.split_once(".rs:")?;
            let file = span.get(..stem.len() + ".rs".len())?;
            Some((file, names.split(',').map(str::trim)))
        })
        .collect()
}

/// The names of the tests of a Rust file.
fn tests_of(source: &Source) -> BTreeSet<String> {
    let tokens = tokens::read(source).unwrap_or_default();
    let mut tests = functions(&tokens);
    for name in MACROS {
        tests.extend(entries(&tokens, name));
    }
    tests
}

/// The functions with `#[test]` among the attributes in front of them.
fn functions(tokens: &[Token]) -> BTreeSet<String> {
    let items = tokens.split(|token| matches!(token.text.as_str(), ";" | "}"));
    items.filter_map(test_of).collect()
}

/// The name of the function behind `#[test]`.
fn test_of(item: &[Token]) -> Option<String> {
    let attribute = ["#", "[", "test", "]"];
    let mut windows = item.windows(attribute.len());
    let attribute = windows.position(|window| reads(window, &attribute))?;
    let behind = item.get(attribute..)?;
    let at = behind.iter().position(|token| token.text == "fn")?;
    Some(behind.get(at + 1)?.text.clone())
}

fn reads(tokens: &[Token], words: &[&str]) -> bool {
    tokens
        .iter()
        .map(|token| &token.text)
        .eq(words.iter().copied())
}

/// The entries `name: ..;` of the calls of a macro.
fn entries(tokens: &[Token], name: &str) -> BTreeSet<String> {
    let mut entries = BTreeSet::new();
    let call = [name, "!", "{"];
    for (at, window) in tokens.windows(call.len()).enumerate() {
        if !reads(window, &call) {
            continue;
        }
        let body = tokens.get(at + call.len()..).unwrap_or_default();
        let body = body
            .split(|token| token.text == "}")
            .next()
            .unwrap_or_default();
        let heads = body.split(|token| token.text == ";");
        entries.extend(heads.filter_map(|entry| match entry {
            [head, colon, ..] if colon.text == ":" => Some(head.text.clone()),
            _ => None,
        }));
    }
    entries
}

/// Whether a file expects unsafe code in it.
fn opts_in(source: &Source) -> bool {
    let tokens = tokens::read(source).unwrap_or_default();
    tokens::lists_with(&tokens, "unsafe_code").any(|list| list.level == "expect")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;
    use crate::lint::sources;

    const TESTS: &str = "#[test]\nfn one() { let a = 1; }\n\n/// A story.\n#[test]\n#[expect(clippy::x, reason = \"a; b}\")]\n\
                         fn two() {}\n\nfn helper() {}\n\nfaults! {\n    three: \"rule\", \"{0}; four: \";\n    five: \"rule\", \"x\";\n}\n";
    const UNSAFE: &str = "#![expect(unsafe_code, reason = \"calls\")]\n";

    /// The breaches of a repository whose documents say this.
    fn breaches(claims: &str) -> Vec<String> {
        check(&[
            Source::new(SOUNDNESS, "`a.rs: one`; of `b.rs` it is said.\n"),
            Source::new("docs/threat-model.md", claims),
            Source::new("a.rs", TESTS),
            Source::new("b.rs", UNSAFE),
        ])
    }

    #[test]
    fn every_claim_of_the_documents_has_its_test() {
        let sources = sources::read(&files::root()).unwrap();
        assert_eq!(check(&sources), Vec::<String>::new());
        for path in DOCUMENTS {
            let document = find(&sources, path).unwrap();
            assert!(references(&document.text).len() > 20, "{path}");
        }
    }

    #[test]
    fn a_test_is_found_in_each_of_its_forms() {
        assert!(breaches("`a.rs: one`, `a.rs: one,\n  two, three`, `a.rs: five`").is_empty());
        for name in ["none", "helper", "four", "a", "rule", "tw", ""] {
            let expected = format!("docs/threat-model.md: a.rs has no test {name}");
            assert_eq!(breaches(&format!("`a.rs: one, {name}`")), [expected]);
        }
        assert_eq!(
            breaches("`c.rs: one`"),
            ["docs/threat-model.md: c.rs is no file, with one"]
        );
    }

    #[test]
    fn a_document_that_names_no_test_or_is_gone_is_a_breach() {
        assert_eq!(
            breaches("`a.rs` and one."),
            ["docs/threat-model.md: names no test"]
        );
        let gone = check(&[]);
        assert_eq!(gone.len(), DOCUMENTS.len(), "{gone:?}");
    }

    #[test]
    fn unsafe_of_which_nothing_is_said_is_a_breach() {
        let said = |text: &str, path: &str, code: &str| {
            let claims = format!("`a.rs: one` {text}");
            check(&[
                Source::new(SOUNDNESS, &claims),
                Source::new("docs/threat-model.md", &claims),
                Source::new("a.rs", TESTS),
                Source::new(path, code),
            ])
        };
        assert!(said("`b.rs`", "b.rs", UNSAFE).is_empty());
        assert!(said("", "b.rs", "#![forbid(unsafe_code)]\n").is_empty());
        assert_eq!(
            said("", "b.rs", UNSAFE),
            ["docs/soundness.md: says nothing of b.rs"]
        );
    }
}
