//! Formats letters as text for operators and as JSON for programs.
//!
//! Control characters of a record are escaped: anybody may have written them, and a terminal would
//! interpret them.

use std::fmt::Write as _;

use affluenza_bus::Record;
use serde::Serialize;
use serde_json::Value;

use crate::masked::is_masked;
use crate::moment::show;
use crate::reason::what_to_do;
use crate::{Corrected, Hindrance, Letter, Tally, Walked};

/// Limit of the bytes shown of a payload that is not JSON.
const SHOWN_BYTES_MAX: usize = 4096;

/// Formats a letter as one line. `current` is the current stream of the events topic.
pub fn line(letter: &Letter<'_>, current: Option<&str>) -> String {
    let mut line = format!(
        "{:<10} {:<25} {:<11} {:<14} {}",
        letter.position,
        show(letter.written_ms),
        letter.fate,
        plain(letter.reason),
        plain(&letter.detail)
    );
    line.push_str(&other_stream(letter, current));
    line
}

/// Formats the result of requeueing a letter as one line. `sent` is the word for a success.
pub fn outcome(
    letter: &Letter<'_>,
    current: Option<&str>,
    sent: &str,
    result: &Result<Corrected<'_>, Hindrance>,
) -> String {
    let mut line = match result {
        Ok(corrected) => {
            let masked = if corrected.is_masked {
                "  (a part that was masked stays masked)"
            } else {
                ""
            };
            format!(
                "{sent:<13} {:<10} {} key {}{masked}",
                letter.position,
                plain(&corrected.summary),
                plain(&corrected.key)
            )
        }
        Err(hindrance) => format!(
            "{:<13} {:<10} {}: {}",
            "held back",
            letter.position,
            hindrance.code(),
            plain(&masked_text(&hindrance.to_string()))
        ),
    };
    line.push_str(&other_stream(letter, current));
    line
}

fn other_stream(letter: &Letter<'_>, current: Option<&str>) -> String {
    if current == Some(letter.stream) {
        String::new()
    } else {
        format!("  [of another stream: {}]", plain(letter.stream))
    }
}

/// Formats the counts at the end of a list. `shown` is the number of listed letters.
pub fn counts(tally: &Tally, walked: &Walked, shown: u64) -> String {
    let mut text = String::new();
    match (tally.letters, walked.letters) {
        (0, 0) => text.push_str("no dead letters\n"),
        (0, all) => {
            let _ = writeln!(text, "none of the {} match", dead_letters(all));
        }
        (letters, _) => {
            text.push_str(&dead_letters(letters));
            if shown < letters {
                let _ = write!(text, ", the first {shown} of them above");
            }
            text.push('\n');
        }
    }
    for (reason, letters) in tally.reasons() {
        let _ = writeln!(text, "  {:<14} {letters:>9}", plain(reason));
    }
    for (stream, letters) in &tally.by_other_stream {
        let _ = writeln!(
            text,
            "{letters} of them are of another stream, {}: the topic was created anew since, and their positions are not those of its records now",
            plain(stream)
        );
    }
    if walked.repeated > 0 {
        let _ = writeln!(
            text,
            "{} were delivered again and are counted once",
            walked.repeated
        );
    }
    match walked.foreign {
        0 => {}
        1 => text.push_str(
            "1 record of the dead-letter topic is no letter of this program and is left out\n",
        ),
        foreign => {
            let _ = writeln!(
                text,
                "{foreign} records of the dead-letter topic are not letters of this program and are left out"
            );
        }
    }
    text
}

/// Formats a number of letters.
pub fn dead_letters(letters: u64) -> String {
    match letters {
        1 => "1 dead letter".to_owned(),
        letters => format!("{letters} dead letters"),
    }
}

/// Letter of a list, as JSON.
#[derive(Debug, Serialize)]
pub struct ListedLetter<'a> {
    position: String,
    partition: i32,
    offset: i64,
    written: Option<String>,
    fate: &'static str,
    reason: &'a str,
    detail: &'a str,
    stream: &'a str,
    is_current_stream: bool,
}

impl<'a> ListedLetter<'a> {
    /// Makes the JSON of a letter. `current` is the current stream of the events topic.
    pub fn new(letter: &'a Letter<'_>, current: Option<&str>) -> Self {
        Self {
            position: letter.position.to_string(),
            partition: letter.position.partition.0,
            offset: letter.position.offset.0,
            written: letter.written_ms.map(|ms| show(Some(ms))),
            fate: letter.fate.as_str(),
            reason: letter.reason,
            detail: &letter.detail,
            stream: letter.stream,
            is_current_stream: current == Some(letter.stream),
        }
    }
}

/// Counts at the end of a list, as JSON.
#[derive(Debug, Serialize)]
pub struct ListEnd<'a> {
    letters: u64,
    shown: u64,
    by_reason: &'a std::collections::BTreeMap<String, u64>,
    by_other_stream: &'a std::collections::BTreeMap<String, u64>,
    repeated: u64,
    foreign: u64,
}

impl<'a> ListEnd<'a> {
    /// Makes the counts of a list that shows `shown` letters.
    pub fn new(tally: &'a Tally, walked: &Walked, shown: u64) -> Self {
        Self {
            letters: tally.letters,
            shown,
            by_reason: &tally.by_reason,
            by_other_stream: &tally.by_other_stream,
            repeated: walked.repeated,
            foreign: walked.foreign,
        }
    }
}

/// Formats all details of a letter and of its record in the dead-letter topic.
pub fn full(letter: &Letter<'_>, record: &Record<'_>, current: Option<&str>) -> String {
    let mut text = summary(letter, current);
    let _ = writeln!(
        text,
        "  letter     {}/{} of the dead-letter topic, written {}",
        record.partition(),
        record.offset().0,
        show(record.written_ms())
    );
    text.push_str("\nheaders\n");
    for (name, value) in record.headers() {
        let value = affluenza_event::mask(value);
        let _ = writeln!(
            text,
            "  {}: {}",
            plain(name),
            plain(&String::from_utf8_lossy(&value))
        );
    }
    text.push('\n');
    text.push_str(&body(letter));
    text
}

fn summary(letter: &Letter<'_>, current: Option<&str>) -> String {
    let stream = if current == Some(letter.stream) {
        "the events topic as it is now"
    } else {
        "another stream: the topic was created anew since, and has another record at this position"
    };
    let key = String::from_utf8_lossy(letter.key);
    format!(
        "record {position}\n  {fate:<10} {reason}: {detail}\n  written    {written}\n  stream     {name} ({stream})\n  key        {key}\n",
        position = letter.position,
        fate = letter.fate,
        reason = plain(letter.reason),
        detail = plain(&letter.detail),
        written = show(letter.written_ms),
        name = plain(letter.stream),
        key = plain(&key),
    )
}

fn body(letter: &Letter<'_>) -> String {
    let bytes = letter.payload.len();
    let is_masked = is_masked(&letter.payload);
    let masked = if is_masked {
        ", personal data masked"
    } else {
        ""
    };
    let (form, payload) = match serde_json::from_slice::<Value>(&letter.payload) {
        Ok(value) => ("JSON", format!("{value:#}")),
        Err(_) => ("not JSON", escaped(&letter.payload)),
    };
    // Unescaping may reveal personal data that masking the bytes missed.
    let payload = masked_text(&payload);
    let mut text = format!("payload ({bytes} bytes, {form}{masked})\n");
    for line in payload.lines() {
        let _ = writeln!(text, "  {}", plain(line));
    }
    let _ = write!(
        text,
        "\nwhat to do\n  {}\n  Try it with: affluenza dead-letters requeue {} --dry-run [--patch FILE]\n",
        what_to_do(letter.reason),
        letter.position
    );
    text
}

fn escaped(payload: &[u8]) -> String {
    let shown = &payload[..payload.len().min(SHOWN_BYTES_MAX)];
    let mut text = match std::str::from_utf8(shown) {
        Ok(text) => text.to_owned(),
        Err(_) => shown.escape_ascii().to_string(),
    };
    if shown.len() < payload.len() {
        let _ = write!(text, "\n… and {} more bytes", payload.len() - shown.len());
    }
    text
}

/// Masks personal data in `text`. A quoted part was unescaped after its first masking.
fn masked_text(text: &str) -> String {
    String::from_utf8_lossy(&affluenza_event::mask(text.as_bytes())).into_owned()
}

/// Escapes the control characters of `text`.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // Also escape characters that change the writing direction.
        if character.is_control()
            || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::example;

    #[test]
    fn a_line_says_what_where_when_and_why() {
        let letter = example(b"{}");
        assert_eq!(
            line(&letter, Some("cluster/topic")),
            "0/3        2017-03-26T10:00:00+02:00 quarantined unknown-shape  a service use names its service"
        );
        assert!(line(&letter, None).ends_with("[of another stream: cluster/topic]"));
    }

    #[test]
    fn counts_end_a_list() {
        let mut tally = Tally::default();
        let mut walked = Walked::default();
        assert_eq!(counts(&tally, &walked, 0), "no dead letters\n");
        walked.letters = 9;
        assert_eq!(
            counts(&tally, &walked, 0),
            "none of the 9 dead letters match\n"
        );
        tally.take(&example(b""), Some("cluster/topic"));
        (walked.repeated, walked.foreign) = (2, 3);
        assert_eq!(
            counts(&tally, &walked, 1),
            "1 dead letter\n  unknown-shape          1\n2 were delivered again and are counted once\n3 records of the dead-letter topic are not letters of this program and are left out\n"
        );
        assert!(counts(&tally, &walked, 0).contains("the first 0 of them above"));
    }

    #[test]
    fn outcomes_show_no_personal_data_and_no_control_characters() {
        let letter = example(b"");
        let result = Ok(Corrected {
            key: "a\u{1b}b".into(),
            payload: b"".into(),
            summary: "type time e/p".into(),
            is_masked: true,
        });
        assert_eq!(
            outcome(&letter, Some("cluster/topic"), "requeued", &result),
            r"requeued      0/3        type time e/p key a\u{1b}b  (a part that was masked stays masked)"
        );
        let refusal = affluenza_event::Reject::UnknownType("mario@example.it".into()).into();
        let result = Err(Hindrance::Refused {
            refusal,
            is_masked: false,
        });
        assert_eq!(
            outcome(&letter, Some("cluster/topic"), "requeued", &result),
            "held back     0/3        unknown-type: unknown event type \"****************\""
        );
    }

    #[test]
    fn json_is_shown_pretty_and_without_what_escapes_hid() {
        let letter = example(br#"{"a":{"b":"mario\u0040example.it"}}"#);
        let text = body(&letter);
        assert!(
            text.contains("\n    \"a\": {\n      \"b\": \"****"),
            "{text}"
        );
        assert!(!text.contains("example.it"), "{text}");
        assert!(text.contains("requeue 0/3 --dry-run"), "{text}");
    }

    #[test]
    fn what_is_not_json_is_shown_safely_and_in_part() {
        let text = body(&example(b"\xff\x1b[2J"));
        assert!(text.contains(r"  \xff\x1b[2J"), "{text}");
        let text = body(&example(b"\x1b[2J"));
        assert!(text.contains(r"  \u{1b}[2J"), "{text}");
        let long = vec![b'x'; SHOWN_BYTES_MAX + 5];
        assert!(body(&example(&long)).contains("… and 5 more bytes"));
    }
}
