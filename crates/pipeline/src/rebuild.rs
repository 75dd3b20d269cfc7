//! Rebuilds history during operation: the aggregate from the facts, or the facts from the log,
//! under the present register and rules.
//!
//! For each month, a shadow table is filled, verified, compared with the present data and swapped
//! in. A swap loses what was ingested between filling and swap. [`crate::reconcile`], called last,
//! restores it from the log. So a rebuild may need the log, but only for its last minutes.
//!
//! **A rebuild never decides which events are facts: it moves facts, and neither adds nor drops any.**
//! **Only settled facts are rebuilt: a block that may be written again is left to its consumer.**
//! **Every step can be repeated: a resumed rebuild reads what exists and adds what is missing.**

mod aggregates;
mod begin;
mod blocks;
mod codes;
mod error;
mod facts;
mod fill;
mod settle;

use std::ops::RangeInclusive;
use std::time::Instant;

use affluenza_kafka::Config as BusConfig;
use affluenza_register::Register;
use affluenza_store::rebuild::{FactSource, Phase, RebuildChange, Run, What};
use affluenza_store::{Rebuilds, Store};
use serde::Serialize;

use crate::Classifier;

use blocks::Blocks;

pub use error::RebuildError;
pub use settle::Afterwards;

/// Maximum attempts to fill a month.
const ATTEMPTS: u32 = 3;

/// Parameters of a rebuild.
#[derive(Debug, Clone)]
pub struct RebuildRequest {
    /// Tables to rebuild.
    pub what: What,
    /// Months, as `YYYYMM`, both ends included.
    pub months: RangeInclusive<u32>,
    /// The months as typed by the operator. Empty: all months.
    pub period: String,
    /// True to only fill, verify and compare, without a swap.
    pub dry_run: bool,
    /// True to abandon an unfinished rebuild first.
    pub abandon: bool,
    /// Identifies this process: host, process id and its start.
    pub owner: String,
    /// Returns whether the process of this owner is running; `None` if this host cannot know.
    pub is_alive: fn(&str) -> Option<bool>,
}

/// Connections and tools of a rebuild.
pub struct Tools<'t> {
    /// Connection to ClickHouse.
    pub store: &'t Store,
    /// Connection settings of Kafka.
    pub bus: &'t BusConfig,
    /// Classifies records that are read from the log.
    pub classifier: &'t mut Classifier,
    /// Register of the classifier, for facts that are copied.
    pub register: &'t Register,
    /// Called with each step of progress.
    pub watch: &'t mut dyn FnMut(Step),
}

/// Progress of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An interrupted rebuild was resumed.
    Resumed {
        /// Id of the run.
        id: String,
    },
    /// Facts are being written to the shadow.
    Filling {
        /// Facts written so far.
        done: u64,
        /// Facts to write in total.
        total: u64,
    },
    /// A month is filled, verified and compared.
    Ready {
        /// Month, as `YYYYMM`.
        month: u32,
    },
    /// A month was swapped in.
    Swapped {
        /// Month, as `YYYYMM`.
        month: u32,
    },
    /// Ledger and aggregates are being reconciled.
    Settling,
}

/// Result of a rebuild.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rebuilt {
    /// Id of the run.
    pub id: String,
    /// Tables that were rebuilt.
    pub what: What,
    /// True if nothing was swapped in.
    pub dry_run: bool,
    /// True if an interrupted rebuild was resumed.
    pub resumed: bool,
    /// Rebuilt months, as `YYYYMM` in UTC.
    pub months: Vec<u32>,
    /// Version of the rules that classified.
    pub rules: String,
    /// Number of facts, or of events counted in the aggregate.
    pub rows: u64,
    /// Facts that were read from the log.
    pub rows_from_log: u64,
    /// Facts that were copied, as the log no longer holds their records.
    pub copied: Vec<FactSource>,
    /// Number of events that moved. For aggregates: events added or removed.
    pub events_moved: u64,
    /// Changes, the largest first.
    pub changes: Vec<RebuildChange>,
    /// Result of the reconciliation; `None` for a dry run.
    pub afterwards: Option<Afterwards>,
    /// Total duration in seconds.
    pub seconds: f64,
}

/// Runs the rebuild of `request`, or resumes it.
pub async fn rebuild(
    tools: &mut Tools<'_>,
    request: &RebuildRequest,
) -> Result<Rebuilt, RebuildError> {
    let began = Instant::now();
    let mut blocks = Blocks::open(tools.store, tools.bus).await?;
    let (run, resumed) = begin::begin(tools, request, &mut blocks).await?;
    let id = run.id.clone();
    let mut rebuilt = carry_out(tools, run, &mut blocks)
        .await
        .map_err(|cause| match cause {
            RebuildError::GivenUp { .. } => cause,
            _ => RebuildError::Interrupted {
                id,
                cause: Box::new(cause),
            },
        })?;
    rebuilt.resumed = resumed;
    rebuilt.seconds = began.elapsed().as_secs_f64();
    Ok(rebuilt)
}

async fn carry_out<'t>(
    tools: &mut Tools<'t>,
    mut run: Run,
    blocks: &mut Blocks<'t>,
) -> Result<Rebuilt, RebuildError> {
    let store = tools.store;
    store.rebuilds().create_shadows(&run).await?;
    if run.phase == Phase::Working {
        match run.what {
            What::Aggregates => aggregates::rebuild(tools, &mut run, blocks).await?,
            What::Facts => facts::rebuild(tools, &mut run, blocks).await?,
        }
    }
    let (rows, copied) = match run.what {
        What::Aggregates => (store.rebuilds().hourly_events(&run).await?, Vec::new()),
        What::Facts => store.rebuilds().rebuilt_facts(&run).await?,
    };
    let changes = store.rebuilds().changes(&run).await?;
    let afterwards = if run.dry_run || run.months.is_empty() {
        None
    } else {
        run.phase = Phase::Settling;
        store.rebuilds().note(&mut run).await?;
        (tools.watch)(Step::Settling);
        Some(settle::settle(tools, &run, blocks).await?)
    };
    run.phase = Phase::Done;
    store.rebuilds().note(&mut run).await?;
    store.rebuilds().drop_shadows_except(&[]).await?;
    // The rebuild made the precomputed hours stale.
    store.usage().keep_hours().await?;
    let facts_copied: u64 = copied.iter().map(|source| source.facts).sum();
    Ok(Rebuilt {
        resumed: false,
        rows,
        rows_from_log: match run.what {
            What::Aggregates => 0,
            What::Facts => rows - facts_copied,
        },
        copied,
        events_moved: changes
            .iter()
            .map(|change| change.events.unsigned_abs())
            .sum(),
        changes,
        afterwards,
        seconds: 0.0,
        id: run.id,
        what: run.what,
        dry_run: run.dry_run,
        months: run.months,
        rules: run.rules,
    })
}

/// Abandons a cancelled dry run, which leaves nothing worth keeping.
pub async fn stopped(rebuilds: &Rebuilds, request: &RebuildRequest) -> Result<(), RebuildError> {
    for mut run in rebuilds.unfinished().await? {
        if run.dry_run && run.owner == request.owner {
            rebuilds.end_inserts(&run).await?;
            run.phase = Phase::Abandoned;
            rebuilds.note(&mut run).await?;
            rebuilds.drop_shadows_except(&[]).await?;
        }
    }
    Ok(())
}

/// Returns an error if another process has abandoned the run or taken it over.
async fn check_ownership(rebuilds: &Rebuilds, run: &Run) -> Result<(), RebuildError> {
    let mut unfinished = rebuilds.unfinished().await?.into_iter();
    if unfinished.any(|other| other.id == run.id && other.owner == run.owner) {
        return Ok(());
    }
    Err(RebuildError::GivenUp { id: run.id.clone() })
}
