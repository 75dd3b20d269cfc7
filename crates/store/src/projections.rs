//! Projections of `usage_hourly`, which answer queries by month without reading all rows.
//!
//! Merges create the projections, so that inserts stay cheap. ClickHouse merges only parts with the
//! same projections. A part that arrives between two merged parts, or after the merge of its month,
//! has no partner. It never gets projections, and it also blocks the merge of its neighbours. Such
//! parts get their projections without a merge. After that the parts of the month can be merged.

use std::time::Duration;

use crate::sql::statement;
use crate::{Admin, StoreError};

/// Projections in the order of their definition.
const PROJECTIONS: [&str; 3] = ["by_month", "by_hour", "by_login"];

impl Admin {
    /// Starts to create the missing projections of parts older than `idle`. Returns the number of
    /// such parts; 0 while an earlier mutation of the table is running.
    ///
    /// The function does not wait: figures stay correct meanwhile, and complete parts are only
    /// hard-linked.
    pub async fn keep_projections(&self, idle: Duration) -> Result<u64, StoreError> {
        let query = statement!("parts_without_projections")
            .put("parts", self.0.of_all_nodes("system.parts"))
            .put("mutations", self.0.of_all_nodes("system.mutations"))
            .bind("database", self.0.name())
            .bind("table", self.0.held("usage_hourly"))
            .bind("names", PROJECTIONS.to_vec())
            .bind("idle_seconds", idle.as_secs());
        let left = self.0.one::<u64>(query).await?;
        if left > 0 {
            let made = PROJECTIONS.map(|name| format!("MATERIALIZE PROJECTION {name}"));
            self.0
                .patient()
                .alter("usage_hourly", &made.join(", "))
                .await?;
            tracing::info!(parts = left, "projections are made for parts without");
        }
        Ok(left)
    }
}
