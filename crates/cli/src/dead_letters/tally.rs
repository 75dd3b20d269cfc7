use std::collections::BTreeMap;

use super::Letter;

/// Counts of letters.
#[derive(Debug, Default)]
pub struct LetterTally {
    /// Number of letters.
    pub letters: u64,
    /// Letters by reason.
    pub by_reason: BTreeMap<String, u64>,
    /// Letters by stream, without the current stream of the events topic.
    pub by_other_stream: BTreeMap<String, u64>,
}

impl LetterTally {
    /// Counts a letter. `current` is the current stream of the events topic.
    pub fn take(&mut self, letter: &Letter<'_>, current: Option<&str>) {
        self.letters += 1;
        *self.by_reason.entry(letter.reason.to_owned()).or_default() += 1;
        if current != Some(letter.stream) {
            let stream = letter.stream.to_owned();
            *self.by_other_stream.entry(stream).or_default() += 1;
        }
    }

    /// Returns the reasons, most frequent first.
    pub fn reasons(&self) -> Vec<(&str, u64)> {
        let mut reasons: Vec<(&str, u64)> = self
            .by_reason
            .iter()
            .map(|(code, letters)| (code.as_str(), *letters))
            .collect();
        // A stable sort keeps equal counts in the order of their codes.
        reasons.sort_by_key(|(_, letters)| std::cmp::Reverse(*letters));
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::example;
    use super::*;

    #[test]
    fn reasons_and_other_streams_are_counted() {
        let mut tally = LetterTally::default();
        for (reason, stream) in [("b", "now"), ("c", "now"), ("c", "old"), ("a", "now")] {
            let mut letter = example(b"");
            (letter.reason, letter.stream) = (reason, stream);
            tally.take(&letter, Some("now"));
        }
        assert_eq!(tally.letters, 4);
        assert_eq!(tally.reasons(), [("c", 2), ("a", 1), ("b", 1)]);
        assert_eq!(tally.by_other_stream, [("old".to_owned(), 1)].into());
    }
}
