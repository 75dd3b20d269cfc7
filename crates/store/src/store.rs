use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clickhouse::error::Error as ClientError;
use clickhouse::{Client, RowOwned, RowRead};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use crate::cluster;
use crate::error::{root, shorten};
use crate::servers::version_trouble;
use crate::sql::{joined, quoted};
use crate::{BlockOrigin, Config, FactBlock, LedgerRow, StoreError, ledger, settings};

/// Maximum number of identities in one query.
const IDENTITIES_A_QUERY: usize = 5_000;

/// Skips unavailable nodes in checks; they are checked when they return.
pub(crate) const SKIP_UNAVAILABLE: &str = "SETTINGS skip_unavailable_shards = 1";
/// Minimum number of tokens that a table must remember.
const WINDOW_MIN: u64 = 10_000;

/// Returns the setting and the number of tokens that a table remembers, from its CREATE statement.
pub(crate) fn deduplication_window(statement: &str) -> (&'static str, u64) {
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

/// Permanent name of a block: stream, partition and range of offsets. ClickHouse skips a block
/// whose token it remembers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InsertToken(String);

impl InsertToken {
    /// Returns the token of the block with the offsets from `first_offset` to before `next_offset`.
    pub fn of(origin: &BlockOrigin, first_offset: u64, next_offset: u64) -> Self {
        Self(format!(
            "{}/{}/{first_offset}-{next_offset}",
            origin.stream, origin.kafka_partition
        ))
    }

    /// Returns the token of a position in the chain of seals. Only one insert per position is
    /// stored.
    pub(crate) fn of_seal(number: u32, attempt: u32) -> Self {
        Self(format!("seal-{number}/{attempt}"))
    }

    /// Returns the token of a month's correction after `generation` earlier ones.
    pub(crate) fn of_correction(month: u32, generation: u64) -> Self {
        Self(format!("correction/{month}/{generation}"))
    }

    /// Returns the token for the missing rest of a block whose own token is not reliable.
    /// `started_at` is the last start of the server.
    ///
    /// ClickHouse inserts a block as one part a month, and compares tokens for each month. Rests of
    /// one block therefore have one token until the server restarts, whatever they contain: a
    /// month that one attempt inserts late is not inserted again by the next.
    #[must_use]
    pub fn of_rest(&self, started_at: u64) -> Self {
        Self(format!("{}/rest-{started_at}", self.0))
    }

    /// Returns the token of a repeated insert into a table in which a repeated row changes nothing.
    #[must_use]
    pub fn of_repeat(&self, attempt: u64, at: u64) -> Self {
        Self(format!("{}/repeat-{attempt}-{at}", self.0))
    }

    /// Returns the token of the repair number `time` of the block. Two processes that restore the
    /// same facts use the same token.
    #[must_use]
    pub fn of_repair(&self, time: u64) -> Self {
        Self(format!("{}/repair-{time}", self.0))
    }

    /// Returns a unique token for a replaced ledger row. The newest row of a block is valid, so a
    /// repeated insert does no harm.
    #[must_use]
    pub fn of_recount(&self) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = since.map_or(0, |since| since.as_micros());
        Self(format!("{}/recount-{at}", self.0))
    }
}

impl fmt::Display for InsertToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Facts searched for the original of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Facts within the time range of the events, which are few. A copy has the time of its
    /// original, unless its producer changed the timestamp.
    Same,
    /// All facts. The query reads every identity.
    Any,
}

/// A connection to ClickHouse.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) config: Config,
}

impl Store {
    /// Prepares a connection without connecting.
    pub fn new(config: &Config) -> Self {
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
    pub fn database(&self) -> &str {
        &self.config.database
    }

    /// Returns the server's version. Fails if it is too old for exactly-once inserts, or if the
    /// cluster is not suitable.
    pub async fn check_server(&self) -> Result<String, StoreError> {
        let version = self.version().await?;
        if let Some(cause) = version_trouble(&version) {
            return Err(StoreError::Unsuitable { version, cause });
        }
        self.check_cluster().await?;
        Ok(version)
    }

    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        let versions: Vec<String> = self.outside_rows("SELECT version()").await?;
        Ok(versions.into_iter().next().unwrap_or_default())
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
        let names: Vec<String> = settings::INSERT
            .iter()
            .map(|(name, _)| format!("'{name}'"))
            .collect();
        let fixed: Vec<(String, String)> = self
            .rows(&format!(
                "SELECT name, value FROM {} WHERE readonly AND name IN ({}) {SKIP_UNAVAILABLE}",
                self.of_all_nodes("system.settings"),
                names.join(", ")
            ))
            .await?;
        for (name, value) in fixed {
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
        let tables = self.definitions_of(&named).await?;
        if tables.len() as u64 != named.len() as u64 * self.nodes_that_answer().await? {
            return Ok(Some(format!(
                "a node of the cluster has no tables in {} yet: name it in clickhouse.nodes, if you name nodes, and run `affluenza migrate`",
                self.database()
            )));
        }
        for (name, statement) in tables {
            let (window_name, window) = deduplication_window(&statement);
            if window < WINDOW_MIN {
                return Ok(Some(format!(
                    "table {name} remembers the tokens of {window} inserts, {WINDOW_MIN} are needed: ALTER TABLE {name} MODIFY SETTING {window_name} = 100000"
                )));
            }
        }
        let table = self.foreign_ttl().await?;
        Ok(table.map(|table| format!(
            "table {table} has a TTL that was not set by `affluenza migrate`, so expired rows would be taken for lost ones: ALTER TABLE {table} REMOVE TTL, and set retention.facts_months"
        )))
    }

    /// Returns for how many seconds a token is remembered at the current insert rate. Assumes that
    /// each insert contains the twelve months of a year. `None` without inserts in the last ten
    /// minutes.
    pub async fn token_memory_seconds(&self) -> Result<Option<u64>, StoreError> {
        let blocks = self
            .count(
                "SELECT count() FROM ingest_ledger WHERE written_at >= now() - INTERVAL 10 MINUTE",
            )
            .await?;
        let tables = self.definitions_of(&["usage_events"]).await?;
        let windows = tables
            .iter()
            .map(|(_, statement)| deduplication_window(statement).1);
        let window = windows.min().unwrap_or(0);
        Ok((window * 600).checked_div(blocks * 12))
    }

    /// Returns name and CREATE statement of the local tables with these names, on every node that
    /// responds.
    pub(crate) async fn definitions_of(
        &self,
        tables: &[&str],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let names: Vec<String> = tables
            .iter()
            .map(|table| quoted(&self.held(table)))
            .collect();
        self.rows(&format!(
            "SELECT name, create_table_query FROM {} WHERE database = {} AND name IN ({}) {SKIP_UNAVAILABLE}",
            self.of_all_nodes("system.tables"),
            quoted(self.database()),
            names.join(", ")
        ))
        .await
    }

    /// Returns the number of servers that respond.
    pub(crate) async fn nodes_that_answer(&self) -> Result<u64, StoreError> {
        let one = self.of_all_nodes("system.one");
        self.count(&format!("SELECT count() FROM {one} {SKIP_UNAVAILABLE}"))
            .await
    }

    /// Inserts a block of facts, and through the view its aggregates. Repeating it with the same
    /// token has no effect.
    pub async fn insert_facts(&self, block: Bytes, token: &InsertToken) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO usage_events ({}) FORMAT Native",
            FactBlock::columns()
        );
        self.insert("usage_events", statement, block, token).await
    }

    /// Inserts a row of the ledger, once per token.
    pub async fn insert_ledger(
        &self,
        row: &LedgerRow,
        token: &InsertToken,
    ) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO ingest_ledger ({}) FORMAT RowBinary",
            ledger::COLUMNS
        );
        let bytes = row.encode();
        self.insert("ingest_ledger", statement, bytes.into(), token)
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

    /// Returns the number of inserts of a block that servers are still executing. A client that no
    /// longer waits for an insert does not end it.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn running_inserts(&self, token: &InsertToken) -> Result<u64, StoreError> {
        let token = quoted(&token.0);
        self.count(&format!(
            "SELECT count() FROM {} WHERE Settings['insert_deduplication_token'] = {token}
             OR startsWith(Settings['insert_deduplication_token'], concat({token}, '/')) {SKIP_UNAVAILABLE}",
            self.of_all_nodes("system.processes")
        ))
        .await
    }

    /// Returns the identities of `events` that already exist in an earlier fact. A fact is earlier
    /// if it comes from another log, a partition with a smaller number, or a smaller offset of the
    /// same partition. The block begins at `first_offset` of `origin`. Later facts are copies,
    /// which are removed (`copies.rs`).
    pub async fn stored_before(
        &self,
        origin: &BlockOrigin,
        first_offset: u64,
        events: &[(i64, u64)],
        times: Times,
    ) -> Result<HashSet<u64>, StoreError> {
        let mut found = HashSet::new();
        for chunk in events.chunks(IDENTITIES_A_QUERY) {
            let (Some(first), Some(last)) = (
                chunk.iter().map(|(time, _)| *time).min(),
                chunk.iter().map(|(time, _)| *time).max(),
            ) else {
                continue;
            };
            let identities = chunk.iter().map(|(_, identity)| identity.to_string());
            let of_times = match times {
                Times::Same => format!(
                    "time BETWEEN fromUnixTimestamp64Milli({first}, 'UTC') AND fromUnixTimestamp64Milli({last}, 'UTC')"
                ),
                Times::Any => "1".to_owned(),
            };
            let query = format!(
                "SELECT DISTINCT identity FROM usage_events
                 WHERE {of_times} AND identity IN ({})
                   AND (stream != '{}' OR kafka_partition < {partition} OR (kafka_partition = {partition} AND kafka_offset < {first_offset}))",
                joined(identities),
                origin.stream,
                partition = origin.kafka_partition,
            );
            found.extend(self.rows::<u64>(&query).await?);
        }
        Ok(found)
    }

    /// Returns event time and identity of the facts of a partition before `before_offset`: at most
    /// `limit`, newest event first.
    pub async fn newest_identities(
        &self,
        origin: &BlockOrigin,
        before_offset: u64,
        limit: usize,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.rows(&format!(
            "SELECT toUnixTimestamp64Milli(time) AS time_ms, identity FROM usage_events
             WHERE stream = '{}' AND kafka_partition = {} AND kafka_offset < {before_offset}
             ORDER BY time DESC LIMIT {limit}",
            origin.stream, origin.kafka_partition
        ))
        .await
    }

    /// Returns the time of the newest event, in milliseconds since 1970. Facts of the log `except`
    /// are ignored.
    pub async fn newest_event(&self, except: Option<&str>) -> Result<Option<i64>, StoreError> {
        let condition = except.map_or("1".to_owned(), |stream| format!("stream != '{stream}'"));
        let newest: Vec<i64> = self
            .rows(&format!(
                "SELECT toUnixTimestamp64Milli(max(time)) FROM usage_events WHERE {condition} HAVING count() > 0"
            ))
            .await?;
        Ok(newest.first().copied())
    }

    /// Returns the single number that `query` selects; 0 without a row.
    pub async fn count(&self, query: &str) -> Result<u64, StoreError> {
        let counts: Vec<u64> = self.rows(query).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    /// Returns a connection without a time limit, because changes of a large table may wait for
    /// merges.
    pub(crate) fn patient(&self) -> Self {
        Self {
            client: self.client.clone().with_setting("max_execution_time", "0"),
            config: self.config.clone(),
        }
    }

    /// Runs one statement on the server of this connection, on behalf of an administrator.
    pub async fn run_statement(&self, statement: &str) -> Result<(), StoreError> {
        self.execute(statement).await
    }

    /// Returns the end of the ledger and the facts of a log by partition, as the next offset.
    pub async fn ledger_ends(&self, stream: &str) -> Result<BTreeMap<u32, u64>, StoreError> {
        let query = format!(
            "SELECT toUInt32(kafka_partition), max(reached) FROM (
                SELECT kafka_partition, next_offset AS reached FROM ingest_ledger WHERE stream = '{stream}'
                UNION ALL
                SELECT kafka_partition, max(kafka_offset) + 1 FROM usage_events WHERE stream = '{stream}' GROUP BY kafka_partition)
             GROUP BY kafka_partition"
        );
        let ends: Vec<(u32, u64)> = self.rows(&query).await?;
        Ok(ends.into_iter().collect())
    }

    /// Returns the logs in the ledger.
    pub async fn streams(&self) -> Result<Vec<String>, StoreError> {
        self.rows("SELECT DISTINCT toString(stream) FROM ingest_ledger ORDER BY 1")
            .await
    }

    /// Returns the number of facts of an import in the given ranges of offsets (partition, first,
    /// last).
    pub async fn stored_imports(
        &self,
        stream: &str,
        ente: &str,
        portal: &str,
        ranges: &[(u32, u64, u64)],
    ) -> Result<u64, StoreError> {
        if ranges.is_empty() {
            return Ok(0);
        }
        let places: Vec<String> = ranges
            .iter()
            .map(|(partition, first, last)| {
                format!(
                    "(kafka_partition = {partition} AND kafka_offset BETWEEN {first} AND {last})"
                )
            })
            .collect();
        let query = format!(
            "SELECT count() FROM usage_events WHERE stream = ? AND ente = ? AND portal = ? AND channel = 'import' AND ({})",
            places.join(" OR ")
        );
        self.client
            .query(&query)
            .bind(stream)
            .bind(ente)
            .bind(portal)
            .fetch_one()
            .await
            .map_err(|error| self.judge("the count of imported events", error))
    }

    /// Runs a statement on the server of this connection.
    pub(crate) async fn execute(&self, statement: &str) -> Result<(), StoreError> {
        self.run_here(&self.client, statement).await
    }

    /// Runs a statement on every node.
    pub(crate) async fn execute_everywhere(&self, statement: &str) -> Result<(), StoreError> {
        self.run_everywhere(&self.client, statement).await
    }

    /// Creates the database if it does not exist.
    pub(crate) async fn create_database(&self) -> Result<(), StoreError> {
        self.run_outside(&cluster::database(&self.config)).await
    }

    /// Runs a statement on every node, without selecting the database, which may not exist yet.
    pub(crate) async fn run_outside(&self, statement: &str) -> Result<(), StoreError> {
        self.run_everywhere(&self.outside(), statement).await
    }

    /// Runs a statement on all nodes in parallel. With a Keeper the servers distribute it
    /// themselves. Returns the first error after all nodes have responded.
    async fn run_everywhere(&self, client: &Client, statement: &str) -> Result<(), StoreError> {
        if self.config.nodes.is_empty() {
            return self.run_here(client, statement).await;
        }
        let mut nodes = JoinSet::new();
        for node in self.nodes() {
            let client = client.clone().with_url(&node.config.url);
            let statement = statement.to_owned();
            nodes.spawn(async move { node.run_here(&client, &statement).await });
        }
        let mut done = Ok(());
        while let Some(ended) = nodes.join_next().await {
            done = done.and(ended.expect("a node's task neither panics nor is cancelled"));
        }
        done
    }

    async fn run_here(&self, client: &Client, statement: &str) -> Result<(), StoreError> {
        Self::run(client, statement)
            .await
            .map_err(|error| self.judge(head(statement), error))
    }

    /// Returns the rows of a query without selecting the database, which may not exist yet.
    pub(crate) async fn outside_rows<T: RowOwned + RowRead>(
        &self,
        query: &str,
    ) -> Result<Vec<T>, StoreError> {
        self.outside()
            .query_raw(query)
            .fetch_all()
            .await
            .map_err(|error| self.judge(head(query), error))
    }

    async fn run(client: &Client, statement: &str) -> Result<(), ClientError> {
        client.query_raw(statement).execute().await
    }

    pub(crate) fn outside(&self) -> Client {
        self.client.clone().with_database("system")
    }

    pub(crate) async fn rows<T: RowOwned + RowRead>(
        &self,
        query: &str,
    ) -> Result<Vec<T>, StoreError> {
        self.client
            .query_raw(query)
            .with_setting("max_query_size", "1048576")
            .fetch_all()
            .await
            .map_err(|error| self.judge(head(query), error))
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
fn head(statement: &str) -> &str {
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
