//! Acceptances by the operator: lost records, a changed group offset, a replaced log, removed
//! facts.

use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::accounts::{LISTED_MAX, stored_and_kept};
use crate::ledger::{FateGroup, LedgerRow, LogRange};
use crate::sql::{IN_RANGE, Statement, statement};
use crate::{Facts, Fate, Ledger, StoreError};

/// Kind of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accepted {
    /// Records are lost.
    Loss,
    /// The committed offset of the consumer group was set to the end of the ledger.
    Place,
    /// The log was replaced and counts as a new log from here on.
    Log,
    /// Facts without a record were removed.
    Facts,
}

impl Accepted {
    /// Returns the name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Place => "place",
            Self::Log => "log",
            Self::Facts => "facts",
        }
    }
}

/// A loss or change that an operator accepted.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Acceptance {
    /// Kind: `loss`, `place`, `log` or `facts`.
    pub what: String,
    /// Log of the range.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the range; for a place, the old offset of the consumer group.
    pub first_offset: u64,
    /// Offset after the range; for a place, the new offset of the consumer group.
    pub next_offset: u64,
    /// Number of offsets with lost records, or number of removed facts.
    pub records: u64,
    /// First day that may be affected, in days since 1970.
    pub first_day: u16,
    /// Last day that may be affected, in days since 1970.
    pub last_day: u16,
    /// Reason given by the operator.
    pub reason: String,
    /// Operating system account that ran the command.
    pub accepted_by: String,
    /// Time of the acceptance, in seconds since 1970.
    pub accepted_at: u32,
}

impl Ledger {
    /// Returns all acceptances, oldest first.
    pub async fn acceptances(&self) -> Result<Vec<Acceptance>, StoreError> {
        let query = statement!("acceptances").bind("listed_max", LISTED_MAX);
        self.0.rows(query).await
    }

    /// Stores an acceptance.
    pub async fn note_acceptance(&self, accepted: &Acceptance) -> Result<(), StoreError> {
        let statement = statement!("note_acceptance").bind_fields(accepted);
        self.0.execute(statement).await
    }

    /// Returns how many times the log of `topic` was accepted as a new log. `topic` is a cluster
    /// and a topic.
    pub async fn log_generation(&self, topic: &str) -> Result<u64, StoreError> {
        let query = statement!("log_generation").bind("topic", topic);
        self.0.one(query).await
    }

    /// Returns the ledger row of a range that can no longer be read. Existing facts count as
    /// stored, and all other offsets as lost.
    pub async fn row_of_loss(
        &self,
        stream: &str,
        kafka_partition: u32,
        range: &Unaccounted,
    ) -> Result<LedgerRow, StoreError> {
        let Unaccounted { offsets, control } = range;
        let query = statement!("facts_of_loss").bind_range(&LogRange::of(
            stream,
            kafka_partition,
            offsets.clone(),
        ));
        let facts: Vec<DayFacts> = self.0.rows(query).await?;
        let stored: u64 = facts.iter().map(|day| day.facts).sum();
        let fates = facts.into_iter().map(|DayFacts { ente, day, facts }| {
            let (fate, reason) = (Fate::Stored, "".into());
            let group = FateGroup {
                ente,
                day,
                fate,
                reason,
            };
            (group, facts)
        });
        Ok(LedgerRow {
            stream: stream.to_owned(),
            kafka_partition,
            first_offset: offsets.start,
            next_offset: offsets.end,
            records_read: stored,
            control: *control,
            lost: (offsets.end - offsets.start).saturating_sub(stored + control),
            fates: fates.collect(),
            checksum: 0,
            rules: String::new(),
        })
    }

    /// Returns the ranges within `offsets` that the ledger does not account for:
    ///
    /// - gaps between blocks;
    /// - overlapping blocks, joined to one range;
    /// - blocks with missing facts or unexplained offsets.
    ///
    /// A block that extends beyond `offsets` is left out unless it overlaps another block.
    pub async fn unaccounted(&self, range: &LogRange<'_>) -> Result<Vec<Unaccounted>, StoreError> {
        let boundary = self.0.boundary().await?;
        let query = statement!("covered_blocks")
            .put("stored", stored_and_kept(boundary))
            .put("of_days", boundary.of_days("local_date"))
            .bind_range(range);
        let rows: Vec<Covered> = self.0.rows(query).await?;
        Ok(unaccounted_of(&rows, range.offsets.clone()))
    }

    /// Deletes the ledger rows that begin within a range. A single row replaces them.
    pub async fn delete_rows(&self, range: &LogRange<'_>) -> Result<(), StoreError> {
        let begin_within = statement!("rows_begin_within").bind_range(range);
        self.0.delete("ingest_ledger", begin_within).await
    }

    /// Returns the first day of the block before a range and the last day of the block after it, in
    /// days since 1970. The events of the range lie between these days, except late events.
    pub async fn days_around(&self, range: &LogRange<'_>) -> Result<(u16, u16), StoreError> {
        let query = statement!("days_around").bind_range(range);
        let (first, last): (u16, u16) = self.0.one(query).await?;
        Ok((first.min(last), first.max(last)))
    }
}

impl Facts {
    /// Returns number, months (`YYYYMM`) and days of the facts in a range that no ledger row
    /// covers.
    pub async fn uncovered(&self, range: &LogRange<'_>) -> Result<Uncovered, StoreError> {
        let condition = self.uncovered_condition(range);
        let query = statement!("uncovered_facts")
            .put("uncovered", condition.await?)
            .bind_range(range);
        self.0.one(query).await
    }

    /// Deletes the facts in a range that no ledger row covers.
    pub async fn delete_uncovered(&self, range: &LogRange<'_>) -> Result<(), StoreError> {
        let condition = self.uncovered_condition(range);
        let condition = Statement::from(condition.await?).bind_range(range);
        self.0.delete("usage_events", condition).await
    }

    async fn uncovered_condition(&self, range: &LogRange<'_>) -> Result<String, StoreError> {
        let rows = self.ledger().rows_in(range).await?;
        let mut condition = IN_RANGE.to_owned();
        for (first, next) in joined(&rows) {
            condition.push_str(&format!(
                " AND NOT (kafka_offset >= {first} AND kafka_offset < {next})"
            ));
        }
        Ok(condition)
    }
}

/// Facts of an ente on a local day, in days since 1970.
#[derive(Row, Serialize, Deserialize)]
struct DayFacts {
    ente: String,
    day: u16,
    facts: u64,
}

/// Facts that no ledger row covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Uncovered {
    /// Number of facts.
    pub facts: u64,
    /// Months of their hours, as `YYYYMM`.
    pub months: Vec<u32>,
    /// First local day of the facts, in days since 1970.
    pub first_day: u16,
    /// Last local day of the facts, in days since 1970.
    pub last_day: u16,
}

/// Offsets that the ledger does not account for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unaccounted {
    /// Range of the offsets.
    pub offsets: Range<u64>,
    /// Number of these offsets known to be control offsets.
    pub control: u64,
}

impl From<Range<u64>> for Unaccounted {
    fn from(offsets: Range<u64>) -> Self {
        Self {
            offsets,
            control: 0,
        }
    }
}

/// A ledger row in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
struct Covered {
    first_offset: u64,
    next_offset: u64,
    /// True if facts of the row are missing, or some of its offsets are unexplained.
    lacks: bool,
    control: u64,
}

fn unaccounted_of(rows: &[Covered], offsets: Range<u64>) -> Vec<Unaccounted> {
    let mut found: Vec<Unaccounted> = Vec::new();
    let mut reached = offsets.start;
    let mut rows = rows.iter().peekable();
    while let Some(row) = rows.next() {
        if row.first_offset > reached {
            found.push((reached..row.first_offset).into());
        }
        let (first, mut next, mut control) = (row.first_offset, row.next_offset, row.control);
        // Overlapping blocks form one range, even where it begins before `offsets`.
        let mut is_overlap = false;
        while let Some(other) = rows.next_if(|other| other.first_offset < next) {
            next = next.max(other.next_offset);
            control = 0;
            is_overlap = true;
        }
        let is_inside = offsets.start <= first && next <= offsets.end;
        if is_overlap || (row.lacks && is_inside) {
            found.push(Unaccounted {
                offsets: first..next,
                control,
            });
        }
        reached = reached.max(next);
    }
    if reached < offsets.end {
        found.push((reached..offsets.end).into());
    }
    found
}

/// Merges ranges that touch or overlap. `rows` must be in order.
fn joined(rows: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (first, next) in rows {
        match joined.last_mut() {
            Some(last) if *first <= last.1 => last.1 = last.1.max(*next),
            _ => joined.push((*first, *next)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_overlaps_and_short_blocks_are_unaccounted() {
        let row = |first_offset, next_offset, lacks| Covered {
            first_offset,
            next_offset,
            lacks,
            control: 0,
        };
        let of = |rows: &[Covered], offsets| -> Vec<Range<u64>> {
            let found = unaccounted_of(rows, offsets).into_iter();
            found.map(|one| one.offsets).collect()
        };
        let rows = [row(0, 5, false), row(5, 10, true), row(12, 15, false)];
        assert_eq!(of(&rows, 0..20), [5..10, 10..12, 15..20]);
        assert_eq!(of(&rows[..1], 2..4), []);
        // A block that begins before the range is not reported.
        assert_eq!(of(&rows[1..2], 7..12), vec![10_u64..12; 1]);
        let overlap = [row(0, 10, false), row(5, 10, false)];
        assert_eq!(of(&overlap, 5..10), vec![0_u64..10; 1]);
        assert_eq!(of(&[], 10..15), vec![10_u64..15; 1]);
    }

    #[test]
    fn ranges_that_touch_are_one() {
        assert_eq!(
            joined(&[(0, 5), (5, 9), (7, 8), (12, 13)]),
            [(0, 9), (12, 13)]
        );
    }
}
