//! Open transactions: records behind their first record cannot be read before they end.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::logging::Logging;
use crate::{BusError, Cluster, Config, Inspector, NextOffset, OpenTransaction, Partition};

/// Timeout of a request to the cluster.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds the open transactions of one topic.
pub struct OpenTransactions {
    /// Returns the end offset of a partition including uncommitted records.
    uncommitted: BaseConsumer<Logging>,
    inspector: Inspector,
    topic: String,
}

impl OpenTransactions {
    /// Creates the clients. Sends nothing yet.
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

    /// Returns the open transactions that block `partitions` now.
    pub fn of(
        &self,
        cluster: &Cluster,
        partitions: &[Partition],
    ) -> Result<Vec<OpenTransaction>, BusError> {
        while self.uncommitted.poll(Duration::ZERO).is_some() {}
        let highs = partitions.iter().map(|partition| {
            let (topic, id) = (&self.topic, partition.0);
            let (_, high) = self.uncommitted.fetch_watermarks(topic, id, PATIENCE)?;
            Ok(NextOffset(high))
        });
        let highs: Result<Vec<NextOffset>, BusError> = highs.collect();
        // Requested after `high`: without an open transaction, the stable offset is then never
        // below `high`.
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
