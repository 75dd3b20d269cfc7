//! Register as written. Each entry is first kept as a TOML value, so that a fault in one entry does
//! not hide the faults of others.

use std::collections::BTreeMap;

use affluenza_classify::hours::{MonthDay, OpeningHours};
use affluenza_event::Kind;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::value::Datetime;
use toml::{Spanned, Value};

use crate::model::{EnteKind, Population, PortalKind};
#[cfg(test)]
use crate::schema::{Date, Nature};

/// The register of enti, categories, services, portals and deployments (TOML).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Register"))]
pub(crate) struct RawRegister {
    /// Further files of the register. Names are relative to the folder of this file.
    #[serde(default)]
    pub files: RawFiles,
    /// Texts of the further files by name, in the register of a closed year.
    #[serde(default)]
    pub contents: BTreeMap<String, String>,
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
    /// Deployed services, by ente and service.
    #[cfg_attr(
        test,
        schemars(with = "BTreeMap<String, BTreeMap<String, RawDeployment>>")
    )]
    #[serde(default)]
    pub deployments: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
}

/// Names of further files.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Files"))]
pub(crate) struct RawFiles {
    /// TOML files with the same tables as this one.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub registers: Vec<Spanned<String>>,
    /// CSV files with an ente on each line.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub enti: Vec<Spanned<String>>,
    /// CSV files with a portal on each line.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub portals: Vec<Spanned<String>>,
    /// CSV files with a deployment on each line.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub deployments: Vec<Spanned<String>>,
}

/// Kind of a further file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Register,
    Enti,
    Portals,
    Deployments,
}

impl RawFiles {
    /// Returns every name with the kind of its file.
    pub(crate) fn into_list(self) -> Vec<(Spanned<String>, FileKind)> {
        [
            (self.registers, FileKind::Register),
            (self.enti, FileKind::Enti),
            (self.portals, FileKind::Portals),
            (self.deployments, FileKind::Deployments),
        ]
        .into_iter()
        .flat_map(|(names, kind)| names.into_iter().map(move |name| (name, kind)))
        .collect()
    }
}

/// Reads a day from a TOML date or a text. JSON Schema has no dates, so editors write texts.
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
    /// Display name.
    pub name: String,
    /// Kind of public body.
    pub kind: EnteKind,
    /// Istat code: six digits, as text.
    pub istat: Option<String>,
    /// Belfiore (cadastral) code: a letter and three digits.
    pub belfiore: Option<String>,
    /// IANA name of the time zone; defaults to Europe/Rome.
    pub zone: Option<String>,
    /// Number of inhabitants, with year and source of the count.
    pub population: Option<Population>,
    /// Codes of the municipalities that form a union or metropolitan city. Its residents are theirs.
    #[serde(default)]
    pub members: Vec<String>,
    /// Other names and codes that events may carry.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// First day of the ente.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which the ente no longer exists.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
    /// Code of the ente that replaces this one.
    pub successor: Option<String>,
    /// Day of the patron saint, as MM-DD.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub patron: Option<MonthDay>,
    /// Opening hours of the desk, such as `mo-fr 08:30-12:30; tu,th 14:30-17:00`.
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
    /// Category: a code, or a list of codes with their periods.
    pub category: RawCategories,
    /// Intended kind of use; defaults to plain.
    #[cfg_attr(test, schemars(with = "Option<Nature>"))]
    pub nature: Option<Kind>,
    /// AgID subject matter.
    pub subject: Option<String>,
    /// AgID life event.
    pub life_event: Option<String>,
    /// Other codes that events may carry.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// First day of the service.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which the service no longer exists.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
}

/// A category without dates, as its code alone, or a list of categories with their periods.
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

/// Implemented by hand, because serde's untagged enums lose TOML dates.
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

/// A category during a period.
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
    /// First day of the category.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which the category no longer applies.
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
    /// Display name.
    pub name: String,
    /// Code of the ente.
    pub ente: String,
    /// CloudEvents `source` of the portal's events.
    pub source: String,
    /// Kind of portal: the civic network (public site), the area of online services, or an app.
    pub kind: Option<PortalKind>,
    /// IANA name of the time zone; defaults to that of the ente.
    pub zone: Option<String>,
}

/// A service that an ente offers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Deployment"))]
pub(crate) struct RawDeployment {
    /// First day of the deployment.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<Datetime>,
    /// First day on which the service is no longer offered.
    #[cfg_attr(test, schemars(with = "Option<Date>"))]
    #[serde(default, deserialize_with = "date")]
    pub valid_to: Option<Datetime>,
    /// Intended kind of use at this ente; defaults to that of the service.
    #[cfg_attr(test, schemars(with = "Option<Nature>"))]
    pub nature: Option<Kind>,
}
