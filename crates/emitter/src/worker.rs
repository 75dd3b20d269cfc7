//! The thread that sends.

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

/// Most events and bytes of a batch; the collector takes 1,000 and 1 MiB.
const BATCH_EVENTS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 512 * 1024;

/// What is handed to the thread.
pub(crate) enum Queued {
    Event(Vec<u8>),
    /// Look around: something changed.
    Wake,
}

pub(crate) struct Worker {
    config: Config,
    encoder: Arc<Encoder>,
    shared: Arc<Shared>,
    queue: Receiver<Queued>,
    backlog: Backlog,
    /// Taken from the queue, not yet in the backlog.
    taken: Vec<Vec<u8>>,
    /// Most events of the next batch: halved when a batch is refused as a whole.
    batch_events: usize,
    failures_in_a_row: u32,
    not_before: Option<Instant>,
    reported: Instant,
}

/// Events to be sent together, and where a spool goes on after them.
type Batch = (Vec<Vec<u8>>, Option<Position>);

/// What waits to be sent.
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
        // The spool is free for the next before it is said that this one is done.
        drop(self);
        shared.update(|progress| progress.ended = true);
    }

    /// Takes events from the queue: waits for the first, and a little for more. Whether the
    /// emitter is still there.
    fn take(&mut self, is_closing: bool) -> bool {
        // Here it comes by all the time, whether there are events or not.
        self.encoder.forget_past(jiff::Timestamp::now());
        let has_more = !self.backlog.is_empty() && self.not_before.is_none();
        let patience = if has_more || is_closing {
            Duration::ZERO
        } else if self.shared.hurry.load(Ordering::Acquire) {
            // Whoever hurries must not make a server that is down busy.
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

    /// Empties the queue, as far as there is room for it.
    fn take_the_rest(&mut self) {
        while !self.taken.is_empty() {
            self.keep();
            if !self.taken.is_empty() {
                return;
            }
            self.take(true);
        }
    }

    /// Puts what was taken where it waits. A full spool leaves it here: then the queue fills up,
    /// and whoever emits is told.
    fn keep(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        match &mut self.backlog {
            Backlog::Memory(waiting) => {
                // As much as the queue holds, so that memory has a bound.
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

    /// Puts a report of what was dropped among the events, now and then.
    fn report(&mut self, is_closing: bool) {
        if !is_closing && self.reported.elapsed() < self.config.report_every {
            return;
        }
        self.reported = Instant::now();
        let last = self.shared.sequence.load(Ordering::Acquire);
        let dropped = self.shared.take_unreported();
        // A last report tells how far the numbers went, so that a lost end is seen, too.
        if dropped.is_empty() && !(is_closing && last > 0) {
            return;
        }
        if let Some(report) = self.encoder.report(last, dropped) {
            self.taken.push(report);
            // Nobody emitted it, but it is to be sent like what was found.
            self.shared.update(|progress| progress.found += 1);
        }
    }

    fn send(&mut self, transport: &mut impl Transport) {
        // What has no room on disk or in memory goes after what has.
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
            // The queue must not fill up during a long backlog.
            if !self.take(true) {
                return;
            }
            self.keep();
        }
    }

    /// Counts an event that the other side refused. A report is none: reporting that reports are
    /// refused would never end.
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

    /// Forgets a batch that is dealt with.
    fn settle(&mut self, events: usize, refused: usize, next: Option<Position>) {
        match &mut self.backlog {
            Backlog::Memory(waiting) => {
                waiting.drain(..events.min(waiting.len()));
            }
            Backlog::Disk(spool) => {
                // If the disk does not take it, they are sent again later.
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

    /// After a failure: twice as long as before, and half of it random, so that portals that
    /// failed together do not come back together.
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

/// The ente of a usage event.
fn ente(event: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(event).ok()?;
    Some(event.pointer("/data/ente")?.as_str()?.to_owned())
}
