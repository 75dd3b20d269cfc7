//! JSON shape of an event, for sending and receiving.

use std::borrow::Cow;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use strum::VariantNames as _;

use crate::parse::is_token;
use crate::shape::Shape;
use crate::{Channel, Kind, Login, Outcome, Resource};

/// A CloudEvents 1.0 envelope in structured mode.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Envelope<'a, D> {
    /// Always `1.0`.
    #[serde(borrow)]
    pub specversion: Cow<'a, str>,
    /// Event type of this contract.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    /// The portal instance that emitted the event, as a URI reference.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Identifier"))]
    pub source: Cow<'a, str>,
    /// Unique within `source`; a UUIDv7 is recommended.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Identifier"))]
    pub id: Cow<'a, str>,
    /// RFC 3339 with an offset.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Time"))]
    pub time: Cow<'a, str>,
    /// Id of the process that made the event, if it numbers its events: letters, digits, `-` and
    /// `_`, at most 64. Any other value counts as absent.
    #[serde(
        borrow,
        default,
        deserialize_with = "producer",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "crate::schema::Extension"))]
    pub producer: Option<Cow<'a, str>>,
    /// Sequence number of the event at its producer, from 1 on, in decimal digits. A gap means a
    /// lost event. Any other value counts as absent.
    #[serde(
        borrow,
        default,
        deserialize_with = "sequence",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "crate::schema::Extension"))]
    pub sequence: Option<Cow<'a, str>>,
    /// Data of the event.
    pub data: D,
}

/// `data` of [`crate::ACCESS_V1`], [`crate::SERVICE_USE_V1`] and, with [`LoginMeans`],
/// [`crate::SERVICE_USE_V2`]. Unknown fields are ignored, so that an emitter may be newer than the
/// consumer.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Data"))]
pub struct Data<'a, L = Login> {
    /// Code of the public body (IPA code, or an alias in the register).
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Code"))]
    pub ente: Cow<'a, str>,
    /// Code of the portal.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Code"))]
    pub portal: Cow<'a, str>,
    /// Code of the service; required for a service use.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::Code>"))]
    pub service: Option<Cow<'a, str>>,
    /// Kind of the service use; required for a service use, absent for an access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Kind of resource that an access requested; defaults to `page`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// Result of the access or use; a page answered with an error (4xx, 5xx) is `failed`. Version 1 defaults to `completed`; version 2 requires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Channel of the event; defaults to `web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Identification of the person; absent for an anonymous person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<L>,
    /// Opaque token of the session: letters, digits, `-` and `_`, at most 64.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::Token>"))]
    pub session: Option<Cow<'a, str>>,
    /// Opaque daily token of the visitor: letters, digits, `-` and `_`, at most 64.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::Token>"))]
    pub visitor: Option<Cow<'a, str>>,
    /// Client attributes.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client<'a>>,
}

impl Default for Data<'_> {
    fn default() -> Self {
        Self {
            ente: Cow::default(),
            portal: Cow::default(),
            service: None,
            kind: None,
            resource: None,
            outcome: None,
            channel: None,
            login: None,
            session: None,
            visitor: None,
            client: None,
        }
    }
}

/// Identification of a person, since [`crate::SERVICE_USE_V2`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LoginMeans {
    /// Means of identification.
    pub means: Means,
    /// Level of assurance, 1 to 3; required for SPID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1, max = 3)))]
    pub level: Option<u8>,
}

/// Means of identification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// User name and password of the portal.
    Password,
    /// SPID.
    Spid,
    /// Electronic identity card.
    Cie,
    /// National services card.
    Cns,
}

/// Login in the form of either version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnyLogin {
    Name(Login),
    Means(LoginMeans),
}

impl<'de> Deserialize<'de> for AnyLogin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = AnyLogin;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or an object")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AnyLogin, E> {
                text.parse()
                    .map(AnyLogin::Name)
                    .map_err(|_| E::unknown_variant(text, Login::VARIANTS))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AnyLogin, A::Error> {
                LoginMeans::deserialize(MapAccessDeserializer::new(map)).map(AnyLogin::Means)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `data` of [`crate::CLIENT_REPORT_V1`]: events that a producer had to drop. The report explains
/// gaps in its sequence numbers.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ClientReport"))]
pub struct Report<'a> {
    /// Id of the reporting process.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Token"))]
    pub producer: Cow<'a, str>,
    /// Last sequence number that the producer assigned, 0 if it assigned none.
    #[cfg_attr(test, schemars(range(max = 9_223_372_036_854_775_807_u64)))]
    pub last_sequence: u64,
    /// Events dropped since the previous report, at most 1,000 entries.
    #[serde(borrow, default)]
    #[cfg_attr(test, schemars(length(max = 1000)))]
    pub dropped: Vec<Dropped<'a>>,
}

/// Events that a producer dropped for one reason.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dropped<'a> {
    /// Code of the public body.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Code"))]
    pub ente: Cow<'a, str>,
    /// Reason code, such as `queue-full` or the reason of a collector's refusal.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "crate::schema::Token"))]
    pub reason: Cow<'a, str>,
    /// Number of dropped events.
    #[cfg_attr(test, schemars(range(max = 9_223_372_036_854_775_807_u64)))]
    pub events: u64,
}

/// Client attributes.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Client<'a> {
    /// `User-Agent` header. Empty if the client sent none; absent if it was not recorded.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub user_agent: Option<Cow<'a, str>>,
    /// Address truncated to IPv4 /24 or IPv6 /48. A full address quarantines the record.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::TruncatedAddress>"))]
    pub ip: Option<Cow<'a, str>>,
    /// ISO 3166-1 alpha-2 country.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::Country>"))]
    pub country: Option<Cow<'a, str>>,
    /// ISO 3166-2 subdivision.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::Region>"))]
    pub region: Option<Cow<'a, str>>,
    /// `Sec-CH-UA-Mobile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<bool>,
    /// `Sec-CH-UA-Platform`.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub platform: Option<Cow<'a, str>>,
    /// `Sec-CH-UA-Form-Factors`.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub form_factors: Option<Cow<'a, str>>,
    /// `navigator.maxTouchPoints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch_points: Option<u8>,
}

/// Borrows an optional text; the default implementation of serde copies it.
fn borrowed<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'a>>::deserialize(deserializer)?.map(|text| text.0))
}

/// True if a text is a valid producer id. It is passed on, so it must not be personal.
pub(crate) fn is_producer(text: &str) -> bool {
    Shape::of(text.as_bytes()).is_some_and(|shape| is_token(text, shape))
}

/// True if a text is a decimal number from 1 on.
pub(crate) fn is_sequence(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok_and(|n| n > 0)
}

fn producer<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    Ok(text_or_nothing(deserializer)?.filter(|text| is_producer(text)))
}

fn sequence<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    Ok(text_or_nothing(deserializer)?.filter(|text| is_sequence(text)))
}

/// Reads a text, and treats any other value as absent. Another system may use the attribute for its
/// purposes, so it never causes a refusal.
fn text_or_nothing<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    struct Lenient;
    impl<'de> Visitor<'de> for Lenient {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("anything")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(text)))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text.to_owned())))
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    }
    deserializer.deserialize_any(Lenient)
}

impl<'a, D> Envelope<'a, D> {
    /// Creates an envelope around `data`, ready to serialize.
    pub fn new(
        event_type: &'a str,
        source: impl Into<Cow<'a, str>>,
        id: impl Into<Cow<'a, str>>,
        time: impl Into<Cow<'a, str>>,
        data: D,
    ) -> Self {
        Self {
            specversion: "1.0".into(),
            event_type: event_type.into(),
            source: source.into(),
            id: id.into(),
            time: time.into(),
            producer: None,
            sequence: None,
            data,
        }
    }
}

impl<'a, D> Envelope<'a, D> {
    /// Replaces the data.
    pub(crate) fn with<E>(self, data: E) -> Envelope<'a, E> {
        Envelope {
            specversion: self.specversion,
            event_type: self.event_type,
            source: self.source,
            id: self.id,
            time: self.time,
            producer: self.producer,
            sequence: self.sequence,
            data,
        }
    }
}

impl<L> Envelope<'_, Data<'_, L>> {
    /// Key of the event's Kafka record: its id. A corrected or restamped copy keeps the id, so it
    /// lands in the partition of its original.
    pub fn key(&self) -> &str {
        &self.id
    }
}
