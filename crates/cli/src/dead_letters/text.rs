//! Formats letters as lines of text.
//!
//! Control characters of a record are escaped: anybody may have written them, and a terminal would
//! interpret them.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Corrected, Letter, LetterCounts, RequeueError};
use crate::output::masked;

/// Formats a letter as one line.
pub fn line(letter: &Letter<'_>) -> String {
    format!(
        "{:<10} {:<25} {:<11} {:<14} {}{}",
        letter.position,
        show_time(letter.written_ms),
        letter.fate,
        plain(letter.reason),
        plain(&letter.detail),
        other_stream(letter)
    )
}

/// Formats the result of requeueing a letter as one line. `sent` is the word for a success.
pub fn outcome(
    letter: &Letter<'_>,
    sent: &str,
    result: &Result<Corrected<'_>, RequeueError>,
) -> String {
    let (word, detail) = match result {
        Ok(corrected) => {
            let masked = if corrected.is_masked {
                "  (a part that was masked stays masked)"
            } else {
                ""
            };
            let (summary, key) = (plain(&corrected.summary), plain(&corrected.key));
            (sent, format!("{summary} key {key}{masked}"))
        }
        // A quoted part was unescaped after its first masking.
        Err(RequeueError { code, detail }) => {
            ("held back", format!("{code}: {}", plain(&masked(detail))))
        }
    };
    format!(
        "{word:<13} {:<10} {detail}{}",
        letter.position,
        other_stream(letter)
    )
}

fn other_stream(letter: &Letter<'_>) -> String {
    if letter.is_current_stream {
        String::new()
    } else {
        format!("  [of another stream: {}]", plain(letter.stream))
    }
}

/// Formats the counts at the end of a list.
pub fn counts(counts: &LetterCounts) -> String {
    let mut text = match (counts.letters, counts.in_topic) {
        (0, 0) => "no dead letters\n".to_owned(),
        (0, all) => format!("none of the {} match\n", dead_letters(all)),
        (letters, _) if counts.shown < letters => format!(
            "{}, the first {} of them above\n",
            dead_letters(letters),
            counts.shown
        ),
        (letters, _) => format!("{}\n", dead_letters(letters)),
    };
    let mut reasons: Vec<(&String, &u64)> = counts.by_reason.iter().collect();
    // Most frequent first; a stable sort keeps equal counts in the order of their codes.
    reasons.sort_by_key(|(_, letters)| std::cmp::Reverse(**letters));
    for (reason, letters) in reasons {
        let _ = writeln!(text, "  {:<14} {letters:>9}", plain(reason));
    }
    for (stream, letters) in &counts.by_other_stream {
        let _ = writeln!(
            text,
            "{letters} of them are of another stream, {}: the topic was recreated since, so their positions are not those of its present records",
            plain(stream)
        );
    }
    if counts.repeated > 0 {
        let _ = writeln!(
            text,
            "{} were delivered again and are counted once",
            counts.repeated
        );
    }
    match counts.foreign {
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
pub fn zone() -> TimeZone {
    TimeZoneDatabase::bundled()
        .get("Europe/Rome")
        .expect("the zones come with the program")
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
    fn a_line_has_position_time_and_reason() {
        let mut letter = example(b"{}");
        assert_eq!(
            line(&letter),
            "0/3        2017-03-26T10:00:00+02:00 quarantined unknown-shape  a service use names its service"
        );
        (letter.is_current_stream, letter.written_ms) = (false, None);
        let text = line(&letter);
        assert!(text.starts_with("0/3        -    "), "{text}");
        assert!(text.ends_with("[of another stream: cluster/topic]"));
        assert_eq!(show_time(Some(i64::MAX)), "-");
    }

    #[test]
    fn counts_end_a_list() {
        let mut found = LetterCounts::default();
        assert_eq!(counts(&found), "no dead letters\n");
        found.in_topic = 9;
        assert_eq!(counts(&found), "none of the 9 dead letters match\n");
        found.count(&example(b""));
        (found.repeated, found.foreign, found.shown) = (2, 3, 1);
        assert_eq!(
            counts(&found),
            "1 dead letter\n  unknown-shape          1\n2 were delivered again and are counted once\n3 records of the dead-letter topic are not letters of this program and are left out\n"
        );
        found.shown = 0;
        assert!(counts(&found).contains("the first 0 of them above"));
        for (reason, stream) in [("b", "now"), ("c", "now"), ("c", "old"), ("a", "now")] {
            let mut letter = example(b"");
            (letter.reason, letter.stream) = (reason, stream);
            letter.is_current_stream = stream == "now";
            found.count(&letter);
        }
        assert_eq!(found.by_other_stream, [("old".to_owned(), 1)].into());
        let text = counts(&found);
        let reasons: Vec<&str> = text.lines().skip(1).take(4).map(str::trim_start).collect();
        let codes: Vec<&str> = reasons.iter().map(|line| &line[..1]).collect();
        assert_eq!(codes, ["c", "a", "b", "u"], "{text}");
    }

    #[test]
    fn outcomes_show_no_personal_data_and_no_control_characters() {
        let corrected = Ok(Corrected {
            key: "a\u{1b}b".into(),
            payload: b"".into(),
            summary: "type time e/p".into(),
            is_masked: true,
        });
        let held_back = Err(RequeueError {
            code: "unknown-type",
            detail: "unknown event type \"mario@example.it\"".into(),
        });
        for (result, expected) in [
            (
                corrected,
                r"requeued      0/3        type time e/p key a\u{1b}b  (a part that was masked stays masked)",
            ),
            (
                held_back,
                "held back     0/3        unknown-type: unknown event type \"****************\"",
            ),
        ] {
            assert_eq!(outcome(&example(b""), "requeued", &result), expected);
        }
    }
}
