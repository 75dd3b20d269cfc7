//! Comparison of the hour rows with the facts they are calculated from, and their correction.
//!
//! A correction is exact if no block of its month was being written: see
//! `affluenza_pipeline::invariants::is_settled`. Its token contains the number of earlier
//! corrections, which is read before the comparison. So if two corrections were calculated from the
//! same state, only one is stored, regardless of sender and delay.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use clickhouse::Row;
use clickhouse::error::Error as ClientError;
use serde::{Deserialize, Serialize};

use crate::accounts::LISTED_MAX;
use crate::shape::{column_lines, column_name};
use crate::sql::{filled, joined, quoted, statement};
use crate::{Facts, InsertToken, Ledger, StoreError, Usage, migrations};

/// An hour of an ente in which the hour rows differ from the facts.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct AggregateDifference {
    /// Start of the hour, in seconds since 1970.
    pub hour_start: u32,
    /// Public body.
    pub ente: String,
    /// Events missing in the aggregate; negative if it has too many.
    pub events_missing: i64,
    /// Accesses missing in the aggregate; negative if it has too many.
    pub accesses_missing: i64,
    /// Service uses missing in the aggregate; negative if it has too many.
    pub service_uses_missing: i64,
    /// Visitors missing, summed over the cells that differ; negative if there are too many.
    pub users_missing: i64,
}

/// Rows that make the hour rows of a month equal to its facts, in one block.
#[derive(Debug, Clone)]
pub struct Correction {
    /// Month of the hours, as `YYYYMM`.
    pub month: u32,
    /// Number of cells that the correction changes.
    pub cells: u64,
    generation: u64,
    rows: Bytes,
}

/// Maximum number of cells in a correction, which this process keeps in memory.
const CELLS_MAX: u64 = 50_000;
/// Settings that return a single block, which one insert stores as one part.
const ONE_BLOCK: &str = "SETTINGS max_threads = 1, max_block_size = 10000000, group_by_two_level_threshold = 0, \
    group_by_two_level_threshold_bytes = 0, max_bytes_ratio_before_external_group_by = 0";

/// Returns the query for the hour rows of `facts`: a table, a table with a condition, or a query in
/// brackets.
pub fn hour_rows_of(facts: &str) -> String {
    let columns = [("dimensions", &*dimensions()), ("facts", facts)];
    filled(include_str!("../sql/hour_rows.sql"), &columns)
}

/// Returns the columns that the sums of `usage_hourly` are grouped by, in the order of the table.
fn dimensions() -> String {
    let mut migrations = migrations().iter();
    let table = migrations.find(|one| one.object_name() == "usage_hourly");
    let columns = column_lines(table.map_or("", |table| table.sql));
    let keys = columns.filter(|column| !column.contains("AggregateFunction("));
    joined(keys.filter_map(column_name))
}

/// Returns the SQL condition on the facts whose hours belong to `month`. Hours of time zones with
/// half-hour offsets may begin in the month before the event.
pub(crate) fn facts_of(month: u32) -> String {
    let first = format!(
        "toDateTime(toDate('{:04}-{:02}-01'), 'UTC')",
        month / 100,
        month % 100
    );
    format!(
        "time >= {first} AND time < {first} + INTERVAL 1 MONTH + INTERVAL 1 HOUR AND toYYYYMM(hour_start) = {month}"
    )
}

/// Returns the query for the cells of a month in which facts and hour rows differ. With `hours`,
/// only these hours are compared.
fn differing_cells(month: u32, hours: &[AggregateDifference]) -> String {
    let facts = facts_of(month);
    let listed: BTreeSet<String> = hours
        .iter()
        .map(|hour| hour.hour_start.to_string())
        .collect();
    let listed: Vec<String> = listed.into_iter().collect();
    let of_hours = match hours {
        [] => String::new(),
        _ => format!("AND toUnixTimestamp(hour_start) IN ({})", listed.join(", ")),
    };
    filled(
        include_str!("../sql/differing_cells.sql"),
        &[
            ("dimensions", &dimensions()),
            (
                "hour_rows",
                &hour_rows_of(&format!("usage_events WHERE {facts} {of_hours}")),
            ),
            ("of_hours", &of_hours),
            ("month", &month.to_string()),
        ],
    )
}

impl Usage {
    /// Returns the hours and enti of a month in which the hour rows differ from the facts in any
    /// dimension.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn aggregate_differences(
        &self,
        month: u32,
    ) -> Result<Vec<AggregateDifference>, StoreError> {
        self.0.rows(&format!(
            "SELECT toUnixTimestamp(d.hour_start) AS hour_start, toString(d.ente) AS ente, sum(d.events) AS events_missing,
                    sum(d.accesses) AS accesses_missing, sum(d.uses) AS service_uses_missing,
                    sum(toInt64(d.users) - toInt64(d.users_kept)) AS users_missing
             FROM ({}) AS d GROUP BY d.hour_start, d.ente ORDER BY hour_start, ente LIMIT {LISTED_MAX}",
            differing_cells(month, &[])
        ))
        .await
    }

    /// Returns the correction of these hours of a month; `None` if they match the facts. Without
    /// `hours`, the whole month is corrected. Sums wrap at 2^64, so a correction may be negative.
    /// Visitors are a set, to which the visitors of the facts are added.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn correction_of(
        &self,
        month: u32,
        hours: &[AggregateDifference],
    ) -> Result<Option<Correction>, StoreError> {
        let generation = self.corrections_of(month).await?;
        let cells = self
            .0
            .one::<u64>(&format!(
                "SELECT least(count(), {CELLS_MAX}) FROM ({})",
                differing_cells(month, hours)
            ))
            .await?;
        if cells == 0 {
            return Ok(None);
        }
        let query = format!(
            "SELECT {}, toUInt64(d.events) AS events, toUInt64(d.accesses) AS accesses, toUInt64(d.uses) AS service_uses,
                    d.all_visitors AS visitors
             FROM ({}) AS d LIMIT {CELLS_MAX} {ONE_BLOCK}",
            dimensions(),
            differing_cells(month, hours)
        );
        let rows = self.native(&query).await?;
        Ok(Some(Correction {
            month,
            cells,
            generation,
            rows,
        }))
    }

    /// Returns how many times the hour rows of a month were corrected.
    async fn corrections_of(&self, month: u32) -> Result<u64, StoreError> {
        self.0
            .one(&format!(
                "SELECT count() FROM ingest_repairs WHERE what = 'aggregate' AND month = {month}"
            ))
            .await
    }

    async fn native(&self, query: &str) -> Result<Bytes, StoreError> {
        let rows = async {
            let mut cursor = self.0.client.query_raw(query).fetch_bytes("Native")?;
            let mut rows = BytesMut::new();
            while let Some(chunk) = cursor.next().await? {
                rows.extend_from_slice(&chunk);
            }
            Ok::<_, ClientError>(rows.freeze())
        };
        rows.await
            .map_err(|error| self.0.judge("the query of a correction", error))
    }

    /// Inserts a correction into the hour rows exactly once.
    ///
    /// # Errors
    /// If ClickHouse refuses the insert or does not respond.
    pub async fn correct_hours(&self, correction: Correction) -> Result<(), StoreError> {
        let Correction {
            month,
            cells,
            generation,
            rows,
        } = correction;
        let statement = format!(
            "INSERT INTO usage_hourly ({}, events, accesses, service_uses, visitors) FORMAT Native",
            dimensions()
        );
        let token = InsertToken::of_correction(month, generation);
        self.0
            .insert("usage_hourly", statement, rows, &token)
            .await?;
        self.0.execute(&format!(
            "INSERT INTO ingest_repairs (what, month, records) SETTINGS async_insert = 0 VALUES ('aggregate', {month}, {cells})"
        ))
        .await
    }

    /// Deletes the hour rows of these hours and enti, because visitors cannot be removed from a
    /// set. A correction then inserts them again from the facts.
    ///
    /// # Errors
    /// If ClickHouse refuses the statement or does not respond.
    pub async fn clear_hours(&self, hours: &[AggregateDifference]) -> Result<(), StoreError> {
        let hours = hours
            .iter()
            .map(|hour| format!("({}, {})", hour.hour_start, quoted(&hour.ente)));
        let hours = joined(hours);
        let condition = format!("(toUnixTimestamp(hour_start), ente) IN ({hours})");
        self.0.delete("usage_hourly", &condition).await
    }
}

impl Facts {
    /// Returns the statements that changed stored facts since the last rebuild of the facts. This
    /// program never runs such statements. ClickHouse remembers the last hundred.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn changes(&self) -> Result<Vec<String>, StoreError> {
        let query = statement!("fact_changes")
            .put("mutations", self.0.of_all_nodes("system.mutations"))
            .bind("database", self.0.name())
            .bind("table", self.0.held("usage_events"));
        self.0.rows(query).await
    }
}

impl Ledger {
    /// Returns the end of the ledger of a log, by partition, as the next offset.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn settled_ends(&self, stream: &str) -> Result<BTreeMap<u32, u64>, StoreError> {
        let query = statement!("settled_ends").bind("stream", stream);
        let ends: Vec<(u32, u64)> = self.0.rows(query).await?;
        Ok(ends.into_iter().collect())
    }
}

impl Facts {
    /// Returns the offset after the last fact of a month in a log, by partition.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn reach(&self, stream: &str, month: u32) -> Result<BTreeMap<u32, u64>, StoreError> {
        let query = statement!("reach")
            .put("facts", facts_of(month))
            .bind("stream", stream);
        let reach: Vec<(u32, u64)> = self.0.rows(query).await?;
        Ok(reach.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_grouped_by_all_other_columns() {
        let columns = dimensions();
        assert!(columns.starts_with("hour_start, local_date, local_hour, band, ente, "));
        assert!(
            columns.ends_with(", outcome, channel, login, device, country, portal_kind"),
            "{columns}"
        );
    }
}
