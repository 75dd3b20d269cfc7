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
use crate::{CLIENT_REPORT_V1, ClientReport, EVENT_BYTES_MAX, Event, Refusal, UnixMillis, json};

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
    if let Some(attributes) = Attributes::of(headers) {
        return Reading {
            mode: Mode::Binary,
            message: attributes.and_then(|attributes| attributes.read(payload, written)),
        };
    }
    structured(match diagnose(payload) {
        Ok(_report) => report(payload, written),
        Err(refusal) => Err(refusal),
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
