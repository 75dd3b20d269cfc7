//! Begins a rebuild or resumes an interrupted one, or returns the reason why not.

use affluenza_store::Store;
use affluenza_store::accounts::CheckScope;
use affluenza_store::rebuild::{Phase, Run, What};

use super::blocks::Blocks;
use super::{RebuildError, RebuildRequest, Step, Tools, settle};
use crate::place::check_log;

/// Returns the run, and true if it was begun before.
pub(super) async fn begin(
    tools: &mut Tools<'_>,
    request: &RebuildRequest,
    blocks: &mut Blocks<'_>,
) -> Result<(Run, bool), RebuildError> {
    let store = tools.store;
    store.rebuilds().check()?;
    let rules = tools.classifier.rules().to_owned();
    let mut begun = None;
    for run in store.rebuilds().unfinished().await? {
        match (request.is_alive)(&run.owner) {
            Some(true) => {
                let Run { id, owner, .. } = run;
                return Err(RebuildError::Running { id, owner });
            }
            None if !request.abandon => {
                let Run { id, owner, .. } = run;
                return Err(RebuildError::Elsewhere { id, owner });
            }
            _ => {}
        }
        let is_same = run.what == request.what
            && run.period == request.period
            && run.dry_run == request.dry_run;
        // An interrupted dry run has nothing worth resuming.
        if request.abandon || run.dry_run && (!is_same || run.rules != rules) {
            abandon(tools, run, blocks).await?;
        } else if !is_same {
            return Err(unfinished(run));
        } else if run.what == What::Facts && run.rules != rules {
            return Err(RebuildError::OtherRules {
                id: run.id,
                begun: run.rules,
                now: rules,
            });
        } else {
            begun = Some(run);
        }
    }
    let kept: Vec<&Run> = begun.iter().collect();
    store.rebuilds().drop_shadows_except(&kept).await?;
    if let Some(mut run) = begun {
        store.rebuilds().end_inserts(&run).await?;
        run.owner.clone_from(&request.owner);
        store.rebuilds().note(&mut run).await?;
        (tools.watch)(Step::Resumed { id: run.id.clone() });
        return Ok((run, true));
    }
    if let Some(differs) = check_log(store.ledger(), tools.bus, blocks.stream())
        .await?
        .pop()
    {
        return Err(differs.into());
    }
    check_balance(store).await?;
    blocks
        .wait()
        .await?
        .first()
        .map_or(Ok(()), |(partition, end)| {
            Err(RebuildError::BlockPending {
                partition: *partition,
                end: *end,
            })
        })?;
    let run = new(store, request, rules).await?;
    Ok((run, false))
}

async fn new(store: &Store, request: &RebuildRequest, rules: String) -> Result<Run, RebuildError> {
    let mut months = match request.what {
        What::Aggregates => store.facts().months(CheckScope::All).await?,
        What::Facts => store.rebuilds().fact_months().await?,
    };
    months.retain(|month| request.months.contains(month));
    let kept_from = store.facts().boundary().await?.month;
    if months.is_empty() && *request.months.end() < kept_from {
        return Err(RebuildError::BeyondRetention { kept_from });
    }
    let (id, started_at) = store.rebuilds().new_id().await?;
    let mut run = Run {
        id,
        what: request.what,
        period: request.period.clone(),
        dry_run: request.dry_run,
        rules,
        owner: request.owner.clone(),
        months,
        compared: Vec::new(),
        swapped: Vec::new(),
        phase: Phase::Working,
        started_at,
        version: 0,
    };
    store.rebuilds().note(&mut run).await?;
    // If two runs begin at the same moment, both stop.
    if let Some(other) = store
        .rebuilds()
        .unfinished()
        .await?
        .into_iter()
        .find(|other| other.id != run.id)
    {
        run.phase = Phase::Abandoned;
        store.rebuilds().note(&mut run).await?;
        return Err(RebuildError::Running {
            id: other.id,
            owner: other.owner,
        });
    }
    Ok(run)
}

/// Abandons a run. Months that were swapped in stay and are reconciled.
async fn abandon(
    tools: &mut Tools<'_>,
    mut run: Run,
    blocks: &mut Blocks<'_>,
) -> Result<(), RebuildError> {
    let store = tools.store;
    store.rebuilds().end_inserts(&run).await?;
    // A month may have been swapped in without being recorded.
    if !run.dry_run && !run.compared.is_empty() {
        settle::settle(tools, &run, blocks).await?;
    }
    run.phase = Phase::Abandoned;
    Ok(store.rebuilds().note(&mut run).await?)
}

fn unfinished(run: Run) -> RebuildError {
    let mut command = format!("affluenza rebuild {}", run.what.as_str());
    if !run.period.is_empty() {
        command.push_str(&format!(" --period {}", run.period));
    }
    if run.dry_run {
        command.push_str(" --dry-run");
    }
    RebuildError::Unfinished {
        id: run.id,
        command,
    }
}

/// Returns an error if facts are missing or doubled: the rebuild would reproduce the fault.
async fn check_balance(store: &Store) -> Result<(), RebuildError> {
    let differing = store.ledger().block_differences(CheckScope::All).await?;
    let ends = store.ledger().partition_accounts().await?;
    let stray = store.facts().strays().await?;
    // Facts beyond the end of the ledger belong to a block that is being written.
    let outside = stray.iter().filter(|facts| {
        let end = ends
            .iter()
            .find(|end| end.stream == facts.stream && end.kafka_partition == facts.kafka_partition);
        end.is_some_and(|end| facts.first_offset < end.next_offset)
    });
    let places: Vec<(u32, u64)> = differing
        .iter()
        .map(|block| (block.kafka_partition, block.first_offset))
        .chain(outside.map(|facts| (facts.kafka_partition, facts.first_offset)))
        .collect();
    match places.first() {
        None => Ok(()),
        Some((partition, offset)) => Err(RebuildError::Unbalanced {
            blocks: places.len(),
            partition: *partition,
            offset: *offset,
        }),
    }
}
