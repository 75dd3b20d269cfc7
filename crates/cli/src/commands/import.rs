use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_importer::{AccessLog, Input, Summary, SystemSalts, Target};
use affluenza_kafka::{Acknowledged, NextOffset, Partition, Writer};
use affluenza_pipeline::{Until, stream};
use affluenza_store::{ImportedRange, Ledger, Store};
use anyhow::{Result, bail};

use crate::args;
use crate::commands::consume::RunningConsumer;
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Timeout of the last acknowledgements.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest standstill of the ledger before the import fails.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
/// Interval between checks of the ledger.
const LOOK: Duration = Duration::from_millis(200);

pub fn run(settings: &Settings, args: args::AccessLogArgs) -> Result<()> {
    let register = super::register(settings)?;
    // The code of an unknown ente is kept, and reported as unresolved.
    let ente = register
        .ente(&args.ente)
        .map_or(args.ente.as_str(), |ente| ente.code());
    let mut target = Target::new(ente, &args.portal)?;
    for service in &args.services {
        target = target.with_service(service.parse()?)?;
    }
    let inputs = args.files.iter().map(Input::path).collect();
    let log = AccessLog::new(target, inputs, SystemSalts)?;
    let order = ImportOrder {
        log,
        ente: ente.to_owned(),
        portal: args.portal.clone(),
        no_wait: args.no_wait,
    };
    let done = super::with_platform(settings, Needs::BOTH, async |platform, stop| {
        import(platform, settings, order, stop.clone()).await
    })?;
    output::print(&done)
}

struct ImportOrder {
    log: AccessLog,
    ente: String,
    portal: String,
    no_wait: bool,
}

async fn import(
    platform: &mut Platform,
    settings: &Settings,
    order: ImportOrder,
    stop: CancellationToken,
) -> Result<String> {
    super::migrate::prepare(platform).await?;
    let stream = stream::present(Store::new(&platform.store).ledger(), &platform.bus).await?;
    let writer = Writer::new(&platform.bus, &platform.bus.topic)?;
    let (summary, acknowledged) = tokio::task::block_in_place(|| produce(order.log, &writer))?;
    report_lines(&summary);
    if order.no_wait {
        return Ok(format!(
            "read {} = handed over {} + rejected {}{}",
            summary.lines - summary.blank,
            summary.events(),
            summary.malformed,
            blank(&summary)
        ));
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
    let before = summary.events().saturating_sub(stored);
    Ok(format!(
        "read {} = stored {stored} + stored before {before} + rejected {}{}\nof the events: {} pages, {} parts of pages",
        summary.lines - summary.blank,
        summary.malformed,
        blank(&summary),
        summary.pages,
        summary.assets
    ))
}

fn blank(summary: &Summary) -> String {
    match summary.blank {
        0 => String::new(),
        blank => format!(" ({blank} blank lines left out)"),
    }
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
        say(&format!("rejected  {malformed}"));
    }
    let listed = u64::try_from(summary.first_malformed.len()).unwrap_or(u64::MAX);
    if summary.malformed > listed {
        say(&format!(
            "rejected  … and {} more",
            summary.malformed - listed
        ));
    }
    for same in &summary.same_content {
        say(&format!("left out  {same}"));
    }
    if summary.repeated * 20 > summary.events() {
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
