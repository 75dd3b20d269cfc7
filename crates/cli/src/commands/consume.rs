use std::collections::BTreeMap;
use std::sync::mpsc;

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{Cluster, NextOffset, Partition};
use affluenza_pipeline::{Classifier, Consumer, PipelineError, Progress, StandstillMonitor, Until};
use affluenza_store::Store;
use anyhow::{Context, Result, anyhow, bail};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::args::Consume;
use crate::commands::doubts::{settle_all, settle_regularly};
use crate::commands::reload::WatchedRegister;
use crate::commands::transactions::watch_transactions;
use crate::commands::upkeep::Upkeep;
use crate::commands::watch::Watch;
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

pub fn run(settings: &Settings, args: &Consume) -> Result<()> {
    let mut settings = settings.clone();
    settings.consume.accept_new_stream |= args.accept_new_stream;
    if let Some(listen) = &args.listen {
        settings.consume.listen.clone_from(listen);
        settings.check()?;
    }
    let done = super::with_platform(&settings, Needs::BOTH, async |platform, stop| {
        consume(platform, &settings, args.once, stop).await
    })?;
    output::print(&done)
}

async fn consume(
    platform: &mut Platform,
    settings: &Settings,
    once: bool,
    stop: &CancellationToken,
) -> Result<String> {
    let store = Store::new(&platform.store);
    store.admin().check_schema().await?;
    store.admin().check_shape().await?;
    store.admin().check_guards().await?;
    let until = if once {
        Until::Reached(ends(&platform.bus)?)
    } else {
        Until::Stopped
    };
    let consumer = RunningConsumer::start(platform, settings, until, stop.child_token())?;
    let progress = consumer.progress.clone();
    let watched = Watch::start(settings, platform, &progress).await?;
    let result = consumer.finish(platform).await;
    if let (Some(watch), Err(error)) = (watched, &result) {
        watch.show(error, &progress).await;
    }
    result?;
    if once && stop.is_cancelled() {
        bail!(
            "stopped by a signal before the end: {}",
            progress.snapshot()
        );
    }
    Ok(progress.snapshot().to_string())
}

/// Returns the present end offset of each partition of the topic.
pub fn ends(bus: &affluenza_kafka::Config) -> Result<BTreeMap<Partition, NextOffset>> {
    let watermarks = Cluster::new(bus)?.watermarks(&bus.topic)?;
    // An empty partition would never be reached.
    Ok(watermarks
        .into_iter()
        .filter(|(_, held)| held.high > held.low)
        .map(|(partition, held)| (partition, held.high))
        .collect())
}

/// Consumer on its own thread.
pub struct RunningConsumer {
    pub progress: Progress,
    result: oneshot::Receiver<Result<(), PipelineError>>,
    /// Final search for duplicate facts, for a consumer that ends at given offsets.
    last_search: Option<Upkeep>,
}

impl RunningConsumer {
    /// Starts to consume. Ends at `until`, or when `stop` is triggered.
    pub fn start(
        platform: &Platform,
        settings: &Settings,
        until: Until,
        stop: CancellationToken,
    ) -> Result<Self> {
        let places = settings.geography.database.clone();
        let (register, files) = WatchedRegister::open(settings, vec![places])?;
        let classifier = super::first_classifier(settings, register);
        let progress = Progress::default();
        let (bus, store) = (platform.bus.clone(), Store::new(&platform.store));
        let (config, runtime) = (settings.consume.clone(), Handle::current());
        let (result_in, result) = oneshot::channel();
        let watched = progress.clone();
        let (newer_in, newer) = mpsc::channel();
        let reloading = reload_regularly(files, settings.clone(), newer_in, stop.clone());
        tokio::spawn(reloading);
        let upkeep = Upkeep {
            settings: settings.clone(),
            bus: bus.clone(),
            store: store.clone(),
            progress: progress.clone(),
            restarts: platform.clickhouse_restarts(),
        };
        let last_search = matches!(until, Until::Reached(_)).then(|| upkeep.clone());
        tokio::spawn(upkeep.run(stop.clone()));
        tokio::spawn(settle_regularly(
            bus.clone(),
            store.clone(),
            progress.clone(),
            stop.clone(),
        ));
        tokio::spawn(watch_transactions(
            bus.clone(),
            progress.clone(),
            stop.clone(),
        ));
        let watchman = StandstillMonitor::new(&bus, store.clone(), progress.clone(), &config);
        tokio::spawn(watchman.watch(stop.clone()));
        std::thread::Builder::new()
            .name("consumer".into())
            .spawn(move || {
                let joined = Consumer::join(&bus, store, classifier, config, watched, runtime);
                let result =
                    joined.and_then(|consumer| consumer.following(newer).run(&until, &stop));
                stop.cancel();
                // The receiver is gone if the command was aborted.
                let _ = result_in.send(result);
            })
            .context("a thread cannot be started")?;
        Ok(Self {
            progress,
            result,
            last_search,
        })
    }

    /// Waits for the end. The future may be dropped and created again, but not after it has
    /// completed.
    pub async fn ended(&mut self) -> Result<()> {
        match (&mut self.result).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(anyhow!(
                "the consumer ended unexpectedly; see the lines above"
            )),
        }
    }

    /// Waits until the consumer ends or an engine fails.
    pub async fn finish(mut self, platform: &mut Platform) -> Result<()> {
        tokio::select! {
            ended = self.ended() => ended?,
            error = platform.failed() => return Err(error),
        }
        if let Some(upkeep) = self.last_search.take() {
            // No later consumer would do this work.
            settle_all(&upkeep.bus, &upkeep.store).await?;
            upkeep.search_and_say().await;
        }
        Ok(())
    }
}

/// Sends a new classifier when a file of the register or the geography database is replaced. An
/// invalid file leaves the old classifier in use.
async fn reload_regularly(
    mut watched: WatchedRegister,
    settings: Settings,
    newer: mpsc::Sender<Classifier>,
    stop: CancellationToken,
) {
    while let Some(read) = watched.replaced(&stop).await {
        let both = read.and_then(|register| {
            let geo = tokio::task::block_in_place(|| super::geo(&settings))?;
            Ok(super::classifier_with(&settings, register, geo))
        });
        match both {
            // The receiver is gone when the consumer has ended.
            Ok(classifier) => drop(newer.send(classifier)),
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "a replaced file cannot be used: the previous register and geography database stay active"
            ),
        }
    }
}
