use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_pipeline::rebuild::{
    RebuildError, RebuildRequest, RebuildStep, Rebuilt, Tools, rebuild,
};
use affluenza_store::Store;
use affluenza_store::rebuild::{RebuildChange, SecondDatabase};
use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use crate::args::{OutputFormat, Rebuild};
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Limit of changes in text output; JSON lists all.
const LISTED_MAX: usize = 50;
/// Interval between progress lines without a terminal.
const LINE_PAUSE: Duration = Duration::from_secs(2);

pub fn run(settings: &Settings, wanted: &Rebuild) -> Result<()> {
    let request = RebuildRequest {
        dry_run: wanted.dry_run,
        abandon: wanted.abandon,
        owner: owner(),
        is_alive,
    };
    let rebuilt = super::with_platform(settings, Needs::BOTH, async |platform, stop| {
        work(platform, settings, &request, stop).await
    })?;
    output::print(&match wanted.format {
        OutputFormat::Json => serde_json::to_string_pretty(&rebuilt).context("a result is JSON")?,
        OutputFormat::Text => text(&rebuilt),
    })?;
    match rebuilt.failures.len() {
        0 => Ok(()),
        failures => {
            bail!("{failures} difference(s) could not be repaired: see `affluenza audit`")
        }
    }
}

async fn work(
    platform: &Platform,
    settings: &Settings,
    request: &RebuildRequest,
    stop: &CancellationToken,
) -> Result<Rebuilt> {
    let store = Store::new(&platform.store);
    store.admin().check_server().await?;
    store.admin().check_schema().await?;
    let register = super::register(settings)?;
    let classifier =
        || super::classifier(settings).map_err(|error| RebuildError::Rules(format!("{error:#}")));
    let mut progress = ProgressLine::default();
    let mut tools = Tools {
        store: &store,
        second: &SecondDatabase::of(&platform.store),
        bus: &platform.bus,
        config: &settings.consume,
        register: &register,
        classifier: &classifier,
        watch: &mut |step| progress.show(&step),
    };
    tokio::select! {
        rebuilt = rebuild(&mut tools, request) => Ok(rebuilt?),
        () = stop.cancelled() => {
            bail!("stopped: the same command continues it, and --abandon cancels it")
        }
    }
}

/// Returns a unique name of this process: host, process id and start time.
fn owner() -> String {
    let pid = std::process::id();
    format!("{}/{pid}/{}", host(), start_of(pid).unwrap_or_default())
}

/// True if the process with this name is running; `None` if it belongs to another host.
fn is_alive(owner: &str) -> Option<bool> {
    let mut parts = owner.rsplitn(3, '/');
    let (start, pid, of) = (parts.next()?, parts.next()?, parts.next()?);
    if of != host() {
        return None;
    }
    let now = pid.parse().ok().and_then(start_of);
    Some(now.is_some_and(|now| now == start))
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// Returns the start time of a process, in ticks since boot; `None` if it has ended or is a zombie.
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold any character; the state is the first field after it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

/// Shows progress: a bar on a terminal, otherwise a line every [`LINE_PAUSE`].
#[derive(Default)]
struct ProgressLine {
    bar: Option<ProgressBar>,
    told: Option<Instant>,
}

impl ProgressLine {
    fn show(&mut self, step: &RebuildStep) {
        match step {
            RebuildStep::Replaying { done, total } => self.replaying(*done, *total),
            RebuildStep::Resumed { id } => output::say(&format!("continuing rebuild {id}")),
            RebuildStep::Copying => output::say("copying what the log does not hold any more"),
            RebuildStep::Comparing => output::say("comparing the result with the present facts"),
            RebuildStep::Exchanging => output::say("pausing consumers to exchange the tables"),
            RebuildStep::Settling => output::say("reconciling facts, hour rows and ledger"),
        }
    }

    fn replaying(&mut self, done: u64, total: u64) {
        if io::stderr().is_terminal() {
            let bar = self
                .bar
                .get_or_insert_with(|| output::bar("offsets", total));
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        if self.told.is_some_and(|told| told.elapsed() < LINE_PAUSE) {
            return;
        }
        self.told = Some(Instant::now());
        output::say(&format!("replayed {done} of {total} offsets"));
    }
}

fn text(rebuilt: &Rebuilt) -> String {
    let mut text = String::new();
    let copied: u64 = rebuilt.copied.iter().map(|source| source.facts).sum();
    let _ = writeln!(
        text,
        "{} facts rebuilt in {:.1} s, with rules {}",
        rebuilt.facts, rebuilt.seconds, rebuilt.rules
    );
    let from_log = rebuilt.facts.saturating_sub(copied);
    let _ = writeln!(text, "{from_log:>12} from the log");
    for source in &rebuilt.copied {
        let _ = writeln!(
            text,
            "{:>12} from the facts, with their device as it was: the log cannot give partition {} from {} to {} again ({})",
            source.facts,
            source.kafka_partition,
            source.first_offset,
            source.last_offset,
            source.stream
        );
    }
    text.push('\n');
    changes(rebuilt, &mut text);
    if rebuilt.dry_run {
        text.push_str("\ndry run: nothing was replaced\n");
        return text;
    }
    let _ = writeln!(
        text,
        "\nreplaced, while consumers paused for {:.1} s; {} facts restored from the log afterwards",
        rebuilt.pause_seconds, rebuilt.facts_restored
    );
    for failure in &rebuilt.failures {
        let _ = writeln!(text, "not repaired: {failure}");
    }
    text
}

fn changes(rebuilt: &Rebuilt, text: &mut String) {
    if rebuilt.changes.is_empty() {
        let _ = writeln!(text, "no event moved: nothing has changed");
        return;
    }
    let _ = writeln!(text, "{} events moved", rebuilt.events_moved);
    let _ = writeln!(
        text,
        "{:>10} {:>10} {:>12}  {:<4}  change",
        "events", "accesses", "service uses", "year"
    );
    for change in rebuilt.changes.iter().take(LISTED_MAX) {
        let _ = writeln!(
            text,
            "{:>10} {:>10} {:>12}  {:<4}  {}",
            change.events,
            change.accesses,
            change.service_uses,
            change.year,
            sentence(change)
        );
    }
    if rebuilt.changes.len() > LISTED_MAX {
        let _ = writeln!(
            text,
            "… and {} more (--format json)",
            rebuilt.changes.len() - LISTED_MAX
        );
    }
}

fn sentence(change: &RebuildChange) -> String {
    let from = [&change.ente, &change.category, &change.kind, &change.device];
    let to = [
        &change.to_ente,
        &change.to_category,
        &change.to_kind,
        &change.to_device,
    ];
    let [from, to] = [from, to].map(|cell| {
        cell.map(|part| if part.is_empty() { "-" } else { part })
            .join(" ")
    });
    match (change.ente.is_empty(), change.to_ente.is_empty()) {
        (true, _) => format!("{to}  ({})", change.why),
        (_, true) => format!("{from}  ({})", change.why),
        _ if from == to => format!("{from}  ({})", change.why),
        _ => format!("{from} -> {to}  ({})", change.why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_others_are_distinguished() {
        assert_eq!(is_alive(&owner()), Some(true));
        let pid = std::process::id();
        assert_eq!(is_alive(&format!("{}/{pid}/1", host())), Some(false));
        assert_eq!(is_alive(&format!("elsewhere/{pid}/1")), None);
    }
}
