use thiserror::Error;

/// What can go wrong with ClickHouse.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It does not answer, or not in time.
    #[error(
        "ClickHouse at {url} does not answer ({cause}): check clickhouse.url and that the server runs"
    )]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the client said.
        cause: String,
    },
    /// The user or its password is wrong.
    #[error(
        "ClickHouse at {url} refuses user {user}: check clickhouse.user and clickhouse.password"
    )]
    Refused {
        /// Where.
        url: String,
        /// Who.
        user: String,
    },
    /// The server lacks what deduplication rests on.
    #[error("ClickHouse {version} cannot keep inserts exactly once: {cause}")]
    Unsuitable {
        /// Its version.
        version: String,
        /// What it lacks, and the mend.
        cause: String,
    },
    /// A migration file differs from what was applied.
    #[error(
        "migration {name} was applied with other contents: a released migration never changes; restore the file, or use a new database"
    )]
    MigrationChanged {
        /// Its file name.
        name: String,
    },
    /// The database was migrated by a newer program.
    #[error(
        "the database holds migration {name}, which this program does not know: use a program at least as new as the one that applied it"
    )]
    MigrationUnknown {
        /// Its file name.
        name: String,
    },
    /// The schema is not there yet.
    #[error("the database has no schema yet: run `affluenza migrate`")]
    NoSchema,
    /// Tables or views are not as the migrations made them.
    #[error("{}", faults.join("; "))]
    Schema {
        /// What is wrong, one sentence a table or view.
        faults: Vec<String>,
    },
    /// The disk of the server is full.
    #[error(
        "ClickHouse has no room left on its disk: free some; nothing is lost, the insert is tried again"
    )]
    DiskFull,
    /// What has to be done node by node.
    #[error(
        "{what} is not possible in a cluster with a Keeper (clickhouse.cluster without clickhouse.nodes) yet: see the operator's guide for what to do instead"
    )]
    Cluster {
        /// What was asked for.
        what: &'static str,
    },
    /// A backup of that name is there.
    #[error("there is a backup {name} already: give another name; nothing was written")]
    BackupThere {
        /// Its name.
        name: String,
    },
    /// A backup of that name is not whole, and nobody writes it.
    #[error(
        "backup {name} was cut off: delete its folder on the disk clickhouse.backup_disk, or, without one, in the folder that ClickHouse allows for backups, or take another name; nothing was changed"
    )]
    BackupCutOff {
        /// Its name.
        name: String,
    },
    /// A backup of that name is not there.
    #[error(
        "there is no backup {name}: look at the disk clickhouse.backup_disk, or, without one, at the folder that ClickHouse allows for backups; nothing was changed"
    )]
    NoBackup {
        /// Its name.
        name: String,
    },
    /// The server refused a statement.
    #[error("ClickHouse refused {what}: {cause}")]
    Query {
        /// Which statement.
        what: String,
        /// What the server said, cut.
        cause: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later, as it is.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::DiskFull)
            || matches!(self, Self::Query { cause, .. } if passing_code(cause))
    }
}

/// Server errors that pass: too many parts or queries, memory, timeouts, shutting down, keeper, a
/// shard or a replica that is away.
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
        // A server that ends, in order or by a fault of its own.
        "Code: 236.",
        "Code: 439.",
    ]
    .iter()
    .any(|code| cause.contains(code))
}

/// What an error rests on: of one of the network, what comes above says little more than that it is one.
pub(crate) fn root<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> &'e (dyn std::error::Error + 'static) {
    let below = std::iter::successors(Some(error), |error| error.source());
    below.last().unwrap_or(error)
}

/// An error of the server can carry the whole body of an insert: only its head is kept.
pub(crate) fn shorten(text: &str) -> String {
    const KEPT: usize = 400;
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(KEPT)
        .collect();
    line.trim().to_owned()
}
