//! The SQL of rebuilds: what is under way, shadow tables, and their swap into place.
//!
//! Everything that a rebuild makes stands in shadow tables named by its id until a month is
//! complete and verified; then `REPLACE PARTITION` puts the month in place in one step. Tables
//! whose run is over or given up are dropped by name.

mod aggregates;
mod facts;
mod ledger;
mod moves;
mod settled;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

pub use aggregates::HourlySource;
pub use facts::{CodesRow, Copy, OffsetWindow, WINDOW_OFFSETS};
pub use moves::FactSource;
pub use settled::Settled;

/// Statements that fill, verify and compare take as long as they need. Rows go in as they come,
/// whole months at once; what does not fit in memory goes to disk.
const LONG: &str = "max_execution_time = 0, async_insert = 0, materialized_views_ignore_errors = 0, \
    max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 500000000";
const FACTS: &str = "usage_events";
const HOURLY: &str = "usage_hourly";
/// Name of a shadow table: this, the id of the run, and what it shadows.
const PREFIX: &str = "rebuilding_";

/// What is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The aggregate, from the facts.
    Aggregates,
    /// The facts, from the log where it still holds them, and with them the aggregate.
    Facts,
}

impl What {
    /// Its name in SQL and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggregates => "aggregates",
            Self::Facts => "facts",
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Months are filled, verified, compared and put in place.
    Working,
    /// Every month is in place; ledger and aggregates are brought in line.
    Settling,
    /// Done.
    Done,
    /// Given up.
    Abandoned,
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Settling => "settling",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A row of `rebuilds`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Names the run and its shadow tables.
    pub id: String,
    /// What is made anew.
    pub what: What,
    /// As given; empty for everything.
    pub period: String,
    /// Whether nothing is put in place.
    pub dry_run: bool,
    /// Rules that classify.
    pub rules: String,
    /// Which process does it.
    pub owner: String,
    /// Months to do, as `YYYYMM`.
    pub months: Vec<u32>,
    /// Months whose changes have been listed.
    pub compared: Vec<u32>,
    /// Months that have been put in place.
    pub swapped: Vec<u32>,
    /// How far it is.
    pub phase: Phase,
    /// When it began, in seconds since 1970 by the server's clock.
    pub started_at: u32,
    /// Rows written of this run so far.
    pub version: u64,
}

#[derive(Row, Serialize, Deserialize)]
struct RunRow {
    id: String,
    what: String,
    period: String,
    dry_run: bool,
    rules: String,
    owner: String,
    months: Vec<u32>,
    compared: Vec<u32>,
    swapped: Vec<u32>,
    phase: String,
    started_at: u32,
    version: u64,
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            what: if row.what == What::Facts.as_str() {
                What::Facts
            } else {
                What::Aggregates
            },
            phase: if row.phase == Phase::Settling.as_str() {
                Phase::Settling
            } else {
                Phase::Working
            },
            id: row.id,
            period: row.period,
            dry_run: row.dry_run,
            rules: row.rules,
            owner: row.owner,
            months: row.months,
            compared: row.compared,
            swapped: row.swapped,
            started_at: row.started_at,
            version: row.version,
        }
    }
}

/// What a run changed, summed over its months.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Change {
    /// Local year of the events.
    pub year: u16,
    /// Public body, before.
    pub ente: String,
    /// Category, before.
    pub category: String,
    /// Kind of a service use; `none` for an access.
    pub kind: String,
    /// Class of the device, before.
    pub device: String,
    /// Public body, after.
    pub to_ente: String,
    /// Category, after.
    pub to_category: String,
    /// Kind, after.
    pub to_kind: String,
    /// Class of the device, after.
    pub to_device: String,
    /// What decided otherwise.
    pub why: String,
    /// For aggregates: cells that differed.
    pub cells: u64,
    /// For facts: events that moved; for aggregates: how many were added or, when negative,
    /// taken away.
    pub events: i64,
    /// Accesses to pages among them.
    pub accesses: i64,
    /// Completed service uses among them.
    pub service_uses: i64,
}

impl Run {
    /// Its shadow of `table`.
    pub(crate) fn shadow(&self, table: &str) -> String {
        format!("{PREFIX}{}_{table}", self.id)
    }

    /// Where its changes are listed: for ever, unless it only tries.
    fn changes(&self) -> String {
        if self.dry_run {
            self.shadow("changes")
        } else {
            "rebuild_changes".into()
        }
    }
}

impl Store {
    /// Runs that have neither ended nor been given up, oldest first.
    pub async fn unfinished_rebuilds(&self) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = self
            .rows(
                "SELECT id, toString(what) AS what, period, dry_run, toString(rules) AS rules, owner, months, compared, swapped,
                        toString(phase) AS phase, toUnixTimestamp(started_at) AS started_at, version
                 FROM rebuilds FINAL WHERE rebuilds.phase IN ('working', 'settling') ORDER BY id",
            )
            .await?;
        Ok(rows.into_iter().map(Run::from).collect())
    }

    /// Fails where nothing can be made anew.
    pub fn check_rebuilds(&self) -> Result<(), StoreError> {
        self.not_with_keeper("a rebuild")
    }

    /// A new id, and the time by the server's clock.
    pub async fn new_rebuild_id(&self) -> Result<(String, u32), StoreError> {
        let made: Vec<(String, u32)> = self
            .rows(
                "SELECT concat(formatDateTime(now('UTC'), '%Y%m%d%H%i%S'), '_', lower(hex(toUInt16(rand() % 65536)))), toUnixTimestamp(now())",
            )
            .await?;
        Ok(made.into_iter().next().unwrap_or_default())
    }

    /// Notes how far a run is.
    pub async fn note_rebuild(&self, run: &mut Run) -> Result<(), StoreError> {
        run.version += 1;
        let finished_at = match run.phase {
            Phase::Working | Phase::Settling => "toDateTime(0, 'UTC')",
            Phase::Done | Phase::Abandoned => "now('UTC')",
        };
        self.execute(&format!(
            "INSERT INTO rebuilds (id, what, period, dry_run, rules, owner, months, compared, swapped, phase, started_at, finished_at, version)
             VALUES ({}, '{}', {}, {}, {}, {}, {:?}, {:?}, {:?}, '{}', {}, {finished_at}, {})",
            quoted(&run.id),
            run.what.as_str(),
            quoted(&run.period),
            run.dry_run,
            quoted(&run.rules),
            quoted(&run.owner),
            run.months,
            run.compared,
            run.swapped,
            run.phase.as_str(),
            run.started_at,
            run.version
        ))
        .await
    }

    /// Makes the shadow tables of a run, as far as they are not there.
    pub async fn create_shadows(&self, run: &Run) -> Result<(), StoreError> {
        let mut tables = vec![("hourly", HOURLY)];
        if run.what == What::Facts {
            tables.push(("events", FACTS));
            self.create_codes(run).await?;
        }
        if run.dry_run {
            tables.push(("changes", "rebuild_changes"));
        }
        for (name, table) in tables {
            let shadow = run.shadow(name);
            self.execute(&format!("CREATE TABLE IF NOT EXISTS {shadow} AS {table}"))
                .await?;
        }
        Ok(())
    }

    /// Ends inserts that a run which was killed left behind: the server goes on with them, and
    /// what they have still to write must not meet what is written instead.
    pub async fn end_rebuild_inserts(&self, run: &Run) -> Result<(), StoreError> {
        self.execute(&format!(
            "KILL QUERY WHERE query_kind = 'Insert' AND position(query, '{PREFIX}{}') > 0 SYNC",
            run.id
        ))
        .await
    }

    /// Drops the shadow tables of every run that is not among `kept`.
    pub async fn drop_shadows_except(&self, kept: &[&Run]) -> Result<(), StoreError> {
        let mut tables: Vec<String> = self
            .rows(&format!(
                "SELECT name FROM {} WHERE database = {} AND startsWith(name, '{PREFIX}')",
                self.of_all_nodes("system.tables"),
                quoted(self.database())
            ))
            .await?;
        // In a cluster each is two on every node, as far as they were made.
        let held = self.held("");
        for table in &mut tables {
            table.truncate(table.strip_suffix(&held).map_or(table.len(), str::len));
        }
        tables.sort_unstable();
        tables.dedup();
        for table in tables {
            let is_kept = |run: &&Run| table.starts_with(&format!("{PREFIX}{}_", run.id));
            if !kept.iter().any(is_kept) {
                self.execute(&format!(
                    "DROP TABLE IF EXISTS {table} SYNC SETTINGS max_table_size_to_drop = 0"
                ))
                .await?;
            }
        }
        Ok(())
    }

    /// Everything that a run changed, the largest first.
    pub async fn rebuild_changes(&self, run: &Run) -> Result<Vec<Change>, StoreError> {
        self.rows(&format!(
            "SELECT c.year AS year, c.ente AS ente, toString(c.category) AS category, toString(c.kind) AS kind, toString(c.device) AS device,
                    c.to_ente AS to_ente, toString(c.to_category) AS to_category, toString(c.to_kind) AS to_kind, toString(c.to_device) AS to_device,
                    c.why AS why, sum(c.cells) AS cells, sum(c.events) AS events, sum(c.accesses) AS accesses, sum(c.service_uses) AS service_uses
             FROM {} AS c WHERE c.id = {} GROUP BY ALL
             ORDER BY abs(events) DESC, cells DESC, year, ente, category, kind, device, to_ente, to_category, to_kind, to_device, why",
            run.changes(),
            quoted(&run.id)
        ))
        .await
    }

    /// Forgets the changes of a month, which are about to be listed anew.
    async fn forget_changes(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        self.execute(&format!(
            "DELETE FROM {} WHERE id = {} AND month = {month} SETTINGS lightweight_deletes_sync = 2",
            run.changes(),
            quoted(&run.id)
        ))
        .await
    }

    /// Drops a month of a shadow, with its insert tokens.
    async fn drop_month(&self, shadow: &str, month: u32) -> Result<(), StoreError> {
        self.execute(&format!(
            "ALTER TABLE {shadow} DROP PARTITION {month} SETTINGS max_partition_size_to_drop = 0"
        ))
        .await
    }

    /// Puts a month of a shadow in the place of that of `table`: in one step on each node, on one after
    /// the other. Cut off in between, it is done again by whoever goes on.
    async fn swap_month(&self, table: &str, shadow: &str, month: u32) -> Result<(), StoreError> {
        let (table, shadow) = (self.held(table), self.held(shadow));
        for node in self.nodes() {
            let parts = node
                .count(&format!(
                    "SELECT count() FROM system.parts WHERE database = {} AND table = '{shadow}' AND active AND partition_id = '{month}' AND rows > 0",
                    quoted(self.database())
                ))
                .await?;
            // The server takes an empty month for a mistake.
            node.run_alone(&if parts == 0 {
                format!("ALTER TABLE {table} DROP PARTITION {month} SETTINGS max_partition_size_to_drop = 0")
            } else {
                format!("ALTER TABLE {table} REPLACE PARTITION {month} FROM {shadow}")
            })
            .await?;
        }
        Ok(())
    }

    /// Columns of a table with their types, in order.
    async fn columns_of(&self, table: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.rows(&format!(
            "SELECT name, type FROM system.columns WHERE database = {} AND table = '{table}' ORDER BY position",
            quoted(self.database())
        ))
        .await
    }
}

/// A string literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A list of months for `IN`.
fn listed(months: &[u32]) -> String {
    let months: Vec<String> = months.iter().map(u32::to_string).collect();
    months.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted(r"a'b\c"), r"'a\'b\\c'");
        assert_eq!(listed(&[201_701, 201_702]), "201701, 201702");
    }
}
