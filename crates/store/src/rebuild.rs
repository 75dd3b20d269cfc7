//! SQL of rebuilds: progress of a run, shadow tables, and their swap.
//!
//! A rebuild writes to shadow tables, which contain its id in their names. When a month is complete
//! and verified, `REPLACE PARTITION` swaps it in one step. Shadow tables of finished or abandoned
//! runs are dropped by name.

mod aggregates;
mod facts;
mod ledger;
mod moves;
mod settled;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::cluster::on_cluster;
use crate::sql::{Statement, statement};
use crate::{Rebuilds, StoreError};

pub use aggregates::HourlySource;
pub use facts::{CodesRow, FactCopy, OffsetWindow, WINDOW_OFFSETS};
pub use moves::FactSource;
pub use settled::Settled;

/// Settings of statements that fill, verify and compare. They have no time limit, insert whole
/// months at once, and spill to disk.
const LONG: &str = "max_execution_time = 0, async_insert = 0, \
    max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 500000000";
const FACTS: &str = "usage_events";
const HOURLY: &str = "usage_hourly";
/// Prefix of a shadow table's name, followed by the id of the run and the shadowed table.
const PREFIX: &str = "rebuilding_";

/// Target of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum What {
    /// The aggregate, from the facts.
    Aggregates,
    /// The facts, from the log where it still contains them, and then the aggregate.
    Facts,
}

impl What {
    /// Returns the name in SQL and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggregates => "aggregates",
            Self::Facts => "facts",
        }
    }
}

/// Progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Phase {
    /// Months are filled, verified, compared and swapped.
    Working,
    /// Every month is swapped. Ledger and aggregates are being adjusted.
    Settling,
    /// The run is complete.
    Done,
    /// The run was abandoned.
    Abandoned,
}

impl From<String> for What {
    fn from(name: String) -> Self {
        match name.as_str() {
            "facts" => Self::Facts,
            _ => Self::Aggregates,
        }
    }
}

/// Only unfinished runs are read.
impl From<String> for Phase {
    fn from(name: String) -> Self {
        match name.as_str() {
            "settling" => Self::Settling,
            _ => Self::Working,
        }
    }
}

/// A row of `rebuilds`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Run {
    /// Identifier of the run, used in the names of its shadow tables.
    pub id: String,
    /// Target of the rebuild.
    pub what: What,
    /// Period as given by the operator; empty for everything.
    pub period: String,
    /// True if nothing is swapped.
    pub dry_run: bool,
    /// Version of the rules that classify the facts.
    pub rules: String,
    /// Process that runs the rebuild.
    pub owner: String,
    /// Months to rebuild, as `YYYYMM`.
    pub months: Vec<u32>,
    /// Months whose changes are listed.
    pub compared: Vec<u32>,
    /// Months that are swapped.
    pub swapped: Vec<u32>,
    /// Progress of the run.
    pub phase: Phase,
    /// Start time, in seconds since 1970 by the server's clock.
    pub started_at: u32,
    /// Number of rows written for this run, also the version of the row.
    pub version: u64,
}

/// Changes made by a run, summed over its months.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct RebuildChange {
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
    /// Reason for the change: register, device rule, or names of other columns.
    pub why: String,
    /// Number of cells that differ; aggregates only.
    pub cells: u64,
    /// For facts, the number of changed events. For aggregates, the number of added events;
    /// negative if events were removed.
    pub events: i64,
    /// Number of accesses to pages among these events.
    pub accesses: i64,
    /// Number of completed service uses among these events.
    pub service_uses: i64,
}

impl Run {
    /// Returns the name of the run's shadow of `table`.
    pub(crate) fn shadow(&self, table: &str) -> String {
        format!("{PREFIX}{}_{table}", self.id)
    }

    /// Returns the table for the changes of the run: permanent, or a shadow table for a dry run.
    fn changes(&self) -> String {
        if self.dry_run {
            self.shadow("changes")
        } else {
            "rebuild_changes".into()
        }
    }
}

impl Rebuilds {
    /// Returns the runs that are neither done nor abandoned, oldest first.
    pub async fn unfinished(&self) -> Result<Vec<Run>, StoreError> {
        self.0.rows(statement!("unfinished_rebuilds")).await
    }

    /// Fails in a cluster that does not support rebuilds.
    pub fn check(&self) -> Result<(), StoreError> {
        self.0.not_with_keeper("a rebuild")
    }

    /// Returns a new run id and the time of the server, in seconds since 1970.
    pub async fn new_id(&self) -> Result<(String, u32), StoreError> {
        self.0.one(statement!("new_rebuild_id")).await
    }

    /// Stores the progress of a run.
    pub async fn note(&self, run: &mut Run) -> Result<(), StoreError> {
        run.version += 1;
        let statement = statement!("note_rebuild").bind_fields(run);
        self.0.execute(statement).await
    }

    /// Creates the missing shadow tables of a run.
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
            self.0.create_like(&shadow, table).await?;
        }
        Ok(())
    }

    /// Stops the inserts of a killed run. The server continues them, and their rows must not mix
    /// with those of the next attempt.
    pub async fn end_inserts(&self, run: &Run) -> Result<(), StoreError> {
        let kill = statement!("end_rebuild_inserts")
            .put("on_cluster", on_cluster(&self.0.config))
            .put("shadows", run.shadow(""));
        self.0.execute_everywhere(kill).await
    }

    /// Drops the shadow tables of all runs except `kept`.
    pub async fn drop_shadows_except(&self, kept: &[&Run]) -> Result<(), StoreError> {
        let query = statement!("shadow_tables")
            .put("tables", self.0.of_all_nodes("system.tables"))
            .bind("database", self.0.name())
            .bind("prefix", PREFIX);
        let mut tables: Vec<String> = self.0.rows(query).await?;
        // In a cluster a shadow table is two tables on every node, possibly incomplete.
        let held = self.0.held("");
        for table in &mut tables {
            table.truncate(table.strip_suffix(&held).map_or(table.len(), str::len));
        }
        tables.sort_unstable();
        tables.dedup();
        for table in tables {
            let mut prefixes = kept.iter().map(|run| run.shadow(""));
            if !prefixes.any(|prefix| table.starts_with(&prefix)) {
                self.0.drop_table(&table).await?;
            }
        }
        Ok(())
    }

    /// Returns all changes of a run, largest first.
    pub async fn changes(&self, run: &Run) -> Result<Vec<RebuildChange>, StoreError> {
        let query = statement!("rebuild_changes")
            .put("changes", run.changes())
            .bind("id", &*run.id);
        self.0.rows(query).await
    }

    /// Deletes the listed changes of a month before they are listed again.
    async fn forget_changes(&self, run: &Run, month: u32) -> Result<(), StoreError> {
        let condition = Statement::from("id = {id:String} AND month = {month:UInt32}")
            .bind("id", &*run.id)
            .bind("month", month);
        self.0.delete(&run.changes(), condition).await
    }

    /// Drops a month of a shadow table, including its insert tokens.
    async fn drop_month(&self, shadow: &str, month: u32) -> Result<(), StoreError> {
        self.0.alter(shadow, drop_partition(month)).await
    }

    /// Replaces a month of `table` with that of its shadow. Each node does so atomically, one node
    /// after the other. An interrupted swap is repeated when the run continues.
    async fn swap_month(&self, table: &str, shadow: &str, month: u32) -> Result<(), StoreError> {
        let (table, shadow) = (self.0.held(table), self.0.held(shadow));
        for node in self.0.nodes() {
            let parts = statement!("parts_of_month")
                .bind("database", self.0.name())
                .bind("table", &*shadow)
                .bind("month", month.to_string());
            // `REPLACE PARTITION` refuses an empty month.
            let action = match node.one::<u64>(parts).await? {
                0 => drop_partition(month),
                _ => format!("REPLACE PARTITION {month} FROM {shadow}"),
            };
            node.execute(format!("ALTER TABLE {table} {action}"))
                .await?;
        }
        Ok(())
    }

    /// Returns the columns of a table with their types, in order.
    async fn columns_of(&self, table: &str) -> Result<Vec<TableColumn>, StoreError> {
        let query = statement!("columns_of")
            .bind("database", self.0.name())
            .bind("table", table);
        self.0.rows(query).await
    }
}

/// A column of a table.
#[derive(Row, Serialize, Deserialize)]
struct TableColumn {
    name: String,
    kind: String,
}

/// Returns the change of a table that drops a month of any size.
fn drop_partition(month: u32) -> String {
    format!("DROP PARTITION {month} SETTINGS max_partition_size_to_drop = 0")
}
