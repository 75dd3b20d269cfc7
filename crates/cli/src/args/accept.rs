//! Arguments of `affluenza accept`.

use affluenza_kafka::Partition;

/// Differences that an operator accepts. Consumers must be stopped, unless the committed offset
/// stays.
#[derive(Debug, clap::Subcommand)]
pub enum Accept {
    /// Accept the loss of records that were never read or cannot be read again. The accounts
    /// balance without them, and the group continues after them.
    Loss(Range),
    /// Set the group's committed offset to the end of the ledger, after it was moved by hand or has
    /// expired.
    Place(AtPartition),
    /// Accept a log that was restored from an older copy or truncated. It is read from its
    /// beginning as a new stream; stored events are not counted again.
    Log(Why),
    /// Remove facts that no block of the ledger covers, and subtract them from the aggregates.
    Facts(Range),
}

/// Reason of an acceptance.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Reason for the log of administrative access and the table acceptances; must not contain
    /// personal data.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
}

/// Partition of an acceptance.
#[derive(Debug, clap::Args)]
pub struct AtPartition {
    /// Partition of the events topic.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: i32,
    #[command(flatten)]
    pub why: Why,
}

/// Range of offsets in a partition.
#[derive(Debug, clap::Args)]
pub struct Range {
    #[command(flatten)]
    pub at: AtPartition,
    /// First offset of the range.
    #[arg(long, value_name = "OFFSET")]
    pub from: u64,
    /// End of the range: one past the last offset.
    #[arg(long, value_name = "OFFSET")]
    pub to: u64,
    /// Stream of an earlier log, as named by the audit. Default: the present log.
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
}

impl Accept {
    /// Returns action, subject and reason for the log of administrative access.
    pub fn told(&self) -> (&'static str, String, &str) {
        match self {
            Self::Loss(loss) => ("accept-loss", loss.subject(), &loss.at.why.reason),
            Self::Place(at) => (
                "accept-place",
                format!("partition {}", at.partition),
                &at.why.reason,
            ),
            Self::Log(why) => ("accept-log", String::new(), &why.reason),
            Self::Facts(facts) => ("accept-facts", facts.subject(), &facts.at.why.reason),
        }
    }
}

impl Range {
    fn subject(&self) -> String {
        let (partition, from, to) = (self.at.partition, self.from, self.to);
        let of = self.stream.as_ref().map(|stream| format!(" of {stream}"));
        let of = of.unwrap_or_default();
        format!("partition {partition}, offsets {from} to {to}{of}")
    }
}

impl AtPartition {
    /// Returns the partition in the type of the Kafka client.
    pub fn number(&self) -> Partition {
        Partition(self.partition)
    }
}
