//! Blocks that consumers are writing: the offsets up to which facts are settled, and waiting for
//! pending blocks.

use std::ops::Range;
use std::time::{Duration, Instant};

use affluenza_kafka::{Cluster, Committed, Config as BusConfig, Partition, Watermarks};
use affluenza_store::Store;
use affluenza_store::rebuild::Settled;

use super::RebuildError;
use crate::offset_metadata::OffsetMetadata;
use crate::stream;

/// Maximum age of cached ends. Kafka takes some tenths of a second to return the group's offsets,
/// longer than a small month takes in total.
const SETTLED_AGE_MAX: Duration = Duration::from_secs(1);
/// Time without progress after which a block counts as abandoned by its consumer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Polling interval.
const LOOK: Duration = Duration::from_millis(100);

/// State of the log and of the consumer group.
pub(super) struct Blocks<'b> {
    store: &'b Store,
    bus: &'b BusConfig,
    cluster: Cluster,
    stream: String,
    settled: Option<(Instant, Settled)>,
    held: Vec<(Partition, Watermarks)>,
}

impl<'b> Blocks<'b> {
    pub(super) async fn open(store: &'b Store, bus: &'b BusConfig) -> Result<Self, RebuildError> {
        let stream = stream::present(store.ledger(), bus).await?;
        tokio::task::block_in_place(|| {
            let cluster = Cluster::new(bus)?;
            Ok(Self {
                store,
                bus,
                stream,
                held: cluster.watermarks(&bus.topic)?,
                cluster,
                settled: None,
            })
        })
    }

    /// Returns the stream of the present log.
    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// Returns the offsets up to which facts are settled: before the ledger's end and the committed
    /// offset, no block is written again. The answer may be [`SETTLED_AGE_MAX`] old.
    pub(super) async fn settled(&mut self) -> Result<Settled, RebuildError> {
        if let Some((asked, settled)) = &self.settled
            && asked.elapsed() < SETTLED_AGE_MAX
        {
            return Ok(settled.clone());
        }
        // Read the offsets first: what is committed is in the ledger by then.
        let asked = Instant::now();
        let committed = self.committed()?;
        self.settle(asked, &committed).await
    }

    async fn settle(
        &mut self,
        asked: Instant,
        committed: &[Committed],
    ) -> Result<Settled, RebuildError> {
        let accounts = self.store.ledger().partition_accounts().await?;
        let ends = accounts
            .into_iter()
            .filter(|account| account.stream == self.stream)
            .map(|account| {
                let partition = account.kafka_partition;
                let committed = committed
                    .iter()
                    .find(|at| at.partition.0.unsigned_abs() == partition)
                    // A group without an offset is writing no block.
                    .and_then(|at| at.next)
                    .map_or(u64::MAX, |next| next.0.unsigned_abs());
                (partition, account.next_offset.min(committed))
            })
            .collect();
        let settled = Settled {
            stream: self.stream.clone(),
            ends,
        };
        self.settled = Some((asked, settled.clone()));
        Ok(settled)
    }

    /// Returns the offsets that the log held at the last query; an empty range for another log.
    pub(super) fn held(&self, stream: &str, kafka_partition: u32) -> Range<u64> {
        let none = u64::MAX..u64::MAX;
        if stream != self.stream {
            return none;
        }
        let mut held = self.held.iter();
        let held = held.find(|(partition, _)| partition.0.unsigned_abs() == kafka_partition);
        held.map_or(none, |(_, held)| {
            held.low.0.unsigned_abs()..held.high.0.unsigned_abs()
        })
    }

    /// Queries again which offsets the log holds.
    pub(super) fn look_again(&mut self) -> Result<(), RebuildError> {
        self.held = tokio::task::block_in_place(|| self.cluster.watermarks(&self.bus.topic))?;
        Ok(())
    }

    /// Waits until the blocks that are being written now are committed. Returns partition and end
    /// of blocks without progress.
    pub(super) async fn wait(&mut self) -> Result<Vec<(i32, i64)>, RebuildError> {
        let mut asked = Instant::now();
        let mut committed = self.committed()?;
        let mut pending: Vec<(i32, i64)> = committed
            .iter()
            .filter_map(|at| {
                let mark = OffsetMetadata::parse(&at.metadata)?;
                let intent = mark.intent.filter(|_| mark.stream == self.stream)?;
                Some((at.partition.0, intent.end.0))
            })
            .collect();
        let mut moved = asked;
        while !pending.is_empty() && moved.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            asked = Instant::now();
            committed = self.committed()?;
            let before = pending.len();
            pending.retain(|(partition, end)| {
                let at = committed.iter().find(|at| at.partition.0 == *partition);
                at.and_then(|at| at.next).is_none_or(|next| next.0 < *end)
            });
            if pending.len() < before {
                moved = asked;
            }
        }
        self.settle(asked, &committed).await?;
        Ok(pending)
    }

    fn committed(&self) -> Result<Vec<Committed>, RebuildError> {
        Ok(tokio::task::block_in_place(|| {
            self.cluster.committed(self.bus)
        })?)
    }
}
