//! Begins a rebuild or resumes an interrupted one, or returns the reason why not.

use affluenza_kafka::{Cluster, Config as BusConfig};
use affluenza_store::Store;
use affluenza_store::accounts::CheckScope;
use affluenza_store::erasure::Erasure;
use affluenza_store::rebuild::{Phase, Run};

use super::{RebuildError, RebuildRequest, RebuildStep, Tools, replay_bus};
use crate::place::check_log;

/// Returns the run, and true if it was begun before.
pub(super) async fn begin(
    tools: &mut Tools<'_>,
    request: &RebuildRequest,
    stream: &str,
) -> Result<(Run, bool), RebuildError> {
    let rebuilds = tools.store.rebuilds();
    rebuilds.check()?;
    let rules = (tools.classifier)()?.rules().to_owned();
    for mut run in rebuilds.unfinished().await? {
        let Run { id, owner, .. } = &run;
        match (request.is_alive)(owner) {
            Some(true) => {
                return Err(RebuildError::Running {
                    id: id.clone(),
                    owner: owner.clone(),
                });
            }
            None if !request.abandon => {
                return Err(RebuildError::Elsewhere {
                    id: id.clone(),
                    owner: owner.clone(),
                });
            }
            _ => {}
        }
        let is_exchanged = match run.phase {
            Phase::Exchanging => tools.second.has_exchanged(&run.tables).await?,
            phase => phase == Phase::Settling,
        };
        // Half of an exchange must be completed.
        if request.abandon && !(is_exchanged && run.phase == Phase::Exchanging) {
            run.phase = match is_exchanged {
                true => Phase::Done,
                false => Phase::Abandoned,
            };
            rebuilds.note(&mut run).await?;
            clear(tools, &replay_bus(tools.bus, &run)).await?;
            continue;
        }
        if run.dry_run != request.dry_run {
            return Err(unfinished(run));
        }
        if run.rules != rules && !is_exchanged {
            return Err(RebuildError::OtherRules {
                id: run.id,
                begun: run.rules,
                now: rules,
            });
        }
        run.owner.clone_from(&request.owner);
        rebuilds.note(&mut run).await?;
        check_ownership(tools.store, &run).await?;
        if run.phase == Phase::Copying {
            check_alone(tools.store, &run).await?;
        }
        (tools.watch)(RebuildStep::Resumed { id: run.id.clone() });
        return Ok((run, true));
    }
    if let Some(differs) = check_log(tools.store.ledger(), tools.bus, stream)
        .await?
        .pop()
    {
        return Err(differs.into());
    }
    check_balance(tools.store).await?;
    let (id, started_at) = rebuilds.new_id().await?;
    let mut run = Run {
        id,
        dry_run: request.dry_run,
        rules,
        owner: request.owner.clone(),
        phase: Phase::Copying,
        tables: Vec::new(),
        started_at,
        version: 0,
    };
    rebuilds.note(&mut run).await?;
    if let Err(error) = check_alone(tools.store, &run).await {
        run.phase = Phase::Abandoned;
        rebuilds.note(&mut run).await?;
        return Err(error);
    }
    Ok((run, false))
}

/// Returns an error if another rebuild or an erasure began at the same moment: both sides note
/// themselves before they look for the other.
async fn check_alone(store: &Store, run: &Run) -> Result<(), RebuildError> {
    let unfinished = store.rebuilds().unfinished().await?;
    if let Some(other) = unfinished.into_iter().find(|other| other.id != run.id) {
        return Err(RebuildError::Running {
            id: other.id,
            owner: other.owner,
        });
    }
    let erasures = store.facts().erasures().await?;
    match erasures.into_iter().find(|erasure| !erasure.done) {
        Some(Erasure { id, ente, .. }) => Err(RebuildError::Erasing { id, ente }),
        None => Ok(()),
    }
}

/// Returns an error unless the last row of the run is of this process: another one may have taken
/// the run over or cancelled it.
pub(super) async fn check_ownership(store: &Store, run: &Run) -> Result<(), RebuildError> {
    let mut unfinished = store.rebuilds().unfinished().await?.into_iter();
    let last = (&run.id, &run.owner, run.version);
    match unfinished.any(|row| (&row.id, &row.owner, row.version) == last) {
        true => Ok(()),
        false => Err(RebuildError::GivenUp { id: run.id.clone() }),
    }
}

fn unfinished(run: Run) -> RebuildError {
    let options = if run.dry_run { " --dry-run" } else { "" };
    RebuildError::Unfinished {
        id: run.id,
        command: format!("affluenza rebuild{options}"),
    }
}

/// Removes the second database and the group of a replay.
pub(super) async fn clear(tools: &Tools<'_>, bus: &BusConfig) -> Result<(), RebuildError> {
    tools.second.drop().await?;
    let cluster = Cluster::new(tools.bus)?;
    if let Err(error) = cluster.delete_group(&bus.group).await {
        // Kafka removes an empty group when its offsets expire.
        tracing::warn!(group = bus.group, %error, "the consumer group of the rebuild was not deleted");
    }
    Ok(())
}

/// Returns an error if facts are missing or doubled: what is copied would reproduce the fault.
async fn check_balance(store: &Store) -> Result<(), RebuildError> {
    let differing = store.ledger().block_differences(CheckScope::All).await?;
    match differing.first() {
        None => Ok(()),
        Some(block) => Err(RebuildError::Unbalanced {
            blocks: differing.len(),
            partition: block.kafka_partition,
            offset: block.first_offset,
        }),
    }
}
