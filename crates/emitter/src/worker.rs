//! Sending thread of an emitter.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use affluenza_spool::{Position, Spool, SpoolError};
use serde_json::Value;

use crate::encode::Encoder;
use crate::shared::Shared;
use crate::{Config, SendError, Transport};

/// Limits of a batch, in events and bytes. The collector accepts 1,000 events and 1 MiB.
const BATCH_EVENTS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 512 * 1024;

/// Message to the sending thread.
pub(crate) enum Queued {
    Event(Vec<u8>),
    /// Wakes the thread, so that it checks its flags.
    Wake,
}

pub(crate) struct Worker {
    config: Config,
    encoder: Arc<Encoder>,
    shared: Arc<Shared>,
    queue: Receiver<Queued>,
    backlog: Backlog,
    /// Events taken from the queue that are not in the backlog yet.
    taken: Vec<Vec<u8>>,
    /// Limit of events in the next batch. Halved when a batch is refused as a whole.
    batch_events: usize,
    failures_in_a_row: u32,
    not_before: Option<Instant>,
    reported: Instant,
}

/// Events to send together, and the next position of the spool.
type Batch = (Vec<Vec<u8>>, Option<Position>);

/// Events waiting to be sent.
enum Backlog {
    Memory(VecDeque<Vec<u8>>),
    Disk(Spool),
}

impl Worker {
    pub(crate) fn new(
        config: Config,
        encoder: Arc<Encoder>,
        shared: Arc<Shared>,
        spool: Option<Spool>,
        queue: Receiver<Queued>,
    ) -> Self {
        let found = spool.as_ref().map_or(0, Spool::len);
        shared.update(|progress| {
            progress.found = found;
            progress.spooled = found;
        });
        Self {
            config,
            encoder,
            shared,
            queue,
            backlog: match spool {
                Some(spool) => Backlog::Disk(spool),
                None => Backlog::Memory(VecDeque::new()),
            },
            taken: Vec::new(),
            batch_events: BATCH_EVENTS_MAX,
            failures_in_a_row: 0,
            not_before: None,
            reported: Instant::now(),
        }
    }

    pub(crate) fn run(mut self, mut transport: impl Transport) {
        loop {
            let is_closing = self.shared.closing.load(Ordering::Acquire);
            let goes_on = self.take(is_closing);
            if is_closing {
                self.take_the_rest();
            }
            self.report(is_closing);
            self.keep();
            let may_send = self.not_before.is_none_or(|until| Instant::now() >= until)
                || self.shared.hurry.load(Ordering::Acquire);
            if may_send {
                self.send(&mut transport);
            }
            if is_closing || !goes_on {
                break;
            }
        }
        let shared = Arc::clone(&self.shared);
        // Release the spool for the next emitter before reporting the end.
        drop(self);
        shared.update(|progress| progress.ended = true);
    }

    /// Takes events from the queue: waits for the first one, and briefly for more. Returns false if
    /// the emitter was dropped.
    fn take(&mut self, is_closing: bool) -> bool {
        // Runs in every cycle, with or without events.
        self.encoder.forget_past(jiff::Timestamp::now());
        let has_more = !self.backlog.is_empty() && self.not_before.is_none();
        let patience = if has_more || is_closing {
            Duration::ZERO
        } else if self.shared.hurry.load(Ordering::Acquire) {
            // A flush during an outage must not flood the server with requests.
            Duration::from_millis(20)
        } else {
            self.config.linger.max(Duration::from_millis(5))
        };
        let until = Instant::now() + patience;
        let mut bytes = 0;
        while self.taken.len() < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX {
            let left = until.saturating_duration_since(Instant::now());
            match self.queue.recv_timeout(left) {
                Ok(Queued::Event(event)) => {
                    bytes += event.len();
                    self.taken.push(event);
                }
                Ok(Queued::Wake) | Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    /// Empties the queue as far as the backlog has room.
    fn take_the_rest(&mut self) {
        while !self.taken.is_empty() {
            self.keep();
            if !self.taken.is_empty() {
                return;
            }
            self.take(true);
        }
    }

    /// Moves the taken events to the backlog. If the spool is full they stay here, so that the
    /// queue fills up and `emit` fails.
    fn keep(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        match &mut self.backlog {
            Backlog::Memory(waiting) => {
                // Same limit as the queue, so that memory is bounded.
                let room = self.config.queue_events_max.saturating_sub(waiting.len());
                waiting.extend(self.taken.drain(..room.min(self.taken.len())));
            }
            Backlog::Disk(spool) => match spool.append(&self.taken) {
                Ok(()) => self.taken.clear(),
                Err(SpoolError::Full { .. }) => {}
                Err(error) => self.shared.update(|progress| {
                    progress.last_failure = error.to_string();
                }),
            },
        }
        let spooled = self.backlog.spooled();
        self.shared.update(|progress| progress.spooled = spooled);
    }

    /// Adds a report on dropped events, once per interval.
    fn report(&mut self, is_closing: bool) {
        if !is_closing && self.reported.elapsed() < self.config.report_every {
            return;
        }
        self.reported = Instant::now();
        let last = self.shared.sequence.load(Ordering::Acquire);
        let dropped = self.shared.take_unreported();
        // A last report carries the highest sequence number, so that a lost end is detected.
        if dropped.is_empty() && !(is_closing && last > 0) {
            return;
        }
        if let Some(report) = self.encoder.report(last, dropped) {
            self.taken.push(report);
            // `found` counts the report, so that `pending` includes it.
            self.shared.update(|progress| progress.found += 1);
        }
    }

    fn send(&mut self, transport: &mut impl Transport) {
        // Events without room in the backlog are taken again after each sent batch.
        loop {
            let (events, next) = match self.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => return,
                Err(error) => return self.pause(error.to_string(), None),
            };
            match transport.send(&events) {
                Ok(refused) => {
                    self.batch_events = BATCH_EVENTS_MAX;
                    self.failures_in_a_row = 0;
                    self.not_before = None;
                    for refused in &refused {
                        if let Some(event) = events.get(refused.index) {
                            self.count_refused(event, &refused.reason);
                        }
                    }
                    self.settle(events.len(), refused.len(), next);
                }
                Err(SendError::Never { .. }) if events.len() > 1 => {
                    self.batch_events = events.len() / 2;
                }
                Err(SendError::Never { reason }) => {
                    self.count_refused(&events[0], &reason);
                    self.settle(1, 1, next);
                }
                Err(SendError::Later { cause, after }) => return self.pause(cause, after),
            }
            // Keep emptying the queue while a long backlog is sent.
            if !self.take(true) {
                return;
            }
            self.keep();
        }
    }

    /// Counts an event that the collector refused. Refused reports are not counted: reports on
    /// refused reports would never end.
    fn count_refused(&self, event: &[u8], reason: &str) {
        if let Some(ente) = ente(event) {
            self.shared.drop_event(&ente, reason);
        }
    }

    fn next_batch(&self) -> Result<Option<Batch>, SpoolError> {
        match &self.backlog {
            Backlog::Memory(waiting) => {
                let mut bytes = 0;
                let events: Vec<Vec<u8>> = waiting
                    .iter()
                    .take(self.batch_events)
                    .take_while(|event| {
                        let fits = bytes == 0 || bytes + event.len() <= BATCH_BYTES_MAX;
                        bytes += event.len();
                        fits
                    })
                    .cloned()
                    .collect();
                Ok((!events.is_empty()).then_some((events, None)))
            }
            Backlog::Disk(spool) => {
                let batch = spool.read(spool.acked(), self.batch_events, BATCH_BYTES_MAX)?;
                let is_empty = batch.records.is_empty();
                Ok((!is_empty).then_some((batch.records, Some(batch.next))))
            }
        }
    }

    /// Removes a finished batch from the backlog.
    fn settle(&mut self, events: usize, refused: usize, next: Option<Position>) {
        match &mut self.backlog {
            Backlog::Memory(waiting) => {
                waiting.drain(..events.min(waiting.len()));
            }
            Backlog::Disk(spool) => {
                // If the disk fails here, the events are sent again later.
                if let Some(next) = next {
                    let _ = spool.ack(next);
                }
            }
        }
        let spooled = self.backlog.spooled();
        self.shared.update(|progress| {
            progress.sent += (events - refused) as u64;
            progress.refused += refused as u64;
            progress.spooled = spooled;
            progress.last_failure.clear();
        });
    }

    /// Starts a pause after a failure. It doubles each time, and half of it is random, so that
    /// portals that failed together do not retry together.
    fn pause(&mut self, cause: String, after: Option<Duration>) {
        let doubled = self
            .config
            .pause_min
            .saturating_mul(1 << self.failures_in_a_row.min(16))
            .min(self.config.pause_max);
        let half = doubled / 2;
        let random = getrandom::u32().unwrap_or(0);
        let pause = (half + half.mul_f64(f64::from(random) / f64::from(u32::MAX)))
            .max(after.unwrap_or_default().min(Duration::from_secs(3600)));
        self.failures_in_a_row += 1;
        self.not_before = Some(Instant::now() + pause);
        self.shared.update(|progress| {
            progress.failures += 1;
            progress.last_failure = cause;
        });
    }
}

impl Backlog {
    fn is_empty(&self) -> bool {
        match self {
            Self::Memory(waiting) => waiting.is_empty(),
            Self::Disk(spool) => spool.is_empty(),
        }
    }

    fn spooled(&self) -> u64 {
        match self {
            Self::Memory(_) => 0,
            Self::Disk(spool) => spool.len(),
        }
    }
}

/// Returns the ente of a usage event.
fn ente(event: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(event).ok()?;
    Some(event.pointer("/data/ente")?.as_str()?.to_owned())
}
