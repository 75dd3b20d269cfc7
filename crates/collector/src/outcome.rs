//! Outcome of an event: accepted or refused, with the reason.

use affluenza_event::Refusal;
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// Reason why an event was refused. The codes are part of the contract: their meaning never
/// changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Reason {
    /// Longer than 64 KiB.
    TooLarge,
    /// Not JSON in UTF-8.
    NotJson,
    /// JSON, but not a CloudEvents 1.0 envelope.
    NotCloudevent,
    /// The event type is unknown.
    UnknownType,
    /// `time` is not RFC 3339 with an offset between 1970 and 2105.
    BadTime,
    /// `time` is more than ten minutes in the future.
    TimeAhead,
    /// The data does not match the schema of its type.
    UnknownShape,
    /// Personal data in a field that must not hold any.
    PersonalData,
    /// The key, or the page, may not write for this ente.
    ForeignEnte,
    /// The key may not write for this portal.
    ForeignPortal,
    /// The key may not write with this `source`.
    ForeignSource,
    /// The origin of the page is not listed.
    ForeignOrigin,
}

impl Reason {
    /// True if the sender lacks permission, whatever the event.
    pub const fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::ForeignEnte | Self::ForeignPortal | Self::ForeignSource | Self::ForeignOrigin
        )
    }

    fn of(refusal: &Refusal) -> Self {
        refusal.code().parse().unwrap_or(Self::UnknownShape)
    }
}

/// Refusal of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Reason of the refusal.
    pub reason: Reason,
    /// Explanation for the sender. It may quote the event, so it must not go anywhere else.
    pub detail: String,
}

impl Refused {
    /// Creates a refusal.
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

/// Refused event, with its place in the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemResult {
    /// Index in the batch, from 0. Blank lines of NDJSON do not count.
    #[schema(format = Int64)]
    pub index: usize,
    /// Always `refused`. Events that are not listed were accepted.
    #[schema(example = "refused")]
    pub status: &'static str,
    /// Reason of the refusal.
    pub reason: Reason,
    /// Explanation of the refusal.
    pub detail: String,
}

/// Answer to a request with at least one accepted event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// Number of accepted events. Each is in Kafka, or on the collector's disk on its way there.
    #[schema(format = Int64)]
    pub accepted: usize,
    /// Number of refused events. They are not stored.
    #[schema(format = Int64)]
    pub refused: usize,
    /// Refused events.
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
            assert_eq!(Reason::of(&refusal).to_string(), refusal.code());
        }
    }

    #[test]
    fn codes_are_what_is_written() {
        for reason in Reason::VARIANTS {
            let written = serde_json::to_string(&reason).unwrap();
            assert_eq!(written, format!("\"{reason}\""));
        }
    }
}
