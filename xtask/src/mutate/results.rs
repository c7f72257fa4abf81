//! What is known of each mutation, kept in a file so that a run can be interrupted and resumed.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::generate::Mutation;
use super::judge::Fate;
use crate::files;

/// The last result of each mutation, by its name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Results(BTreeMap<String, Known>);

/// A result, and the text that it is about.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    fate: Fate,
    /// Of the function, constant or rule, before the mutation.
    digest: u64,
}

impl Results {
    /// Reads the file; nothing is known if there is none.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        serde_json::from_str(&files::read_text(path)?)
            .with_context(|| format!("cannot understand {}: remove it", path.display()))
    }

    /// Writes the file.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("cannot write results")?;
        files::write_if_changed(path, format!("{text}\n").as_bytes()).map(drop)
    }

    /// Forgets what is about another text than that of the mutations, or about none of them.
    pub(super) fn forget_stale(&mut self, mutations: &[Mutation]) {
        let digests: HashMap<&str, u64> = mutations
            .iter()
            .map(|mutation| (mutation.name.as_str(), digest(mutation)))
            .collect();
        self.0
            .retain(|name, known| digests.get(name.as_str()) == Some(&known.digest));
    }

    /// What became of a mutation.
    pub(super) fn get(&self, name: &str) -> Option<&Fate> {
        self.0.get(name).map(|known| &known.fate)
    }

    /// Notes what became of a mutation.
    pub(super) fn note(&mut self, mutation: &Mutation, fate: Fate) {
        let digest = digest(mutation);
        self.0.insert(mutation.name.clone(), Known { fate, digest });
    }
}

fn digest(mutation: &Mutation) -> u64 {
    let mut hasher = DefaultHasher::new();
    mutation.item.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::generate;
    use crate::mutate::source::{Enums, Source};

    fn mutations(text: &str) -> Vec<Mutation> {
        let source = Source::new("check", text.to_owned()).unwrap();
        generate::of(&source, &Enums::default()).unwrap()
    }

    #[test]
    fn a_result_is_kept_until_its_function_changes() {
        let text = "fn f(a: u8) { h(a < 1); } fn g() { h(2); }";
        let old = mutations(text);
        let mut results = Results::default();
        for mutation in &old {
            results.note(mutation, Fate::Survived);
        }
        let known = |results: &Results, name| results.get(name).is_some();
        results.forget_stale(&mutations(&format!("// moved\n{text}")));
        assert!(known(&results, "check/f/lt-le") && known(&results, "check/g/2-3"));
        results.forget_stale(&mutations(&text.replace("a <", "a  <")));
        assert!(!known(&results, "check/f/lt-le") && known(&results, "check/g/2-3"));
        results.forget_stale(&mutations(&text.replace("(2)", "()")));
        assert!(!known(&results, "check/g/2-3"));
    }
}
