use affluenza_kafka::BusError;
use affluenza_store::StoreError;
use thiserror::Error;

use crate::PipelineError;

/// Error that stops a rebuild.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// Error of Kafka.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Error of ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Error of the replay or of a reconciliation.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The register or the rules cannot be read.
    #[error("{0}")]
    Rules(String),
    /// Another rebuild is unfinished.
    #[error("rebuild {id} is unfinished: `{command}` continues it, and --abandon cancels it first")]
    Unfinished {
        /// Id of the rebuild.
        id: String,
        /// Command that continues it.
        command: String,
    },
    /// An erasure is unfinished: a rebuild could bring its events back.
    #[error("erasure {id} of {ente} is unfinished: run its `affluenza erase` again, and then this")]
    Erasing {
        /// Id of the erasure.
        id: String,
        /// Public body of the events.
        ente: String,
    },
    /// Another process is running the rebuild.
    #[error("rebuild {id} is being run by process {owner}: wait until it ends")]
    Running {
        /// Id of the rebuild.
        id: String,
        /// Host, process id and start of the process.
        owner: String,
    },
    /// The rebuild was begun on another host.
    #[error(
        "rebuild {id} was begun on another host, by process {owner}: continue it there, or, if that process has ended, cancel it with --abandon"
    )]
    Elsewhere {
        /// Id of the rebuild.
        id: String,
        /// Host, process id and start of the process.
        owner: String,
    },
    /// Register or rules have changed since the rebuild began.
    #[error(
        "rebuild {id} began with rules {begun}, but they are {now} now: continue it with that earlier register, or cancel it with --abandon"
    )]
    OtherRules {
        /// Id of the rebuild.
        id: String,
        /// Version of the rules at the start.
        begun: String,
        /// Present version of the rules.
        now: String,
    },
    /// The facts differ from the ledger.
    #[error(
        "{blocks} block(s) whose facts differ from the ledger, the first in partition {partition} at offset {offset}: repair them with `affluenza audit --repair`, and try again"
    )]
    Unbalanced {
        /// Number of blocks that differ.
        blocks: usize,
        /// Partition of the first block.
        partition: u32,
        /// Offset of the first block.
        offset: u64,
    },
    /// The replayed data do not balance.
    #[error("the replayed data do not balance, and nothing was replaced: {cause}")]
    NotWhole {
        /// First difference.
        cause: String,
    },
    /// A filled table is in neither database.
    #[error(
        "the rebuilt table {table} is gone, as after a restore: run `affluenza audit`, cancel the rebuild with --abandon, and begin again"
    )]
    TableGone {
        /// Name of the table.
        table: String,
    },
    /// The consumers did not pause.
    #[error(
        "the tables were not exchanged in {attempts} attempts, {cause}: check that the consumers run"
    )]
    NoPause {
        /// Number of attempts.
        attempts: u32,
        /// Cause of the last failure.
        cause: String,
    },
    /// The log loses records faster than they are copied.
    #[error(
        "the log lost records while they were copied, in {attempts} attempts: keep records in the topic for longer (retention.ms)"
    )]
    LogMoves {
        /// Number of attempts.
        attempts: u32,
    },
    /// Another process has taken the rebuild over or cancelled it.
    #[error("rebuild {id} was cancelled or taken over by another process")]
    GivenUp {
        /// Id of the rebuild.
        id: String,
    },
    /// The rebuild was interrupted and can be resumed.
    #[error("{cause}; the same command continues rebuild {id}, and --abandon cancels it")]
    Interrupted {
        /// Id of the rebuild.
        id: String,
        /// Root cause.
        cause: Box<RebuildError>,
    },
}
