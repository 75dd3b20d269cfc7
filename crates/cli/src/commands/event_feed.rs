//! Answers the questions of the page of live events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use affluenza_api::dashboard::{EventFeed, LastEvents, LastEventsReply, ShownEvent};
use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::Config;
use affluenza_register::Register;
use anyhow::Result;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::event_tail::Tail;
use crate::output::chain;

/// Least interval between looks at the ledger, for any number of readers.
const LOOK: Duration = Duration::from_millis(250);
/// Time without a question after which the connections are closed.
const IDLE: Duration = Duration::from_secs(60);
/// Earlier records of each partition that the first look reads.
const FIRST: u64 = 200;
/// Most events that are kept.
const KEPT_MAX: usize = 5_000;
/// Most questions that wait.
const QUESTIONS_MAX: usize = 64;

/// Where the events are read.
pub struct EventSources {
    pub bus: Config,
    pub store: affluenza_store::Config,
    pub register: watch::Receiver<Arc<Register>>,
}

/// Starts the task that reads the log while clients ask. Ends when `stop` is triggered. `None` if
/// no Kafka is configured.
pub fn start(sources: EventSources, stop: CancellationToken) -> Option<EventFeed> {
    if sources.bus.bootstrap_servers.is_empty() {
        return None;
    }
    let (feed, mut questions) = mpsc::channel::<LastEventsReply>(QUESTIONS_MAX);
    tokio::spawn(async move {
        let answering = async {
            while let Some(first) = questions.recv().await {
                // The reader may have left while Kafka did not answer.
                if !first.is_closed() {
                    answer(&sources, first, &mut questions).await;
                }
            }
        };
        stop.run_until_cancelled(answering).await;
    });
    Some(feed)
}

/// Answers questions until none comes for a while, or the log cannot be read.
async fn answer(
    sources: &EventSources,
    first: LastEventsReply,
    questions: &mut mpsc::Receiver<LastEventsReply>,
) {
    let mut question = first;
    let mut recent = match RecentEvents::open(sources).await {
        Ok(recent) => recent,
        Err(error) => return fail(question, &error),
    };
    loop {
        if let Err(error) = recent.look(&sources.register).await {
            return fail(question, &error);
        }
        // A reader that has left needs no answer.
        let _ = question.send(Ok(recent.shown.clone()));
        question = match tokio::time::timeout(IDLE, questions.recv()).await {
            Ok(Some(next)) => next,
            Ok(None) | Err(_) => return,
        };
    }
}

fn fail(question: LastEventsReply, error: &anyhow::Error) {
    let cause = chain(error);
    tracing::warn!(error = cause, "the last events cannot be read");
    let _ = question.send(Err(
        "Kafka or ClickHouse does not answer, so the last events cannot be read".to_owned(),
    ));
}

/// The last events of the log.
struct RecentEvents {
    tail: Tail,
    /// Events, the newest first.
    events: VecDeque<ShownEvent>,
    shown: LastEvents,
    looked: Option<Instant>,
}

impl RecentEvents {
    async fn open(sources: &EventSources) -> Result<Self> {
        Ok(Self {
            tail: Tail::open(&sources.bus, &sources.store, FIRST).await?,
            events: VecDeque::new(),
            shown: LastEvents::default(),
            looked: None,
        })
    }

    /// Adds the events that were decided since the last look, unless that was a moment ago.
    async fn look(&mut self, register: &watch::Receiver<Arc<Register>>) -> Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(());
        }
        let register = register.borrow().clone();
        let seen = self.tail.next(&register).await?;
        self.looked = Some(Instant::now());
        if !seen.events.is_empty() {
            for event in seen.events {
                self.events.push_front(event);
            }
            self.events.truncate(KEPT_MAX);
            self.shown = self.events.iter().cloned().collect();
        }
        Ok(())
    }
}
