//! Parses the bytes of a record into an [`Event`] or a [`Refusal`].

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::ClientAttributes;
use crate::shape::{SHAPE_BYTES_MAX, Shape};
use crate::upcast::{self, Version};
use crate::wire::{AnyLogin, Data, Envelope, Report, is_producer, is_sequence};
use crate::{
    ACCESS_V1, AHEAD_MS_MAX, Activity, CLIENT_REPORT_V1, Channel, ClientReport, DroppedEvents,
    Event, Identity, Kind, Message, Origin, Quarantine, Refusal, Reject, Resource, SERVICE_USE_V1,
    SERVICE_USE_V2, TYPES, UnixMillis, privacy,
};

/// Maximum length of a token, and of the code of an ente, portal or service, in bytes.
const CODE_BYTES_MAX: usize = SHAPE_BYTES_MAX;
/// Accepted event times. Storage counts local hours and days from 1970 to 2105; one day of margin
/// at either end keeps every time zone inside.
const STORABLE_TIME_MS: std::ops::Range<i64> = 86_400_000..4_291_747_200_000;
/// Maximum length of `id` and `source`, in bytes.
pub(crate) const IDENTITY_BYTES_MAX: usize = 512;

/// Maximum number of entries in a client report.
const DROPPED_MAX: usize = 1_000;

/// Parses a record in structured mode. `written` is the time at which the record was written to the
/// log. [`crate::read`] also accepts records in binary mode, and client reports.
///
/// `written` bounds how far the event's own time may lie ahead. The record's time stands in for a
/// clock, so that a replay decides as the first reading did.
pub fn parse(bytes: &[u8], written: UnixMillis) -> Result<Event<'_>, Refusal> {
    match crate::read(bytes, std::iter::empty, written).message? {
        Message::Usage(event) => Ok(event),
        Message::Report(_) => Err(Reject::UnknownType(CLIENT_REPORT_V1.to_owned()).into()),
    }
}

#[inline(always)]
pub(crate) fn event<'a>(
    envelope: Envelope<'a, Data<'a, AnyLogin>>,
    written: UnixMillis,
) -> Result<Event<'a>, Refusal> {
    check_envelope(&envelope)?;
    let time = time(&envelope.time, written)?;
    let data = envelope.data;
    let has_service = data.service.is_some();
    let (activity, version) =
        activity(&envelope.event_type, data.kind, data.resource, has_service)?;
    Ok(Event {
        identity: Identity::of(&envelope.source, &envelope.id),
        time,
        ente: code("ente", data.ente)?,
        portal: code("portal", data.portal)?,
        service: match data.service {
            Some(service) => code("service", service)?,
            None => Cow::Borrowed(""),
        },
        activity,
        outcome: upcast::outcome(version, data.outcome)?,
        channel: data.channel.unwrap_or(Channel::Web),
        login: upcast::login(version, data.login)?,
        session: token("session", data.session.as_deref())?,
        visitor: token("visitor", data.visitor.as_deref())?,
        client: client(data.client)?,
        origin: match envelope.sequence {
            None => None,
            Some(sequence) => origin(envelope.producer, Some(&sequence)),
        },
    })
}

/// Returns producer and sequence number if both are present and valid.
pub(crate) fn origin<'a>(
    producer: Option<Cow<'a, str>>,
    sequence: Option<&str>,
) -> Option<Origin<'a>> {
    let producer = producer.filter(|text| is_producer(text))?;
    let sequence = sequence.filter(|text| is_sequence(text))?.parse().ok()?;
    Some(Origin { producer, sequence })
}

/// Parses a client report in structured mode.
pub(crate) fn report(bytes: &[u8], written: UnixMillis) -> Result<Message<'_>, Refusal> {
    let envelope: Envelope<'_, Report<'_>> =
        serde_json::from_slice(bytes).map_err(|error| shape(&place_of(&error)))?;
    check_envelope_and_report(envelope, written).map(Message::Report)
}

pub(crate) fn check_envelope_and_report<'a>(
    envelope: Envelope<'a, Report<'a>>,
    written: UnixMillis,
) -> Result<ClientReport<'a>, Refusal> {
    check_envelope(&envelope)?;
    let time = time(&envelope.time, written)?;
    let report = envelope.data;
    if report.dropped.len() > DROPPED_MAX {
        let found = report.dropped.len();
        return Err(shape(&format!(
            "dropped has {found} entries, at most {DROPPED_MAX} are accepted"
        )));
    }
    let counts = report.dropped.iter().map(|dropped| dropped.events);
    if counts
        .chain([report.last_sequence])
        .any(|count| i64::try_from(count).is_err())
    {
        return Err(shape("a count is below 2^63"));
    }
    token("producer", Some(&report.producer))?;
    Ok(ClientReport {
        identity: Identity::of(&envelope.source, &envelope.id),
        time,
        source: envelope.source,
        producer: report.producer,
        last_sequence: report.last_sequence,
        dropped: report
            .dropped
            .into_iter()
            .map(|dropped| {
                token("dropped.reason", Some(&dropped.reason))?;
                Ok(DroppedEvents {
                    ente: code("dropped.ente", dropped.ente)?,
                    reason: dropped.reason,
                    events: dropped.events,
                })
            })
            .collect::<Result<_, Refusal>>()?,
    })
}

/// Parses an event time and checks that it does not lie ahead of its record.
pub(crate) fn time(text: &str, written: UnixMillis) -> Result<UnixMillis, Refusal> {
    let time = parse_time(text)?;
    let ahead_ms = time.0.saturating_sub(written.0);
    if ahead_ms > AHEAD_MS_MAX {
        return Err(Reject::TimeAhead { ahead_ms }.into());
    }
    Ok(time)
}

#[inline]
fn check_envelope<D>(envelope: &Envelope<'_, D>) -> Result<(), Refusal> {
    if envelope.specversion != "1.0" {
        let found = no_words(&envelope.specversion);
        return Err(Reject::NotCloudEvent(format!("specversion is {found:?}, not \"1.0\"")).into());
    }
    for (field, value) in [("source", &envelope.source), ("id", &envelope.id)] {
        if value.is_empty() || value.len() > IDENTITY_BYTES_MAX {
            return Err(Reject::NotCloudEvent(format!(
                "{field} has {} bytes, 1 to {IDENTITY_BYTES_MAX} are accepted",
                value.len()
            ))
            .into());
        }
        if let Some(what) = privacy::personal_data(value) {
            return Err(Quarantine::PersonalData { field, what }.into());
        }
    }
    Ok(())
}

/// Determines the activity and version from the type, kind and resource, and the presence of a
/// service.
#[inline(always)]
pub(crate) fn activity(
    event_type: &str,
    kind: Option<Kind>,
    resource: Option<Resource>,
    has_service: bool,
) -> Result<(Activity, Version), Refusal> {
    let version = match event_type {
        SERVICE_USE_V1 => Version::V1,
        SERVICE_USE_V2 => Version::V2,
        ACCESS_V1 if kind.is_some() => return Err(shape("an access has no kind")),
        ACCESS_V1 => {
            let resource = resource.unwrap_or(Resource::Page);
            return Ok((Activity::Access(resource), Version::V1));
        }
        other => return Err(Reject::UnknownType(shorten(other)).into()),
    };
    if !has_service {
        return Err(shape("a service use names its service"));
    }
    match kind {
        Some(kind) => Ok((Activity::ServiceUse(kind), version)),
        None => Err(shape("a service use has a kind: plain, payment or booking")),
    }
}

pub(crate) fn shape(what: &str) -> Refusal {
    Quarantine::UnknownShape(what.to_owned()).into()
}

fn parse_time(text: &str) -> Result<UnixMillis, Refusal> {
    crate::time::usual(text)
        .or_else(|| {
            let time: jiff::Timestamp = nanoseconds(text).parse().ok()?;
            Some(UnixMillis(time.as_millisecond()))
        })
        .filter(|time| STORABLE_TIME_MS.contains(&time.0))
        .ok_or_else(|| Reject::BadTime(no_words(text)).into())
}

/// Truncates a fraction of a second to nine digits; RFC 3339 allows any number.
fn nanoseconds(text: &str) -> Cow<'_, str> {
    let Some((seconds, rest)) = text.split_once('.') else {
        return text.into();
    };
    let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.len() - zone.len() {
        0..=9 => text.into(),
        _ => format!("{seconds}.{}{zone}", &rest[..9]).into(),
    }
}

fn code<'a>(field: &'static str, value: Cow<'a, str>) -> Result<Cow<'a, str>, Refusal> {
    let shape = Shape::of(value.as_bytes());
    if shape.is_some_and(|shape| is_code(&value, shape)) {
        return Ok(value);
    }
    let accepted = "letters, digits, '-', '_' or '.'";
    Err(unfit(field, &value, shape, accepted))
}

/// True if a text is a valid code.
#[inline(always)]
pub(crate) fn is_code(value: &str, shape: Shape) -> bool {
    let is_plain = !value.is_empty() && shape.is_plain();
    is_plain && privacy::personal_data_in(value, Some(shape)).is_none()
}

/// Hashes a token. Tokens are only compared, so the hash is enough.
fn token(field: &'static str, value: Option<&str>) -> Result<u64, Refusal> {
    let Some(value) = value else { return Ok(0) };
    let shape = Shape::of(value.as_bytes());
    if shape.is_some_and(|shape| is_token(value, shape)) {
        return Ok(token_hash(value));
    }
    Err(unfit(field, value, shape, "letters, digits, '-' or '_'"))
}

/// True if a text is a valid token: a code without dots.
#[inline(always)]
pub(crate) fn is_token(value: &str, shape: Shape) -> bool {
    shape.dots() == 0 && is_code(value, shape)
}

/// Hashes a valid token; never 0.
#[inline(always)]
pub(crate) fn token_hash(token: &str) -> u64 {
    // Storage uses 0 for "none".
    xxh3_64(token.as_bytes()).max(1)
}

/// Explains why a text is not a valid code or token.
#[cold]
fn unfit(field: &'static str, value: &str, shape: Option<Shape>, accepted: &str) -> Refusal {
    match privacy::personal_data_in(value, shape) {
        Some(what) => Quarantine::PersonalData { field, what }.into(),
        None => self::shape(&format!("{field} is not 1 to {CODE_BYTES_MAX} {accepted}")),
    }
}

fn client(client: Option<crate::wire::Client<'_>>) -> Result<ClientAttributes<'_>, Refusal> {
    let Some(client) = client else {
        return Ok(ClientAttributes::default());
    };
    let ip = address(client.ip.as_deref().unwrap_or_default())?;
    Ok(ClientAttributes {
        user_agent: client.user_agent,
        ip,
        country: place("client.country", client.country, is_country)?,
        region: place("client.region", client.region, is_region)?,
        mobile: client.mobile,
        platform: client.platform.unwrap_or_default(),
        form_factors: client.form_factors.unwrap_or_default(),
        touch_points: client.touch_points,
    })
}

/// Parses a truncated address; `None` for an empty text.
#[inline]
pub(crate) fn address(text: &str) -> Result<Option<IpAddr>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let ip: IpAddr = text
        .parse()
        .map_err(|_| shape("client.ip is not an IP address"))?;
    if !privacy::is_truncated(ip) {
        return Err(Quarantine::PersonalData {
            field: "client.ip",
            what: "a full IP address",
        }
        .into());
    }
    Ok(Some(ip))
}

fn place<'a>(
    field: &'static str,
    value: Option<Cow<'a, str>>,
    is_place: impl Fn(&str) -> bool,
) -> Result<Cow<'a, str>, Refusal> {
    let value = value.unwrap_or_default();
    if !is_place(&value) {
        return Err(Quarantine::UnknownShape(format!("{field} is not an ISO 3166 code")).into());
    }
    Ok(value)
}

/// True if a text is empty or may be an ISO 3166-1 code.
#[inline(always)]
pub(crate) fn is_country(text: &str) -> bool {
    text.len() <= 2 && is_iso_3166(text)
}

/// True if a text is empty or may be an ISO 3166-2 code.
#[inline(always)]
pub(crate) fn is_region(text: &str) -> bool {
    text.len() <= 6 && is_iso_3166(text)
}

#[inline(always)]
fn is_iso_3166(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Proof that a record is a client report.
pub(crate) struct IsReport;

/// Finds out why a record is not a usage event, unless it is a client report. The function is off
/// the hot path, so it parses the record again, one layer at a time.
pub(crate) fn diagnose(bytes: &[u8], error: &serde_json::Error) -> Result<IsReport, Refusal> {
    /// Fields that every event of the contract has.
    #[derive(Deserialize)]
    struct Outline<'a> {
        #[serde(borrow, rename = "type")]
        event_type: Cow<'a, str>,
        #[serde(rename = "specversion")]
        _specversion: String,
        #[serde(rename = "source")]
        _source: String,
        #[serde(rename = "id")]
        _id: String,
        #[serde(rename = "time")]
        _time: String,
    }
    if let Err(error) = serde_json::from_slice::<&RawValue>(bytes) {
        return Err(Reject::NotJson(place_of(&error)).into());
    }
    match serde_json::from_slice::<Outline<'_>>(bytes) {
        Err(outline) => Err(Reject::NotCloudEvent(place_of(&outline)).into()),
        Ok(outline) if outline.event_type == CLIENT_REPORT_V1 => Ok(IsReport),
        Ok(outline) if TYPES.contains(&&*outline.event_type) => Err(shape(&place_of(error))),
        Ok(outline) => Err(Reject::UnknownType(shorten(&outline.event_type)).into()),
    }
}

/// Describes a parse error by field and position only. The message of serde_json can quote a value
/// of the record, which may be personal.
pub(crate) fn place_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = if text.starts_with("missing field") || text.starts_with("duplicate field") {
        text.split(" at line").next().unwrap_or_default()
    } else {
        match error.classify() {
            serde_json::error::Category::Data => "a value of the wrong type",
            serde_json::error::Category::Eof => "it ends too early",
            _ => "a syntax error",
        }
    };
    format!("{what} at line {} column {}", error.line(), error.column())
}

/// Masks the letters of an invalid time, so that a refusal may quote it.
fn no_words(text: &str) -> String {
    shorten(text).replace(|c: char| c.is_alphabetic() && !"TtZz".contains(c), "*")
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:+-/, ".contains(c)
}

/// Shortens and masks a value so that a refusal may quote it: codes, numbers and times only.
pub(crate) fn shorten(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    let is_code = !short.contains(' ') && short.chars().all(is_plain);
    short
        .chars()
        .map(|c| {
            if is_plain(c) && (is_code || !c.is_alphabetic()) {
                c
            } else {
                '*'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Login, Outcome};
    use proptest::prelude::*;

    const WRITTEN: UnixMillis = UnixMillis(1_490_515_200_000);

    fn record(event_type: &str, data: &str) -> String {
        format!(
            r#"{{"specversion":"1.0","type":"{event_type}","source":"s","id":"1","time":"2017-03-26T10:00:00+02:00","data":{data}}}"#
        )
    }

    fn code_of(record: &str) -> &'static str {
        parse(record.as_bytes(), WRITTEN).unwrap_err().code()
    }

    #[test]
    fn a_service_use_is_read_with_defaults() {
        let text = record(
            SERVICE_USE_V1,
            r#"{"ente":"c_d612","portal":"p","service":"s","kind":"payment"}"#,
        );
        let event = parse(text.as_bytes(), WRITTEN).unwrap();
        assert_eq!(event.activity, Activity::ServiceUse(Kind::Payment));
        assert_eq!(event.outcome, Outcome::Completed);
        assert_eq!(event.channel, Channel::Web);
        assert_eq!(event.login, Login::None);
        assert_eq!((event.session, event.visitor), (0, 0));
        assert_eq!(event.time, WRITTEN);
    }

    #[test]
    fn escapes_in_the_json_are_decoded() {
        let text = record(
            ACCESS_V1,
            r#"{"ente":"c\u005fd612","portal":"p","client":{"user_agent":"a\"b"}}"#,
        );
        let event = parse(text.as_bytes(), WRITTEN).unwrap();
        assert_eq!(event.ente, "c_d612");
        assert_eq!(event.client.user_agent.as_deref(), Some("a\"b"));
    }

    #[test]
    fn each_fault_has_its_reason() {
        let data = r#"{"ente":"e","portal":"p"}"#;
        assert_eq!(code_of("{"), "not-json");
        assert_eq!(code_of("[1]"), "not-cloudevent");
        assert_eq!(code_of(&record("it.other.v1", data)), "unknown-type");
        assert_eq!(code_of(&record(SERVICE_USE_V1, data)), "unknown-shape");
        assert_eq!(
            code_of(&record(ACCESS_V1, r#"{"ente":"e"}"#)),
            "unknown-shape"
        );
        assert_eq!(
            code_of(&record(
                ACCESS_V1,
                r#"{"ente":"e","portal":"p","login":"x"}"#
            )),
            "unknown-shape"
        );
        assert_eq!(
            code_of(&record(ACCESS_V1, data).replace("2017-", "2027-")),
            "time-ahead"
        );
        assert_eq!(
            code_of(&record(ACCESS_V1, data).replace("+02:00", "")),
            "bad-time"
        );
        assert_eq!(
            code_of(&" ".repeat(crate::EVENT_BYTES_MAX + 1)),
            "too-large"
        );
    }

    #[test]
    fn personal_data_is_quarantined_wherever_it_stands() {
        for data in [
            r#"{"ente":"e","portal":"p","client":{"ip":"93.45.1.17"}}"#,
            r#"{"ente":"e","portal":"p","visitor":"RSSMRA85T10A562S"}"#,
            r#"{"ente":"e","portal":"p","session":"mario.rossi@example.it"}"#,
            r#"{"ente":"e","portal":"p","service":"RSSMRA85T10A562S"}"#,
        ] {
            assert_eq!(code_of(&record(ACCESS_V1, data)), "personal-data", "{data}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_a_value_of_the_record() {
        let text = record(
            ACCESS_V1,
            r#"{"ente":"e","portal":"p","login":"Mario Rossi"}"#,
        );
        let refusal = parse(text.as_bytes(), WRITTEN).unwrap_err().to_string();
        assert!(!refusal.contains("Mario"), "{refusal}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, WRITTEN);
        }

        #[test]
        fn no_damage_to_a_good_record_makes_it_panic(at in 0usize..200, byte in any::<u8>()) {
            let mut text = record(SERVICE_USE_V1, r#"{"ente":"e","portal":"p","service":"s","kind":"plain"}"#).into_bytes();
            let at = at % text.len();
            text[at] = byte;
            let _ = parse(&text, WRITTEN);
        }
    }
}
