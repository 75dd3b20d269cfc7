//! Rebuilds the facts, and the aggregate with them.

use affluenza_store::rebuild::Run;

use super::blocks::Blocks;
use super::fill::Fill;
use super::{ATTEMPTS, RebuildError, Step, Tools, aggregates, check_ownership};

pub(super) async fn rebuild<'t>(
    tools: &mut Tools<'t>,
    run: &mut Run,
    blocks: &mut Blocks<'t>,
) -> Result<(), RebuildError> {
    let store = tools.store;
    let mut months = run.months.clone();
    // The facts of a month may have expired since the run began.
    let kept_from = store.facts().boundary().await?.month;
    months.retain(|month| *month >= kept_from && !run.swapped.contains(month));
    if months.is_empty() {
        return Ok(());
    }
    // Fill all months at once: the log is read once, and may mix events of many months.
    let settled = blocks.settled().await?;
    Fill::new(tools, blocks, run, &months, &settled, 0)
        .run()
        .await?;
    for month in months {
        let hours = complete(tools, run, month, blocks).await?;
        // Compare once only: after a swap that was not recorded, the comparison would find no
        // changes.
        if !run.compared.contains(&month) {
            store.rebuilds().compare_facts(run, month).await?;
            run.compared.push(month);
            store.rebuilds().note(run).await?;
        }
        (tools.watch)(Step::Ready { month });
        if run.dry_run {
            continue;
        }
        check_ownership(store.rebuilds(), run).await?;
        store.rebuilds().swap_facts(run, month).await?;
        for hour_month in hours {
            store.rebuilds().swap_hourly(run, hour_month).await?;
        }
        run.swapped.push(month);
        store.rebuilds().note(run).await?;
        (tools.watch)(Step::Swapped { month });
    }
    Ok(())
}

/// Adds the facts ingested into `month` since, verifies the month, and fills the aggregate of its
/// hours. Returns the months of these hours.
async fn complete<'t>(
    tools: &mut Tools<'t>,
    run: &Run,
    month: u32,
    blocks: &mut Blocks<'t>,
) -> Result<Vec<u32>, RebuildError> {
    let store = tools.store;
    for attempt in 0..ATTEMPTS {
        let settled = blocks.settled().await?;
        Fill::new(tools, blocks, run, &[month], &settled, attempt)
            .run()
            .await?;
        if !store
            .rebuilds()
            .facts_are_whole(run, month, &settled)
            .await?
        {
            tracing::warn!(
                month,
                attempt,
                "the rebuilt facts differ from the stored ones, retrying"
            );
            store.rebuilds().drop_rebuilt(run, month).await?;
            continue;
        }
        let hours = store.rebuilds().hour_months(run, month).await?;
        for hour_month in &hours {
            aggregates::fill(tools, run, *hour_month, &settled, Some(month)).await?;
        }
        return Ok(hours);
    }
    Err(RebuildError::NotWhole {
        month,
        attempts: ATTEMPTS,
    })
}
