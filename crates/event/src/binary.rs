//! CloudEvents binary mode: the attributes of an event are headers of its Kafka record.

use std::borrow::Cow;

use crate::parse::{check_envelope_and_report, event, place_of, shorten};
use crate::wire::{AnyLogin, Data, Envelope, Report};
use crate::{
    CLIENT_REPORT_V1, EVENT_BYTES_MAX, Message, Origin, Quarantine, Refusal, Reject, TYPES,
    UnixMillis,
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
                let what = format!("header {} is not UTF-8", shorten(name));
                problem.get_or_insert(Reject::NotCloudEvent(what));
                is_binary |= attribute.is_some();
                continue;
            };
            match attribute {
                None if text.starts_with("application/cloudevents") => return None,
                None if !is_json(text) => {
                    let what = "content-type is not application/json".to_owned();
                    problem.get_or_insert(Reject::NotCloudEvent(what));
                }
                None => {}
                Some(attribute) => {
                    is_binary = true;
                    found.set(attribute, text);
                }
            }
        }
        is_binary.then(|| match problem {
            Some(problem) => Err(problem.into()),
            None => Ok(found),
        })
    }

    fn set(&mut self, attribute: &str, text: &'a str) {
        let text = Cow::Borrowed(text);
        match attribute {
            "specversion" => self.specversion = text,
            "type" => self.event_type = text,
            "source" => self.source = text,
            "id" => self.id = text,
            "time" => self.time = text,
            "producer" => self.producer = Some(text),
            "sequence" => self.sequence = Some(text),
            _ => {}
        }
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
            return Err(Reject::TooLarge { bytes }.into());
        }
        for (name, value) in [
            ("specversion", &self.specversion),
            ("type", &self.event_type),
            ("source", &self.source),
            ("id", &self.id),
            ("time", &self.time),
        ] {
            if value.is_empty() {
                return Err(Reject::NotCloudEvent(format!("header ce_{name} is missing")).into());
            }
        }
        if !TYPES.contains(&&*self.event_type) {
            return Err(Reject::UnknownType(shorten(&self.event_type)).into());
        }
        if self.event_type == CLIENT_REPORT_V1 {
            let report: Report<'_> = serde_json::from_slice(payload).map_err(bad_data)?;
            return check_envelope_and_report(self.envelope(report), written).map(Message::Report);
        }
        let data: Data<'_, AnyLogin> = serde_json::from_slice(payload).map_err(bad_data)?;
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

/// True if the content type is JSON: `application/json`, or a type with the suffix `+json` (RFC
/// 6839).
pub fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type == "application/json"
        || media_type.ends_with("+json") && !media_type.starts_with("application/cloudevents")
}

fn bad_data(error: serde_json::Error) -> Refusal {
    match error.classify() {
        serde_json::error::Category::Data => Quarantine::UnknownShape(place_of(&error)).into(),
        _ => Reject::NotJson(place_of(&error)).into(),
    }
}
