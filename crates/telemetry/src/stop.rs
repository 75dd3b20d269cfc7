use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Request to shut down, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    told: AtomicBool,
    news: Notify,
}

impl Stop {
    /// Returns a `Stop` that SIGINT and SIGTERM set. A second signal exits at once, with the exit
    /// code 128 + signal. `late` runs on its own thread if the process is still running after
    /// `patience`. Call within the async runtime.
    pub fn on_signals(patience: Duration, late: fn()) -> std::io::Result<Self> {
        let stop = Self::default();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let teller = stop.clone();
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
                    _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
                };
                if teller.is_told() {
                    std::process::exit(128 + number);
                }
                tracing::info!("finishing work in progress; a second signal ends at once");
                teller.tell();
                std::thread::spawn(move || {
                    std::thread::sleep(patience);
                    late();
                });
            }
        });
        Ok(stop)
    }

    /// Requests the shutdown.
    pub fn tell(&self) {
        self.0.told.store(true, Ordering::Relaxed);
        self.0.news.notify_waiters();
    }

    /// True if the shutdown was requested.
    pub fn is_told(&self) -> bool {
        self.0.told.load(Ordering::Relaxed)
    }

    /// Returns the flag, for loops that are not async.
    pub fn flag(&self) -> &AtomicBool {
        &self.0.told
    }

    /// Waits until the shutdown is requested.
    pub async fn told(&self) {
        loop {
            let news = self.0.news.notified();
            if self.is_told() {
                return;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn late_listeners_are_notified_too() {
        let stop = Stop::default();
        stop.clone().tell();
        stop.told().await;
        assert!(stop.is_told());
    }
}
