//! The first reading: which files any chain of clones joins to the one that is asked for.

use super::clone::{FileKey, Told};
use super::query::Query;
use super::ranges::Map;
use super::{Limits, Lineage};
use crate::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Names of a file that are kept.
const NAMES_MAX: usize = 8;

/// Files by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    numbers: HashMap<Arc<FileKey>, usize>,
    keys: Vec<Arc<FileKey>>,
    /// Names that records gave them, of the files that matter.
    names: HashMap<usize, Vec<String>>,
}

impl Files {
    /// The number of a file that may be new.
    fn number(&mut self, key: &FileKey) -> usize {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = self.keys.len();
        let key = Arc::new(key.clone());
        self.keys.push(Arc::clone(&key));
        self.numbers.insert(key, number);
        number
    }

    /// The number of a file that is known.
    pub(super) fn known(&self, key: &FileKey) -> Option<usize> {
        self.numbers.get(key).copied()
    }

    /// The file of a number.
    pub(super) fn key(&self, number: usize) -> Option<&FileKey> {
        self.keys.get(number).map(Arc::as_ref)
    }

    /// The names of a file, the latest last.
    pub(super) fn names(&self, number: usize) -> &[String] {
        self.names.get(&number).map_or(&[], Vec::as_slice)
    }

    /// Notes a name of a file.
    pub(super) fn name(&mut self, number: usize, name: Option<&String>) {
        let Some(name) = name else {
            return;
        };
        let names = self.names.entry(number).or_default();
        if names.last() == Some(name) {
            return;
        }
        names.retain(|known| known != name);
        names.push(name.clone());
        if names.len() > NAMES_MAX {
            names.remove(0);
        }
    }
}

/// The first reading.
#[derive(Clone, Debug)]
pub struct Relatives {
    query: Query,
    files: Files,
    /// For each file another one of its family, or itself.
    family: Vec<usize>,
    roots: BTreeSet<usize>,
}

impl Relatives {
    /// Asks for a file.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            files: Files::default(),
            family: Vec::new(),
            roots: BTreeSet::new(),
        }
    }

    /// Takes a record in.
    pub fn add(&mut self, entry: &Entry) {
        let (Told::Clone(cloned) | Told::Pending(_, cloned)) = Told::by(entry) else {
            return;
        };
        let source = self.member(&cloned.source, cloned.source_name.as_deref());
        let target = self.member(&cloned.target, cloned.target_name.as_deref());
        let (source, target) = (self.head(source), self.head(target));
        if let Some(family) = self.family.get_mut(target) {
            *family = source;
        }
    }

    /// The number of a file.
    fn member(&mut self, key: &FileKey, name: Option<&str>) -> usize {
        let number = self.files.number(key);
        if number == self.family.len() {
            self.family.push(number);
        }
        if self.query.means(key, name) {
            self.roots.insert(number);
        }
        number
    }

    /// The file that stands for the family of another. The way to it is halved in passing.
    fn head(&mut self, mut number: usize) -> usize {
        while let Some(next) = self
            .family
            .get(number)
            .copied()
            .filter(|next| *next != number)
        {
            let after = self.family.get(next).copied().unwrap_or(next);
            if let Some(family) = self.family.get_mut(number) {
                *family = after;
            }
            number = after;
        }
        number
    }

    /// How many files the query means, as far as the records go.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.roots.len()
    }

    /// What to do the second reading with.
    #[must_use]
    pub fn lineage(mut self) -> Lineage {
        let roots: Vec<usize> = self.roots.iter().copied().collect();
        let heads: HashSet<usize> = roots.iter().map(|root| self.head(*root)).collect();
        let members = 0..self.family.len();
        let members: Vec<usize> = members
            .filter(|number| heads.contains(&self.head(*number)))
            .collect();
        let maps = members.into_iter().map(|number| (number, Map::default()));
        Lineage {
            maps: maps.collect(),
            files: self.files,
            roots,
            edges: HashMap::new(),
            pending: HashMap::new(),
            limits: Limits::default(),
        }
    }
}
