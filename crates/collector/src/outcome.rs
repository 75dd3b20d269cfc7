//! What became of an event that was sent, and why.

use affluenza_event::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

/// Why an event was not accepted. The codes are part of the contract: they never change their
/// meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Longer than 64 KiB.
    TooLarge,
    /// Not JSON in UTF-8.
    NotJson,
    /// JSON, but not a CloudEvents 1.0 envelope.
    NotCloudevent,
    /// A type that is not known here.
    UnknownType,
    /// `time` is not RFC 3339 with an offset between 1970 and 2105.
    BadTime,
    /// `time` lies more than ten minutes ahead.
    TimeAhead,
    /// The data of a known type has a shape that the type does not have.
    UnknownShape,
    /// Personal data in a field that is not meant for any.
    PersonalData,
    /// The key, or the page, may not write for this ente.
    ForeignEnte,
    /// The key may not write for this portal.
    ForeignPortal,
    /// The key may not write with this `source`.
    ForeignSource,
    /// A page of an origin that is not on the list.
    ForeignOrigin,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::TooLarge,
        Self::NotJson,
        Self::NotCloudevent,
        Self::UnknownType,
        Self::BadTime,
        Self::TimeAhead,
        Self::UnknownShape,
        Self::PersonalData,
        Self::ForeignEnte,
        Self::ForeignPortal,
        Self::ForeignSource,
        Self::ForeignOrigin,
    ];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotJson => "not-json",
            Self::NotCloudevent => "not-cloudevent",
            Self::UnknownType => "unknown-type",
            Self::BadTime => "bad-time",
            Self::TimeAhead => "time-ahead",
            Self::UnknownShape => "unknown-shape",
            Self::PersonalData => "personal-data",
            Self::ForeignEnte => "foreign-ente",
            Self::ForeignPortal => "foreign-portal",
            Self::ForeignSource => "foreign-source",
            Self::ForeignOrigin => "foreign-origin",
        }
    }

    /// Whether it is the sender that is wrong, not the event.
    pub const fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::ForeignEnte | Self::ForeignPortal | Self::ForeignSource | Self::ForeignOrigin
        )
    }

    fn of(refusal: &Refusal) -> Self {
        let code = refusal.code();
        Self::ALL
            .into_iter()
            .find(|reason| reason.code() == code)
            .unwrap_or(Self::UnknownShape)
    }
}

/// An event that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why, as a code.
    pub reason: Reason,
    /// Why, for a person. It may quote what the sender wrote, so it goes to the sender and
    /// nowhere else.
    pub detail: String,
}

impl Refused {
    /// For this reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::new(Reason::of(&refusal), refusal.to_string())
    }
}

/// One event that was not accepted, and where in the request it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemResult {
    /// Place in the batch, from 0; with NDJSON blank lines do not count.
    #[schema(format = Int64)]
    pub index: usize,
    /// Always `refused`: whatever is not listed is accepted.
    #[schema(example = "refused")]
    pub status: &'static str,
    /// Why.
    pub reason: Reason,
    /// Why, for a person.
    pub detail: String,
}

/// The answer to a request of which at least one event was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// Events that are safe: in Kafka, or on this machine's disk on their way to it.
    #[schema(format = Int64)]
    pub accepted: usize,
    /// Events that are kept nowhere.
    #[schema(format = Int64)]
    pub refused: usize,
    /// Those that were refused.
    pub results: Vec<ItemResult>,
}

#[cfg(test)]
mod tests {
    use affluenza_event::{Quarantine, Reject};

    use super::*;

    #[test]
    fn every_refusal_of_the_contract_has_its_reason() {
        let text = String::new;
        let refusals: [Refusal; 8] = [
            Reject::TooLarge { bytes: 1 }.into(),
            Reject::NotJson(text()).into(),
            Reject::NotCloudEvent(text()).into(),
            Reject::UnknownType(text()).into(),
            Reject::BadTime(text()).into(),
            Reject::TimeAhead { ahead_ms: 1 }.into(),
            Quarantine::UnknownShape(text()).into(),
            Quarantine::PersonalData {
                field: "id",
                what: "",
            }
            .into(),
        ];
        for refusal in refusals {
            assert_eq!(Reason::of(&refusal).code(), refusal.code());
        }
    }

    #[test]
    fn codes_are_what_is_written() {
        for reason in Reason::ALL {
            let written = serde_json::to_string(&reason).unwrap();
            assert_eq!(written, format!("\"{}\"", reason.code()));
        }
    }
}
