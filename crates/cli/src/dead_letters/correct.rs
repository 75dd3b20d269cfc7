//! Turns a letter into a valid event, or returns the obstacle.

use std::borrow::Cow;

use affluenza_event::wire::Envelope;
use affluenza_event::{BYTE_ORDER_MARK, Message, Refusal, UnixMillis, unpack};
use serde::de::IgnoredAny;
use thiserror::Error;

use super::Letter;
use super::masked::is_masked;

/// Header of a requeued record: position of the original record.
pub const REQUEUED_FROM: &str = "affluenza-requeued-from";
/// Header of a requeued record: stream of the original record.
pub const REQUEUED_STREAM: &str = "affluenza-requeued-stream";

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

/// Obstacle to requeueing a letter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequeueError {
    /// The consumer would refuse the record again.
    #[error("{}{}", without_fate(.refusal), masked_note(*.is_masked))]
    Refused {
        /// Refusal of the consumer.
        refusal: Refusal,
        /// True if the record contains masked data.
        is_masked: bool,
    },
    /// The record would pass for another event, because its identity is masked.
    #[error(
        "{field} had personal data, which was masked, and identifies the event: requeue it with another {field}"
    )]
    MaskedIdentity {
        /// Masked field: `source` or `id`.
        field: &'static str,
    },
}

impl RequeueError {
    /// Stable code: the refusal's code, or one of this type.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => refusal.code(),
            Self::MaskedIdentity { .. } => "masked-identity",
        }
    }
}

/// Formats a refusal without its fate, because output shows the code next to it.
fn without_fate(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Reject(reject) => reject.to_string(),
        Refusal::Quarantine(quarantine) => quarantine.to_string(),
    }
}

fn masked_note(is_masked: bool) -> &'static str {
    if is_masked {
        "; personal data in it was masked and cannot be restored: requeue it with a corrected event"
    } else {
        ""
    }
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
    let payload = match unpack(&payload) {
        Some(Ok(unpacked)) => Cow::Owned(unpacked),
        _ => without_mark(payload),
    };
    let is_masked_now = is_masked(&payload);
    let reading = affluenza_event::read(&payload, std::iter::empty, now);
    let message = reading.message.map_err(|refusal| RequeueError::Refused {
        refusal,
        is_masked: is_masked_now,
    })?;
    let envelope: Envelope<'_, IgnoredAny> =
        serde_json::from_slice(&payload).expect("what was read is an envelope");
    // A masked identity is valid text, and masked words of equal length are equal. The consumer
    // would drop all but one of such events as duplicates.
    for (field, value) in [("source", &envelope.source), ("id", &envelope.id)] {
        if is_masked(value.as_bytes()) {
            return Err(RequeueError::MaskedIdentity { field });
        }
    }
    let what = match &message {
        Message::Usage(event) => {
            let slash = if event.service.is_empty() { "" } else { "/" };
            format!("{}/{}{slash}{}", event.ente, event.portal, event.service)
        }
        Message::Report(report) => report.producer.to_string(),
    };
    let key = envelope.id.to_string();
    let summary = format!("{} {} {what}", envelope.event_type, envelope.time);
    Ok(Corrected {
        key,
        summary,
        is_masked: is_masked_now,
        payload,
    })
}

fn without_mark(payload: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match payload.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => Cow::Owned(text.to_owned()),
        None => payload,
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::example;
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_490_515_200_000);
    const GOOD: &str = r#"{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://servizi.example.it","id":"7","time":"2017-03-26T10:00:00+02:00","data":{"ente":"c_d612","portal":"p","service":"s","kind":"plain","session":"s1"}}"#;

    fn outcome(record: &str, event: Option<&str>) -> Result<(String, String), &'static str> {
        let masked = affluenza_event::mask(record.as_bytes());
        correct(&example(&masked), event, NOW)
            .map(|corrected| {
                let payload = String::from_utf8(corrected.payload.into_owned()).unwrap();
                (corrected.key, payload)
            })
            .map_err(|hindrance| hindrance.code())
    }

    #[test]
    fn a_valid_record_goes_back_byte_for_byte() {
        let record = GOOD.replace(":{", ": {");
        assert_eq!(outcome(&record, None), Ok(("7".into(), record.clone())));
    }

    #[test]
    fn the_key_is_that_of_the_corrected_event() {
        let corrected = GOOD.replace("\"7\"", "\"8\"");
        let (key, payload) = outcome(GOOD, Some(&corrected)).unwrap();
        assert_eq!((key, payload), ("8".into(), corrected));
    }

    #[test]
    fn a_record_that_would_be_refused_again_is_held_back() {
        let wrong = GOOD.replace("plain", "other");
        assert_eq!(outcome(&wrong, None), Err("unknown-shape"));
        assert_eq!(outcome("{", None), Err("not-json"));
        assert_eq!(outcome(GOOD, Some(&wrong)), Err("unknown-shape"));
        assert!(outcome(&wrong, Some(GOOD)).is_ok());
    }

    #[test]
    fn time_brings_a_time_ahead() {
        let record = GOOD.replace("T10:00:00", "T10:10:01");
        assert_eq!(outcome(&record, None), Err("time-ahead"));
        let letter = example(record.as_bytes());
        assert!(correct(&letter, None, UnixMillis(NOW.0 + 1_000)).is_ok());
    }

    #[test]
    fn masked_data_comes_back_only_when_it_is_replaced() {
        let record = GOOD.replace("\"s1\"", "\"mario.rossi@example.it\"");
        let masked = affluenza_event::mask(record.as_bytes());
        let hindrance = correct(&example(&masked), None, NOW).unwrap_err();
        assert_eq!(hindrance.code(), "unknown-shape");
        assert!(hindrance.to_string().contains("was masked"), "{hindrance}");
        assert!(outcome(&record, Some(GOOD)).is_ok());
    }

    #[test]
    fn a_masked_identity_does_not_pass_for_an_event() {
        for (from, to, field) in [
            ("\"7\"", "\"mario@example.it\"", "id"),
            ("https://servizi.example.it", "https://1.2.3.4", "source"),
        ] {
            let record = GOOD.replace(from, to);
            assert_eq!(outcome(&record, None), Err("masked-identity"), "{field}");
            assert!(outcome(&record, Some(GOOD)).is_ok(), "{field}");
        }
    }

    #[test]
    fn other_masked_parts_stay_masked_and_are_told() {
        let record = GOOD.replace(
            "\"session\"",
            "\"client\":{\"user_agent\":\"bot a@example.it\"},\"session\"",
        );
        let masked = affluenza_event::mask(record.as_bytes());
        let corrected = correct(&example(&masked), None, NOW).unwrap();
        assert!(corrected.is_masked);
        assert!(
            !correct(&example(GOOD.as_bytes()), None, NOW)
                .unwrap()
                .is_masked
        );
    }
}
