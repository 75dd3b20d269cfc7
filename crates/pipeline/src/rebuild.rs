//! Makes history anew, while everything goes on: the aggregate from the facts, or the facts from
//! the log, under the present register and rules.
//!
//! Month by month: a shadow is filled, verified and compared with what stands, and then takes
//! its place in one step. What was ingested between filling and swap is lost by the swap and
//! restored by [`crate::reconcile`], which is called last; so a rebuild may need the log for its
//! last minutes, and never more.
//!
//! **Which events are facts was decided once: a rebuild moves facts, it neither adds nor drops any.**
//! **Only settled facts are rebuilt: a block that may be written again is left to whoever writes it.**
//! **Every step can be repeated: whoever resumes asks what is there, and does what is missing.**

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

use affluenza_bus::Config as BusConfig;
use affluenza_register::Register;
use affluenza_store::Store;
use affluenza_store::rebuild::{Change, FactSource, Phase, Run, What};
use serde::Serialize;

use crate::Classifier;

use blocks::Blocks;

pub use error::RebuildError;
pub use settle::Afterwards;

/// Attempts to fill a month, before it is given up.
const ATTEMPTS: u32 = 3;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// What to make anew.
    pub what: What,
    /// Months, as `YYYYMM`.
    pub months: RangeInclusive<u32>,
    /// The same as it was typed; empty for everything.
    pub period: String,
    /// Whether to put nothing in place.
    pub dry_run: bool,
    /// Whether to give up an unfinished rebuild first.
    pub abandon: bool,
    /// Names this process.
    pub owner: String,
    /// Whether the process of that name still runs; `None` when that cannot be told here.
    pub is_alive: fn(&str) -> Option<bool>,
}

/// What a rebuild works with.
pub struct Tools<'t> {
    /// ClickHouse.
    pub store: &'t Store,
    /// Kafka.
    pub bus: &'t BusConfig,
    /// Classifies what is read from the log.
    pub classifier: &'t mut Classifier,
    /// The register of that classifier, for facts that are copied.
    pub register: &'t Register,
    /// Is told how far it is.
    pub watch: &'t mut dyn FnMut(Step),
}

/// How far a rebuild is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It goes on where it was interrupted.
    Resumed {
        /// The run.
        id: String,
    },
    /// Facts are written to the shadow.
    Filling {
        /// So many of them are done.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// A month is complete, verified and compared.
    Ready {
        /// Which.
        month: u32,
    },
    /// A month was put in place.
    Swapped {
        /// Which.
        month: u32,
    },
    /// Ledger and aggregates are brought in line.
    Settling,
}

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rebuilt {
    /// The run.
    pub id: String,
    /// What was made anew.
    pub what: What,
    /// Whether nothing was put in place.
    pub dry_run: bool,
    /// Whether it went on where an earlier attempt was interrupted.
    pub resumed: bool,
    /// Months made anew, as `YYYYMM` in UTC.
    pub months: Vec<u32>,
    /// Rules that classified.
    pub rules: String,
    /// Facts, or events counted in the aggregate.
    pub rows: u64,
    /// Facts that were read from the log.
    pub rows_from_log: u64,
    /// Facts that were copied, since the log does not hold them any more.
    pub copied: Vec<FactSource>,
    /// Events that moved; for aggregates, that were added or taken away.
    pub events_moved: u64,
    /// What changed, the largest first.
    pub changes: Vec<Change>,
    /// What had to be brought in line; nothing for a dry run.
    pub afterwards: Option<Afterwards>,
    /// Of the whole.
    pub seconds: f64,
}

/// Makes anew what `request` asks for, or goes on with it.
pub async fn rebuild(tools: &mut Tools<'_>, request: &Request) -> Result<Rebuilt, RebuildError> {
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
    store.create_shadows(&run).await?;
    if run.phase == Phase::Working {
        match run.what {
            What::Aggregates => aggregates::rebuild(tools, &mut run, blocks).await?,
            What::Facts => facts::rebuild(tools, &mut run, blocks).await?,
        }
    }
    let (rows, copied) = match run.what {
        What::Aggregates => (store.hourly_events(&run).await?, Vec::new()),
        What::Facts => store.rebuilt_facts(&run).await?,
    };
    let changes = store.rebuild_changes(&run).await?;
    let afterwards = if run.dry_run || run.months.is_empty() {
        None
    } else {
        run.phase = Phase::Settling;
        store.note_rebuild(&mut run).await?;
        (tools.watch)(Step::Settling);
        Some(settle::settle(tools, &run, blocks).await?)
    };
    run.phase = Phase::Done;
    store.note_rebuild(&mut run).await?;
    store.drop_shadows_except(&[]).await?;
    // Every step of a rebuild made what was worked out ahead stale.
    store.keep_hours().await?;
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

/// Gives up a rebuild that was told to stop, if it only tried: nothing of it is worth keeping.
pub async fn stopped(store: &Store, request: &Request) -> Result<(), RebuildError> {
    for mut run in store.unfinished_rebuilds().await? {
        if run.dry_run && run.owner == request.owner {
            store.end_rebuild_inserts(&run).await?;
            run.phase = Phase::Abandoned;
            store.note_rebuild(&mut run).await?;
            store.drop_shadows_except(&[]).await?;
        }
    }
    Ok(())
}

/// Fails if another process has given the run up, or taken it over.
async fn check_ownership(store: &Store, run: &Run) -> Result<(), RebuildError> {
    let is_ours = |other: &Run| other.id == run.id && other.owner == run.owner;
    if store.unfinished_rebuilds().await?.iter().any(is_ours) {
        return Ok(());
    }
    Err(RebuildError::GivenUp { id: run.id.clone() })
}
