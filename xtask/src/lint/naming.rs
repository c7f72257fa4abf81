//! Crates that a folder may not name, although a manifest or the toolchain would let it.

use super::sources::Source;
use super::tokens::{self, Token};

/// Files below `folder`, but for those below `except`, do not name any of `crates`.
struct Rule {
    folder: &'static str,
    except: &'static [&'static str],
    crates: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 4] = [
    Rule {
        folder: "driver/src/",
        except: &[],
        crates: &["flt_sys", "wdk_sys"],
        why: "the driver calls the kernel through flt alone",
    },
    Rule {
        folder: "testbed/src/",
        except: &[
            "testbed/src/main.rs",
            "testbed/src/demo/",
            "testbed/src/serve/",
            "testbed/src/faults/",
            "testbed/src/soak/",
        ],
        crates: &["wire", "cloneguard"],
        why: "only the test-bed's program reads what the driver sends",
    },
    Rule {
        folder: "wire/src/",
        // Compiled for tests only.
        except: &["wire/src/layout.rs"],
        crates: &["alloc", "std"],
        why: "wire allocates nothing at all",
    },
    Rule {
        folder: "guard/src/",
        except: &[],
        crates: &["alloc", "std"],
        why: "guard allocates nothing at all",
    },
];

/// Every place that names what it may not.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let rust = sources.iter().filter(|source| source.is_rust());
    rust.flat_map(|source| {
        let rules = RULES.iter().filter(|rule| rule.covers(&source.path));
        let rules: Vec<_> = rules.collect();
        // A file that is no Rust has been reported already.
        let tokens = if rules.is_empty() {
            Vec::new()
        } else {
            tokens::read(source).unwrap_or_default()
        };
        let found = rules.iter().flat_map(|rule| rule.breaches(source, &tokens));
        found.collect::<Vec<_>>()
    })
    .collect()
}

impl Rule {
    fn covers(&self, path: &str) -> bool {
        path.starts_with(self.folder) && !self.except.iter().any(|except| path.starts_with(except))
    }

    fn breaches(&self, source: &Source, tokens: &[Token]) -> Vec<String> {
        let named = self.crates.iter().flat_map(|name| {
            let lines = lines_naming(tokens, name);
            lines.map(move |line| format!("{}:{line}: names {name}: {}", source.path, self.why))
        });
        named.collect()
    }
}

/// Where `name` begins a path or is imported. A module or a variable of that name is not meant.
fn lines_naming<'a>(tokens: &'a [Token], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    // `::name` names the crate too; `module::name` does not.
    let has_parent = move |at: usize| {
        at > 2 && text(at - 1) == ":" && text(at - 2) == ":" && is_path_word(text(at - 3))
    };
    let begins_path =
        move |at: usize| text(at + 1) == ":" && text(at + 2) == ":" && !has_parent(at);
    let is_imported = move |at: usize| {
        at > 0 && matches!(text(at - 1), "use" | "crate") && matches!(text(at + 1), ";" | "as")
    };
    let hits = tokens
        .iter()
        .enumerate()
        .filter(move |(_, token)| token.text == name);
    hits.filter(move |(at, _)| begins_path(*at) || is_imported(*at))
        .map(|(_, token)| token.line)
}

/// Whether a path can go on after the word: it is no punctuation, and none of the keywords that an
/// expression or a path may follow.
fn is_path_word(text: &str) -> bool {
    const KEYWORDS: [&str; 7] = ["use", "as", "in", "return", "match", "if", "else"];
    let is_word = text.starts_with(|first: char| first.is_alphabetic() || first == '_');
    is_word && !KEYWORDS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(path: &str, text: &str) -> usize {
        check(&[Source::new(path, text)]).len()
    }

    #[test]
    fn every_way_to_name_a_crate_is_seen() {
        for text in [
            "use wdk_sys::ntddk::ZwClose;",
            "use {flt::token, wdk_sys::ntddk};",
            "use ::wdk_sys::NTSTATUS;",
            "use wdk_sys as sys;",
            "extern crate wdk_sys;",
            "fn f() { wdk_sys::ntddk::f() }",
            "type A = wdk_sys::NTSTATUS;",
        ] {
            assert_eq!(breaches("driver/src/a.rs", text), 1, "{text}");
        }
    }

    #[test]
    fn a_name_of_our_own_is_not_the_crate() {
        for text in [
            "// wdk_sys::ntddk\nfn f() {}",
            "use flt::wdk_sys::a;",
            "use crate::wdk_sys::a;",
            "fn f() { let wdk_sys = 1; }",
            "mod wdk_sys;",
        ] {
            assert_eq!(breaches("driver/src/a.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn each_rule_ends_at_its_folder_and_exceptions() {
        for rule in &RULES {
            for name in rule.crates {
                let text = format!("use {name}::a;");
                assert_eq!(
                    breaches(&format!("{}a.rs", rule.folder), &text),
                    1,
                    "{name}"
                );
                assert_eq!(breaches("xtask/src/a.rs", &text), 0, "{name}");
                for except in rule.except {
                    let path = format!("{}.rs", except.trim_end_matches(".rs"));
                    assert_eq!(breaches(&path, &text), 0, "{path}");
                }
            }
        }
    }
}
