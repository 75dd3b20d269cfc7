use std::borrow::Cow;
use std::fmt;

use affluenza_event::{as_structured, unpack};
use affluenza_kafka::{Offset, Partition, Record};

use super::LogPosition;

/// Classification of a refused record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterFate {
    /// The record can never become an event as it is.
    Rejected,
    /// The record needs to be reviewed by a person.
    Quarantined,
}

impl LetterFate {
    /// Name in headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Rejected, Self::Quarantined]
            .into_iter()
            .find(|fate| fate.as_str() == text)
    }
}

impl fmt::Display for LetterFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Dead letter, borrowed from its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter<'a> {
    /// LogPosition of the refused record in the events topic.
    pub position: LogPosition,
    /// Stream of the refused record: ids of cluster and topic.
    pub stream: &'a str,
    /// Time at which the refused record was written, in milliseconds since 1970.
    pub written_ms: Option<i64>,
    /// Classification of the record.
    pub fate: LetterFate,
    /// Code of the reason. A text, because a newer consumer may use unknown reasons.
    pub reason: &'a str,
    /// Explanation of the reason.
    pub detail: String,
    /// Key of the refused record, with personal data masked.
    pub key: &'a [u8],
    /// Payload of the refused record, with personal data masked. A record in binary mode or with
    /// `data_base64` is converted to structured mode with `data`, so that all of it can be read,
    /// corrected and sent again.
    pub payload: Cow<'a, [u8]>,
}

impl<'a> Letter<'a> {
    /// Parses a record of the dead-letter topic. `None` if it is not a letter of this program.
    pub fn of(record: &'a Record<'_>) -> Option<Self> {
        let mut letter =
            Self::from_parts(|name| record.header(name), record.key(), record.payload())?;
        if let Some(structured) = as_structured(record.payload(), record.headers()) {
            letter.payload = Cow::Owned(structured);
        }
        if let Some(Ok(unpacked)) = unpack(&letter.payload) {
            letter.payload = Cow::Owned(unpacked);
        }
        Some(letter)
    }

    fn from_parts(
        header: impl Fn(&str) -> Option<&'a str>,
        key: &'a [u8],
        payload: &'a [u8],
    ) -> Option<Self> {
        let fate = LetterFate::parse(header("affluenza-fate")?)?;
        let detail = header("affluenza-detail").unwrap_or_default();
        let position = LogPosition {
            partition: Partition(header("affluenza-partition")?.parse().ok()?),
            offset: Offset(header("affluenza-offset")?.parse().ok()?),
        };
        Some(Self {
            position,
            stream: header("affluenza-stream")?,
            // The log has 0 if the time is unknown.
            written_ms: header("affluenza-written-ms")
                .and_then(|text| text.parse().ok())
                .filter(|ms| *ms > 0),
            fate,
            reason: header("affluenza-reason")?,
            detail: masked_detail(detail, fate),
            key,
            payload: Cow::Borrowed(payload),
        })
    }
}

/// Removes the fate from the start of a detail, because output shows the fate separately. A reason
/// can quote the record (an unknown type, a bad time), so the text is masked.
fn masked_detail(detail: &str, fate: LetterFate) -> String {
    let words = detail
        .strip_prefix(fate.as_str())
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(detail);
    String::from_utf8_lossy(&affluenza_event::mask(words.as_bytes())).into_owned()
}

/// Example of a letter for tests.
#[cfg(test)]
pub(super) fn example(payload: &[u8]) -> Letter<'_> {
    Letter {
        position: "0/3".parse().unwrap(),
        stream: "cluster/topic",
        written_ms: Some(1_490_515_200_000),
        fate: LetterFate::Quarantined,
        reason: "unknown-shape",
        detail: "a service use names its service".into(),
        key: b"s3",
        payload: Cow::Borrowed(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: [(&str, &str); 7] = [
        ("affluenza-fate", "rejected"),
        ("affluenza-reason", "bad-time"),
        (
            "affluenza-detail",
            "rejected: time \"a.b@example.it\" is not RFC 3339",
        ),
        ("affluenza-stream", "c/t"),
        ("affluenza-partition", "2"),
        ("affluenza-offset", "17"),
        ("affluenza-written-ms", "1490515200000"),
    ];

    fn read(headers: &[(&'static str, &'static str)]) -> Option<Letter<'static>> {
        let header = |name: &str| {
            let found = headers.iter().find(|(key, _)| *key == name)?;
            Some(found.1)
        };
        Letter::from_parts(header, b"k", b"{}")
    }

    #[test]
    fn headers_make_a_letter() {
        let letter = read(&HEADERS).unwrap();
        assert_eq!(letter.position.to_string(), "2/17");
        assert_eq!(letter.fate, LetterFate::Rejected);
        assert_eq!((letter.stream, letter.reason), ("c/t", "bad-time"));
        assert_eq!(letter.written_ms, Some(1_490_515_200_000));
        assert_eq!(letter.detail, "time \"**************\" is not RFC 3339");
    }

    #[test]
    fn a_record_of_somebody_else_is_none() {
        assert_eq!(read(&[]), None);
        for missing in ["fate", "reason", "stream", "partition", "offset"] {
            let headers: Vec<_> = HEADERS
                .into_iter()
                .filter(|(name, _)| *name != format!("affluenza-{missing}"))
                .collect();
            assert_eq!(read(&headers), None, "without {missing}");
        }
        let mut headers = HEADERS;
        headers[5].1 = "seventeen";
        assert_eq!(read(&headers), None);
    }

    #[test]
    fn an_unknown_time_is_none() {
        let mut headers = HEADERS;
        headers[6].1 = "0";
        assert_eq!(read(&headers).unwrap().written_ms, None);
    }
}
