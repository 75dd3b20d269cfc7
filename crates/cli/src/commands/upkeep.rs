//! Regular work of the consumer that owns partition 0: the search for duplicate facts, and the
//! reconciliation of ledger, facts and aggregates. One task runs both, so that they never make
//! corrections at the same time.

use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_pipeline::copies::search_new_blocks;
use affluenza_pipeline::erase::open_erasures;
use affluenza_pipeline::{CheckScope, Progress, Reconciled, reconcile, stream};
use affluenza_store::Store;
use anyhow::Result;
use tokio::sync::watch;

use crate::settings::Settings;

/// Shortest time for which ClickHouse must remember insert tokens, in seconds. It covers the blocks
/// that can be in flight during several inserts.
const TOKEN_MEMORY_SECONDS_MIN: u64 = 1_800;
/// Pause before a reconciliation that failed is tried again. Doubled after each further failure.
const RETRY: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Upkeep {
    pub settings: Settings,
    pub bus: affluenza_kafka::Config,
    pub store: Store,
    pub progress: Progress,
    /// Restart counter of the ClickHouse that this process started.
    pub restarts: Option<watch::Receiver<u64>>,
}

impl Upkeep {
    /// Works until `stop` is triggered. Errors are logged, and the work is tried again.
    pub async fn run(mut self, stop: CancellationToken) {
        let config = self.settings.consume.clone();
        let [first, between, search] = [
            config.reconcile_first_seconds,
            config.reconcile_minutes.saturating_mul(60),
            config.copies_search_seconds,
        ]
        .map(|seconds| Duration::from_secs(u64::from(seconds.max(1))));
        let (mut reconcile_at, mut search_at) = (Instant::now() + first, Instant::now() + search);
        let reconciles = config.reconcile_minutes > 0;
        let mut retry = RETRY.min(between);
        loop {
            let next = if reconciles {
                search_at.min(reconcile_at)
            } else {
                search_at
            };
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = stop.cancelled() => return,
            }
            if !self.progress.leads() {
                reconcile_at = Instant::now() + first;
                search_at = Instant::now() + search;
                continue;
            }
            if self.clickhouse_was_restarted() {
                reconcile_at = reconcile_at.min(Instant::now() + first);
            }
            if reconciles && Instant::now() >= reconcile_at {
                let is_compared = tokio::select! {
                    is_compared = self.reconcile_and_say() => is_compared,
                    () = stop.cancelled() => return,
                };
                reconcile_at = Instant::now() + if is_compared { between } else { retry };
                retry = if is_compared {
                    RETRY
                } else {
                    (retry * 2).min(between)
                };
            }
            if Instant::now() >= search_at {
                tokio::select! {
                    () = self.search_and_say() => {}
                    () = stop.cancelled() => return,
                }
                search_at = Instant::now() + search;
            }
        }
    }

    /// True once after each restart, because ClickHouse may have lost acknowledged data.
    fn clickhouse_was_restarted(&mut self) -> bool {
        let restarts = self.restarts.as_mut();
        restarts.is_some_and(|restarts| {
            let is_news = restarts.has_changed().unwrap_or(false);
            restarts.mark_unchanged();
            is_news
        })
    }

    /// Searches new blocks for duplicate facts, and logs the result.
    pub async fn search_and_say(&self) {
        match self.search().await {
            Ok(done) => {
                for failure in &done.failures {
                    tracing::error!(failure, "copy not removed");
                }
                if done.copies_removed > 0 {
                    tracing::warn!(
                        copies = done.copies_removed,
                        cells = done.cells_corrected,
                        "copies of stored events removed"
                    );
                }
            }
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the search for copies of stored events failed"
            ),
        }
    }

    async fn search(&self) -> Result<Reconciled> {
        Ok(search_new_blocks(&self.store, &self.bus, &self.stream().await?).await?)
    }

    async fn stream(&self) -> Result<String> {
        Ok(stream::present(self.store.ledger(), &self.bus).await?)
    }

    /// Reconciles and logs the result. False if it failed.
    async fn reconcile_and_say(&self) -> bool {
        let reconciled = self.reconcile().await;
        match &reconciled {
            Ok(done) if done.is_clean() => {
                self.progress.note_compared(done);
                tracing::info!("ledger, facts and aggregates agree");
            }
            Ok(done) => {
                self.progress.note_compared(done);
                for failure in &done.failures {
                    tracing::error!(failure, "not repaired");
                }
                tracing::warn!(
                    facts = done.facts_restored,
                    ledger_rows = done.ledger_rows,
                    cells = done.cells_corrected,
                    "restored what ClickHouse had lost"
                );
            }
            Err(error) => {
                self.progress.note_not_compared();
                tracing::warn!(
                    error = format!("{error:#}"),
                    "ledger, facts and aggregates were not compared"
                );
            }
        }
        reconciled.is_ok()
    }

    async fn reconcile(&self) -> Result<Reconciled> {
        let Self {
            settings,
            bus,
            store,
            ..
        } = self;
        let mut classifier = super::classifier(settings)?;
        let stream = self.stream().await?;
        if let Some(seconds) = store.ledger().token_memory_seconds().await?
            && seconds < TOKEN_MEMORY_SECONDS_MIN
        {
            tracing::error!(
                seconds,
                "ClickHouse forgets insert tokens too soon at this rate: write larger blocks (consume.block_wait_ms_max) or enlarge non_replicated_deduplication_window"
            );
        }
        let scope = CheckScope::Hours(settings.consume.reconcile_hours);
        let mut done = reconcile(store, bus, &stream, &mut classifier, scope).await?;
        let open = open_erasures(store, bus, &stream).await?;
        // Read after the notes: an order is in the table before its note is written.
        let known = store.facts().erasures().await?;
        for noted in open.into_iter().flatten() {
            if !known.iter().any(|one| one.id == noted.id) {
                done.failures.push(format!(
                "{}: erasure {} is noted but was not applied to this database: `affluenza audit --repair` applies it",
                noted.ente, noted.id
            ));
            }
        }
        Ok(done)
    }
}
