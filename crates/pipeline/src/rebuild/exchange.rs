//! Exchanges the tables while the consumers begin no block.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use affluenza_kafka::{NextOffset, Partition};
use affluenza_store::rebuild::Phase;

use super::begin::check_ownership;
use super::{LOOK, RebuildError, RebuildStep, RunningRebuild};
use crate::replay::Replay;
use crate::settle::{HOLD, HOLD_SEEN};

/// Maximum time from the request of a pause to the exchange: consumers resume after [`HOLD`].
const EXCHANGE_MAX: Duration = Duration::from_secs(15);
/// Time after which every consumer has seen that a rebuild runs, and looks for its pause.
const REBUILD_SEEN: Duration = Duration::from_secs(12);
/// Attempts to exchange the tables.
const ATTEMPTS: u32 = 5;

impl RunningRebuild<'_, '_> {
    /// Exchanges the tables. An attempt fails if consumers do not pause, or if the replay does not
    /// catch up meanwhile.
    pub(super) async fn exchange(&mut self, mut replay: Replay) -> Result<(), RebuildError> {
        let mut cause = String::new();
        for attempt in 1..=ATTEMPTS {
            tokio::time::sleep(REBUILD_SEEN.saturating_sub(self.began.elapsed())).await;
            self.catch_up(&mut replay).await?;
            self.tools.second.follow_retention().await?;
            (self.tools.watch)(RebuildStep::Exchanging);
            let began = Instant::now();
            self.hold().await?;
            let finished = tokio::time::timeout(EXCHANGE_MAX, self.finish(replay)).await;
            cause = match finished {
                Ok(Ok(())) if began.elapsed() < EXCHANGE_MAX => String::new(),
                Ok(Err(error)) => error.to_string(),
                _ => "as a block was begun and is not finished".to_owned(),
            };
            if cause.is_empty() {
                self.run.phase = Phase::Exchanging;
                self.hold().await?;
                self.put_in_place().await?;
                self.rebuilt.pause_seconds = began.elapsed().as_secs_f64();
                return Ok(());
            }
            // Ends the pause.
            self.enter(Phase::Replaying).await?;
            if attempt == ATTEMPTS {
                break;
            }
            replay = self.replay().await?.running;
        }
        Err(RebuildError::NoPause {
            attempts: ATTEMPTS,
            cause,
        })
    }

    /// Completes an exchange that was interrupted.
    pub(super) async fn exchange_again(&mut self) -> Result<(), RebuildError> {
        self.hold().await?;
        tokio::time::sleep(HOLD_SEEN).await;
        self.put_in_place().await
    }

    async fn put_in_place(&mut self) -> Result<(), RebuildError> {
        let missing = self.tools.second.exchange(&self.run.tables).await?;
        self.enter(Phase::Settling).await?;
        match missing.into_iter().next() {
            None => Ok(()),
            Some(table) => Err(RebuildError::TableGone { table }),
        }
    }

    /// Asks the consumers to begin no block.
    async fn hold(&mut self) -> Result<(), RebuildError> {
        let seconds = u32::try_from(HOLD.as_secs()).unwrap_or(u32::MAX);
        let rebuilds = self.tools.store.rebuilds();
        check_ownership(self.tools.store, &self.run).await?;
        Ok(rebuilds.hold(&mut self.run, seconds).await?)
    }

    /// Waits until no block is being written, in two looks, and replays up to the last commit.
    async fn finish(&mut self, mut replay: Replay) -> Result<(), RebuildError> {
        let seen = Instant::now() + HOLD_SEEN;
        let mut settled = None;
        loop {
            let ends = self.committed()?;
            replay.advance(&ends)?;
            let is_settled = self.is_settled(&ends).await?;
            if is_settled && Instant::now() >= seen && settled.as_ref() == Some(&ends) {
                return Ok(replay.finish(&ends).await?);
            }
            settled = is_settled.then_some(ends);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// True if ClickHouse has every block before the committed offsets, and no fact beyond.
    async fn is_settled(
        &self,
        ends: &BTreeMap<Partition, NextOffset>,
    ) -> Result<bool, RebuildError> {
        let store = self.tools.store;
        let ledger = store.ledger().settled_ends(&self.stream).await?;
        let ends: Vec<(u32, u64)> = ends
            .iter()
            .map(|(partition, end)| (partition.0.unsigned_abs(), end.0.unsigned_abs()))
            .collect();
        let mut stored = ends
            .iter()
            .map(|(partition, end)| ledger.get(partition).is_none_or(|stored| stored == end));
        if !stored.all(|is_stored| is_stored) {
            return Ok(false);
        }
        for (partition, end) in ends {
            let beyond = store.facts().beyond(&self.stream, partition, end).await?;
            if beyond.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
