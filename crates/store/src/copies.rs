//! Duplicate facts of one event. A consumer cannot prevent all of them: two copies of an event may
//! arrive through different partitions or long after each other.
//!
//! The first copy by [`Precedence`] stays. The order depends only on the log and on the seals, so a
//! replay keeps the same copy.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::accounts::CheckScope;
use crate::sql::{any_of, joined, quoted, statement};
use crate::{BlockOrigin, Facts, InsertToken, LedgerRow, StoreError};

/// Number of identities grouped in one pass of a search.
const IDENTITIES_A_PASS: u64 = 4_000_000;
/// Maximum number of copies that a search returns.
pub const COPIES_MAX: usize = 10_000;
/// Offsets of a partition.
#[derive(Row, Serialize, Deserialize)]
struct PartitionOffsets {
    kafka_partition: u32,
    first_offset: u64,
    next_offset: u64,
}

/// Settings of a search, which reads the identities of all facts and spills to disk.
const SETTINGS: &str = "SETTINGS max_execution_time = 0, max_bytes_before_external_group_by = 500000000, max_bytes_ratio_before_external_group_by = 0";

/// A fact that repeats the event of another fact, which takes precedence.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Copy {
    /// Log that the fact was read from.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Offset in that partition.
    pub kafka_offset: u64,
    /// Public body.
    pub ente: String,
    /// Local day, `YYYY-MM-DD`.
    pub day: String,
    /// Local day, in days since 1970.
    pub local_day: u16,
    /// Month of the hour, `YYYYMM`.
    pub month: u32,
    /// Log of the fact that takes precedence.
    pub first_stream: String,
    /// Partition of that fact.
    pub first_partition: u32,
    /// Offset of that fact.
    pub first_offset: u64,
}

/// Facts whose events are searched for in all facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspects {
    /// All facts.
    All,
    /// Facts of these months, as `YYYYMM`.
    Months(RangeInclusive<u32>),
    /// Facts written within a scope.
    Written(CheckScope),
    /// Facts of a log with these offsets, by partition.
    Offsets(String, BTreeMap<u32, Range<u64>>),
}

impl Suspects {
    fn condition(&self) -> String {
        match self {
            Self::All => "1".to_owned(),
            Self::Months(months) => format!(
                "toYYYYMM(time) >= {} AND toYYYYMM(time) <= {}",
                months.start(),
                months.end()
            ),
            Self::Written(scope) => scope.condition("ingested_at"),
            Self::Offsets(stream, ranges) => {
                let ranges = ranges.iter().map(|(partition, Range { start, end })| {
                    format!("(kafka_partition = {partition} AND kafka_offset >= {start} AND kafka_offset < {end})")
                });
                format!("stream = {} AND ({})", quoted(stream), any_of(ranges))
            }
        }
    }
}

/// Order of the copies of an event, of which the first stays. Facts of sealed years come first,
/// then facts no longer in the log, then facts of the log by partition and offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precedence {
    /// Current log.
    pub stream: String,
    /// First offset still in the log, by partition.
    pub held_from: BTreeMap<u32, u64>,
}

impl Precedence {
    /// Returns the rank of a fact as an SQL tuple. The smallest takes precedence.
    fn rank(&self) -> String {
        let held = self.held_from.iter().map(|(partition, from)| {
            format!("(kafka_partition = {partition} AND kafka_offset >= {from})")
        });
        statement!("copy_rank")
            .put("stream", quoted(&self.stream))
            .put("held", any_of(held))
            .text()
    }
}

impl Facts {
    /// Returns the copies of the events of `suspects`, without the first of each: at most
    /// [`COPIES_MAX`]. Facts with the same offset are no copies but a block inserted twice.
    pub async fn copies(
        &self,
        suspects: &Suspects,
        precedence: &Precedence,
    ) -> Result<Vec<Copy>, StoreError> {
        let suspect = suspects.condition();
        let count = self
            .0
            .one::<u64>(&format!("SELECT count() FROM usage_events WHERE {suspect}"))
            .await?;
        let passes = count.div_ceil(IDENTITIES_A_PASS);
        let mut found = Vec::new();
        for pass in 0..passes {
            let of_pass = format!("identity % {passes} = {pass}");
            found.extend(self.copies_of_pass(&suspect, &of_pass, precedence).await?);
            if found.len() >= COPIES_MAX {
                found.truncate(COPIES_MAX);
                break;
            }
        }
        Ok(found)
    }

    async fn copies_of_pass(
        &self,
        suspect: &str,
        of_pass: &str,
        precedence: &Precedence,
    ) -> Result<Vec<Copy>, StoreError> {
        // Identities rarely repeat, so the full facts are read only for repeated ones.
        let query = statement!("repeated_identities")
            .put("of_pass", of_pass)
            .put("suspect", suspect)
            .put("copies_max", COPIES_MAX)
            .put("settings", SETTINGS);
        let repeated: Vec<u64> = self.0.rows(query).await?;
        if repeated.is_empty() {
            return Ok(Vec::new());
        }
        let query = statement!("copies")
            .put("rank", precedence.rank())
            .put("identities", joined(repeated.iter().map(u64::to_string)))
            .put("copies_max", COPIES_MAX)
            .put("settings", SETTINGS);
        self.0.rows(query).await
    }

    /// Returns the offsets of a log, by partition, that are in the ledger and not searched for
    /// copies yet.
    pub async fn unsearched(&self, stream: &str) -> Result<BTreeMap<u32, Range<u64>>, StoreError> {
        let query = statement!("unsearched").bind("stream", stream);
        let ranges: Vec<PartitionOffsets> = self.0.rows(query).await?;
        let ranges = ranges.into_iter();
        Ok(ranges
            .map(|range| (range.kafka_partition, range.first_offset..range.next_offset))
            .collect())
    }

    /// Records that the events of these offsets were searched for.
    pub async fn note_search(
        &self,
        stream: &str,
        ranges: &BTreeMap<u32, Range<u64>>,
    ) -> Result<(), StoreError> {
        let partitions: Vec<u32> = ranges.keys().copied().collect();
        let ends: Vec<u64> = ranges.values().map(|offsets| offsets.end).collect();
        let statement = statement!("note_search")
            .bind("stream", stream)
            .bind("partitions", partitions)
            .bind("ends", ends);
        self.0.execute(statement).await
    }

    /// Deletes copies from the facts, after the ledger rows of their blocks count them as
    /// duplicates. Can be repeated after a crash.
    ///
    /// Returns the copies that stay because the facts of their block differ from the ledger. Their
    /// blocks must be restored first.
    pub async fn remove_copies(&self, copies: Vec<Copy>) -> Result<Vec<Copy>, StoreError> {
        let mut by_partition: BTreeMap<(String, u32), Vec<Copy>> = BTreeMap::new();
        for copy in copies {
            let place = (copy.stream.clone(), copy.kafka_partition);
            by_partition.entry(place).or_default().push(copy);
        }
        let mut kept = Vec::new();
        for ((stream, kafka_partition), mut copies) in by_partition {
            copies.sort_by_key(|copy| copy.kafka_offset);
            let mut counted = Vec::new();
            while let Some(first) = copies.first() {
                let block = self
                    .ledger()
                    .row_at(&stream, kafka_partition, first.kafka_offset)
                    .await?;
                let end = block
                    .as_ref()
                    .map_or(first.kafka_offset + 1, |row| row.next_offset);
                let later =
                    copies.split_off(copies.partition_point(|copy| copy.kafka_offset < end));
                let of_block = std::mem::replace(&mut copies, later);
                let is_counted = match block {
                    Some(row) => self.recount(row, &of_block).await?,
                    None => false,
                };
                if is_counted {
                    counted.extend(of_block);
                } else {
                    kept.extend(of_block);
                }
            }
            self.delete_copies(&stream, kafka_partition, &counted)
                .await?;
        }
        Ok(kept)
    }

    /// Changes the ledger row of a block to count `copies` as duplicates. Returns false, without a
    /// change, if the facts of the block match neither the old nor the new row.
    async fn recount(&self, mut row: LedgerRow, copies: &[Copy]) -> Result<bool, StoreError> {
        let facts = self.offsets(&row.range()).await?;
        let stored = row.count(crate::Fate::Stored);
        let without = facts.len() as u64 - copies.len() as u64;
        if without == stored {
            return Ok(true);
        }
        if facts.len() as u64 != stored || !row.repeat(copies) {
            return Ok(false);
        }
        let origin = BlockOrigin {
            stream: row.stream.clone(),
            kafka_partition: row.kafka_partition,
            rules: row.rules.clone(),
        };
        let token = InsertToken::of(&origin, row.first_offset, row.next_offset).of_recount();
        let ledger = self.ledger();
        ledger.insert(&row, &token).await?;
        ledger
            .note_repair("ledger", &row.range(), copies.len() as u64)
            .await?;
        Ok(true)
    }

    async fn delete_copies(
        &self,
        stream: &str,
        kafka_partition: u32,
        copies: &[Copy],
    ) -> Result<(), StoreError> {
        if copies.is_empty() {
            return Ok(());
        }
        let offsets = joined(copies.iter().map(|copy| copy.kafka_offset.to_string()));
        let condition = format!(
            "stream = {} AND kafka_partition = {kafka_partition} AND kafka_offset IN ({offsets})",
            quoted(stream)
        );
        self.0.delete("usage_events", condition).await?;
        tracing::warn!(
            copies = copies.len(),
            partition = kafka_partition,
            offset = copies.first().map(|copy| copy.kafka_offset),
            "copies of stored events removed"
        );
        Ok(())
    }
}
