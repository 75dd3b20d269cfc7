//! Reads country and region from the record layouts of different databases.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::place::{Country, Place, Region};

/// A record of the database. Every field is optional; unknown fields are skipped.
#[derive(Debug, Default)]
pub(super) struct GeoRecord<'a> {
    country_code: Code<'a>,
    country: Code<'a>,
    registered_country: Code<'a>,
    region_code: Code<'a>,
    region: Code<'a>,
    subdivisions: Code<'a>,
}

impl GeoRecord<'_> {
    /// Returns the place. The country where the address is used takes precedence over the country
    /// where it is registered.
    pub(super) fn place(&self) -> Place {
        let country = [&self.country, &self.country_code, &self.registered_country]
            .into_iter()
            .find_map(|code| Country::from_code(code.0?))
            .unwrap_or(Country::UNKNOWN);
        let region = [&self.subdivisions, &self.region_code, &self.region]
            .into_iter()
            .find_map(|code| Region::from_code(country, code.0?))
            .unwrap_or(Region::UNKNOWN);
        Place { country, region }
    }
}

/// A code in one of three forms: a text, a map with `iso_code` (or `code`, `iso`), or a list of
/// which the first element counts. Any other value yields no code and no error.
#[derive(Debug, Default, Clone, Copy)]
struct Code<'a>(Option<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for GeoRecord<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(RecordVisitor)
            .map(|record: GeoRecord<'de>| record)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = GeoRecord<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record of a geography database")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut record = GeoRecord::default();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "country" | "country_iso_code" => record.country = map.next_value()?,
                "country_code" | "countryCode" | "country_code2" | "cc" => {
                    record.country_code = map.next_value()?;
                }
                "registered_country" => record.registered_country = map.next_value()?,
                "region_code" | "regionCode" | "subdivision_code" | "state_code" => {
                    record.region_code = map.next_value()?;
                }
                "region" | "subdivision" | "state" | "state1" => {
                    record.region = map.next_value()?
                }
                "subdivisions" => record.subdivisions = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(record)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Code<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodeVisitor)
    }
}

struct CodeVisitor;

impl<'de> Visitor<'de> for CodeVisitor {
    type Value = Code<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code, a map with a code, or a list of them")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Code(Some(text)))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Code(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut code = Code(None);
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "iso_code" | "code" | "iso" => code = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(code)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let first = list.next_element()?.unwrap_or_default();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Code(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Code(None))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Code(None))
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Self::Value, E> {
        Ok(Code(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Code(None))
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<Self::Value, E> {
        Ok(Code(None))
    }
}
