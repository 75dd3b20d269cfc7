//! Clusters: converts the statements for one server to those for several.
//!
//! Each table `t` of the schema becomes two tables on every node: `t_local` with the rows, and `t`,
//! a Distributed table over them. Reads and inserts use `t` as on a single server. Facts and their
//! aggregates are distributed over the shards. All other tables keep their rows on the first shard.
//!
//! Statements that create or change tables are recognised by their first words and run on every
//! node. All others stay unchanged. Only this module adapts the schema to clusters.

use crate::rebuild::quoted;
use crate::{Config, Store, StoreError, migrations};

/// Suffix of the tables that contain the rows.
pub(crate) const LOCAL: &str = "_local";
/// Distributed tables and their sharding keys. A block of facts belongs to one partition, so the
/// whole block goes to one shard. A retry goes to the same shard, which knows its token.
const SHARED_OUT: [(&str, &str); 2] = [
    ("usage_events", "kafka_partition"),
    ("usage_hourly", "intHash32(toUInt32(hour_start))"),
];
/// Sharding key that sends all rows to the first shard.
const FIRST_SHARD: &str = "toUInt8(0)";
/// Source and target of the materialized view, which reads and fills the local tables of its node.
const VIEW_ENDS: [(&str, &str); 2] = [
    (" TO usage_hourly AS", " TO usage_hourly_local AS"),
    ("FROM usage_events\n", "FROM usage_events_local\n"),
];
/// Setting for the number of tokens that a table without replication remembers.
const ONE_WINDOW: &str = "non_replicated_deduplication_window";
/// Time for which a replicated table remembers a token, in seconds: one week.
pub(crate) const WINDOW_SECONDS: u32 = 604_800;

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

/// A statement and the nodes that run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Runs on the server of the connection.
    Once(String),
    /// Runs on every node.
    Everywhere(String),
}

impl Step {
    /// Returns the statement.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Once(text) | Self::Everywhere(text) => text,
        }
    }
}

/// First words of the statements that apply to a table, whose name follows.
const HEADS: [&str; 10] = [
    "CREATE TABLE IF NOT EXISTS ",
    "CREATE OR REPLACE TABLE ",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS ",
    "CREATE OR REPLACE VIEW ",
    "CREATE OR REPLACE DICTIONARY ",
    "ALTER TABLE ",
    "DELETE FROM ",
    "OPTIMIZE TABLE ",
    "TRUNCATE TABLE ",
    "DROP TABLE IF EXISTS ",
];
/// First words of the statement that stops queries.
const KILL: &str = "KILL QUERY ";
/// Words before the name of the table whose structure is copied.
const LIKE: &str = " AS ";

/// Converts a statement for one server to the statements for the cluster of `config`.
pub(crate) fn steps(statement: &str, config: &Config) -> Vec<Step> {
    let statement = statement.trim();
    if let Some(rest) = statement.strip_prefix(KILL)
        && !config.cluster.is_empty()
    {
        let on = on_cluster(config);
        let text = format!("{}{on} {rest}", KILL.trim_end());
        return vec![Step::Everywhere(text)];
    }
    let parts = HEADS.iter().find_map(|head| {
        let after = statement.strip_prefix(head)?;
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let end = end.unwrap_or(after.len());
        Some((*head, &after[..end], &after[end..]))
    });
    let Some((head, name, rest)) = parts.filter(|_| !config.cluster.is_empty()) else {
        return vec![Step::Once(statement.to_owned())];
    };
    let on = on_cluster(config);
    let local = format!("{name}{LOCAL}{on}");
    let everywhere = |text: String| Step::Everywhere(text);
    match head {
        "CREATE TABLE IF NOT EXISTS " => {
            let like = rest.strip_prefix(LIKE);
            let rest = match like {
                Some(other) => format!("{LIKE}{other}{LOCAL}"),
                None => with_engine(rest, name, config),
            };
            vec![
                everywhere(format!("{head}{local}{rest}")),
                everywhere(format!(
                    "{head}{name}{on} AS {}.{name}{LOCAL} ENGINE = Distributed('{}', '{}', '{name}{LOCAL}', {}){}",
                    config.database,
                    config.cluster,
                    config.database,
                    shared_out_by(like.unwrap_or(name)),
                    comment(&rest)
                )),
            ]
        }
        "CREATE MATERIALIZED VIEW IF NOT EXISTS " => {
            let rest = VIEW_ENDS
                .iter()
                .fold(rest.to_owned(), |rest, (from, to)| rest.replace(from, to));
            vec![everywhere(format!("{head}{name}{on}{rest}"))]
        }
        "ALTER TABLE " => {
            // A replicated table has a different setting for the number of tokens.
            let window = if config.nodes.is_empty() {
                "replicated_deduplication_window"
            } else {
                ONE_WINDOW
            };
            let rest = rest.replace(ONE_WINDOW, window);
            let mut steps = vec![everywhere(format!("{head}{local}{rest}"))];
            if rest.contains(" COLUMN ") {
                steps.push(everywhere(format!("{head}{name}{on}{rest}")));
            }
            steps
        }
        "DELETE FROM " | "OPTIMIZE TABLE " | "TRUNCATE TABLE " => {
            vec![everywhere(format!("{head}{local}{rest}"))]
        }
        // The Distributed table is dropped before the table that it reads.
        "DROP TABLE IF EXISTS " => vec![
            everywhere(format!("{head}{name}{on}{rest}")),
            everywhere(format!("{head}{local}{rest}")),
        ],
        _ => vec![everywhere(format!("{head}{name}{on}{rest}"))],
    }
}

fn shared_out_by(table: &str) -> &'static str {
    SHARED_OUT
        .iter()
        .find(|(name, _)| *name == table)
        .map_or(FIRST_SHARD, |(_, key)| *key)
}

/// Returns the part of a table definition after its name, with the engine for this kind of cluster.
fn with_engine(rest: &str, name: &str, config: &Config) -> String {
    const ENGINE: &str = "ENGINE = ";
    let Some((columns, engine)) = rest.split_once(ENGINE).filter(|_| config.nodes.is_empty())
    else {
        return rest.to_owned();
    };
    let end = engine
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(engine.len());
    let (kind, after) = engine.split_at(end);
    // The engine's own arguments follow those of the replication.
    let (own, after) = match after
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
    {
        Some((own, after)) => (format!(", {own}"), after),
        None => (String::new(), after),
    };
    let path = format!(
        "'/clickhouse/tables/{{shard}}/{}/{name}{LOCAL}', '{{replica}}'",
        config.database
    );
    format!(
        "{columns}{ENGINE}Replicated{kind}({path}{own}){}",
        with_window(after)
    )
}

/// Sets how many tokens a replicated table remembers, in the text after its engine. A table without
/// a window gets 0, because replicated tables drop identical inserts by default.
fn with_window(after: &str) -> String {
    const ONE: &str = "non_replicated_deduplication_window = ";
    if after.contains(ONE) {
        let many = format!(
            "replicated_deduplication_window_seconds = {WINDOW_SECONDS}, replicated_deduplication_window = "
        );
        return after.replace(ONE, &many);
    }
    let window = "SETTINGS replicated_deduplication_window = 0";
    match after.find("COMMENT '") {
        Some(at) => format!("{}{window}\n{}", &after[..at], &after[at..]),
        None => format!("{after}\n{window}"),
    }
}

/// Returns the comment of a table, which its Distributed table also gets.
fn comment(rest: &str) -> String {
    let engine = rest.find("ENGINE = ").unwrap_or(0);
    let tail = &rest[engine..];
    tail.find("COMMENT '")
        .map_or(String::new(), |at| format!(" {}", &tail[at..]))
}

/// Returns every statement that `migrate` runs on an empty database, in order.
pub fn schema(config: &Config) -> Vec<String> {
    let steps = migrations().iter().flat_map(|one| steps(one.sql, config));
    let texts = steps.map(Step::into_text);
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

/// Returns the `ON CLUSTER` clause; empty if the nodes are addressed one by one.
pub(crate) fn on_cluster(config: &Config) -> String {
    if config.cluster.is_empty() || !config.nodes.is_empty() {
        String::new()
    } else {
        format!(" ON CLUSTER {}", config.cluster)
    }
}

impl Store {
    /// Returns the name of the table that contains the rows on a server.
    pub(crate) fn held(&self, table: &str) -> String {
        if self.config.cluster.is_empty() {
            table.to_owned()
        } else {
            format!("{table}{LOCAL}")
        }
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
        if self.config.cluster.is_empty() || !self.config.nodes.is_empty() {
            return Ok(());
        }
        Err(StoreError::Cluster { what })
    }

    /// Returns a connection to each node, or to the only server if there is no cluster.
    pub(crate) fn nodes(&self) -> Vec<Self> {
        if self.config.nodes.is_empty() {
            return vec![self.clone()];
        }
        let node = |url: &String| {
            let mut node = self.clone();
            node.client = node.client.with_url(url);
            node.config.url.clone_from(url);
            node
        };
        self.config.nodes.iter().map(node).collect()
    }

    /// Fails unless the server knows the cluster, `clickhouse.nodes` names all of its servers, and
    /// tables do their own replication.
    pub(crate) async fn check_cluster(&self) -> Result<(), StoreError> {
        if self.config.cluster.is_empty() {
            return Ok(());
        }
        let shards: Vec<(u64, u64, u64)> = self
            .outside_rows(&format!(
                "SELECT uniqExact(shard_num), countIf(NOT internal_replication), count() FROM system.clusters WHERE cluster = {}",
                quoted(&self.config.cluster)
            ))
            .await?;
        let cause = match shards.first() {
            None | Some((0, ..)) => format!(
                "it knows no cluster {}: name it in remote_servers of every node, or correct clickhouse.cluster",
                self.config.cluster
            ),
            Some((_, 0, all)) => {
                let named = self.config.nodes.len() as u64;
                if named == 0 || named >= *all {
                    return Ok(());
                }
                format!(
                    "clickhouse.nodes names {named} servers, and there are {all} in {}: name all of them, in the order of remote_servers",
                    self.config.cluster
                )
            }
            Some(_) => format!(
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

    fn texts(statement: &str, config: &Config) -> Vec<String> {
        steps(statement, config)
            .into_iter()
            .map(Step::into_text)
            .collect()
    }

    #[test]
    fn one_server_is_asked_as_it_stands() {
        for migration in migrations() {
            let alone = steps(migration.sql, &Config::default());
            assert_eq!(alone, [Step::Once(migration.sql.trim().to_owned())]);
        }
    }

    #[test]
    fn every_migration_reaches_every_node() {
        for config in [config(&[]), config(&["http://a:8123"])] {
            for migration in migrations() {
                for step in steps(migration.sql, &config) {
                    let Step::Everywhere(text) = step else {
                        panic!("{} is run on one node only", migration.name);
                    };
                    let head = text.lines().next().unwrap();
                    assert_eq!(
                        head.contains(" ON CLUSTER region"),
                        config.nodes.is_empty(),
                        "{head}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_table_is_replicated_and_remembers_tokens_only_if_it_did() {
        let config = config(&[]);
        for sql in migrations().iter().map(|one| one.sql) {
            if !sql.starts_with("CREATE TABLE") {
                continue;
            }
            let [local, whole] = &texts(sql, &config)[..] else {
                panic!("two statements make a table");
            };
            let engine = local.split("ENGINE = ").nth(1).unwrap();
            assert!(engine.starts_with("Replicated"), "{local}");
            assert!(engine.contains("_local', '{replica}'"), "{local}");
            let window = if sql.contains("deduplication_window = 10000") {
                "replicated_deduplication_window_seconds = 604800, replicated_deduplication_window = 10000"
            } else {
                "SETTINGS replicated_deduplication_window = 0"
            };
            assert!(engine.contains(window), "{local}");
            assert!(!engine.contains("non_replicated"), "{local}");
            assert!(whole.contains("ENGINE = Distributed('region', 'affluenza', '"));
            let tail = &sql[sql.find("ENGINE = ").unwrap()..];
            let said = &tail[tail.find("COMMENT '").unwrap()..];
            assert!(whole.ends_with(said.trim()) && local.contains(said.trim()));
        }
    }

    #[test]
    fn arguments_of_an_engine_follow_those_of_replication() {
        let made = texts(
            "CREATE TABLE IF NOT EXISTS t (a UInt8) ENGINE = ReplacingMergeTree(version)\nORDER BY a\nCOMMENT 'what'",
            &config(&[]),
        );
        assert_eq!(
            made[0],
            "CREATE TABLE IF NOT EXISTS t_local ON CLUSTER region (a UInt8) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/affluenza/t_local', '{replica}', version)\nORDER BY a\nSETTINGS replicated_deduplication_window = 0\nCOMMENT 'what'"
        );
        assert_eq!(
            made[1],
            "CREATE TABLE IF NOT EXISTS t ON CLUSTER region AS affluenza.t_local ENGINE = Distributed('region', 'affluenza', 't_local', toUInt8(0)) COMMENT 'what'"
        );
    }

    #[test]
    fn the_aggregate_of_a_shard_is_fed_by_its_own_facts() {
        let view = migrations()
            .iter()
            .find(|one| one.sql.contains("MATERIALIZED VIEW"))
            .unwrap();
        let made = texts(view.sql, &config(&["http://a:8123"]));
        assert!(
            made[0].contains(" TO usage_hourly_local AS")
                && made[0].contains("FROM usage_events_local\n")
        );
    }

    #[test]
    fn tables_that_are_made_for_a_while_are_made_and_dropped_everywhere() {
        let nodes = config(&["http://a:8123"]);
        assert_eq!(
            texts("CREATE TABLE IF NOT EXISTS s AS usage_events", &nodes),
            [
                "CREATE TABLE IF NOT EXISTS s_local AS usage_events_local",
                "CREATE TABLE IF NOT EXISTS s AS affluenza.s_local ENGINE = Distributed('region', 'affluenza', 's_local', kafka_partition)"
            ]
        );
        assert_eq!(
            texts("DROP TABLE IF EXISTS s SYNC", &nodes),
            [
                "DROP TABLE IF EXISTS s SYNC",
                "DROP TABLE IF EXISTS s_local SYNC"
            ]
        );
        assert_eq!(
            texts("TRUNCATE TABLE s", &nodes),
            ["TRUNCATE TABLE s_local"]
        );
        assert_eq!(
            texts("KILL QUERY WHERE 1 SYNC", &config(&[])),
            ["KILL QUERY ON CLUSTER region WHERE 1 SYNC"]
        );
    }

    #[test]
    fn columns_change_in_both_tables_and_rows_in_those_that_hold_them() {
        let nodes = config(&["http://a:8123"]);
        assert_eq!(
            texts("ALTER TABLE t ADD COLUMN IF NOT EXISTS a UInt8", &nodes),
            [
                "ALTER TABLE t_local ADD COLUMN IF NOT EXISTS a UInt8",
                "ALTER TABLE t ADD COLUMN IF NOT EXISTS a UInt8"
            ]
        );
        assert_eq!(
            texts("DELETE FROM t WHERE a = 1", &config(&[])),
            ["DELETE FROM t_local ON CLUSTER region WHERE a = 1"]
        );
        let insert = "INSERT INTO t SELECT 1";
        assert_eq!(steps(insert, &nodes), [Step::Once(insert.into())]);
    }
}
