use std::collections::BTreeMap;

use affluenza_event::UnixMillis;
use affluenza_kafka::Partition;
use jiff::Timestamp;
use jiff::civil::Date;
use thiserror::Error;

use super::text::zone;
use super::{Letter, LetterReason, LogPosition};

/// Start of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(pub UnixMillis);

/// Error of a text that is neither a date nor a time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("use a date such as 2017-03-26, or a time such as 2017-03-26T10:00:00+02:00")]
pub struct BadSince;

impl Since {
    /// Parses a date, which stands for its first moment in Italy, or a time with an offset.
    pub fn parse(text: &str) -> Result<Self, BadSince> {
        // jiff also parses a date followed by a time as a date, and would drop the time.
        let is_date = text.len() == "2017-03-26".len();
        let timestamp: Option<Timestamp> = if is_date {
            let date: Option<Date> = text.parse().ok();
            date.and_then(|date| zone().to_timestamp(date.at(0, 0, 0, 0)).ok())
        } else {
            text.parse().ok()
        };
        let timestamp = timestamp.ok_or(BadSince)?;
        Ok(Self(UnixMillis(timestamp.as_millisecond())))
    }
}

/// Conditions on letters. A letter matches if it satisfies all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The reason is one of these; empty: any.
    pub reasons: Vec<LetterReason>,
    /// The record was written at this time or later.
    pub since: Option<Since>,
    /// The record was in this partition of the events topic.
    pub partition: Option<Partition>,
}

impl Filter {
    /// True if `letter` satisfies all conditions. A letter without a time matches no period.
    fn is_match(&self, letter: &Letter<'_>) -> bool {
        (self.reasons.is_empty() || self.reasons.iter().any(|r| r.code() == letter.reason))
            && self
                .since
                .is_none_or(|since| letter.written_ms.is_some_and(|ms| ms >= since.0.0))
            && self
                .partition
                .is_none_or(|partition| partition == letter.position.partition)
    }
}

/// Selection of letters, by conditions or by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterSelection {
    /// Letters that match a filter.
    Filter(Filter),
    /// Letters at these positions, each in the given stream, or in any stream if `None`.
    Positions(BTreeMap<LogPosition, Option<String>>),
}

impl LetterSelection {
    pub(super) fn has(&self, letter: &Letter<'_>) -> bool {
        match self {
            Self::Filter(filter) => filter.is_match(letter),
            Self::Positions(positions) => positions.get(&letter.position).is_some_and(|stream| {
                stream
                    .as_deref()
                    .is_none_or(|stream| stream == letter.stream)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::example;
    use super::*;

    fn matches(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter::default();
        change(&mut filter);
        filter.is_match(&example(b""))
    }

    #[test]
    fn each_part_is_a_condition() {
        assert!(matches(|_| {}));
        let reason = |code: &str| code.parse::<LetterReason>().unwrap();
        assert!(matches(
            |f| f.reasons = vec![reason("not-json"), reason("unknown-shape")]
        ));
        assert!(!matches(|f| f.reasons = vec![reason("not-json")]));
        assert!(matches(|f| f.partition = Some(Partition(0))));
        assert!(!matches(|f| f.partition = Some(Partition(1))));
        assert!(!matches(|f| {
            f.reasons = vec![reason("unknown-shape")];
            f.partition = Some(Partition(1));
        }));
    }

    #[test]
    fn a_period_has_its_beginning() {
        // The example was written at 10:00.
        let at = |text: &str| Some(Since::parse(text).unwrap());
        assert!(matches(|f| f.since = at("2017-03-26T10:00:00+02:00")));
        assert!(!matches(|f| f.since = at("2017-03-26T10:00:01+02:00")));
        assert!(matches(|f| f.since = at("2017-03-26")));
        assert!(!matches(|f| f.since = at("2017-03-27")));
    }

    #[test]
    fn a_date_begins_at_midnight_in_italy() {
        let midnight = Since::parse("2017-03-25T23:00:00Z");
        assert_eq!(Since::parse("2017-03-26"), midnight);
        for text in ["", "yesterday", "2017-13-01", "26/03/2017", "2017", "10:00"] {
            assert_eq!(Since::parse(text), Err(BadSince), "{text:?}");
        }
    }

    #[test]
    fn without_a_time_a_letter_is_in_no_period() {
        let mut letter = example(b"");
        letter.written_ms = None;
        let filter = Filter {
            since: Some(Since::parse("1970-01-02").unwrap()),
            ..Filter::default()
        };
        assert!(!filter.is_match(&letter));
        assert!(Filter::default().is_match(&letter));
    }

    #[test]
    fn positions_may_name_a_stream() {
        let letter = example(b"");
        let is_selected = |position: &str, stream: Option<&str>| {
            let positions = [(position.parse().unwrap(), stream.map(str::to_owned))];
            LetterSelection::Positions(positions.into()).has(&letter)
        };
        assert!(is_selected("0/3", None));
        assert!(is_selected("0/3", Some("cluster/topic")));
        assert!(!is_selected("0/3", Some("cluster/other")));
        assert!(!is_selected("0/4", None));
    }
}
