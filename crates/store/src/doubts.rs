//! Months whose hour rows are in doubt, and what a token is worth.
//!
//! A block whose facts are found there may lack its hour rows: the insert died in between, and
//! ClickHouse does not know its token any more. Its months are noted in `months_in_doubt` before
//! the block goes on, and stay there until hour rows and facts were compared.

use std::collections::BTreeSet;
use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::cluster::WINDOW_SECONDS;
use crate::rebuild::quoted;
use crate::servers::CLOCK_SKEW_SECONDS_MAX;
use crate::store::{LOOK_ROUND, deduplication_window};
use crate::{BlockOrigin, Store, StoreError};

/// One row of `months_in_doubt` that is not settled.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Doubt {
    /// Month of the hours, by UTC, as `YYYYMM`.
    pub month: u32,
    /// Log of the block; empty when a comparison found a difference.
    pub stream: String,
    /// Partition of the block.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// One past its last offset.
    pub next_offset: u64,
    /// When the doubt arose, in seconds since 1970.
    pub since: u32,
    /// Tells a doubt from a later one about the same block.
    pub version: u64,
}

/// A month in doubt, as answers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct DoubtfulMonth {
    /// Month of the hours, by UTC, as `YYYYMM`.
    pub month: u32,
    /// Since when, in seconds since 1970.
    pub since: u32,
    /// First local day that its hours may lie on, in days since 1970.
    pub first_day: i32,
    /// Last such day.
    pub last_day: i32,
    /// True while consumers begin no block of the month.
    pub is_held: bool,
}

impl DoubtfulMonth {
    /// Whether figures of these local days, first and last, may be wrong.
    pub fn touches(&self, first_day: i32, last_day: i32) -> bool {
        self.first_day <= last_day && first_day <= self.last_day
    }
}

impl std::fmt::Display for DoubtfulMonth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.month / 100, self.month % 100)
    }
}

/// What a repeated insert may expect of the token of its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// Every server of the block remembers it, if the insert was made.
    Known,
    /// So many inserts came since that it may be forgotten.
    MayBeForgotten,
    /// The server was started again since, at that time in seconds since 1970. It may remember the
    /// token and have lost the rows.
    ServerRestarted(u64),
    /// The block may belong to another shard now.
    SharedOutOtherwise,
}

#[derive(Row, Deserialize)]
struct Memory {
    started_at: u64,
    parts: u64,
}

impl Store {
    /// What the token of a block is worth that was first sent at `since`, in seconds since 1970.
    ///
    /// Inserts are counted by the ledger: each block has a row, which names its days. Blocks that
    /// are still on their way, repairs and corrections are not in it; half of the window is theirs.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn token_of(&self, since: u64) -> Result<Token, StoreError> {
        if self.shared_out_otherwise(since).await? {
            return Ok(Token::SharedOutOtherwise);
        }
        let from = since.saturating_sub(CLOCK_SKEW_SECONDS_MAX.unsigned_abs());
        // A day of the ledger is local, and a part has the hours of a month by UTC: one month more
        // at either end.
        let memory: Vec<Memory> = self
            .rows(&format!(
                "SELECT assumeNotNull((SELECT toUInt64(max(toUnixTimestamp(now()) - uptime())) FROM {} {LOOK_ROUND})) AS started_at,
                        assumeNotNull((SELECT toUInt64(sum(2 + length(arrayDistinct(arrayMap(day -> toYYYYMM(day), `fates.day`))))) FROM ingest_ledger
                         WHERE written_at >= toDateTime({from}, 'UTC'))) AS parts",
                self.of_all_nodes("system.one")
            ))
            .await?;
        let Some(Memory { started_at, parts }) = memory.into_iter().next() else {
            return Ok(Token::MayBeForgotten);
        };
        if started_at >= from {
            return Ok(Token::ServerRestarted(started_at));
        }
        let tables = self
            .definitions_of(&["usage_events", "usage_hourly"])
            .await?;
        let windows = tables
            .iter()
            .map(|(_, statement)| deduplication_window(statement).1);
        let is_forgotten =
            parts >= windows.min().unwrap_or(0) / 2 || self.has_expired(since).await?;
        Ok(if is_forgotten {
            Token::MayBeForgotten
        } else {
            Token::Known
        })
    }

    /// Replicated tables forget tokens in time, too.
    async fn has_expired(&self, since: u64) -> Result<bool, StoreError> {
        if self.config.cluster.is_empty() || !self.config.nodes.is_empty() {
            return Ok(false);
        }
        let now = self
            .count("SELECT toUInt64(toUnixTimestamp(now()))")
            .await?;
        Ok(now.saturating_sub(since) >= u64::from(WINDOW_SECONDS) / 2)
    }

    /// Notes that the hour rows of these months are in doubt: because of a block, or, without one,
    /// because a comparison found a difference.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn doubt_months(
        &self,
        months: &BTreeSet<u32>,
        block: Option<(&BlockOrigin, Range<u64>)>,
    ) -> Result<(), StoreError> {
        if months.is_empty() {
            return Ok(());
        }
        let place = match block {
            Some((origin, offsets)) => format!(
                "{}, {}, {}, {}",
                quoted(&origin.stream),
                origin.kafka_partition,
                offsets.start,
                offsets.end
            ),
            None => "'', 0, 0, 0".to_owned(),
        };
        let rows: Vec<String> = months
            .iter()
            .map(|month| format!("({month}, {place})"))
            .collect();
        self.execute(&format!(
            "INSERT INTO months_in_doubt (month, stream, kafka_partition, first_offset, next_offset)
             SETTINGS async_insert = 0 VALUES {}",
            rows.join(", ")
        ))
        .await
    }

    /// Every doubt that is not settled.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn doubts(&self) -> Result<Vec<Doubt>, StoreError> {
        self.rows(
            "SELECT d.month AS month, toString(d.stream) AS stream, d.kafka_partition AS kafka_partition, d.first_offset AS first_offset,
                    d.next_offset AS next_offset, toUnixTimestamp(d.since) AS since, d.version AS version
             FROM months_in_doubt AS d FINAL WHERE NOT d.settled ORDER BY month, stream, kafka_partition, first_offset",
        )
        .await
    }

    /// The months in doubt, in order.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn months_in_doubt(&self) -> Result<Vec<DoubtfulMonth>, StoreError> {
        self.rows(
            "SELECT d.month AS month, min(toUnixTimestamp(d.since)) AS since, toInt32(any(toDate(concat(toString(d.month), '01'))) - 1) AS first_day,
                    toInt32(addMonths(any(toDate(concat(toString(d.month), '01'))), 1)) AS last_day, toBool(max(d.held_until) > now()) AS is_held
             FROM months_in_doubt AS d FINAL WHERE NOT d.settled GROUP BY d.month ORDER BY month",
        )
        .await
    }

    /// The months in doubt, as `2017-03`, that have days of a local year.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn months_in_doubt_of(&self, year: i16) -> Result<Vec<String>, StoreError> {
        let year = u32::from(year.unsigned_abs());
        // Days of zones east of UTC begin in the month before, those west of it end in the next.
        let months = (year - 1) * 100 + 12..=(year + 1) * 100 + 1;
        let mut doubtful = self.months_in_doubt().await?;
        doubtful.retain(|doubt| months.contains(&doubt.month));
        Ok(doubtful.iter().map(ToString::to_string).collect())
    }

    /// Asks consumers to begin no block of the months of these doubts for so many seconds.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn hold_months(&self, doubts: &[Doubt], seconds: u64) -> Result<(), StoreError> {
        self.write_doubts(doubts, &format!("now() + INTERVAL {seconds} SECOND, false"))
            .await
    }

    /// Notes that these doubts are settled. A later doubt about the same block stays.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn settle_doubts(&self, doubts: &[Doubt]) -> Result<(), StoreError> {
        self.write_doubts(doubts, "toDateTime(0, 'UTC'), true")
            .await
    }

    async fn write_doubts(&self, doubts: &[Doubt], state: &str) -> Result<(), StoreError> {
        if doubts.is_empty() {
            return Ok(());
        }
        let rows: Vec<String> = doubts
            .iter()
            .map(|doubt| {
                let Doubt {
                    month,
                    stream,
                    kafka_partition,
                    first_offset,
                    next_offset,
                    since,
                    version,
                } = doubt;
                let stream = quoted(stream);
                let version = version + 1;
                format!(
                    "({month}, {stream}, {kafka_partition}, {first_offset}, {next_offset}, toDateTime({since}, 'UTC'), {state}, {version})"
                )
            })
            .collect();
        self.execute(&format!(
            "INSERT INTO months_in_doubt (month, stream, kafka_partition, first_offset, next_offset, since, held_until, settled, version)
             SETTINGS async_insert = 0 VALUES {}",
            rows.join(", ")
        ))
        .await
    }
}
