//! SQL of rebuilds: the second database, what is copied to it, and the exchange of its tables.
//!
//! A rebuild replays the log into a second database with the same schema. What the log no longer
//! holds is copied there before. Then three tables of both databases are exchanged: facts, hour rows
//! and ledger. All other tables of the second database are dropped with it.

mod changes;
mod copy;

use std::sync::Arc;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::sql::statement;
use crate::{Config, Rebuilds, Store, StoreError};

pub use changes::RebuildChange;
pub use copy::{CodesRow, CopiedFacts, FactCodes, Lows};

/// Settings of statements that copy and compare. They have no time limit, insert whole months at
/// once, and spill to disk.
const LONG: &str = "max_execution_time = 0, async_insert = 0, insert_deduplicate = 0, \
    max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 500000000";
const FACTS: &str = "usage_events";
/// Tables that a rebuild replaces.
const REPLACED: [&str; 3] = [FACTS, "usage_hourly", "ingest_ledger"];

/// Progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[strum(serialize_all = "lowercase")]
pub enum Phase {
    /// History that the log no longer holds is copied. An interruption discards the copy.
    Copying,
    /// The log is replayed and the result compared.
    Replaying,
    /// The tables are exchanged.
    Exchanging,
    /// The tables are exchanged. Differences to the log are repaired.
    Settling,
    /// The run is complete.
    Done,
    /// The run was abandoned.
    Abandoned,
}

impl TryFrom<String> for Phase {
    type Error = strum::ParseError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

/// A row of `rebuilds`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Run {
    /// Identifier of the run.
    pub id: String,
    /// True if the run only lists the changes.
    pub dry_run: bool,
    /// Version of the rules that classify the facts.
    pub rules: String,
    /// Process that runs the rebuild.
    pub owner: String,
    /// Progress of the run.
    pub phase: Phase,
    /// Ids of the tables that replace the present ones; empty while history is copied.
    pub tables: Vec<String>,
    /// Start time, in seconds since 1970 by the server's clock.
    pub started_at: u32,
    /// Number of rows written for this run, also the version of the row.
    pub version: u64,
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

    /// Stores the progress of a run, and ends its hold.
    pub async fn note(&self, run: &mut Run) -> Result<(), StoreError> {
        self.hold(run, 0).await
    }

    /// Stores the progress of a run, and asks consumers to begin no block for some seconds.
    pub async fn hold(&self, run: &mut Run, seconds: u32) -> Result<(), StoreError> {
        run.version += 1;
        let statement = statement!("note_rebuild")
            .bind_fields(run)
            .bind("held_seconds", seconds);
        self.0.execute(statement).await
    }
}

/// The database that a rebuild fills.
#[derive(Clone)]
pub struct SecondDatabase {
    store: Store,
    second: Arc<Database>,
    live: Arc<Database>,
}

impl SecondDatabase {
    /// Prepares a connection to the second database of `live`, without connecting.
    pub fn of(live: &Config) -> Self {
        let config = Config {
            database: format!("{}_rebuild", live.database),
            ..live.clone()
        };
        let second = Arc::new(Database::new(&config).patient());
        Self {
            store: Store::of(second.clone()),
            second,
            live: Arc::new(Database::new(live)),
        }
    }

    /// Returns the handles of the second database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Drops the second database with all of its tables, on every node.
    pub async fn drop(&self) -> Result<(), StoreError> {
        let statement = format!(
            "DROP DATABASE IF EXISTS {} SYNC SETTINGS max_table_size_to_drop = 0, max_partition_size_to_drop = 0",
            self.second.name()
        );
        self.second.outside().execute_everywhere(statement).await
    }

    /// Returns the ids of the tables that will replace the present ones, of all nodes.
    pub async fn tables(&self) -> Result<Vec<String>, StoreError> {
        let mut ids = Vec::new();
        for node in self.second.nodes() {
            for table in REPLACED {
                ids.push(id_of(&node, table).await?);
            }
        }
        Ok(ids)
    }

    /// True if at least one of `tables` has replaced a present table.
    pub async fn has_exchanged(&self, tables: &[String]) -> Result<bool, StoreError> {
        for node in self.live.nodes() {
            for table in REPLACED {
                if tables.contains(&id_of(&node, table).await?) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Exchanges the tables with these ids, one after the other. Skips tables that are in place: so
    /// an interrupted exchange can be repeated. Returns the tables that are in neither database.
    pub async fn exchange(&self, tables: &[String]) -> Result<Vec<String>, StoreError> {
        let (live, second) = (self.live.name(), self.second.name());
        let mut missing = Vec::new();
        for (node, filled) in self.live.nodes().iter().zip(self.second.nodes()) {
            for table in REPLACED {
                if tables.contains(&id_of(node, table).await?) {
                    continue;
                }
                if !tables.contains(&id_of(&filled, table).await?) {
                    missing.push(table.to_owned());
                    continue;
                }
                let held = node.held(table);
                let exchange = format!("EXCHANGE TABLES {live}.{held} AND {second}.{held}");
                node.outside().execute(exchange).await?;
            }
        }
        Ok(missing)
    }

    /// Returns the names of a table's columns, in order.
    async fn columns_of(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let query = statement!("columns_of")
            .bind("database", self.second.name())
            .bind("table", table);
        self.second.rows(query).await
    }
}

/// Returns the id of the table with the rows of `table` on a node.
async fn id_of(node: &Database, table: &str) -> Result<String, StoreError> {
    let query = statement!("table_id")
        .bind("database", node.name())
        .bind("table", node.held(table));
    node.one(query).await
}
