//! Reasons why a record did not become an event. The codes are part of the contract.

use std::borrow::Cow;
use std::fmt;

use strum::{IntoStaticStr, VariantArray};
use thiserror::Error;

use crate::parse::count_of;
use crate::{AHEAD_MS_MAX, EVENT_BYTES_MAX, TYPES};

/// A record that did not become an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct Refusal {
    /// Reason of the refusal.
    pub kind: RefusalKind,
    /// Place and cause.
    pub fault: Box<FieldFault>,
}

/// Reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum RefusalKind {
    /// Longer than [`crate::EVENT_BYTES_MAX`].
    TooLarge,
    /// Not JSON in UTF-8.
    NotJson,
    /// JSON, but not a CloudEvents 1.0 envelope.
    NotCloudevent,
    /// Unknown event type.
    UnknownType,
    /// Not an RFC 3339 time with an offset.
    BadTime,
    /// Later than the record itself by more than [`crate::AHEAD_MS_MAX`].
    TimeAhead,
    /// A known type with a shape that its version does not have.
    UnknownShape,
    /// Personal data in a field.
    PersonalData,
    /// Older than the retention period: duplicates can no longer be detected.
    BeyondRetention,
}

impl RefusalKind {
    /// True if the record needs a person's decision. Any other refused record can never become an
    /// event.
    pub const fn is_quarantined(self) -> bool {
        matches!(
            self,
            Self::UnknownShape | Self::PersonalData | Self::BeyondRetention
        )
    }
}

/// Fault of one value of an event, for its author. It never holds a value of the event, except one
/// that resembles a name of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct FieldFault {
    /// JSON Pointer to the value in the structured event, empty for the whole event.
    pub pointer: Cow<'static, str>,
    /// Kind of the value found.
    pub found: Cow<'static, str>,
    /// Values that are allowed.
    pub allowed: Cow<'static, str>,
    /// Allowed value or name that resembles the one found.
    pub suggestion: Option<String>,
}

impl FieldFault {
    /// Creates a fault without a suggestion.
    pub fn new(
        pointer: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
        allowed: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            found: found.into(),
            allowed: allowed.into(),
            suggestion: None,
        }
    }

    /// Creates the fault of a name that is not in `names`. Quotes the name only if it resembles
    /// one of them.
    pub(crate) fn of_name(
        pointer: impl Into<Cow<'static, str>>,
        found: &str,
        names: &[&str],
    ) -> Self {
        let suggestion = nearest(found, names.iter().copied());
        let found = match suggestion {
            Some(_) => format!("the text {found:?}"),
            None => text_kind(found),
        };
        Self {
            suggestion: suggestion.map(str::to_owned),
            ..Self::new(pointer, found, names.join(", "))
        }
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &*self.pointer {
            "" => "the event",
            pointer => pointer,
        };
        write!(
            f,
            "{place}: found {}; allowed: {}",
            self.found, self.allowed
        )?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion:?}?"),
            None => Ok(()),
        }
    }
}

impl Refusal {
    /// Creates a refusal.
    pub fn new(kind: RefusalKind, fault: FieldFault) -> Self {
        Self {
            kind,
            fault: Box::new(fault),
        }
    }

    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        self.kind.into()
    }

    /// Refuses a record of `bytes`.
    pub fn too_large(bytes: usize) -> Self {
        Self::new(
            RefusalKind::TooLarge,
            FieldFault::new(
                "",
                format!("{} bytes", count_of(bytes)),
                format!("at most {} bytes", count_of(EVENT_BYTES_MAX)),
            ),
        )
    }

    /// Refuses an event that is older than the retention of facts.
    pub fn beyond_retention() -> Self {
        Self::new(
            RefusalKind::BeyondRetention,
            FieldFault::new(
                "/time",
                "a time before the retention of facts, where a duplicate cannot be detected",
                "a time within the retention: ask the operator of the consumer for its length",
            ),
        )
    }

    /// Refuses personal data of the kind `what`.
    pub fn personal_data(pointer: impl Into<Cow<'static, str>>, what: &'static str) -> Self {
        let pointer = pointer.into();
        let allowed = match &*pointer {
            "/source" => "a URI reference without personal data: write the host name of the portal",
            "/id" => "an identifier of the event that names no person, such as a UUID",
            "/data/client/ip" => {
                "an address truncated to IPv4 /24 or IPv6 /48; over HTTP, the collector truncates it"
            }
            "/data/session" | "/data/visitor" => {
                "an opaque token, such as a keyed hash that changes every day"
            }
            _ => "a code without personal data",
        };
        Self::new(
            RefusalKind::PersonalData,
            FieldFault::new(pointer, what, allowed),
        )
    }

    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        let what = match error.is_eof() {
            true => "a text that ends too early",
            false => "a syntax error",
        };
        let found = format!("{what} at line {} column {}", error.line(), error.column());
        Self::new(
            RefusalKind::NotJson,
            FieldFault::new("", found, "one JSON value in UTF-8"),
        )
    }

    /// Refuses a payload that begins with the id of a schema.
    pub(crate) fn schema_id() -> Self {
        Self::new(
            RefusalKind::NotJson,
            FieldFault::new(
                "",
                "the id of a schema registry before the JSON",
                "one JSON value in UTF-8: use a serializer without a registry",
            ),
        )
    }

    /// Refuses a record without a value.
    pub(crate) fn empty() -> Self {
        Self::new(
            RefusalKind::NotJson,
            FieldFault::new("", "no value", "one JSON value in UTF-8"),
        )
    }

    pub(crate) fn not_cloudevent(fault: FieldFault) -> Self {
        Self::new(RefusalKind::NotCloudevent, fault)
    }

    pub(crate) fn unknown_shape(fault: FieldFault) -> Self {
        Self::new(RefusalKind::UnknownShape, fault)
    }

    pub(crate) fn unknown_type(found: &str) -> Self {
        Self::new(
            RefusalKind::UnknownType,
            FieldFault::of_name("/type", found, &TYPES),
        )
    }

    pub(crate) fn time_ahead(ahead_ms: i64) -> Self {
        let minutes = ahead_ms / 60_000;
        let ahead = match minutes {
            0..120 => format!("{minutes} minutes"),
            120..2_880 => format!("{} hours", minutes / 60),
            _ => format!("{} days", count_of((minutes / 1_440) as usize)),
        };
        Self::new(
            RefusalKind::TimeAhead,
            FieldFault::new(
                "/time",
                format!("a time {ahead} ahead of the time of sending"),
                format!(
                    "at most {} minutes ahead: set the clock of the machine",
                    AHEAD_MS_MAX / 60_000
                ),
            ),
        )
    }
}

/// Describes a text without its content.
pub(crate) fn text_kind(text: &str) -> String {
    match text.chars().count() {
        0 => "an empty text".to_owned(),
        1 => "a text of 1 character".to_owned(),
        length => format!("a text of {} characters", count_of(length)),
    }
}

/// Returns the candidate that the author of `text` probably meant: the same but for letter case and
/// punctuation, or but for a few characters.
///
/// ```
/// use affluenza_event::nearest;
///
/// assert_eq!(nearest("Payment", ["plain", "payment"]), Some("payment"));
/// assert_eq!(nearest("userAgent", ["ip", "user_agent"]), Some("user_agent"));
/// assert_eq!(nearest("Rossi", ["plain", "payment"]), None);
/// ```
pub fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    /// Longest text that is compared, in bytes.
    const COMPARED_BYTES_MAX: usize = 64;
    /// Most edits between two similar names, however long.
    const EDITS_MAX: usize = 2;
    if text.is_empty() || text.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let wanted = letters(text);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let name = letters(candidate);
            let edits_max = (name.len() / 3).min(EDITS_MAX);
            if name.len().abs_diff(wanted.len()) > edits_max {
                return None;
            }
            let edits = strsim::osa_distance(&wanted, &name);
            (edits <= edits_max).then_some((edits, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Returns the letters and digits of a name, in lower case.
fn letters(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_quoted_and_another_text_is_not() {
        let kinds = ["plain", "payment", "booking"];
        let fault = FieldFault::of_name("/data/kind", "paymnet", &kinds);
        assert_eq!(
            fault.to_string(),
            r#"/data/kind: found the text "paymnet"; allowed: plain, payment, booking; did you mean "payment"?"#
        );
        let fault = FieldFault::of_name("/data/kind", "RSSMRA85T10A562S", &kinds);
        assert_eq!(
            fault.to_string(),
            "/data/kind: found a text of 16 characters; allowed: plain, payment, booking"
        );
    }

    #[test]
    fn a_time_ahead_is_said_in_units_for_people() {
        for (ahead_ms, words) in [
            (11 * 60_000, "11 minutes"),
            (5 * 3_600_000, "5 hours"),
            (2_275_033_272_692, "26,331 days"),
        ] {
            let said = Refusal::time_ahead(ahead_ms).to_string();
            assert!(said.contains(words), "{said}");
        }
    }
}
