//! The checked-in contract equals the generated one, and follows the Italian interoperability
//! rules.

use affluenza_api::openapi;
use serde_json::Value;

/// Address of the service in the checked-in contract.
const BASE: &str = "https://affluenza.example.it";
const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../schemas/api.openapi.json"
);

#[test]
fn the_checked_in_contract_is_the_present_one() {
    let present = format!(
        "{}\n",
        serde_json::to_string_pretty(&openapi(BASE)).expect("it is JSON")
    );
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(FILE, &present).expect("it can be written");
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        kept == present,
        "schemas/api.openapi.json differs: run the tests once with UPDATE_SCHEMAS=1"
    );
}

/// Follows a `$ref`, if the value has one.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => value,
    }
}

#[test]
fn the_rules_of_modi_hold() {
    let document = openapi(BASE);
    let info = &document["info"];
    for field in [
        "title",
        "version",
        "description",
        "summary",
        "termsOfService",
        "contact",
        "license",
        "x-api-id",
        "x-summary",
    ] {
        assert!(!info[field].is_null(), "info.{field}");
    }
    let paths = document["paths"].as_object().expect("there are paths");
    assert!(paths.contains_key("/status"), "each API has /status");
    let mut operations = Vec::new();
    for (path, item) in paths {
        let is_plain = path.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/-{}".contains(&byte)
        });
        assert!(is_plain, "{path} is kebab-case, without extension");
        let operation = &item["get"];
        operations.push(
            operation["operationId"]
                .as_str()
                .expect("it has an id")
                .to_owned(),
        );
        for field in ["summary", "description", "tags", "responses"] {
            assert!(!operation[field].is_null(), "{path}: {field}");
        }
        check_responses(&document, path, &operation["responses"]);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            check_parameter(resolved(&document, parameter));
        }
    }
    let count = operations.len();
    operations.sort();
    operations.dedup();
    assert_eq!(operations.len(), count, "operation ids are unique");
    check_schemas(&document, &document["components"]["schemas"]);
}

fn check_responses(document: &Value, path: &str, responses: &Value) {
    for (status, response) in responses.as_object().expect("there are responses") {
        let response = resolved(document, response);
        assert!(response["description"].is_string(), "{path} {status}");
        for header in response["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|pair| pair.1)
        {
            resolved(document, header);
        }
        // Answered before the service sees the request, without a body.
        if status == "431" {
            continue;
        }
        let is_error = status == "default" || status.starts_with(['4', '5']);
        let content = response["content"].as_object();
        if is_error {
            let kinds: Vec<&String> = content.into_iter().flatten().map(|pair| pair.0).collect();
            assert_eq!(kinds, ["application/problem+json"], "{path} {status}");
        }
        if matches!(status.as_str(), "429" | "503") {
            assert!(
                !response["headers"]["Retry-After"].is_null(),
                "{path} {status}"
            );
        }
        let is_limited = path != "/status" && status.starts_with(['2', '3', '4']);
        if is_limited {
            assert!(
                !response["headers"]["RateLimit-Remaining"].is_null(),
                "{path}"
            );
        }
    }
    for needed in ["200", "429", "503", "default"] {
        assert!(!responses[needed].is_null(), "{path} {needed}");
    }
}

fn check_parameter(parameter: &Value) {
    let name = parameter["name"].as_str().expect("it has a name");
    let is_snake = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    assert!(
        is_snake || parameter["in"] == "header",
        "{name} is snake_case"
    );
    assert!(parameter["description"].is_string(), "{name}");
    // Secrets must not appear in addresses.
    assert!(!["key", "token", "api_key"].contains(&name), "{name}");
    let schema = &parameter["schema"];
    let schema = if schema["type"] == "array" {
        assert!(schema["maxItems"].is_number(), "{name} is bounded");
        &schema["items"]
    } else {
        schema
    };
    let is_bounded = match schema["type"].as_str() {
        Some("string") => schema["enum"].is_array() || schema["maxLength"].is_number(),
        Some("integer") => schema["maximum"].is_number() && schema["format"].is_string(),
        _ => true,
    };
    assert!(is_bounded, "{name} is bounded");
}

fn check_schemas(document: &Value, value: &Value) {
    match value {
        Value::Object(object) => {
            if value["$ref"].is_string() {
                resolved(document, value);
            }
            if let Some(properties) = value["properties"].as_object() {
                for name in properties.keys() {
                    let is_snake = name.bytes().all(|byte| {
                        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
                    });
                    assert!(is_snake, "{name} is snake_case");
                }
            }
            object
                .values()
                .for_each(|inner| check_schemas(document, inner));
        }
        Value::Array(list) => list.iter().for_each(|inner| check_schemas(document, inner)),
        _ => {}
    }
}
