//! Schema of register files, `schemas/register.schema.json`, generated from the types that read
//! them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use affluenza_event::Kind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use strum::VariantNames as _;

use crate::raw::RawRegister;
use crate::rows::{DEPLOYMENT, ENTE, PORTAL};

/// A TOML date, which is a text in JSON.
pub(crate) struct Date;

impl JsonSchema for Date {
    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

/// Intended kind of use of a service.
pub(crate) struct Nature;

impl JsonSchema for Nature {
    fn schema_name() -> Cow<'static, str> {
        "Nature".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Kind::VARIANTS })
    }
}

fn schema() -> String {
    let schema = schemars::schema_for!(RawRegister);
    let text = serde_json::to_string_pretty(&schema).unwrap();
    format!("{text}\n")
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/register.schema.json")
}

/// Converts TOML to JSON, with dates as texts.
fn as_json(text: &str) -> serde_json::Value {
    fn convert(value: toml::Value) -> serde_json::Value {
        match value {
            toml::Value::Datetime(date) => date.to_string().into(),
            toml::Value::Array(list) => list.into_iter().map(convert).collect(),
            toml::Value::Table(table) => table
                .into_iter()
                .map(|(key, value)| (key, convert(value)))
                .collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    convert(toml::Value::Table(text.parse().unwrap()))
}

#[test]
fn the_schema_is_that_of_the_types() {
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(file(), schema()).unwrap();
    }
    let written = std::fs::read_to_string(file()).unwrap();
    assert_eq!(
        written,
        schema(),
        "run the tests once with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn the_schema_takes_what_the_register_takes() {
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema()).unwrap()).unwrap();
    let example = as_json(include_str!("../../../deploy/register.toml"));
    let errors: Vec<String> = validator
        .iter_errors(&example)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    for wrong in [
        "[[ente]]\ncode = 'c_a'\nname = 'A'\nkind = 'village'",
        "[[ente]]\ncode = 'c_a'\nkind = 'comune'",
        "[[ente]]\ncode = 'c_a'\nname = 'A'\nkind = 'comune'\ncolour = 'red'",
        "[[service]]\ncode = 's'\nname_it = 'S'\ncategory = 'x'\nnature = 'gift'",
        "[[portal]]\ncode = 1",
        "colour = 'red'",
    ] {
        assert!(!validator.is_valid(&as_json(wrong)), "{wrong}");
    }
}

#[test]
fn the_columns_of_csv_files_are_the_fields_of_the_tables() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    for (table, columns) in [
        ("Ente", ENTE),
        ("Portal", PORTAL),
        ("Deployment", DEPLOYMENT),
    ] {
        let of_table = &schema["$defs"][table];
        let fields = of_table["properties"].as_object().unwrap();
        let mut fields: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        let required = of_table["required"].as_array();
        let mut required: BTreeSet<&str> = required
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .collect();
        if fields.remove("population") {
            fields.extend(["inhabitants", "inhabitants_year", "inhabitants_source"]);
        }
        if table == "Deployment" {
            // In TOML they are the keys.
            fields.extend(["ente", "service"]);
            required.extend(["ente", "service"]);
        }
        let names: BTreeSet<&str> = columns.names.iter().copied().collect();
        assert_eq!(names, fields, "{table}");
        let first: BTreeSet<&str> = columns.names[..columns.required].iter().copied().collect();
        assert_eq!(first, required, "{table}");
    }
}
