//! Domain types: what an event is once it has been found valid.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Most identities are no longer.
const JOINED_BYTES_MAX: usize = 160;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Later than every event: the moment of a record that does not say when it was written.
    pub const UNKNOWN: Self = Self(i64::MAX);
}

/// A valid event. Borrows from the record it was parsed from wherever it can.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// What `source` and `id` say together: the same pair twice is a duplicate.
    pub identity: Identity,
    /// When it happened.
    pub time: UnixMillis,
    /// Code of the public body, as sent: a register code or an alias of it.
    pub ente: Cow<'a, str>,
    /// Code of the portal.
    pub portal: Cow<'a, str>,
    /// Code of the service; empty for an access that belongs to none.
    pub service: Cow<'a, str>,
    /// What was done.
    pub activity: Activity,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it came in.
    pub channel: Channel,
    /// How the person was identified.
    pub login: Login,
    /// Hash of the session token, 0 when there is none.
    pub session: u64,
    /// Hash of the visitor token, 0 when there is none.
    pub visitor: u64,
    /// The client as far as it was sent.
    pub client: Client<'a>,
    /// Which process made it and as the how manieth, if it told both.
    pub origin: Option<Origin<'a>>,
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl Event<'_> {
    /// The same, borrowing nothing.
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
            client: Client {
                user_agent: owned(client.user_agent),
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

/// The number of an event among those of its producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The process that made it.
    pub producer: Cow<'a, str>,
    /// Its number, from 1 on.
    pub sequence: u64,
}

/// What a producer had to drop since its report before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientReport<'a> {
    /// Of the report itself: the same report twice counts once.
    pub identity: Identity,
    /// When it was made.
    pub time: UnixMillis,
    /// The portal instance.
    pub source: Cow<'a, str>,
    /// The process that reports.
    pub producer: Cow<'a, str>,
    /// The number it gave last, 0 when it gave none.
    pub last_sequence: u64,
    /// What it dropped.
    pub dropped: Vec<Dropped<'a>>,
}

impl ClientReport<'_> {
    /// The same, borrowing nothing.
    pub(crate) fn into_owned(self) -> ClientReport<'static> {
        let dropped = self.dropped.into_iter().map(|dropped| Dropped {
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
pub struct Dropped<'a> {
    /// Code of the public body they belonged to, as sent.
    pub ente: Cow<'a, str>,
    /// Why, as a code.
    pub reason: Cow<'a, str>,
    /// How many.
    pub events: u64,
}

/// What is known of the client. The user agent and the truncated address are used to classify
/// and never stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Client<'a> {
    /// `User-Agent` header, empty when there is none.
    pub user_agent: Cow<'a, str>,
    /// Address, already truncated to IPv4 /24 or IPv6 /48.
    pub ip: Option<std::net::IpAddr>,
    /// ISO 3166-1 alpha-2 country found by the collector, empty when it found none.
    pub country: Cow<'a, str>,
    /// ISO 3166-2 subdivision found by the collector, empty when it found none.
    pub region: Cow<'a, str>,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: Option<bool>,
    /// `Sec-CH-UA-Platform`, empty when it was not sent.
    pub platform: Cow<'a, str>,
    /// `Sec-CH-UA-Form-Factors`, empty when it was not sent.
    pub form_factors: Cow<'a, str>,
    /// `navigator.maxTouchPoints`.
    pub touch_points: Option<u8>,
}

/// 64-bit hash of `source` and `id`. Two different events share one with a probability of
/// 1 in 2^64 a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub u64);

impl Identity {
    /// Hashes a `source` and an `id`.
    pub fn of(source: &str, id: &str) -> Self {
        // 0xFF is in no UTF-8 text, so ("ab", "c") and ("a", "bc") differ.
        let parts = [source.as_bytes(), &[0xFF], id.as_bytes()];
        let length = parts.iter().map(|part| part.len()).sum();
        let mut joined = [0; JOINED_BYTES_MAX];
        // One hash over everything at once takes a fifth of the time of three steps.
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

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A page or area was visited.
    Access(Resource),
    /// A service was used.
    ServiceUse(Kind),
}

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[repr(i8)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant = $code,)+
        }

        impl $name {
            /// Every value, in the order of its storage code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value's name on the wire, in SQL and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value with that name.
            // One comparison of lengths and of constants each, where a search of `ALL` would call
            // for every name.
            #[inline]
            pub(crate) fn named(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The value's code in storage.
            pub const fn code(self) -> i8 {
                self as i8
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

coded! {
    /// Kind of a service use. Exactly one applies, so kinds add up to the total.
    Kind {
        /// Neither a payment nor a booking.
        Plain = 1 => "plain",
        /// Ended in a payment.
        Payment = 2 => "payment",
        /// Ended in a booking.
        Booking = 3 => "booking",
    }
}

coded! {
    /// What an access asked for.
    Resource {
        /// A page or area that a person looks at.
        Page = 1 => "page",
        /// A picture, script, style sheet or other part of a page.
        Asset = 2 => "asset",
    }
}

coded! {
    /// How an access or a service use ended.
    Outcome {
        /// It was finished.
        Completed = 1 => "completed",
        /// The person left before the end.
        Abandoned = 2 => "abandoned",
        /// The portal could not finish it.
        Failed = 3 => "failed",
    }
}

coded! {
    /// Where an event came in.
    Channel {
        /// A portal in a browser.
        Web = 1 => "web",
        /// An app.
        App = 2 => "app",
        /// A desk, on behalf of a citizen.
        Desk = 3 => "desk",
        /// History read from a file.
        Import = 4 => "import",
    }
}

coded! {
    /// How the person was identified.
    Login {
        /// Not at all.
        None = 1 => "none",
        /// A name and a password of the portal.
        Password = 2 => "password",
        /// SPID, level 1.
        Spid1 = 3 => "spid-1",
        /// SPID, level 2.
        Spid2 = 4 => "spid-2",
        /// SPID, level 3.
        Spid3 = 5 => "spid-3",
        /// Electronic identity card.
        Cie = 6 => "cie",
        /// National services card.
        Cns = 7 => "cns",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_keeps_source_and_id_apart() {
        assert_ne!(Identity::of("ab", "c"), Identity::of("a", "bc"));
        assert_eq!(Identity::of("a", "b"), Identity::of("a", "b"));
    }

    /// Identities are stored: they must be the same for ever.
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
