use std::collections::BTreeMap;

use affluenza_bus::Partition;

use crate::{Fate, Letter, Moment, Position, Reason};

/// Conditions on letters. A letter matches if it satisfies all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The reason is one of these; empty: any.
    pub reasons: Vec<Reason>,
    /// The letter has this fate.
    pub fate: Option<Fate>,
    /// The record was written at this time or later.
    pub since: Option<Moment>,
    /// The record was written before this time.
    pub until: Option<Moment>,
    /// The record was in this partition of the events topic.
    pub partition: Option<Partition>,
}

impl Filter {
    /// True if `letter` satisfies all conditions. A letter without a time matches no period.
    pub fn matches(&self, letter: &Letter<'_>) -> bool {
        let is_written = |test: &dyn Fn(i64) -> bool| letter.written_ms.is_some_and(test);
        (self.reasons.is_empty() || self.reasons.iter().any(|r| r.code() == letter.reason))
            && self.fate.is_none_or(|fate| fate == letter.fate)
            && self
                .since
                .is_none_or(|since| is_written(&|written| written >= since.0.0))
            && self
                .until
                .is_none_or(|until| is_written(&|written| written < until.0.0))
            && self
                .partition
                .is_none_or(|partition| partition == letter.position.partition)
    }
}

/// Selection of letters, by conditions or by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Letters that match a filter.
    Filter(Filter),
    /// Letters at these positions, each in the given stream, or in any stream if `None`.
    Positions(BTreeMap<Position, Option<String>>),
}

impl Selection {
    pub(crate) fn holds(&self, letter: &Letter<'_>) -> bool {
        match self {
            Self::Filter(filter) => filter.matches(letter),
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
    use super::*;
    use crate::letter::example;

    fn matches(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter::default();
        change(&mut filter);
        filter.matches(&example(b""))
    }

    #[test]
    fn each_part_is_a_condition() {
        assert!(matches(|_| {}));
        let reason = |code: &str| code.parse::<Reason>().unwrap();
        assert!(matches(
            |f| f.reasons = vec![reason("not-json"), reason("unknown-shape")]
        ));
        assert!(!matches(|f| f.reasons = vec![reason("not-json")]));
        assert!(matches(|f| f.fate = Some(Fate::Quarantined)));
        assert!(!matches(|f| f.fate = Some(Fate::Rejected)));
        assert!(matches(|f| f.partition = Some(Partition(0))));
        assert!(!matches(|f| f.partition = Some(Partition(1))));
        assert!(!matches(|f| {
            f.fate = Some(Fate::Quarantined);
            f.partition = Some(Partition(1));
        }));
    }

    #[test]
    fn a_period_has_its_beginning_and_not_its_end() {
        // The example was written at 10:00.
        let at = |text: &str| Some(Moment::since(text).unwrap());
        assert!(matches(|f| f.since = at("2017-03-26T10:00:00+02:00")));
        assert!(!matches(|f| f.since = at("2017-03-26T10:00:01+02:00")));
        assert!(!matches(|f| f.until = at("2017-03-26T10:00:00+02:00")));
        assert!(matches(|f| f.until = at("2017-03-26T10:00:01+02:00")));
    }

    #[test]
    fn without_a_time_a_letter_is_in_no_period() {
        let mut letter = example(b"");
        letter.written_ms = None;
        let since = Some(Moment::since("1970-01-02").unwrap());
        let filter = Filter {
            since,
            ..Filter::default()
        };
        assert!(!filter.matches(&letter));
        assert!(Filter::default().matches(&letter));
    }

    #[test]
    fn positions_may_name_a_stream() {
        let letter = example(b"");
        let selection = |position: &str, stream: Option<&str>| {
            let positions = [(position.parse().unwrap(), stream.map(str::to_owned))];
            Selection::Positions(positions.into()).holds(&letter)
        };
        assert!(selection("0/3", None));
        assert!(selection("0/3", Some("cluster/topic")));
        assert!(!selection("0/3", Some("cluster/other")));
        assert!(!selection("0/4", None));
    }
}
