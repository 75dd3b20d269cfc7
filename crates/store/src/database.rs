//! One connection to ClickHouse, which all handles share: queries, statements, inserts and errors.

use std::time::Duration;

use bytes::Bytes;
use clickhouse::error::Error as ClientError;
use clickhouse::{Client, RowOwned, RowRead};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use crate::error::{root, shorten};
use crate::sql::Statement;
use crate::{Config, InsertToken, StoreError, cluster, settings};

/// Skips unavailable nodes in checks; they are checked when they return.
const SKIP_UNAVAILABLE: &str = "SETTINGS skip_unavailable_shards = 1";

/// A connection, and the configuration that it was made from.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) client: Client,
    pub(crate) config: Config,
}

impl Database {
    /// Prepares a connection without connecting.
    pub(crate) fn new(config: &Config) -> Self {
        let mut client = Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_password(config.password.expose_secret())
            .with_database(&config.database)
            .with_compression(clickhouse::Compression::None)
            .with_setting("max_execution_time", config.query_seconds_max.to_string())
            // Column statistics may read every part during planning. With new parts, a query over
            // the months of a year took 32 ms instead of 11 ms.
            .with_setting("use_statistics", "0");
        if !config.cluster.is_empty() {
            for (name, value) in cluster::SETTINGS {
                client = client.with_setting(name, value);
            }
        }
        Self {
            client,
            config: config.clone(),
        }
    }

    /// Returns the name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.config.database
    }

    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        self.outside().one("SELECT version()").await
    }

    /// Returns the number of servers that respond.
    pub(crate) async fn nodes_that_answer(&self) -> Result<u64, StoreError> {
        let one = self.of_all_nodes("system.one");
        self.one(format!("SELECT count() FROM {one} {SKIP_UNAVAILABLE}"))
            .await
    }

    pub(crate) async fn insert(
        &self,
        table: &str,
        statement: String,
        body: Bytes,
        token: &InsertToken,
    ) -> Result<(), StoreError> {
        let lifetime = Duration::from_secs(self.config.insert_seconds_max);
        let mut insert = self
            .client
            .insert_formatted_with(statement)
            .with_timeouts(Some(lifetime), Some(lifetime))
            .with_setting("insert_deduplication_token", token.to_string())
            // The server's time limit is shorter than the client's, so that a retried block is no
            // longer being written.
            .with_setting(
                "max_execution_time",
                self.config
                    .insert_seconds_max
                    .saturating_sub(1)
                    .max(1)
                    .to_string(),
            );
        for (name, value) in settings::INSERT {
            insert = insert.with_setting(*name, *value);
        }
        let inserted = async {
            insert.send(body).await?;
            insert.end().await
        };
        inserted
            .await
            .map_err(|error| self.judge(&format!("the insert into {table}"), error))
    }

    /// Returns a connection without a time limit, because changes of a large table may wait for
    /// merges.
    pub(crate) fn patient(&self) -> Self {
        Self {
            client: self.client.clone().with_setting("max_execution_time", "0"),
            config: self.config.clone(),
        }
    }

    /// Returns a connection that does not select the database, which may not exist yet.
    pub(crate) fn outside(&self) -> Self {
        Self {
            client: self.client.clone().with_database("system"),
            config: self.config.clone(),
        }
    }

    /// Creates the database if it does not exist.
    pub(crate) async fn create_database(&self) -> Result<(), StoreError> {
        let statement = cluster::database(&self.config);
        self.outside().execute_everywhere(statement).await
    }

    /// Runs a statement on the server of this connection.
    pub(crate) async fn execute(&self, statement: impl Into<Statement>) -> Result<(), StoreError> {
        let statement = statement.into();
        let done = statement.query(&self.client).execute().await;
        done.map_err(|error| self.judge(head(&statement.text()), error))
    }

    /// Runs a statement on all nodes in parallel. With a Keeper the servers distribute it
    /// themselves. Returns the first error after all nodes have responded.
    pub(crate) async fn execute_everywhere(
        &self,
        statement: impl Into<Statement>,
    ) -> Result<(), StoreError> {
        let statement = statement.into();
        if self.config.nodes.is_empty() {
            return self.execute(statement).await;
        }
        let mut nodes = JoinSet::new();
        for node in self.nodes() {
            let statement = statement.clone();
            nodes.spawn(async move { node.execute(statement).await });
        }
        let mut done = Ok(());
        while let Some(ended) = nodes.join_next().await {
            done = done.and(ended.expect("a node's task neither panics nor is cancelled"));
        }
        done
    }

    /// Returns the rows of a query.
    pub(crate) async fn rows<T: RowOwned + RowRead>(
        &self,
        query: impl Into<Statement>,
    ) -> Result<Vec<T>, StoreError> {
        let query = query.into();
        query
            .query(&self.client)
            .with_setting("max_query_size", "1048576")
            .fetch_all()
            .await
            .map_err(|error| self.judge(head(&query.text()), error))
    }

    /// Returns the first row of a query, or the default without a row.
    pub(crate) async fn one<T: RowOwned + RowRead + Default>(
        &self,
        query: impl Into<Statement>,
    ) -> Result<T, StoreError> {
        let rows = self.rows(query).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    pub(crate) fn judge(&self, what: &str, error: ClientError) -> StoreError {
        let cause = shorten(&error.to_string());
        let url = self.config.url.clone();
        match error {
            ClientError::Network(_) | ClientError::TimedOut => StoreError::Unreachable {
                url,
                cause: shorten(&root(&error).to_string()),
            },
            // Error codes for an unknown user, a wrong password and a failed authentication.
            ClientError::BadResponse(_)
                if cause.contains("Code: 516.")
                    || cause.contains("Code: 192.")
                    || cause.contains("Code: 193.") =>
            {
                StoreError::Refused {
                    url,
                    user: self.config.user.clone(),
                }
            }
            ClientError::BadResponse(_)
                if cause.contains("Code: 243.") || cause.contains("No space left on device") =>
            {
                StoreError::DiskFull
            }
            ClientError::BadResponse(_) if is_of_broken_part(&cause) => {
                StoreError::BrokenPart { cause }
            }
            _ => StoreError::Query {
                what: what.to_owned(),
                cause,
            },
        }
    }
}

/// Returns true for the errors of a query that reads a broken part: data that does not fit its
/// checksum, too short, corrupted or missing.
fn is_of_broken_part(cause: &str) -> bool {
    cause.contains(" part ")
        && ["Code: 40.", "Code: 33.", "Code: 246.", "Code: 107."]
            .iter()
            .any(|code| cause.contains(code))
}

/// Returns up to 80 characters of the first line of a statement, to identify it in an error.
pub(crate) fn head(statement: &str) -> &str {
    let line = statement.trim_start().lines().next().unwrap_or_default();
    line.char_indices()
        .nth(80)
        .map_or(line, |(end, _)| &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_part_is_recognized() {
        let of_full_disk = "Code: 246. DB::Exception: Empty marks file '202611_1_117_22/data.cmrk4': 0, must be: 2328: (while reading from part 202611_1_117_22/ in table affluenza.usage_events";
        assert!(is_of_broken_part(of_full_disk));
        let refused =
            "Code: 252. DB::Exception: Too many parts (3001) in table affluenza.usage_events";
        assert!(!is_of_broken_part(refused));
    }
}
