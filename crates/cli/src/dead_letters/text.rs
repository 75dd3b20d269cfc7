//! Formats letters as lines of text.
//!
//! Control characters of a record are escaped: anybody may have written them, and a terminal would
//! interpret them.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Corrected, Letter, LetterTally, RequeueError, Walked};

/// Formats a letter as one line. `current` is the current stream of the events topic.
pub fn line(letter: &Letter<'_>, current: Option<&str>) -> String {
    let mut line = format!(
        "{:<10} {:<25} {:<11} {:<14} {}",
        letter.position,
        show_time(letter.written_ms),
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
    result: &Result<Corrected<'_>, RequeueError>,
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
pub fn counts(tally: &LetterTally, walked: &Walked, shown: u64) -> String {
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
            "{letters} of them are of another stream, {}: the topic was recreated since, so their positions are not those of its present records",
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

/// Formats a time as RFC 3339 in Italy, to the second; a dash if it is missing or out of range.
pub(super) fn show_time(ms: Option<i64>) -> String {
    ms.and_then(|ms| Timestamp::from_second(ms.div_euclid(1000)).ok())
        .map_or_else(
            || "-".to_owned(),
            |timestamp| {
                let offset = zone().to_offset(timestamp);
                timestamp.display_with_offset(offset).to_string()
            },
        )
}

/// Time zone of the portals.
pub(super) fn zone() -> TimeZone {
    TimeZoneDatabase::bundled()
        .get("Europe/Rome")
        .expect("the zones come with the program")
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
    use super::super::letter::example;
    use super::*;

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
        let mut tally = LetterTally::default();
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
        let result = Err(RequeueError::Refused {
            refusal,
            is_masked: false,
        });
        assert_eq!(
            outcome(&letter, Some("cluster/topic"), "requeued", &result),
            "held back     0/3        unknown-type: unknown event type \"****************\""
        );
    }

    #[test]
    fn times_are_shown_with_their_offset() {
        assert_eq!(
            show_time(Some(1_490_515_200_000)),
            "2017-03-26T10:00:00+02:00"
        );
        assert_eq!(show_time(None), "-");
        assert_eq!(show_time(Some(i64::MAX)), "-");
    }
}
