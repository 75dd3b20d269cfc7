//! Assigns codes, aliases and names to entries.

use std::collections::BTreeMap;

use crate::check::{Checker, EntryPosition};
use crate::names;
use crate::problem::Fault;
use crate::register::Names;

/// An entry with its position, codes and name.
pub(crate) struct Called<'e> {
    pub place: &'e EntryPosition,
    /// Codes and aliases. They must be unique as written and by comparison key.
    pub claims: Vec<&'e str>,
    /// Display name. It identifies the entry only if no other entry has the same name.
    pub name: &'e str,
}

/// Builds the lookup index. Codes and aliases come first, and duplicates among them are reported.
/// Names follow, if only one entry has them.
pub(crate) fn index(checker: &mut Checker, entries: &[Called<'_>]) -> Names {
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
                    pair.sort_by_key(|place| (&place.at.file, place.at.line));
                    let fault = Fault::Duplicate {
                        name: (*claim).to_owned(),
                        other: pair[0].code.clone(),
                    };
                    checker.report(pair[1], fault);
                }
                // An entry may claim a key twice: "Firenze" is the name and, in another case, an
                // alias.
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
