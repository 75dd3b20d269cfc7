use std::path::PathBuf;
use std::time::Duration;

use affluenza_spool::{Limits, SpoolError};
use thiserror::Error;

/// How an emitter works. Every queue and batch has a bound.
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

/// Why an emitter could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The spool's folder cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A zone that the time zone database does not know.
    #[error("{0:?} is no time zone: use a name such as Europe/Rome")]
    Zone(String),
    /// The thread could not be started.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
}

impl Config {
    /// For the portal instance `source`, a URI such as `https://servizi.comune.example.it`. Without
    /// a spool, what is not sent when the process ends is lost, and seen as a gap.
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

    /// Keeps events on disk in `folder` until they are accepted. One emitter has a folder.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>, limits: Limits) -> Self {
        self.spool = Some((folder.into(), limits));
        self
    }

    /// Events that may wait in memory, 10,000 unless told; one more is dropped, and counted.
    #[must_use]
    pub fn queue_events_max(mut self, events: usize) -> Self {
        self.queue_events_max = events.max(1);
        self
    }

    /// How long an event waits for others to be sent with, 50 ms unless told.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// The shortest and the longest pause after a failure, 200 ms and 60 s unless told. It doubles
    /// with each failure in a row, and half of it is random.
    #[must_use]
    pub fn pauses(mut self, shortest: Duration, longest: Duration) -> Self {
        self.pause_min = shortest;
        self.pause_max = longest.max(shortest);
        self
    }

    /// How often drops are reported, every 60 s unless told.
    #[must_use]
    pub fn report_every(mut self, every: Duration) -> Self {
        self.report_every = every;
        self
    }

    /// The zone in which a visitor's day ends, Europe/Rome unless told.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }
}
