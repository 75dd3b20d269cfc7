use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{Cluster, Writer};
use affluenza_simulator::{Options, RegionSize, Simulation, TargetFigures, region_files};
use anyhow::{Context, Result, anyhow, bail};
use indicatif::ProgressBar;
use serde_json::json;

use crate::args::{Destination, MadeUp, RegionArgs, Simulate};
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Timeout of the last acknowledgements.
const PATIENCE: Duration = Duration::from_secs(120);
/// Events between two checks of the stop signal.
const EVENTS_A_ROUND: u64 = 1_000;

pub fn run(settings: &Settings, args: &Simulate) -> Result<()> {
    if let Some(MadeUp::Region(region)) = &args.made_up {
        return write_region(region);
    }
    let figures = figures(args)?;
    let register = super::register(settings)?;
    let options = Options {
        seed: args.seed,
        scale: args.scale,
    };
    let simulation = Simulation::new(&figures, &register, &options)?;
    output::say(&format!(
        "{} events, seed {}",
        simulation.total(),
        args.seed
    ));
    if let Some(file) = &args.totals {
        write_totals(&simulation, file)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if args.to == Destination::Stdout {
        return to_stdout(simulation, args.rate);
    }
    let events = super::with_platform(settings, Needs::KAFKA, async |platform, stop| {
        Cluster::new(&platform.bus)?
            .create_topics(&platform.bus)
            .await?;
        let writer = Writer::new(&platform.bus, &platform.bus.topic)?;
        let bar = output::bar("produced", simulation.total());
        tokio::task::block_in_place(|| produce(simulation, &writer, args.rate, &bar, stop))
    })?;
    let text = format!("{events} events written to Kafka");
    output::print_as(args.format, &text, &json!({ "events": events }))
}

fn write_region(args: &RegionArgs) -> Result<()> {
    let size = RegionSize {
        enti: args.enti,
        services: args.services,
        deployments: args.deployments,
        uses: args.uses,
        years: args.years.iter().copied().collect(),
    };
    let folder = args.folder.display();
    fs::create_dir_all(&args.folder).with_context(|| format!("{folder} cannot be made"))?;
    let files = region_files(&size, args.seed)?;
    for (name, text) in &files {
        let path = args.folder.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    output::print(&format!("{} written to {folder}", names.join(", ")))
}

fn write_totals(simulation: &Simulation, file: &Path) -> Result<()> {
    let mut rows = csv::Writer::from_path(file)?;
    for used in simulation.planned() {
        rows.serialize(used)?;
    }
    Ok(rows.flush()?)
}

fn figures(args: &Simulate) -> Result<TargetFigures> {
    match (&args.figures, args.year, args.focus) {
        (Some(folder), Some(year), _) => Ok(TargetFigures::from_dir(folder, year)?),
        (_, _, Some(year)) => TargetFigures::focus(year)
            .ok_or_else(|| anyhow!("there are no figures of {year} in the program: use --focus 2016 or 2017, or --figures DIR --year {year}")),
        _ => bail!("say which figures: --focus 2017, or --figures DIR --year YEAR"),
    }
}

fn to_stdout(mut simulation: Simulation, rate: Option<u32>) -> Result<()> {
    let mut out = BufWriter::with_capacity(256 * 1024, io::stdout().lock());
    let mut pace = Pace::new(rate);
    let mut event = Vec::with_capacity(1024);
    while simulation.next_into(&mut event).is_some() {
        event.push(b'\n');
        out.write_all(&event)?;
        if pace.wait() {
            out.flush()?;
        }
    }
    Ok(out.flush()?)
}

/// Writes a simulation to Kafka and waits for all acknowledgements. Returns the number of events,
/// which is below the total if it was stopped.
pub fn produce(
    mut simulation: Simulation,
    writer: &Writer,
    rate: Option<u32>,
    bar: &ProgressBar,
    stop: &CancellationToken,
) -> Result<u64> {
    let mut pace = Pace::new(rate);
    let mut event = Vec::with_capacity(1024);
    let mut events = 0;
    while let Some((_, key)) = simulation.next_into(&mut event) {
        // The record's timestamp is the present time, because the topic's retention depends on it.
        writer.send(key.as_bytes(), &event, None, &[])?;
        events += 1;
        if events % EVENTS_A_ROUND == 0 {
            bar.set_position(events);
            if stop.is_cancelled() {
                break;
            }
        }
        pace.wait();
    }
    bar.set_position(events);
    writer.flush(PATIENCE)?;
    bar.finish();
    Ok(events)
}

/// Limits the events per second.
struct Pace {
    rate: Option<u32>,
    began: Instant,
    events: u64,
}

impl Pace {
    fn new(rate: Option<u32>) -> Self {
        Self {
            rate: rate.filter(|rate| *rate > 0),
            began: Instant::now(),
            events: 0,
        }
    }

    /// Counts an event and waits until it is due. Returns true if it waited.
    fn wait(&mut self) -> bool {
        let Some(rate) = self.rate else { return false };
        self.events += 1;
        let due = Duration::from_secs_f64(self.events as f64 / f64::from(rate));
        let elapsed = self.began.elapsed();
        if due <= elapsed {
            return false;
        }
        std::thread::sleep(due - elapsed);
        true
    }
}
