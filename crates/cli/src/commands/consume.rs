use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use affluenza_bus::{Cluster, NextOffset, Partition};
use affluenza_pipeline::erase::open_erasures;
use affluenza_pipeline::{
    Classifier, Consumer, PipelineError, Progress, Reconciled, Scope, Until, reconcile,
};
use affluenza_store::Store;
use affluenza_telemetry::{Files, Stop};
use anyhow::{Context, Result, anyhow};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::args::Consume;
use crate::commands::watch::Watch;
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Tokens must outlast the time after which blocks are looked for instead, several times.
const TOKEN_MEMORY_SECONDS_MIN: u64 = 1_800;

pub fn run(settings: &Settings, args: &Consume) -> Result<()> {
    let mut settings = settings.clone();
    settings.consume.accept_new_stream |= args.accept_new_stream;
    if let Some(listen) = &args.listen {
        settings.consume.listen.clone_from(listen);
        settings.check()?;
    }
    super::with_runtime(async |stop| {
        let mut platform = Platform::open(&settings, Needs::BOTH).await?;
        let result = consume(&mut platform, &settings, args.once, &stop).await;
        platform.close().await?;
        output::print(&result?)
    })
}

async fn consume(
    platform: &mut Platform,
    settings: &Settings,
    once: bool,
    stop: &Stop,
) -> Result<String> {
    let store = Store::new(&platform.store);
    store.check_schema().await?;
    store.check_guards().await?;
    let until = if once {
        Until::Reached(ends(&platform.bus)?)
    } else {
        Until::Stopped
    };
    let consumer = RunningConsumer::start(
        platform,
        settings,
        super::classifier(settings)?,
        until,
        stop.clone(),
    )?;
    let progress = consumer.progress.clone();
    let watched = Watch::start(settings, platform, &progress).await?;
    let result = consumer.finish(platform).await;
    if let (Some(watch), Err(error)) = (watched, &result) {
        watch.show(error, &progress).await;
    }
    result?;
    Ok(progress.snapshot().to_string())
}

/// Where each partition of the topic ends now.
pub fn ends(bus: &affluenza_bus::Config) -> Result<BTreeMap<Partition, NextOffset>> {
    let watermarks = Cluster::new(bus)?.watermarks(&bus.topic)?;
    // An empty partition has nothing to reach.
    Ok(watermarks
        .into_iter()
        .filter(|(_, held)| held.high > held.low)
        .map(|(partition, held)| (partition, held.high))
        .collect())
}

/// A consumer on a thread of its own.
pub struct RunningConsumer {
    pub progress: Progress,
    result: oneshot::Receiver<Result<(), PipelineError>>,
}

impl RunningConsumer {
    /// Starts to consume. It ends at `until`, or when `stop` is told.
    pub fn start(
        platform: &Platform,
        settings: &Settings,
        classifier: Classifier,
        until: Until,
        stop: Stop,
    ) -> Result<Self> {
        let progress = Progress::default();
        let (bus, store) = (platform.bus.clone(), Store::new(&platform.store));
        let (config, runtime) = (settings.consume.clone(), Handle::current());
        let (result_in, result) = oneshot::channel();
        let watched = progress.clone();
        let (newer_in, newer) = mpsc::channel();
        tokio::spawn(reload_regularly(settings.clone(), newer_in, stop.clone()));
        tokio::spawn(reconcile_regularly(
            settings.clone(),
            bus.clone(),
            store.clone(),
            progress.clone(),
            stop.clone(),
        ));
        std::thread::Builder::new()
            .name("consumer".into())
            .spawn(move || {
                let joined = Consumer::join(&bus, store, classifier, config, watched, runtime);
                let result =
                    joined.and_then(|consumer| consumer.following(newer).run(&until, stop.flag()));
                stop.tell();
                // Nobody listens when the command has given up already.
                let _ = result_in.send(result);
            })
            .context("a thread cannot be started")?;
        Ok(Self { progress, result })
    }

    /// Waits until it ends. May be dropped and called again, but not after it has answered.
    pub async fn ended(&mut self) -> Result<()> {
        match (&mut self.result).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(anyhow!(
                "the consumer ended unexpectedly; see the lines above"
            )),
        }
    }

    /// Waits until it ends, or an engine does.
    pub async fn finish(mut self, platform: &mut Platform) -> Result<()> {
        tokio::select! {
            ended = self.ended() => ended,
            exit = platform.failed() => Err(platform.explain(&exit)),
        }
    }
}

/// Looks again and again whether the register or the geography database was replaced, and hands
/// over a classifier with the new one. One that cannot be read leaves the old one in force.
async fn reload_regularly(settings: Settings, newer: mpsc::Sender<Classifier>, stop: Stop) {
    let (register, places) = (&settings.register.file, &settings.geography.database);
    let mut files = Files::new([register.clone(), places.clone()]);
    while files.were_replaced(&stop).await {
        let read = tokio::task::block_in_place(|| {
            super::geo(&settings).and_then(|geo| super::classifier_with(&settings, geo))
        });
        match read {
            // Nobody listens when the consumer has ended.
            Ok(classifier) => drop(newer.send(classifier)),
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "a replaced file cannot be used: the register and the geography database stay what they were"
            ),
        }
    }
}

/// Compares ledger, facts and aggregates again and again, and mends what differs: ClickHouse may
/// lose what it has acknowledged when it is killed. Trouble is logged; the next time may be better.
async fn reconcile_regularly(
    settings: Settings,
    bus: affluenza_bus::Config,
    store: Store,
    progress: Progress,
    stop: Stop,
) {
    let minutes = u64::from(settings.consume.reconcile_minutes);
    if minutes == 0 {
        return;
    }
    let first = Duration::from_secs(u64::from(settings.consume.reconcile_first_seconds.max(1)));
    let mut pause = first;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.told() => return,
        }
        if !progress.leads() {
            pause = first;
            continue;
        }
        pause = Duration::from_secs(minutes * 60);
        let compared = tokio::select! {
            compared = reconcile_once(&settings, &bus, &store) => compared,
            () = stop.told() => return,
        };
        match compared {
            Ok(done) if done.is_clean() => {
                progress.note_compared(&done);
                tracing::info!("ledger, facts and aggregates agree");
            }
            Ok(done) => {
                progress.note_compared(&done);
                for failure in &done.failures {
                    tracing::error!(failure, "not mended");
                }
                tracing::warn!(
                    facts = done.facts_restored,
                    ledger_rows = done.ledger_rows,
                    cells = done.cells_corrected,
                    "mended what ClickHouse had lost"
                );
            }
            Err(error) => {
                progress.note_not_compared();
                tracing::warn!(
                    error = format!("{error:#}"),
                    "ledger, facts and aggregates were not compared"
                );
            }
        }
    }
}

async fn reconcile_once(
    settings: &Settings,
    bus: &affluenza_bus::Config,
    store: &Store,
) -> Result<Reconciled> {
    let mut classifier = super::classifier(settings)?;
    let stream =
        tokio::task::block_in_place(|| Cluster::new(bus)?.identity(&bus.topic))?.to_string();
    if let Some(seconds) = store.token_memory_seconds().await?
        && seconds < TOKEN_MEMORY_SECONDS_MIN
    {
        tracing::error!(
            seconds,
            "ClickHouse forgets insert tokens too soon at this rate: write larger blocks (consume.block_wait_ms_max) or enlarge non_replicated_deduplication_window"
        );
    }
    let scope = Scope::Hours(settings.consume.reconcile_hours);
    let mut done = reconcile(store, bus, &stream, &mut classifier, scope).await?;
    let open = open_erasures(store, bus, &stream).await?;
    // Asked after the notes: an order that is being carried out is in the table before it is noted.
    let known = store.erasures().await?;
    for noted in open.into_iter().flatten() {
        if !known.iter().any(|one| one.id == noted.id) {
            done.failures.push(format!(
                "{}: erasure {} is noted, and not carried out in this database: `affluenza audit --repair` does it",
                noted.ente, noted.id
            ));
        }
    }
    Ok(done)
}
