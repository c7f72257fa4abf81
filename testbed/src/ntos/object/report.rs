//! What the object table says of its objects in reports: labels, places, references that were left.

use std::collections::BTreeMap;

use super::{ObjectAddress, ObjectTable, SPACING};
use crate::verifier::{Rule, Violation};

impl ObjectTable {
    /// The label of an object, deleted ones included.
    #[must_use]
    pub fn label(&self, address: ObjectAddress) -> Option<String> {
        let table = self.table();
        let live = table
            .live
            .get(&address.0)
            .map(|object| object.label.clone());
        live.or_else(|| table.deleted.get(&address.0).cloned())
    }

    /// What a driver still references, as violations that name the calls.
    #[must_use]
    pub fn leaks(&self, driver: u32) -> Vec<Violation> {
        let table = self.table();
        let held = table.live.values().flat_map(|object| {
            object
                .references
                .iter()
                .filter(|(site, _)| site.driver == driver)
                .map(|(site, with)| {
                    let detail = format!(
                        "{} was referenced by {site} and never released with {with}",
                        object.label
                    );
                    Violation::new(Rule::Leak, detail)
                })
        });
        held.collect()
    }

    /// The calls of drivers that reference an object and have not let go of it.
    #[must_use]
    pub fn referenced_by(&self, address: ObjectAddress) -> Vec<String> {
        let table = self.table();
        let object = table.live.get(&address.0);
        let references = object.map_or(&[][..], |object| &object.references);
        references
            .iter()
            .map(|(site, _)| site.to_string())
            .collect()
    }

    /// Says which object `address` lies in.
    #[must_use]
    pub fn describe(&self, address: u64) -> Option<String> {
        if !self.owns(address) {
            return None;
        }
        let table = self.table();
        let named = |map: &BTreeMap<u64, String>| {
            let (start, label) = map.range(..=address).next_back()?;
            (address - start < SPACING)
                .then(|| format!("byte {:#x} of the deleted {label}", address - start))
        };
        let live = table
            .live
            .range(..=address)
            .next_back()
            .and_then(|(start, object)| {
                let offset = address - start;
                (offset < SPACING)
                    .then(|| format!("byte {offset:#x} of the opaque {}", object.label))
            });
        live.or_else(|| named(&table.deleted))
            .or_else(|| Some("no object at all".to_owned()))
    }
}
