//! Ends of the ledger and the facts of a log, for comparison with the committed offsets of the
//! consumer group.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::quoted;
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
        let query = format!(
            "SELECT kafka_partition, e.1 AS next_offset, e.2 AS first_offset, e.3 AS checksum, r.2 AS read_from, r.1 AS read_to,
                    r.3 AS records, r.4 AS records_checksum
             FROM (
                SELECT kafka_partition, max((next_offset, first_offset, checksum)) AS e,
                       maxIf((next_offset, first_offset, records_read, checksum), lost = 0 AND records_read > 0) AS r
                FROM ingest_ledger FINAL WHERE stream = {} GROUP BY kafka_partition)",
            quoted(stream)
        );
        let ends: Vec<LedgerEnd> = self.0.rows(&query).await?;
        Ok(ends
            .into_iter()
            .map(|end| (end.kafka_partition, end))
            .collect())
    }

    /// Returns the ledger rows that overlap a range, as first and next offset.
    pub async fn rows_in(
        &self,
        stream: &str,
        kafka_partition: u32,
        offsets: std::ops::Range<u64>,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        self.0.rows(&format!(
            "SELECT first_offset, next_offset FROM ingest_ledger FINAL
             WHERE stream = {} AND kafka_partition = {kafka_partition} AND first_offset < {} AND next_offset > {} ORDER BY first_offset",
            quoted(stream),
            offsets.end,
            offsets.start
        ))
        .await
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
        let found: Vec<FactsBeyond> = self.0
            .rows(&format!(
                "SELECT min(kafka_offset) AS first_offset, max(kafka_offset) AS last_offset, count() AS facts FROM usage_events
                 WHERE stream = {} AND kafka_partition = {kafka_partition} AND kafka_offset >= {offset}",
                quoted(stream)
            ))
            .await?;
        Ok(found.into_iter().find(|found| found.facts > 0))
    }
}
