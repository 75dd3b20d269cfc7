//! Requirements for exactly-once inserts: settings, tables, and the tokens that they remember.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::servers::version_trouble;
use crate::sql::statement;
use crate::{Admin, StoreError, settings};

/// Minimum number of tokens that a table must remember.
const WINDOW_MIN: u64 = 10_000;

/// Returns the setting and the number of tokens that a table remembers, from its CREATE statement.
fn deduplication_window(statement: &str) -> (&'static str, u64) {
    let name = if statement.contains("ENGINE = Replicated") {
        "replicated_deduplication_window"
    } else {
        "non_replicated_deduplication_window"
    };
    let window = statement
        .split_once(&format!(" {name} = "))
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|digits| digits.parse().ok());
    (name, window.unwrap_or(0))
}

/// Name and CREATE statement of a table.
#[derive(Row, Serialize, Deserialize)]
pub(crate) struct TableDefinition {
    pub(crate) name: String,
    pub(crate) statement: String,
}

/// A setting that a constraint fixes, and its value.
#[derive(Row, Serialize, Deserialize)]
struct FixedSetting {
    name: String,
    value: String,
}

impl Database {
    /// Returns the local tables with these names, on every node that responds.
    pub(crate) async fn definitions_of(
        &self,
        tables: &[&str],
    ) -> Result<Vec<TableDefinition>, StoreError> {
        let names: Vec<String> = tables.iter().map(|table| self.held(table)).collect();
        let query = statement!("table_definitions")
            .put("tables", self.of_all_nodes("system.tables"))
            .bind("database", self.name())
            .bind("names", names);
        self.rows(query).await
    }

    /// Returns the number of tokens that each of these tables remembers.
    pub(crate) async fn window_of(&self, tables: &[&str]) -> Result<u64, StoreError> {
        let tables = self.definitions_of(tables).await?;
        let windows = tables
            .iter()
            .map(|table| deduplication_window(&table.statement).1);
        Ok(windows.min().unwrap_or(0))
    }
}

impl Admin {
    /// Returns the server's version. Fails if it is too old for exactly-once inserts, or if the
    /// cluster is not suitable.
    pub async fn check_server(&self) -> Result<String, StoreError> {
        let version = self.0.version().await?;
        if let Some(cause) = version_trouble(&version) {
            return Err(StoreError::Unsuitable { version, cause });
        }
        self.0.check_cluster().await?;
        Ok(version)
    }

    /// Fails if the server cannot store blocks exactly once. Consumers call this at start. Reasons
    /// are:
    ///
    /// - a fixed setting with a value other than that of the inserts;
    /// - missing tables on a node;
    /// - a table that remembers too few tokens;
    /// - an expiry rule that this program did not set;
    /// - an old server, or a clock that differs from this machine's.
    pub async fn check_guards(&self) -> Result<(), StoreError> {
        let version = self.check_server().await?;
        match self.missing_guard().await? {
            Some(cause) => Err(StoreError::Unsuitable { version, cause }),
            None => self.check_servers().await,
        }
    }

    async fn missing_guard(&self) -> Result<Option<String>, StoreError> {
        let names: Vec<&str> = settings::INSERT.iter().map(|(name, _)| *name).collect();
        let query = statement!("fixed_settings")
            .put("settings", self.0.of_all_nodes("system.settings"))
            .bind("names", names);
        for FixedSetting { name, value } in self.0.rows(query).await? {
            if settings::INSERT
                .iter()
                .any(|(pinned, wanted)| *pinned == name && *wanted != value)
            {
                return Ok(Some(format!(
                    "setting {name} is fixed to {value}: lift the constraint for this user"
                )));
            }
        }
        let named = ["usage_events", "usage_hourly", "ingest_ledger"];
        let tables = self.0.definitions_of(&named).await?;
        if tables.len() as u64 != named.len() as u64 * self.0.nodes_that_answer().await? {
            return Ok(Some(format!(
                "a node of the cluster has no tables in {} yet: name it in clickhouse.nodes, if you name nodes, and run `affluenza migrate`",
                self.0.name()
            )));
        }
        for TableDefinition { name, statement } in tables {
            let (window_name, window) = deduplication_window(&statement);
            if window < WINDOW_MIN {
                return Ok(Some(format!(
                    "table {name} remembers the tokens of {window} inserts, {WINDOW_MIN} are needed: ALTER TABLE {name} MODIFY SETTING {window_name} = 100000"
                )));
            }
        }
        let table = self.0.foreign_ttl().await?;
        Ok(table.map(|table| format!(
            "table {table} has a TTL that was not set by `affluenza migrate`, so expired rows would be taken for lost ones: ALTER TABLE {table} REMOVE TTL, and set retention.facts_months"
        )))
    }

    /// Returns the name of the database.
    pub fn database(&self) -> &str {
        self.0.name()
    }

    /// Returns the number that a query selects; 0 without a row.
    pub async fn count(&self, query: &str) -> Result<u64, StoreError> {
        self.0.one(query).await
    }

    /// Runs one statement on the server of this connection, on behalf of an administrator.
    pub async fn run_statement(&self, statement: &str) -> Result<(), StoreError> {
        self.0.execute(statement).await
    }
}
