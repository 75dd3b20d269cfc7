use serde_json::{Value, json};

use super::documents::{all, must_be_written};
use crate::{AHEAD_MS_MAX, EVENT_BYTES_MAX};

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// Headers that the consumer adds to a dead letter.
fn dead_letter_headers() -> Value {
    json!({
        "type": "object",
        "required": ["affluenza-fate", "affluenza-reason", "affluenza-stream", "affluenza-partition", "affluenza-offset"],
        "properties": {
            "affluenza-fate": { "type": "string", "enum": ["rejected", "quarantined"], "description": "Fate of the record: rejected ones can never become events, quarantined ones wait for a person's decision." },
            "affluenza-reason": { "type": "string", "description": "Code of the reason.", "examples": ["bad-time", "unknown-shape", "personal-data"] },
            "affluenza-detail": text("Explanation of the reason. It never contains a value of the record."),
            "affluenza-stream": text("Cluster and topic of the record, by their ids."),
            "affluenza-partition": text("Partition of the record."),
            "affluenza-offset": text("Offset of the record."),
            "affluenza-written-ms": text("Time at which the record was written, in milliseconds since 1970."),
            "affluenza-payload-bytes": text("Length of the record's payload; at most 256 KiB of it are kept."),
            "affluenza-payload-xxh3": text("128-bit XXH3 of a payload that is not text. Nothing else of such a payload is kept.")
        },
        "patternProperties": {
            "^(ce_|content-type$)": text("Header of a record in binary mode, redacted like the payload.")
        }
    })
}

fn messages() -> serde_json::Map<String, Value> {
    all()
        .into_iter()
        .map(|(event_type, schema)| {
            let message = json!({
                "name": event_type,
                "title": event_type,
                "summary": schema["description"],
                "contentType": "application/cloudevents+json",
                "payload": {
                    "schemaFormat": "application/schema+json;version=draft-2020-12",
                    "schema": { "$ref": format!("./events/{event_type}.json") }
                },
                "bindings": { "kafka": {
                    "key": { "type": "string", "description": "Id of the event. Copies of an event have the same key, so they are in one partition." },
                    "bindingVersion": "0.5.0"
                } }
            });
            (name_of(event_type), message)
        })
        .collect()
}

/// Name of a message in the components section, with dashes in place of dots.
fn name_of(event_type: &str) -> String {
    event_type
        .trim_start_matches("it.affluenza.")
        .replace('.', "-")
}

fn reference(path: &str) -> Value {
    json!({ "$ref": path })
}

fn channel_messages(channel: &str) -> Vec<Value> {
    all()
        .iter()
        .map(|(event_type, _)| {
            reference(&format!(
                "#/channels/{channel}/messages/{}",
                name_of(event_type)
            ))
        })
        .collect()
}

fn event_references() -> serde_json::Map<String, Value> {
    all()
        .iter()
        .map(|(event_type, _)| {
            let name = name_of(event_type);
            let path = format!("#/components/messages/{name}");
            (name, reference(&path))
        })
        .collect()
}

fn channels() -> Value {
    json!({
        "events": {
            "address": "affluenza.events",
            "title": "Events on Kafka",
            "description": "CloudEvents 1.0 in structured mode; binary mode (`ce_` headers, content-type application/json) is accepted, too. The name of the topic is configured.",
            "servers": [reference("#/servers/kafka")],
            "messages": event_references()
        },
        "dead-letters": {
            "address": "affluenza.dead-letters",
            "title": "Records that did not become events",
            "description": "Each record has the reason, its position in the log and the part of its payload that may be kept. The name of the topic is configured.",
            "servers": [reference("#/servers/kafka")],
            "messages": { "dead-letter": reference("#/components/messages/dead-letter") }
        },
        "collector": {
            "address": "/v1/events",
            "title": "Events over HTTP",
            "description": "One event (application/cloudevents+json), several as a JSON array (application/cloudevents-batch+json, application/json) or one a line (application/x-ndjson), at most 1,000 events or 1 MiB; gzip is accepted. Sending an event again with the same source and id changes nothing.",
            "servers": [reference("#/servers/collector")],
            "messages": event_references()
        }
    })
}

fn operations() -> Value {
    json!({
        "consume": {
            "action": "receive",
            "channel": reference("#/channels/events"),
            "summary": "Stores every event once as a fact.",
            "messages": channel_messages("events")
        },
        "setAside": {
            "action": "send",
            "channel": reference("#/channels/dead-letters"),
            "summary": "Keeps every record that did not become an event.",
            "messages": [reference("#/channels/dead-letters/messages/dead-letter")]
        },
        "collect": {
            "action": "receive",
            "channel": reference("#/channels/collector"),
            "summary": "Accepts events of portals. Answers 202 when they are on disk.",
            "bindings": { "http": { "method": "POST", "bindingVersion": "0.3.0" } },
            "security": [reference("#/components/securitySchemes/portalKey")],
            "messages": channel_messages("collector")
        }
    })
}

fn document() -> Value {
    let mut components = messages();
    components.insert(
        "dead-letter".into(),
        json!({
            "name": "dead-letter",
            "title": "Dead letter",
            "summary": "A record that did not become an event.",
            "contentType": "application/octet-stream",
            "headers": dead_letter_headers(),
            "payload": { "description": "The record's payload. Values that are unknown to the contract or have another form are replaced by asterisks, long tokens of sessions and visitors by their hashes." }
        }),
    );
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:affluenza",
        "info": {
            "title": "Affluenza events",
            "version": "2.0.0",
            "description": format!(
                "Events about the use of portals. An event has at most {EVENT_BYTES_MAX} bytes, and its time is at most {} minutes ahead of its record. Every version of a type stays accepted.",
                AHEAD_MS_MAX / 60_000
            ),
            "license": { "name": "BSD-3-Clause", "url": "https://spdx.org/licenses/BSD-3-Clause.html" }
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "kafka": {
                "host": "{host}",
                "protocol": "kafka",
                "description": "Kafka of the public body or its service centre.",
                "variables": { "host": { "default": "localhost:9092" } }
            },
            "collector": {
                "host": "{host}",
                "protocol": "https",
                "description": "The collector of the service centre.",
                "variables": { "host": { "default": "localhost:8080" } }
            }
        },
        "channels": channels(),
        "operations": operations(),
        "components": {
            "messages": components,
            "securitySchemes": {
                "portalKey": { "type": "http", "scheme": "bearer", "description": "The key of a portal, which belongs to one public body." }
            }
        }
    })
}

#[test]
fn the_asyncapi_document_is_that_of_the_types() {
    must_be_written("asyncapi.json", &document());
}

/// Every reference in the document resolves.
#[test]
fn its_references_lead_somewhere() {
    fn follow(document: &Value, value: &Value, found: &mut usize) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(path)) = fields.get("$ref") {
                    *found += 1;
                    let target = match path.strip_prefix('#') {
                        Some(pointer) => document.pointer(pointer).is_some(),
                        None => super::documents::folder().join(path).exists(),
                    };
                    assert!(target, "{path}");
                }
                fields
                    .values()
                    .for_each(|field| follow(document, field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| follow(document, item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = 0;
    follow(&document, &document, &mut found);
    assert!(found > 20, "{found}");
}
