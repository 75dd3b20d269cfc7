//! The JSON shape of an event, as sent and as received.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Channel, Kind, Login, Outcome, Resource};

/// A CloudEvents 1.0 envelope in structured mode.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Envelope<'a, D> {
    /// Always `1.0`.
    #[serde(borrow)]
    pub specversion: Cow<'a, str>,
    /// One of the types of this crate.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    /// The portal instance that emitted the event, as a URI reference.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// Unique within `source`; a UUIDv7 is recommended.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// RFC 3339 with an offset.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// The event itself.
    pub data: D,
}

/// `data` of [`crate::ACCESS_V1`] and [`crate::SERVICE_USE_V1`]. Fields that a type does not
/// know are ignored, so that an emitter may be newer than the consumer.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Data<'a> {
    /// Code of the public body (IPA code, or an alias in the register).
    #[serde(borrow)]
    pub ente: Cow<'a, str>,
    /// Code of the portal.
    #[serde(borrow)]
    pub portal: Cow<'a, str>,
    /// Code of the service: required for a service use.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub service: Option<Cow<'a, str>>,
    /// Required for a service use, absent for an access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// For an access: `page` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// `completed` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// `web` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// `none` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// Opaque token of the session: letters, digits, `-` and `_`, at most 64.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub session: Option<Cow<'a, str>>,
    /// Opaque daily token of the visitor: letters, digits, `-` and `_`, at most 64.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub visitor: Option<Cow<'a, str>>,
    /// What is known of the client.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client<'a>>,
}

/// What is known of the client.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Client<'a> {
    /// `User-Agent` header.
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
    pub ip: Option<Cow<'a, str>>,
    /// ISO 3166-1 alpha-2.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
    pub country: Option<Cow<'a, str>>,
    /// ISO 3166-2 subdivision.
    #[serde(
        borrow,
        default,
        deserialize_with = "borrowed",
        skip_serializing_if = "Option::is_none"
    )]
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

/// By itself serde copies an optional text, although it need not.
fn borrowed<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'a>>::deserialize(deserializer)?.map(|text| text.0))
}

impl<'a> Envelope<'a, Data<'a>> {
    /// An envelope around `data`, ready to serialize.
    pub fn new(
        event_type: &'a str,
        source: impl Into<Cow<'a, str>>,
        id: impl Into<Cow<'a, str>>,
        time: impl Into<Cow<'a, str>>,
        data: Data<'a>,
    ) -> Self {
        Self {
            specversion: "1.0".into(),
            event_type: event_type.into(),
            source: source.into(),
            id: id.into(),
            time: time.into(),
            data,
        }
    }

    /// The key of the event's Kafka record. The same event always has the same key, so that a
    /// duplicate meets its original in one partition; never the ente alone, since one ente may
    /// have nine tenths of the load.
    pub fn key(&self) -> &str {
        self.data
            .session
            .as_deref()
            .or(self.data.visitor.as_deref())
            .unwrap_or(&self.id)
    }
}
