//! Months whose hour rows may be wrong, and the reliability of insert tokens.
//!
//! The facts of a block may exist without its hour rows, if an insert failed in between and
//! ClickHouse has forgotten the token. The months of the block are then recorded in
//! `months_in_doubt` before the consumer continues. They stay there until hour rows and facts have
//! been compared.

use std::collections::BTreeSet;
use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::cluster::{WINDOW_SECONDS, has_keeper};
use crate::servers::CLOCK_SKEW_SECONDS_MAX;
use crate::sql::statement;
use crate::{BlockOrigin, Ledger, LogRange, StoreError};

/// Maximum number of doubts in one insert.
const DOUBTS_AN_INSERT: usize = 1_000;

/// An unsettled row of `months_in_doubt`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Doubt {
    /// Month of the hours, in UTC, as `YYYYMM`.
    pub month: u32,
    /// Log of the block; empty if a comparison found a difference.
    pub stream: String,
    /// Partition of the block.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// Offset after the block.
    pub next_offset: u64,
    /// Time when the doubt was recorded, in seconds since 1970.
    pub since: u32,
    /// Version that separates a doubt from a later one about the same block.
    pub version: u64,
}

/// A month in doubt, as shown with figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DoubtfulMonth {
    /// Month of the hours, in UTC, as `YYYYMM`.
    pub month: u32,
    /// Time of the first doubt, in seconds since 1970.
    pub since: u32,
    /// First local day that its hours may belong to, in days since 1970.
    pub first_day: i32,
    /// Last local day that its hours may belong to, in days since 1970.
    pub last_day: i32,
    /// True while consumers start no block of the month.
    pub is_held: bool,
}

impl DoubtfulMonth {
    /// Returns true if figures of these local days, both included, may be wrong.
    pub fn touches(&self, first_day: i32, last_day: i32) -> bool {
        self.first_day <= last_day && first_day <= self.last_day
    }
}

impl std::fmt::Display for DoubtfulMonth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.month / 100, self.month % 100)
    }
}

/// Requests of a rebuild to the consumers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Deserialize)]
pub struct RebuildState {
    /// True while a rebuild is unfinished.
    pub is_unfinished: bool,
    /// True while consumers should begin no block.
    pub is_held: bool,
}

/// Reliability of a block's insert token for a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenReliability {
    /// Every server of the block remembers the token of a completed insert.
    Known,
    /// So many inserts followed that the token may be forgotten.
    MayBeForgotten,
    /// The server restarted, at this time in seconds since 1970. It may remember the token and have
    /// lost the rows.
    ServerRestarted(u64),
    /// The number of shards changed, so the block may belong to another shard.
    OnOtherShard,
}

#[derive(Row, Deserialize)]
struct Memory {
    started_at: u64,
    parts: u64,
}

impl Ledger {
    /// Returns the reliability of the token of a block first sent at `since`, in seconds since
    /// 1970.
    ///
    /// The ledger counts the inserts: each block has a row with its days. Half of the window is
    /// reserved for inserts that the ledger does not contain: blocks being written, repairs and
    /// corrections.
    pub async fn token_reliability(&self, since: u64) -> Result<TokenReliability, StoreError> {
        if self.0.may_be_on_other_shard(since).await? {
            return Ok(TokenReliability::OnOtherShard);
        }
        let from = since.saturating_sub(CLOCK_SKEW_SECONDS_MAX.unsigned_abs());
        // The ledger has local days, but parts have months in UTC: add a month at each end.
        let query = statement!("token_memory")
            .put("servers", self.0.of_all_nodes("system.one"))
            .bind("since", from);
        let Some(Memory { started_at, parts }) = self.0.rows(query).await?.into_iter().next()
        else {
            return Ok(TokenReliability::MayBeForgotten);
        };
        if started_at >= from {
            return Ok(TokenReliability::ServerRestarted(started_at));
        }
        let window = self.0.window_of(&["usage_events", "usage_hourly"]).await?;
        let is_forgotten = parts >= window / 2 || self.has_expired(since).await?;
        Ok(if is_forgotten {
            TokenReliability::MayBeForgotten
        } else {
            TokenReliability::Known
        })
    }

    /// Returns true if a replicated table may have forgotten the token because of its age.
    async fn has_expired(&self, since: u64) -> Result<bool, StoreError> {
        if !has_keeper(&self.0.config) {
            return Ok(false);
        }
        let now = self
            .0
            .one::<u64>("SELECT toUInt64(toUnixTimestamp(now()))")
            .await?;
        Ok(now.saturating_sub(since) >= u64::from(WINDOW_SECONDS) / 2)
    }

    /// Records that the hour rows of these months may be wrong. The cause is a block, or without
    /// one a difference found by a comparison.
    pub async fn doubt_months(
        &self,
        months: &BTreeSet<u32>,
        block: Option<(&BlockOrigin, Range<u64>)>,
    ) -> Result<(), StoreError> {
        if months.is_empty() {
            return Ok(());
        }
        let months: Vec<u32> = months.iter().copied().collect();
        let range = match &block {
            Some((origin, offsets)) => {
                LogRange::of(&origin.stream, origin.kafka_partition, offsets.clone())
            }
            None => LogRange::of("", 0, 0..0),
        };
        let statement = statement!("doubt_months")
            .bind("months", months)
            .bind_range(&range);
        self.0.execute(statement).await
    }

    /// Returns all unsettled doubts.
    pub async fn doubts(&self) -> Result<Vec<Doubt>, StoreError> {
        self.0.rows(statement!("doubts")).await
    }

    /// Returns the months in doubt, in order.
    pub async fn months_in_doubt(&self) -> Result<Vec<DoubtfulMonth>, StoreError> {
        self.0.rows(statement!("months_in_doubt")).await
    }

    /// Returns the months in doubt, as `2017-03`, that contain days of a local year.
    pub async fn months_in_doubt_of(&self, year: i16) -> Result<Vec<String>, StoreError> {
        let year = u32::from(year.unsigned_abs());
        // Local days east of UTC begin in the previous UTC month, those west of it end in the next.
        let months = (year - 1) * 100 + 12..=(year + 1) * 100 + 1;
        let mut doubtful = self.months_in_doubt().await?;
        doubtful.retain(|doubt| months.contains(&doubt.month));
        Ok(doubtful.iter().map(ToString::to_string).collect())
    }

    /// Asks consumers to start no block of the months of these doubts, for `seconds`.
    pub async fn hold_months(&self, doubts: &[Doubt], seconds: u64) -> Result<(), StoreError> {
        self.write_doubts(doubts, &format!("now() + INTERVAL {seconds} SECOND, false"))
            .await
    }

    /// Returns the requests of a rebuild to the consumers.
    pub async fn rebuild_state(&self) -> Result<RebuildState, StoreError> {
        self.0.one(statement!("rebuild_state")).await
    }

    /// Marks these doubts as settled. A later doubt about the same block stays.
    pub async fn reconcile_doubtful_months(&self, doubts: &[Doubt]) -> Result<(), StoreError> {
        self.write_doubts(doubts, "toDateTime(0, 'UTC'), true")
            .await
    }

    async fn write_doubts(&self, doubts: &[Doubt], state: &str) -> Result<(), StoreError> {
        for doubts in doubts.chunks(DOUBTS_AN_INSERT) {
            let statement = statement!("write_doubts")
                .put("state", state)
                .bind_columns(doubts);
            self.0.execute(statement).await?;
        }
        Ok(())
    }
}
