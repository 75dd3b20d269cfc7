//! Explains offsets without a record of a producer, by reading the log.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use affluenza_kafka::{BusError, Cluster, Config as BusConfig, Inspector, Partition, Shown};
use backon::{ConstantBuilder, Retryable as _};

use crate::PipelineError;

/// Backoff of the attempts to explain a gap. Together they take longer than the election of a new
/// leader.
const BACKOFF: ConstantBuilder = ConstantBuilder::new()
    .with_delay(Duration::from_secs(2))
    .with_max_times(3);

/// Explains the gaps of one topic.
pub(crate) struct Gaps {
    inspector: Arc<Inspector>,
    bus: BusConfig,
}

impl Gaps {
    pub(crate) fn new(bus: &BusConfig) -> Self {
        Self {
            inspector: Arc::new(Inspector::new(bus)),
            bus: bus.clone(),
        }
    }

    /// Counts the offsets of `gaps` that are transaction markers, aborted records or compaction.
    /// Logs the unexplained ones, which the audit reports. Returns at once without gaps.
    pub(crate) async fn control(
        &self,
        partition: Partition,
        gaps: &[Range<i64>],
    ) -> Result<u64, PipelineError> {
        if gaps.is_empty() {
            return Ok(0);
        }
        let looked = (|| self.look(partition, gaps))
            .retry(BACKOFF)
            .when(BusError::is_transient)
            .notify(|error, _| tracing::info!(%error, "inspecting the log once more"));
        let (shown, cause) = match looked.await {
            Ok(shown) => (shown, String::new()),
            Err(error) => {
                let unexplained = gaps.to_vec();
                let control = 0;
                (
                    Shown {
                        control,
                        unexplained,
                    },
                    error.to_string(),
                )
            }
        };
        let Some((first, last)) = shown.unexplained.first().zip(shown.unexplained.last()) else {
            return Ok(shown.control);
        };
        let lengths = shown
            .unexplained
            .iter()
            .map(|gap| gap.end.abs_diff(gap.start));
        let offsets: u64 = lengths.sum();
        if self.is_compacted().await? {
            return Ok(shown.control + offsets);
        }
        tracing::error!(
            partition = partition.0,
            first = first.start,
            next = last.end,
            offsets,
            cause,
            "offsets without a record are unexplained, records may be lost: see `affluenza audit`"
        );
        Ok(shown.control)
    }

    async fn look(&self, partition: Partition, gaps: &[Range<i64>]) -> Result<Shown, BusError> {
        let (inspector, asked) = (Arc::clone(&self.inspector), gaps.to_vec());
        let looked =
            tokio::task::spawn_blocking(move || inspector.control_offsets(partition, &asked));
        match looked.await {
            Ok(looked) => looked,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Returns an error while Kafka is unreachable, so that the block is retried.
    async fn is_compacted(&self) -> Result<bool, BusError> {
        let asked = Cluster::new(&self.bus)?.is_compacted(&self.bus.topic).await;
        match asked {
            Err(error) if !error.is_transient() => {
                tracing::warn!(%error, "the topic's cleanup policy cannot be read");
                Ok(false)
            }
            answer => answer,
        }
    }
}
