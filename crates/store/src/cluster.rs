//! Clusters: fills in the parts of statements that differ between one server and several.
//!
//! Each table `t` of the schema becomes two tables on every node of a cluster: `t_local` with the
//! rows, and `t`, a Distributed table over them. Reads and inserts use `t` as on a single server.
//! Facts and their aggregates are distributed over the shards. All other tables keep their rows on
//! the first shard.
//!
//! Statements about tables are templates with these placeholders, most of them empty on a single
//! server:
//!
//! - `{table}`: name of the table, where the template serves several;
//! - `{local}`: suffix of the table with the rows;
//! - `{on_cluster}`: clause that runs the statement on every node;
//! - `{replicated}`, `{path}`: prefix of the engine and arguments of its replication; `{path, }`
//!   stands before arguments of the engine;
//! - `{window}`: setting for the number of tokens that the table remembers; `{no_window}` for a
//!   table that remembers none.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::migrate::SchemaObject;
use crate::sql::{Statement, filled, statement};
use crate::{Config, Migration, StoreError, migrations};

/// Suffix of the tables that contain the rows.
const LOCAL: &str = "_local";
/// Time for which a replicated table remembers a token, in seconds: one week.
pub(crate) const WINDOW_SECONDS: u32 = 604_800;
/// Sharding key that sends all rows to the first shard.
pub(crate) const FIRST_SHARD: &str = "toUInt8(0)";

/// Settings of every statement in a cluster.
pub(crate) const SETTINGS: [(&str, &str); 5] = [
    // An insert is confirmed when the shard has stored it, not when it is queued for the shard.
    ("distributed_foreground_insert", "1"),
    // Joined tables and subqueries are read from all shards, not only from the local one.
    ("distributed_product_mode", "global"),
    ("parallel_distributed_insert_select", "0"),
    // A query fails if a shard is unavailable, so no figure is incomplete.
    ("skip_unavailable_shards", "0"),
    // Reads prefer the replica that receives the writes.
    ("load_balancing", "in_order"),
];

/// Returns the name of the table that contains the rows on a server.
pub(crate) fn held(table: &str, config: &Config) -> String {
    match config.cluster.is_empty() {
        true => table.to_owned(),
        false => format!("{table}{LOCAL}"),
    }
}

/// Returns the `ON CLUSTER` clause; empty if the nodes are addressed one by one.
pub(crate) fn on_cluster(config: &Config) -> String {
    match has_keeper(config) {
        true => format!(" ON CLUSTER {}", config.cluster),
        false => String::new(),
    }
}

/// Returns true in a cluster whose servers distribute statements and replicate tables.
pub(crate) fn has_keeper(config: &Config) -> bool {
    !config.cluster.is_empty() && config.nodes.is_empty()
}

/// Fills in the placeholders of a statement about `table`.
pub(crate) fn fill(template: &str, table: &str, config: &Config) -> String {
    let suffix = if config.cluster.is_empty() { "" } else { LOCAL };
    let path = format!(
        "'/clickhouse/tables/{{shard}}/{}/{table}{LOCAL}', '{{replica}}'",
        config.database
    );
    let path_and = format!("{path}, ");
    // Replicated tables drop identical inserts by default.
    let no_window = "\nSETTINGS replicated_deduplication_window = 0";
    let window = format!(
        "replicated_deduplication_window_seconds = {WINDOW_SECONDS}, replicated_deduplication_window"
    );
    let [replicated, path, path_and, window, no_window] = match has_keeper(config) {
        true => ["Replicated", &path, &path_and, &window, no_window],
        false => ["", "", "", "non_replicated_deduplication_window", ""],
    };
    let parameters = [
        ("table", table),
        ("local", suffix),
        ("on_cluster", &on_cluster(config)),
        ("replicated", replicated),
        ("path", path),
        ("path, ", path_and),
        ("window", window),
        ("no_window", no_window),
    ];
    filled(template, &parameters)
}

/// Returns the statement that creates the Distributed table over `table`. ClickHouse copies columns
/// and comments.
fn distributed(table: &str, sharding_key: &str, config: &Config) -> String {
    let (cluster, database) = (&config.cluster, &config.database);
    format!(
        "CREATE TABLE IF NOT EXISTS {table}{} AS {database}.{table}{LOCAL} ENGINE = Distributed('{cluster}', '{database}', '{table}{LOCAL}', {sharding_key})",
        on_cluster(config)
    )
}

/// Returns the statements that create a table on every node from its template.
pub(crate) fn create_table(
    template: &str,
    table: &str,
    sharding_key: &str,
    config: &Config,
) -> Vec<String> {
    let mut statements = vec![fill(template, table, config)];
    if !config.cluster.is_empty() {
        statements.push(distributed(table, sharding_key, config));
    }
    statements
}

/// Returns the statements of a migration, which run on every node.
pub(crate) fn statements(migration: &Migration, config: &Config) -> Vec<String> {
    let (sql, name) = (migration.sql, migration.object_name());
    match migration.object {
        SchemaObject::Table(sharding_key) => create_table(sql, name, sharding_key, config),
        SchemaObject::View => vec![fill(sql, name, config)],
    }
}

/// Returns every statement that `migrate` runs on an empty database, in order.
pub fn schema(config: &Config) -> Vec<String> {
    let texts = migrations().iter().flat_map(|one| statements(one, config));
    std::iter::once(database(config)).chain(texts).collect()
}

/// Returns the statement that creates the database.
pub(crate) fn database(config: &Config) -> String {
    format!(
        "CREATE DATABASE IF NOT EXISTS {}{} ENGINE = Atomic",
        config.database,
        on_cluster(config)
    )
}

/// Shards and servers of a cluster, and the servers of shards that copy inserts by themselves.
#[derive(Default, Row, Serialize, Deserialize)]
struct ClusterShape {
    shards: u64,
    copied: u64,
    servers: u64,
}

impl Database {
    /// Returns the name of the table that contains the rows on a server.
    pub(crate) fn held(&self, table: &str) -> String {
        held(table, &self.config)
    }

    /// Returns the table that contains the rows, for a statement on every node.
    fn rows_of(&self, table: &str) -> String {
        format!("{}{}", self.held(table), on_cluster(&self.config))
    }

    /// Changes a table with rows on every node.
    pub(crate) async fn alter(
        &self,
        table: &str,
        action: impl Into<Statement>,
    ) -> Result<(), StoreError> {
        let before = format!("ALTER TABLE {} ", self.rows_of(table));
        self.execute_everywhere(action.into().within(&before, ""))
            .await
    }

    /// Deletes rows on every node, and waits for it.
    pub(crate) async fn delete(
        &self,
        table: &str,
        condition: impl Into<Statement>,
    ) -> Result<(), StoreError> {
        let before = format!("DELETE FROM {} WHERE ", self.rows_of(table));
        let statement = condition
            .into()
            .within(&before, " SETTINGS lightweight_deletes_sync = 2");
        self.execute_everywhere(statement).await
    }

    /// Creates a table on every node from its template.
    pub(crate) async fn create_from(
        &self,
        template: &str,
        table: &str,
        sharding_key: &str,
    ) -> Result<(), StoreError> {
        for statement in create_table(template, table, sharding_key, &self.config) {
            self.execute_everywhere(&statement).await?;
        }
        Ok(())
    }

    /// Returns a system table, such as `system.parts`, of all nodes.
    pub(crate) fn of_all_nodes(&self, table: &str) -> String {
        if self.config.cluster.is_empty() {
            table.to_owned()
        } else {
            format!("clusterAllReplicas('{}', {table})", self.config.cluster)
        }
    }

    /// Fails in a cluster with a Keeper, where the operation `what` is not supported yet.
    pub(crate) fn not_with_keeper(&self, what: &'static str) -> Result<(), StoreError> {
        match has_keeper(&self.config) {
            true => Err(StoreError::Cluster { what }),
            false => Ok(()),
        }
    }

    /// Returns a connection to each node, or to the only server if there is no cluster.
    pub(crate) fn nodes(&self) -> Vec<Self> {
        if self.config.nodes.is_empty() {
            return vec![self.clone()];
        }
        let nodes = self.config.nodes.iter().map(|url| {
            let mut node = self.clone();
            node.client = node.client.with_url(url);
            node.config.url.clone_from(url);
            node
        });
        nodes.collect()
    }

    /// Fails unless the server knows the cluster, `clickhouse.nodes` names all of its servers, and
    /// tables do their own replication.
    pub(crate) async fn check_cluster(&self) -> Result<(), StoreError> {
        if self.config.cluster.is_empty() {
            return Ok(());
        }
        let query = statement!("cluster_shape").bind("cluster", &*self.config.cluster);
        let cause = match self.outside().one(query).await? {
            ClusterShape { shards: 0, .. } => format!(
                "it knows no cluster {}: name it in remote_servers of every node, or correct clickhouse.cluster",
                self.config.cluster
            ),
            ClusterShape {
                copied: 0, servers, ..
            } => {
                let named = self.config.nodes.len() as u64;
                if named == 0 || named >= servers {
                    return Ok(());
                }
                format!(
                    "clickhouse.nodes names {named} servers, and there are {servers} in {}: name all of them, in the order of remote_servers",
                    self.config.cluster
                )
            }
            ClusterShape { .. } => format!(
                "it would copy inserts to replicas by itself: set internal_replication to true for every shard of {}",
                self.config.cluster
            ),
        };
        Err(StoreError::Unsuitable {
            version: self.version().await?,
            cause,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(nodes: &[&str]) -> Config {
        Config {
            cluster: "region".into(),
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
            ..Config::default()
        }
    }

    fn of(object: &str, config: &Config) -> Vec<String> {
        let mut all = migrations().iter();
        let migration = all.find(|one| one.object_name() == object).unwrap();
        statements(migration, config)
    }

    #[test]
    fn every_placeholder_is_known() {
        for config in [Config::default(), config(&[]), config(&["http://a:8123"])] {
            for statement in schema(&config) {
                let macros = statement.replace("{shard}", "").replace("{replica}", "");
                assert!(!macros.contains(['{', '}']), "{statement}");
            }
        }
    }

    #[test]
    fn one_server_has_one_plain_table() {
        let all = of("retention", &Config::default());
        let [table] = &all[..] else {
            panic!("one statement makes a table");
        };
        assert!(table.starts_with("CREATE TABLE IF NOT EXISTS retention\n("));
        assert!(table.contains("\nENGINE = MergeTree()\nORDER BY set_at\nCOMMENT '"));
    }

    #[test]
    fn every_migration_reaches_every_node() {
        for config in [config(&[]), config(&["http://a:8123"])] {
            for text in schema(&config) {
                let head = text.lines().next().unwrap();
                assert_eq!(
                    head.contains(" ON CLUSTER region"),
                    config.nodes.is_empty(),
                    "{head}"
                );
            }
        }
    }

    #[test]
    fn every_table_is_replicated_and_remembers_tokens_only_if_it_did() {
        let config = config(&[]);
        for migration in migrations() {
            if !matches!(migration.object, SchemaObject::Table(_)) {
                continue;
            }
            let [local, whole] = &statements(migration, &config)[..] else {
                panic!("two statements make a table");
            };
            let engine = local.split("ENGINE = ").nth(1).unwrap();
            assert!(engine.starts_with("Replicated"), "{local}");
            assert!(engine.contains("_local', '{replica}'"), "{local}");
            let window = if migration.sql.contains("{window} = 10000") {
                "replicated_deduplication_window_seconds = 604800, replicated_deduplication_window = 10000"
            } else {
                "SETTINGS replicated_deduplication_window = 0"
            };
            assert!(engine.contains(window), "{local}");
            assert!(!engine.contains("non_replicated"), "{local}");
            assert!(whole.contains("ENGINE = Distributed('region', 'affluenza', '"));
        }
    }

    #[test]
    fn arguments_of_an_engine_follow_those_of_replication() {
        let made = create_table(
            "CREATE TABLE IF NOT EXISTS t{local}{on_cluster} (a UInt8) ENGINE = {replicated}ReplacingMergeTree({path, }version)\nORDER BY a{no_window}\nCOMMENT 'what'",
            "t",
            FIRST_SHARD,
            &config(&[]),
        );
        assert_eq!(
            made,
            [
                "CREATE TABLE IF NOT EXISTS t_local ON CLUSTER region (a UInt8) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/affluenza/t_local', '{replica}', version)\nORDER BY a\nSETTINGS replicated_deduplication_window = 0\nCOMMENT 'what'",
                "CREATE TABLE IF NOT EXISTS t ON CLUSTER region AS affluenza.t_local ENGINE = Distributed('region', 'affluenza', 't_local', toUInt8(0))"
            ]
        );
    }

    #[test]
    fn facts_and_aggregates_are_distributed_over_the_shards() {
        let nodes = config(&["http://a:8123"]);
        for (table, key) in [
            ("usage_events", "kafka_partition)"),
            ("usage_hourly", "intHash32(toUInt32(hour_start)))"),
            ("ingest_ledger", "toUInt8(0))"),
        ] {
            assert!(of(table, &nodes)[1].ends_with(key), "{table}");
        }
    }
}
