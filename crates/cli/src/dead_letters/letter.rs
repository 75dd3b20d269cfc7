use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use affluenza_event::{as_structured, mask, unpack};
use affluenza_kafka::{Offset, Partition, Record};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::correct::is_masked;
use super::reason::what_to_do;
use super::text::show_time;
use crate::output::masked;

/// Maximum bytes shown of a payload that is not JSON.
const SHOWN_BYTES_MAX: usize = 4096;

/// Position of a record in the events topic, written `partition/offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// Partition of the record.
    pub partition: Partition,
    /// Offset of the record in its partition.
    pub offset: Offset,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.partition, self.offset.0))
    }
}

impl FromStr for LogPosition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Rust parses "+1" as a number, but this program never prints it.
        text.split_once('/')
            .filter(|_| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'/')))
            .and_then(|(partition, offset)| {
                Some(Self {
                    partition: Partition(partition.parse().ok()?),
                    offset: Offset(offset.parse().ok()?),
                })
            })
            .ok_or("a position is partition/offset of the events topic, such as 0/1042")
    }
}

/// Dead letter, borrowed from its record. Its JSON is for programs, and the start of a correction:
/// an operator corrects `event` and requeues the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter<'a> {
    /// Position of the refused record in the events topic.
    #[serde(flatten, serialize_with = "position_json")]
    pub position: LogPosition,
    /// Time at which the refused record was written, in milliseconds since 1970.
    #[serde(rename = "written", serialize_with = "time_json")]
    pub written_ms: Option<i64>,
    /// `rejected` if the record can never become an event as it is, `quarantined` if a person needs
    /// to review it.
    pub fate: &'a str,
    /// Code of the reason. A text, because a newer consumer may use unknown reasons.
    pub reason: &'a str,
    /// Explanation of the reason.
    pub detail: String,
    /// Stream of the refused record: ids of cluster and topic.
    pub stream: &'a str,
    /// True if the events topic was not created again since.
    pub is_current_stream: bool,
    /// Key of the refused record, with personal data masked.
    #[serde(serialize_with = "key_json")]
    pub key: &'a [u8],
    /// True if personal data in the payload was masked.
    is_masked: bool,
    what_to_do: &'static str,
    /// Payload of the refused record, with personal data masked. A record in binary mode or with
    /// `data_base64` is converted to structured mode with `data`, so that all of it can be read,
    /// corrected and sent again.
    #[serde(flatten, serialize_with = "payload_json")]
    pub payload: Cow<'a, [u8]>,
}

impl<'a> Letter<'a> {
    /// Parses a record of the dead-letter topic. `None` if it is not a letter of this program.
    /// `current` is the current stream of the events topic.
    pub fn of(record: &'a Record<'_>, current: Option<&str>) -> Option<Self> {
        let structured = as_structured(record.payload(), record.headers());
        let payload = structured.map_or(Cow::Borrowed(record.payload()), Cow::Owned);
        let payload = match unpack(&payload) {
            Some(Ok(unpacked)) => Cow::Owned(unpacked),
            _ => payload,
        };
        Self::from_parts(|name| record.header(name), record.key(), payload, current)
    }

    /// Source of the refused event; `None` if it is not JSON or has none.
    pub fn source(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct SourceOnly {
            source: String,
        }
        let envelope: SourceOnly = serde_json::from_slice(&self.payload).ok()?;
        Some(envelope.source)
    }

    fn from_parts(
        header: impl Fn(&str) -> Option<&'a str>,
        key: &'a [u8],
        payload: Cow<'a, [u8]>,
        current: Option<&str>,
    ) -> Option<Self> {
        let fate = header("affluenza-fate")?;
        let reason = header("affluenza-reason")?;
        let stream = header("affluenza-stream")?;
        let partition = header("affluenza-partition")?.parse().ok()?;
        let offset = header("affluenza-offset")?.parse().ok()?;
        // The log has 0 if the time is unknown.
        let written_ms = header("affluenza-written-ms").and_then(|text| text.parse().ok());
        // Output shows the fate separately. A reason can quote the record (an unknown type, a bad
        // time), so the text is masked.
        let detail = header("affluenza-detail").unwrap_or_default();
        let rest = detail.strip_prefix(fate);
        let rest = rest.and_then(|rest| rest.strip_prefix(": "));
        matches!(fate, "rejected" | "quarantined").then(|| Self {
            position: LogPosition {
                partition: Partition(partition),
                offset: Offset(offset),
            },
            written_ms: written_ms.filter(|ms| *ms > 0),
            fate,
            reason,
            detail: masked(rest.unwrap_or(detail)),
            stream,
            is_current_stream: current == Some(stream),
            key,
            is_masked: is_masked(&payload),
            what_to_do: what_to_do(reason),
            payload,
        })
    }
}

fn position_json<S: Serializer>(at: &LogPosition, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("position", &at.to_string())?;
    map.serialize_entry("partition", &at.partition.0)?;
    map.serialize_entry("offset", &at.offset.0)?;
    map.end()
}

fn time_json<S: Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(|ms| show_time(Some(ms))).serialize(serializer)
}

fn key_json<S: Serializer>(key: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    String::from_utf8_lossy(key).serialize(serializer)
}

fn payload_json<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    match event(payload) {
        Some(event) => map.serialize_entry("event", &event)?,
        None => map.serialize_entry("payload", &start(payload))?,
    }
    map.serialize_entry("payload_bytes", &payload.len())?;
    map.end()
}

/// Parses a payload. Unescaping may reveal personal data that masking the bytes missed, so the
/// unescaped text is masked again.
fn event(payload: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    serde_json::from_slice(&mask(value.to_string().as_bytes())).ok()
}

/// Start of a payload that is not JSON. Bytes that are not text are escaped.
fn start(payload: &[u8]) -> String {
    let shown = &payload[..payload.len().min(SHOWN_BYTES_MAX)];
    match std::str::from_utf8(shown) {
        Ok(text) => masked(text),
        Err(_) => masked(&shown.escape_ascii().to_string()),
    }
}

/// Example of a letter for tests. Its stream is the current one.
#[cfg(test)]
pub fn example(payload: &[u8]) -> Letter<'_> {
    Letter {
        position: "0/3".parse().unwrap(),
        stream: "cluster/topic",
        is_current_stream: true,
        written_ms: Some(1_490_515_200_000),
        fate: "quarantined",
        reason: "unknown-shape",
        detail: "a service use names its service".into(),
        key: b"s3",
        is_masked: false,
        what_to_do: "",
        payload: Cow::Borrowed(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: [(&str, &str); 7] = [
        ("fate", "rejected"),
        ("reason", "bad-time"),
        (
            "detail",
            "rejected: time \"a.b@example.it\" is not RFC 3339",
        ),
        ("stream", "c/t"),
        ("partition", "2"),
        ("offset", "17"),
        ("written-ms", "1490515200000"),
    ];

    fn read(change: &str, value: Option<&'static str>) -> Option<Letter<'static>> {
        let header = |name: &str| match name.strip_prefix("affluenza-")? {
            name if name == change => value,
            name => Some(HEADERS.iter().find(|(key, _)| *key == name)?.1),
        };
        Letter::from_parts(header, b"k", Cow::Borrowed(b"{}"), None)
    }

    #[test]
    fn headers_make_a_letter() {
        let letter = read("", None).unwrap();
        assert_eq!(letter.position.to_string(), "2/17");
        assert_eq!((letter.fate, letter.stream), ("rejected", "c/t"));
        assert_eq!(letter.reason, "bad-time");
        assert_eq!(letter.written_ms, Some(1_490_515_200_000));
        assert_eq!(letter.detail, "time \"**************\" is not RFC 3339");
        // An unknown time.
        let letter = read("written-ms", Some("0")).unwrap();
        assert_eq!(letter.written_ms, None);
    }

    #[test]
    fn a_record_of_another_program_is_none() {
        for missing in ["fate", "reason", "stream", "partition", "offset"] {
            assert_eq!(read(missing, None), None, "without {missing}");
        }
        assert_eq!(read("offset", Some("seventeen")), None);
        assert_eq!(read("fate", Some("lost")), None);
    }

    #[test]
    fn the_json_shows_an_event_or_the_start_of_other_bytes() {
        let shown = |payload: &[u8]| serde_json::to_string(&example(payload)).unwrap();
        let long = vec![b'x'; SHOWN_BYTES_MAX + 5];
        for (payload, part) in [
            (
                &br#"{"a":{"b":"mario\u0040example.it"}}"#[..],
                r#""event":{"a":{"b":"****"#,
            ),
            (b"\xff\x1b[2J", r#""payload":"\\xff\\x1b[2J""#),
            (b"\x1b[2J", r#""payload":"\u001b[2J""#),
            (&long, "\"payload_bytes\":4101"),
        ] {
            let text = shown(payload);
            assert!(text.contains(part) && text.len() < 5_000, "{text}");
            assert!(!text.contains("example.it"), "{text}");
        }
        let text = shown(b"{}");
        let start = r#"{"position":"0/3","partition":0,"offset":3,"written":"2017-03-26T10:00:00+02:00","fate":"quarantined","reason":"unknown-shape","#;
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn a_printed_position_is_read_and_nothing_else() {
        let position: LogPosition = "12/34".parse().unwrap();
        assert_eq!((position.partition.0, position.offset.0), (12, 34));
        assert_eq!(format!("{position:>7}"), "  12/34");
        for text in [
            "",
            "7",
            "/",
            "1/",
            "/1",
            "-1/2",
            "1/-2",
            "+1/2",
            "1/2/3",
            "a/b",
            " 1/2",
            "99999999999/1",
            "1/99999999999999999999",
        ] {
            assert!(text.parse::<LogPosition>().is_err(), "{text:?}");
        }
    }
}
