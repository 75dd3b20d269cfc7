//! Replay of the log into a second database, by a consumer with a separate group.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{Config as BusConfig, NextOffset, Partition};
use affluenza_store::Store;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::{Classifier, Config, Consumer, PipelineError, Progress, Until};

/// Offsets that a replay may not read yet. It stops exactly there, however many records follow.
#[derive(Debug, Clone, Default)]
pub struct ReplayBound(Arc<Mutex<Bound>>);

#[derive(Debug, Default)]
struct Bound {
    ends: BTreeMap<Partition, NextOffset>,
    is_final: bool,
}

impl ReplayBound {
    fn lock(&self) -> MutexGuard<'_, Bound> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the replay read up to `ends`. If they are final, it ends there.
    fn set(&self, ends: BTreeMap<Partition, NextOffset>, is_final: bool) {
        *self.lock() = Bound { ends, is_final };
    }

    /// Returns the first offset of a partition that may not be read.
    pub(crate) fn of(&self, partition: Partition) -> NextOffset {
        let bound = self.lock();
        bound.ends.get(&partition).copied().unwrap_or(NextOffset(0))
    }

    /// Returns the offsets at which the replay ends, once they are known.
    pub(crate) fn ends(&self) -> Option<BTreeMap<Partition, NextOffset>> {
        let bound = self.lock();
        bound.is_final.then(|| bound.ends.clone())
    }
}

/// Connections and tools of a replay.
pub(crate) struct ReplayTools<'r> {
    /// Connection to Kafka, with the group of the replay.
    pub(crate) bus: &'r BusConfig,
    /// The second database.
    pub(crate) store: &'r Store,
    pub(crate) config: &'r Config,
    pub(crate) classifier: Classifier,
}

/// A running replay. Dropping it stops it.
pub(crate) struct Replay {
    bound: ReplayBound,
    progress: Progress,
    stop: CancellationToken,
    result: oneshot::Receiver<Result<(), PipelineError>>,
}

impl Replay {
    /// Starts to replay, at the offsets of the group.
    pub(crate) fn start(tools: ReplayTools<'_>) -> Self {
        let (result_in, result) = oneshot::channel();
        let replay = Self {
            bound: ReplayBound::default(),
            progress: Progress::default(),
            stop: CancellationToken::new(),
            result,
        };
        let (bus, store) = (tools.bus.clone(), tools.store.clone());
        let config = Config {
            // History of former logs was copied, not accepted.
            accept_new_stream: true,
            ..tools.config.clone()
        };
        let (classifier, progress, runtime) =
            (tools.classifier, replay.progress.clone(), Handle::current());
        let (until, stop) = (Until::Replayed(replay.bound.clone()), replay.stop.clone());
        std::thread::spawn(move || {
            let joined = Consumer::join(&bus, store, classifier, config, progress, runtime);
            let ended = joined.and_then(|consumer| consumer.replaying().run(&until, &stop));
            // The receiver is gone if the rebuild was interrupted.
            let _ = result_in.send(ended);
        });
        replay
    }

    /// Lets the replay read up to `ends`. Returns the number of offsets that it has not stored yet.
    pub(crate) fn advance(
        &mut self,
        ends: &BTreeMap<Partition, NextOffset>,
    ) -> Result<u64, PipelineError> {
        self.bound.set(ends.clone(), false);
        match self.result.try_recv() {
            Ok(Err(error)) => return Err(error),
            Ok(Ok(())) | Err(oneshot::error::TryRecvError::Closed) => {
                return Err(PipelineError::ReplayEnded);
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let reached = self.progress.snapshot().ends;
        let remaining = ends.iter().map(|(partition, end)| {
            let at = reached.get(partition).map_or(0, |at| at.0);
            end.0.saturating_sub(at).max(0).unsigned_abs()
        });
        Ok(remaining.sum())
    }

    /// Replays up to `ends` and ends.
    pub(crate) async fn finish(
        mut self,
        ends: &BTreeMap<Partition, NextOffset>,
    ) -> Result<(), PipelineError> {
        self.bound.set(ends.clone(), true);
        match (&mut self.result).await {
            Ok(ended) => ended,
            Err(_) => Err(PipelineError::ReplayEnded),
        }
    }

    /// Stops the replay, and waits until it has left its group.
    pub(crate) async fn stop(mut self) -> Result<(), PipelineError> {
        self.stop.cancel();
        (&mut self.result).await.unwrap_or(Ok(()))
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
