//! Tests an emitter against a simulated collector.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use affluenza_emitter::{
    Config, EmitError, Emitter, Kind, Limits, Refused, SendError, Transport, Usage,
};
use affluenza_event::{Message, UnixMillis};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// Simulated collector: its answer to each batch, and the events it accepted.
#[derive(Clone)]
struct Side {
    answer: Arc<Mutex<Answer>>,
    accepted: Sender<Vec<u8>>,
}

#[derive(Clone, PartialEq)]
enum Answer {
    Accepted,
    Away,
    /// Refuses single events of this service.
    Picky(&'static str),
    /// Refuses whole batches that hold an event of this service.
    Rough(&'static str),
}

impl Side {
    fn new(answer: Answer) -> (Self, Receiver<Vec<u8>>) {
        let (accepted, events) = channel();
        let answer = Arc::new(Mutex::new(answer));
        (Self { answer, accepted }, events)
    }

    fn now(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

impl Transport for Side {
    fn send(&mut self, events: &[Vec<u8>]) -> Result<Vec<Refused>, SendError> {
        let answer = self.answer.lock().unwrap().clone();
        let holds = |event: &[u8], service: &str| {
            String::from_utf8_lossy(event).contains(&format!("\"service\":\"{service}\""))
        };
        match answer {
            Answer::Away => {
                return Err(SendError::Later {
                    cause: "nobody answers".into(),
                    after: None,
                });
            }
            Answer::Rough(service) if events.iter().any(|event| holds(event, service)) => {
                return Err(SendError::Never {
                    reason: "http-422".into(),
                });
            }
            _ => {}
        }
        let mut refused = Vec::new();
        for (index, event) in events.iter().enumerate() {
            match answer {
                Answer::Picky(service) if holds(event, service) => refused.push(Refused {
                    index,
                    reason: "unknown-shape".into(),
                }),
                // The test may have ended.
                _ => drop(self.accepted.send(event.clone())),
            }
        }
        Ok(refused)
    }
}

fn config() -> Config {
    Config::new("https://servizi.comune.example.it")
        .linger(Duration::from_millis(5))
        .pauses(Duration::from_millis(5), Duration::from_millis(40))
}

fn usage(service: &str) -> Usage {
    Usage::service("c_d612", "servizi-online", service, Kind::Plain)
}

fn spooled(folder: &Path) -> Config {
    config().spool(folder, Limits::default())
}

fn services(events: &Receiver<Vec<u8>>) -> Vec<String> {
    events
        .try_iter()
        .filter_map(|event| {
            let event: Value = serde_json::from_slice(&event).unwrap();
            Some(event.pointer("/data/service")?.as_str()?.to_owned())
        })
        .collect()
}

#[test]
fn events_are_treated_numbered_and_valid() {
    let (side, events) = Side::new(Answer::Accepted);
    let emitter = Emitter::start(config(), side).unwrap();
    let anna = || {
        usage("visure")
            .address("203.0.113.77".parse().unwrap())
            .user_agent("app/1.0 (203.0.113.77)")
            .session("PHPSESSID-of-anna")
    };
    let id = emitter.emit(anna()).unwrap();
    emitter.emit(anna().visitor("RSSMRA85T10A562S")).unwrap();
    emitter.flush(PATIENCE).unwrap();
    let sent: Vec<Vec<u8>> = events.try_iter().collect();
    for (event, number) in sent.iter().zip(1_u64..) {
        let text = String::from_utf8_lossy(event);
        for personal in ["203.0.113.77", "PHPSESSID", "RSSMRA"] {
            assert!(!text.contains(personal), "{text}");
        }
        let parsed = affluenza_event::parse(event, UnixMillis(i64::MAX)).unwrap();
        let origin = parsed.origin.unwrap();
        assert_eq!(
            (&*origin.producer, origin.sequence),
            (emitter.producer(), number)
        );
        assert_eq!(parsed.client.user_agent, "app/1.0 (203.0.113.0)");
    }
    assert!(String::from_utf8_lossy(&sent[0]).contains(&id));
    let statistics = emitter.statistics();
    assert_eq!(
        (statistics.emitted, statistics.sent, statistics.pending),
        (2, 2, 0)
    );
}

#[test]
fn what_the_contract_refuses_is_refused_at_once_and_reported() {
    let (side, events) = Side::new(Answer::Accepted);
    let emitter = Emitter::start(config(), side).unwrap();
    let error = emitter.emit(usage("mario.rossi@example.it")).unwrap_err();
    assert!(matches!(&error, EmitError::Refused(refusal) if refusal.code() == "personal-data"));
    assert!(!error.to_string().contains("mario"), "{error}");
    emitter.emit(usage("visure")).unwrap();
    let statistics = emitter.close(PATIENCE);
    assert_eq!(statistics.dropped["personal-data"], 1);
    let report = events
        .try_iter()
        .find_map(|event| {
            match affluenza_event::read(&event, std::iter::empty, UnixMillis(i64::MAX)).message {
                Ok(Message::Report(report)) => Some((
                    report.last_sequence,
                    report
                        .dropped
                        .iter()
                        .map(|dropped| {
                            (
                                dropped.ente.to_string(),
                                dropped.reason.to_string(),
                                dropped.events,
                            )
                        })
                        .collect::<Vec<_>>(),
                )),
                _ => None,
            }
        })
        .unwrap();
    assert_eq!(
        report,
        (2, vec![("c_d612".into(), "personal-data".into(), 1)])
    );
}

#[test]
fn a_full_queue_drops_counts_and_does_not_wait() {
    let (side, events) = Side::new(Answer::Away);
    let emitter = Emitter::start(config().queue_events_max(10), side.clone()).unwrap();
    let mut full = 0;
    for _ in 0..500 {
        match emitter.emit(usage("visure")) {
            Ok(_) => {}
            Err(EmitError::QueueFull(_)) => full += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(full > 0);
    let unsent = emitter.flush(Duration::from_millis(50)).unwrap_err();
    assert_eq!(unsent.last_failure, "nobody answers");
    side.now(Answer::Accepted);
    emitter.flush(PATIENCE).unwrap();
    assert_eq!(services(&events).len(), 500 - full);
    let statistics = emitter.statistics();
    assert_eq!(statistics.dropped["queue-full"], full as u64);
    assert_eq!(
        (statistics.sent, statistics.pending),
        (500 - full as u64, 0)
    );
}

#[test]
fn the_spool_outlives_the_process_and_keeps_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..300).map(|number| format!("s{number}")).collect();
    {
        let (away, _) = Side::new(Answer::Away);
        let emitter = Emitter::start(spooled(folder.path()), away).unwrap();
        for name in &names {
            emitter.emit(usage(name)).unwrap();
        }
        let statistics = emitter.close(Duration::from_millis(10));
        assert_eq!(statistics.sent, 0);
        // Includes the last report.
        assert_eq!(statistics.spooled, 301);
    }
    let (side, events) = Side::new(Answer::Accepted);
    let emitter = Emitter::start(spooled(folder.path()), side).unwrap();
    assert_eq!(emitter.statistics().found, 301);
    emitter.flush(PATIENCE).unwrap();
    assert_eq!(services(&events), names);
    drop(emitter);
    let (side, events) = Side::new(Answer::Accepted);
    let emitter = Emitter::start(spooled(folder.path()), side).unwrap();
    emitter.flush(PATIENCE).unwrap();
    assert_eq!(services(&events), Vec::<String>::new());
}

#[test]
fn one_bad_event_stops_no_other() {
    for rough in [Answer::Picky("bad"), Answer::Rough("bad")] {
        let folder = tempfile::tempdir().unwrap();
        let (side, events) = Side::new(Answer::Away);
        let emitter = Emitter::start(spooled(folder.path()), side.clone()).unwrap();
        for number in 0..50 {
            let name = if number == 17 { "bad" } else { "good" };
            emitter.emit(usage(name)).unwrap();
        }
        side.now(rough.clone());
        emitter.flush(PATIENCE).unwrap();
        assert_eq!(services(&events), ["good"; 49]);
        let statistics = emitter.statistics();
        assert_eq!((statistics.sent, statistics.pending), (49, 0));
        assert_eq!(statistics.dropped.values().sum::<u64>(), 1);
    }
}

#[test]
fn many_threads_share_one_emitter() {
    let (side, events) = Side::new(Answer::Accepted);
    let emitter = Emitter::start(config().queue_events_max(100_000), side).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    emitter.emit(usage("visure")).unwrap();
                }
            });
        }
    });
    emitter.flush(PATIENCE).unwrap();
    let mut numbers: Vec<u64> = events
        .try_iter()
        .map(|event| {
            affluenza_event::parse(&event, UnixMillis(i64::MAX))
                .unwrap()
                .origin
                .unwrap()
                .sequence
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2000).collect::<Vec<u64>>());
}
