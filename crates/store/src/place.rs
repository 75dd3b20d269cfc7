//! Ends of the ledger and the facts of a log, for comparison with the committed offsets of the
//! consumer group.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::ledger::LogRange;
use crate::sql::statement;
use crate::{Facts, Ledger, StoreError};

/// End of the ledger of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct LedgerEnd {
    /// Partition of the log.
    pub kafka_partition: u32,
    /// Offset after the last one in the ledger.
    pub next_offset: u64,
    /// First offset of the last row.
    pub first_offset: u64,
    /// Checksum of the last row.
    pub checksum: u64,
    /// First offset of the last block whose records can be compared with the log.
    pub read_from: u64,
    /// Offset after that block; 0 if there is no such block.
    pub read_to: u64,
    /// Number of records in that block.
    pub records: u64,
    /// Checksum of that block.
    pub records_checksum: u64,
}

/// Facts after the end of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct FactsBeyond {
    /// First offset of the facts.
    pub first_offset: u64,
    /// Last offset of the facts.
    pub last_offset: u64,
    /// Number of facts.
    pub facts: u64,
}

impl Ledger {
    /// Returns the end of the ledger of a log, by partition.
    pub async fn end_rows(&self, stream: &str) -> Result<BTreeMap<u32, LedgerEnd>, StoreError> {
        let query = statement!("ledger_end_rows").bind("stream", stream);
        let ends: Vec<LedgerEnd> = self.0.rows(query).await?;
        let ends = ends.into_iter();
        Ok(ends.map(|end| (end.kafka_partition, end)).collect())
    }

    /// Returns the ledger rows that overlap a range, as first and next offset.
    pub async fn rows_in(&self, range: &LogRange<'_>) -> Result<Vec<(u64, u64)>, StoreError> {
        let query = statement!("ledger_rows_in").bind_range(range);
        self.0.rows(query).await
    }
}

impl Facts {
    /// Returns the facts of a partition with offsets from `offset` on.
    pub async fn beyond(
        &self,
        stream: &str,
        kafka_partition: u32,
        offset: u64,
    ) -> Result<Option<FactsBeyond>, StoreError> {
        let query = statement!("facts_beyond")
            .bind("stream", stream)
            .bind("kafka_partition", kafka_partition)
            .bind("offset", offset);
        let found: Vec<FactsBeyond> = self.0.rows(query).await?;
        Ok(found.into_iter().find(|found| found.facts > 0))
    }
}
