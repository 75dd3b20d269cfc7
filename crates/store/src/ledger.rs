//! The ledger: the fate of every record of the log.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::copies::Copy;
use crate::native::{Number as _, put_string, put_varuint};
use crate::sql::statement;
use crate::{InsertToken, Ledger, StoreError};

/// Final outcome of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The record is stored as a fact.
    Stored,
    /// The event was already stored.
    Duplicate,
    /// The record can never become an event.
    Rejected,
    /// The record waits for a decision of the operator.
    Quarantined,
    /// The record is a client report, which is stored separately.
    Report,
    /// The record was stored and later erased by order.
    Erased,
}

impl Fate {
    /// Returns the name in SQL, in headers and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
            Self::Report => "report",
            Self::Erased => "erased",
        }
    }

    /// Returns the code in the database.
    pub const fn code(self) -> i8 {
        match self {
            Self::Stored => 1,
            Self::Duplicate => 2,
            Self::Rejected => 3,
            Self::Quarantined => 4,
            Self::Report => 5,
            Self::Erased => 6,
        }
    }

    fn of_code(code: i8) -> Option<Self> {
        [
            Self::Stored,
            Self::Duplicate,
            Self::Rejected,
            Self::Quarantined,
            Self::Report,
            Self::Erased,
        ]
        .into_iter()
        .find(|fate| fate.code() == code)
    }
}

/// Group of records in a block with the same ente, day, fate and reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FateGroup {
    /// Public body; empty if the records do not contain it.
    pub ente: String,
    /// Local day, in days since 1970.
    pub day: u16,
    /// Fate of the records.
    pub fate: Fate,
    /// Reason for refusing the records; otherwise empty.
    pub reason: Cow<'static, str>,
}

/// Offsets of a partition of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRange<'s> {
    /// Log: cluster and topic.
    pub stream: &'s str,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Range of offsets.
    pub offsets: Range<u64>,
}

impl<'s> LogRange<'s> {
    /// Returns these offsets of a partition.
    pub const fn of(stream: &'s str, kafka_partition: u32, offsets: Range<u64>) -> Self {
        Self {
            stream,
            kafka_partition,
            offsets,
        }
    }
}

/// A row of `ingest_ledger`: a block and the fates of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Log that the block was read from.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the block.
    pub first_offset: u64,
    /// Offset after the block.
    pub next_offset: u64,
    /// Number of records read: the sum of all fates.
    pub records_read: u64,
    /// Control offsets of the block: transaction markers, aborted records or compacted records.
    pub control: u64,
    /// Number of offsets whose records were accepted as lost.
    pub lost: u64,
    /// Number of records in each group.
    pub fates: Vec<(FateGroup, u64)>,
    /// Checksum of the records as read.
    pub checksum: u64,
    /// Version of the rules that classified the records.
    pub rules: String,
}

/// Columns of [`LedgerRow::encode`], in its order.
pub(crate) const COLUMNS: &str = "stream, kafka_partition, first_offset, next_offset, records_read, stored, duplicate, rejected, quarantined, reports, erased, control, lost, fates.ente, fates.day, fates.fate, fates.reason, fates.records, checksum, rules";

impl LedgerRow {
    /// Returns the offsets of the block.
    pub fn range(&self) -> LogRange<'_> {
        let offsets = self.first_offset..self.next_offset;
        LogRange::of(&self.stream, self.kafka_partition, offsets)
    }

    /// Returns the number of records with this fate.
    pub fn count(&self, fate: Fate) -> u64 {
        let of_fate = self.fates.iter().filter(|(group, _)| group.fate == fate);
        of_fate.map(|(_, records)| records).sum()
    }

    /// Counts stored `copies` as duplicates. Returns false, without a change, if the row does not
    /// count all of them as stored.
    pub(crate) fn repeat(&mut self, copies: &[Copy]) -> bool {
        let mut fates: BTreeMap<FateGroup, u64> = self.fates.drain(..).collect();
        let before = fates.clone();
        let is_counted = copies.iter().all(|copy| {
            let mut group = FateGroup {
                ente: copy.ente.clone(),
                day: copy.local_day,
                fate: Fate::Stored,
                reason: Cow::Borrowed(""),
            };
            let stored = fates.get_mut(&group);
            let Some(left) = stored.and_then(|records| {
                *records = records.checked_sub(1)?;
                Some(*records)
            }) else {
                return false;
            };
            if left == 0 {
                fates.remove(&group);
            }
            group.fate = Fate::Duplicate;
            *fates.entry(group).or_default() += 1;
            true
        });
        let fates = if is_counted { fates } else { before };
        self.fates = fates.into_iter().collect();
        is_counted
    }

    /// Encodes the row in RowBinary format.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&self.stream, &mut out);
        self.kafka_partition.put(&mut out);
        for number in [self.first_offset, self.next_offset, self.records_read] {
            number.put(&mut out);
        }
        for fate in [
            Fate::Stored,
            Fate::Duplicate,
            Fate::Rejected,
            Fate::Quarantined,
            Fate::Report,
            Fate::Erased,
        ] {
            self.count(fate).put(&mut out);
        }
        self.control.put(&mut out);
        self.lost.put(&mut out);
        self.put_list(&mut out, |group, _, out| put_string(&group.ente, out));
        self.put_list(&mut out, |group, _, out| group.day.put(out));
        self.put_list(&mut out, |group, _, out| group.fate.code().put(out));
        self.put_list(&mut out, |group, _, out| put_string(&group.reason, out));
        self.put_list(&mut out, |_, records, out| records.put(out));
        self.checksum.put(&mut out);
        put_string(&self.rules, &mut out);
        out
    }

    fn put_list(&self, out: &mut Vec<u8>, put: impl Fn(&FateGroup, u64, &mut Vec<u8>)) {
        put_varuint(self.fates.len(), out);
        for (group, records) in &self.fates {
            put(group, *records, out);
        }
    }
}

/// A row in the form of the query.
#[derive(Row, Serialize, Deserialize)]
struct StoredRow {
    stream: String,
    kafka_partition: u32,
    first_offset: u64,
    next_offset: u64,
    records_read: u64,
    control: u64,
    lost: u64,
    entes: Vec<String>,
    days: Vec<u16>,
    fates: Vec<i8>,
    reasons: Vec<String>,
    records: Vec<u64>,
    checksum: u64,
    rules: String,
}

impl StoredRow {
    /// Converts the row. Returns `None` for an unknown fate, written by a newer release.
    fn parse(self) -> Option<LedgerRow> {
        let groups = self.entes.into_iter().zip(self.days).zip(self.fates);
        let fates = groups.zip(self.reasons).zip(self.records);
        let fates = fates.map(|((((ente, day), fate), reason), records)| {
            let group = FateGroup {
                ente,
                day,
                fate: Fate::of_code(fate)?,
                reason: Cow::Owned(reason),
            };
            Some((group, records))
        });
        Some(LedgerRow {
            stream: self.stream,
            kafka_partition: self.kafka_partition,
            first_offset: self.first_offset,
            next_offset: self.next_offset,
            records_read: self.records_read,
            control: self.control,
            lost: self.lost,
            fates: fates.collect::<Option<_>>()?,
            checksum: self.checksum,
            rules: self.rules,
        })
    }
}

impl Ledger {
    /// Returns for how many seconds a token is remembered at the current insert rate. Assumes that
    /// each insert contains the twelve months of a year. `None` without inserts in the last ten
    /// minutes.
    pub async fn token_memory_seconds(&self) -> Result<Option<u64>, StoreError> {
        let blocks = self
            .0
            .one::<u64>(
                "SELECT count() FROM ingest_ledger WHERE written_at >= now() - INTERVAL 10 MINUTE",
            )
            .await?;
        let window = self.0.window_of(&["usage_events"]).await?;
        Ok((window * 600).checked_div(blocks * 12))
    }

    /// Inserts a row of the ledger, once per token.
    pub async fn insert(&self, row: &LedgerRow, token: &InsertToken) -> Result<(), StoreError> {
        let statement = format!("INSERT INTO ingest_ledger ({}) FORMAT RowBinary", COLUMNS);
        let bytes = row.encode();
        self.0
            .insert("ingest_ledger", statement, bytes.into(), token)
            .await
    }

    /// Returns the number of inserts of a block that servers are still executing. A client that no
    /// longer waits for an insert does not end it.
    pub async fn running_inserts(&self, token: &InsertToken) -> Result<u64, StoreError> {
        let query = statement!("running_inserts")
            .put("processes", self.0.of_all_nodes("system.processes"))
            .bind("token", token.to_string());
        self.0.one(query).await
    }

    /// Returns the end of the ledger and the facts of a log by partition, as the next offset.
    pub async fn ends(&self, stream: &str) -> Result<BTreeMap<u32, u64>, StoreError> {
        let query = statement!("ledger_ends").bind("stream", stream);
        Ok(self.0.rows(query).await?.into_iter().collect())
    }

    /// Returns the logs in the ledger.
    pub async fn streams(&self) -> Result<Vec<String>, StoreError> {
        let query = "SELECT DISTINCT toString(stream) FROM ingest_ledger ORDER BY 1";
        self.0.rows(query).await
    }

    /// Returns the row of the block that covers an offset.
    pub async fn row_at(
        &self,
        stream: &str,
        kafka_partition: u32,
        offset: u64,
    ) -> Result<Option<LedgerRow>, StoreError> {
        let query = statement!("ledger_row_at")
            .bind("stream", stream)
            .bind("kafka_partition", kafka_partition)
            .bind("offset", offset);
        let rows: Vec<StoredRow> = self.0.rows(query).await?;
        Ok(rows.into_iter().next().and_then(StoredRow::parse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_every_fate() {
        let group = |ente: &str, fate, reason| FateGroup {
            ente: ente.into(),
            day: 17_000,
            fate,
            reason: Cow::Borrowed(reason),
        };
        let row = LedgerRow {
            stream: "c/t".into(),
            kafka_partition: 1,
            first_offset: 10,
            next_offset: 14,
            records_read: 4,
            control: 0,
            lost: 0,
            fates: vec![
                (group("c_d612", Fate::Stored, ""), 3),
                (group("", Fate::Rejected, "not-json"), 1),
            ],
            checksum: 9,
            rules: "r".into(),
        };
        let bytes = row.encode();
        assert!(bytes.starts_with(b"\x03c/t\x01\0\0\0\x0a"));
        assert!(bytes.ends_with(b"\x01r"));
    }
}
