use std::time::{Duration, Instant};

use affluenza_http::keys::{KeyStore, NewKey, Role};
use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::Writer;
use affluenza_pipeline::{Progress, Until};
use affluenza_register::Register;
use affluenza_simulator::{Options, Simulation, TargetFigures};
use affluenza_store::Store;
use anyhow::{Context, Result, anyhow, bail};

use crate::args::{self, Up};
use crate::commands::chain::Witness;
use crate::commands::collect::RunningCollector;
use crate::commands::consume::{RunningConsumer, ends};
use crate::commands::register_files::RegisterFiles;
use crate::commands::serve::RunningApi;
use crate::commands::simulate::produce;
use crate::commands::watch::Watch;
use crate::commands::year::{CloseOrder, Closing, close_year, said};
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Years of the demo, which closes them.
const YEARS: [i16; 2] = [2016, 2017];
/// Interval between checks of the progress.
const LOOK: Duration = Duration::from_millis(200);

/// Time from the signal to the end, even if an engine hangs. Supervisors kill after thirty seconds.
const END_WITHIN: Duration = Duration::from_secs(22);
/// Longest wait for each part before it is abandoned; for the engines, the shortest.
const COLLECTOR_ENDS_WITHIN: Duration = Duration::from_secs(6);
const CONSUMER_ENDS_WITHIN: Duration = Duration::from_secs(8);
const API_ENDS_WITHIN: Duration = Duration::from_secs(3);
const ENGINES_END_WITHIN_MIN: Duration = Duration::from_secs(5);

pub fn run(settings: &Settings, args: &Up) -> Result<()> {
    let register = super::register(settings)?;
    super::with_runtime(async |stop| {
        let began = Instant::now();
        let mut platform = tokio::select! {
            opened = Platform::open(settings, Needs::BOTH) => opened?,
            () = stop.cancelled() => return Ok(()),
        };
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
        let mut ending = Ending::default();
        let started = tokio::select! {
            started = RunningServices::start(&platform, settings) => started.map(Some),
            () = stop.cancelled() => Ok(None),
        };
        let result = match started {
            Ok(Some(parts)) => {
                let work = UpTask {
                    settings,
                    args,
                    register: &register,
                };
                work.run(parts, &mut platform, &stop, &mut ending).await
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        let left = ending.left(END_WITHIN).max(ENGINES_END_WITHIN_MIN);
        let closed = platform.close_within(left).await;
        result?;
        closed
    })
}

/// Time since the shutdown began.
#[derive(Debug, Default)]
struct Ending(Option<Instant>);

impl Ending {
    fn begin(&mut self) {
        self.0 = Some(Instant::now());
    }

    /// Returns the time left, at most `most`.
    fn left(&self, most: Duration) -> Duration {
        let passed = self.0.map_or(Duration::ZERO, |began| began.elapsed());
        END_WITHIN.saturating_sub(passed).min(most)
    }

    /// Waits for the end of a part, at most `most`, then abandons it. Acknowledged data is on disk,
    /// and unfinished work is found again at the next start.
    async fn of(
        &self,
        part: &str,
        most: Duration,
        end: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let most = self.left(most);
        match tokio::time::timeout(most, end).await {
            Ok(ended) => ended,
            Err(_) => {
                let seconds = most.as_secs();
                tracing::warn!(
                    seconds,
                    "{part} did not end in time and is abandoned; nothing is lost"
                );
                Ok(())
            }
        }
    }
}

/// Services that run along with the engines.
struct RunningServices {
    collector: RunningCollector,
    collector_stop: CancellationToken,
    consumer: RunningConsumer,
    consumer_stop: CancellationToken,
    api: RunningApi,
    _watch: Option<Watch>,
}

impl RunningServices {
    /// Starts the services. The collector comes first and accepts events while the others start.
    async fn start(platform: &Platform, settings: &Settings) -> Result<Self> {
        super::migrate::prepare(platform).await?;
        Store::new(&platform.store).admin().check_guards().await?;
        let collector_stop = CancellationToken::new();
        let collector = RunningCollector::start(platform, settings, collector_stop.clone()).await?;
        introduce(&collector, settings)?;
        if let Err(error) = super::recover::recover(platform, settings).await {
            tracing::error!(
                error = format!("{error:#}"),
                "what ClickHouse may have lost was not restored: the comparison in half a minute retries"
            );
        }
        let consumer_stop = CancellationToken::new();
        let consumer =
            RunningConsumer::start(platform, settings, Until::Stopped, consumer_stop.clone())?;
        let watch = Watch::start(settings, platform, &consumer.progress).await?;
        let api = RunningApi::start(platform, settings, &consumer_stop).await?;
        say(&format!(
            "  API         {}/docs  figures under /v1",
            api.url
        ));
        Ok(Self {
            collector,
            collector_stop,
            consumer,
            consumer_stop,
            api,
            _watch: watch,
        })
    }
}

/// Task of the command.
struct UpTask<'w> {
    settings: &'w Settings,
    args: &'w Up,
    register: &'w Register,
}

impl UpTask<'_> {
    /// Runs until `stop` is triggered or the task is done.
    async fn run(
        &self,
        mut parts: RunningServices,
        platform: &mut Platform,
        stop: &CancellationToken,
        ending: &mut Ending,
    ) -> Result<()> {
        let progress = parts.consumer.progress.clone();
        let (bus, store) = (platform.bus.clone(), Store::new(&platform.store));
        tokio::select! {
            shown = self.foreground(&bus, &store, &progress, stop) => shown?,
            // Without a signal, the consumer ends only on an error.
            ended = parts.consumer.ended() => return ended.and(Err(anyhow!("the consumer ended unexpectedly"))),
            ended = parts.collector.ended() => return ended.and(Err(anyhow!("the collector ended unexpectedly"))),
            error = platform.failed() => return Err(error),
        }
        ending.begin();
        // The collector ends first, so that accepted events reach Kafka while it runs.
        parts.collector_stop.cancel();
        let ended = parts.collector.ended();
        ending
            .of("the collector", COLLECTOR_ENDS_WITHIN, ended)
            .await?;
        parts.consumer_stop.cancel();
        let ended = parts.consumer.finish(platform);
        ending
            .of("the consumer", CONSUMER_ENDS_WITHIN, ended)
            .await?;
        ending
            .of("the API", API_ENDS_WITHIN, parts.api.ended())
            .await
    }

    async fn foreground(
        &self,
        bus: &affluenza_kafka::Config,
        store: &Store,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<()> {
        let (args, register) = (self.args, self.register);
        if args.demo {
            replay(bus, args.seed, register, stop).await?;
        }
        if args.demo || args.once {
            catch_up(bus, progress, stop).await?;
        }
        if args.demo && !stop.is_cancelled() {
            close_years(store, bus, self.settings).await?;
            let mut report = args::ReportArgs::of_year(YEARS[1], Some(YEARS[0]), args.look.lang);
            report.format = Some(match args.look.format {
                args::OutputFormat::Text => args::ReportFormat::Text,
                args::OutputFormat::Json => args::ReportFormat::Json,
            });
            let witness = Witness::new(self.settings, store.admin());
            let tables = super::report::tables(store, register, &witness, &report).await?;
            super::report::deliver(&tables, &report)?;
        }
        if !args.once && !stop.is_cancelled() {
            say("running; Ctrl-C ends it");
            stop.cancelled().await;
        }
        Ok(())
    }
}

/// Closes those years of the demo that are open, because the API shows closed years only without a
/// key.
async fn close_years(
    store: &Store,
    bus: &affluenza_kafka::Config,
    settings: &Settings,
) -> Result<()> {
    let (register, text) = RegisterFiles::configured(settings).sealable()?;
    let witness = Witness::new(settings, store.admin());
    for year in YEARS {
        let order = CloseOrder {
            year,
            restate: None,
            register: (register.version(), &text),
            small_count: settings.serve.small_count,
            unread_seconds_max: settings.consume.stuck_seconds,
        };
        if let Closing::Sealed(seal, sealed) = close_year(store, bus, &witness, &order).await? {
            say(&said(&seal, &sealed, register.version()));
        }
    }
    Ok(())
}

/// Prints the address of the collector, and creates a first key for trying it. Both appear at once,
/// so that a program that reads the address finds the key as well.
fn introduce(collector: &RunningCollector, settings: &Settings) -> Result<()> {
    let mut text = format!("  {}", collector.describe());
    if collector.is_closed {
        let store = KeyStore::new(settings.keys.file_in(&settings.engine.data));
        let (_, secret) = store.create(NewKey::new("to try with", Role::Writer))?;
        text.push_str("\n  a key to try it with, shown this once: ");
        text.push_str(secret.expose());
    }
    say(&text);
    Ok(())
}

/// Writes the events of the demo's years to Kafka. Their ids depend only on the seed, so a second
/// replay changes nothing.
async fn replay(
    bus: &affluenza_kafka::Config,
    seed: u64,
    register: &Register,
    stop: &CancellationToken,
) -> Result<()> {
    for year in YEARS {
        let figures =
            TargetFigures::focus(year).context("the figures of the demo come with the program")?;
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

/// Waits until everything in the log at this time has been stored.
async fn catch_up(
    bus: &affluenza_kafka::Config,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<()> {
    let bus = bus.clone();
    let ends = tokio::task::spawn_blocking(move || ends(&bus))
        .await
        .context("the thread that reads the log's ends failed")??;
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
            () = stop.cancelled() => return Ok(()),
        }
    }
}
