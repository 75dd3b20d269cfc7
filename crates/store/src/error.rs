use thiserror::Error;

/// Error of an operation on ClickHouse.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The server does not respond in time.
    #[error(
        "ClickHouse at {url} does not answer ({cause}): check clickhouse.url and that the server runs"
    )]
    Unreachable {
        /// URL of the server.
        url: String,
        /// Root cause from the client.
        cause: String,
    },
    /// The user name or the password is wrong.
    #[error(
        "ClickHouse at {url} refuses user {user}: check clickhouse.user and clickhouse.password"
    )]
    Refused {
        /// URL of the server.
        url: String,
        /// User name.
        user: String,
    },
    /// The server cannot guarantee exactly-once inserts.
    #[error("ClickHouse {version} cannot keep inserts exactly once: {cause}")]
    Unsuitable {
        /// Version of the server.
        version: String,
        /// Missing requirement and its remedy.
        cause: String,
    },
    /// A migration file differs from the migration that was applied.
    #[error(
        "migration {name} was applied with other contents: a released migration never changes; restore the file, or use a new database"
    )]
    MigrationChanged {
        /// File name of the migration.
        name: String,
    },
    /// The database was migrated by a newer program.
    #[error(
        "the database holds migration {name}, which this program does not know: use a program at least as new as the one that applied it"
    )]
    MigrationUnknown {
        /// File name of the migration.
        name: String,
    },
    /// The database has no schema yet.
    #[error("the database has no schema yet: run `affluenza migrate`")]
    NoSchema,
    /// Tables or views differ from the migrations.
    #[error("{}", faults.join("; "))]
    Schema {
        /// Faults, one sentence for each table or view.
        faults: Vec<String>,
    },
    /// The disk of the server is full.
    #[error(
        "ClickHouse has no room left on its disk: free some, and the insert is tried again; if queries fail afterwards, restart ClickHouse and run `affluenza audit --repair`"
    )]
    DiskFull,
    /// A part of a table is broken.
    #[error(
        "ClickHouse cannot read a part of a table, as after a full disk: restart ClickHouse (on one machine, start `affluenza up` again), then run `affluenza audit --repair`: {cause}"
    )]
    BrokenPart {
        /// Response of the server.
        cause: String,
    },
    /// The operation is not supported in a cluster with a Keeper.
    #[error(
        "{what} is not possible in a cluster with a Keeper (clickhouse.cluster without clickhouse.nodes) yet: see the operator's guide for what to do instead"
    )]
    Cluster {
        /// Requested operation.
        what: &'static str,
    },
    /// A backup with this name already exists.
    #[error("there is a backup {name} already: give another name; nothing was written")]
    BackupThere {
        /// Name of the backup.
        name: String,
    },
    /// The backup with this name is incomplete and no longer being written.
    #[error(
        "backup {name} was cut off: delete its folder on the disk clickhouse.backup_disk, or, without one, in the folder that ClickHouse allows for backups, or take another name; nothing was changed"
    )]
    BackupCutOff {
        /// Name of the backup.
        name: String,
    },
    /// No backup has this name.
    #[error(
        "there is no backup {name}: look at the disk clickhouse.backup_disk, or, without one, at the folder that ClickHouse allows for backups; nothing was changed"
    )]
    NoBackup {
        /// Name of the backup.
        name: String,
    },
    /// The ClickHouse user is not one of `affluenza readers`.
    #[error(
        "ClickHouse user {user} was not created by `affluenza readers create`: take another name; `affluenza readers list` lists those that were"
    )]
    OtherUser {
        /// User name.
        user: String,
    },
    /// The server refused a statement.
    #[error("ClickHouse refused {what}: {cause}")]
    Query {
        /// First words or purpose of the statement.
        what: String,
        /// Message of the server, shortened.
        cause: String,
    },
}

impl StoreError {
    /// Returns true if the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::DiskFull)
            || matches!(self, Self::Query { cause, .. } if passing_code(cause))
    }
}

/// Returns true for temporary server errors: too many parts or queries, memory, timeouts, shutdown,
/// Keeper, an unavailable shard or replica.
fn passing_code(cause: &str) -> bool {
    [
        "Code: 252.",
        "Code: 202.",
        "Code: 241.",
        "Code: 159.",
        "Code: 209.",
        "Code: 210.",
        "Code: 394.",
        "Code: 999.",
        "Code: 242.",
        "Code: 319.",
        "Code: 32.",
        "Code: 203.",
        "Code: 225.",
        "Code: 279.",
        "Code: 285.",
        "Code: 286.",
        // The server is shutting down or has crashed.
        "Code: 236.",
        "Code: 439.",
    ]
    .iter()
    .any(|code| cause.contains(code))
}

/// Returns the root cause. Wrappers of network errors add nothing useful.
pub(crate) fn root<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> &'e (dyn std::error::Error + 'static) {
    let below = std::iter::successors(Some(error), |error| error.source());
    below.last().unwrap_or(error)
}

/// Shortens an error message, which may contain the whole body of an insert, to one line.
pub(crate) fn shorten(text: &str) -> String {
    const KEPT: usize = 400;
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(KEPT)
        .collect();
    line.trim().to_owned()
}
