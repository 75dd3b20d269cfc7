//! CloudEvents binary mode: the attributes of an event are headers of its Kafka record.

use std::borrow::Cow;

use serde::Deserialize;

use crate::explain::fault_of;
use crate::objects::read_object;
use crate::parse::{bad_envelope, check_envelope_and_report, event};
use crate::wire::{AnyLogin, Data, Envelope, Report};
use crate::{
    CLIENT_REPORT_V1, EVENT_BYTES_MAX, FieldFault, Message, Origin, Refusal, TYPES, UnixMillis,
};

/// CloudEvents attributes that the parser needs, taken from the headers of a record.
#[derive(Default)]
pub(crate) struct Attributes<'a> {
    specversion: Cow<'a, str>,
    event_type: Cow<'a, str>,
    source: Cow<'a, str>,
    id: Cow<'a, str>,
    time: Cow<'a, str>,
    producer: Option<Cow<'a, str>>,
    sequence: Option<Cow<'a, str>>,
    bytes: usize,
}

impl<'a> Attributes<'a> {
    /// Collects the attributes from `headers`. Returns `None` if the record is not in binary mode.
    pub(crate) fn of(
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Option<Result<Self, Refusal>> {
        let mut found = Self::default();
        let mut is_binary = false;
        let mut problem = None;
        for (name, value) in headers {
            let is_content_type = name.eq_ignore_ascii_case("content-type");
            let attribute = name.strip_prefix("ce_");
            if attribute.is_none() && !is_content_type {
                continue;
            }
            found.bytes += name.len() + value.len();
            let Ok(text) = std::str::from_utf8(value) else {
                problem.get_or_insert("a header that is not UTF-8");
                is_binary |= attribute.is_some();
                continue;
            };
            match attribute {
                None if text.starts_with("application/cloudevents") => return None,
                None if !is_json(text) => {
                    problem.get_or_insert("another content-type than application/json");
                }
                None => {}
                Some(attribute) => {
                    is_binary = true;
                    if !found.set(attribute, text) {
                        problem.get_or_insert("a header twice");
                    }
                }
            }
        }
        is_binary.then(|| match problem {
            Some(found) => Err(Refusal::not_cloudevent(FieldFault::new(
                "",
                found,
                "headers ce_specversion, ce_type, ce_source, ce_id and ce_time in UTF-8, and data in JSON",
            ))),
            None => Ok(found),
        })
    }

    /// Sets an attribute. False if it was set before.
    fn set(&mut self, attribute: &str, text: &'a str) -> bool {
        let required = match attribute {
            "specversion" => &mut self.specversion,
            "type" => &mut self.event_type,
            "source" => &mut self.source,
            "id" => &mut self.id,
            "time" => &mut self.time,
            "producer" => return self.producer.replace(text.into()).is_none(),
            "sequence" => return self.sequence.replace(text.into()).is_none(),
            _ => return true,
        };
        std::mem::replace(required, text.into()).is_empty()
    }

    pub(crate) fn origin(self) -> Option<Origin<'a>> {
        crate::parse::origin(self.producer, self.sequence.as_deref())
    }

    /// Parses the message from these attributes and `payload`.
    pub(crate) fn read(
        self,
        payload: &'a [u8],
        written: UnixMillis,
    ) -> Result<Message<'a>, Refusal> {
        let bytes = payload.len() + self.bytes;
        if bytes > EVENT_BYTES_MAX {
            return Err(Refusal::too_large(bytes));
        }
        for (pointer, value) in [
            ("/specversion", &self.specversion),
            ("/type", &self.event_type),
            ("/source", &self.source),
            ("/id", &self.id),
            ("/time", &self.time),
        ] {
            if value.is_empty() {
                let allowed = "a header of this name, after ce_";
                return Err(bad_envelope(FieldFault::new(pointer, "nothing", allowed)));
            }
        }
        if !TYPES.contains(&&*self.event_type) {
            return Err(Refusal::unknown_type(&self.event_type));
        }
        if self.event_type == CLIENT_REPORT_V1 {
            let report: Report<'_> = data(payload)?;
            return check_envelope_and_report(self.envelope(report), written).map(Message::Report);
        }
        let data: Data<'_, AnyLogin> = data(payload)?;
        event(self.envelope(data), written).map(Message::Usage)
    }

    fn envelope<D>(self, data: D) -> Envelope<'a, D> {
        Envelope {
            specversion: self.specversion,
            event_type: self.event_type,
            source: self.source,
            id: self.id,
            time: self.time,
            producer: self.producer,
            sequence: self.sequence,
            data,
        }
    }
}

/// True if the header carries a part of the event in binary mode.
pub fn is_event_header(name: &str) -> bool {
    name.starts_with("ce_") || name.eq_ignore_ascii_case("content-type")
}

/// Converts a record from binary mode to structured mode. Returns `None` if the record is not in
/// binary mode or its payload is not JSON.
pub fn as_structured<'a>(
    payload: &[u8],
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Option<Vec<u8>> {
    let data: &serde_json::value::RawValue = serde_json::from_slice(payload).ok()?;
    let attributes: std::collections::BTreeMap<&str, Cow<'_, str>> = headers
        .filter_map(|(name, value)| {
            let attribute = name.strip_prefix("ce_").filter(|name| *name != "data")?;
            Some((attribute, String::from_utf8_lossy(value)))
        })
        .collect();
    #[derive(serde::Serialize)]
    struct Structured<'a> {
        #[serde(flatten)]
        attributes: std::collections::BTreeMap<&'a str, Cow<'a, str>>,
        data: &'a serde_json::value::RawValue,
    }
    if attributes.is_empty() {
        return None;
    }
    serde_json::to_vec(&Structured { attributes, data }).ok()
}

/// True if the content type is JSON: a type with the subtype `json`, or with the suffix `+json` (RFC
/// 6839), as CloudEvents defines it.
pub fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type.ends_with("/json")
        || media_type.ends_with("+json") && !media_type.starts_with("application/cloudevents")
}

fn data<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Refusal> {
    read_object(payload).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Refusal::unknown_shape(fault_of::<T>(payload, "/data"))
        }
        _ => Refusal::not_json(&error),
    })
}
