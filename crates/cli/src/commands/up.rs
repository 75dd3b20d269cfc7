use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::Writer;
use affluenza_pipeline::{Progress, Until};
use affluenza_register::Register;
use affluenza_simulator::{Options, Simulation, TargetFigures};
use affluenza_store::Store;
use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;

use crate::args::{self, Up};
use crate::commands::chain::Witness;
use crate::commands::collect::RunningCollector;
use crate::commands::consume::{RunningConsumer, ends};
use crate::commands::demo_keys::DemoKeys;
use crate::commands::register_files::RegisterFiles;
use crate::commands::serve::RunningApi;
use crate::commands::simulate::produce;
use crate::commands::watch::Watch;
use crate::commands::year::{CloseOrder, Closing, close_year};
use crate::output::{self, say, shell_word};
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
    super::ports::check(settings)?;
    let register = super::register(settings)?;
    super::with_runtime(async |stop| {
        let began = Instant::now();
        let mut platform = tokio::select! {
            opened = Platform::open(settings, Needs::BOTH) => opened?,
            () = stop.cancelled() => return args.stopped(),
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
        closed?;
        match stop.is_cancelled() {
            true => args.stopped(),
            false => Ok(()),
        }
    })
}

impl Up {
    /// Result of a command that a signal has ended.
    fn stopped(&self) -> Result<()> {
        match self.once {
            true => bail!("stopped by a signal before the end"),
            false => Ok(()),
        }
    }
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
        let screen = match self.args.once {
            true => String::new(),
            false => self.screen(&parts, platform)?,
        };
        tokio::select! {
            shown = self.foreground(&bus, &store, &progress, stop, &screen) => shown?,
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
        screen: &str,
    ) -> Result<()> {
        let (args, register) = (self.args, self.register);
        if args.demo {
            replay(bus, store, args.seed, register, stop).await?;
        }
        if args.demo || args.once {
            catch_up(bus, progress, stop).await?;
        }
        if args.demo && !stop.is_cancelled() {
            super::register::load(store.registers(), register).await?;
            super::figures::add_examples(store.registers()).await?;
            close_years(store, bus, self.settings).await?;
        }
        if args.demo && args.once && !stop.is_cancelled() {
            let mut report = args::ReportArgs::of_year(YEARS[1], Some(YEARS[0]), args.look.lang);
            report.format = Some(match args.look.format {
                args::OutputFormat::Text => args::ReportFormat::Text,
                args::OutputFormat::Json => args::ReportFormat::Json,
            });
            let witness = Witness::new(self.settings, store.admin());
            let tables = super::report::tables(store, register, &witness, &report).await?;
            super::report::deliver(&tables, &self.settings.face()?, &report)?;
        }
        if !args.once && !stop.is_cancelled() {
            say(screen);
            stop.cancelled().await;
        }
        Ok(())
    }

    /// Returns the last screen: addresses, a command that sends an event, and how to end.
    fn screen(&self, parts: &RunningServices, platform: &Platform) -> Result<String> {
        let api = reachable(&parts.api.url);
        let collector = reachable(&parts.collector.url());
        let mut lines = vec![
            String::new(),
            format!("Dashboard   {api}/"),
            format!("Live events {api}/events"),
            format!("API         {api}/docs"),
            format!("Collector   {collector}"),
        ];
        lines.extend(platform.describe());
        lines.push(String::new());
        if self.args.demo {
            let keys = DemoKeys::open(self.settings)?;
            lines.push(format!(
                "Keys        valid until {}; for reading figures: {}",
                keys.until, keys.reader
            ));
            let data = shell_word(&self.settings.engine.data.display().to_string());
            lines.push(format!(
                "Send an event; the page of live events, with the key for reading, shows what became of it, as does `affluenza --data {data} events`:"
            ));
            lines.push(self.example(&collector, &keys.writer));
        } else if parts.collector.is_closed {
            lines.push(
                "No key yet: `affluenza keys create NAME --role writer --ente CODE` creates one."
                    .into(),
            );
        }
        lines.push("running; Ctrl-C ends it".into());
        Ok(lines.join("\n"))
    }

    /// Returns a command that sends an event of a portal of the register.
    fn example(&self, collector: &str, key: &str) -> String {
        let portal = self.register.portals().next();
        let (ente, portal) = portal.map_or(("c_d612", "servizi-online"), |portal| {
            (portal.ente(), portal.code())
        });
        let now = Timestamp::now();
        let (time, id) = (now.strftime("%Y-%m-%dT%H:%M:%SZ"), now.as_second());
        format!(
            r#"  curl {collector} -H "Authorization: Bearer {key}" -H "Content-Type: application/json" -d '
    {{"specversion": "1.0", "type": "it.affluenza.access.v1", "source": "https://portal.example.it", "id": "try-{id}",
     "time": "{time}", "data": {{"ente": "{ente}", "portal": "{portal}"}}}}'"#
        )
    }
}

/// Returns the address at which this machine reaches a service that listens on all addresses, as in
/// a container.
fn reachable(url: &str) -> String {
    url.replace("//0.0.0.0:", "//127.0.0.1:")
        .replace("//[::]:", "//[::1]:")
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
            period: year.into(),
            restate: None,
            register: (register.version(), &text),
            small_count: settings.serve.small_count,
            unread_seconds_max: settings.consume.stuck_seconds,
        };
        if let Closing::Sealed(seal, sealed) = close_year(store, bus, &witness, &order).await? {
            let uses = sealed.service_uses();
            say(&format!(
                "{year}: {uses} service uses; the year is closed, seal {}",
                seal.number
            ));
        }
    }
    Ok(())
}

/// Writes the events of the demo's open years to Kafka. A year is closed after its events are stored.
async fn replay(
    bus: &affluenza_kafka::Config,
    store: &Store,
    seed: u64,
    register: &Register,
    stop: &CancellationToken,
) -> Result<()> {
    let seals = store.registers().seals().await?;
    for year in YEARS {
        if let Some(seal) = seals
            .iter()
            .find(|seal| seal.month == 0 && i32::from(seal.year) == i32::from(year))
        {
            say(&format!("{year}: loaded before, seal {}", seal.number));
            continue;
        }
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
