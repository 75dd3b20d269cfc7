//! Reads the last events and what became of each, for the command `events` and the page of live
//! events. The log holds the records, and the ledger and the facts hold what the consumer decided.

use std::collections::{BTreeMap, HashSet};

use affluenza_api::dashboard::{EventFate, ShownEvent};
use affluenza_collector::Warnings;
use affluenza_event::{BYTE_ORDER_MARK, Message, Mode, Refusal, UnixMillis, as_structured, unpack};
use affluenza_kafka::{Cluster, Config, NextOffset, Partition, Record, Watermarks, scan_ranges};
use affluenza_register::Register;
use affluenza_store::{LogRange, Store};
use anyhow::Result;
use serde_json::Value;

use crate::dead_letters::LogPosition;
use crate::output::masked;

/// Longest text of an event that is shown.
const TEXT_MAX: usize = 256;

/// Most records of a partition that are read at once.
pub const SHOWN_MAX: u64 = 1_000;

/// Events that were decided since the previous look, in the order of their times.
pub struct SeenRecords {
    pub events: Vec<ShownEvent>,
    /// Records that were left out, because there were too many at once.
    pub left_out: u64,
}

/// Position in the log up to which its records were seen.
pub struct Tail {
    bus: Config,
    store: Store,
    cluster: Cluster,
    stream: String,
    /// Earlier records of each partition that the first look reads.
    last: u64,
    next: BTreeMap<Partition, u64>,
}

impl Tail {
    pub async fn open(bus: &Config, store: &affluenza_store::Config, last: u64) -> Result<Self> {
        let store = Store::new(store);
        store.admin().check_schema().await?;
        let cluster = Cluster::new(bus)?;
        let identity = tokio::task::block_in_place(|| cluster.identity(&bus.topic))?;
        Ok(Self {
            bus: bus.clone(),
            store,
            cluster,
            stream: identity.to_string(),
            last,
            next: BTreeMap::new(),
        })
    }

    /// Reads the records that were decided since the previous call.
    pub async fn next(&mut self, register: &Register) -> Result<SeenRecords> {
        let held = tokio::task::block_in_place(|| self.cluster.watermarks(&self.bus.topic))?;
        let ends = self.store.ledger().ends(&self.stream).await?;
        let (mut ranges, mut stored) = (Vec::new(), HashSet::new());
        let mut left_out = 0;
        for (partition, held) in held {
            let (low, high) = (held.low.0.unsigned_abs(), held.high.0.unsigned_abs());
            let end = ends.get(&partition.0.unsigned_abs()).copied();
            let end = end.unwrap_or(0).min(high);
            let first = end.saturating_sub(self.last);
            let next = *self.next.entry(partition).or_insert(first);
            let start = next.max(low).max(end.saturating_sub(SHOWN_MAX));
            left_out += start.saturating_sub(next);
            if start < end {
                let range = LogRange::of(&self.stream, partition.0.unsigned_abs(), start..end);
                let offsets = self.store.facts().offsets(&range).await?;
                stored.extend(offsets.into_iter().map(|offset| (partition, offset)));
                let low = NextOffset(start.cast_signed());
                let high = NextOffset(end.cast_signed());
                ranges.push((partition, Watermarks { low, high }));
                self.next.insert(partition, end);
            }
        }
        let mut events = Vec::new();
        if !ranges.is_empty() {
            let kept_from_ms = self.store.facts().boundary().await?.event_ms();
            tokio::task::block_in_place(|| {
                scan_ranges(&self.bus, &self.bus.topic, &ranges, |record| {
                    let offset = record.offset().0.unsigned_abs();
                    let is_stored = stored.contains(&(record.partition(), offset));
                    events.push(shown_event(record, is_stored, kept_from_ms, register));
                })
            })?;
            events.sort_by(|one, other| one.written.cmp(&other.written));
        }
        Ok(SeenRecords { events, left_out })
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
    // A refused event may hold anything.
    let event_json: Option<Value> = match &reading.message {
        Err(_) => affluenza_event::redact(event).and_then(|kept| serde_json::from_str(&kept).ok()),
        Ok(_) => serde_json::from_slice(event).ok(),
    };
    let event_json = event_json.unwrap_or_default();
    let (fate, reason, detail) = match &reading.message {
        Err(refusal) => (EventFate::Refused, refusal.code(), refusal.to_string()),
        Ok(Message::Report(_)) => (EventFate::Report, "", String::new()),
        Ok(Message::Usage(_)) if is_stored => {
            let mut warnings = Warnings::default();
            warnings.note(0, event, Some(register));
            let warnings = warnings.into_list();
            let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
            (EventFate::Accepted, "", lines.join("; "))
        }
        Ok(Message::Usage(event)) if event.time.0 < kept_from_ms => {
            let refusal = Refusal::beyond_retention();
            (EventFate::Refused, refusal.code(), refusal.to_string())
        }
        Ok(Message::Usage(_)) => (EventFate::Duplicate, "", String::new()),
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
    let masked = masked(text.unwrap_or_default());
    masked.chars().take(TEXT_MAX).collect()
}
