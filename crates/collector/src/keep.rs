//! Stores accepted events: in Kafka, or in a spool until Kafka accepts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::spool::{Spool, SpoolError};
use affluenza_event::UnixMillis;
use affluenza_http::telemetry::CancellationToken;
use affluenza_http::telemetry::trace::TRACEPARENT;
use affluenza_kafka::{ConcurrentProducer, Delivery};
use thiserror::Error;
use tokio::sync::Notify;

use crate::counters::Counters;
use crate::treat::Treated;

/// Limits of a batch read from the spool, in records and bytes.
const DRAIN_RECORDS: usize = 4_000;
const DRAIN_BYTES: usize = 2 << 20;
/// Free bytes below which the spool counts as full.
const ROOM_BYTES: u64 = 2 << 20;
/// Pause before the next attempt to send spooled records.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// Layout of a spooled record: time in milliseconds, length of the key, key, JSON.
const TIME_BYTES: usize = 8;
const KEY_LENGTH_BYTES: usize = 2;

/// Reason why no event of a request was stored.
#[derive(Debug, Error)]
pub enum NotKept {
    /// Kafka does not accept events, and the spool is full.
    #[error("Kafka cannot be reached and the spool is full")]
    Full,
    /// Kafka does not accept events, and the spool cannot be written.
    #[error("Kafka cannot be reached and the spool cannot be written")]
    Disk,
}

/// Stores events. Clones share their state.
#[derive(Clone)]
pub struct Keep {
    courier: Arc<ConcurrentProducer>,
    spool: Arc<Spool>,
    /// True while events go to Kafka first.
    is_direct: Arc<AtomicBool>,
    spooled: Arc<Notify>,
    spool_bytes_max: u64,
    counters: Arc<Counters>,
}

impl Keep {
    /// Stores events through `courier`, or in `spool` with a limit of `spool_bytes_max`.
    pub fn new(
        courier: ConcurrentProducer,
        spool: Spool,
        spool_bytes_max: u64,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            courier: Arc::new(courier),
            spool: Arc::new(spool),
            is_direct: Arc::new(AtomicBool::new(true)),
            spooled: Arc::default(),
            spool_bytes_max,
            counters,
        }
    }

    /// Stores `events`, received at `now`. Returns when all of them would survive a crash of this
    /// process and of Kafka.
    pub async fn keep(&self, events: Treated, now: UnixMillis) -> Result<(), NotKept> {
        let is_direct = self.is_direct.load(Ordering::Relaxed) && !self.courier.is_away();
        if is_direct {
            match self.send(&events, now).await {
                Delivery::Acknowledged => {
                    self.counters.kept_in_kafka.inc_by(events.len() as u64);
                    return Ok(());
                }
                Delivery::Failed => self.turn_to_spool(),
            }
        }
        // Some of the events may be in Kafka already. The consumer drops duplicates.
        let count = events.len() as u64;
        let result = self.spool(events, now).await;
        self.spooled.notify_one();
        result.inspect(|()| {
            self.counters.kept_in_spool.inc_by(count);
        })
    }

    async fn send(&self, events: &Treated, now: UnixMillis) -> Delivery {
        let parcel = self.courier.parcel();
        let header = events.trace.as_deref().map(|trace| (TRACEPARENT, trace));
        for (key, json) in events.records() {
            if parcel.send(key, json, now.0, header).is_err() {
                return Delivery::Failed;
            }
        }
        parcel.delivered().await
    }

    fn turn_to_spool(&self) {
        if self.is_direct.swap(false, Ordering::Relaxed) {
            tracing::warn!("Kafka does not accept events: writing them to the spool");
        }
    }

    fn turn_to_kafka(&self) {
        if !self.is_direct.swap(true, Ordering::Relaxed) {
            tracing::warn!("Kafka accepts events again");
        }
    }

    async fn spool(&self, events: Treated, now: UnixMillis) -> Result<(), NotKept> {
        let spool = Arc::clone(&self.spool);
        let appended = tokio::task::spawn_blocking(move || {
            let records: Vec<Vec<u8>> = events
                .records()
                .map(|(key, json)| pack(key, json, now))
                .collect();
            spool.append(&records)
        })
        .await;
        match appended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(SpoolError::Full { .. })) => Err(NotKept::Full),
            Ok(Err(error)) => {
                tracing::error!(%error, "the spool cannot be written");
                Err(NotKept::Disk)
            }
            Err(_) => Err(NotKept::Disk),
        }
    }

    /// Moves spooled events to Kafka in order, until `stop` is triggered.
    pub async fn drain(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if self.spool.is_empty() {
                // Kafka failed but nothing was spooled: after a pause, let new events try Kafka.
                let is_waiting = self.is_direct.load(Ordering::Relaxed);
                tokio::select! {
                    () = self.spooled.notified(), if is_waiting => {}
                    () = tokio::time::sleep(TRY_AGAIN) => {}
                    () = stop.cancelled() => return,
                }
                if self.spool.is_empty() {
                    self.turn_to_kafka();
                }
                continue;
            }
            let moved = tokio::select! {
                moved = self.drain_some() => moved,
                () = stop.cancelled() => return,
            };
            match moved {
                Ok(Delivery::Acknowledged) => self.turn_to_kafka(),
                Ok(Delivery::Failed) => {
                    self.turn_to_spool();
                    pause(stop).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the spool cannot be read");
                    pause(stop).await;
                }
            }
        }
    }

    async fn drain_some(&self) -> Result<Delivery, SpoolError> {
        let spool = Arc::clone(&self.spool);
        let batch = tokio::task::spawn_blocking(move || {
            spool.read(spool.acked(), DRAIN_RECORDS, DRAIN_BYTES)
        })
        .await
        .map_err(|_| SpoolError::Stopped)??;
        let parcel = self.courier.parcel();
        for record in &batch.records {
            let Some((written, key, json)) = unpack(record) else {
                tracing::error!("a record of the spool has an unknown format");
                continue;
            };
            // Traces are not spooled: their requests ended long ago.
            if parcel.send(key, json, written.0, None).is_err() {
                return Ok(Delivery::Failed);
            }
        }
        let delivery = parcel.delivered().await;
        if delivery == Delivery::Acknowledged {
            let (spool, next) = (Arc::clone(&self.spool), batch.next);
            tokio::task::spawn_blocking(move || spool.ack(next))
                .await
                .map_err(|_| SpoolError::Stopped)??;
            self.counters.drained.inc_by(batch.records.len() as u64);
        }
        Ok(delivery)
    }

    /// Checks that events can be accepted. Returns the reason otherwise.
    pub fn check(&self) -> Result<(), String> {
        let is_direct = self.is_direct.load(Ordering::Relaxed) && !self.courier.is_away();
        if is_direct || self.spool.bytes() + ROOM_BYTES < self.spool_bytes_max {
            Ok(())
        } else {
            Err("Kafka cannot be reached and the spool is full".into())
        }
    }

    /// Updates the gauges.
    pub fn gauge(&self) {
        let counters = &self.counters;
        counters.queued.set(signed(self.courier.queued() as u64));
        counters.spool_events.set(signed(self.spool.len()));
        counters.spool_bytes.set(signed(self.spool.bytes()));
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(TRY_AGAIN) => {}
        () = stop.cancelled() => {}
    }
}

fn pack(key: &[u8], json: &[u8], written: UnixMillis) -> Vec<u8> {
    let mut record = Vec::with_capacity(TIME_BYTES + KEY_LENGTH_BYTES + key.len() + json.len());
    record.extend_from_slice(&written.0.to_le_bytes());
    let length =
        u16::try_from(key.len()).expect("the parser has accepted an id of 512 bytes at most");
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(key);
    record.extend_from_slice(json);
    record
}

fn unpack(record: &[u8]) -> Option<(UnixMillis, &[u8], &[u8])> {
    let (written, rest) = record.split_first_chunk::<TIME_BYTES>()?;
    let (length, rest) = rest.split_first_chunk::<KEY_LENGTH_BYTES>()?;
    let (key, json) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((UnixMillis(i64::from_le_bytes(*written)), key, json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_data_is_unpacked() {
        let record = pack(b"key", b"{}", UnixMillis(-5));
        assert_eq!(
            unpack(&record),
            Some((UnixMillis(-5), &b"key"[..], &b"{}"[..]))
        );
        assert_eq!(unpack(&record[..9]), None);
        assert_eq!(unpack(&record[..12]), None);
    }
}
