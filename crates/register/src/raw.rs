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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRegister {
    #[serde(default)]
    pub ente: Vec<Spanned<Value>>,
    #[serde(default)]
    pub category: Vec<Spanned<Value>>,
    #[serde(default)]
    pub service: Vec<Spanned<Value>>,
    #[serde(default)]
    pub portal: Vec<Spanned<Value>>,
    /// By ente, then by service.
    #[serde(default)]
    pub deployments: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEnte {
    pub code: String,
    pub name: String,
    pub kind: EnteKind,
    pub istat: Option<String>,
    pub belfiore: Option<String>,
    pub zone: Option<String>,
    pub population: Option<Population>,
    #[serde(default)]
    pub aliases: Vec<String>,
    pub valid_from: Option<Datetime>,
    pub valid_to: Option<Datetime>,
    pub successor: Option<String>,
    pub patron: Option<MonthDay>,
    pub desk: Option<OpeningHours>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCategory {
    pub code: String,
    pub name_it: String,
    pub name_en: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawService {
    pub code: String,
    pub name_it: String,
    pub name_en: Option<String>,
    pub category: RawCategories,
    pub nature: Option<Kind>,
    pub subject: Option<String>,
    pub life_event: Option<String>,
    #[serde(default)]
    pub aliases: Vec<String>,
    pub valid_from: Option<Datetime>,
    pub valid_to: Option<Datetime>,
}

/// A category for ever, as its code alone, or some during certain days, as a list.
#[derive(Debug)]
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCategoryPeriod {
    pub code: String,
    pub valid_from: Option<Datetime>,
    pub valid_to: Option<Datetime>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPortal {
    pub code: String,
    pub name: String,
    pub ente: String,
    pub source: String,
    pub zone: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDeployment {
    pub valid_from: Option<Datetime>,
    pub valid_to: Option<Datetime>,
    pub nature: Option<Kind>,
}
