use std::path::PathBuf;
use std::time::Duration;

use affluenza_spool::{Limits, SpoolError};
use thiserror::Error;

/// Configuration of an emitter. Every queue and batch has a limit.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) source: String,
    pub(crate) spool: Option<(PathBuf, Limits)>,
    pub(crate) queue_events_max: usize,
    pub(crate) linger: Duration,
    pub(crate) pause_min: Duration,
    pub(crate) pause_max: Duration,
    pub(crate) report_every: Duration,
    pub(crate) zone: String,
}

/// Reason why an emitter could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The folder of the spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The time zone is unknown.
    #[error("{0:?} is no time zone: use a name such as Europe/Rome")]
    Zone(String),
    /// The thread could not be started.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
}

impl Config {
    /// Creates the configuration of the portal instance `source`, a URI such as
    /// `https://servizi.comune.example.it`. Without a spool, events that are unsent when the
    /// process ends are lost, and detected as a gap.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            spool: None,
            queue_events_max: 10_000,
            linger: Duration::from_millis(50),
            pause_min: Duration::from_millis(200),
            pause_max: Duration::from_secs(60),
            report_every: Duration::from_secs(60),
            zone: "Europe/Rome".into(),
        }
    }

    /// Stores events on disk in `folder` until they are accepted. Each emitter needs its own
    /// folder.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>, limits: Limits) -> Self {
        self.spool = Some((folder.into(), limits));
        self
    }

    /// Limit of queued events, default 10,000. Further events are dropped and counted. Without a
    /// spool, as many again may wait for the collector.
    #[must_use]
    pub fn queue_events_max(mut self, events: usize) -> Self {
        self.queue_events_max = events.max(1);
        self
    }

    /// Longest wait of an event for others in the same batch, default 50 ms.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Shortest and longest pause after a failure, default 200 ms and 60 s. The pause doubles with
    /// each consecutive failure; half of it is random.
    #[must_use]
    pub fn pauses(mut self, shortest: Duration, longest: Duration) -> Self {
        self.pause_min = shortest;
        self.pause_max = longest.max(shortest);
        self
    }

    /// Interval between reports on dropped events, default 60 s.
    #[must_use]
    pub fn report_every(mut self, every: Duration) -> Self {
        self.report_every = every;
        self
    }

    /// Time zone in which a visitor's day ends, default Europe/Rome.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }
}
