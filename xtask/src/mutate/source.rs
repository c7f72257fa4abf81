//! The sources that are mutated, parsed, and the enums whose variants can take each other's place.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use proc_macro2::TokenTree;
use syn::spanned::Spanned;
use syn::{Fields, File, Item};

use crate::files;

/// Files of guard whose code is mutated, without folder and extension.
pub(super) const MUTATED: [&str; 15] = [
    "table",
    "check",
    "facts",
    "rules",
    "verdict",
    "extent",
    "request",
    "code",
    "policy/glob",
    "policy/candidates",
    "policy/index",
    "policy/key",
    "policy/slots",
    "policy/subject",
    "policy",
];

/// A file that is mutated.
pub(super) struct Source {
    /// As in [`MUTATED`].
    pub(super) name: &'static str,
    /// Relative to the root.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) syntax: File,
}

impl Source {
    /// Parses a text.
    pub(super) fn new(name: &'static str, text: String) -> Result<Self> {
        let path = format!("guard/src/{name}.rs");
        let syntax = syn::parse_file(&text).with_context(|| format!("{path} is no Rust"))?;
        Ok(Self {
            name,
            path,
            text,
            syntax,
        })
    }

    /// The line of a place, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(&self.text);
        before.matches('\n').count() + 1
    }
}

/// Reads every file that is mutated.
pub(super) fn read() -> Result<Vec<Source>> {
    let sources = MUTATED.into_iter().map(|name| {
        let path = files::root().join(format!("guard/src/{name}.rs"));
        Source::new(name, files::read_text(&path)?)
    });
    sources.collect()
}

/// Where a node stands in its text.
pub(super) fn place(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

/// Whether an item is compiled for tests only.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let is_cfg_test = path.is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"));
        path.is_ident("test") || is_cfg_test
    })
}

/// For the name of each enum its variants without fields.
#[derive(Debug, Default)]
pub(super) struct Enums(HashMap<String, Vec<Vec<String>>>);

impl Enums {
    /// The enums of guard and wire.
    pub(super) fn read() -> Result<Self> {
        let mut enums = Self::default();
        for folder in ["guard/src", "wire/src"] {
            for path in rust_files(&files::root().join(folder))? {
                let text = files::read_text(&path)?;
                let syntax = syn::parse_file(&text);
                let syntax = syntax.with_context(|| format!("{} is no Rust", path.display()))?;
                enums.add(&syntax);
            }
        }
        Ok(enums)
    }

    /// Adds the enums of a file: its own, and those that a macro declares as a list.
    pub(super) fn add(&mut self, file: &File) {
        for item in &file.items {
            if let Item::Enum(item) = item {
                let unit = |variant: &&syn::Variant| matches!(variant.fields, Fields::Unit);
                let variants = item.variants.iter().filter(unit);
                let variants = variants.map(|variant| variant.ident.to_string()).collect();
                self.insert(item.ident.to_string(), variants);
            } else if let Item::Macro(item) = item {
                let tokens: Vec<_> = item.mac.tokens.clone().into_iter().collect();
                if let [.., TokenTree::Ident(name), TokenTree::Group(list)] = tokens.as_slice() {
                    let list: Vec<_> = list.stream().into_iter().collect();
                    self.insert(name.to_string(), listed(&list));
                }
            }
        }
    }

    fn insert(&mut self, name: String, variants: Vec<String>) {
        self.0.entry(name).or_default().push(variants);
    }

    /// Up to two variants that can stand in the place of this one: the next of its enum.
    pub(super) fn others(&self, name: &str, variant: &str) -> Vec<&str> {
        let mut lists = self.0.get(name).into_iter().flatten();
        let Some(list) = lists.find(|list| list.iter().any(|other| other == variant)) else {
            return Vec::new();
        };
        let others = list.iter().cycle().skip_while(|other| *other != variant);
        others
            .skip(1)
            .take(list.len() - 1)
            .take(2)
            .map(String::as_str)
            .collect()
    }
}

/// The names in a list `A = 1 => "a", B = 2 => "b"`.
fn listed(tokens: &[TokenTree]) -> Vec<String> {
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [TokenTree::Ident(name), TokenTree::Punct(punct)] if punct.as_char() == '=' => {
            Some(name.to_string())
        }
        _ => None,
    });
    pairs.collect()
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_take_the_place_of_the_next_ones() {
        let mut enums = Enums::default();
        let text =
            "enum A { B, C(u8), D, E } list! { /// F\n F { G = 1 => \"g\", H = 2 => \"h\", } }";
        enums.add(&syn::parse_file(text).unwrap());
        assert_eq!(enums.others("A", "D"), ["E", "B"]);
        assert_eq!(enums.others("F", "H"), ["G"]);
        assert!(enums.others("A", "C").is_empty());
        assert!(enums.others("X", "B").is_empty());
    }

    #[test]
    fn the_enums_of_both_crates_are_known() {
        let enums = Enums::read().unwrap();
        for (name, variant) in [
            ("Finding", "Fires"),
            ("Verdict", "Refused"),
            ("Effect", "Deny"),
        ] {
            assert_eq!(enums.others(name, variant).len(), 2, "{name}");
        }
    }
}
