//! Tests schemas and parser on the examples in `schemas/examples`: both must agree.

use std::fs;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::documents::{all, folder};
use crate::{Message, Mode, Refusal, UnixMillis, read};

/// Write time of the examples: 2026-01-01T00:00:00Z.
const WRITTEN: UnixMillis = UnixMillis(1_767_225_600_000);
/// Refusals that a schema cannot express.
const BEYOND_SCHEMA: [&str; 4] = ["personal-data", "time-ahead", "too-large", "not-json"];

pub(crate) fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// A file in `schemas/examples`. The name of a bad example begins with the reason and two dashes.
struct Example {
    name: String,
    bytes: Vec<u8>,
    reason: Option<String>,
}

fn examples(kind: &str) -> Vec<Example> {
    let mut found: Vec<Example> = fs::read_dir(folder().join("examples").join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let reason = name.split_once("--").map(|(reason, _)| reason.to_owned());
            Example {
                bytes: fs::read(&path).unwrap(),
                reason,
                name,
            }
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(found.len() >= 4, "{kind}");
    found
}

/// True if the schema of the event's type accepts it.
fn fits(event: &Value) -> bool {
    let event_type = event["type"].as_str().unwrap_or_default();
    all()
        .iter()
        .filter(|(name, _)| *name == event_type)
        .any(|(_, schema)| validator(schema).is_valid(event))
}

fn structured(bytes: &[u8]) -> Result<Message<'_>, Refusal> {
    let reading = read(bytes, std::iter::empty, WRITTEN);
    assert_eq!(reading.mode, Mode::Structured);
    reading.message
}

#[test]
fn good_examples_are_good_to_schema_and_parser() {
    for example in examples("good") {
        assert_eq!(example.reason, None, "{}", example.name);
        let event = serde_json::from_slice(&example.bytes).unwrap();
        assert!(fits(&event), "{}", example.name);
        structured(&example.bytes).unwrap_or_else(|refusal| panic!("{}: {refusal}", example.name));
    }
}

#[test]
fn bad_examples_are_refused_for_their_reason_by_both() {
    let mut reasons = std::collections::BTreeSet::new();
    for example in examples("bad") {
        let refusal = structured(&example.bytes).unwrap_err();
        assert_eq!(
            Some(refusal.code()),
            example.reason.as_deref(),
            "{}",
            example.name
        );
        reasons.insert(refusal.code());
        if !BEYOND_SCHEMA.contains(&refusal.code()) {
            let event = serde_json::from_slice(&example.bytes).unwrap();
            assert!(!fits(&event), "{}", example.name);
        }
    }
    // Every reason has an example.
    assert_eq!(reasons.len(), 8, "{reasons:?}");
}

/// Each refusal names place, kind of value, allowed values and, for a near miss, a suggestion.
/// `UPDATE_SCHEMAS=1` writes the file.
#[test]
fn refusals_of_bad_examples_read_as_in_the_file() {
    use std::fmt::Write as _;
    let file = folder().join("examples/refusals.txt");
    let mut text = String::new();
    for example in examples("bad") {
        let refusal = structured(&example.bytes).unwrap_err();
        writeln!(text, "{}\n    {refusal}", example.name).unwrap();
        let event: Value = serde_json::from_slice(&example.bytes).unwrap_or_default();
        let pointer = &refusal.fault.pointer;
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        assert!(event.pointer(parent).is_some(), "{}", example.name);
        if let Some(value) = event.pointer(pointer).and_then(Value::as_str) {
            let is_quoted = !value.is_empty() && refusal.fault.found.contains(value);
            assert_eq!(is_quoted, refusal.fault.suggestion.is_some(), "{refusal}");
        }
    }
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), text);
}

#[test]
fn examples_in_binary_mode_are_equal() {
    for example in examples("binary") {
        let record: Value = serde_json::from_slice(&example.bytes).unwrap();
        let headers: Vec<(&str, &str)> = record["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let payload = record["payload"].to_string();
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (*name, value.as_bytes()));
        let reading = read(payload.as_bytes(), || headers.clone(), WRITTEN);
        assert_eq!(reading.mode, Mode::Binary, "{}", example.name);
        let code = reading
            .message
            .as_ref()
            .err()
            .map(|refusal| refusal.code().to_owned());
        assert_eq!(code, example.reason, "{}", example.name);
        // Structured mode must give an equal message.
        let mut event = json!({ "data": record["payload"] });
        for (name, value) in headers {
            if let Some(attribute) = name.strip_prefix("ce_") {
                event[attribute] = json!(std::str::from_utf8(value).unwrap());
            }
        }
        if let Ok(message) = reading.message {
            let event = event.to_string();
            let other = structured(event.as_bytes()).unwrap();
            // Borrowed and owned texts compare as equal.
            assert_eq!(other, message, "{}", example.name);
        }
    }
}

#[test]
fn both_versions_of_a_service_use_become_the_same_event() {
    let [first, second] = ["v1", "v2"].map(|version| {
        let path = folder().join(format!("examples/good/service-use-{version}-spid.json"));
        fs::read(path).unwrap()
    });
    assert_eq!(structured(&first).unwrap(), structured(&second).unwrap());
}

/// Replacement values. Arrays are left out: serde accepts an array as a struct with its fields in
/// order, which no schema describes.
fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(7)),
        Just(json!(300)),
        Just(json!(-1)),
        Just(json!({})),
        Just(json!({ "means": "spid" })),
        Just(json!({ "means": "cie", "level": 9 })),
        Just(json!({ "means": "spid", "level": 2 })),
        Just(json!("")),
        Just(json!("payment")),
        Just(json!("spid-2")),
        Just(json!("web")),
        Just(json!("2017-02-30T10:00:00Z")),
        Just(json!("2017-03-26T10:00:00")),
        Just(json!("it.affluenza.access.v1")),
        Just(json!("it.affluenza.service-use.v2")),
        Just(json!("203.0.113.0")),
        "[a-zA-Z0-9 ._-]{0,70}".prop_map(Value::String),
    ]
}

/// Lists every place in `value` as a JSON pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    if let Value::Object(fields) = value {
        for (name, field) in fields {
            places(field, &format!("{at}/{name}"), found);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Schema and parser agree on good examples with one or two changes, except for refusals that a
    /// schema cannot express.
    #[test]
    fn schema_and_parser_agree_on_changed_examples(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), proptest::option::of(values())), 1..3),
    ) {
        thread_local! {
            static GOOD: Vec<Value> = examples("good").iter().map(|example| serde_json::from_slice(&example.bytes).unwrap()).collect();
            static VALIDATORS: Vec<(&'static str, Validator)> = all().into_iter().map(|(name, schema)| (name, validator(&schema))).collect();
        }
        let mut event = GOOD.with(|good| pick.get(good).clone());
        for (place, value) in changes {
            let mut found = Vec::new();
            places(&event, "", &mut found);
            let pointer = place.get(&found).clone();
            match (value, pointer.rsplit_once('/')) {
                (Some(value), _) => *event.pointer_mut(&pointer).unwrap() = value,
                (None, Some((parent, name))) => {
                    event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
                }
                (None, None) => {}
            }
        }
        let event_type = event["type"].as_str().unwrap_or_default();
        let by_schema = VALIDATORS.with(|all| all.iter().any(|(name, validator)| *name == event_type && validator.is_valid(&event)));
        let text = event.to_string();
        let read = structured(text.as_bytes());
        if let Err(refusal) = &read {
            let place = refusal.fault.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_named = !refusal.fault.pointer.is_empty() || !event.is_object();
            prop_assert!(is_named || refusal.code() == "too-large", "{refusal}: {text}");
            prop_assert!(event.pointer(place).is_some(), "{refusal}: {text}");
        }
        match read {
            Ok(_) => prop_assert!(by_schema, "{text}"),
            Err(refusal) if BEYOND_SCHEMA.contains(&refusal.code()) => {}
            Err(refusal) => prop_assert!(!by_schema, "{refusal}: {text}"),
        }
    }

    #[test]
    fn no_headers_make_it_panic(
        headers in prop::collection::vec(("(ce_)?[a-z]{0,12}|ce_type|ce_id|content-type", prop::collection::vec(any::<u8>(), 0..40)), 0..10),
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let reading = read(&payload, || headers.clone(), WRITTEN);
        let is_binary = reading.mode == Mode::Binary;
        // Every record yields a message or a refusal with a code, and the headers decide the mode.
        if is_binary {
            prop_assert!(headers.clone().any(|(name, _)| name.starts_with("ce_")));
        }
        if let Err(refusal) = reading.message {
            prop_assert!(!refusal.code().is_empty());
        }
        let _ = crate::origin_of_refused(&payload, headers);
    }
}
