use std::time::{Duration, Instant};

use affluenza_bus::Writer;
use affluenza_keys::{KeyStore, NewKey, Role};
use affluenza_pipeline::{Progress, Until};
use affluenza_register::Register;
use affluenza_simulator::{Figures, Options, Simulation};
use affluenza_store::Store;
use affluenza_telemetry::Stop;
use anyhow::{Context, Result, anyhow, bail};

use crate::args::{self, Up};
use crate::commands::collect::RunningCollector;
use crate::commands::consume::{RunningConsumer, ends};
use crate::commands::serve::RunningApi;
use crate::commands::simulate::produce;
use crate::commands::watch::Watch;
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// The years of the demo.
const YEARS: [i16; 2] = [2016, 2017];
/// Pause between two looks at the progress.
const LOOK: Duration = Duration::from_millis(200);

pub fn run(settings: &Settings, args: &Up) -> Result<()> {
    let register = super::register(settings)?;
    super::with_runtime(async |stop| {
        let began = Instant::now();
        let mut platform = Platform::open(settings, Needs::BOTH).await?;
        if !platform.is_owner && settings.kafka.bootstrap_servers.is_empty() {
            platform.close().await?;
            bail!(
                "{} is in use: this machine runs `up` already",
                settings.engine.data.display()
            );
        }
        say(&format!(
            "ready after {:.1} s",
            began.elapsed().as_secs_f64()
        ));
        for line in platform.describe() {
            say(&format!("  {line}"));
        }
        let result = work(&mut platform, settings, args, &register, &stop).await;
        let closed = platform.close().await;
        result?;
        closed
    })
}

async fn work(
    platform: &mut Platform,
    settings: &Settings,
    args: &Up,
    register: &Register,
    stop: &Stop,
) -> Result<()> {
    super::migrate::prepare(platform).await?;
    Store::new(&platform.store).check_guards().await?;
    let consumer_stop = Stop::default();
    let mut consumer = RunningConsumer::start(
        platform,
        settings,
        super::classifier(settings)?,
        Until::Stopped,
        consumer_stop.clone(),
    )?;
    let _watch = Watch::start(settings, platform, &consumer.progress).await?;
    let collector_stop = Stop::default();
    let mut collector = RunningCollector::start(platform, settings, collector_stop.clone()).await?;
    introduce(&collector, settings)?;
    let api = RunningApi::start(platform, settings, &consumer_stop).await?;
    say(&format!(
        "  API         {}/docs  figures under /v1",
        api.url
    ));
    let progress = consumer.progress.clone();
    let (bus, store) = (platform.bus.clone(), Store::new(&platform.store));
    let foreground = async {
        if args.demo {
            replay(&bus, args.seed, register, stop).await?;
        }
        if args.demo || args.once {
            catch_up(&bus, &progress, stop).await?;
        }
        if args.demo && !stop.is_told() {
            let report = args::Report {
                year: YEARS[1],
                compare: Some(YEARS[0]),
                ente: None,
                every_ente: false,
                public: false,
                count: args::Count::People,
                classified: args::Clock::Then,
                lang: args.look.lang,
                format: Some(match args.look.format {
                    args::Format::Text => args::ReportFormat::Text,
                    args::Format::Json => args::ReportFormat::Json,
                }),
                output: None,
            };
            let tables = super::report::tables(
                &store,
                register,
                &super::chain::Witness::new(settings, &store),
                &report,
            )
            .await?;
            super::report::deliver(&tables, &report)?;
        }
        if !args.once && !stop.is_told() {
            say("running; Ctrl-C ends it");
            stop.told().await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        shown = foreground => shown?,
        // By itself the consumer ends only when it cannot go on.
        ended = consumer.ended() => return ended.and(Err(anyhow!("the consumer ended before it was told to"))),
        ended = collector.ended() => return ended.and(Err(anyhow!("the collector ended before it was told to"))),
        exit = platform.failed() => return Err(platform.explain(&exit)),
    }
    // What it has accepted is to be in Kafka while Kafka still runs.
    collector_stop.tell();
    collector.ended().await?;
    consumer_stop.tell();
    consumer.finish(platform).await?;
    api.ended().await
}

/// Says where the collector is, and makes a first key to try it with.
fn introduce(collector: &RunningCollector, settings: &Settings) -> Result<()> {
    say(&format!("  {}", collector.describe()));
    if collector.is_closed {
        let store = KeyStore::new(settings.keys.file_in(&settings.engine.data));
        let (_, secret) = store.create(NewKey::new("to try with", Role::Writer))?;
        say(&format!(
            "  a key to try it with, shown this once: {}",
            secret.expose()
        ));
    }
    Ok(())
}

/// Writes the streams of the demo's years to Kafka. Their events have the same ids each time, so
/// a second replay of the same seed changes nothing.
async fn replay(
    bus: &affluenza_bus::Config,
    seed: u64,
    register: &Register,
    stop: &Stop,
) -> Result<()> {
    for year in YEARS {
        let figures =
            Figures::focus(year).context("the figures of the demo come with the program")?;
        let options = Options {
            seed,
            ..Options::default()
        };
        let simulation = Simulation::new(&figures, register, &options)?;
        let writer = Writer::new(bus, &bus.topic)?;
        let bar = output::bar(
            if year == YEARS[0] { "2016" } else { "2017" },
            simulation.total(),
        );
        let stop = stop.clone();
        let began = Instant::now();
        let events =
            tokio::task::spawn_blocking(move || produce(simulation, &writer, None, &bar, &stop))
                .await
                .context("the simulator ended unexpectedly")??;
        let seconds = began.elapsed().as_secs_f64();
        say(&format!(
            "{year}: {events} events produced in {seconds:.1} s, seed {seed}"
        ));
    }
    Ok(())
}

/// Waits until everything that is in the log now has been stored.
async fn catch_up(bus: &affluenza_bus::Config, progress: &Progress, stop: &Stop) -> Result<()> {
    let bus = bus.clone();
    let ends = tokio::task::spawn_blocking(move || ends(&bus))
        .await
        .context("Kafka was not asked to the end")??;
    let total = ends.values().map(|end| end.0.unsigned_abs()).sum();
    let bar = output::bar("stored", total);
    let began = Instant::now();
    loop {
        let done = progress.snapshot();
        bar.set_position(done.ends.values().map(|end| end.0.unsigned_abs()).sum());
        if progress.reached(&ends) {
            bar.finish();
            let seconds = began.elapsed().as_secs_f64();
            say(&format!("{done}, the last of them after {seconds:.1} s"));
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.told() => return Ok(()),
        }
    }
}
