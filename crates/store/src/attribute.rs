//! Attributes of a visit: their columns in the tables. `dimension.rs` declares them.

use crate::sql::joined;

/// Names of the values of an enumeration with their stored codes, in the order of the API.
pub(crate) type NamedCodes = &'static [(&'static str, i8)];

/// Quantity whose shares a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharesOf {
    /// Accesses to pages and areas.
    Accesses,
    /// Completed service uses.
    ServiceUses,
}

/// Use of an attribute in the figures of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InYear {
    /// No separate figures.
    No,
    /// Details by ente under this name. The report has no table of all values.
    Kept(&'static str),
    /// Details by ente, and a table of the report under the same name.
    Printed(&'static str, SharesOf),
}

/// Attribute of a visit: a column of the facts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute {
    /// Place among the columns of the attributes, from 1. Parameters have another order.
    pub(crate) place: u8,
    /// Values; empty for a column of texts.
    pub(crate) codes: NamedCodes,
    /// Comment on the column of the facts.
    pub(crate) facts: &'static str,
    /// Comment on the column of the hour rows; `None` if only the facts have the column.
    pub(crate) hours: Option<&'static str>,
    /// True if the inventory of data lists the attribute as information about a person.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only the test of the inventory reads it")
    )]
    pub(crate) is_about_person: bool,
    pub(crate) in_year: InYear,
}

/// A declared attribute with the name of its column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedAttribute {
    pub(crate) name: &'static str,
    pub(crate) attribute: Attribute,
}

impl Attribute {
    /// Returns the type of the column in a block.
    pub(crate) const fn native_type(self) -> &'static str {
        match self.codes.is_empty() {
            true => "LowCardinality(String)",
            false => "Int8",
        }
    }

    /// Returns the type of the column in a table.
    fn sql_type(self) -> String {
        if self.codes.is_empty() {
            return self.native_type().to_owned();
        }
        enumeration(self.codes)
    }
}

/// Returns the type of a column with these values.
pub(crate) fn enumeration(codes: NamedCodes) -> String {
    let mut codes = codes.to_vec();
    codes.sort_by_key(|(_, code)| *code);
    let codes = codes
        .iter()
        .map(|(name, code)| format!("'{name}' = {code}"));
    format!("Enum8({})", joined(codes))
}

/// Returns the definitions of the columns that have a comment.
fn definitions(
    attributes: &[NamedAttribute],
    comment: impl Fn(Attribute) -> Option<&'static str>,
) -> String {
    let columns = attributes.iter().filter_map(|one| {
        let comment = comment(one.attribute)?;
        let sql_type = one.attribute.sql_type();
        Some(format!("{} {sql_type} COMMENT '{comment}'", one.name))
    });
    columns.collect::<Vec<_>>().join(",\n    ")
}

/// Fills in the columns of the attributes, where a statement of the schema has one of these
/// placeholders:
/// - `{attributes_of_facts}`, `{attributes_of_hours}`: definitions of the columns;
/// - `{attributes}`: names of the columns that the hour rows have.
pub(crate) fn with_attributes(statement: &str, attributes: &[NamedAttribute]) -> String {
    let mut attributes = attributes.to_vec();
    attributes.sort_by_key(|one| one.attribute.place);
    let of_hours = attributes
        .iter()
        .filter(|one| one.attribute.hours.is_some());
    let names = joined(of_hours.map(|one| one.name.to_owned()));
    statement
        .replace(
            "{attributes_of_facts}",
            &definitions(&attributes, |one| Some(one.facts)),
        )
        .replace(
            "{attributes_of_hours}",
            &definitions(&attributes, |one| one.hours),
        )
        .replace("{attributes}", &names)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dimension::ATTRIBUTES;

    #[test]
    fn every_attribute_has_its_own_place() {
        let places: BTreeSet<u8> = ATTRIBUTES.iter().map(|one| one.attribute.place).collect();
        let expected = 1..=u8::try_from(ATTRIBUTES.len()).unwrap();
        assert_eq!(places, expected.collect());
    }

    #[test]
    fn facts_have_columns_that_hour_rows_lack() {
        let sql = with_attributes(
            "({attributes_of_hours})\nORDER BY (ente, {attributes}, band)",
            ATTRIBUTES,
        );
        assert!(sql.contains("channel Enum8('web' = 1, "), "{sql}");
        assert!(
            sql.contains("COMMENT 'ISO 3166-1 alpha-2; empty if unknown',\n"),
            "{sql}"
        );
        assert!(
            sql.ends_with("(ente, channel, login, device, country, portal_kind, band)"),
            "{sql}"
        );
        let facts = with_attributes("{attributes_of_facts}", ATTRIBUTES);
        assert!(
            facts.contains("\n    region LowCardinality(String) "),
            "{facts}"
        );
        assert!(!sql.contains("region"), "{sql}");
    }
}
