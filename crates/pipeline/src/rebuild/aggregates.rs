//! Rebuilds the aggregate from the facts.

use affluenza_store::rebuild::{HourlySource, Run, Settled};

use super::blocks::Blocks;
use super::{ATTEMPTS, RebuildError, Step, Tools, check_ownership};

pub(super) async fn rebuild(
    tools: &mut Tools<'_>,
    run: &mut Run,
    blocks: &mut Blocks<'_>,
) -> Result<(), RebuildError> {
    let store = tools.store;
    for month in run.months.clone() {
        // The facts of a month may have expired since the run began.
        if run.swapped.contains(&month) || month < store.facts().boundary().await?.month {
            continue;
        }
        let settled = blocks.settled().await?;
        fill(tools, run, month, &settled, None).await?;
        // Compare once only: after a swap that was not recorded, the comparison would find no
        // changes.
        if !run.compared.contains(&month) {
            store
                .rebuilds()
                .compare_hourly(run, month, &settled)
                .await?;
            run.compared.push(month);
            store.rebuilds().note(run).await?;
        }
        (tools.watch)(Step::Ready { month });
        if !run.dry_run {
            check_ownership(store.rebuilds(), run).await?;
            store.rebuilds().swap_hourly(run, month).await?;
            run.swapped.push(month);
            store.rebuilds().note(run).await?;
            (tools.watch)(Step::Swapped { month });
        }
    }
    Ok(())
}

/// Fills a month of the shadow aggregate until a recount of the facts agrees. `rebuilt` is the
/// month whose facts are read from their shadow.
pub(super) async fn fill(
    tools: &Tools<'_>,
    run: &Run,
    month: u32,
    settled: &Settled,
    rebuilt: Option<u32>,
) -> Result<(), RebuildError> {
    let source = HourlySource { settled, rebuilt };
    for attempt in 0..ATTEMPTS {
        tools
            .store
            .rebuilds()
            .fill_hourly(run, month, source, attempt)
            .await?;
        if tools
            .store
            .rebuilds()
            .hourly_is_right(run, month, source)
            .await?
        {
            return Ok(());
        }
        tracing::warn!(
            month,
            attempt,
            "the rebuilt aggregate differs from the facts, retrying"
        );
    }
    Err(RebuildError::NotWhole {
        month,
        attempts: ATTEMPTS,
    })
}
