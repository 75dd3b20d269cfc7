//! Arguments of `affluenza accept`.

use affluenza_bus::Partition;

/// Differences that an operator accepts. Consumers must be stopped, unless the group's place stays.
#[derive(Debug, clap::Subcommand)]
pub enum Accept {
    /// Records that were never read, or cannot be read again, are lost: the accounts balance without
    /// them, and the group goes on after them.
    Loss(Range),
    /// Set the group to the end of the ledger, after its offset was moved by hand or forgotten.
    Place(AtPartition),
    /// The log was put back to an older copy or truncated: read it as another one, from its beginning;
    /// events that are stored are not counted again.
    Log(Why),
    /// Remove facts that no block of the ledger covers, and what they added to the aggregates.
    Facts(Range),
}

/// Why it is accepted.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Why, for the log of administrative access and the table acceptances; no personal data belongs here.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
}

/// One partition.
#[derive(Debug, clap::Args)]
pub struct AtPartition {
    /// Partition of the topic of the events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: i32,
    #[command(flatten)]
    pub why: Why,
}

/// Offsets of one partition.
#[derive(Debug, clap::Args)]
pub struct Range {
    #[command(flatten)]
    pub at: AtPartition,
    /// First offset.
    #[arg(long, value_name = "OFFSET")]
    pub from: u64,
    /// One past the last offset.
    #[arg(long, value_name = "OFFSET")]
    pub to: u64,
    /// Log of the past, as the audit names it; the present one without.
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
}

impl Accept {
    /// Act, place and reason, for the log of administrative access.
    pub fn told(&self) -> (&'static str, String, &str) {
        let range = |range: &Range| {
            let (partition, from, to) = (range.at.partition, range.from, range.to);
            let of = range.stream.as_ref().map(|stream| format!(" of {stream}"));
            let of = of.unwrap_or_default();
            format!("partition {partition}, offsets {from} to {to}{of}")
        };
        match self {
            Self::Loss(loss) => ("accept-loss", range(loss), &loss.at.why.reason),
            Self::Place(at) => (
                "accept-place",
                format!("partition {}", at.partition),
                &at.why.reason,
            ),
            Self::Log(why) => ("accept-log", String::new(), &why.reason),
            Self::Facts(facts) => ("accept-facts", range(facts), &facts.at.why.reason),
        }
    }
}

impl AtPartition {
    /// As Kafka numbers it.
    pub fn number(&self) -> Partition {
        Partition(self.partition)
    }
}
