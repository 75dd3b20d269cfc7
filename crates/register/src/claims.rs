//! Who answers to which name.

use std::collections::BTreeMap;

use crate::check::{Checker, Place};
use crate::names;
use crate::problem::Fault;
use crate::register::Names;

/// An entry with the places where it and what it is called stand.
pub(crate) struct Called<'e> {
    pub place: &'e Place,
    /// Has to be unique as written and by its comparison key.
    pub claims: Vec<&'e str>,
    /// Finds the entry only while no other has the same.
    pub name: &'e str,
}

/// Gives each entry its codes and aliases, reports what two claim, then gives out the names
/// that only one has.
pub(crate) fn index(checker: &mut Checker<'_>, entries: &[Called<'_>]) -> Names {
    let mut names = Names::default();
    for (at, entry) in (0u32..).zip(entries) {
        for claim in &entry.claims {
            let key = names::key(claim);
            if key.is_empty() {
                checker.report(entry.place, Fault::BlankAlias((*claim).to_owned()));
                continue;
            }
            match names.by_key.insert(key.into(), at) {
                Some(other) if other != at => {
                    let mut pair = [entry.place, entries[other as usize].place];
                    pair.sort_by_key(|place| place.line);
                    let fault = Fault::Duplicate {
                        name: (*claim).to_owned(),
                        other: pair[0].code.clone(),
                    };
                    checker.report(pair[1], fault);
                }
                // An entry may repeat itself: "Firenze" is the name and, in another case, an alias.
                _ => {}
            }
            names.exact.insert((*claim).into(), at);
        }
    }
    let mut by_name: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (at, entry) in (0u32..).zip(entries) {
        by_name.entry(names::key(entry.name)).or_default().push(at);
    }
    for (key, holders) in by_name {
        if let [only] = holders[..]
            && !names.by_key.contains_key(key.as_str())
        {
            names.exact.insert(entries[only as usize].name.into(), only);
            names.by_key.insert(key.into(), only);
        }
    }
    names
}
