//! The facts anew, and the aggregate with them.

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
    // A run that goes on late may have months whose facts have expired since.
    let kept_from = store.boundary().await?.month;
    months.retain(|month| *month >= kept_from && !run.swapped.contains(month));
    if months.is_empty() {
        return Ok(());
    }
    // All months at once: events of many months may stand side by side in the log, which is
    // read once.
    let settled = blocks.settled().await?;
    Fill::new(tools, blocks, run, &months, &settled, 0)
        .run()
        .await?;
    for month in months {
        let hours = complete(tools, run, month, blocks).await?;
        // Once listed, changes stand: after a swap that was not noted there are none to be seen.
        if !run.compared.contains(&month) {
            store.compare_facts(run, month).await?;
            run.compared.push(month);
            store.note_rebuild(run).await?;
        }
        (tools.watch)(Step::Ready { month });
        if run.dry_run {
            continue;
        }
        check_ownership(store, run).await?;
        store.swap_facts(run, month).await?;
        for hour_month in hours {
            store.swap_hourly(run, hour_month).await?;
        }
        run.swapped.push(month);
        store.note_rebuild(run).await?;
        (tools.watch)(Step::Swapped { month });
    }
    Ok(())
}

/// Adds what was ingested into `month` since, verifies it, and fills the aggregate of its hours.
/// Returns the months of those.
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
        if !store.facts_are_whole(run, month, &settled).await? {
            tracing::warn!(
                month,
                attempt,
                "the facts made anew are not those there are"
            );
            store.drop_rebuilt(run, month).await?;
            continue;
        }
        let hours = store.hour_months(run, month).await?;
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
