use std::path::PathBuf;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::wire::{Data, Envelope, LoginMeans, Report};
use crate::{ACCESS_V1, CLIENT_REPORT_V1, Login, SERVICE_USE_V1, SERVICE_USE_V2};

/// Prefix of the schema identifiers.
const BASE: &str = "urn:affluenza:event";

/// Path of the folder `schemas`.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

/// Compares `made` with the file `name` in `schemas`, or writes the file if UPDATE_SCHEMAS is set.
pub(crate) fn must_be_written(name: &str, made: &Value) {
    let path = folder().join(name);
    let made = format!("{made:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "schemas/{name} differs from the types: run the tests once with UPDATE_SCHEMAS=1"
    );
}

/// Returns the schema of each event type.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let mut access =
        of::<Data<'_, Login>>(ACCESS_V1, "A page or area of a portal or app was visited.");
    access["$defs"]["Data"]["properties"]["kind"] =
        json!({ "description": "An access has no kind.", "type": "null" });
    let mut use_v1 = of::<Data<'_, Login>>(SERVICE_USE_V1, "A service was used.");
    require(&mut use_v1, &["service", "kind"]);
    let mut use_v2 = of::<Data<'_, LoginMeans>>(
        SERVICE_USE_V2,
        "A service was used. In addition to version 1: the outcome, and separate fields for means and level of the login.",
    );
    require(&mut use_v2, &["service", "kind", "outcome"]);
    use_v2["$defs"]["LoginMeans"]["if"] = json!({ "properties": { "means": { "const": "spid" } } });
    use_v2["$defs"]["LoginMeans"]["then"] =
        json!({ "required": ["level"], "properties": { "level": { "type": "integer" } } });
    let report = of::<Report<'_>>(
        CLIENT_REPORT_V1,
        "Events that a producer had to drop. They explain gaps in its sequence numbers.",
    );
    vec![
        (ACCESS_V1, access),
        (SERVICE_USE_V1, use_v1),
        (SERVICE_USE_V2, use_v2),
        (CLIENT_REPORT_V1, report),
    ]
}

fn of<D: JsonSchema>(event_type: &'static str, description: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator
        .into_root_schema_for::<Envelope<'static, D>>()
        .to_value();
    schema["$id"] = json!(format!("{BASE}:{event_type}"));
    schema["title"] = json!(event_type);
    schema["description"] = json!(description);
    schema["properties"]["type"] = json!({ "const": event_type });
    schema["properties"]["specversion"] = json!({ "const": "1.0" });
    if schema["$defs"].get("Data").is_some() {
        schema["$defs"]["Data"]["description"] =
            json!("Unknown fields are ignored, so that an emitter may be newer than the consumer.");
    }
    if schema["$defs"].get("LoginMeans").is_some() {
        schema["$defs"]["LoginMeans"]["description"] =
            json!("Means and level with which a person was identified.");
    }
    tidy(&mut schema);
    schema
}

/// Makes fields of `data` required and not nullable.
fn require(schema: &mut Value, fields: &[&str]) {
    let data = &mut schema["$defs"]["Data"];
    for field in fields {
        data["required"].as_array_mut().unwrap().push(json!(field));
        let property = data["properties"][*field].as_object_mut().unwrap();
        if let Some(Value::Array(choices)) = property.remove("anyOf") {
            let chosen = choices.into_iter().find(|choice| choice["type"] != "null");
            let Some(Value::Object(chosen)) = chosen else {
                panic!("{field} is nothing but null");
            };
            property.extend(chosen);
        } else if let Some(Value::Array(types)) = property.remove("type") {
            property.insert("type".into(), types[0].clone());
        }
    }
}

/// Turns doc comments into descriptions: joins their lines and replaces links by names.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text
                    .replace('\n', " ")
                    .replace("[`crate::", "`")
                    .replace("`]", "`");
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for (event_type, schema) in all() {
        must_be_written(&format!("events/{event_type}.json"), &schema);
    }
}

#[test]
fn the_schemas_are_schemas() {
    for (event_type, schema) in all() {
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{event_type}: {error}"));
    }
}
