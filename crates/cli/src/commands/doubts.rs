//! Months in doubt: their hour rows may differ from the facts. A running consumer holds these months
//! back, and compares them if it leads.

use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_pipeline::{Progress, SettledDoubts, reconcile_doubtful_months, stream};
use affluenza_store::Store;
use anyhow::Result;

/// Interval between checks for months in doubt while blocks are written.
const DOUBTS_LOOK: Duration = Duration::from_secs(1);
/// Interval while no month is in doubt, no rebuild runs and no block is written. A rebuild asks for a
/// pause only after this time.
const REST_LOOK: Duration = Duration::from_secs(10);
/// Pause before a month that stays in doubt is held and compared again.
const DOUBTS_PAUSE: Duration = Duration::from_secs(60);

/// Checks regularly for months in doubt. Holds those that are being compared, and compares them if
/// this consumer leads.
pub async fn settle_regularly(
    bus: affluenza_kafka::Config,
    store: Store,
    progress: Progress,
    stop: CancellationToken,
) {
    let mut after = Instant::now();
    let mut looked = None;
    loop {
        if stop
            .run_until_cancelled(tokio::time::sleep(DOUBTS_LOOK))
            .await
            .is_none()
        {
            return;
        }
        let blocks = progress.snapshot().blocks;
        let is_known = looked
            .is_some_and(|(at, known): (Instant, u64)| known == blocks && at.elapsed() < REST_LOOK);
        if is_known {
            continue;
        }
        looked = None;
        // ClickHouse did not answer: holds expire by themselves, and months stay in doubt.
        let Ok(doubtful) = progress.refresh_doubtful_months(store.ledger()).await else {
            continue;
        };
        if doubtful.is_empty() && !progress.is_before_pause() {
            looked = Some((Instant::now(), blocks));
        }
        if doubtful.is_empty() || !progress.leads() || Instant::now() < after {
            continue;
        }
        let work = async {
            let settled = settle_all(&bus, &store);
            tokio::pin!(settled);
            // Keep refreshing the holds, since the comparison requests new ones.
            loop {
                tokio::select! {
                    settled = &mut settled => return settled,
                    () = tokio::time::sleep(DOUBTS_LOOK) => {
                        drop(progress.refresh_doubtful_months(store.ledger()).await);
                    }
                }
            }
        };
        let settled = tokio::select! {
            settled = work => settled,
            () = stop.cancelled() => return,
        };
        match settled {
            Ok(settled) if settled.left.is_empty() => {}
            Ok(settled) => {
                after = Instant::now() + DOUBTS_PAUSE;
                tracing::warn!(months = ?settled.left, "months stay in doubt");
            }
            Err(error) => {
                after = Instant::now() + DOUBTS_LOOK * 5;
                tracing::warn!(
                    error = format!("{error:#}"),
                    "months in doubt were not compared"
                );
            }
        }
    }
}

/// Compares all months in doubt.
pub async fn settle_all(bus: &affluenza_kafka::Config, store: &Store) -> Result<SettledDoubts> {
    let stream = stream::present(store.ledger(), bus).await?;
    let settled = reconcile_doubtful_months(store, &stream).await?;
    if !settled.months.is_empty() {
        tracing::info!(months = ?settled.months, cells = settled.cells, "months in doubt were compared: hour rows and facts agree");
    }
    Ok(settled)
}
