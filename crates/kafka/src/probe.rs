//! Probes one offset: can the record there be read, and if not, why?

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, Offset as KafkaOffset, TopicPartitionList};

use crate::logging::Logging;
use crate::{BusError, Cluster, Config, NextOffset, Offset, Partition};

/// Longest wait for the record.
const PATIENCE: Duration = Duration::from_secs(5);
/// Timeout of one poll.
const LOOK: Duration = Duration::from_millis(100);

/// Result of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// A record was read.
    Record {
        /// Offset of the record. It is above the requested one if transaction markers lie in
        /// between.
        offset: Offset,
        /// Timestamp in milliseconds since 1970; `None` if the log has none.
        written_ms: Option<i64>,
    },
    /// There is no record before the last stable offset.
    End,
    /// The record cannot be read.
    Blocked(Obstacle),
}

/// Reason why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The record exists and cannot be decoded.
    Unreadable(String),
    /// This client is not authorized to read the topic.
    Refused(String),
    /// No broker leads the partition.
    NoLeader,
    /// The broker did not answer, or answered without a record.
    NoAnswer(String),
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(cause) => write!(f, "the record cannot be read ({cause})"),
            Self::Refused(cause) => write!(f, "the topic may not be read ({cause})"),
            Self::NoLeader => f.write_str("no broker leads the partition"),
            Self::NoAnswer(cause) => write!(f, "Kafka does not deliver the record ({cause})"),
        }
    }
}

impl Sight {
    /// Reads the first record of `topic` and `partition` at or after `from`, outside of any group.
    pub fn at(
        config: &Config,
        topic: &str,
        partition: Partition,
        from: NextOffset,
    ) -> Result<Self, BusError> {
        let mut client = config.client();
        client
            // Never joined: librdkafka requires a group id for reading.
            .set("group.id", "affluenza-scan")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("check.crcs", "true")
            .set("enable.partition.eof", "true")
            .set("queued.max.messages.kbytes", "1024");
        let consumer: BaseConsumer<Logging> = client
            .create_with_context(Logging::default())
            .map_err(BusError::Setting)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition.0, KafkaOffset::Offset(from.0))?;
        consumer.assign(&list)?;
        let until = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < until {
            match consumer.poll(LOOK) {
                None => {}
                Some(Ok(message)) => {
                    return Ok(Self::Record {
                        offset: Offset(message.offset()),
                        written_ms: message.timestamp().to_millis().filter(|at| *at > 0),
                    });
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(Self::End),
                Some(Err(error)) if is_out_of_range(&error) => {
                    let (low, high) = consumer.fetch_watermarks(topic, partition.0, PATIENCE)?;
                    if !(low..=high).contains(&from.0) {
                        return Err(BusError::OutOfRange {
                            topic: topic.to_owned(),
                        });
                    }
                    // Behind a damaged batch the client continues at an arbitrary offset.
                    last = Some(error.to_string());
                    consumer.assign(&list)?;
                }
                Some(Err(error)) => {
                    let cause = consumer.context().said().take(&error);
                    match of_error(&error, &cause) {
                        Some(obstacle) => return Ok(Self::Blocked(obstacle)),
                        None => last = Some(cause),
                    }
                }
            }
        }
        Self::without_answer(config, topic, partition, last)
    }

    fn without_answer(
        config: &Config,
        topic: &str,
        partition: Partition,
        last: Option<String>,
    ) -> Result<Self, BusError> {
        let found = Cluster::new(config)?.replicas(topic)?;
        let found = found.into_iter().find(|(known, _)| *known == partition);
        let obstacle = match (found, last) {
            (Some((_, replicas)), _) if replicas.leader.is_none() => Obstacle::NoLeader,
            (_, Some(cause)) => Obstacle::NoAnswer(cause),
            (_, None) => Obstacle::NoAnswer(format!("no answer in {} s", PATIENCE.as_secs())),
        };
        Ok(Self::Blocked(obstacle))
    }
}

fn is_out_of_range(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::AutoOffsetReset | Code::OffsetOutOfRange))
}

/// Returns the obstacle that an error proves. Most errors are transient and prove none.
fn of_error(error: &KafkaError, cause: &str) -> Option<Obstacle> {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code()?;
    if is_undecodable(code) {
        return Some(Obstacle::Unreadable(cause.to_owned()));
    }
    match code {
        Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed => {
            Some(Obstacle::Refused(cause.to_owned()))
        }
        _ => None,
    }
}

/// True for errors of the record itself, which a retry does not fix.
pub(crate) fn is_undecodable(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BadMessage
            | Code::BadCompression
            | Code::NotImplemented
            | Code::InvalidMessage
            | Code::MessageSizeTooLarge
            | Code::UnsupportedCompressionType
            | Code::Underflow
    )
}
