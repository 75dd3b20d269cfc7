use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use affluenza_http::telemetry::CancellationToken;
use affluenza_importer::{
    AccessLog, ClientChoice, ClientField, Input, KeptPosition, KeptSecrets, LogReading, Summary,
    Target,
};
use affluenza_kafka::{Acknowledged, Config, NextOffset, Partition, Writer};
use affluenza_pipeline::{Until, stream};
use affluenza_register::{Ente, Portal, Register};
use affluenza_store::{ImportedRange, Ledger, Store};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::args;
use crate::commands::consume::RunningConsumer;
use crate::commands::names::GivenNames;
use crate::dead_letters::{Letter, walk};
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Folder of the visitors' secrets, in the data folder.
const SECRETS: &str = "import-secrets";
/// Folder of the positions in followed logs, in the data folder.
const POSITIONS: &str = "import-positions";
const DAMAGED: &str =
    "the position in the log is damaged: delete the folder import-positions in the data folder";
/// Interval between looks at a log that does not grow.
const FOLLOW_PAUSE: Duration = Duration::from_secs(1);
/// Number of events after which the position in a followed log is kept.
const FOLLOW_EVENTS: u64 = 10_000;
/// Timeout of the last acknowledgements.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest standstill of the ledger before the import fails.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
/// Interval between checks of the ledger.
const LOOK: Duration = Duration::from_millis(200);

/// Share of lines that must be understood, in percent. Below it the form is wrong.
const UNDERSTOOD_PERCENT_MIN: u64 = 50;

pub fn run(settings: &Settings, args: args::AccessLogArgs) -> Result<()> {
    let register = super::register(settings)?;
    let ente = GivenNames(&register).ente(&args.ente);
    let target = target_of(&args, &register, ente)?;
    let folder = settings.engine.data.join(SECRETS);
    let secrets = KeptSecrets::open(&folder, ente, SystemTime::now)
        .with_context(|| format!("{} cannot be used", folder.display()))?;
    if matches!(args.client, args::ClientOption::Peer) && !args.trusted_proxies.is_empty() {
        bail!("--trusted-proxy needs --client forwarded: otherwise the client is the peer");
    }
    let positions = match (args.follow, args.files.as_slice()) {
        (false, _) => None,
        (true, [file]) if file != Path::new("-") => {
            let folder = settings.engine.data.join(POSITIONS);
            let kept = KeptPosition::of(&folder, target.source(), file);
            Some(kept.with_context(|| format!("{} cannot be used", folder.display()))?)
        }
        _ => bail!("--follow needs one file: standard input is read to its end, without --follow"),
    };
    let order = ImportOrder {
        ente: ente.to_owned(),
        portal: args.portal.clone(),
        source: target.source().to_owned(),
        no_wait: args.no_wait,
        log: match &positions {
            Some(positions) => AccessLog::follow(
                target,
                reading(&args),
                &args.files[0],
                positions.read().context(DAMAGED)?,
                secrets,
            )?,
            None => {
                let inputs = args.files.iter().map(Input::path).collect();
                AccessLog::new(target, &reading(&args), inputs, secrets)?
            }
        },
    };
    for layout in &order.log.summary().layouts {
        say(&format!(
            "reading   {}: {}",
            layout.name, layout.description
        ));
    }
    if let [file] = &*args.files
        && args.follow
        && !file.exists()
    {
        say(&format!("waits for {}", file.display()));
    }
    let done = super::with_platform(
        settings,
        Needs::BOTH,
        async |platform, stop| match &positions {
            Some(positions) => follow(platform, settings, order, positions, stop).await,
            None => import(platform, settings, order, stop.clone()).await,
        },
    )?;
    output::print_as(args.format, &done.to_string(), &done.as_json())?;
    check_understood(&done.summary)?;
    done.check_stored()
}

/// Returns the ente, portal, services and server of the events, and the zone of their days.
fn target_of(args: &args::AccessLogArgs, register: &Register, ente: &str) -> Result<Target> {
    let names = GivenNames(register);
    let known = register.ente(ente);
    let portal = known.and_then(|ente| register.portal(ente, &args.portal));
    let zone = portal.map(Portal::zone).or(known.map(Ente::zone));
    let zone = zone.cloned().unwrap_or_default();
    let target = Target::new(ente, names.portal(ente, &args.portal))?;
    let mut target = target.in_zone(zone.name())?;
    for given in &args.services {
        let service = match given.rsplit_once('=') {
            Some((prefix, service)) => format!("{prefix}={}", names.service(service)),
            None => given.clone(),
        };
        target = target.with_service(service.parse()?)?;
    }
    match &args.server {
        Some(server) => Ok(target.of_server(server)?),
        None => Ok(target),
    }
}

fn reading(args: &args::AccessLogArgs) -> LogReading {
    LogReading {
        format: args.log_format.clone(),
        clients: ClientChoice {
            field: match args.client {
                args::ClientOption::Peer => ClientField::Peer,
                args::ClientOption::Forwarded => ClientField::Forwarded,
            },
            trusted: args.trusted_proxies.clone(),
        },
        allows_single_client: args.single_client,
    }
}

/// Fails if the lines are of another form than the import read.
fn check_understood(summary: &Summary) -> Result<()> {
    let lines = summary.events() + summary.malformed;
    if summary.events() * 100 < lines * UNDERSTOOD_PERCENT_MIN {
        bail!(
            "only {} of {lines} lines were understood: describe the form of the log with --log-format",
            summary.events()
        );
    }
    Ok(())
}

struct ImportOrder {
    log: AccessLog,
    ente: String,
    portal: String,
    source: String,
    no_wait: bool,
}

/// Result of an import. Every line is in exactly one count.
struct Imported {
    summary: Summary,
    /// Fates of the events; `None` if the import did not wait for them.
    fates: Option<ImportFates>,
}

struct ImportFates {
    stored: u64,
    /// Events that the consumer refused, by reason.
    rejected: BTreeMap<String, u64>,
}

impl Imported {
    fn as_json(&self) -> Value {
        let Self { summary, fates } = self;
        json!({
            "events": summary.events(),
            "stored": fates.as_ref().map(|fates| fates.stored),
            "stored_before": fates.as_ref().map(|fates| fates.stored_before(summary)),
            "rejected": fates.as_ref().map(|fates| &fates.rejected),
            "not_understood": summary.malformed,
            "left_out": summary.blank,
            "pages": summary.pages,
            "parts_of_pages": summary.assets,
            "error_answers": summary.failed,
        })
    }

    /// Fails if the consumer refused every event.
    fn check_stored(&self) -> Result<()> {
        let Some(fates) = &self.fates else {
            return Ok(());
        };
        let events = self.summary.events();
        if events > 0 && fates.stored + fates.stored_before(&self.summary) == 0 {
            bail!("nothing was stored: the consumer refused all {events} events");
        }
        Ok(())
    }
}

impl ImportFates {
    fn rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn stored_before(&self, summary: &Summary) -> u64 {
        summary
            .events()
            .saturating_sub(self.stored + self.rejected())
    }
}

/// Formats a count with its noun.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { summary, fates } = self;
        let events = summary.events();
        write!(f, "read {} = ", events + summary.malformed)?;
        match fates {
            None => write!(f, "handed over {events}")?,
            Some(fates) => {
                let (stored, rejected) = (fates.stored, fates.rejected());
                let before = fates.stored_before(summary);
                write!(
                    f,
                    "stored {stored} + stored before {before} + rejected {rejected}"
                )?;
            }
        }
        write!(f, " + not understood {}", summary.malformed)?;
        if summary.blank > 0 {
            write!(f, " ({} blank lines and headers left out)", summary.blank)?;
        }
        write!(
            f,
            "\nof the events: {}, {}, {}",
            counted(summary.pages, "page", "pages"),
            counted(summary.assets, "part of a page", "parts of pages"),
            counted(summary.failed, "error answer", "error answers"),
        )?;
        for (reason, events) in fates.iter().flat_map(|fates| &fates.rejected) {
            write!(
                f,
                "\nrejected by the consumer as {reason}: {events}; see `affluenza dead-letters list`"
            )?;
        }
        Ok(())
    }
}

async fn import(
    platform: &mut Platform,
    settings: &Settings,
    order: ImportOrder,
    stop: CancellationToken,
) -> Result<Imported> {
    super::migrate::prepare(platform).await?;
    let stream = stream::present(Store::new(&platform.store).ledger(), &platform.bus).await?;
    let writer = Writer::new(&platform.bus, &platform.bus.topic)?;
    let (summary, acknowledged) = tokio::task::block_in_place(|| produce(order.log, &writer))?;
    report_lines(&summary);
    if order.no_wait {
        return Ok(Imported {
            summary,
            fates: None,
        });
    }
    let ends: BTreeMap<Partition, NextOffset> = acknowledged
        .iter()
        .map(|(partition, range)| (*partition, range.last.next()))
        .collect();
    let store = Store::new(&platform.store);
    if platform.is_owner {
        let until = Until::Reached(super::consume::ends(&platform.bus)?);
        let consumer = RunningConsumer::start(platform, settings, until, stop)?;
        consumer.finish(platform).await?;
    } else {
        wait_for_others(store.ledger(), &stream, &ends, &stop).await?;
    }
    let ranges: Vec<ImportedRange> = acknowledged
        .iter()
        .map(|(partition, range)| ImportedRange {
            kafka_partition: partition.0.unsigned_abs(),
            first: range.first.0.unsigned_abs(),
            last: range.last.0.unsigned_abs(),
        })
        .collect();
    let stored = store
        .facts()
        .stored_imports(&stream, &order.ente, &order.portal, &ranges)
        .await?;
    let rejected = if stored < summary.events() {
        tokio::task::block_in_place(|| {
            rejected(&platform.bus, &stream, &order.source, &acknowledged)
        })?
    } else {
        BTreeMap::new()
    };
    Ok(Imported {
        summary,
        fates: Some(ImportFates { stored, rejected }),
    })
}

/// Sends what a log gains until `stop`, and keeps the position of what Kafka has acknowledged.
async fn follow(
    platform: &mut Platform,
    settings: &Settings,
    mut order: ImportOrder,
    positions: &KeptPosition,
    stop: &CancellationToken,
) -> Result<Imported> {
    super::migrate::prepare(platform).await?;
    let writer = Writer::new(&platform.bus, &platform.bus.topic)?;
    let consumer = if platform.is_owner {
        Some(RunningConsumer::start(
            platform,
            settings,
            Until::Stopped,
            stop.clone(),
        )?)
    } else {
        None
    };
    if order.log.summary().is_interrupted {
        say(
            "note      the file that was read last is gone: lines between it and the present file may be missing",
        );
    }
    let (mut described, mut named) = (0, 0);
    while !stop.is_cancelled() {
        tokio::task::block_in_place(|| send_new(&mut order.log, &writer))?;
        if let Some(position) = order.log.position() {
            positions
                .write(&position)
                .context("the position in the log cannot be kept")?;
        }
        for layout in &order.log.summary().layouts[described..] {
            say(&format!(
                "reading   {}: {}",
                layout.name, layout.description
            ));
        }
        for reason in &order.log.summary().not_read[named..] {
            say(&format!("not read  {reason}"));
        }
        described = order.log.summary().layouts.len();
        named = order.log.summary().not_read.len();
        if order.log.is_waiting() {
            tokio::select! {
                () = tokio::time::sleep(FOLLOW_PAUSE) => {}
                () = stop.cancelled() => {}
                error = platform.failed() => return Err(error),
            }
        }
    }
    if let Some(consumer) = consumer {
        consumer.finish(platform).await?;
    }
    report_lines(order.log.summary());
    Ok(Imported {
        summary: order.log.summary().clone(),
        fates: None,
    })
}

/// Sends at most [`FOLLOW_EVENTS`] events and waits for their acknowledgement.
fn send_new(log: &mut AccessLog, writer: &Writer) -> Result<()> {
    let mut sent = 0;
    while sent < FOLLOW_EVENTS
        && let Some(event) = log.next_event()?
    {
        writer.send(event.key.as_bytes(), event.json, None, &[])?;
        sent += 1;
    }
    writer.flush(PATIENCE)?;
    Ok(())
}

/// Counts the events of this import among the dead letters, by reason.
fn rejected(
    bus: &Config,
    stream: &str,
    source: &str,
    acknowledged: &BTreeMap<Partition, Acknowledged>,
) -> Result<BTreeMap<String, u64>> {
    let counts = walk(
        bus,
        Some(stream),
        |letter: &Letter<'_>| {
            let (partition, offset) = (letter.position.partition, letter.position.offset);
            let range = acknowledged.get(&partition);
            letter.is_current_stream
                && range.is_some_and(|range| (range.first..=range.last).contains(&offset))
                && letter.source().as_deref() == Some(source)
        },
        |_| Ok(ControlFlow::Continue(())),
    )?;
    Ok(counts.by_reason)
}

fn produce(
    mut log: AccessLog,
    writer: &Writer,
) -> Result<(Summary, BTreeMap<Partition, Acknowledged>)> {
    while let Some(event) = log.next_event()? {
        writer.send(event.key.as_bytes(), event.json, None, &[])?;
    }
    let acknowledged = writer.flush(PATIENCE)?;
    Ok((log.summary().clone(), acknowledged))
}

fn report_lines(summary: &Summary) {
    for malformed in &summary.first_malformed {
        say(&format!("not read  {malformed}"));
    }
    let listed = u64::try_from(summary.first_malformed.len()).unwrap_or(u64::MAX);
    if summary.malformed > listed {
        say(&format!(
            "not read  … and {} more",
            summary.malformed - listed
        ));
    }
    for same in &summary.same_content {
        say(&format!("left out  {same}"));
    }
    if summary.inputs > 1 && summary.repeated * 20 > summary.events() {
        say(&format!(
            "note      {} of {} lines repeat an earlier one: do the files overlap?",
            summary.repeated,
            summary.events()
        ));
    }
}

/// Waits until another process's consumer has stored everything up to `ends`.
async fn wait_for_others(
    ledger: &Ledger,
    stream: &str,
    ends: &BTreeMap<Partition, NextOffset>,
    stop: &CancellationToken,
) -> Result<()> {
    let mut moved = Instant::now();
    let mut stood = 0;
    loop {
        let mut sum = 0;
        let mut missing = false;
        let stored = ledger.ends(stream).await?;
        for (partition, end) in ends {
            let at = stored.get(&partition.0.unsigned_abs()).copied();
            let at = at.unwrap_or(0);
            sum += at;
            missing |= at < end.0.unsigned_abs();
        }
        if !missing {
            return Ok(());
        }
        if sum > stood {
            (stood, moved) = (sum, Instant::now());
        }
        if moved.elapsed() > STANDSTILL_MAX {
            bail!(
                "the events are in Kafka, but none has been stored for {} s: start `affluenza consume`, or use --no-wait",
                STANDSTILL_MAX.as_secs()
            );
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => bail!("stopped; the events are in Kafka and will be stored when `affluenza consume` runs"),
        }
    }
}
