//! Dimensions of usage. This file declares each dimension once. SQL, parameters of the API, its
//! OpenAPI document, details of a year and tables of the report follow from the declaration, and so
//! do the columns of attributes. Columns of other dimensions stand in `schemas/clickhouse`.

use crate::attribute::{Attribute, InYear, NamedAttribute, NamedCodes, SharesOf};
use crate::native::{Numbers, Ranked as _, Words, put_column};

/// Source of the values of a dimension.
#[derive(Debug, Clone, Copy)]
enum ValueSource {
    /// Column of texts with the name of the dimension.
    Texts,
    /// Column of an enumeration with the name of the dimension.
    Codes(NamedCodes),
    /// Expression of the local time: of its days, and of whole months unless it is finer.
    Time(&'static str, Option<&'static str>),
}

impl ValueSource {
    const fn of_column(codes: NamedCodes) -> Self {
        match codes.is_empty() {
            true => Self::Texts,
            false => Self::Codes(codes),
        }
    }
}

/// Resolution of the dates in a query. A projection can answer a query by months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dates {
    Days,
    Months,
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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
                    $($(Self::$variant => ValueSource::of_column($attribute.codes),)?)+
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

        /// Declared attributes.
        pub(crate) const ATTRIBUTES: &[NamedAttribute] = &[
            $(NamedAttribute { name: stringify!($field), attribute: $attribute },)+
        ];

        /// Attributes of a visit. Enumerations use the codes of the schema.
        #[derive(Debug, Clone, Copy)]
        #[expect(missing_docs, reason = "the comments on the columns say it")]
        pub struct VisitAttributes<'a> {
            $(pub $field: attribute_type!(value 'a $form),)+
        }

        /// Columns of the attributes in a block of facts.
        #[derive(Debug, Clone, Default)]
        pub(crate) struct AttributeColumns {
            $($field: attribute_type!(column $form),)+
        }

        impl AttributeColumns {
            pub(crate) fn push(&mut self, attributes: &VisitAttributes<'_>) {
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

            /// Encodes the columns of these rows in Native format, in the order of [`ATTRIBUTES`].
            /// `is_chosen` selects the columns.
            pub(crate) fn encode(
                &self,
                is_chosen: impl Fn(&Attribute) -> bool,
                order: &[u32],
                out: &mut Vec<u8>,
            ) {
                $(
                    let attribute: Attribute = $attribute;
                    if is_chosen(&attribute) {
                        put_column(stringify!($field), attribute.native_type(), out);
                        self.$field.encode(order, out);
                    }
                )+
            }

            /// Calls `put` with the place and the ranks of all rows of each attribute that the hour
            /// rows have.
            pub(crate) fn each_rank(&self, rows: usize, mut put: impl FnMut(u8, Vec<u32>)) {
                $(
                    let attribute: Attribute = $attribute;
                    if attribute.hours.is_some() {
                        let ranks = self.$field.ranks();
                        let of_rows = (0..rows).map(|row| self.$field.rank(&ranks, row));
                        put(attribute.place, of_rows.collect());
                    }
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
        portal_kind: Code PortalKind => Attribute {
            place: 7,
            codes: &[("civic", 1), ("services", 2), ("app", 3), ("unknown", 0)],
            facts: "Kind of the portal in the register: civic network, area of services, or app; unknown if the register does not know the portal or its kind",
            hours: Some("Kind of the portal: civic network, area of services, or app; unknown without it"),
            is_about_person: false,
            in_year: InYear::No,
        },
        device: Code Device => Attribute {
            place: 3,
            codes: &[
                ("desktop", 1), ("smartphone", 2), ("tablet", 3), ("bot", 4), ("other", 5),
                ("no-agent", 6), ("unknown", 0),
            ],
            facts: "Class of the device. bot and no-agent (the client sent no user agent) are not people and are counted separately; unknown if no user agent was recorded",
            hours: Some("Class of the device; people are all classes except bot and no-agent"),
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
            codes: &[
                ("none", 1), ("password", 2), ("spid-1", 3), ("spid-2", 4), ("spid-3", 5),
                ("cie", 6), ("cns", 7),
            ],
            facts: "Login method",
            hours: Some("Login method"),
            is_about_person: true,
            in_year: InYear::Printed("logins", SharesOf::ServiceUses),
        },
        channel: Code Channel => Attribute {
            place: 1,
            codes: &[("web", 1), ("app", 2), ("desk", 3), ("import", 4)],
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::enumeration;
    use crate::migrations;

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
    fn details_keep_their_names_and_order() {
        let names: Vec<_> = Dimension::detailed()
            .iter()
            .map(|one| one.plural())
            .collect();
        assert_eq!(names, [Some("countries"), Some("logins")]);
    }
}
