//! Growth of a cluster. A new node gets the tables of the others. The number of shards and the time
//! of its change are recorded, because a retried block may now belong to another shard, which does
//! not know its token.

use std::collections::BTreeMap;

use crate::cluster::statements;
use crate::database::Database;
use crate::guards::TableDefinition;
use crate::retention::ttl;
use crate::servers::CLOCK_SKEW_SECONDS_MAX;
use crate::sql::{Statement, quoted, statement};
use crate::{Admin, StoreError, migrations};

/// Table with the retention of facts.
const RETENTION: &str = "retention";

/// Result of comparing the number of shards with the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// There is no cluster, or the number is unchanged or recorded for the first time.
    AsBefore,
    /// The number of shards changed.
    Changed {
        /// Previous number of shards.
        from: u32,
        /// Current number of shards.
        to: u32,
    },
    /// Nodes have different numbers, so the change is not complete.
    Disputed,
}

impl Database {
    /// Returns the distinct numbers of shards known to the nodes that respond.
    async fn shards_known(&self) -> Result<Vec<u32>, StoreError> {
        let query = statement!("shards_known").put("name", quoted(&self.config.cluster));
        self.rows(query).await
    }

    /// Returns true if a block first sent at `since`, in seconds since 1970, may be on another
    /// shard than the one it would be sent to now.
    pub(crate) async fn may_be_on_other_shard(&self, since: u64) -> Result<bool, StoreError> {
        if self.config.cluster.is_empty() {
            return Ok(false);
        }
        let known = self.shards_known().await?;
        let noted = self.noted_layouts().await?;
        let Some((shards, noted_at)) = noted.last() else {
            return Ok(true);
        };
        let is_recent = u64::from(*noted_at) + CLOCK_SKEW_SECONDS_MAX.unsigned_abs() >= since;
        Ok(known != [*shards] || noted.len() > 1 && is_recent)
    }

    async fn noted_layouts(&self) -> Result<Vec<(u32, u32)>, StoreError> {
        self.rows("SELECT shards, toUnixTimestamp(noted_at) FROM shard_layouts ORDER BY noted_at")
            .await
    }

    /// Returns the number of rows in all tables of this server.
    async fn rows_held(&self) -> Result<u64, StoreError> {
        let query =
            "SELECT sum(rows) FROM system.parts WHERE database = {database:String} AND active";
        let query = Statement::from(query).bind("database", self.name());
        self.outside().one(query).await
    }

    /// Returns the definition of each table as sorted words, so that the order of changes does not
    /// matter.
    async fn definitions(&self) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let query = statement!("definitions").bind("database", self.name());
        let tables: Vec<TableDefinition> = self.outside().rows(query).await?;
        let definitions = tables
            .into_iter()
            .map(|TableDefinition { name, statement }| {
                let words = statement.split(|c: char| c.is_whitespace() || c == ',');
                let mut words: Vec<String> = words.map(str::to_owned).collect();
                words.sort_unstable();
                (name, words)
            });
        Ok(definitions.collect())
    }
}

impl Admin {
    /// Records the current number of shards if it changed.
    pub async fn keep_layout(&self) -> Result<Layout, StoreError> {
        if self.0.config.cluster.is_empty() {
            return Ok(Layout::AsBefore);
        }
        let known = self.0.shards_known().await?;
        let [to] = known[..] else {
            return Ok(Layout::Disputed);
        };
        let noted = self.0.noted_layouts().await?;
        let from = noted.last().map(|(shards, _)| *shards);
        if from == Some(to) {
            return Ok(Layout::AsBefore);
        }
        self.0
            .execute(&format!("INSERT INTO shard_layouts (shards) VALUES ({to})"))
            .await?;
        Ok(from.map_or(Layout::AsBefore, |from| Layout::Changed { from, to }))
    }

    /// Applies the migrations of the cluster to each new or incomplete node. Returns the URLs of
    /// these nodes.
    ///
    /// # Errors
    /// If a node refuses a statement or does not respond.
    pub async fn complete_nodes(&self) -> Result<Vec<String>, StoreError> {
        let nodes = self.0.nodes();
        let mut completed: Vec<&Database> = Vec::new();
        let [first, others @ ..] = &nodes[..] else {
            return Ok(Vec::new());
        };
        if others.is_empty() || first.tables_here().await? == 0 {
            return Ok(Vec::new());
        }
        // The journal is read from all nodes, so each node needs the table first.
        self.0.create_database().await?;
        self.0.apply(&migrations()[0]).await?;
        let applied = self.0.applied_migrations().await?;
        let wanted = first.definitions().await?;
        for node in others {
            // A node with rows was created with the others; repeating its migrations may not be
            // safe.
            if node.definitions().await? == wanted || node.rows_held().await? > 0 {
                continue;
            }
            for statement in applied
                .iter()
                .flat_map(|one| statements(one, &self.0.config))
            {
                node.execute(&statement).await?;
            }
            completed.push(node);
        }
        // The retention is read from all shards, so the new nodes must be complete.
        if !completed.is_empty() && applied.iter().any(|one| one.object_name() == RETENTION) {
            let months = self.0.facts_months().await?;
            let facts = self.0.held("usage_events");
            for node in completed.iter().filter(|_| months > 0) {
                for action in ttl(months) {
                    node.execute(&format!("ALTER TABLE {facts} {action}"))
                        .await?;
                }
            }
        }
        let urls = completed.into_iter().map(|node| node.config.url.clone());
        Ok(urls.collect())
    }
}
