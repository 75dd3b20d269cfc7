//! Dimensions of usage. This file declares each dimension once. Columns and SQL, parameters of the
//! API, its OpenAPI document, details of a year and tables of the report follow from the
//! declaration.

use affluenza_event::{Channel, Login};
use serde::{Deserialize, Serialize};

use crate::native::{Numbers, Words, put_column};
use crate::sql::joined;

/// Names of the values of an enumeration with their stored codes, in the order of the API.
type Codes = &'static [(&'static str, i8)];

/// Source of the values of a dimension.
#[derive(Debug, Clone, Copy)]
enum ValueSource {
    /// Column of texts with the name of the dimension.
    Texts,
    /// Column of an enumeration with the name of the dimension.
    Codes(Codes),
    /// Expression of the local time: of its days, and of whole months unless it is finer.
    Time(&'static str, Option<&'static str>),
}

/// Resolution of the dates in a query. A projection can answer a query by months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dates {
    Days,
    Months,
}

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
enum InYear {
    /// No separate figures.
    No,
    /// Details by ente under this name. The report has no table of all values.
    Kept(&'static str),
    /// Details by ente, and a table of the report under the same name.
    Printed(&'static str, SharesOf),
}

/// Attribute of a visit: a column of the facts.
#[derive(Debug, Clone, Copy)]
struct Attribute {
    /// Place among the columns of the attributes, from 1. Parameters have another order.
    place: u8,
    /// Values; empty for a column of texts.
    codes: Codes,
    /// Comment on the column of the facts.
    facts: &'static str,
    /// Comment on the column of the hour rows; `None` if only the facts have the column.
    hours: Option<&'static str>,
    /// True if the inventory of data lists the attribute as information about a person.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only the test of the inventory reads it")
    )]
    is_about_person: bool,
    in_year: InYear,
}

/// A declared attribute with the name of its column.
#[derive(Debug, Clone, Copy)]
struct NamedAttribute {
    name: &'static str,
    attribute: Attribute,
}

/// Type of an attribute's value in a fact, or of its column in a block.
macro_rules! attribute_type {
    (value $life:lifetime Code) => { i8 };
    (value $life:lifetime Text) => { &$life str };
    (column Code) => { Numbers<i8> };
    (column Text) => { Words };
}

/// Declares the dimensions, in the order of the API's parameters, and the columns of attributes.
macro_rules! dimensions {
    (
        stored { $($stored:ident $stored_name:literal => $stored_source:expr,)+ }
        attributes { $($field:ident: $form:ident $($variant:ident)? => $attribute:expr,)+ }
        computed { $($computed:ident $computed_name:literal => $computed_source:expr,)+ }
    ) => {
        /// Dimension for grouping and filtering usage.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Dimension {
            $($stored,)+ $($($variant,)?)+ $($computed,)+
        }

        impl Dimension {
            /// All dimensions.
            pub const ALL: &'static [Self] = &[
                $(Self::$stored,)+ $($(Self::$variant,)?)+ $(Self::$computed,)+
            ];

            /// Returns the name in requests, responses and SQL.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$stored => $stored_name,)+
                    $($(Self::$variant => stringify!($field),)?)+
                    $(Self::$computed => $computed_name,)+
                }
            }

            const fn source(self) -> ValueSource {
                match self {
                    $(Self::$stored => $stored_source,)+
                    $($(Self::$variant => $attribute.source(),)?)+
                    $(Self::$computed => $computed_source,)+
                }
            }

            const fn in_year(self) -> InYear {
                match self {
                    $($(Self::$variant => $attribute.in_year,)?)+
                    _ => InYear::No,
                }
            }
        }

        const ATTRIBUTES: &[NamedAttribute] = &[
            $(NamedAttribute { name: stringify!($field), attribute: $attribute },)+
        ];

        /// Attributes of a visit. Enumerations use the codes of the schema.
        #[derive(Debug, Clone, Copy)]
        #[expect(missing_docs, reason = "the comments on the columns say it")]
        pub struct Attributes<'a> {
            $(pub $field: attribute_type!(value 'a $form),)+
        }

        /// Columns of the attributes in a block of facts.
        #[derive(Debug, Clone, Default)]
        pub(crate) struct AttributeColumns {
            $($field: attribute_type!(column $form),)+
        }

        impl AttributeColumns {
            pub(crate) fn push(&mut self, attributes: &Attributes<'_>) {
                $(self.$field.push(attributes.$field);)+
            }

            pub(crate) fn reserve(&mut self, rows: usize) {
                $(self.$field.reserve(rows);)+
            }

            pub(crate) fn retain(&mut self, keep: &[bool]) {
                $(self.$field.retain(keep);)+
            }

            pub(crate) fn bytes(&self) -> usize {
                [$(self.$field.bytes()),+].into_iter().sum()
            }

            /// Encodes the columns in Native format, in the order of [`attribute_names`].
            pub(crate) fn encode(&self, out: &mut Vec<u8>) {
                $(
                    put_column(stringify!($field), $attribute.native_type(), out);
                    self.$field.encode(out);
                )+
            }
        }
    };
}

dimensions! {
    // Columns with definitions in the SQL files: keys of the tables, or assigned by the register.
    stored {
        Category "category" => ValueSource::Texts,
        Ente "ente" => ValueSource::Texts,
        Service "service" => ValueSource::Texts,
        Kind "kind" => ValueSource::Codes(&[
            ("plain", 1), ("payment", 2), ("booking", 3), ("none", 0),
        ]),
        Portal "portal" => ValueSource::Texts,
    }
    // Columns with definitions made from these declarations. An attribute without a variant of
    // `Dimension` cannot be a filter or group.
    attributes {
        device: Code Device => Attribute {
            place: 3,
            codes: &[
                ("desktop", 1), ("smartphone", 2), ("tablet", 3), ("bot", 4), ("other", 5),
                ("unknown", 0),
            ],
            facts: "Class of the device; bots are not people and are counted separately",
            hours: Some("Class of the device; people are all classes except bot"),
            is_about_person: true,
            in_year: InYear::No,
        },
        device_rule: Text => Attribute {
            place: 4,
            codes: &[],
            facts: "Rule that decided the class of the device",
            hours: None,
            is_about_person: false,
            in_year: InYear::No,
        },
        login: Code Login => Attribute {
            place: 2,
            codes: Login::CODES,
            facts: "Login method",
            hours: Some("Login method"),
            is_about_person: true,
            in_year: InYear::Printed("logins", SharesOf::ServiceUses),
        },
        channel: Code Channel => Attribute {
            place: 1,
            codes: Channel::CODES,
            facts: "Channel of the event",
            hours: Some("Channel of the event"),
            is_about_person: false,
            in_year: InYear::No,
        },
        country: Text Country => Attribute {
            place: 5,
            codes: &[],
            facts: "ISO 3166-1 alpha-2; empty if unknown",
            hours: Some("ISO 3166-1 alpha-2; empty if unknown"),
            is_about_person: true,
            in_year: InYear::Kept("countries"),
        },
        region: Text => Attribute {
            place: 6,
            codes: &[],
            facts: "ISO 3166-2 subdivision; empty if unknown",
            hours: None,
            is_about_person: true,
            in_year: InYear::No,
        },
    }
    // Parts of the local time.
    computed {
        Hour "hour" => ValueSource::Time("toString(u.local_hour)", None),
        Band "band" => ValueSource::Codes(&[("night", 1), ("office", 2), ("evening", 3)]),
        Weekday "weekday" => ValueSource::Time("toString(toDayOfWeek(u.local_date))", None),
        Day "day" => ValueSource::Time("toString(u.local_date)", None),
        Month "month" => ValueSource::Time(
            "substring(toString(u.local_date), 1, 7)",
            Some("substring(toString(toStartOfMonth(u.local_date)), 1, 7)"),
        ),
        Year "year" => ValueSource::Time(
            "toString(toYear(u.local_date))",
            Some("toString(toYear(toStartOfMonth(u.local_date)))"),
        ),
    }
}

/// Hours of the day and weekdays, as texts.
const HOURS: [&str; 24] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19", "20", "21", "22", "23",
];
const WEEKDAYS: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];

impl Dimension {
    /// Returns the names of all dimensions.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|dimension| dimension.name()).collect()
    }

    /// Returns the dimensions with details in the figures of a year, in the order of their names
    /// there.
    pub fn detailed() -> Vec<Self> {
        let all = Self::ALL.iter().copied();
        let mut detailed: Vec<Self> = all.filter(|one| one.plural().is_some()).collect();
        detailed.sort_by_key(|one| one.plural());
        detailed
    }

    /// Returns the name of the details in the figures of a year, and of the report's table; `None`
    /// without details.
    pub const fn plural(self) -> Option<&'static str> {
        match self.in_year() {
            InYear::No => None,
            InYear::Kept(name) | InYear::Printed(name, _) => Some(name),
        }
    }

    /// Returns the quantity whose shares the report's table shows; `None` without a table.
    pub const fn shares_of(self) -> Option<SharesOf> {
        match self.in_year() {
            InYear::Printed(_, shares_of) => Some(shares_of),
            InYear::No | InYear::Kept(_) => None,
        }
    }

    /// Returns the possible values; empty if they are not fixed.
    pub fn values(self) -> Vec<&'static str> {
        match self.source() {
            ValueSource::Codes(codes) => codes.iter().map(|(name, _)| *name).collect(),
            ValueSource::Time(..) if self == Self::Hour => HOURS.to_vec(),
            ValueSource::Time(..) if self == Self::Weekday => WEEKDAYS.to_vec(),
            ValueSource::Texts | ValueSource::Time(..) => Vec::new(),
        }
    }

    /// Returns the stored code of a value; `None` if the dimension is no enumeration with it.
    pub fn code(self, value: &str) -> Option<i8> {
        let ValueSource::Codes(codes) = self.source() else {
            return None;
        };
        let found = codes.iter().find(|(name, _)| *name == value);
        found.map(|(_, code)| *code)
    }

    /// Returns true if the dimension is finer than a month.
    pub(crate) const fn needs_days(self) -> bool {
        matches!(self.source(), ValueSource::Time(_, None))
    }

    /// Returns the SQL expression for a filter: the bare column where possible, to use the primary
    /// key.
    pub(crate) fn filtered(self, dates: Dates) -> String {
        match self.source() {
            ValueSource::Texts => format!("u.{}", self.name()),
            ValueSource::Codes(_) | ValueSource::Time(..) => self.expression(dates),
        }
    }

    /// Returns the SQL expression for the value.
    pub(crate) fn expression(self, dates: Dates) -> String {
        match (self.source(), dates) {
            (ValueSource::Time(_, Some(of_months)), Dates::Months) => of_months.to_owned(),
            (ValueSource::Time(of_days, _), _) => of_days.to_owned(),
            (ValueSource::Texts | ValueSource::Codes(_), _) => {
                format!("toString(u.{})", self.name())
            }
        }
    }
}

impl Attribute {
    const fn source(self) -> ValueSource {
        match self.codes.is_empty() {
            true => ValueSource::Texts,
            false => ValueSource::Codes(self.codes),
        }
    }

    /// Returns the type of the column in a block.
    const fn native_type(self) -> &'static str {
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
fn enumeration(codes: Codes) -> String {
    let mut codes = codes.to_vec();
    codes.sort_by_key(|(_, code)| *code);
    let codes = codes
        .iter()
        .map(|(name, code)| format!("'{name}' = {code}"));
    format!("Enum8({})", joined(codes))
}

/// Returns the attributes in the order of their columns.
fn in_order() -> Vec<NamedAttribute> {
    let mut attributes = ATTRIBUTES.to_vec();
    attributes.sort_by_key(|one| one.attribute.place);
    attributes
}

/// Returns the names of the columns that [`AttributeColumns::encode`] writes.
pub(crate) fn attribute_names() -> impl Iterator<Item = &'static str> {
    ATTRIBUTES.iter().map(|one| one.name)
}

/// Returns the names of the attributes with information about a person.
#[cfg(test)]
pub(crate) fn about_persons() -> impl Iterator<Item = &'static str> {
    let attributes = ATTRIBUTES.iter();
    attributes
        .filter(|one| one.attribute.is_about_person)
        .map(|one| one.name)
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
pub(crate) fn with_attributes(statement: &str) -> String {
    let attributes = in_order();
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
    use crate::migrations;

    #[test]
    fn every_attribute_has_its_own_place() {
        let places: BTreeSet<u8> = ATTRIBUTES.iter().map(|one| one.attribute.place).collect();
        let expected = 1..=u8::try_from(ATTRIBUTES.len()).unwrap();
        assert_eq!(places, expected.collect());
    }

    #[test]
    fn the_schema_has_the_column_of_every_dimension() {
        let mut tables = migrations().iter();
        let facts = tables.find(|one| one.object_name() == "usage_events");
        let hours = tables.find(|one| one.object_name() == "usage_hourly");
        for dimension in Dimension::ALL {
            let column = match dimension.source() {
                ValueSource::Texts => "LowCardinality(String)".to_owned(),
                ValueSource::Codes(codes) => enumeration(codes),
                ValueSource::Time(..) => continue,
            };
            let column = format!("\n    {} {column} COMMENT ", dimension.name());
            for table in [facts, hours] {
                let sql = table.unwrap().sql;
                assert!(sql.contains(&column), "{column}: {sql}");
            }
        }
    }

    #[test]
    fn facts_have_columns_that_hour_rows_lack() {
        let sql = with_attributes("({attributes_of_hours})\nORDER BY (ente, {attributes}, band)");
        assert!(sql.contains("channel Enum8('web' = 1, "), "{sql}");
        assert!(
            sql.contains("COMMENT 'ISO 3166-1 alpha-2; empty if unknown')\n"),
            "{sql}"
        );
        assert!(
            sql.ends_with("(ente, channel, login, device, country, band)"),
            "{sql}"
        );
        let facts = with_attributes("{attributes_of_facts}");
        assert!(
            facts.contains("\n    region LowCardinality(String) "),
            "{facts}"
        );
        assert!(!sql.contains("region"), "{sql}");
    }

    #[test]
    fn details_keep_their_names_and_order() {
        let names: Vec<_> = Dimension::detailed()
            .iter()
            .map(|one| one.plural())
            .collect();
        assert_eq!(names, [Some("countries"), Some("logins")]);
    }
}
