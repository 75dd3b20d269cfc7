//! Parses the bytes of a record into an [`Event`] or a [`Refusal`].

use std::borrow::Cow;
use std::net::IpAddr;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use strum::VariantNames as _;
use xxhash_rust::xxh3::xxh3_64;

use crate::explain::fault_of;
use crate::model::ClientAttributes;
use crate::objects::read_object;
use crate::refusal::text_kind;
use crate::shape::{SHAPE_BYTES_MAX, Shape};
use crate::upcast::{self, Version};
use crate::wire::{AnyLogin, Data, Envelope, Report, is_producer, is_sequence};
use crate::{
    ACCESS_V1, AHEAD_MS_MAX, Activity, CLIENT_REPORT_V1, Channel, ClientReport, DroppedEvents,
    Event, FieldFault, Identity, Kind, Message, Origin, Refusal, RefusalKind, Resource,
    SERVICE_USE_V1, SERVICE_USE_V2, TYPES, UnixMillis, privacy,
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
/// Longest part of a text whose form is shown, in characters.
const FORM_CHARS_MAX: usize = 40;

/// Parses a record in structured mode. `written` is the time at which the record was written to the
/// log. [`crate::read`] also accepts records in binary mode, and client reports.
///
/// `written` bounds how far the event's own time may lie ahead. The record's time stands in for a
/// clock, so that a replay decides as the first reading did.
pub fn parse(bytes: &[u8], written: UnixMillis) -> Result<Event<'_>, Refusal> {
    match crate::read(bytes, std::iter::empty, written).message? {
        Message::Usage(event) => Ok(event),
        Message::Report(_) => Err(Refusal::unknown_type(CLIENT_REPORT_V1)),
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
        ente: code("/data/ente", data.ente)?,
        portal: code("/data/portal", data.portal)?,
        service: match data.service {
            Some(service) => code("/data/service", service)?,
            None => Cow::Borrowed(""),
        },
        activity,
        outcome: upcast::outcome(version, data.outcome)?,
        channel: data.channel.unwrap_or(Channel::Web),
        login: upcast::login(version, data.login)?,
        session: token("/data/session", data.session.as_deref())?,
        visitor: token("/data/visitor", data.visitor.as_deref())?,
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
    let envelope: Envelope<'_, Report<'_>> = read_object(bytes)
        .map_err(|_| Refusal::unknown_shape(fault_of::<Envelope<'_, Report<'_>>>(bytes, "")))?;
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
        return Err(shape(
            "/data/dropped",
            format!("{} entries", count_of(report.dropped.len())),
            format!("at most {} entries", count_of(DROPPED_MAX)),
        ));
    }
    let counts = report.dropped.iter().map(|dropped| dropped.events);
    if counts
        .chain([report.last_sequence])
        .any(|count| i64::try_from(count).is_err())
    {
        return Err(shape(
            "/data",
            "a count of 2^63 or more",
            "counts below 2^63",
        ));
    }
    token("/data/producer", Some(&report.producer))?;
    Ok(ClientReport {
        identity: Identity::of(&envelope.source, &envelope.id),
        time,
        source: envelope.source,
        producer: report.producer,
        last_sequence: report.last_sequence,
        dropped: report
            .dropped
            .into_iter()
            .enumerate()
            .map(|(index, dropped)| {
                token(
                    format!("/data/dropped/{index}/reason"),
                    Some(&dropped.reason),
                )?;
                Ok(DroppedEvents {
                    ente: code(format!("/data/dropped/{index}/ente"), dropped.ente)?,
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
        return Err(Refusal::time_ahead(ahead_ms));
    }
    Ok(time)
}

#[inline]
fn check_envelope<D>(envelope: &Envelope<'_, D>) -> Result<(), Refusal> {
    if envelope.specversion != "1.0" {
        let fault = FieldFault::of_name("/specversion", &envelope.specversion, &["1.0"]);
        return Err(Refusal::not_cloudevent(fault));
    }
    for (pointer, value) in [("/source", &envelope.source), ("/id", &envelope.id)] {
        if value.is_empty() || value.len() > IDENTITY_BYTES_MAX {
            let allowed = format!("1 to {IDENTITY_BYTES_MAX} bytes");
            let found = match value.len() {
                0 => text_kind(value),
                bytes => format!("a text of {} bytes", count_of(bytes)),
            };
            return Err(Refusal::not_cloudevent(FieldFault::new(
                pointer, found, allowed,
            )));
        }
        let shape = Shape::of(value.as_bytes());
        if let Some(what) = privacy::personal_data_in_identity(value, shape) {
            return Err(Refusal::personal_data(pointer, what));
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
        ACCESS_V1 if kind.is_some() => {
            return Err(shape("/data/kind", "a kind", "none: an access has no kind"));
        }
        ACCESS_V1 => {
            let resource = resource.unwrap_or(Resource::Page);
            return Ok((Activity::Access(resource), Version::V1));
        }
        other => return Err(Refusal::unknown_type(other)),
    };
    if !has_service {
        let allowed = "the code of a service: a service use has one";
        return Err(shape("/data/service", "nothing", allowed));
    }
    match kind {
        Some(kind) => Ok((Activity::ServiceUse(kind), version)),
        None => Err(shape("/data/kind", "nothing", Kind::VARIANTS.join(", "))),
    }
}

/// Refuses a value of an event, with the same parameters as [`FieldFault::new`].
#[cold]
pub(crate) fn shape(
    pointer: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
    allowed: impl Into<Cow<'static, str>>,
) -> Refusal {
    Refusal::unknown_shape(FieldFault::new(pointer, found, allowed))
}

fn parse_time(text: &str) -> Result<UnixMillis, Refusal> {
    storable_time(text).ok_or_else(|| bad_time(text))
}

fn storable_time(text: &str) -> Option<UnixMillis> {
    crate::time::usual(text)
        .or_else(|| {
            let time: jiff::Timestamp = nanoseconds(text).parse().ok()?;
            Some(UnixMillis(time.as_millisecond()))
        })
        .filter(|time| STORABLE_TIME_MS.contains(&time.0))
}

#[cold]
fn bad_time(text: &str) -> Refusal {
    let found = match text.parse::<jiff::Timestamp>() {
        Ok(_) => "a time before 2 January 1970 or after 2105".to_owned(),
        Err(_) if storable_time(&format!("{text}Z")).is_some() => {
            "a time without an offset".to_owned()
        }
        Err(_) if has_form_of_time(text) => "a day or a time of day that does not exist".to_owned(),
        Err(_) => format!("a text of the form {:?}", form_of(text)),
    };
    let allowed = "RFC 3339 with an offset, such as 2017-03-26T10:00:00+02:00";
    Refusal::new(
        RefusalKind::BadTime,
        FieldFault::new("/time", found, allowed),
    )
}

/// True for the digits and signs of a time, whatever their values.
fn has_form_of_time(text: &str) -> bool {
    let form = form_of(text);
    let offset = ["Z", "+00:00", "-00:00"];
    let local = offset.iter().find_map(|end| form.strip_suffix(end));
    let fraction = local.and_then(|local| local.strip_prefix("0000-00-00T00:00:00"));
    fraction.is_some_and(|fraction| {
        let digits = fraction.strip_prefix('.').unwrap_or(fraction);
        digits.bytes().all(|digit| digit == b'0')
    })
}

/// Returns the form of a text: `0` for each digit, `a` for each letter, and punctuation.
fn form_of(text: &str) -> String {
    text.chars()
        .take(FORM_CHARS_MAX)
        .map(|c| match c {
            'T' | 'Z' => c,
            _ if c.is_ascii_digit() => '0',
            _ if c.is_alphanumeric() => 'a',
            _ if c.is_ascii_graphic() || c == ' ' => c,
            _ => '*',
        })
        .collect()
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

fn code<'a>(
    pointer: impl Into<Cow<'static, str>>,
    value: Cow<'a, str>,
) -> Result<Cow<'a, str>, Refusal> {
    let shape = Shape::of(value.as_bytes());
    if shape.is_some_and(|shape| is_code(&value, shape)) {
        return Ok(value);
    }
    let accepted = "letters, digits, '-', '_' or '.'";
    Err(unfit(pointer.into(), &value, shape, accepted))
}

/// True if a text is a valid code.
#[inline(always)]
pub(crate) fn is_code(value: &str, shape: Shape) -> bool {
    let is_plain = !value.is_empty() && shape.is_plain();
    is_plain && privacy::personal_data_in(value, Some(shape)).is_none()
}

/// Hashes a token. Tokens are only compared, so the hash is enough.
fn token(pointer: impl Into<Cow<'static, str>>, value: Option<&str>) -> Result<u64, Refusal> {
    let Some(value) = value else { return Ok(0) };
    let shape = Shape::of(value.as_bytes());
    if shape.is_some_and(|shape| is_token(value, shape)) {
        return Ok(token_hash(value));
    }
    let accepted = "letters, digits, '-' or '_'";
    Err(unfit(pointer.into(), value, shape, accepted))
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
fn unfit(pointer: Cow<'static, str>, value: &str, shape: Option<Shape>, accepted: &str) -> Refusal {
    if let Some(what) = privacy::personal_data_in(value, shape) {
        return Refusal::personal_data(pointer, what);
    }
    let found = match value.len() {
        1..=CODE_BYTES_MAX => "a text with characters that are not allowed".to_owned(),
        _ => text_kind(value),
    };
    self::shape(pointer, found, format!("1 to {CODE_BYTES_MAX} {accepted}"))
}

fn client(client: Option<crate::wire::Client<'_>>) -> Result<ClientAttributes<'_>, Refusal> {
    let Some(client) = client else {
        return Ok(ClientAttributes::default());
    };
    let ip = address(client.ip.as_deref().unwrap_or_default())?;
    Ok(ClientAttributes {
        user_agent: client.user_agent,
        ip,
        country: place(&COUNTRY, client.country, is_country)?,
        region: place(&REGION, client.region, is_region)?,
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
        .map_err(|_| shape("/data/client/ip", text_kind(text), "an IP address"))?;
    if !privacy::is_truncated(ip) {
        return Err(Refusal::personal_data(
            "/data/client/ip",
            "a full IP address",
        ));
    }
    Ok(Some(ip))
}

/// Pointer to a code of ISO 3166 and its form.
struct PlaceField {
    pointer: &'static str,
    allowed: &'static str,
}

const COUNTRY: PlaceField = PlaceField {
    pointer: "/data/client/country",
    allowed: "an ISO 3166-1 code of two capital letters, such as IT",
};
const REGION: PlaceField = PlaceField {
    pointer: "/data/client/region",
    allowed: "an ISO 3166-2 code in capital letters, such as IT-52",
};

fn place<'a>(
    field: &PlaceField,
    value: Option<Cow<'a, str>>,
    is_place: impl Fn(&str) -> bool,
) -> Result<Cow<'a, str>, Refusal> {
    let value = value.unwrap_or_default();
    if is_place(&value) {
        return Ok(value);
    }
    // Other texts, which may be names of persons, are not repeated.
    let capitals = value.to_ascii_uppercase();
    let is_code = is_place(&capitals) && matches!(capitals.as_bytes(), [_, _] | [_, _, b'-', ..]);
    let found = match is_code {
        true => format!("the text {value:?}"),
        false => text_kind(&value),
    };
    Err(Refusal::unknown_shape(FieldFault {
        suggestion: is_code.then_some(capitals),
        ..FieldFault::new(field.pointer, found, field.allowed)
    }))
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
pub(crate) fn diagnose(bytes: &[u8]) -> Result<IsReport, Refusal> {
    type Outline<'a> = Envelope<'a, Option<IgnoredAny>>;
    if let Err(error) = serde_json::from_slice::<&RawValue>(bytes) {
        return Err(match bytes.is_empty() {
            true => Refusal::empty(),
            false => Refusal::not_json(&error),
        });
    }
    let Ok(outline) = read_object::<Outline<'_>>(bytes) else {
        return Err(bad_envelope(fault_of::<Outline<'_>>(bytes, "")));
    };
    match &*outline.event_type {
        CLIENT_REPORT_V1 => Ok(IsReport),
        known if TYPES.contains(&known) => {
            let fault = fault_of::<Envelope<'_, Data<'_, AnyLogin>>>(bytes, "");
            Err(Refusal::unknown_shape(fault))
        }
        other => Err(Refusal::unknown_type(other)),
    }
}

/// Refuses an envelope. CloudEvents do not require `time`, but this contract does.
pub(crate) fn bad_envelope(fault: FieldFault) -> Refusal {
    match &*fault.pointer {
        "/time"
            if ["nothing", "null"].contains(&&*fault.found)
                || fault.suggestion.as_deref() == Some("time") =>
        {
            Refusal::unknown_shape(FieldFault {
                allowed: "the time of the event: this contract requires it".into(),
                ..fault
            })
        }
        _ => Refusal::not_cloudevent(fault),
    }
}

/// Writes a number with separators.
pub(crate) fn count_of(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (first, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let groups = [first.into()].into_iter().chain(groups);
    let groups: Vec<_> = groups.filter(|group| !group.is_empty()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Login, Outcome};
    use proptest::prelude::*;

    #[test]
    fn a_missing_time_has_one_code_however_it_is_missing() {
        for time in ["", r#""time":null,"#, r#""Time":"2026-03-20T10:00:00Z","#] {
            let event = format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1",{time}"data":{{"ente":"c_d612","portal":"p"}}}}"#
            );
            let refusal = parse(event.as_bytes(), UnixMillis(i64::MAX)).unwrap_err();
            assert_eq!(refusal.code(), "unknown-shape", "{refusal}");
        }
    }

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

    /// A struct of serde would accept an array of its fields.
    #[test]
    fn an_array_in_place_of_an_object_is_refused() {
        for (event_type, data, pointer) in [
            (ACCESS_V1, r#"["e","p"]"#, "/data"),
            (
                ACCESS_V1,
                r#"{"ente":"e","portal":"p","client":["curl"]}"#,
                "/data/client",
            ),
            (
                ACCESS_V1,
                r#"{"ente":"e","portal":"p","client":[]}"#,
                "/data/client",
            ),
            (
                SERVICE_USE_V2,
                r#"{"ente":"e","portal":"p","service":"s","kind":"plain","outcome":"completed","login":["spid",2]}"#,
                "/data/login",
            ),
            (
                CLIENT_REPORT_V1,
                r#"{"producer":"p","last_sequence":1,"dropped":[["e","queue-full",3]]}"#,
                "/data/dropped/0",
            ),
        ] {
            let refusal = parse(record(event_type, data).as_bytes(), WRITTEN).unwrap_err();
            let fault = &refusal.fault;
            assert_eq!(
                (&*fault.pointer, &*fault.found),
                (pointer, "an array"),
                "{refusal}"
            );
        }
        let envelope = r#"["1.0","it.affluenza.access.v1","s","1","2017-03-26T10:00:00Z",null,null,{"ente":"e","portal":"p"}]"#;
        let refusal = parse(envelope.as_bytes(), WRITTEN).unwrap_err();
        assert_eq!(refusal.fault.found, "an array", "{refusal}");
    }

    #[test]
    fn a_day_that_does_not_exist_is_named_as_such() {
        for time in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00+01:00",
            "2026-01-01T24:00:00.5Z",
            "2026-01-01T10:00:61Z",
        ] {
            let found = parse_time(time).unwrap_err().fault.found;
            assert_eq!(
                found, "a day or a time of day that does not exist",
                "{time}"
            );
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

    #[test]
    fn a_number_is_written_with_separators() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (26_331_000, "26,331,000"),
        ] {
            assert_eq!(count_of(number), text);
        }
    }

    #[test]
    fn a_time_that_cannot_be_read_is_described_without_its_content() {
        for (time, found) in [
            ("2017-03-26T10:00:00", "a time without an offset"),
            (
                "1901-03-26T10:00:00Z",
                "a time before 2 January 1970 or after 2105",
            ),
            (
                "26/03/2017 Rossi",
                "a text of the form \"00/00/0000 aaaaa\"",
            ),
        ] {
            let refusal = super::time(time, WRITTEN).unwrap_err();
            assert_eq!(refusal.fault.found, found);
        }
        let time = super::time("2017-03-26T10:00:00.1234567891+02:00", WRITTEN);
        assert_eq!(time, Ok(UnixMillis(WRITTEN.0 + 123)));
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
