use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

use crate::{NextOffset, Partition};

/// What can go wrong with Kafka.
#[derive(Debug, Error)]
pub enum BusError {
    /// No broker answered.
    #[error(
        "Kafka at {bootstrap_servers} does not answer ({cause}): check kafka.bootstrap_servers and that the broker runs"
    )]
    Unreachable {
        /// Where it was looked for.
        bootstrap_servers: String,
        /// What the client said.
        cause: String,
    },
    /// A broker does not take our login or certificate, or we do not trust its certificate.
    #[error(
        "Kafka at {bootstrap_servers} and this client do not accept each other ({cause}): check login and certificates in kafka.properties"
    )]
    Refused {
        /// Where it was asked.
        bootstrap_servers: String,
        /// What the client said.
        cause: String,
    },
    /// The topic is not there.
    #[error("topic {topic} does not exist: create it, or run `affluenza migrate`")]
    NoTopic {
        /// Its name.
        topic: String,
    },
    /// The cluster did not name the topic's id.
    #[error(
        "Kafka did not name the id of topic {topic}: the topic was deleted, or the broker does not answer"
    )]
    NoTopicId {
        /// Its name.
        topic: String,
    },
    /// The group has members.
    #[error(
        "consumers of the group {group} are running: stop them first (systemctl stop, or scale them to 0); nothing was changed"
    )]
    GroupBusy {
        /// Its name.
        group: String,
    },
    /// A setting was refused.
    #[error("Kafka refused a setting ({0}): check [kafka] in the configuration")]
    Setting(KafkaError),
    /// A topic could not be created.
    #[error("topic {topic} could not be created: {cause}")]
    CreateTopic {
        /// Its name.
        topic: String,
        /// What the broker said.
        cause: String,
    },
    /// A commit was refused.
    #[error("offset {} of partition {partition} could not be committed: {cause}", next.0)]
    Commit {
        /// Of which partition.
        partition: Partition,
        /// What was to be committed.
        next: NextOffset,
        /// What the broker said, or the client when the broker said nothing.
        cause: KafkaError,
        /// Whether the broker refused it. Otherwise it may still come to pass.
        refused: bool,
    },
    /// A record was not acknowledged.
    #[error(
        "topic {topic}: {failed} records were not acknowledged by Kafka, the first because: {first}"
    )]
    NotAcknowledged {
        /// Topic that they were sent to.
        topic: String,
        /// How many.
        failed: u64,
        /// Why the first was not.
        first: String,
    },
    /// The committed offset is not in the log any more, or not yet.
    #[error(
        "offset out of range on {topic}: records were deleted before they were read, or the topic was created anew; see `affluenza audit`"
    )]
    OutOfRange {
        /// Of which topic.
        topic: String,
    },
    /// Another member has joined under the same name.
    #[error(
        "another consumer of the group has joined under the name {instance:?}: give each consumer a kafka.instance of its own, or none"
    )]
    Fenced {
        /// The name.
        instance: String,
    },
    /// The log cannot be looked at by the headers of its batches.
    #[error(
        "offsets without a record cannot be explained here, because the log is looked at without librdkafka ({cause}): accept them as a loss, or use PLAINTEXT, SASL_PLAINTEXT or the mechanism PLAIN"
    )]
    NotInspected {
        /// Why not.
        cause: String,
    },
    /// Another member of the group shares partitions out by other rules.
    #[error(
        "the members of group {group} share partitions out by other rules than this one (cooperative-sticky): give this consumer a group of its own, or stop the others"
    )]
    OtherAssignor {
        /// The group.
        group: String,
    },
    /// No thread could be started.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// Anything else.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
}

impl BusError {
    /// Whether the trouble may be over by itself: a broker that is away or busy.
    pub fn is_passing(&self) -> bool {
        match self {
            // A login may be changed at the brokers while we run.
            Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::NotAcknowledged { .. }
            | Self::NoTopicId { .. } => true,
            Self::Commit { refused, .. } => !refused,
            Self::Kafka(error) => error.rdkafka_error_code().is_some_and(is_passing),
            _ => false,
        }
    }
}

fn is_passing(code: RDKafkaErrorCode) -> bool {
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
            | Code::NetworkException
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::RebalanceInProgress
    )
}

/// Whether the broker said no to a commit, or it never got there.
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
