//! Projections of `usage_hourly`: questions of months read them instead of the rows.
//!
//! They are made by merges, so that an insert does not pay for them, and ClickHouse merges only
//! parts that have the same ones. A part that came between two merged ones, or after the merge of
//! its month, therefore finds no other to be merged with: it never gets projections, and keeps its
//! neighbours from being merged, too. Such parts are given theirs where they lie; then all
//! of their month is merged as any other.

use std::time::Duration;

use crate::rebuild::quoted;
use crate::store::LOOK_ROUND;
use crate::{Store, StoreError};

/// In the order in which the migrations add them.
const PROJECTIONS: [&str; 3] = ["by_month", "by_hour", "by_login"];

impl Store {
    /// Starts to make the projections of parts that have not got theirs by being merged since
    /// `idle`, and returns how many there are. It does not wait for the end: figures are right
    /// meanwhile, and parts that have their projections are only linked. Nothing is started while an
    /// earlier change of the table is not done.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn keep_projections(&self, idle: Duration) -> Result<u64, StoreError> {
        let names: Vec<String> = PROJECTIONS.iter().map(|name| format!("'{name}'")).collect();
        let left = self
            .count(&format!(
                "SELECT count() FROM {parts}
                 WHERE active AND database = {database} AND table = '{table}' AND rows > 0
                   AND NOT hasAll(projections, [{}]) AND modification_time <= now() - {}
                   AND (SELECT count() FROM {mutations} WHERE database = {database} AND table = '{table}' AND NOT is_done) = 0
                 {LOOK_ROUND}",
                names.join(", "),
                idle.as_secs(),
                parts = self.of_all_nodes("system.parts"),
                mutations = self.of_all_nodes("system.mutations"),
                database = quoted(self.database()),
                table = self.held("usage_hourly")
            ))
            .await?;
        if left > 0 {
            let made = PROJECTIONS.map(|name| format!("MATERIALIZE PROJECTION {name}"));
            self.patient()
                .execute(&format!("ALTER TABLE usage_hourly {}", made.join(", ")))
                .await?;
            tracing::info!(parts = left, "projections are made for parts without");
        }
        Ok(left)
    }
}
