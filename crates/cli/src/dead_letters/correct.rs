//! Turns a letter into a valid event, or returns the obstacle.

use std::borrow::Cow;
use std::collections::BTreeMap;

use affluenza_event::wire::Envelope;
use affluenza_event::{BYTE_ORDER_MARK, Message, UnixMillis, unpack};
use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Letter, LogPosition};

/// Corrected events that an operator wrote, by position.
pub type Corrections = BTreeMap<LogPosition, Box<RawValue>>;

/// Reads corrected events: JSON documents that `dead-letters show` or the list as JSON prints, with
/// `event` changed. White space may separate them.
pub fn read_corrections(text: &str) -> Result<Corrections> {
    #[derive(Deserialize)]
    struct CorrectedLetter {
        position: String,
        event: Box<RawValue>,
    }
    let mut corrections = Corrections::new();
    for letter in serde_json::Deserializer::from_str(text).into_iter() {
        let CorrectedLetter { position, event } = letter.map_err(|error| {
            anyhow!(
                "{error}; it must hold the documents that `affluenza dead-letters show` prints, with the event corrected"
            )
        })?;
        let Ok(at) = position.parse() else {
            bail!(
                "{position:?} is no position: it must be partition/offset of the events topic, such as 0/1042"
            );
        };
        if corrections.insert(at, event).is_some() {
            bail!("it has two events for position {at}");
        }
    }
    if corrections.is_empty() {
        bail!("it holds no events");
    }
    Ok(corrections)
}

/// Record that is a valid event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected<'a> {
    /// Record key by the contract, so that duplicates reach the same partition.
    pub key: String,
    /// Payload; identical to the letter's if nothing was corrected.
    pub payload: Cow<'a, [u8]>,
    /// Type, time and origin of the event, for an operator to recognize it.
    pub summary: String,
    /// True if a part of the payload, such as the user agent, stays masked.
    pub is_masked: bool,
}

/// Obstacle to requeueing a letter: the consumer would refuse the record again, or the record would
/// pass for another event, because its identity is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequeueError {
    /// Code of the refusal, or `masked-identity`.
    pub code: &'static str,
    pub detail: String,
}

/// Makes a valid event of the record of `letter`, or of `event` if an operator corrected it. `now`
/// is the time at which the new record is written.
pub fn correct<'a>(
    letter: &Letter<'a>,
    event: Option<&str>,
    now: UnixMillis,
) -> Result<Corrected<'a>, RequeueError> {
    let payload = match event {
        None => letter.payload.clone(),
        Some(event) => Cow::Owned(event.as_bytes().to_vec()),
    };
    let payload = match (unpack(&payload), payload.strip_prefix(BYTE_ORDER_MARK)) {
        (Some(Ok(unpacked)), _) => Cow::Owned(unpacked),
        (_, Some(text)) => Cow::Owned(text.to_owned()),
        _ => payload,
    };
    let has_masked = is_masked(&payload);
    let reading = affluenza_event::read(&payload, std::iter::empty, now);
    let message = reading.message.map_err(|refusal| RequeueError {
        code: refusal.code(),
        detail: refusal.to_string()
            + if has_masked {
                "; personal data in it was masked and cannot be restored: requeue it with a corrected event"
            } else {
                ""
            },
    })?;
    let envelope: Envelope<'_, IgnoredAny> =
        serde_json::from_slice(&payload).expect("what was read is an envelope");
    // A masked identity is valid text, and masked words of equal length are equal. The consumer
    // would drop all but one of such events as duplicates.
    for (field, value) in [("source", &envelope.source), ("id", &envelope.id)] {
        if is_masked(value.as_bytes()) {
            return Err(RequeueError {
                code: "masked-identity",
                detail: format!(
                    "{field} had personal data, which was masked, and identifies the event: requeue it with another {field}"
                ),
            });
        }
    }
    let origin = match &message {
        Message::Usage(event) => {
            let slash = if event.service.is_empty() { "" } else { "/" };
            format!("{}/{}{slash}{}", event.ente, event.portal, event.service)
        }
        Message::Report(report) => report.producer.to_string(),
    };
    Ok(Corrected {
        key: envelope.id.to_string(),
        summary: format!("{} {} {origin}", envelope.event_type, envelope.time),
        is_masked: has_masked,
        payload,
    })
}

/// True if `bytes` may hold a word that [`affluenza_event::mask`] replaced by asterisks.
///
/// Only a single asterisk next to a part of a word, as in `a*b`, certainly does not come from
/// masking. An original asterisk may touch a masked word, so any longer run is suspect.
pub(super) fn is_masked(bytes: &[u8]) -> bool {
    let asterisks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'*');
    asterisks.map(|(at, _)| at).any(|at| {
        let (before, after) = (at.checked_sub(1).map(|at| bytes[at]), bytes.get(at + 1));
        let is_in_word =
            before.is_some_and(is_word_byte) || after.copied().is_some_and(is_word_byte);
        after == Some(&b'*') || !is_in_word
    })
}

/// True for bytes that masking treats as part of a word.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"@._:+-%".contains(&byte) || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use affluenza_event::mask;
    use proptest::prelude::*;

    use super::super::letter::example;
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_490_515_200_000);
    const GOOD: &str = r#"{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://servizi.example.it","id":"7","time":"2017-03-26T10:00:00+02:00","data":{"ente":"c_d612","portal":"p","service":"s","kind":"plain","session":"s1"}}"#;

    fn outcome(record: &str, event: Option<&str>) -> Result<(String, String), &'static str> {
        match correct(&example(&mask(record.as_bytes())), event, NOW) {
            Ok(corrected) => {
                let payload = String::from_utf8(corrected.payload.into_owned()).unwrap();
                Ok((corrected.key, payload))
            }
            Err(obstacle) => Err(obstacle.code),
        }
    }

    #[test]
    fn a_valid_record_goes_back_byte_for_byte_under_its_own_key() {
        let record = GOOD.replace(":{", ": {");
        assert_eq!(outcome(&record, None), Ok(("7".into(), record.clone())));
        let corrected = GOOD.replace("\"7\"", "\"8\"");
        let found = outcome(GOOD, Some(&corrected));
        assert_eq!(found, Ok(("8".into(), corrected)));
    }

    #[test]
    fn a_record_that_would_be_refused_again_is_held_back_until_it_is_corrected() {
        for (from, to, code) in [
            ("plain", "other", "unknown-shape"),
            ("T10:00:00", "T10:10:01", "time-ahead"),
            ("\"s1\"", "\"mario.rossi@example.it\"", "unknown-shape"),
            ("\"7\"", "\"mario@example.it\"", "masked-identity"),
            (
                "https://servizi.example.it",
                "https://1.2.3.4",
                "masked-identity",
            ),
        ] {
            let record = GOOD.replace(from, to);
            assert_eq!(outcome(&record, None), Err(code), "{to}");
            assert!(outcome(&record, Some(GOOD)).is_ok(), "{to}");
        }
        // Time brings a time ahead.
        let record = GOOD.replace("T10:00:00", "T10:10:01");
        let later = UnixMillis(NOW.0 + 1_000);
        assert!(correct(&example(record.as_bytes()), None, later).is_ok());
    }

    #[test]
    fn masked_parts_stay_masked_and_are_reported() {
        let personal = GOOD.replace("\"s1\"", "\"mario.rossi@example.it\"");
        let obstacle = correct(&example(&mask(personal.as_bytes())), None, NOW).unwrap_err();
        assert!(obstacle.detail.contains("was masked"), "{obstacle:?}");
        let agent = GOOD.replace(
            "\"session\"",
            "\"client\":{\"user_agent\":\"bot a@example.it\"},\"session\"",
        );
        for (record, is_masked) in [(agent.as_str(), true), (GOOD, false)] {
            let masked = mask(record.as_bytes());
            let corrected = correct(&example(&masked), None, NOW).unwrap();
            assert_eq!(corrected.is_masked, is_masked, "{record}");
        }
    }

    #[test]
    fn corrections_are_read_by_position() {
        let text = "{\"position\": \"0/3\", \"reason\": \"x\", \"event\": {\"a\": 1}}\n{\"position\":\"1/4\",\"event\":{}}";
        let corrections = read_corrections(text).unwrap();
        let event = |position: &str| corrections.get(&position.parse().unwrap());
        assert_eq!(corrections.len(), 2);
        assert_eq!(event("0/3").unwrap().get(), "{\"a\": 1}");
        assert_eq!(event("1/4").unwrap().get(), "{}");
        assert!(event("0/4").is_none());
    }

    #[test]
    fn bad_corrections_are_refused_with_their_place() {
        for (text, cause) in [
            ("", "no events"),
            (
                "{\"position\": \"0/3\"}",
                "missing field `event` at line 1 column 19",
            ),
            ("\n{\"position\": \"0/3\", \"event\": }", "line 2 column 30"),
            ("[]", "line 1"),
            (
                "{\"position\": \"3\", \"event\": {}}",
                "\"3\" is no position",
            ),
            (
                "{\"position\":\"0/3\",\"event\":1}{\"position\":\"0/3\",\"event\":2}",
                "two events for position 0/3",
            ),
        ] {
            let said = read_corrections(text).unwrap_err().to_string();
            assert!(said.contains(cause), "{text:?}: {said}");
        }
    }

    #[test]
    fn masked_words_are_found() {
        for (text, expected) in [
            (r#"{"ip":"**********"}"#, true),
            ("*", true),
            ("a*b ****", true),
            ("x*****y", true),
            ("", false),
            ("a*b", false),
            ("*b a*", false),
        ] {
            assert_eq!(is_masked(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_masked_text_is_found(text in "[a-z0-9.@* \"\\\\é]{0,40}") {
            let masked = mask(text.as_bytes());
            prop_assert!(masked == text.as_bytes() || is_masked(&masked), "{text:?}");
        }
    }
}
