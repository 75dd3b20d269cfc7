use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

use crate::{NextOffset, Partition};

/// Errors of Kafka.
#[derive(Debug, Error)]
pub enum BusError {
    /// No broker answered.
    #[error(
        "Kafka at {bootstrap_servers} does not answer ({cause}): check kafka.bootstrap_servers and that the broker runs"
    )]
    Unreachable {
        /// Bootstrap servers that were tried.
        bootstrap_servers: String,
        /// Message of the client.
        cause: String,
    },
    /// The broker rejects the login or certificate, or its own certificate is not trusted.
    #[error(
        "Kafka at {bootstrap_servers} and this client do not accept each other ({cause}): check login and certificates in kafka.properties"
    )]
    Refused {
        /// Bootstrap servers that were tried.
        bootstrap_servers: String,
        /// Message of the client.
        cause: String,
    },
    /// The topic does not exist.
    #[error("topic {topic} does not exist: create it, or run `affluenza migrate`")]
    NoTopic {
        /// Name of the topic.
        topic: String,
    },
    /// The cluster did not return the id of the topic.
    #[error(
        "Kafka did not name the id of topic {topic}: the topic was deleted, or the broker does not answer"
    )]
    NoTopicId {
        /// Name of the topic.
        topic: String,
    },
    /// The group has members, so that its offsets cannot be changed.
    #[error(
        "consumers of the group {group} are running: stop them first (systemctl stop, or scale them to 0); nothing was changed"
    )]
    GroupBusy {
        /// Name of the group.
        group: String,
    },
    /// The client rejected a setting.
    #[error("Kafka refused a setting ({0}): check [kafka] in the configuration")]
    Setting(KafkaError),
    /// A topic could not be created.
    #[error("topic {topic} could not be created: {cause}")]
    CreateTopic {
        /// Name of the topic.
        topic: String,
        /// Message of the broker.
        cause: String,
    },
    /// A commit failed.
    #[error("offset {} of partition {partition} could not be committed: {cause}", next.0)]
    Commit {
        /// Partition of the commit.
        partition: Partition,
        /// Offset of the commit.
        next: NextOffset,
        /// Error of the broker, or of the client if the broker did not answer.
        cause: KafkaError,
        /// True if the commit certainly did not happen. Otherwise it may still take effect.
        refused: bool,
    },
    /// Records were not acknowledged.
    #[error(
        "topic {topic}: {failed} records were not acknowledged by Kafka, the first because: {first}"
    )]
    NotAcknowledged {
        /// Topic of the records.
        topic: String,
        /// Number of records without an acknowledgement.
        failed: u64,
        /// Error of the first failed record.
        first: String,
    },
    /// The committed offset is before the start or beyond the end of the log.
    #[error(
        "offset out of range on {topic}: records were deleted before they were read, or the topic was created again; see `affluenza audit`"
    )]
    OutOfRange {
        /// Name of the topic.
        topic: String,
    },
    /// Another member joined with the same `group.instance.id`.
    #[error(
        "another consumer of the group has joined under the name {instance:?}: give each consumer a different kafka.instance, or none"
    )]
    Fenced {
        /// Name that both members use.
        instance: String,
    },
    /// The batch headers of the log cannot be read.
    #[error(
        "offsets without a record cannot be explained here, because the log is inspected without librdkafka ({cause}): accept them as a loss, or use PLAINTEXT, SASL_PLAINTEXT or the mechanism PLAIN"
    )]
    NotInspected {
        /// Reason of the failure.
        cause: String,
    },
    /// The other members of the group use another assignment strategy.
    #[error(
        "the members of group {group} use another partition assignor than this one (cooperative-sticky): give this consumer another group, or stop the others"
    )]
    OtherAssignor {
        /// Name of the group.
        group: String,
    },
    /// Any other error of the client.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
}

impl BusError {
    /// True if a retry may succeed, as when a broker is unavailable or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            // An operator may correct the login at the brokers while this program runs.
            Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::NotAcknowledged { .. }
            | Self::NoTopicId { .. } => true,
            Self::Commit { refused, .. } => !refused,
            Self::Kafka(error) => error.rdkafka_error_code().is_some_and(is_transient),
            _ => false,
        }
    }
}

fn is_transient(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::MessageTimedOut
            | Code::WaitingForCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::BrokerDestroy
            | Code::DestroyBroker
            | Code::Resolve
            | Code::NetworkException
            // A broker that has just started, or lost its leadership, does not know a partition
            // yet or any more. Whether the topic exists is checked separately.
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::ReplicaNotAvailable
            | Code::OffsetNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::KafkaStorageError
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::RebalanceInProgress
    )
}

/// True if a commit certainly did not happen: the broker rejected it, or it was never sent.
pub(crate) fn is_refusal(cause: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        cause.rdkafka_error_code(),
        Some(
            Code::UnknownMemberId
                | Code::IllegalGeneration
                | Code::RebalanceInProgress
                | Code::WaitingForCoordinator
                | Code::OffsetMetadataTooLarge
                | Code::GroupAuthorizationFailed
                | Code::TopicAuthorizationFailed
                | Code::AssignmentLost
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_partition_is_asked_for_again_and_a_missing_topic_is_not() {
        for code in [
            RDKafkaErrorCode::UnknownPartition,
            RDKafkaErrorCode::UnknownTopicOrPartition,
            RDKafkaErrorCode::NotLeaderForPartition,
        ] {
            let error = BusError::from(KafkaError::MetadataFetch(code));
            assert!(error.is_transient(), "{error}");
        }
        let topic = "events".to_owned();
        assert!(!BusError::NoTopic { topic }.is_transient());
    }
}
