//! Corrected events that an operator wrote, by position.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::LogPosition;

/// Corrected events by position: what `dead-letters show` or the list as JSON prints, with `event`
/// changed.
#[derive(Debug, Clone, Default)]
pub struct Corrections(BTreeMap<LogPosition, Box<RawValue>>);

/// Error of a text that holds no corrected events.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum CorrectionsError {
    /// A document is not as expected. Carries line and column.
    #[error(
        "{0}; it must hold the documents that `affluenza dead-letters show` prints, with the event corrected"
    )]
    Document(String),
    /// A position is not `partition/offset`.
    #[error(
        "{0:?} is no position: it must be partition/offset of the events topic, such as 0/1042"
    )]
    Position(String),
    /// Two events have the same position.
    #[error("it has two events for position {0}")]
    Repeated(LogPosition),
    /// The text is empty.
    #[error("it holds no events")]
    Empty,
}

/// Part of [`super::ShownLetter`] that matters for a correction.
#[derive(Deserialize)]
struct CorrectedLetter {
    position: String,
    event: Box<RawValue>,
}

impl Corrections {
    /// Parses JSON documents with the fields `position` and `event`. White space may separate them.
    pub fn parse(text: &str) -> Result<Self, CorrectionsError> {
        let mut events = BTreeMap::new();
        for letter in serde_json::Deserializer::from_str(text).into_iter() {
            let CorrectedLetter { position, event } =
                letter.map_err(|error| CorrectionsError::Document(error.to_string()))?;
            let Ok(position) = position.parse() else {
                return Err(CorrectionsError::Position(position));
            };
            if events.insert(position, event).is_some() {
                return Err(CorrectionsError::Repeated(position));
            }
        }
        if events.is_empty() {
            return Err(CorrectionsError::Empty);
        }
        Ok(Self(events))
    }

    /// Positions with an event.
    pub fn positions(&self) -> Vec<LogPosition> {
        self.0.keys().copied().collect()
    }

    /// Returns the event for `position`.
    pub fn event(&self, position: LogPosition) -> Option<&str> {
        self.0.get(&position).map(|event| event.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_by_position() {
        let text = "{\"position\": \"0/3\", \"reason\": \"x\", \"event\": {\"a\": 1}}\n{\"position\":\"1/4\",\"event\":{}}";
        let corrections = Corrections::parse(text).unwrap();
        assert_eq!(corrections.positions().len(), 2);
        let event = |position: &str| corrections.event(position.parse().unwrap());
        assert_eq!(event("0/3"), Some("{\"a\": 1}"));
        assert_eq!(event("1/4"), Some("{}"));
        assert_eq!(event("0/4"), None);
    }

    #[test]
    fn a_bad_text_is_refused_with_its_place() {
        for (text, cause) in [
            ("", "no events"),
            (
                "{\"position\": \"0/3\"}",
                "missing field `event` at line 1 column 19",
            ),
            ("\n{\"position\": \"0/3\", \"event\": }", "line 2 column 30"),
            ("[]", "line 1"),
            (
                "{\"position\": \"3\", \"event\": {}}",
                "\"3\" is no position",
            ),
            (
                "{\"position\":\"0/3\",\"event\":1}{\"position\":\"0/3\",\"event\":2}",
                "two events for position 0/3",
            ),
        ] {
            let said = Corrections::parse(text).unwrap_err().to_string();
            assert!(said.contains(cause), "{text:?}: {said}");
        }
    }
}
