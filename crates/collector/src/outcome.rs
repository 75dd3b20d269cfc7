//! Outcome of an event: accepted or refused, with the reason.

use affluenza_event::{FieldFault, Refusal};
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::warn::Warning;

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
    /// Place and cause.
    pub fault: Box<FieldFault>,
}

impl Refused {
    /// Creates a refusal.
    pub fn new(reason: Reason, fault: FieldFault) -> Self {
        Self {
            reason,
            fault: Box::new(fault),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            reason: Reason::of(&refusal),
            fault: refusal.fault,
        }
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
    /// JSON Pointer to the value in the structured event, empty for the whole event.
    pub pointer: String,
    /// Kind of the value found.
    pub found: String,
    /// Values that are allowed.
    pub allowed: String,
    /// Allowed value or name that resembles the one found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// All of these in one sentence.
    pub detail: String,
}

impl ItemResult {
    /// Creates the result of the event at `index`.
    pub fn new(index: usize, why: Refused) -> Self {
        let detail = why.fault.to_string();
        let fault = *why.fault;
        Self {
            index,
            status: "refused",
            reason: why.reason,
            pointer: fault.pointer.into_owned(),
            found: fault.found.into_owned(),
            allowed: fault.allowed.into_owned(),
            suggestion: fault.suggestion,
            detail,
        }
    }
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
    /// Fields and codes of accepted events that are not known, at most 20 different ones.
    pub warnings: Vec<Warning>,
}

#[cfg(test)]
mod tests {
    use affluenza_event::RefusalKind;

    use super::*;

    #[test]
    fn every_refusal_of_the_contract_has_its_reason() {
        for kind in RefusalKind::VARIANTS {
            // The collector does not know the retention of facts.
            if *kind != RefusalKind::BeyondRetention {
                let refusal = Refusal::new(*kind, FieldFault::new("", "", ""));
                assert_eq!(Reason::of(&refusal).to_string(), refusal.code());
            }
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
