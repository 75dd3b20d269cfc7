use affluenza_bus::BusError;
use affluenza_store::StoreError;
use thiserror::Error;

use crate::PipelineError;

/// What stops a rebuild.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// Kafka.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or reconciling.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The facts of all that was asked for may be gone.
    #[error(
        "facts are sure to be there from {kept_from} on only: what is older stays in the aggregates as it is, and cannot be made anew"
    )]
    BeyondRetention {
        /// First month whose facts are kept, as `YYYYMM`.
        kept_from: u32,
    },
    /// Another rebuild has not ended.
    #[error(
        "rebuild {id} is unfinished: `{command}` goes on with it, and --abandon gives it up first"
    )]
    Unfinished {
        /// The other run.
        id: String,
        /// What resumes it.
        command: String,
    },
    /// A process does it right now.
    #[error("rebuild {id} is being done by process {owner}: wait until it ends")]
    Running {
        /// The other run.
        id: String,
        /// Host, process and its start.
        owner: String,
    },
    /// Another host has begun it.
    #[error(
        "rebuild {id} was begun on another host, by process {owner}: go on there, or, if that one has ended, give it up with --abandon"
    )]
    Elsewhere {
        /// The other run.
        id: String,
        /// Host, process and its start.
        owner: String,
    },
    /// The register or the rules are others than at the start.
    #[error(
        "rebuild {id} began with rules {begun}, but they are {now} now: go on with the register of then, or give it up with --abandon"
    )]
    OtherRules {
        /// The run.
        id: String,
        /// Rules at its start.
        begun: String,
        /// Rules of now.
        now: String,
    },
    /// The facts are not what the ledger says.
    #[error(
        "{blocks} place(s) where the facts are not what the ledger says, the first in partition {partition} at offset {offset}: mend them with `affluenza audit --repair`, and try again"
    )]
    Unbalanced {
        /// How many.
        blocks: usize,
        /// Partition of the first.
        partition: u32,
        /// Its offset.
        offset: u64,
    },
    /// A block waits for a consumer.
    #[error(
        "partition {partition}: a block up to {end} was begun and is not finished: start `affluenza consume`, and try again"
    )]
    BlockPending {
        /// Which partition.
        partition: i32,
        /// End of the block.
        end: i64,
    },
    /// The shadow does not get complete.
    #[error(
        "month {month}: what was made anew is not what the facts give, at {attempts} attempts; nothing of it was put in place, see `affluenza audit`"
    )]
    NotWhole {
        /// Which month.
        month: u32,
        /// How often it was tried.
        attempts: u32,
    },
    /// It was begun and has not come to its end.
    #[error("{cause}; the same command goes on with rebuild {id}, and --abandon gives it up")]
    Interrupted {
        /// The run.
        id: String,
        /// What happened.
        cause: Box<RebuildError>,
    },
    /// Another process gave it up.
    #[error("rebuild {id} was given up by another process")]
    GivenUp {
        /// The run.
        id: String,
    },
}
