//! Blocks that are being written, one task for each.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use affluenza_kafka::Writer;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::PipelineError;
use crate::partition::OwnedPartition;
use crate::write::{Sink, Written};

/// Block that is being written to ClickHouse.
pub(crate) struct Writing {
    /// Distinguishes the result of this block from that of a cancelled one.
    pub(crate) ticket: u64,
    pub(crate) task: JoinHandle<()>,
}

/// Result of writing a block.
pub(crate) struct WriteOutcome {
    pub(crate) ticket: u64,
    pub(crate) result: Result<Written, PipelineError>,
}

/// Starts the tasks and receives their results.
pub(crate) struct Writers {
    pub(crate) sink: Sink,
    runtime: Handle,
    results: mpsc::Receiver<WriteOutcome>,
    results_in: mpsc::Sender<WriteOutcome>,
    next_ticket: u64,
}

impl Writers {
    pub(crate) fn new(sink: Sink, runtime: Handle) -> Self {
        let (results_in, results) = mpsc::channel();
        Self {
            sink,
            runtime,
            results,
            results_in,
            next_ticket: 0,
        }
    }

    /// Replaces the producer of dead letters.
    pub(crate) fn replace_writer(&mut self, dead_letters: Writer) {
        self.sink.dead_letters = Arc::new(dead_letters);
    }

    /// Starts a task that writes the draft of a partition.
    pub(crate) fn start(&mut self, owned: &mut OwnedPartition) {
        let (draft, intended_at) = owned.seal();
        let partition = owned.partition;
        let sink = Sink {
            partition,
            ..self.sink.clone()
        };
        let write = sink.write(draft, owned.origin.clone(), partition, intended_at);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let results = self.results_in.clone();
        let task = self.runtime.spawn(async move {
            let result = write.await;
            // Sending fails only after the consumer has ended.
            let _ = results.send(WriteOutcome { ticket, result });
        });
        owned.writing = Some(Writing { ticket, task });
    }

    /// Returns a result if one has arrived.
    pub(crate) fn next(&self) -> Option<WriteOutcome> {
        self.results.try_recv().ok()
    }

    /// Waits up to `max` for a result.
    pub(crate) fn wait(&self, max: Duration) -> Option<WriteOutcome> {
        self.results.recv_timeout(max).ok()
    }
}
