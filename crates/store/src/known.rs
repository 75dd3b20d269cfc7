//! Codes that the register knows. Codes come from events, so the number of the others has no limit.

use std::collections::{BTreeMap, BTreeSet};

use crate::dimension::Dimension;
use crate::sql::any_of;

/// Value of ente, portal or service that stands for every code that the register does not know.
pub const UNREGISTERED: &str = "unregistered";

/// Length of a list of codes, in bytes. ClickHouse accepts 128 KiB in each field of a form.
const LIST_BYTES_MAX: usize = 64 << 10;

/// Codes that the register knows, by dimension. Codes of other dimensions are not judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct KnownCodes(BTreeMap<Dimension, Vec<Vec<String>>>);

impl KnownCodes {
    /// Adds the codes of a dimension.
    #[must_use]
    pub fn with<'c>(mut self, dimension: Dimension, codes: impl Iterator<Item = &'c str>) -> Self {
        let mut lists: Vec<Vec<String>> = Vec::new();
        let mut room = 0;
        for code in codes.collect::<BTreeSet<&str>>() {
            // With quotes and a comma.
            let bytes = code.len() + 3;
            match lists.last_mut().filter(|_| bytes <= room) {
                Some(last) => last.push(code.to_owned()),
                None => {
                    lists.push(vec![code.to_owned()]);
                    room = LIST_BYTES_MAX;
                }
            }
            room = room.saturating_sub(bytes);
        }
        self.0.insert(dimension, lists);
        self
    }

    pub(crate) fn has_lists(&self, dimension: Dimension) -> bool {
        self.0.contains_key(&dimension)
    }

    pub(crate) fn lists(
        &self,
        dimension: Dimension,
    ) -> impl Iterator<Item = (String, &Vec<String>)> {
        let lists = self.0.get(&dimension).into_iter().flatten().enumerate();
        lists.map(move |(at, list)| (format!("known_{}_{at}", dimension.name()), list))
    }

    /// Returns the SQL condition that the register knows the code in a column.
    pub(crate) fn condition(&self, dimension: Dimension, column: &str) -> String {
        let lists = self.lists(dimension);
        let any = any_of(lists.map(|(name, _)| format!("{column} IN {{{name}:Array(String)}}")));
        format!("({any})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fill_lists_that_fit_a_field_of_a_form() {
        let codes: Vec<String> = (0..23_000).map(|at| format!("c_{at:06}")).collect();
        let both = codes.iter().chain(&codes).map(String::as_str);
        let known = KnownCodes::default().with(Dimension::Ente, both);
        let lists: Vec<_> = known.lists(Dimension::Ente).collect();
        let bytes = |list: &[String]| list.iter().map(|code| code.len() + 3).sum::<usize>();
        assert!(lists.iter().all(|(_, list)| bytes(list) <= LIST_BYTES_MAX));
        let all: Vec<&String> = lists.iter().flat_map(|(_, list)| *list).collect();
        assert_eq!(all, codes.iter().collect::<Vec<_>>());
        assert_eq!((lists.len(), &*lists[3].0), (4, "known_ente_3"));
    }

    #[test]
    fn without_codes_of_a_dimension_none_is_known() {
        let known = KnownCodes::default().with(Dimension::Portal, std::iter::empty());
        assert_eq!(known.condition(Dimension::Portal, "p"), "(0)");
        assert!(known.has_lists(Dimension::Portal) && !known.has_lists(Dimension::Ente));
    }
}
