//! Usage of a year by ente and value of a dimension, for every dimension that the figures of a year
//! keep by ente.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::usage::Dimension;

/// Usage of an ente with one value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ValueUse {
    /// Public body.
    pub ente: String,
    /// Value of the dimension; empty if unknown.
    pub value: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Usage by ente and value, for each dimension of [`Dimension::detailed`]. In JSON every dimension
/// is a list with its plural as name, and a row has the value under the name of the dimension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdowns(BTreeMap<Dimension, Vec<ValueUse>>);

/// A row in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct NamedRow {
    ente: String,
    /// Value, by the name of its dimension.
    #[serde(flatten)]
    value: BTreeMap<String, String>,
    accesses: u64,
    service_uses: u64,
}

impl Breakdowns {
    /// Returns the rows of a dimension, in the order of ente and value; none if they were not
    /// requested.
    pub fn rows(&self, dimension: Dimension) -> &[ValueUse] {
        self.0.get(&dimension).map_or(&[], Vec::as_slice)
    }

    /// Returns the rows for which `keep` returns true.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&ValueUse) -> bool) -> Self {
        let dimensions = self.0.iter().map(|(dimension, rows)| {
            let rows = rows.iter().filter(|row| keep(row)).cloned();
            (*dimension, rows.collect())
        });
        dimensions.collect()
    }
}

impl FromIterator<(Dimension, Vec<ValueUse>)> for Breakdowns {
    fn from_iter<I: IntoIterator<Item = (Dimension, Vec<ValueUse>)>>(lists: I) -> Self {
        // An empty list is equal to one that was not requested.
        let lists = lists.into_iter().filter(|(_, rows)| !rows.is_empty());
        Self(lists.collect())
    }
}

impl NamedRow {
    fn of(row: &ValueUse, dimension: Dimension) -> Self {
        let value = (dimension.name().to_owned(), row.value.clone());
        Self {
            ente: row.ente.clone(),
            value: BTreeMap::from([value]),
            accesses: row.accesses,
            service_uses: row.service_uses,
        }
    }

    fn into_row(mut self, dimension: Dimension) -> ValueUse {
        ValueUse {
            ente: self.ente,
            value: self.value.remove(dimension.name()).unwrap_or_default(),
            accesses: self.accesses,
            service_uses: self.service_uses,
        }
    }
}

impl Serialize for Breakdowns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lists = Dimension::detailed().into_iter().map(|dimension| {
            let rows = self.rows(dimension).iter();
            let rows = rows.map(|row| NamedRow::of(row, dimension));
            (dimension.plural(), rows.collect::<Vec<_>>())
        });
        serializer.collect_map(lists)
    }
}

impl<'de> Deserialize<'de> for Breakdowns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Lists of other names belong to a later version.
        let mut lists: BTreeMap<String, serde_json::Value> =
            Deserialize::deserialize(deserializer)?;
        let breakdowns = Dimension::detailed().into_iter().filter_map(|dimension| {
            let list = lists.remove(dimension.plural()?)?;
            let rows = serde_json::from_value::<Vec<NamedRow>>(list).map_err(D::Error::custom);
            Some(rows.map(|rows| {
                let rows = rows.into_iter().map(|row| row.into_row(dimension));
                (dimension, rows.collect())
            }))
        });
        breakdowns.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Detail;

    #[test]
    fn lists_have_the_names_of_their_dimensions() {
        let row = |value: &str| ValueUse {
            ente: "c_a".into(),
            value: value.into(),
            accesses: 2,
            service_uses: 1,
        };
        let lists = [
            (Dimension::Login, vec![row("cie"), row("none")]),
            (Dimension::Country, vec![row("")]),
        ];
        let detail = Detail {
            breakdowns: lists.into_iter().collect(),
            ..Detail::default()
        };
        let json = serde_json::to_string(&detail).unwrap();
        let expected = concat!(
            r#""countries":[{"ente":"c_a","country":"","accesses":2,"service_uses":1}],"#,
            r#""logins":[{"ente":"c_a","login":"cie","accesses":2,"service_uses":1},"#,
            r#"{"ente":"c_a","login":"none","accesses":2,"service_uses":1}],"days":[]"#
        );
        assert!(json.contains(expected), "{json}");
        let read: Detail = serde_json::from_str(&json).unwrap();
        for dimension in [Dimension::Country, Dimension::Login] {
            let rows = detail.breakdowns.rows(dimension);
            assert_eq!(read.breakdowns.rows(dimension), rows);
        }
        let without = json.replace("\"countries\"", "\"colours\"");
        let without: Detail = serde_json::from_str(&without).unwrap();
        assert_eq!(without.breakdowns.rows(Dimension::Country), []);
        let logins = without.breakdowns.rows(Dimension::Login);
        assert_eq!(logins, detail.breakdowns.rows(Dimension::Login));
    }
}
