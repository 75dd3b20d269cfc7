//! Arguments of `affluenza dead-letters`.

use std::path::PathBuf;

use affluenza_event::UnixMillis;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::civil::Date;

use super::OutputFormat;
use crate::dead_letters::{Letter, LogPosition, codes, text};

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List dead letters, one a line, with counts by reason.
    List(ListDeadLetters),
    /// Show all details of a dead letter, and what to do.
    Show(ShowDeadLetter),
    /// Write dead letters back to the events topic, corrected if necessary. An event that is already
    /// stored is not counted again.
    Requeue(RequeueDeadLetters),
}

#[derive(Debug, clap::Args)]
pub struct ListDeadLetters {
    #[command(flatten)]
    pub filter: DeadLetterFilter,
    /// Limit of listed letters; the counts include all. Default: unlimited.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Format of the list.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

#[derive(Debug, clap::Args)]
pub struct ShowDeadLetter {
    /// Position of the record in the events topic.
    #[arg(value_name = "PARTITION/OFFSET")]
    pub position: LogPosition,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true)
    .args(["positions", "reasons", "since", "partition", "all", "corrected"])))]
pub struct RequeueDeadLetters {
    /// Positions of the records in the events topic, each as PARTITION/OFFSET.
    #[arg(value_name = "POSITION", conflicts_with = "DeadLetterFilter")]
    pub positions: Vec<LogPosition>,
    #[command(flatten)]
    pub filter: DeadLetterFilter,
    /// Requeue all dead letters.
    #[arg(long, conflicts_with_all = ["positions", "DeadLetterFilter"])]
    pub all: bool,
    /// Corrected events: documents that `dead-letters show` printed, with `event` changed. Masked
    /// personal data cannot be restored, so it must be removed or replaced.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["positions", "DeadLetterFilter", "all"])]
    pub corrected: Option<PathBuf>,
    /// Print the outcome for each letter, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Limit of requeued letters. Default: unlimited.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

/// Conditions on dead letters. A letter matches if it satisfies all of them.
#[derive(Debug, Clone, clap::Args)]
pub struct DeadLetterFilter {
    /// Reason of the refusal; may be given several times. Default: any.
    #[arg(long = "reason", value_name = "CODE", value_parser = PossibleValuesParser::new(codes()))]
    pub reasons: Vec<String>,
    /// First date or time at which the record was written. Default: any.
    #[arg(long, value_name = "DATE|TIME", value_parser = parse_since)]
    pub since: Option<UnixMillis>,
    /// Partition of the record in the events topic. Default: any.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
}

impl DeadLetterFilter {
    /// True if `letter` satisfies all conditions. A letter without a time matches no period.
    pub fn is_match(&self, letter: &Letter<'_>) -> bool {
        (self.reasons.is_empty() || self.reasons.iter().any(|code| code == letter.reason))
            && self
                .since
                .is_none_or(|since| letter.written_ms.is_some_and(|ms| ms >= since.0))
            && self
                .partition
                .is_none_or(|partition| partition == letter.position.partition.0)
    }
}

/// Parses a date, which stands for its first moment in Italy, or a time with an offset.
fn parse_since(text: &str) -> Result<UnixMillis, &'static str> {
    // jiff also parses a date followed by a time as a date, and would drop the time.
    let is_date = text.len() == "2017-03-26".len();
    let timestamp: Option<Timestamp> = if is_date {
        let date: Option<Date> = text.parse().ok();
        date.and_then(|date| text::zone().to_timestamp(date.at(0, 0, 0, 0)).ok())
    } else {
        text.parse().ok()
    };
    timestamp
        .map(|timestamp| UnixMillis(timestamp.as_millisecond()))
        .ok_or("use a date such as 2017-03-26, or a time such as 2017-03-26T10:00:00+02:00")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::dead_letters::example;

    #[derive(Parser)]
    struct OnlyFilter {
        #[command(flatten)]
        filter: DeadLetterFilter,
    }

    fn parsed(options: &str) -> Result<DeadLetterFilter, clap::Error> {
        let words = std::iter::once("list").chain(options.split_whitespace());
        OnlyFilter::try_parse_from(words).map(|only| only.filter)
    }

    #[test]
    fn each_option_is_a_condition() {
        // The example was written at 10:00.
        for (options, expected) in [
            ("", true),
            ("--reason not-json --reason unknown-shape", true),
            ("--reason not-json", false),
            ("--partition 0", true),
            ("--partition 1", false),
            ("--reason unknown-shape --partition 1", false),
            ("--since 2017-03-26T10:00:00+02:00", true),
            ("--since 2017-03-26T10:00:01+02:00", false),
            ("--since 2017-03-26", true),
            ("--since 2017-03-27", false),
        ] {
            let filter = parsed(options).unwrap();
            assert_eq!(filter.is_match(&example(b"")), expected, "{options}");
        }
        let mut letter = example(b"");
        letter.written_ms = None;
        assert!(!parsed("--since 1970-01-02").unwrap().is_match(&letter));
        assert!(parsed("").unwrap().is_match(&letter));
    }

    #[test]
    fn a_date_begins_at_midnight_in_italy() {
        let midnight = parse_since("2017-03-25T23:00:00Z").unwrap();
        assert_eq!(parse_since("2017-03-26"), Ok(midnight));
        for text in ["", "yesterday", "2017-13-01", "26/03/2017", "2017", "10:00"] {
            assert!(parse_since(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_unknown_code_is_answered_with_the_known_ones() {
        let error = parsed("--reason not-jason").unwrap_err().to_string();
        for known in ["too-large, not-json,", "personal-data"] {
            assert!(error.contains(known), "{error}");
        }
    }
}
