//! The forms of `forms/forms.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as NameError, StrDeserializer};
use strum::EnumCount as _;

use super::columns::ColumnsForm;
use super::json::JsonForm;
use super::prefix::Prefix;
use super::role::FieldRole;
use super::text::{Names, TextForm};
use super::{FormShape, LogForm};

const FORMS: &str = include_str!("../../forms/forms.toml");

static BUILT_IN: LazyLock<FormCatalogue> =
    LazyLock::new(|| FormCatalogue::read(FORMS).expect("a test reads the built-in forms"));

/// Known forms and prefixes, the most specific first.
#[derive(Debug)]
pub(crate) struct FormCatalogue {
    pub(crate) prefixes: Vec<Prefix>,
    pub(crate) forms: Vec<LogForm>,
    columns: Vec<RawColumns>,
    pub(crate) roles: Roles,
}

/// Roles by the names that servers use.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) nginx: Names,
    pub(crate) apache: Names,
    w3c: Names,
}

#[derive(Deserialize)]
struct RawCatalogue {
    prefix: Vec<RawPrefix>,
    text: Vec<RawText>,
    columns: Vec<RawColumns>,
    json: Vec<RawJson>,
    roles: RawRoles,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrefix {
    name: String,
    pattern: Option<String>,
    #[serde(default)]
    member: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawText {
    name: String,
    short: Option<String>,
    swapped: Option<String>,
    line: String,
    #[serde(default)]
    rest: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawColumns {
    name: String,
    mark: Option<String>,
}

#[derive(Deserialize)]
struct RawJson {
    name: String,
    #[serde(default)]
    always_has_agent: bool,
    #[serde(default)]
    needs: Vec<FieldRole>,
    #[serde(flatten)]
    roles: BTreeMap<FieldRole, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoles {
    nginx: BTreeMap<FieldRole, Vec<String>>,
    apache: BTreeMap<FieldRole, Vec<String>>,
    w3c: BTreeMap<FieldRole, Vec<String>>,
}

impl FormCatalogue {
    /// Returns the catalogue of this program.
    pub(crate) fn built_in() -> &'static Self {
        &BUILT_IN
    }

    fn read(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let raw: RawCatalogue = toml::from_str(text)?;
        let prefixes = raw.prefix.into_iter().map(|prefix| match prefix.pattern {
            Some(pattern) => Prefix::of_pattern(prefix.name, &pattern),
            None => Ok(Prefix::of_member(prefix.name, &prefix.member)),
        });
        let own = own_names();
        let mut forms = Vec::new();
        for raw in raw.text {
            forms.push(LogForm {
                name: raw.name,
                short_name: raw.short,
                swapped_name: raw.swapped,
                shape: FormShape::Text(TextForm::of_catalogue(&raw.line, raw.rest, &own)?),
            });
        }
        for raw in raw.json {
            forms.push(LogForm {
                name: raw.name,
                short_name: None,
                swapped_name: None,
                shape: FormShape::Json(JsonForm::new(&raw.roles, raw.always_has_agent, raw.needs)),
            });
        }
        Ok(Self {
            prefixes: prefixes.collect::<Result<_, _>>()?,
            forms,
            columns: raw.columns,
            roles: Roles {
                nginx: by_name(raw.roles.nginx),
                apache: by_name(raw.roles.apache),
                w3c: by_name(raw.roles.w3c),
            },
        })
    }

    /// Returns the form that a header describes; `None` for a line that is no header.
    pub(crate) fn form_of_header(&self, line: &[u8]) -> Option<LogForm> {
        let columns = ColumnsForm::of_header(line, &self.roles.w3c)?;
        let mut known = self.columns.iter();
        let name = known.find(|form| {
            let mark = form.mark.as_ref();
            mark.is_none_or(|mark| has_column(line, mark))
        })?;
        Some(LogForm {
            name: name.name.clone(),
            short_name: None,
            swapped_name: None,
            shape: FormShape::Columns(columns),
        })
    }
}

fn has_column(header: &[u8], name: &str) -> bool {
    let mut columns = header.split(u8::is_ascii_whitespace);
    columns.any(|column| column == name.as_bytes())
}

fn by_name(roles: BTreeMap<FieldRole, Vec<String>>) -> Names {
    let all = roles.into_iter();
    all.flat_map(|(role, names)| names.into_iter().map(move |name| (name, role)))
        .collect()
}

/// Names of the roles in the forms of the catalogue.
fn own_names() -> Names {
    const NAMES: [&str; FieldRole::COUNT - 1] = [
        "client",
        "forwarded",
        "time",
        "date",
        "clock",
        "request",
        "method",
        "target",
        "query",
        "status",
        "bytes",
        "referer",
        "agent",
        "host",
        "ident",
        "user",
    ];
    let role = |name: &&'static str| {
        let role: StrDeserializer<'_, NameError> = name.into_deserializer();
        Some(((*name).to_owned(), FieldRole::deserialize(role).ok()?))
    };
    NAMES.iter().filter_map(role).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_forms_are_read() {
        let catalogue = FormCatalogue::read(FORMS).unwrap();
        assert_eq!(own_names().len(), FieldRole::COUNT - 1);
        assert!(!catalogue.prefixes.is_empty() && !catalogue.columns.is_empty());
        for form in &catalogue.forms {
            // A misspelled name would be a field that is not read.
            let has_client = form
                .number_of(FieldRole::Client)
                .or(form.number_of(FieldRole::Forwarded));
            assert!(
                has_client.is_some() || matches!(form.shape, FormShape::Json(_)),
                "{}",
                form.name
            );
        }
    }
}
