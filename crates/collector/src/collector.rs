//! The collector: assembles its parts and runs them.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::spool::{Limits, Spool, SpoolError};
use affluenza_classify::device::{Device, Hints, classify};
use affluenza_classify::geo::Geo;
use affluenza_event::wire::{Data, Envelope};
use affluenza_http::RateLimit;
use affluenza_http::keys::KeyRing;
use affluenza_http::telemetry::{CancellationToken, Metrics};
use affluenza_kafka::{BusError, ConcurrentProducer, CourierLimits};
use affluenza_register::Register;
use axum::Router;
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::Config;
use crate::counters::Counters;
use crate::http;
use crate::keep::Keep;
use crate::outcome::Reason;
use crate::report;
use crate::script::Script;
use crate::tally::{CountKey, Tally};
use crate::treat::{Treated, Treatment};

/// Interval of the background tasks.
const LOOK: Duration = Duration::from_secs(1);
/// Size of a burst, as a multiple of the rate per second.
const BURST: u32 = 4;

/// Reason why the collector cannot start or continue.
#[derive(Debug, Error)]
pub enum CollectError {
    /// The Kafka client rejected a setting.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The spool cannot be opened.
    #[error("collect.spool: {0}")]
    Spool(#[from] SpoolError),
    /// Error of the operating system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Dependencies of a collector.
pub struct Parts<'p> {
    /// Connection to Kafka.
    pub bus: &'p affluenza_kafka::Config,
    /// Data folder.
    pub data: &'p Path,
    /// Keys that may write.
    pub keys: KeyRing,
    /// Known codes and time zones.
    pub register: Register,
    /// Database that maps addresses to countries and regions.
    pub geo: Geo,
}

/// Collector of events.
pub struct Collector {
    pub(crate) config: Config,
    treatment: RwLock<Arc<Treatment>>,
    pub(crate) keep: Keep,
    pub(crate) keys: KeyRing,
    pub(crate) counters: Arc<Counters>,
    pub(crate) metrics: Metrics,
    pub(crate) tally: Tally,
    pub(crate) script: Script,
    pub(crate) key_limit: RateLimit<String>,
    pub(crate) page_limit: RateLimit<IpAddr>,
    pub(crate) bodies: Arc<Semaphore>,
}

impl Collector {
    /// Opens the spool and creates the Kafka client. Kafka need not be reachable yet.
    pub fn new(config: Config, parts: Parts<'_>) -> Result<Arc<Self>, CollectError> {
        let metrics = Metrics::default();
        let counters = Arc::new(Counters::new(&metrics));
        let spool_bytes_max = config.spool_mib_max << 20;
        let spool = open_spool(&config, parts.data, spool_bytes_max)?;
        let limits = CourierLimits {
            linger_ms: config.linger_ms,
            patience_ms: config.kafka_wait_ms_max,
            queue_bytes_max: config.queue_mib_max << 20,
        };
        let courier = ConcurrentProducer::new(parts.bus, &parts.bus.topic, limits)?;
        let key_rate = config.key_requests_per_second;
        let page_rate = config.page_requests_per_second;
        Ok(Arc::new(Self {
            treatment: RwLock::new(Arc::new(Treatment {
                register: parts.register,
                geo: Arc::new(parts.geo),
                salts: Arc::default(),
            })),
            keep: Keep::new(courier, spool, spool_bytes_max, Arc::clone(&counters)),
            keys: parts.keys,
            counters,
            metrics,
            tally: Tally::default(),
            script: Script::new()?,
            key_limit: RateLimit::new(key_rate, key_rate.saturating_mul(BURST)),
            page_limit: RateLimit::new(page_rate, page_rate.saturating_mul(BURST)),
            bodies: Arc::new(Semaphore::new(Self::permits(config.bodies_mib_max << 20))),
            config,
        }))
    }

    /// Replaces the register. Requests that begin from now on use it.
    pub fn renew(&self, register: Register) {
        let old = self.treatment();
        let newer = Treatment {
            register,
            geo: Arc::clone(&old.geo),
            salts: Arc::clone(&old.salts),
        };
        let mut treatment = self
            .treatment
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *treatment = Arc::new(newer);
    }

    /// Returns the current treatment. A request uses one treatment for all of its events.
    pub(crate) fn treatment(&self) -> Arc<Treatment> {
        let treatment = self
            .treatment
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&treatment)
    }

    /// Builds the routes with their limits. Call it once. Without [`Collector::run`], spooled
    /// events are not sent.
    pub fn router(self: &Arc<Self>) -> Router {
        affluenza_http::bounded(
            http::routes(Arc::clone(self)),
            &self.config.http,
            &self.metrics,
        )
    }

    /// Accepts events until `stop` is triggered. Spooled events stay in the spool until the next
    /// start.
    pub async fn run(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), CollectError> {
        let router = self.router();
        let chores = CancellationToken::new();
        let drained = tokio::spawn({
            let (keep, chores) = (self.keep.clone(), chores.clone());
            async move { keep.drain(&chores).await }
        });
        let kept_house = tokio::spawn({
            let (collector, chores) = (Arc::clone(&self), chores.clone());
            async move { collector.report_regularly(&chores).await }
        });
        let forgotten = tokio::spawn({
            let (collector, chores) = (Arc::clone(&self), chores.clone());
            async move { collector.expire_salts(&chores).await }
        });
        let served =
            affluenza_http::serve(listener, router, &self.config.http, &self.metrics, &stop).await;
        chores.cancel();
        for chore in [drained, kept_house, forgotten] {
            // A panic of the task has already been reported.
            let _ = chore.await;
        }
        Ok(served?)
    }

    /// Overwrites the secrets of past days every second. Runs apart from the reports, which can
    /// take long.
    async fn expire_salts(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            self.treatment().salts.forget_past(Timestamp::now().into());
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn report_regularly(&self, stop: &CancellationToken) {
        let every = Duration::from_secs(self.config.report_seconds);
        let mut reported = Instant::now();
        while !stop.is_cancelled() {
            if reported.elapsed() >= every {
                reported = Instant::now();
                self.report().await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
        self.report().await;
    }

    /// Writes a report on the events refused since the last report to the events topic.
    async fn report(&self) {
        let (rows, now) = (self.tally.take(), Timestamp::now().into());
        let mut reports = Treated::default();
        for report in report::reports(&rows, now) {
            if let Err(why) = reports.push(&report, now) {
                tracing::error!(
                    reason = %why.reason,
                    "a report on refused events is invalid"
                );
            }
        }
        if reports.len() > 0
            && let Err(error) = self.keep.keep(reports, now).await
        {
            // Count the refusals again, for the next report.
            tracing::warn!(%error, "a report on refused events was not stored, retrying later");
            for (row, events) in rows {
                self.tally.add(row, events);
            }
        }
    }

    /// Updates the gauges.
    pub(crate) fn gauge(&self) {
        self.keep.gauge();
        let salts = self.treatment().salts.len();
        self.counters
            .salts
            .set(i64::try_from(salts).unwrap_or(i64::MAX));
    }

    pub(crate) fn count_refused(&self, ente: &str, producer: &str, reason: Reason, count: u64) {
        self.counters.refuse(reason.into(), count);
        let row = CountKey {
            producer: producer.to_owned(),
            ente: ente.to_owned(),
            reason,
        };
        self.tally.add(row, count);
    }

    /// True if the user agent of a page visit is a bot's. The visit is accepted all the same: the
    /// consumer classifies bots, and its rules may change.
    pub(crate) fn is_bot(&self, event: &Envelope<'_, Data<'_>>) -> bool {
        let agent = event
            .data
            .client
            .as_ref()
            .and_then(|client| client.user_agent.as_deref())
            .unwrap_or_default();
        classify(agent, &Hints::NONE).device == Device::Bot
    }
}

fn open_spool(config: &Config, data: &Path, bytes_max: u64) -> Result<Spool, CollectError> {
    let limits = Limits {
        bytes_max,
        ..Limits::default()
    };
    let (spool, recovery) = Spool::open(&config.spool_in(data), limits)?;
    if recovery.damaged_records > 0 {
        tracing::error!(
            records = recovery.damaged_records,
            files = ?recovery.damaged_files,
            "the disk lost records of the spool, whose events count as accepted: check the disk, and let the portals send their events of that time again, since none counts twice"
        );
    }
    if recovery.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovery.torn_bytes,
            "the spool ended in an incomplete record, which was removed"
        );
    }
    if recovery.records > 0 {
        tracing::warn!(
            records = recovery.records,
            "the spool holds events for Kafka"
        );
    }
    Ok(spool)
}
