//! Reads a record of the log in any form that the contract accepts.
//!
//! CloudEvents over Kafka have two modes. In structured mode the payload is the whole envelope. In
//! binary mode the attributes are headers that begin with `ce_`, and the payload is `data` alone.
//! Nearly every record is a structured usage event, so that form is tried first ([`crate::json`]). The
//! headers are read only if it fails.

use std::borrow::Cow;

use crate::binary::Attributes;
use crate::objects::read_object;
use crate::packed::unpack;
use crate::parse::{diagnose, event, report};
use crate::wire::{AnyLogin, Data, Envelope};
use crate::{
    CLIENT_REPORT_V1, ClientReport, EVENT_BYTES_MAX, Event, FieldFault, Refusal, UnixMillis, json,
};

/// UTF-8 byte order mark, which some programs write before a text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Content of a valid record.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'a> {
    /// A use of a portal or a service.
    Usage(Event<'a>),
    /// A report on events that a producer had to drop.
    Report(ClientReport<'a>),
}

impl Message<'_> {
    /// Copies every borrowed text.
    pub(crate) fn into_owned(self) -> Message<'static> {
        match self {
            Self::Usage(event) => Message::Usage(event.into_owned()),
            Self::Report(report) => Message::Report(report.into_owned()),
        }
    }
}

/// CloudEvents mode of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The payload holds the whole envelope.
    Structured,
    /// Headers hold the attributes, the payload holds the data.
    Binary,
}

/// Result of reading a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<'a> {
    /// CloudEvents mode of the record.
    pub mode: Mode,
    /// The message, or the reason for the refusal.
    pub message: Result<Message<'a>, Refusal>,
}

/// Reads a record that was written to the log at `written` (see [`crate::parse`]). `headers` is
/// called only if the payload is not a structured usage event.
///
/// ```
/// use affluenza_event::{Message, Mode, UnixMillis, read};
///
/// let headers = [
///     ("ce_specversion", "1.0"),
///     ("ce_type", "it.affluenza.access.v1"),
///     ("ce_source", "https://servizi.example.it"),
///     ("ce_id", "7"),
///     ("ce_time", "2017-03-26T10:00:00+02:00"),
///     ("content-type", "application/json"),
/// ];
/// let reading = read(
///     br#"{"ente": "c_d612", "portal": "servizi-online"}"#,
///     || headers.iter().map(|(name, value)| (*name, value.as_bytes())),
///     UnixMillis(1_490_515_200_000),
/// );
/// assert_eq!(reading.mode, Mode::Binary);
/// assert!(matches!(reading.message, Ok(Message::Usage(_))));
/// ```
#[inline]
pub fn read<'a, H, I>(payload: &'a [u8], headers: H, written: UnixMillis) -> Reading<'a>
where
    H: FnOnce() -> I,
    I: Iterator<Item = (&'a str, &'a [u8])>,
{
    if payload.len() > EVENT_BYTES_MAX {
        return structured(Err(Refusal::too_large(payload.len())));
    }
    // RFC 8259, section 8.1: a byte order mark may be ignored.
    let payload = payload.strip_prefix(BYTE_ORDER_MARK).unwrap_or(payload);
    match json::read(payload, written) {
        Some(event) => structured(Ok(Message::Usage(event))),
        None => read_any(payload, headers, written),
    }
}

/// Reads a record that [`crate::json`] did not: a client report, binary mode, `data_base64`, a few odd
/// forms. Otherwise it names the fault.
pub(crate) fn read_any<'a, H, I>(payload: &'a [u8], headers: H, written: UnixMillis) -> Reading<'a>
where
    H: FnOnce() -> I,
    I: Iterator<Item = (&'a str, &'a [u8])>,
{
    let envelope = match read_object::<Envelope<'_, Data<'_, AnyLogin>>>(payload) {
        Ok(envelope) => envelope,
        Err(_) => {
            return match unpack(payload) {
                Some(unpacked) => structured(unpacked.and_then(|text| owned(&text, written))),
                None => unusual(payload, headers(), written),
            };
        }
    };
    structured(match &*envelope.event_type {
        CLIENT_REPORT_V1 => report(payload, written),
        _ => event(envelope, written).map(Message::Usage),
    })
}

/// Reads an unpacked event and copies its texts.
#[cold]
fn owned(text: &[u8], written: UnixMillis) -> Result<Message<'static>, Refusal> {
    let reading = read_any(text, std::iter::empty::<(&str, &[u8])>, written);
    reading.message.map(Message::into_owned)
}

fn structured(message: Result<Message<'_>, Refusal>) -> Reading<'_> {
    Reading {
        mode: Mode::Structured,
        message,
    }
}

/// Reads a record that is not a structured usage event. Off the hot path.
#[cold]
fn unusual<'a>(
    payload: &'a [u8],
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    written: UnixMillis,
) -> Reading<'a> {
    let headers: Vec<_> = headers.collect();
    if let Some(attributes) = Attributes::of(headers.iter().copied()) {
        return Reading {
            mode: Mode::Binary,
            message: attributes.and_then(|attributes| attributes.read(payload, written)),
        };
    }
    let mut names = headers.iter().map(|(name, _)| *name);
    structured(match diagnose(payload) {
        Ok(_report) => report(payload, written),
        Err(_) if has_schema_id(payload) => Err(Refusal::schema_id()),
        Err(refusal) if refusal.fault.pointer == "/specversion" => {
            Err(names.find_map(misspelt_header).unwrap_or(refusal))
        }
        Err(refusal) => Err(refusal),
    })
}

/// True for the payload of a serializer with a schema registry: a zero, an id of four bytes, and JSON.
fn has_schema_id(payload: &[u8]) -> bool {
    payload.first() == Some(&0) && payload.get(5) == Some(&b'{')
}

/// Refuses a header that would be one of binary mode in another spelling, such as that of HTTP.
fn misspelt_header(name: &str) -> Option<Refusal> {
    let is_meant = name.get(..3).is_some_and(|start| {
        start.eq_ignore_ascii_case("ce-") || start.eq_ignore_ascii_case("ce_")
    });
    is_meant.then(|| {
        let right = name.to_ascii_lowercase().replace('-', "_");
        Refusal::not_cloudevent(FieldFault {
            suggestion: Some(right),
            ..FieldFault::new(
                "",
                "a header in another spelling",
                "headers ce_specversion, ce_type, ce_source, ce_id and ce_time, or the whole event as payload",
            )
        })
    })
}

/// Returns producer and sequence number of a refused record, if readable. The sequence number has
/// arrived, although the event was refused.
pub fn origin_of_refused<'a>(
    payload: &'a [u8],
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Option<crate::Origin<'a>> {
    #[derive(serde::Deserialize)]
    struct RecordOutline<'a> {
        #[serde(borrow)]
        producer: Option<Cow<'a, str>>,
        #[serde(borrow)]
        sequence: Option<Cow<'a, str>>,
    }
    if let Some(attributes) = Attributes::of(headers) {
        return attributes.ok()?.origin();
    }
    let outline: RecordOutline<'a> = serde_json::from_slice(payload).ok()?;
    crate::parse::origin(outline.producer, outline.sequence.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_another_program_wrote() {
        let refused = |payload: &[u8], header: &str| {
            let headers = [(header, &b"1.0"[..]), ("content-type", b"application/json")];
            let reading = read(payload, || headers.into_iter(), UnixMillis::UNKNOWN);
            reading.message.unwrap_err().to_string()
        };
        let data = br#"{"ente":"c_d612","portal":"servizi-online"}"#;
        for (header, right) in [
            ("ce-specversion", "ce_specversion"),
            ("Ce_Id", "ce_id"),
            ("CE-time", "ce_time"),
        ] {
            let said = refused(data, header);
            assert!(said.contains("a header in another spelling"), "{said}");
            assert!(
                said.ends_with(&format!("did you mean {right:?}?")),
                "{said}"
            );
        }
        assert!(refused(data, "cell").contains("/specversion: found nothing"));
        let with_schema_id = [&b"\0\0\0\0\x11"[..], data].concat();
        let said = refused(&with_schema_id, "x");
        assert!(said.contains("the id of a schema registry"), "{said}");
    }

    #[test]
    fn a_header_of_binary_mode_occurs_once() {
        let read = |more: &[(&'static str, &'static str)]| {
            let headers = [
                ("ce_specversion", "1.0"),
                ("ce_type", "it.affluenza.access.v1"),
                ("ce_source", "https://servizi.example.it"),
                ("ce_id", "7"),
                ("ce_time", "2017-03-26T10:00:00+02:00"),
            ];
            let headers = headers.iter().chain(more);
            let headers = headers.map(|(name, value)| (*name, value.as_bytes()));
            let data = br#"{"ente":"c_d612","portal":"servizi-online"}"#;
            read(data, || headers, UnixMillis::UNKNOWN).message
        };
        assert!(read(&[("ce_tenant", "a"), ("ce_tenant", "b")]).is_ok());
        for twice in [("ce_id", "8"), ("ce_id", "7"), ("ce_time", "")] {
            let said = read(&[twice]).unwrap_err().to_string();
            assert!(said.contains("found a header twice"), "{said}");
        }
    }
}
