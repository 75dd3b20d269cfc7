//! Facts: inserts, and searches for the original of an event.

use std::collections::HashSet;

use bytes::Bytes;
use serde::Serialize;

use crate::sql::statement;
use crate::{BlockOrigin, FactBlock, Facts, InsertToken, Ledger, StoreError};

/// Maximum number of identities in one query.
const IDENTITIES_A_QUERY: usize = 5_000;

/// Facts searched for the original of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Facts within the time range of the events, which are few. A copy has the time of its
    /// original, unless its producer changed the timestamp.
    Same,
    /// All facts. The query reads every identity.
    Any,
}

/// Offsets of imported events in a partition, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedRange {
    /// Partition of the log.
    pub kafka_partition: u32,
    /// First offset.
    pub first: u64,
    /// Last offset.
    pub last: u64,
}

impl Times {
    const fn condition(self) -> &'static str {
        match self {
            Self::Same => {
                "time BETWEEN fromUnixTimestamp64Milli({first_ms:Int64}, 'UTC') AND fromUnixTimestamp64Milli({last_ms:Int64}, 'UTC')"
            }
            Self::Any => "1",
        }
    }
}

impl Facts {
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger(self.0.clone())
    }

    /// Inserts a block of facts. Repeating it with the same token has no effect.
    pub async fn insert(&self, facts: Bytes, token: &InsertToken) -> Result<(), StoreError> {
        let statement = FactBlock::insert_facts("usage_events");
        self.0.insert("usage_events", statement, facts, token).await
    }

    /// Inserts the hour rows of a block whose facts are stored. Repeating it with the same token has
    /// no effect.
    pub async fn insert_hours(&self, hours: Bytes, token: &InsertToken) -> Result<(), StoreError> {
        let statement = FactBlock::insert_hours();
        self.0.insert("usage_hourly", statement, hours, token).await
    }

    /// Returns the identities of `events` that already exist in an earlier fact. A fact is earlier
    /// if it comes from another log, a partition with a smaller number, or a smaller offset of the
    /// same partition. The block begins at `first_offset` of `origin`. Later facts are copies,
    /// which are removed (`copies.rs`).
    pub async fn stored_before(
        &self,
        origin: &BlockOrigin,
        first_offset: u64,
        events: &[(i64, u64)],
        times: Times,
    ) -> Result<HashSet<u64>, StoreError> {
        let mut found = HashSet::new();
        for chunk in events.chunks(IDENTITIES_A_QUERY) {
            let times_ms = chunk.iter().map(|(time_ms, _)| *time_ms);
            let (first_ms, last_ms) = (times_ms.clone().min(), times_ms.max());
            let identities: Vec<u64> = chunk.iter().map(|(_, identity)| *identity).collect();
            let query = statement!("stored_before")
                .put("of_times", times.condition())
                .bind("first_ms", first_ms)
                .bind("last_ms", last_ms)
                .bind("identities", identities)
                .bind("stream", &*origin.stream)
                .bind("kafka_partition", origin.kafka_partition)
                .bind("first_offset", first_offset);
            found.extend(self.0.rows::<u64>(query).await?);
        }
        Ok(found)
    }

    /// Returns event time and identity of the facts of a partition before `before_offset`: at most
    /// `limit`, newest event first.
    pub async fn newest_identities(
        &self,
        origin: &BlockOrigin,
        before_offset: u64,
        limit: usize,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        let query = statement!("newest_identities")
            .bind("stream", &*origin.stream)
            .bind("kafka_partition", origin.kafka_partition)
            .bind("before_offset", before_offset)
            .bind("limit", limit);
        self.0.rows(query).await
    }

    /// Returns the time of the newest event, in milliseconds since 1970. Facts of the log `except`
    /// are ignored.
    pub async fn newest_event(&self, except: Option<&str>) -> Result<Option<i64>, StoreError> {
        let query = statement!("newest_event").bind("except", except.unwrap_or_default());
        Ok(self.0.rows(query).await?.first().copied())
    }

    /// Returns the number of facts of an import in the given ranges of offsets.
    pub async fn stored_imports(
        &self,
        stream: &str,
        ente: &str,
        portal: &str,
        ranges: &[ImportedRange],
    ) -> Result<u64, StoreError> {
        if ranges.is_empty() {
            return Ok(0);
        }
        let query = statement!("stored_imports")
            .bind("stream", stream)
            .bind("ente", ente)
            .bind("portal", portal)
            .bind_columns(ranges);
        self.0.one(query).await
    }
}
