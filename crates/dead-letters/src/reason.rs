use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Reason of a refusal: one of the codes of [`affluenza_event::Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(&'static str);

/// Error of an unknown code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown reason code; the known ones are {}", known())]
pub struct UnknownReason;

/// Advice for operators, by code.
const GUIDE: &[(&str, &str)] = &[
    (
        "too-large",
        "Have the emitter send less. A patch that removes fields brings the record back if what is left fits.",
    ),
    (
        "not-json",
        "No patch applies to what is not JSON. Find the emitter by key and time, mend it, and have it send the event again.",
    ),
    (
        "not-cloudevent",
        "Mend the emitter. A patch can add or replace specversion, type, source, id and time; use the event's own source and id, since they tell duplicates.",
    ),
    (
        "unknown-type",
        "If a newer version of this program knows the type, update it and requeue without a patch. If the type is misspelt, requeue with a patch that replaces /type. If the record belongs to somebody else, mend whoever wrote it here.",
    ),
    (
        "bad-time",
        "Mend the emitter. A patch can replace /time with RFC 3339 with an offset; as each event has a time of its own, requeue by position.",
    ),
    (
        "time-ahead",
        "Set the emitter's clock. Once the event's time has come the record can be requeued as it is; before that, with a patch that replaces /time.",
    ),
    (
        "unknown-shape",
        "Compare its data with the schema of its type. If a newer version of this program knows the shape, update it and requeue without a patch; otherwise requeue with a patch that mends the field named above.",
    ),
    (
        "beyond-retention",
        "Nothing: the facts of its time are deleted, so nobody can tell whether it was counted. History is imported before retention.facts_months is set.",
    ),
    (
        "personal-data",
        "Mend the emitter: it must hash or leave out what identifies a person. The personal data was masked before the letter was stored and cannot come back; requeue with a patch that removes or replaces the field named above.",
    ),
];

fn known() -> String {
    let codes: Vec<&str> = Reason::all().map(|reason| reason.0).collect();
    codes.join(", ")
}

impl Reason {
    /// All reasons.
    pub fn all() -> impl Iterator<Item = Self> {
        GUIDE.iter().map(|(code, _)| Self(code))
    }

    /// Stable code of the reason.
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        Self::all()
            .find(|reason| reason.0 == code)
            .ok_or(UnknownReason)
    }
}

/// Returns the advice for records refused with `code`.
pub(crate) fn what_to_do(code: &str) -> &'static str {
    GUIDE
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(
            "This version of the program does not know the reason: a newer consumer wrote the letter. Update, and look again.",
            |(_, guide)| guide,
        )
}

#[cfg(test)]
mod tests {
    use affluenza_event::{Quarantine, Refusal, Reject};

    use super::*;

    #[test]
    fn every_refusal_is_known() {
        let refusals: Vec<Refusal> = vec![
            Reject::TooLarge { bytes: 1 }.into(),
            Reject::NotJson(String::new()).into(),
            Reject::NotCloudEvent(String::new()).into(),
            Reject::UnknownType(String::new()).into(),
            Reject::BadTime(String::new()).into(),
            Reject::TimeAhead { ahead_ms: 1 }.into(),
            Quarantine::UnknownShape(String::new()).into(),
            Quarantine::BeyondRetention.into(),
            Quarantine::PersonalData {
                field: "id",
                what: "",
            }
            .into(),
        ];
        for refusal in &refusals {
            // A new refusal fails to compile here: add it above, with its advice.
            match refusal {
                Refusal::Reject(
                    Reject::TooLarge { .. }
                    | Reject::NotJson(_)
                    | Reject::NotCloudEvent(_)
                    | Reject::UnknownType(_)
                    | Reject::BadTime(_)
                    | Reject::TimeAhead { .. },
                )
                | Refusal::Quarantine(
                    Quarantine::UnknownShape(_)
                    | Quarantine::BeyondRetention
                    | Quarantine::PersonalData { .. },
                ) => {}
            }
            assert_eq!(
                refusal.code().parse::<Reason>().map(Reason::code),
                Ok(refusal.code())
            );
        }
        assert_eq!(Reason::all().count(), refusals.len());
    }

    #[test]
    fn an_unknown_code_is_answered_with_the_known_ones() {
        let said = "not-jason".parse::<Reason>().unwrap_err().to_string();
        assert!(said.contains("too-large, not-json,"), "{said}");
        assert!(said.ends_with("personal-data"), "{said}");
    }
}
