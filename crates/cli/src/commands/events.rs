//! `affluenza events`: what became of the last events. The log holds the records, and the ledger and
//! the facts hold what the consumer decided.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufWriter, StdoutLock};
use std::time::Duration;

use affluenza_collector::Warnings;
use affluenza_event::{BYTE_ORDER_MARK, Message, Mode, Refusal, UnixMillis, as_structured, unpack};
use affluenza_kafka::{Cluster, Config, NextOffset, Partition, Record, Watermarks, scan_range};
use affluenza_register::Register;
use affluenza_store::{LogRange, Store};
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::rows::Rows;
use crate::args::Lines;
use crate::dead_letters::LogPosition;
use crate::output::{masked, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Interval between looks at the ledger.
const LOOK: Duration = Duration::from_millis(250);
/// Most records of a partition that are shown after one look.
const SHOWN_MAX: u64 = 1_000;

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
    super::with_platform(settings, Needs::BOTH, async |platform, stop| {
        let mut tail = Tail::open(platform, &register, args).await?;
        let mut rows = Rows::to_stdout(args.format);
        loop {
            tail.show(&mut rows).await?;
            let has_ended = !args.follow
                || stop
                    .run_until_cancelled(tokio::time::sleep(LOOK))
                    .await
                    .is_none();
            if has_ended {
                return Ok(());
            }
        }
    })
}

/// Fate of a record, as the consumer decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ShownFate {
    /// Stored as a fact.
    Accepted,
    /// Not stored, because an event with the same source and id was.
    Duplicate,
    /// Set aside as a dead letter.
    Refused,
    /// A client report.
    Report,
}

/// One record of the list.
#[derive(Debug, Serialize)]
struct ShownEvent {
    /// Time of the record in the log.
    written: String,
    fate: ShownFate,
    /// Reason of a refusal.
    reason: &'static str,
    #[serde(rename = "type")]
    event_type: String,
    source: String,
    id: String,
    ente: String,
    portal: String,
    service: String,
    /// Fault of a refused event, or warnings about an accepted one.
    detail: String,
    /// Partition and offset of the record.
    position: String,
}

/// End of the log up to which its records were shown.
struct Tail<'t> {
    bus: &'t Config,
    store: Store,
    cluster: Cluster,
    stream: String,
    register: &'t Register,
    args: &'t FollowEvents,
    next: BTreeMap<Partition, u64>,
}

impl<'t> Tail<'t> {
    async fn open(
        platform: &'t Platform,
        register: &'t Register,
        args: &'t FollowEvents,
    ) -> Result<Self> {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let bus = &platform.bus;
        let cluster = Cluster::new(bus)?;
        let identity = tokio::task::block_in_place(|| cluster.identity(&bus.topic))?;
        Ok(Self {
            bus,
            store,
            cluster,
            stream: identity.to_string(),
            register,
            args,
            next: BTreeMap::new(),
        })
    }

    /// Shows the records that were decided since the previous call, in the order of their times.
    async fn show(&mut self, rows: &mut Rows<BufWriter<StdoutLock<'static>>>) -> Result<()> {
        let held = tokio::task::block_in_place(|| self.cluster.watermarks(&self.bus.topic))?;
        let ends = self.store.ledger().ends(&self.stream).await?;
        let mut shown = Vec::new();
        for (partition, held) in held {
            let (low, high) = (held.low.0.unsigned_abs(), held.high.0.unsigned_abs());
            let end = ends.get(&partition.0.unsigned_abs()).copied();
            let end = end.unwrap_or(0).min(high);
            let first = end.saturating_sub(self.args.last);
            let next = *self.next.entry(partition).or_insert(first);
            let start = next.max(low).max(end.saturating_sub(SHOWN_MAX));
            if start > next {
                say(&format!(
                    "partition {partition}: {} records are not shown",
                    start - next
                ));
            }
            if start < end {
                self.read(partition, start..end, &mut shown).await?;
                self.next.insert(partition, end);
            }
        }
        shown.sort_by(|one, other| one.written.cmp(&other.written));
        for event in shown {
            rows.write(&event)?;
        }
        rows.flush()
    }

    async fn read(
        &self,
        partition: Partition,
        offsets: std::ops::Range<u64>,
        shown: &mut Vec<ShownEvent>,
    ) -> Result<()> {
        let range = LogRange::of(&self.stream, partition.0.unsigned_abs(), offsets.clone());
        let stored = self.store.facts().offsets(&range).await?;
        let stored: HashSet<u64> = stored.into_iter().collect();
        let kept_from_ms = self.store.facts().boundary().await?.event_ms();
        let offsets = Watermarks {
            low: NextOffset(offsets.start.cast_signed()),
            high: NextOffset(offsets.end.cast_signed()),
        };
        let ente = self.args.ente.as_deref();
        let ente = ente.map(|name| self.register.ente(name).map_or(name, |ente| ente.code()));
        tokio::task::block_in_place(|| {
            scan_range(self.bus, &self.bus.topic, partition, offsets, |record| {
                let is_stored = stored.contains(&record.offset().0.unsigned_abs());
                let event = shown_event(record, is_stored, kept_from_ms, self.register);
                let is_asked = ente.is_none_or(|code| event.ente == code)
                    && event.source.starts_with(&self.args.source);
                if is_asked {
                    shown.push(event);
                }
            })
        })?;
        Ok(())
    }
}

fn shown_event(
    record: &Record<'_>,
    is_stored: bool,
    kept_from_ms: i64,
    register: &Register,
) -> ShownEvent {
    let written_ms = record.written_ms();
    let written = written_ms.map_or(UnixMillis::UNKNOWN, UnixMillis);
    let reading = affluenza_event::read(record.payload(), || record.headers(), written);
    let structured = match reading.mode {
        Mode::Structured => None,
        Mode::Binary => as_structured(record.payload(), record.headers()),
    };
    let event = structured.as_deref().unwrap_or(record.payload());
    let event = event.strip_prefix(BYTE_ORDER_MARK).unwrap_or(event);
    let unpacked = unpack(event).and_then(Result::ok);
    let event = unpacked.as_deref().unwrap_or(event);
    let event_json: Value = serde_json::from_slice(event).unwrap_or_default();
    let (fate, reason, detail) = match &reading.message {
        Err(refusal) => (ShownFate::Refused, refusal.code(), refusal.to_string()),
        Ok(Message::Report(_)) => (ShownFate::Report, "", String::new()),
        Ok(Message::Usage(_)) if is_stored => {
            let mut warnings = Warnings::default();
            warnings.note(0, event, Some(register));
            let warnings = warnings.into_list();
            let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
            (ShownFate::Accepted, "", lines.join("; "))
        }
        Ok(Message::Usage(event)) if event.time.0 < kept_from_ms => {
            let refusal = Refusal::beyond_retention();
            (ShownFate::Refused, refusal.code(), refusal.to_string())
        }
        Ok(Message::Usage(_)) => (ShownFate::Duplicate, "", String::new()),
    };
    let ente = text(&event_json, "/data/ente");
    let known = register.ente(&ente).map(|ente| ente.code().to_owned());
    ShownEvent {
        written: written_ms
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .map_or_else(String::new, |time| format!("{time:.3}")),
        fate,
        reason,
        event_type: text(&event_json, "/type"),
        source: text(&event_json, "/source"),
        id: text(&event_json, "/id"),
        ente: known.unwrap_or(ente),
        portal: text(&event_json, "/data/portal"),
        service: text(&event_json, "/data/service"),
        detail,
        position: LogPosition {
            partition: record.partition(),
            offset: record.offset(),
        }
        .to_string(),
    }
}

/// Returns a text of an event with personal data masked; empty without a text.
fn text(event: &Value, pointer: &str) -> String {
    let text = event.pointer(pointer).and_then(Value::as_str);
    masked(text.unwrap_or_default())
}
