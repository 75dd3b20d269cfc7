//! Update of the ledger after a rebuild of the facts: totals stay, enti and days follow the facts.

use super::{LONG, Run, listed};
use crate::retention::Boundary;
use crate::sql::{filled, joined, quoted};
use crate::{Rebuilds, StoreError};

const COLUMNS: [&str; 15] = [
    "stream",
    "kafka_partition",
    "first_offset",
    "next_offset",
    "records_read",
    "stored",
    "duplicate",
    "rejected",
    "quarantined",
    "reports",
    "erased",
    "control",
    "lost",
    "checksum",
    "rules",
];

impl Rebuilds {
    /// Returns the public bodies of ledger records that are not facts.
    pub async fn ledger_enti(&self) -> Result<Vec<String>, StoreError> {
        self.0.rows(
            "SELECT DISTINCT toString(f.ente) FROM (SELECT * FROM ingest_ledger FINAL) ARRAY JOIN fates AS f
             WHERE f.fate != 'stored' AND f.ente != '' ORDER BY 1",
        )
        .await
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
        let body = rows_that_follow(run, renamed, self.0.boundary().await?);
        let rows = self
            .0
            .count(&format!("SELECT count() FROM ({body}) SETTINGS {LONG}"))
            .await?;
        if rows > 0 {
            self.0.execute(&format!(
                "INSERT INTO ingest_ledger ({}, `fates.ente`, `fates.day`, `fates.fate`, `fates.reason`, `fates.records`, written_at)
                 {body} SETTINGS {LONG}, insert_deduplicate = 0",
                COLUMNS.join(", ")
            ))
            .await?;
        }
        Ok(rows)
    }
}

/// Returns the query for the rows. Entries for days with expired facts stay unchanged.
fn rows_that_follow(run: &Run, renamed: &[(String, String)], boundary: Boundary) -> String {
    let ente = if renamed.is_empty() {
        "toString(f.ente)".to_owned()
    } else {
        format!(
            "if(toYYYYMM(f.day) IN ({}), transform(toString(f.ente), [{}], [{}], toString(f.ente)), toString(f.ente))",
            listed(&run.swapped),
            joined(renamed.iter().map(|(from, _)| quoted(from))),
            joined(renamed.iter().map(|(_, to)| quoted(to))),
        )
    };
    let kept: Vec<String> = COLUMNS
        .iter()
        .filter(|name| **name != "rules")
        .map(|name| format!("l.{name} AS {name}"))
        .collect();
    filled(
        include_str!("../../sql/ledger_after_rebuild.sql"),
        &[
            ("kept", &kept.join(", ")),
            ("ente", &ente),
            ("of_facts", &boundary.of_days("e.local_date")),
            ("of_days", &boundary.of_days("f.day")),
        ],
    )
}
