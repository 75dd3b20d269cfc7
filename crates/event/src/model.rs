//! Domain types of a valid event.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray, VariantNames};
use xxhash_rust::xxh3::xxh3_64;

/// Size of the stack buffer for hashing; most identities fit.
const JOINED_BYTES_MAX: usize = 160;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Write time of a record without a timestamp; later than every event.
    pub const UNKNOWN: Self = Self(i64::MAX);
}

impl From<Timestamp> for UnixMillis {
    fn from(instant: Timestamp) -> Self {
        Self(instant.as_millisecond())
    }
}

/// A valid event. Borrows from its record where possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// Hash of `source` and `id`; two events with the same identity are duplicates.
    pub identity: Identity,
    /// Time of the event.
    pub time: UnixMillis,
    /// Code of the public body, as sent: a register code or an alias of it.
    pub ente: Cow<'a, str>,
    /// Code of the portal.
    pub portal: Cow<'a, str>,
    /// Code of the service; empty for an access outside any service.
    pub service: Cow<'a, str>,
    /// Access or service use.
    pub activity: Activity,
    /// Result of the access or use.
    pub outcome: Outcome,
    /// Channel through which the person came.
    pub channel: Channel,
    /// Identification of the person.
    pub login: Login,
    /// Hash of the session token, 0 without a token.
    pub session: u64,
    /// Hash of the visitor token, 0 without a token.
    pub visitor: u64,
    /// Client attributes that the producer sent.
    pub client: ClientAttributes<'a>,
    /// Producer id and sequence number, if the event carries both.
    pub origin: Option<Origin<'a>>,
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl Event<'_> {
    /// Copies every borrowed text.
    pub(crate) fn into_owned(self) -> Event<'static> {
        let client = self.client;
        Event {
            identity: self.identity,
            time: self.time,
            ente: owned(self.ente),
            portal: owned(self.portal),
            service: owned(self.service),
            activity: self.activity,
            outcome: self.outcome,
            channel: self.channel,
            login: self.login,
            session: self.session,
            visitor: self.visitor,
            client: ClientAttributes {
                user_agent: client.user_agent.map(owned),
                ip: client.ip,
                country: owned(client.country),
                region: owned(client.region),
                mobile: client.mobile,
                platform: owned(client.platform),
                form_factors: owned(client.form_factors),
                touch_points: client.touch_points,
            },
            origin: self.origin.map(|origin| Origin {
                producer: owned(origin.producer),
                sequence: origin.sequence,
            }),
        }
    }
}

/// Producer of an event and the event's sequence number there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Id of the producing process.
    pub producer: Cow<'a, str>,
    /// Sequence number, counted from 1.
    pub sequence: u64,
}

/// Report on the events that a producer had to drop since its previous report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientReport<'a> {
    /// Identity of the report itself; a duplicate counts once.
    pub identity: Identity,
    /// Time of the report.
    pub time: UnixMillis,
    /// Portal instance.
    pub source: Cow<'a, str>,
    /// Id of the reporting process.
    pub producer: Cow<'a, str>,
    /// Last sequence number that the producer assigned, 0 if it assigned none.
    pub last_sequence: u64,
    /// Dropped events by public body and reason.
    pub dropped: Vec<DroppedEvents<'a>>,
}

impl ClientReport<'_> {
    /// Copies every borrowed text.
    pub(crate) fn into_owned(self) -> ClientReport<'static> {
        let dropped = self.dropped.into_iter().map(|dropped| DroppedEvents {
            ente: owned(dropped.ente),
            reason: owned(dropped.reason),
            events: dropped.events,
        });
        ClientReport {
            identity: self.identity,
            time: self.time,
            source: owned(self.source),
            producer: owned(self.producer),
            last_sequence: self.last_sequence,
            dropped: dropped.collect(),
        }
    }
}

/// Events that a producer dropped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedEvents<'a> {
    /// Code of the public body, as sent.
    pub ente: Cow<'a, str>,
    /// Reason code.
    pub reason: Cow<'a, str>,
    /// Number of dropped events.
    pub events: u64,
}

/// Client attributes. User agent and truncated address serve the classification only and are never
/// stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientAttributes<'a> {
    /// `User-Agent` header. Empty if the client sent none, `None` if it was not recorded.
    pub user_agent: Option<Cow<'a, str>>,
    /// Address, already truncated to IPv4 /24 or IPv6 /48.
    pub ip: Option<std::net::IpAddr>,
    /// ISO 3166-1 alpha-2 country from the collector; empty if unknown.
    pub country: Cow<'a, str>,
    /// ISO 3166-2 subdivision from the collector; empty if unknown.
    pub region: Cow<'a, str>,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: Option<bool>,
    /// `Sec-CH-UA-Platform`; empty if absent.
    pub platform: Cow<'a, str>,
    /// `Sec-CH-UA-Form-Factors`; empty if absent.
    pub form_factors: Cow<'a, str>,
    /// `navigator.maxTouchPoints`.
    pub touch_points: Option<u8>,
}

/// 64-bit hash of `source` and `id`. Two different events collide with a probability of 1 in 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub u64);

impl Identity {
    /// Hashes a `source` and an `id`.
    pub fn of(source: &str, id: &str) -> Self {
        // UTF-8 never contains 0xFF, so ("ab", "c") and ("a", "bc") differ.
        let parts = [source.as_bytes(), &[0xFF], id.as_bytes()];
        let length = parts.iter().map(|part| part.len()).sum();
        let mut joined = [0; JOINED_BYTES_MAX];
        // Hashing one buffer takes a fifth of the time of three updates.
        match joined.get_mut(..length) {
            Some(joined) => {
                let mut rest = &mut *joined;
                for part in parts {
                    let (place, after) = rest.split_at_mut(part.len());
                    place.copy_from_slice(part);
                    rest = after;
                }
                Self(xxh3_64(joined))
            }
            None => Self(xxh3_64(&parts.concat())),
        }
    }
}

/// Access or service use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A page or area was visited.
    Access(Resource),
    /// A service was used.
    ServiceUse(Kind),
}

/// Kind of a service use. Exactly one applies, so kinds add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[repr(i8)]
pub enum Kind {
    /// Neither a payment nor a booking.
    Plain = 1,
    /// Ended in a payment.
    Payment = 2,
    /// Ended in a booking.
    Booking = 3,
}

/// Kind of resource that an access requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[repr(i8)]
pub enum Resource {
    /// A page or area that a person reads.
    Page = 1,
    /// An image, script, style sheet or other part of a page.
    Asset = 2,
}

/// Result of an access or a service use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[repr(i8)]
pub enum Outcome {
    /// Finished.
    Completed = 1,
    /// The person left before the end.
    Abandoned = 2,
    /// The portal could not finish.
    Failed = 3,
}

/// Channel of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[repr(i8)]
pub enum Channel {
    /// A portal in a browser.
    Web = 1,
    /// An app.
    App = 2,
    /// A desk, on behalf of a citizen.
    Desk = 3,
    /// Historical data from a file.
    Import = 4,
}

/// Identification of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[repr(i8)]
pub enum Login {
    /// Anonymous.
    None = 1,
    /// User name and password of the portal.
    Password = 2,
    /// SPID, level 1.
    #[serde(rename = "spid-1")]
    #[strum(serialize = "spid-1")]
    Spid1 = 3,
    /// SPID, level 2.
    #[serde(rename = "spid-2")]
    #[strum(serialize = "spid-2")]
    Spid2 = 4,
    /// SPID, level 3.
    #[serde(rename = "spid-3")]
    #[strum(serialize = "spid-3")]
    Spid3 = 5,
    /// Electronic identity card.
    Cie = 6,
    /// National services card.
    Cns = 7,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_keeps_source_and_id_apart() {
        assert_ne!(Identity::of("ab", "c"), Identity::of("a", "bc"));
        assert_eq!(Identity::of("a", "b"), Identity::of("a", "b"));
    }

    /// Identities are stored, so the hash must never change.
    #[test]
    fn identities_never_change() {
        for (source, id) in [("s", "1"), (&*"s".repeat(500), &*"i".repeat(500))] {
            let mut hasher = xxhash_rust::xxh3::Xxh3::new();
            hasher.update(source.as_bytes());
            hasher.update(&[0xFF]);
            hasher.update(id.as_bytes());
            assert_eq!(Identity::of(source, id), Identity(hasher.digest()));
        }
        assert_eq!(Identity::of("s", "1"), Identity(14_438_444_956_303_408_643));
    }
}
