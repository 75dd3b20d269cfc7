//! Parts that ClickHouse has set aside at its start because they are broken: a power cut or a full
//! disk left their files empty or short.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::rebuild::quoted;
use crate::{Store, StoreError};

/// Tables whose rows are restored from the log, or from the facts.
const RESTORED: [&str; 3] = ["usage_events", "usage_hourly", "ingest_ledger"];

/// A part that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BrokenPart {
    /// Its table.
    pub table: String,
    /// Its name among the detached parts of the table.
    pub name: String,
}

impl BrokenPart {
    /// True if a comparison with the log restores its rows.
    pub fn is_restored_from_log(&self) -> bool {
        RESTORED.contains(&self.table.as_str())
    }
}

impl Store {
    /// The parts that were set aside and not removed since.
    pub async fn broken_parts(&self) -> Result<Vec<BrokenPart>, StoreError> {
        self.rows(&format!(
            "SELECT table, name FROM system.detached_parts WHERE database = {} AND startsWith(ifNull(reason, ''), 'broken')",
            quoted(self.database())
        ))
        .await
    }

    /// Removes parts for good, after their rows were restored.
    pub async fn remove_broken_parts<'p>(
        &self,
        parts: impl Iterator<Item = &'p BrokenPart>,
    ) -> Result<(), StoreError> {
        for part in parts {
            self.execute(&format!(
                "ALTER TABLE {} DROP DETACHED PART {} SETTINGS allow_drop_detached = 1",
                part.table,
                quoted(&part.name)
            ))
            .await?;
        }
        Ok(())
    }
}
