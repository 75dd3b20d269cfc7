//! `affluenza events`: what became of the last events.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::event_tail::{SHOWN_MAX, Tail};
use super::names::GivenNames;
use super::rows::Rows;
use crate::args::Lines;
use crate::output::say;
use crate::platform::Needs;
use crate::settings::Settings;

/// Interval between looks at the ledger.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Args)]
pub struct FollowEvents {
    /// Wait for further events, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// Number of earlier records to show of each partition.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(..=SHOWN_MAX))]
    last: u64,
    /// Show only events whose source begins with this text.
    #[arg(long, value_name = "TEXT", default_value = "")]
    source: String,
    /// Show only events of this ente, by code or name.
    #[arg(long, value_name = "ENTE")]
    ente: Option<String>,
    /// Format of the list.
    #[arg(long, value_enum, default_value_t = Lines::Tsv)]
    format: Lines,
}

pub fn run(settings: &Settings, args: &FollowEvents) -> Result<()> {
    let register = super::register(settings)?;
    let names = GivenNames(&register);
    let ente = args.ente.as_deref().map(|given| names.ente(given));
    ensure!(
        !(args.follow && args.format == Lines::Json),
        "--follow has no end, and --format json is one document: use --format ndjson"
    );
    super::with_platform(settings, Needs::BOTH, async |platform, stop| {
        let mut tail = Tail::open(&platform.bus, &platform.store, args.last).await?;
        let mut rows = Rows::to_stdout(args.format);
        loop {
            let seen = tail.next(&register).await?;
            if seen.left_out > 0 {
                say(&format!("{} records are not shown", seen.left_out));
            }
            for event in seen.events {
                let is_asked = ente.is_none_or(|code| event.ente == code)
                    && event.source.starts_with(&args.source);
                if is_asked {
                    rows.write(&event)?;
                }
            }
            rows.flush()?;
            let has_ended = !args.follow
                || stop
                    .run_until_cancelled(tokio::time::sleep(LOOK))
                    .await
                    .is_none();
            if has_ended {
                return rows.finish();
            }
        }
    })
}
