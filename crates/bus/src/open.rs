//! Transactions that are open: nothing behind their first record can be read before they end.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::logging::Logging;
use crate::{BusError, Cluster, Config, Inspector, NextOffset, OpenTransaction, Partition};

/// Time that a question to the cluster may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks for transactions that are open in one topic.
pub struct OpenTransactions {
    /// Sees where a partition ends for those who read uncommitted records, too.
    uncommitted: BaseConsumer<Logging>,
    inspector: Inspector,
    topic: String,
}

impl OpenTransactions {
    /// Prepares a connection; nothing is sent yet.
    pub fn new(config: &Config) -> Result<Self, BusError> {
        let uncommitted = config
            .client()
            .set("isolation.level", "read_uncommitted")
            .create_with_context(Logging::default())
            .map_err(BusError::Setting)?;
        Ok(Self {
            uncommitted,
            inspector: Inspector::new(config),
            topic: config.topic.clone(),
        })
    }

    /// The transactions that hold `partitions` back now.
    pub fn of(
        &self,
        cluster: &Cluster,
        partitions: &[Partition],
    ) -> Result<Vec<OpenTransaction>, BusError> {
        while self.uncommitted.poll(Duration::ZERO).is_some() {}
        let high = |partition: &Partition| {
            let (topic, id) = (&self.topic, partition.0);
            let (_, high) = self.uncommitted.fetch_watermarks(topic, id, PATIENCE)?;
            Ok(NextOffset(high))
        };
        let highs: Result<Vec<NextOffset>, BusError> = partitions.iter().map(high).collect();
        // Asked later, so that it is not before the end of a partition without an open transaction.
        let stable = cluster.ends_of(&self.topic, partitions)?;
        let held_back = stable
            .into_iter()
            .zip(highs?)
            .filter(|((_, stable), high)| stable < high);
        Ok(held_back
            .filter_map(|((partition, stable), high)| {
                self.inspector.open_transaction(partition, stable, high)
            })
            .collect())
    }
}
