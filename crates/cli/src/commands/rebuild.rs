use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_pipeline::rebuild::{RebuildRequest, Rebuilt, Step, Tools, rebuild, stopped};
use affluenza_store::Store;
use affluenza_store::rebuild::{RebuildChange, What};
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

pub fn run(settings: &Settings, what: &Rebuild) -> Result<()> {
    let (what, options) = match what {
        Rebuild::Aggregates(options) => (What::Aggregates, options),
        Rebuild::Facts(options) => (What::Facts, options),
    };
    let period = super::audit::period_of(options.period.as_deref())?;
    let request = RebuildRequest {
        what,
        months: period.months,
        period: options.period.clone().unwrap_or_default(),
        dry_run: options.dry_run,
        abandon: options.abandon,
        owner: owner(),
        is_alive,
    };
    let rebuilt = super::with_platform(settings, Needs::BOTH, async |platform, stop| {
        work(platform, settings, &request, stop).await
    })?;
    output::print(&match options.format {
        OutputFormat::Json => serde_json::to_string_pretty(&rebuilt).context("a result is JSON")?,
        OutputFormat::Text => text(&rebuilt),
    })?;
    let failures = rebuilt.afterwards.map_or(0, |after| after.failures.len());
    if failures > 0 {
        bail!("{failures} difference(s) could not be repaired: see `affluenza audit`");
    }
    Ok(())
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
    let mut classifier = super::classifier(settings)?;
    let mut progress = ProgressLine::new(request.what);
    let mut tools = Tools {
        store: &store,
        bus: &platform.bus,
        classifier: &mut classifier,
        register: &register,
        watch: &mut |step| progress.show(&step),
    };
    tokio::select! {
        rebuilt = rebuild(&mut tools, request) => Ok(rebuilt?),
        () = stop.cancelled() => {
            stopped(store.rebuilds(), request).await?;
            if request.dry_run {
                bail!("stopped; nothing was changed");
            }
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
struct ProgressLine {
    what: What,
    bar: Option<ProgressBar>,
    told: Option<Instant>,
    began: Instant,
}

impl ProgressLine {
    fn new(what: What) -> Self {
        Self {
            what,
            bar: None,
            told: None,
            began: Instant::now(),
        }
    }

    fn show(&mut self, step: &Step) {
        match step {
            Step::Filling { done, total } => self.filling(*done, *total),
            Step::Resumed { id } => output::say(&format!("continuing rebuild {id}")),
            Step::Ready { month } => output::say(&format!("{month}: {} ready", self.what.as_str())),
            Step::Swapped { month } => output::say(&format!("{month}: replaced")),
            Step::Settling => output::say("reconciling ledger and aggregates"),
        }
    }

    fn filling(&mut self, done: u64, total: u64) {
        if io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| output::bar("facts", total));
            bar.set_length(total);
            bar.set_position(done);
            if done == total {
                bar.finish();
                self.bar = None;
            }
            return;
        }
        if done < total && self.told.is_some_and(|told| told.elapsed() < LINE_PAUSE) {
            return;
        }
        self.told = Some(Instant::now());
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        output::say(&format!("{done} of {total} facts, {rate:.0} a second"));
    }
}

fn text(rebuilt: &Rebuilt) -> String {
    let mut text = String::new();
    let (Some(first), Some(last)) = (rebuilt.months.first(), rebuilt.months.last()) else {
        return format!(
            "nothing to do: there are no {} in that period\n",
            rebuilt.what.as_str()
        );
    };
    let what = match rebuilt.what {
        What::Aggregates => "events recounted",
        What::Facts => "facts rebuilt",
    };
    let rate = rebuilt.rows as f64 / rebuilt.seconds.max(0.001);
    let _ = writeln!(
        text,
        "{} {what} in {} months, {first} to {last}: {:.1} s, {rate:.0} a second",
        rebuilt.rows,
        rebuilt.months.len(),
        rebuilt.seconds
    );
    if rebuilt.what == What::Facts {
        let _ = writeln!(text, "rules {}", rebuilt.rules);
        let _ = writeln!(text, "{:>12} from the log", rebuilt.rows_from_log);
        for source in &rebuilt.copied {
            let _ = writeln!(
                text,
                "{:>12} from the facts, with their device as it was: the log does not hold partition {} from {} to {} any more ({})",
                source.facts,
                source.kafka_partition,
                source.first_offset,
                source.last_offset,
                source.stream
            );
        }
    }
    text.push('\n');
    changes(rebuilt, &mut text);
    match &rebuilt.afterwards {
        None => text.push_str("\ndry run: nothing was replaced\n"),
        Some(after) => {
            let _ = writeln!(
                text,
                "\nreplaced; reconciled afterwards: {} facts restored from the log, {} cells of the aggregate, {} rows of the ledger",
                after.facts_restored, after.cells_corrected, after.ledger_rows
            );
            if after.facts_of_other_rules > 0 {
                let _ = writeln!(
                    text,
                    "{} facts were written meanwhile under other rules: give the consumer the same register, and rebuild again",
                    after.facts_of_other_rules
                );
            }
            for failure in &after.failures {
                let _ = writeln!(text, "not repaired: {failure}");
            }
        }
    }
    text
}

fn changes(rebuilt: &Rebuilt, text: &mut String) {
    let moved = match rebuilt.what {
        What::Facts => "moved",
        What::Aggregates => "added or removed",
    };
    if rebuilt.changes.is_empty() {
        let _ = writeln!(text, "no event {moved}: nothing has changed");
        return;
    }
    let _ = writeln!(text, "{} events {moved}", rebuilt.events_moved);
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
            sentence(rebuilt.what, change)
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

fn sentence(what: What, change: &RebuildChange) -> String {
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
    match what {
        What::Aggregates => format!("{from}  ({} cells)", change.cells),
        What::Facts if from == to => format!("{from}  ({})", change.why),
        What::Facts => format!("{from} -> {to}  ({})", change.why),
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
