//! Letter as JSON, for programs and as the start of a correction.

use affluenza_event::mask;
use serde::Serialize;
use serde_json::Value;

use super::Letter;
use super::masked::is_masked;
use super::reason::what_to_do;
use super::text::show_time;

/// Maximum bytes shown of a payload that is not JSON.
const SHOWN_BYTES_MAX: usize = 4096;

/// Letter as JSON. An operator corrects `event` and requeues the document.
#[derive(Debug, Serialize)]
pub struct ShownLetter<'a> {
    position: String,
    partition: i32,
    offset: i64,
    written: Option<String>,
    fate: &'static str,
    reason: &'a str,
    detail: &'a str,
    stream: &'a str,
    is_current_stream: bool,
    key: String,
    /// True if personal data in the payload was masked.
    is_masked: bool,
    what_to_do: &'static str,
    /// Payload as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Value>,
    /// Start of a payload that is not JSON. Bytes that are not text are escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    payload_bytes: usize,
}

impl<'a> ShownLetter<'a> {
    /// Makes the JSON of a letter. `current` is the current stream of the events topic.
    pub fn new(letter: &'a Letter<'_>, current: Option<&str>) -> Self {
        let event = event(&letter.payload);
        Self {
            position: letter.position.to_string(),
            partition: letter.position.partition.0,
            offset: letter.position.offset.0,
            written: letter.written_ms.map(|ms| show_time(Some(ms))),
            fate: letter.fate.as_str(),
            reason: letter.reason,
            detail: &letter.detail,
            stream: letter.stream,
            is_current_stream: current == Some(letter.stream),
            key: String::from_utf8_lossy(letter.key).into_owned(),
            is_masked: is_masked(&letter.payload),
            what_to_do: what_to_do(letter.reason),
            payload: event.is_none().then(|| start(&letter.payload)),
            event,
            payload_bytes: letter.payload.len(),
        }
    }
}

/// Parses a payload. Unescaping may reveal personal data that masking the bytes missed, so the
/// unescaped text is masked again.
fn event(payload: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    serde_json::from_slice(&mask(value.to_string().as_bytes())).ok()
}

fn start(payload: &[u8]) -> String {
    let shown = &payload[..payload.len().min(SHOWN_BYTES_MAX)];
    let text = match std::str::from_utf8(shown) {
        Ok(text) => text.to_owned(),
        Err(_) => shown.escape_ascii().to_string(),
    };
    String::from_utf8_lossy(&mask(text.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::letter::example;
    use super::*;

    fn shown(payload: &[u8]) -> String {
        serde_json::to_string(&ShownLetter::new(&example(payload), None)).unwrap()
    }

    #[test]
    fn an_event_is_shown_without_what_escapes_hid() {
        let text = shown(br#"{"a":{"b":"mario\u0040example.it"}}"#);
        assert!(text.contains(r#""event":{"a":{"b":"****"#), "{text}");
        assert!(!text.contains("example.it"), "{text}");
    }

    #[test]
    fn other_bytes_are_shown_escaped_and_in_part() {
        let text = shown(b"\xff\x1b[2J");
        assert!(text.contains(r#""payload":"\\xff\\x1b[2J""#), "{text}");
        let text = shown(b"\x1b[2J");
        assert!(text.contains(r#""payload":"\u001b[2J""#), "{text}");
        let long = vec![b'x'; SHOWN_BYTES_MAX + 5];
        let text = shown(&long);
        assert!(
            text.contains("\"payload_bytes\":4101") && text.len() < 5_000,
            "{text}"
        );
    }
}
