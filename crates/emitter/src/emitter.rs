use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use affluenza_event::Refusal;
use affluenza_privacy::Pseudonyms;
use affluenza_spool::Spool;
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::encode::Encoder;
use crate::shared::{Shared, Statistics};
use crate::worker::{Queued, Worker};
use crate::{Config, StartError, Transport, Usage};

/// Longest wait for the sending thread when an emitter is dropped.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// Emitter of events. Threads share it by reference or in an `Arc`.
pub struct Emitter {
    encoder: Arc<Encoder>,
    shared: Arc<Shared>,
    queue: SyncSender<Queued>,
}

/// Reason why an event was dropped. It is counted and reported to the collector.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EmitError {
    /// The event violates the contract, so a retry does not help.
    #[error("{0}; {mend}", mend = .0.mend())]
    Refused(#[from] Refusal),
    /// The queue is full.
    #[error("the queue is full: {0} events wait to be sent")]
    QueueFull(u64),
    /// The sending thread has ended.
    #[error("the emitter has stopped")]
    Stopped,
}

/// Events that were not sent in time. The emitter keeps trying.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{events} events are not sent yet{}{last_failure}", if .last_failure.is_empty() { "" } else { ": " })]
pub struct Unsent {
    /// Number of unsent events.
    pub events: u64,
    /// Error of the last batch; empty if it was accepted.
    pub last_failure: String,
}

impl Emitter {
    /// Starts the sending thread. It also sends the events that an earlier process left in the
    /// spool.
    ///
    /// # Errors
    /// The spool or the configuration cannot be used.
    pub fn start(config: Config, transport: impl Transport) -> Result<Self, StartError> {
        let zone =
            TimeZone::get(&config.zone).map_err(|_| StartError::Zone(config.zone.clone()))?;
        let spool = match &config.spool {
            Some((folder, limits)) => Some(Spool::open(folder, *limits)?.0),
            None => None,
        };
        let encoder = Arc::new(Encoder {
            source: config.source.clone(),
            producer: uuid::Uuid::now_v7().to_string(),
            zone,
            pseudonyms: Pseudonyms::default(),
        });
        let shared = Arc::new(Shared::default());
        let (queue, events) = sync_channel(config.queue_events_max);
        let worker = Worker::new(
            config,
            Arc::clone(&encoder),
            Arc::clone(&shared),
            spool,
            events,
        );
        std::thread::Builder::new()
            .name("affluenza-emitter".into())
            .spawn(move || worker.run(transport))
            .map_err(StartError::Thread)?;
        Ok(Self {
            encoder,
            shared,
            queue,
        })
    }

    /// Queues an event and returns its id. Neither waits nor performs IO.
    ///
    /// # Errors
    /// The event is invalid, or the queue is full.
    pub fn emit(&self, usage: Usage) -> Result<String, EmitError> {
        let sequence = self.shared.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let encoded = self
            .encoder
            .encode(&usage, sequence)
            .inspect_err(|refusal| {
                self.shared.drop_event(&usage.ente, refusal.code());
            })?;
        // Count first, so that a flush right afterwards includes the event.
        self.shared.emitted.fetch_add(1, Ordering::AcqRel);
        let Err(error) = self.queue.try_send(Queued::Event(encoded.json)) else {
            return Ok(encoded.id);
        };
        self.shared.emitted.fetch_sub(1, Ordering::AcqRel);
        self.shared.drop_event(&usage.ente, "queue-full");
        Err(match error {
            TrySendError::Full(_) => EmitError::QueueFull(self.statistics().pending),
            TrySendError::Disconnected(_) => EmitError::Stopped,
        })
    }

    /// Waits until every emitted event is accepted or refused, at most `patience`. Skips the pauses
    /// after failures.
    ///
    /// # Errors
    /// Some events are still unsent. The emitter keeps trying.
    pub fn flush(&self, patience: Duration) -> Result<(), Unsent> {
        self.shared.hurry.store(true, Ordering::Release);
        let _ = self.queue.try_send(Queued::Wake);
        let shared = &self.shared;
        let done = shared.wait(patience, |progress| {
            shared.pending(progress) == 0 || progress.ended
        });
        self.shared.hurry.store(false, Ordering::Release);
        let statistics = self.statistics();
        if done && statistics.pending == 0 {
            return Ok(());
        }
        Err(Unsent {
            events: statistics.pending,
            last_failure: statistics.last_failure,
        })
    }

    /// Returns the counts of the events so far.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }

    /// Producer id, under which this process numbers its events.
    pub fn producer(&self) -> &str {
        &self.encoder.producer
    }

    /// Sends waiting events and a last report, for at most `patience`, and ends. Unsent events stay
    /// in the spool. Without a spool they are lost, and the statistics count them.
    pub fn close(self, patience: Duration) -> Statistics {
        let _ = self.flush(patience);
        self.end(patience.max(DROP_PATIENCE));
        self.statistics()
    }

    fn end(&self, patience: Duration) {
        self.shared.closing.store(true, Ordering::Release);
        let _ = self.queue.try_send(Queued::Wake);
        self.shared.wait(patience, |progress| progress.ended);
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        self.end(DROP_PATIENCE);
    }
}
