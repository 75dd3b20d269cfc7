//! Use by the values of a dimension, such as kinds of login.

use std::collections::BTreeMap;

use affluenza_store::figures::{Detail, ValueUse};
use affluenza_store::usage::{Dimension, SharesOf};
use serde::{Serialize, Serializer};

use crate::ratio::share_percent;

/// Use with one value of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueRow {
    /// Value of the dimension, as in [`Dimension::values`].
    pub value: String,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Completed service uses.
    pub service_uses: u64,
    /// Share of the quantity in [`BreakdownTable::shares_of`], in percent; `None` without any.
    pub share_percent: Option<f64>,
}

/// Use by the values of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakdownTable {
    /// Dimension of the values.
    pub dimension: Dimension,
    /// Name of the table.
    pub name: &'static str,
    /// Quantity whose shares the rows have.
    pub shares_of: SharesOf,
    /// Values with use.
    pub rows: Vec<ValueRow>,
}

/// Use by every dimension of which the report has a table. In JSON each table is a field of the
/// report, and a row has the value under the name of the dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakdownTables(pub Vec<BreakdownTable>);

/// A row in JSON.
#[derive(Serialize)]
struct NamedValueRow<'r> {
    /// Value, by the name of its dimension.
    #[serde(flatten)]
    value: BTreeMap<&'static str, &'r str>,
    accesses: u64,
    service_uses: u64,
    share_percent: Option<f64>,
}

/// Kinds of login in the order of the table.
const LOGINS: [&str; 7] = [
    "spid-1", "spid-2", "spid-3", "cie", "cns", "password", "none",
];

/// Returns the values of a dimension in the order of its table.
fn printed_values(dimension: Dimension) -> Vec<&'static str> {
    match dimension {
        Dimension::Login => LOGINS.to_vec(),
        other => other.values(),
    }
}

impl BreakdownTables {
    pub(crate) fn build(detail: &Detail) -> Self {
        let tables = Dimension::detailed().into_iter().filter_map(|dimension| {
            let shares_of = dimension.shares_of()?;
            Some(BreakdownTable {
                dimension,
                name: dimension.plural()?,
                shares_of,
                rows: rows(detail.breakdowns.rows(dimension), dimension, shares_of),
            })
        });
        Self(tables.collect())
    }
}

/// Returns the rows of a table. Values without use are left out.
fn rows(uses: &[ValueUse], dimension: Dimension, shares_of: SharesOf) -> Vec<ValueRow> {
    let mut sums: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for row in uses {
        let sum = sums.entry(&row.value).or_default();
        sum[0] += row.accesses;
        sum[1] += row.service_uses;
    }
    let shared = match shares_of {
        SharesOf::Accesses => 0,
        SharesOf::ServiceUses => 1,
    };
    let all = sums.values().map(|counts| counts[shared]).sum();
    let mut rows: Vec<ValueRow> = sums
        .into_iter()
        .map(|(value, counts)| ValueRow {
            value: value.to_owned(),
            accesses: counts[0],
            service_uses: counts[1],
            share_percent: share_percent(counts[shared], all),
        })
        .collect();
    let values = printed_values(dimension);
    rows.sort_by_key(|row| {
        let place = values.iter().position(|known| *known == row.value);
        (place.unwrap_or(values.len()), row.value.clone())
    });
    rows
}

impl Serialize for BreakdownTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|row| NamedValueRow {
            value: BTreeMap::from([(self.dimension.name(), &*row.value)]),
            accesses: row.accesses,
            service_uses: row.service_uses,
            share_percent: row.share_percent,
        }))
    }
}

impl Serialize for BreakdownTables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|table| (table.name, table)))
    }
}

#[cfg(test)]
mod tests {
    use affluenza_words::Language;

    use super::*;

    #[test]
    fn every_language_has_the_words_of_the_tables() {
        for table in BreakdownTables::build(&Detail::default()).0 {
            let name = table.dimension.name();
            let values = table.dimension.values();
            let values = values.iter().map(|value| format!("{name}-{value}"));
            let heads = [
                table.name.to_owned(),
                format!("{}.caption", table.name),
                format!("column-{name}"),
            ];
            for id in values.chain(heads) {
                for language in Language::ALL {
                    assert!(language.message(&id, &[]).is_some(), "{language}: {id}");
                }
            }
        }
    }
}
