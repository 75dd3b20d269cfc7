//! A cluster that grows. A node that is new gets the tables of the others, and it is kept among how many
//! shards blocks were shared out, and since when: a block that is sent again may belong to another shard
//! now, where its token is not known.

use std::collections::BTreeMap;

use crate::cluster::{Step, steps};
use crate::migrate::JOURNAL;
use crate::rebuild::quoted;
use crate::retention::ttl;
use crate::servers::CLOCK_SKEW_SECONDS_MAX;
use crate::{Store, StoreError};

/// From when on facts may expire.
const RETENTION: &str = "0081_retention";

/// Among how many shards blocks are shared out, and whether that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// There is no cluster, or nothing has changed.
    AsBefore,
    /// There are more or fewer than before.
    Changed {
        /// Before.
        from: u32,
        /// From now on.
        to: u32,
    },
    /// Nodes know different numbers, so the change is not complete.
    Disputed,
}

/// The number that every node that answers knows, each once.
fn shards_known(cluster: &str) -> String {
    let name = quoted(cluster);
    format!(
        "SELECT DISTINCT shards FROM (
            SELECT toUInt32(uniqExact(shard_num)) AS shards FROM clusterAllReplicas({name}, system.clusters)
            WHERE cluster = {name} GROUP BY hostName(), tcpPort())
         SETTINGS skip_unavailable_shards = 1"
    )
}

impl Store {
    /// Whether a block that was first sent at `since`, in seconds since 1970, may lie on another shard
    /// than the one that it would be sent to now.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn shared_out_otherwise(&self, since: u64) -> Result<bool, StoreError> {
        if self.config.cluster.is_empty() {
            return Ok(false);
        }
        let known: Vec<u32> = self.rows(&shards_known(&self.config.cluster)).await?;
        let noted = self.noted_layouts().await?;
        let Some((shards, noted_at)) = noted.last() else {
            return Ok(true);
        };
        let is_recent = u64::from(*noted_at) + CLOCK_SKEW_SECONDS_MAX.unsigned_abs() >= since;
        Ok(known != [*shards] || noted.len() > 1 && is_recent)
    }

    /// Notes among how many shards blocks are shared out from now on.
    ///
    /// # Errors
    /// ClickHouse does not answer, or refuses.
    pub async fn keep_layout(&self) -> Result<Layout, StoreError> {
        if self.config.cluster.is_empty() {
            return Ok(Layout::AsBefore);
        }
        let known: Vec<u32> = self.rows(&shards_known(&self.config.cluster)).await?;
        let [to] = known[..] else {
            return Ok(Layout::Disputed);
        };
        let noted = self.noted_layouts().await?;
        let from = noted.last().map(|(shards, _)| *shards);
        if from == Some(to) {
            return Ok(Layout::AsBefore);
        }
        self.execute(&format!("INSERT INTO shard_layouts (shards) VALUES ({to})"))
            .await?;
        Ok(from.map_or(Layout::AsBefore, |from| Layout::Changed { from, to }))
    }

    async fn noted_layouts(&self) -> Result<Vec<(u32, u32)>, StoreError> {
        self.rows("SELECT shards, toUnixTimestamp(noted_at) FROM shard_layouts ORDER BY noted_at")
            .await
    }

    /// Gives each node that is new, or was not finished, what the migrations that have been applied make.
    /// Returns the addresses of these nodes.
    ///
    /// # Errors
    /// A node does not answer, or refuses.
    pub async fn complete_nodes(&self) -> Result<Vec<String>, StoreError> {
        let nodes = self.nodes();
        let mut completed: Vec<&Self> = Vec::new();
        let [first, others @ ..] = &nodes[..] else {
            return Ok(Vec::new());
        };
        if others.is_empty() || first.tables_here().await? == 0 {
            return Ok(Vec::new());
        }
        // Without its journal on every node it cannot be read.
        self.create_database().await?;
        self.execute(JOURNAL).await?;
        let applied = self.applied_migrations().await?;
        let wanted = first.definitions().await?;
        for node in others {
            // Whatever holds rows was made with the others, and steps that led here may not be repeated.
            if node.definitions().await? == wanted || node.rows_held().await? > 0 {
                continue;
            }
            let made = std::iter::once(JOURNAL).chain(applied.iter().map(|one| one.sql));
            node.repeat_alone(made).await?;
            completed.push(node);
        }
        // Asked only now: it is read on all shards.
        if !completed.is_empty() && applied.iter().any(|one| one.name == RETENTION) {
            let months = self.facts_months().await?;
            let expiry = ttl(months);
            for node in completed.iter().filter(|_| months > 0) {
                node.repeat_alone(expiry.iter().map(String::as_str)).await?;
            }
        }
        let url = |node: &Self| node.config.url.clone();
        Ok(completed.into_iter().map(url).collect())
    }

    /// Does on one node what was done on every one.
    async fn repeat_alone<'s>(
        &self,
        statements: impl Iterator<Item = &'s str>,
    ) -> Result<(), StoreError> {
        for step in statements.flat_map(|statement| steps(statement, &self.config)) {
            // What fills tables is in them already, wherever it lies.
            if let Step::Everywhere(text) = step {
                self.run_alone(&text).await?;
            }
        }
        Ok(())
    }

    /// Rows in all tables of the server that is asked.
    async fn rows_held(&self) -> Result<u64, StoreError> {
        let rows: Vec<u64> = self
            .outside_rows(&format!(
                "SELECT sum(rows) FROM system.parts WHERE database = {} AND active",
                quoted(self.database())
            ))
            .await?;
        Ok(rows.first().copied().unwrap_or(0))
    }

    /// What each table is made by, in words: changes that came in another order make no difference.
    async fn definitions(&self) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let tables: Vec<(String, String)> = self
            .outside_rows(&format!(
                "SELECT name, create_table_query FROM system.tables WHERE database = {} AND NOT startsWith(name, 'rebuilding_')",
                quoted(self.database())
            ))
            .await?;
        let words = |text: &str| {
            let words = text.split(|c: char| c.is_whitespace() || c == ',');
            let mut words: Vec<String> = words.map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        Ok(tables
            .into_iter()
            .map(|(name, text)| (name, words(&text)))
            .collect())
    }
}
