//! Reasons why a record did not become an event. The codes are part of the contract.

use strum::IntoStaticStr;
use thiserror::Error;

/// A record that did not become an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The record can never become an event.
    #[error("rejected: {0}")]
    Reject(#[from] Reject),
    /// The record needs a person's decision.
    #[error("quarantined: {0}")]
    Quarantine(#[from] Quarantine),
}

impl Refusal {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reject(reject) => reject.into(),
            Self::Quarantine(quarantine) => quarantine.into(),
        }
    }

    /// Advice to the author of the record, in one sentence.
    pub const fn mend(&self) -> &'static str {
        match self {
            Self::Reject(Reject::TooLarge { .. }) => {
                "shorten it: usually the user agent is too long"
            }
            Self::Reject(Reject::NotJson(_)) => {
                "write each event as one JSON value in UTF-8, to its end"
            }
            Self::Reject(Reject::NotCloudEvent(_)) => {
                "add specversion (\"1.0\"), type, source, id and time as strings"
            }
            Self::Reject(Reject::UnknownType(_)) => {
                "use it.affluenza.access.v1, it.affluenza.service-use.v1 or it.affluenza.service-use.v2"
            }
            Self::Reject(Reject::BadTime(_)) => {
                "write the time as RFC 3339 with an offset, such as 2017-03-26T10:00:00+02:00"
            }
            Self::Reject(Reject::TimeAhead { .. }) => {
                "set the clock of the machine: the time of an event is in the past when it is sent"
            }
            Self::Quarantine(Quarantine::UnknownShape(_)) => {
                "write data as in the JSON Schema of the type, in schemas/events"
            }
            Self::Quarantine(Quarantine::BeyondRetention) => {
                "send events before the retention of facts ends: ask the operator of the consumer for its length"
            }
            Self::Quarantine(Quarantine::PersonalData { .. }) => {
                "leave it out, or send an opaque token; truncate an address to its network"
            }
        }
    }
}

/// Reasons why a record can never become an event.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Reject {
    /// Longer than [`crate::EVENT_BYTES_MAX`].
    #[error("the record has {bytes} bytes, at most {max} are accepted", max = crate::EVENT_BYTES_MAX)]
    TooLarge {
        /// Length of the record, in bytes.
        bytes: usize,
    },
    /// Not JSON in UTF-8.
    #[error("the record is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not a CloudEvents 1.0 envelope.
    #[error("the record is not a CloudEvents 1.0 envelope: {0}")]
    #[strum(serialize = "not-cloudevent")]
    NotCloudEvent(String),
    /// Unknown event type.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// Not an RFC 3339 time with an offset.
    #[error(
        "time {0:?} is not RFC 3339 with an offset between 1970 and 2105, such as 2017-03-26T10:00:00+02:00"
    )]
    BadTime(String),
    /// Later than the record itself by more than [`crate::AHEAD_MS_MAX`].
    #[error("time lies {ahead_ms} ms ahead of the record, at most {max} are accepted", max = crate::AHEAD_MS_MAX)]
    TimeAhead {
        /// Time ahead of the record, in milliseconds.
        ahead_ms: i64,
    },
}

/// Reasons why a record needs a person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Quarantine {
    /// A known type with a shape that its version does not have.
    #[error("the data of a known type has an unknown shape: {0}")]
    UnknownShape(String),
    /// Personal data in a field. The field is named, its content is not.
    #[error("personal data in {field}: {what}")]
    PersonalData {
        /// Name of the field.
        field: &'static str,
        /// Kind of personal data: an IP address, an e-mail address or a fiscal code.
        what: &'static str,
    },
    /// Older than the retention period: duplicates can no longer be detected.
    #[error("the event is older than the retention of facts, so a duplicate cannot be detected")]
    BeyondRetention,
}
