use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clickhouse::error::Error as ClientError;
use clickhouse::{Client, RowOwned, RowRead};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use crate::cluster::{self, Step};
use crate::error::{root, shorten};
use crate::rebuild::quoted;
use crate::servers::version_trouble;
use crate::{BlockOrigin, Config, FactBlock, LedgerRow, StoreError, ledger, settings};

/// Most identities asked about in one query.
const IDENTITIES_A_QUERY: usize = 5_000;

/// Of what is looked at on every node: one that is away is looked at when it is back.
pub(crate) const LOOK_ROUND: &str = "SETTINGS skip_unavailable_shards = 1";
/// Tokens that a table must remember at least.
const WINDOW_MIN: u64 = 10_000;

/// How many tokens a table remembers, by the statement that created it, and which setting says so.
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

/// Names a block for ever: stream, partition and range of offsets. ClickHouse skips a block
/// whose token it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InsertToken(String);

impl InsertToken {
    /// The token of the block from `first_offset` up to, not including, `next_offset`.
    pub fn of(origin: &BlockOrigin, first_offset: u64, next_offset: u64) -> Self {
        Self(format!(
            "{}/{}/{first_offset}-{next_offset}",
            origin.stream, origin.kafka_partition
        ))
    }

    /// The token of a place in the chain of closed years: of two inserts under it one is stored.
    pub(crate) fn of_seal(number: u32, attempt: u32) -> Self {
        Self(format!("seal-{number}/{attempt}"))
    }

    /// The token of the correction of a month that follows `generation` others.
    pub(crate) fn of_correction(month: u32, generation: u64) -> Self {
        Self(format!("correction/{month}/{generation}"))
    }

    /// The token of what is left of a block when its own is not relied on: `present` of its facts
    /// were found, and the server may have been started since, at `started_at`.
    #[must_use]
    pub fn of_rest(&self, present: u64, started_at: u64) -> Self {
        Self(format!("{}/rest-{present}-{started_at}", self.0))
    }

    /// The token under which missing facts of the block are restored for the `time`th time. Two
    /// who restore the same facts at once use the same token.
    #[must_use]
    pub fn of_repair(&self, time: u64) -> Self {
        Self(format!("{}/repair-{time}", self.0))
    }

    /// A token of its moment, for a ledger row that replaces another: the newest row of a block
    /// holds, so a repetition does no harm.
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

/// Facts among which the original of an event is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Those of about the same time: few are read. A copy has the time of its original, unless its
    /// producer stamped it again.
    Same,
    /// All: the identities of all facts are read.
    Any,
}

/// A connection to ClickHouse.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) config: Config,
}

impl Store {
    /// Prepares a connection; nothing is sent yet.
    pub fn new(config: &Config) -> Self {
        let mut client = Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_password(config.password.expose_secret())
            .with_database(&config.database)
            .with_compression(clickhouse::Compression::None)
            .with_setting("max_execution_time", config.query_seconds_max.to_string())
            // By itself ClickHouse plans with statistics of columns, for which it may look into every
            // part anew: on parts that had just been made a year of months took 32 ms instead of 11.
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

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.config.database
    }

    /// Asks for the server's version and fails if it is too old to keep inserts exactly once.
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

    /// Fails when the server would not keep blocks exactly once: a setting that goes with each
    /// insert is fixed to another value, a table remembers too few tokens, or its clock is far
    /// from this machine's. Asked when a consumer starts.
    pub async fn check_guards(&self) -> Result<(), StoreError> {
        let version = self.check_server().await?;
        let unsuitable = |cause: String| StoreError::Unsuitable {
            version: version.clone(),
            cause,
        };
        let names: Vec<String> = settings::INSERT
            .iter()
            .map(|(name, _)| format!("'{name}'"))
            .collect();
        let fixed: Vec<(String, String)> = self
            .rows(&format!(
                "SELECT name, value FROM {} WHERE readonly AND name IN ({}) {LOOK_ROUND}",
                self.of_all_nodes("system.settings"),
                names.join(", ")
            ))
            .await?;
        for (name, value) in fixed {
            if settings::INSERT
                .iter()
                .any(|(pinned, wanted)| *pinned == name && *wanted != value)
            {
                return Err(unsuitable(format!(
                    "setting {name} is fixed to {value}: lift the constraint for this user"
                )));
            }
        }
        let named = ["usage_events", "usage_hourly", "ingest_ledger"];
        let tables = self.definitions_of(&named).await?;
        if tables.len() as u64 != named.len() as u64 * self.nodes_that_answer().await? {
            return Err(unsuitable(format!(
                "a node of the cluster has no tables in {} yet: name it in clickhouse.nodes, if you name nodes, and run `affluenza migrate`",
                self.database()
            )));
        }
        for (name, statement) in tables {
            let (window_name, window) = deduplication_window(&statement);
            if window < WINDOW_MIN {
                return Err(unsuitable(format!(
                    "table {name} remembers the tokens of {window} inserts, {WINDOW_MIN} are needed: ALTER TABLE {name} MODIFY SETTING {window_name} = 100000"
                )));
            }
        }
        if let Some(table) = self.foreign_ttl().await? {
            return Err(unsuitable(format!(
                "table {table} has a TTL that was not set by `affluenza migrate`, so expired rows would be taken for lost ones: ALTER TABLE {table} REMOVE TTL, and set retention.facts_months"
            )));
        }
        self.check_servers().await
    }

    /// For how many seconds a token is remembered at the present rate of inserts, if each touches
    /// the twelve months of a year; none without inserts in the last ten minutes.
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

    /// What made the tables of these names that hold rows, on every node that answers: name and statement.
    pub(crate) async fn definitions_of(
        &self,
        tables: &[&str],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let names: Vec<String> = tables
            .iter()
            .map(|table| quoted(&self.held(table)))
            .collect();
        self.rows(&format!(
            "SELECT name, create_table_query FROM {} WHERE database = {} AND name IN ({}) {LOOK_ROUND}",
            self.of_all_nodes("system.tables"),
            quoted(self.database()),
            names.join(", ")
        ))
        .await
    }

    /// How many servers there are, not counting those that are away.
    pub(crate) async fn nodes_that_answer(&self) -> Result<u64, StoreError> {
        let one = self.of_all_nodes("system.one");
        self.count(&format!("SELECT count() FROM {one} {LOOK_ROUND}"))
            .await
    }

    /// Writes a block of facts, and with it every aggregate. Writing a block again under the
    /// same token changes nothing.
    pub async fn insert_facts(&self, block: Bytes, token: &InsertToken) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO usage_events ({}) FORMAT Native",
            FactBlock::columns()
        );
        self.insert("usage_events", statement, block, token).await
    }

    /// Writes a row of the ledger, once for its token.
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
            // The server gives up before this side does, so that a block is never still being
            // written while it is sent again.
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
        let what = || format!("the insert into {table}");
        insert
            .send(body)
            .await
            .map_err(|error| self.judge(&what(), error))?;
        insert
            .end()
            .await
            .map_err(|error| self.judge(&what(), error))
    }

    /// Identities of `events` that a fact has which comes before a block of `origin` that begins at
    /// `first_offset`: a fact of another log, of a partition with a smaller number, or of the same
    /// partition at an earlier offset. Facts that come later are copies, and give way (`copies.rs`).
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
            let list: Vec<String> = chunk
                .iter()
                .map(|(_, identity)| identity.to_string())
                .collect();
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
                list.join(","),
                origin.stream,
                partition = origin.kafka_partition,
            );
            found.extend(self.rows::<u64>(&query).await?);
        }
        Ok(found)
    }

    /// Event time and identity of the facts of a partition before `before_offset`, newest event
    /// first, at most `limit`.
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

    /// The newest event, in milliseconds since 1970, that came from another log than `stream`, or
    /// from any log at all.
    pub async fn newest_event(&self, except: Option<&str>) -> Result<Option<i64>, StoreError> {
        let condition = except.map_or("1".to_owned(), |stream| format!("stream != '{stream}'"));
        let newest: Vec<i64> = self
            .rows(&format!(
                "SELECT toUnixTimestamp64Milli(max(time)) FROM usage_events WHERE {condition} HAVING count() > 0"
            ))
            .await?;
        Ok(newest.first().copied())
    }

    /// The one number that `query` answers with.
    pub async fn count(&self, query: &str) -> Result<u64, StoreError> {
        let counts: Vec<u64> = self.rows(query).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    /// The same server without a bound for the time of a statement: a change of a large table may
    /// wait for merges and take long.
    pub(crate) fn patient(&self) -> Self {
        Self {
            client: self.client.clone().with_setting("max_execution_time", "0"),
            config: self.config.clone(),
        }
    }

    /// Runs one statement, as an administrator would.
    pub async fn run_statement(&self, statement: &str) -> Result<(), StoreError> {
        self.execute(statement).await
    }

    /// How far ledger and facts of a log reach, by partition: one past the last offset dealt with.
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

    /// The logs that the ledger has blocks of.
    pub async fn streams(&self) -> Result<Vec<String>, StoreError> {
        self.rows("SELECT DISTINCT toString(stream) FROM ingest_ledger ORDER BY 1")
            .await
    }

    /// How many facts one import left in the given ranges of offsets (partition, first, last).
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

    /// Runs a statement, in a cluster on every node if it makes or changes tables.
    pub(crate) async fn execute(&self, statement: &str) -> Result<(), StoreError> {
        for step in cluster::steps(statement, &self.config) {
            match step {
                Step::Once(text) => self.run_here(&self.client, &text).await?,
                Step::Everywhere(text) => self.run_everywhere(&self.client, &text).await?,
            }
        }
        Ok(())
    }

    /// Makes the database, where it is not there yet.
    pub(crate) async fn create_database(&self) -> Result<(), StoreError> {
        self.run_outside(&cluster::database(&self.config)).await
    }

    /// Runs a statement on every node, outside the database, which may not exist yet.
    pub(crate) async fn run_outside(&self, statement: &str) -> Result<(), StoreError> {
        self.run_everywhere(&self.outside(), statement).await
    }

    /// Runs a statement on every node at once: of a cluster with a Keeper the servers see to that
    /// themselves. Returns when each has answered; the first error is that of all.
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

    /// Runs a statement as it stands, on the server that is asked.
    pub(crate) async fn run_alone(&self, statement: &str) -> Result<(), StoreError> {
        self.run_here(&self.client, statement).await
    }

    async fn run_here(&self, client: &Client, statement: &str) -> Result<(), StoreError> {
        Self::run(client, statement)
            .await
            .map_err(|error| self.judge(head(statement), error))
    }

    /// Rows of a question outside the database, which may not exist yet.
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
            // Unknown user, wrong password, authentication failed.
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
            _ => StoreError::Query {
                what: what.to_owned(),
                cause,
            },
        }
    }
}

/// The first words of a statement, to name it in an error.
fn head(statement: &str) -> &str {
    let line = statement.trim_start().lines().next().unwrap_or_default();
    line.char_indices()
        .nth(80)
        .map_or(line, |(end, _)| &line[..end])
}
