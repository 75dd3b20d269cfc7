//! Identity of the topic that is read. After a topic is deleted and created again, the client goes on
//! at the old offsets without an error; only the topic id shows it.

use std::time::{Duration, Instant};

use affluenza_kafka::{Cluster, Config as BusConfig, Reader};

use crate::PipelineError;

/// Maximum time between two checks of the topic's id.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Ids of cluster and topic, and the time of the last check of the topic's id.
pub(crate) struct TopicIdentity {
    /// Ids of cluster and topic, joined by a slash.
    id: String,
    /// True if no record was received since the last check.
    is_checked: bool,
    /// Time of the last check.
    asked: Instant,
}

impl TopicIdentity {
    pub(crate) fn read(bus: &BusConfig) -> Result<Self, PipelineError> {
        Ok(Self {
            id: Cluster::new(bus)?.identity(&bus.topic)?.to_string(),
            is_checked: false,
            asked: Instant::now(),
        })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Notes that a record was received, so that the next commit checks the id.
    pub(crate) fn received(&mut self) {
        self.is_checked = false;
    }

    /// Compares the topic's id with the id of the log that is read, unless that was done within
    /// [`CHECK_INTERVAL`] and no record has arrived since.
    pub(crate) fn check(&mut self, reader: &Reader) -> Result<(), PipelineError> {
        if self.is_checked && self.asked.elapsed() <= CHECK_INTERVAL {
            return Ok(());
        }
        let id = reader.topic_id()?;
        self.asked = Instant::now();
        // A topic id may contain a slash, a cluster id does not.
        let (cluster, known) = self.id.split_once('/').unwrap_or(("", &self.id));
        if known != id {
            return Err(PipelineError::TopicReplaced {
                before: self.id.clone(),
                now: format!("{cluster}/{id}"),
            });
        }
        self.is_checked = true;
        Ok(())
    }

    /// Checks the id after [`CHECK_INTERVAL`] without a check.
    pub(crate) fn check_in_time(&mut self, reader: &Reader) -> Result<(), PipelineError> {
        match self.asked.elapsed() > CHECK_INTERVAL {
            true => self.check(reader),
            false => Ok(()),
        }
    }
}
