//! Broken parts that ClickHouse detached at start. A power failure or a full disk left their files
//! empty or truncated.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::{quoted, statement};
use crate::{Admin, StoreError};

/// Tables whose rows can be restored from the log or from the facts.
const RESTORED: [&str; 3] = ["usage_events", "usage_hourly", "ingest_ledger"];

/// A detached part.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BrokenPart {
    /// Table of the part.
    pub table: String,
    /// Name of the part among the detached parts of the table.
    pub name: String,
}

impl BrokenPart {
    /// Returns true if the reconciliation with the log restores the rows.
    pub fn is_restored_from_log(&self) -> bool {
        RESTORED.contains(&self.table.as_str())
    }
}

impl Admin {
    /// Returns the broken parts that have not been removed.
    pub async fn broken_parts(&self) -> Result<Vec<BrokenPart>, StoreError> {
        let query = statement!("broken_parts").bind("database", self.0.name());
        self.0.rows(query).await
    }

    /// Removes parts permanently, after their rows were restored.
    pub async fn remove_broken_parts<'p>(
        &self,
        parts: impl Iterator<Item = &'p BrokenPart>,
    ) -> Result<(), StoreError> {
        for part in parts {
            // The table is the one with the rows, also in a cluster.
            self.0
                .execute(&format!(
                    "ALTER TABLE {} DROP DETACHED PART {} SETTINGS allow_drop_detached = 1",
                    part.table,
                    quoted(&part.name)
                ))
                .await?;
        }
        Ok(())
    }
}
