//! Reasons of refusals: the codes of [`affluenza_event::Refusal`], with advice for operators.

/// Advice by code.
const GUIDE: &[(&str, &str)] = &[
    (
        "too-large",
        "Have the portal send less. Requeue the event without the fields that make it too large.",
    ),
    (
        "not-json",
        "A record that is not JSON cannot be corrected. Find the portal by key and time, correct it, and have it send the event again.",
    ),
    (
        "not-cloudevent",
        "Correct the portal. Add or replace specversion, type, source, id and time, and requeue. Use the event's own source and id, because they identify duplicates.",
    ),
    (
        "unknown-type",
        "If a newer version of this program knows the type, update it and requeue the record as it is. If the type is misspelt, correct it and requeue. If the record belongs to another application, have that application stop writing here.",
    ),
    (
        "bad-time",
        "Correct the portal. Replace time by the event's time as RFC 3339 with an offset, and requeue.",
    ),
    (
        "time-ahead",
        "Set the portal's clock. The record can be requeued as it is after the event's time; before that, only with another time.",
    ),
    (
        "unknown-shape",
        "Compare its data with the schema of its type. If a newer version of this program knows the shape, update it and requeue the record as it is. Otherwise correct the field that the detail names, and requeue.",
    ),
    (
        "beyond-retention",
        "Nothing: the facts of its time are deleted, so a duplicate cannot be recognised. History is imported before retention.facts_months is set.",
    ),
    (
        "personal-data",
        "Correct the portal: it must hash or omit what identifies a person. The personal data was masked before the letter was stored and cannot be restored. Remove or replace the field that the detail names, and requeue.",
    ),
];

/// Returns the codes of all reasons.
pub fn codes() -> impl Iterator<Item = &'static str> {
    GUIDE.iter().map(|(code, _)| *code)
}

/// Returns the advice for records refused with `code`.
pub(super) fn what_to_do(code: &str) -> &'static str {
    let found = GUIDE.iter().find(|(known, _)| *known == code);
    found.map_or(
        "This version of the program does not know the reason: a newer consumer wrote the letter. Update, and look again.",
        |(_, guide)| guide,
    )
}

#[cfg(test)]
mod tests {
    use affluenza_event::RefusalKind;
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn every_reason_has_advice() {
        for kind in RefusalKind::VARIANTS {
            let code: &str = kind.into();
            assert!(codes().any(|known| known == code), "{code}");
        }
        assert_eq!(codes().count(), RefusalKind::VARIANTS.len());
    }
}
