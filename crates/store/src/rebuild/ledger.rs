//! Update of the ledger after a rebuild of the facts: totals stay, enti and days follow the facts.

use super::{LONG, Run};
use crate::retention::Boundary;
use crate::sql::{Statement, joined, statement};
use crate::{Rebuilds, StoreError};

const COLUMNS: &str = "stream, kafka_partition, first_offset, next_offset, records_read, stored, duplicate, rejected, quarantined, reports, erased, control, lost, checksum, rules";

impl Rebuilds {
    /// Returns the public bodies of ledger records that are not facts.
    pub async fn ledger_enti(&self) -> Result<Vec<String>, StoreError> {
        self.0.rows(statement!("ledger_enti")).await
    }

    /// Writes the ledger rows of blocks again whose facts now have other enti, days or rules.
    /// Returns the number of rows.
    ///
    /// A block with missing facts stays unchanged, so that the gap remains visible. Other records
    /// on days of the run's months are renamed by `renamed`. The new row is one second younger than
    /// the old row: enough to replace it, without looking like a block written today.
    pub async fn follow_facts(
        &self,
        run: &Run,
        renamed: &[(String, String)],
    ) -> Result<u64, StoreError> {
        let (before, after): (Vec<String>, Vec<String>) = renamed.iter().cloned().unzip();
        let query = Statement::from("SELECT count() FROM ({rows}) SETTINGS {long}");
        let insert = statement!("follow_facts").put("columns", COLUMNS);
        let body = rows_that_follow(renamed, self.0.boundary().await?).text();
        let [query, insert] = [query, insert].map(|statement| {
            statement
                .put("rows", &body)
                .put("long", LONG)
                .bind("renamed_months", &*run.swapped)
                .bind("renamed_before", &*before)
                .bind("renamed_after", &*after)
        });
        let rows = self.0.one::<u64>(query).await?;
        if rows > 0 {
            self.0.execute(insert).await?;
        }
        Ok(rows)
    }
}

/// Returns the query for the rows. Entries for days with expired facts stay unchanged.
fn rows_that_follow(renamed: &[(String, String)], boundary: Boundary) -> Statement {
    let ente = match renamed {
        [] => "toString(f.ente)",
        _ => include_str!("../../sql/renamed_ente.sql"),
    };
    let kept = COLUMNS.split(", ").filter(|name| *name != "rules");
    statement!("ledger_after_rebuild")
        .put(
            "kept",
            joined(kept.map(|name| format!("l.{name} AS {name}"))),
        )
        .put("ente", ente)
        .put("of_facts", boundary.of_days("e.local_date"))
        .put("of_days", boundary.of_days("f.day"))
}
