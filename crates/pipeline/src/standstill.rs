//! Partitions that do not advance while records wait, and the cause.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use affluenza_kafka::{NextOffset, Obstacle, Partition, Sight};
use strum::{Display, IntoStaticStr};

/// Maximum number of remembered ends of a partition, which measure how long its records have
/// waited.
const ENDS_MAX: usize = 256;

/// Cause of a standstill. Its name stands in metrics and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Cause {
    /// ClickHouse does not accept a block.
    #[strum(serialize = "clickhouse")]
    ClickHouse,
    /// Kafka does not accept dead letters.
    DeadLetters,
    /// A record cannot be decoded.
    Unreadable,
    /// Kafka refuses this program's access to the topic.
    NotAllowed,
    /// The partition has no leader.
    NoLeader,
    /// Kafka does not answer, or does not return the record.
    Kafka,
    /// The record can be read, but this consumer does not continue.
    Unknown,
}

impl Cause {
    /// Returns the cause for an obstacle found in the log.
    pub const fn of(obstacle: &Obstacle) -> Self {
        match obstacle {
            Obstacle::Unreadable(_) => Self::Unreadable,
            Obstacle::Refused(_) => Self::NotAllowed,
            Obstacle::NoLeader => Self::NoLeader,
            Obstacle::NoAnswer(_) => Self::Kafka,
        }
    }
}

/// Partition that does not advance while records wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// Kafka partition.
    pub partition: Partition,
    /// Next offset to read, which has not changed.
    pub offset: NextOffset,
    /// End of the log.
    pub end: NextOffset,
    /// Duration of the standstill, in seconds.
    pub seconds: u64,
    /// Cause of the standstill.
    pub cause: Cause,
    /// Description of the cause.
    pub detail: String,
}

impl fmt::Display for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, seconds, detail) = (self.partition, self.seconds, &self.detail);
        let (at, end) = (self.offset.0, self.end.0);
        write!(
            f,
            "partition {partition} has stood at offset {at} for {seconds} s (the log ends at {end}): {detail}"
        )
    }
}

/// Current step of writing a block.
#[derive(Debug, Clone)]
struct CurrentStep {
    cause: Cause,
    /// Description, such as `insert facts`.
    what: String,
    since: Instant,
    /// Error of the last attempt.
    error: Option<String>,
}

impl CurrentStep {
    fn detail(&self, now: Instant) -> String {
        let seconds = now.duration_since(self.since).as_secs();
        let (who, what) = (self.who(), &self.what);
        match &self.error {
            Some(error) => format!("waiting for {who} for {seconds} s: {what}: {error}"),
            None => format!("waiting for {who} for {seconds} s: {what}: no answer yet"),
        }
    }

    const fn who(&self) -> &'static str {
        match self.cause {
            Cause::ClickHouse => "ClickHouse",
            _ => "Kafka",
        }
    }
}

#[derive(Debug)]
struct Track {
    position: NextOffset,
    end: NextOffset,
    /// Start of the time in which records wait and the position does not change.
    unmoved_since: Instant,
    /// Ends beyond the position with the time when each was first seen, oldest first.
    ends: VecDeque<(Instant, NextOffset)>,
    step: Option<CurrentStep>,
    sight: Option<(Instant, Sight)>,
}

/// Tracks the partitions of a consumer. It has no clock: the caller passes the time.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    partitions: BTreeMap<Partition, Track>,
    /// Last time Kafka reported the ends of partitions, or the first failure before that.
    heard: Option<Instant>,
    /// Reason why Kafka does not report the ends now.
    unknown: Option<String>,
}

impl Tracker {
    fn track(&mut self, partition: Partition, position: NextOffset, now: Instant) -> &mut Track {
        self.partitions.entry(partition).or_insert_with(|| Track {
            position,
            end: position,
            unmoved_since: now,
            ends: VecDeque::new(),
            step: None,
            sight: None,
        })
    }

    /// Records the position and the end of a partition.
    pub(crate) fn see(
        &mut self,
        partition: Partition,
        position: NextOffset,
        end: NextOffset,
        now: Instant,
    ) {
        let track = self.track(partition, position, now);
        track.move_to(position, now);
        if end > track.end || track.ends.is_empty() {
            track.ends.push_back((now, end));
        }
        track.end = end;
        while track.ends.front().is_some_and(|(_, end)| *end <= position) {
            track.ends.pop_front();
        }
        if track.ends.len() > ENDS_MAX {
            // Keeping every other end makes a record count as slightly younger than it is.
            let mut at = 0;
            track.ends.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }

    /// Records that Kafka reports the ends of partitions.
    pub(crate) fn hears(&mut self, now: Instant) {
        self.heard = Some(now);
        self.unknown = None;
    }

    /// Records the positions of partitions without their ends.
    pub(crate) fn stand_at(&mut self, positions: &BTreeMap<Partition, NextOffset>, now: Instant) {
        for (partition, track) in &mut self.partitions {
            let position = positions.get(partition).copied();
            track.move_to(position.unwrap_or(track.position), now);
        }
    }

    /// Records that Kafka does not report the ends of partitions.
    pub(crate) fn hears_nothing(&mut self, why: String, now: Instant) {
        self.heard.get_or_insert(now);
        self.unknown = Some(why);
    }

    /// Removes partitions that are no longer owned.
    pub(crate) fn keep(&mut self, owned: &[Partition]) {
        self.partitions
            .retain(|partition, _| owned.contains(partition));
    }

    /// Records that a writer begins a step.
    pub(crate) fn begins(&mut self, partition: Partition, cause: Cause, what: &str, now: Instant) {
        let track = self.track(partition, NextOffset(0), now);
        // After a rejoin, the same step keeps its start time.
        if track.step.as_ref().is_none_or(|step| step.what != what) {
            track.step = Some(CurrentStep {
                cause,
                what: what.to_owned(),
                since: now,
                error: None,
            });
        }
    }

    /// Records that an attempt of the current step failed.
    pub(crate) fn fails(&mut self, partition: Partition, error: String) {
        let track = self.partitions.get_mut(&partition);
        if let Some(step) = track.and_then(|track| track.step.as_mut()) {
            step.error = Some(error);
        }
    }

    /// Records that a block was written.
    pub(crate) fn is_written(&mut self, partition: Partition) {
        if let Some(track) = self.partitions.get_mut(&partition) {
            track.step = None;
        }
    }

    /// Records the result of reading the log at a partition's position.
    pub(crate) fn sighted(&mut self, partition: Partition, sight: Sight, now: Instant) {
        if let Some(track) = self.partitions.get_mut(&partition) {
            track.sight = Some((now, sight));
        }
    }

    /// Returns for how long the oldest unstored record has been seen waiting, by partition.
    pub(crate) fn waits(&self, now: Instant) -> Vec<(Partition, Duration)> {
        let waits = self.partitions.iter().map(|(partition, track)| {
            let oldest = track.ends.front();
            let wait = oldest.map_or(Duration::ZERO, |(seen, _)| now.duration_since(*seen));
            (*partition, wait)
        });
        waits.collect()
    }

    /// Returns the partitions that stand still without a known cause, with their positions. A
    /// partition whose log was read less than `again` ago is left out.
    pub(crate) fn unexplained(
        &self,
        limit: Duration,
        again: Duration,
        now: Instant,
    ) -> Vec<(Partition, NextOffset)> {
        let stand = self.partitions.iter();
        let stand = stand.filter(|(_, track)| {
            let looked = track.sight.as_ref();
            track.stands(limit, now)
                && track.step.is_none()
                && looked.is_none_or(|(at, _)| now.duration_since(*at) >= again)
        });
        stand
            .map(|(partition, track)| (*partition, track.position))
            .collect()
    }

    /// Returns the partitions that have not advanced for `limit` or longer while records wait.
    pub(crate) fn standstills(&self, limit: Duration, now: Instant) -> Vec<Standstill> {
        let silent = self.heard.zip(self.unknown.as_ref());
        let silent = silent.filter(|(since, _)| now.duration_since(*since) >= limit);
        let held_up = self.held_up(limit, now);
        let found = self.partitions.iter().filter_map(|(partition, track)| {
            let (cause, detail, since) = match silent {
                Some((since, why)) => (Cause::Kafka, why.clone(), since),
                None if track.stands(limit, now) => {
                    let (cause, detail) = match (track.why(now)?, &held_up) {
                        ((Cause::Unknown, _), Some((cause, detail))) => (*cause, detail.clone()),
                        (why, _) => why,
                    };
                    (cause, detail, track.unmoved_since)
                }
                None => return None,
            };
            Some(Standstill {
                partition: *partition,
                offset: track.position,
                // The end is unknown if Kafka has not answered since the start.
                end: track.end.max(track.position),
                seconds: now.duration_since(since).as_secs(),
                cause,
                detail,
            })
        });
        found.collect()
    }

    /// Returns what holds up a block for `limit` or longer. It stops the reading of all partitions,
    /// because the consumer reads them together.
    fn held_up(&self, limit: Duration, now: Instant) -> Option<(Cause, String)> {
        let (partition, step) = self.partitions.iter().find_map(|(partition, track)| {
            let step = track.step.as_ref().filter(|_| track.stands(limit, now))?;
            Some((partition, step))
        })?;
        let detail = step.detail(now);
        Some((
            step.cause,
            format!("reading waits for a block of partition {partition}: {detail}"),
        ))
    }
}

impl Track {
    fn move_to(&mut self, position: NextOffset, now: Instant) {
        if self.position != position || self.end <= self.position {
            self.unmoved_since = now;
            self.sight = None;
        }
        self.position = position;
    }

    fn stands(&self, limit: Duration, now: Instant) -> bool {
        self.end > self.position && now.duration_since(self.unmoved_since) >= limit
    }

    /// Returns the cause. `None` if only transaction markers are left to read.
    fn why(&self, now: Instant) -> Option<(Cause, String)> {
        if let Some(step) = &self.step {
            return Some((step.cause, step.detail(now)));
        }
        match &self.sight {
            Some((_, Sight::End)) => None,
            Some((_, Sight::Blocked(obstacle))) => Some((Cause::of(obstacle), obstacle.to_string())),
            Some((_, Sight::Record { .. })) => Some((
                Cause::Unknown,
                "the record is readable, but this consumer does not continue: keep its log, and restart it".to_owned(),
            )),
            None => Some((Cause::Unknown, "the cause is not known yet".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Partition = Partition(3);
    const LIMIT: Duration = Duration::from_secs(30);

    fn after(began: Instant, seconds: u64) -> Instant {
        began + Duration::from_secs(seconds)
    }

    #[test]
    fn a_partition_stands_when_records_wait_and_it_does_not_move() {
        let began = Instant::now();
        let mut tracker = Tracker::default();
        let at = NextOffset(10);
        tracker.see(P, at, NextOffset(10), began);
        // No record waits for an hour, then one arrives.
        tracker.see(P, at, NextOffset(11), after(began, 3600));
        assert_eq!(tracker.standstills(LIMIT, after(began, 3620)), []);
        tracker.see(P, at, NextOffset(12), after(began, 3631));
        let now = after(began, 3631);
        assert_eq!(tracker.unexplained(LIMIT, LIMIT, now), [(P, at)]);
        tracker.sighted(P, Sight::Blocked(Obstacle::NoLeader), now);
        assert_eq!(tracker.unexplained(LIMIT, LIMIT, now), []);
        let found = tracker.standstills(LIMIT, now);
        let standstill = &found[0];
        assert_eq!(
            (standstill.partition, standstill.offset, standstill.end),
            (P, at, NextOffset(12))
        );
        assert_eq!(
            (standstill.seconds, standstill.cause),
            (31, Cause::NoLeader)
        );
        assert_eq!(tracker.waits(now), [(P, Duration::from_secs(31))]);
        // After one record is stored, the next has waited for less.
        tracker.see(P, NextOffset(11), NextOffset(12), after(began, 3635));
        let now = after(began, 3640);
        assert_eq!(tracker.standstills(LIMIT, now), []);
        assert_eq!(tracker.waits(now), [(P, Duration::from_secs(9))]);
    }

    #[test]
    fn the_operation_of_a_waiting_writer_is_the_cause() {
        let began = Instant::now();
        let mut tracker = Tracker::default();
        tracker.see(P, NextOffset(0), NextOffset(5), began);
        tracker.begins(P, Cause::ClickHouse, "insert facts", after(began, 1));
        let now = after(began, 31);
        assert_eq!(tracker.unexplained(LIMIT, LIMIT, now), []);
        let detail = |tracker: &Tracker| tracker.standstills(LIMIT, now)[0].detail.clone();
        assert!(detail(&tracker).contains("ClickHouse for 30 s: insert facts: no answer"));
        tracker.fails(P, "refused".into());
        tracker.begins(P, Cause::ClickHouse, "insert facts", after(began, 20));
        assert!(detail(&tracker).contains("ClickHouse for 30 s: insert facts: refused"));
        tracker.is_written(P);
        assert_eq!(tracker.unexplained(LIMIT, LIMIT, now).len(), 1);
    }

    #[test]
    fn a_partition_names_the_block_of_another_that_holds_up_reading() {
        let began = Instant::now();
        let mut tracker = Tracker::default();
        for partition in [P, Partition(4)] {
            tracker.see(partition, NextOffset(0), NextOffset(5), began);
        }
        tracker.begins(P, Cause::ClickHouse, "insert facts", after(began, 1));
        let now = after(began, 31);
        let record = Sight::Record {
            offset: affluenza_kafka::Offset(0),
            written_ms: None,
        };
        tracker.sighted(Partition(4), record, now);
        let found = tracker.standstills(LIMIT, now);
        assert_eq!(found[1].cause, Cause::ClickHouse);
        let detail = &found[1].detail;
        assert!(
            detail.contains("a block of partition 3: waiting for ClickHouse"),
            "{detail}"
        );
    }

    #[test]
    fn markers_at_the_end_are_no_standstill_and_silence_of_kafka_is_one() {
        let began = Instant::now();
        let mut tracker = Tracker::default();
        tracker.see(P, NextOffset(4), NextOffset(5), began);
        let now = after(began, 40);
        tracker.sighted(P, Sight::End, now);
        assert_eq!(tracker.standstills(LIMIT, now), []);
        tracker.hears(after(began, 50));
        tracker.hears_nothing("no answer".into(), after(began, 85));
        let found = tracker.standstills(LIMIT, after(began, 85));
        assert_eq!((found[0].cause, found[0].seconds), (Cause::Kafka, 35));
    }

    #[test]
    fn ends_are_bounded() {
        let began = Instant::now();
        let mut tracker = Tracker::default();
        for second in 0..10_000 {
            let end = NextOffset(1 + second as i64);
            tracker.see(P, NextOffset(0), end, after(began, second));
        }
        assert!(tracker.partitions[&P].ends.len() <= ENDS_MAX);
        let waits = tracker.waits(after(began, 10_000));
        assert_eq!(waits, [(P, Duration::from_secs(10_000))]);
    }
}
