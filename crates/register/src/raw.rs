//! The register as written. Entries are kept as single TOML values first, so that a mistake in
//! one does not hide those in the others.

use std::collections::BTreeMap;

use affluenza_classify::hours::{MonthDay, OpeningHours};
use affluenza_event::Kind;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::value::Datetime;
use toml::{Spanned, Value};

use crate::model::{EnteKind, Population};
#[cfg(test)]
use crate::schema::{Date, Nature};

/// The register of enti, categories, services, portals and deployments (TOML).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Register"))]
pub(crate) struct RawRegister {
    /// Public bodies.
    #[cfg_attr(test, schemars(with = "Vec<RawEnte>"))]
    #[serde(default)]
    pub ente: Vec<Spanned<Value>>,
    /// Categories of services.
    #[cfg_attr(test, schemars(with = "Vec<RawCategory>"))]
    #[serde(default)]
    pub category: Vec<Spanned<Value>>,
    /// Services.
    #[cfg_attr(test, schemars(with = "Vec<RawService>"))]
    #[serde(default)]
    pub service: Vec<Spanned<Value>>,
    /// Portals.
    #[cfg_attr(test, schemars(with = "Vec<RawPortal>"))]
    #[serde(default)]
    pub portal: Vec<Spanned<Value>>,
    /// What is offered: by ente, then by service.
    #[cfg_attr(
        test,
        schemars(with = "BTreeMap<String, BTreeMap<String, RawDeployment>>")
    )]
    #[serde(default)]
    pub deployments: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
}

/// A day, as a date of TOML or as text: schemas know no dates, so editors write texts.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Datetime>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Datetime(date) => Ok(Some(date)),
        Value::String(text) => text.parse().map(Some).map_err(|_| {
            serde::de::Error::custom(format!("{text:?} is no date, such as 2025-07-01"))
        }),
        other => Err(serde::de::Error::custom(format!(
            "expected a date such as 2025-07-01, found {other}"
        ))),
    }
}

/// A public body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Ente"))]
pub(crate) struct RawEnte {
    /// Code in the IPA index, such as c_d612.
    pub code: String,
    /// Name that people read.
    pub name: String,
    /// What kind of body it is.
    pub kind: EnteKind,
    /// Istat code: six digits, as text.
    pub istat: Option<String>,
    /// Belfiore (cadastral) code: a letter and three digits.
    pub belfiore: Option<String>,
    /// Time zone by its IANA name; Europe/Rome without.
    pub zone: Option<String>,
    /// Inhabitants, and when they were counted.
    pub population: Option<Population>,
    /// Other names and codes that events may carry.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// First day.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which it no longer is.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
    /// Code of the ente that took its place.
    pub successor: Option<String>,
    /// The patron saint's day, as MM-DD.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub patron: Option<MonthDay>,
    /// When the desk is open: days and hours, such as `mo-fr 08:30-12:30; tu,th 14:30-17:00`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub desk: Option<OpeningHours>,
}

/// A category of services.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Category"))]
pub(crate) struct RawCategory {
    /// Code in lower case, with hyphens.
    pub code: String,
    /// Italian name.
    pub name_it: String,
    /// English name.
    pub name_en: String,
}

/// A service that enti may offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Service"))]
pub(crate) struct RawService {
    /// Code in lower case, with hyphens.
    pub code: String,
    /// Italian name.
    pub name_it: String,
    /// English name.
    pub name_en: Option<String>,
    /// Its category: a code, or a list of codes with the days on which each holds.
    pub category: RawCategories,
    /// What a use of it is unless the event says otherwise.
    #[cfg_attr(test, schemars(with = "Option<Nature>"))]
    pub nature: Option<Kind>,
    /// AgID subject matter.
    pub subject: Option<String>,
    /// Life event.
    pub life_event: Option<String>,
    /// Other codes that events may carry.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// First day.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which it no longer is.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
}

/// A category for ever, as its code alone, or some during certain days, as a list.
#[derive(Debug)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "Categories", untagged)
)]
pub(crate) enum RawCategories {
    Always(String),
    History(Vec<RawCategoryPeriod>),
}

/// By hand, since serde's untagged enums lose the dates of TOML.
impl<'de> Deserialize<'de> for RawCategories {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;

        impl<'de> Visitor<'de> for TextOrList {
            type Value = RawCategories;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a code, or a list of { code, valid_from, valid_to }, as category")
            }

            fn visit_str<E: serde::de::Error>(self, code: &str) -> Result<RawCategories, E> {
                Ok(RawCategories::Always(code.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawCategories, A::Error> {
                let mut periods = Vec::new();
                while let Some(period) = list.next_element()? {
                    periods.push(period);
                }
                Ok(RawCategories::History(periods))
            }
        }

        deserializer.deserialize_any(TextOrList)
    }
}

/// A category during certain days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "CategoryPeriod")
)]
pub(crate) struct RawCategoryPeriod {
    /// Code of the category.
    pub code: String,
    /// First day.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which it no longer holds.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
}

/// A portal of an ente.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Portal"))]
pub(crate) struct RawPortal {
    /// Code in lower case, with hyphens.
    pub code: String,
    /// Name that people read.
    pub name: String,
    /// Code of the ente.
    pub ente: String,
    /// Address that its events carry as source.
    pub source: String,
    /// Time zone by its IANA name; the ente's without.
    pub zone: Option<String>,
}

/// A service that an ente offers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Deployment"))]
pub(crate) struct RawDeployment {
    /// First day.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which it is no longer offered.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
    /// What a use is here, where that differs from the service.
    #[cfg_attr(test, schemars(with = "Option<Nature>"))]
    pub nature: Option<Kind>,
}
