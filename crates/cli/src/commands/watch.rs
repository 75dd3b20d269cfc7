//! Monitoring of a running consumer over HTTP: metrics and status.

use std::time::Duration;

use affluenza_http::telemetry::{CancellationToken, Metrics};
use affluenza_http::{bounded, listen, live_route, metrics_route, serve, status_route};
use affluenza_pipeline::{PipelineError, Progress};
use affluenza_store::{Store, Usage};
use anyhow::{Context, Result};

use crate::output::say;
use crate::platform::Platform;
use crate::settings::Settings;

/// Interval between checks for silent portals; `SILENCE_FIRST` before the first check and retries.
const SILENCE_LOOK: Duration = Duration::from_secs(300);
const SILENCE_FIRST: Duration = Duration::from_secs(5);

/// HTTP service for monitoring. Ends when it is dropped.
pub struct Watch {
    stop: CancellationToken,
    shown: Duration,
}

impl Watch {
    /// Starts to serve the state of `progress`; `None` if no address is configured.
    pub async fn start(
        settings: &Settings,
        platform: &Platform,
        progress: &Progress,
    ) -> Result<Option<Self>> {
        let Some(config) = settings.watch() else {
            return Ok(None);
        };
        let metrics = Metrics::default();
        progress.register(&metrics);
        let listener = listen(&config.listen).await.context("consume.listen")?;
        say(&format!(
            "watched at {}://{}/metrics",
            config.scheme(),
            listener.local_addr()?
        ));
        let (alive, ready) = (progress.clone(), progress.clone());
        let routes = metrics_route(&metrics)
            .merge(live_route(move || std::future::ready(alive.check_alive())))
            .merge(status_route(move || {
                std::future::ready(ready.check_ready())
            }));
        let router = bounded(routes, &config, &metrics);
        let stop = CancellationToken::new();
        let watch = Self {
            stop: stop.clone(),
            shown: Duration::from_secs(settings.consume.stop_shown_seconds),
        };
        let store = Store::new(&platform.store);
        tokio::spawn(look_at_silence(
            store.usage().clone(),
            progress.clone(),
            stop.clone(),
        ));
        tokio::spawn(async move { serve(listener, router, &config, &metrics, &stop).await });
        Ok(Some(watch))
    }

    /// Keeps showing a consumer that stopped at a guard for a while, so that monitoring notices it.
    pub async fn show(&self, error: &anyhow::Error, progress: &Progress) {
        let Some(guard) = error.downcast_ref::<PipelineError>() else {
            return;
        };
        if !guard.is_guard() {
            return;
        }
        progress.stopped_by(guard);
        let seconds = self.shown.as_secs();
        tracing::error!(%error, "the consumer has stopped; /status reports it for {seconds} s more");
        tokio::time::sleep(self.shown).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Checks regularly for silent portals, if this consumer leads its group.
async fn look_at_silence(usage: Usage, progress: Progress, stop: CancellationToken) {
    let mut pause = SILENCE_FIRST;
    loop {
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            return;
        }
        pause = SILENCE_FIRST;
        if !progress.leads() {
            progress.set_silent(&[]);
            continue;
        }
        match usage.silent_portals().await {
            Ok(silent) => {
                progress.set_silent(&silent);
                pause = SILENCE_LOOK;
            }
            Err(error) => tracing::warn!(%error, "cannot read which portals are silent"),
        }
    }
}
