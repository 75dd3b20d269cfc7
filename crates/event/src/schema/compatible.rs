//! Checks that a schema still accepts everything that an earlier release accepted.
//!
//! `schemas/released` holds the released schemas, and events that were valid under them. These
//! files never change; a new version of a type is added.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::documents::{all, folder};
use crate::{Message, UnixMillis};

/// Keywords that do not affect validity.
const REMARKS: [&str; 5] = ["description", "title", "examples", "$id", "$schema"];

/// Returns each place where `new` is stricter than `old`, with the change.
fn refused(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Comparison { old, new }.schemas(old, new, "", &mut found);
    found
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
}

impl Comparison<'_> {
    fn schemas(&self, old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
            if new != &json!(true) && old != new {
                found.push(format!("{at}: was {old}, is {new}"));
            }
            return;
        };
        for (word, after) in after {
            let before = before.get(word);
            if REMARKS.contains(&word.as_str()) || word.starts_with('$') {
                continue;
            }
            if !self.still_accepts(word, before, after, at, found) {
                let before = before.map_or("nothing".to_owned(), Value::to_string);
                found.push(format!("{at}: {word} was {before}, is {after}"));
            }
        }
    }

    /// True if the keyword `word` accepts everything that it accepted before. Nested schemas count
    /// as accepted here; their refusals are added to `found`.
    fn still_accepts(
        &self,
        word: &str,
        before: Option<&Value>,
        after: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) -> bool {
        let number = |value: Option<&Value>| value.and_then(Value::as_f64);
        match (word, before) {
            ("properties", before) => {
                for (name, after) in after.as_object().unwrap() {
                    // An undeclared property could have any value.
                    let before = before.and_then(|before| before.get(name));
                    let at = format!("{at}/{name}");
                    self.schemas(before.unwrap_or(&json!({})), after, &at, found);
                }
                true
            }
            ("items", Some(before)) => {
                self.schemas(before, after, &format!("{at}/[]"), found);
                true
            }
            ("anyOf" | "oneOf", Some(Value::Array(before))) => {
                let choices = after.as_array().unwrap();
                before.iter().all(|before| {
                    choices.iter().any(|after| {
                        let mut inner = Vec::new();
                        self.schemas(before, after, at, &mut inner);
                        inner.is_empty()
                    })
                })
            }
            ("type" | "enum" | "required", before) => {
                let (before, after) = (set(before), set(Some(after)));
                match word {
                    "required" => after.is_subset(&before),
                    _ => !before.is_empty() && before.is_subset(&after),
                }
            }
            ("maxLength" | "maximum" | "maxItems", before) => {
                number(before).is_some_and(|before| Some(before) <= number(Some(after)))
            }
            ("minLength" | "minimum" | "minItems", before) => {
                number(before).is_some_and(|before| Some(before) >= number(Some(after)))
            }
            // Any other keyword must stay unchanged.
            (_, before) => before == Some(after),
        }
    }
}

fn set(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        None => BTreeSet::new(),
        Some(Value::Array(items)) => items.iter().map(Value::to_string).collect(),
        Some(one) => BTreeSet::from([one.to_string()]),
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(path) => document.pointer(path.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

fn released() -> Vec<(String, Value)> {
    let mut schemas: Vec<(String, Value)> = fs::read_dir(folder().join("released"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                name,
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
            )
        })
        .collect();
    schemas.sort_by(|(one, _), (other, _)| one.cmp(other));
    schemas
}

#[test]
fn released_schemas_are_still_accepted() {
    let now = all();
    let released = released();
    assert!(released.len() >= 4);
    for (event_type, before) in released {
        let found = now.iter().find(|(name, _)| *name == event_type);
        let (_, after) = found.unwrap_or_else(|| panic!("{event_type} was released and is gone"));
        assert_eq!(
            refused(&before, after),
            Vec::<String>::new(),
            "{event_type}"
        );
    }
}

#[test]
fn events_that_were_released_are_still_accepted() {
    let text = fs::read_to_string(folder().join("released/events.ndjson")).unwrap();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let event_type = event["type"].as_str().unwrap();
        let reading = crate::read(line.as_bytes(), std::iter::empty, UnixMillis(i64::MAX));
        match reading.message {
            Ok(Message::Usage(_)) => assert_ne!(event_type, crate::CLIENT_REPORT_V1),
            Ok(Message::Report(_)) => assert_eq!(event_type, crate::CLIENT_REPORT_V1),
            Err(refusal) => panic!("{line}: {refusal}"),
        }
        for (name, schema) in all().into_iter().chain(
            released()
                .iter()
                .map(|(name, schema)| (name.as_str(), schema.clone())),
        ) {
            if name == event_type {
                let validator = super::corpus::validator(&schema);
                assert!(validator.is_valid(&event), "{name}: {line}");
            }
        }
        seen.insert(event_type.to_owned());
    }
    assert_eq!(seen, crate::TYPES.into_iter().map(str::to_owned).collect());
}

/// Tests the comparison itself: it must report stricter schemas and no others.
#[test]
fn changes_that_refuse_are_found_and_others_are_not() {
    let (_, old) = all()
        .into_iter()
        .find(|(name, _)| *name == crate::SERVICE_USE_V1)
        .unwrap();
    let data = "/$defs/Data";
    let change = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut new = old.clone();
        change(new.pointer_mut(pointer).unwrap());
        refused(&old, &new)
    };
    for (what, pointer, edit) in [
        (
            "a field more is required",
            "/$defs/Data/required",
            &(|value: &mut Value| value.as_array_mut().unwrap().push(json!("outcome")))
                as &dyn Fn(&mut Value),
        ),
        ("a value less is known", "/$defs/Kind/oneOf", &|value| {
            value.as_array_mut().unwrap().pop();
        }),
        (
            "a pattern is narrower",
            "/$defs/Data/properties/ente/pattern",
            &|value| *value = json!("^[a-z]+$"),
        ),
        ("a text is shorter", "/properties/id/maxLength", &|value| {
            *value = json!(36)
        }),
        (
            "null is refused",
            "/$defs/Client/properties/platform/type",
            &|value| *value = json!("string"),
        ),
        (
            "a type is another",
            "/$defs/Client/properties/mobile/type",
            &|value| *value = json!(["string", "null"]),
        ),
        ("unknown fields are refused", data, &|value| {
            value["additionalProperties"] = json!(false)
        }),
        (
            "an unknown field gets a shape",
            "/$defs/Data/properties",
            &|value| value["amount"] = json!({ "type": "integer" }),
        ),
        (
            "a number is smaller",
            "/$defs/Client/properties/touch_points/maximum",
            &|value| *value = json!(10),
        ),
        (
            "a type has another name",
            "/properties/type/const",
            &|value| *value = json!("it.affluenza.service-use.v3"),
        ),
    ] {
        assert_eq!(change(pointer, edit).len(), 1, "{what}");
    }
    for (what, pointer, edit) in [
        (
            "a value more is known",
            "/$defs/Kind/oneOf",
            &(|value: &mut Value| {
                value
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "const": "tax", "type": "string" }))
            }) as &dyn Fn(&mut Value),
        ),
        ("a text is longer", "/properties/id/maxLength", &|value| {
            *value = json!(1024)
        }),
        (
            "a field less is required",
            "/$defs/Data/required",
            &|value| {
                value.as_array_mut().unwrap().pop();
            },
        ),
        ("a remark changes", "/$defs/Data/description", &|value| {
            *value = json!("other")
        }),
        ("a pattern goes", "/$defs/Data/properties/ente", &|value| {
            value.as_object_mut().unwrap().remove("pattern");
        }),
    ] {
        assert_eq!(change(pointer, edit), Vec::<String>::new(), "{what}");
    }
}
