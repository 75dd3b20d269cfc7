//! Notes of the erasures, kept outside the database, in a separate topic without a retention
//! limit.
//!
//! A database restored from a backup knows only the erasures before the backup. The notes name the
//! others with their end offsets, so that they can be repeated exactly. The notes also list the
//! databases for which they are complete. A topic that was created after a loss of Kafka is not
//! complete for an older database.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use affluenza_kafka::{BusError, Config as BusConfig, Writer, try_scan};
use affluenza_store::Store;
use affluenza_store::erasure::Erasure;
use serde::{Deserialize, Serialize};

use crate::PipelineError;

/// Maximum time for Kafka to acknowledge a note.
const PATIENCE: Duration = Duration::from_secs(60);

/// Record of the topic.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Note {
    /// From here on, every erasure of this database is in the topic.
    WholeFor(String),
    /// Order that was begun.
    Erasure(Erasure),
}

/// Content of the topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Databases for which the notes are complete, by [`affluenza_store::Admin::origin`].
    pub whole_for: HashSet<String>,
    /// Erasures without repetitions, in the order in which they were begun.
    pub erasures: Vec<Erasure>,
}

impl Notes {
    /// Returns the erasures that concern one of `streams` and are not done in `known`.
    pub fn open(&self, streams: &HashSet<String>, known: &[Erasure]) -> Vec<Erasure> {
        let noted = self.erasures.iter();
        noted
            .filter(|noted| noted.ends.iter().any(|end| streams.contains(&end.0)))
            .filter(|noted| !known.iter().any(|one| one.id == noted.id && one.done))
            .cloned()
            .collect()
    }
}

/// Reads the notes. Returns `None` if the topic does not exist.
pub fn read(bus: &BusConfig) -> Result<Option<Notes>, PipelineError> {
    let mut notes = Notes::default();
    let mut seen = HashSet::new();
    let topic = &bus.erasure_topic;
    let scanned = try_scan(bus, topic, |record| {
        match serde_json::from_slice(record.payload()) {
            Ok(Note::WholeFor(database)) => {
                notes.whole_for.insert(database);
            }
            Ok(Note::Erasure(erasure)) => {
                if seen.insert(erasure.id.clone()) {
                    notes.erasures.push(erasure);
                }
            }
            Err(error) => return ControlFlow::Break((record.offset().0, error.to_string())),
        }
        ControlFlow::Continue(())
    });
    match scanned {
        Ok(None) => Ok(Some(notes)),
        Ok(Some((offset, cause))) => Err(PipelineError::ForeignNote {
            topic: topic.clone(),
            offset,
            cause,
        }),
        Err(BusError::NoTopic { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Adds the missing erasures of this database to the notes, such as those of an earlier release or
/// of a lost topic. The topic must exist.
pub async fn keep_whole(store: &Store, bus: &BusConfig) -> Result<(), PipelineError> {
    let notes = tokio::task::block_in_place(|| read(bus))?;
    let notes = notes.ok_or_else(|| BusError::NoTopic {
        topic: bus.erasure_topic.clone(),
    })?;
    let origin = store.admin().origin().await?;
    let mut missing: Vec<Note> = store
        .facts()
        .erasures()
        .await?
        .into_iter()
        .filter(|one| !notes.erasures.iter().any(|noted| noted.id == one.id))
        .map(Note::Erasure)
        .collect();
    if !notes.whole_for.contains(&origin) {
        missing.push(Note::WholeFor(origin));
    }
    write(bus, &missing)
}

/// Notes an order, before anything is erased.
pub fn note(bus: &BusConfig, erasure: &Erasure) -> Result<(), PipelineError> {
    write(bus, &[Note::Erasure(erasure.clone())])
}

/// Writes notes in order. Each is acknowledged before the next is sent.
fn write(bus: &BusConfig, notes: &[Note]) -> Result<(), PipelineError> {
    if notes.is_empty() {
        return Ok(());
    }
    tokio::task::block_in_place(|| {
        let writer = Writer::new(bus, &bus.erasure_topic)?;
        for note in notes {
            let text = serde_json::to_vec(note).expect("a note is JSON");
            let key = match note {
                Note::WholeFor(database) => database,
                Note::Erasure(erasure) => &erasure.id,
            };
            writer.send(key.as_bytes(), &text, None, &[])?;
            writer.flush(PATIENCE)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(id: &str, done: bool) -> Erasure {
        Erasure {
            id: id.into(),
            ente: "c_a".into(),
            portal: String::new(),
            first_day: 10,
            last_day: 12,
            reason: "order".into(),
            ends: vec![("c/t".into(), 0, 100)],
            facts: 3,
            begun_at: 5,
            done,
            version: 1,
        }
    }

    #[test]
    fn noted_orders_that_are_not_done_are_open() {
        let notes = Notes {
            erasures: vec![
                erasure("1", false),
                erasure("2", false),
                erasure("3", false),
            ],
            ..Notes::default()
        };
        let known = [erasure("1", true), erasure("2", false)];
        let of = |stream: &str| {
            let open = notes.open(&HashSet::from([stream.to_owned()]), &known);
            open.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(of("c/t"), ["2", "3"]);
        assert!(of("c/other").is_empty());
    }

    #[test]
    fn notes_are_read_as_they_were_written() {
        let text = serde_json::to_string(&Note::Erasure(erasure("1", false))).unwrap();
        let Note::Erasure(read) = serde_json::from_str(&text).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(read, erasure("1", false));
        let text = serde_json::to_string(&Note::WholeFor("a".into())).unwrap();
        assert_eq!(text, r#"{"whole-for":"a"}"#);
    }
}
