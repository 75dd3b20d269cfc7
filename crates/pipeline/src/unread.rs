//! Records that have been unread for longer than the limit, with the cause.

use std::time::Duration;

use affluenza_kafka::{
    BusError, Cluster, Config as BusConfig, Group, NextOffset, Partition, Sight,
};
use serde::Serialize;

use crate::accounts::PartitionAudit;
use crate::{Cause, clock};

/// Unread records of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadRecords {
    /// Partition of the present log.
    pub partition: u32,
    /// Offset of the first unread record.
    pub offset: i64,
    /// End of the log, as the next offset.
    pub log_next_offset: i64,
    /// Seconds since the first unread record was written. `None` if the log has no time, or the
    /// record cannot be read.
    pub waiting_seconds: Option<u64>,
    /// `no-owner`, `behind`, or the obstacle as in `affluenza_consume_standstill_seconds`.
    pub cause: &'static str,
    /// Description of the cause.
    pub detail: String,
}

/// Returns the next offset and the end of a partition with unread records.
fn place(partition: &PartitionAudit) -> Option<(NextOffset, i64)> {
    let (low, high) = (partition.log_first_offset?, partition.log_next_offset?);
    let at = partition.committed_offset.map_or(low, |at| at.max(low));
    (at < high).then_some((NextOffset(at), high))
}

/// Finds unread records older than `max`, and partitions with an obstacle. Blocks on queries to
/// Kafka.
pub(crate) fn unread(
    bus: &BusConfig,
    partitions: &[PartitionAudit],
    max: Duration,
) -> Result<Vec<UnreadRecords>, BusError> {
    let behind = partitions.iter().filter_map(|one| Some((one, place(one)?)));
    let behind: Vec<_> = behind.collect();
    if behind.is_empty() {
        return Ok(Vec::new());
    }
    let group = Cluster::new(bus)?.group(bus)?;
    let mut found = Vec::new();
    for (partition, (at, end)) in behind {
        let number = Partition(i32::try_from(partition.partition).unwrap_or(i32::MAX));
        let sight = Sight::at(bus, &bus.topic, number, at)?;
        let waited = match &sight {
            Sight::End => continue,
            Sight::Record { written_ms, .. } => written_ms.map(age),
            Sight::Blocked(_) => None,
        };
        if waited.is_some_and(|waited| waited <= max) {
            continue;
        }
        let (cause, detail) = why(&sight, &group, number, &bus.group);
        found.push(UnreadRecords {
            partition: partition.partition,
            offset: at.0,
            log_next_offset: end,
            waiting_seconds: waited.map(|waited| waited.as_secs()),
            cause,
            detail,
        });
    }
    Ok(found)
}

fn age(written_ms: i64) -> Duration {
    let age_ms = clock::millis().saturating_sub(written_ms);
    Duration::from_millis(age_ms.max(0).unsigned_abs())
}

fn why(sight: &Sight, group: &Group, partition: Partition, name: &str) -> (&'static str, String) {
    if let Sight::Blocked(obstacle) = sight {
        return (Cause::of(obstacle).into(), obstacle.to_string());
    }
    match (group.owner(partition), group.members.len()) {
        (Some(member), _) => (
            "behind",
            format!(
                "{} owns the partition but has not reached the record yet: see its /status and its log",
                member.client
            ),
        ),
        (None, 0) => (
            "no-owner",
            format!("no consumer of the group {name} runs: start `affluenza consume`"),
        ),
        (None, members) => (
            "no-owner",
            format!(
                "the group {name} has {members} member(s), which share partitions by {:?}, and none of them owns this one: stop members that are not `affluenza consume`, and see the consumers' /status",
                group.assignor
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use affluenza_kafka::{Member, Obstacle};

    use super::*;

    #[test]
    fn the_cause_is_the_obstacle_or_the_owner() {
        let record = Sight::Record {
            offset: affluenza_kafka::Offset(5),
            written_ms: Some(1),
        };
        let mut group = Group::default();
        let cause = |sight: &Sight, group: &Group| why(sight, group, Partition(1), "g").0;
        assert_eq!(cause(&record, &group), "no-owner");
        group.members.push(Member {
            client: "x at /127.0.0.1".into(),
            partitions: vec![Partition(0)],
        });
        assert_eq!(cause(&record, &group), "no-owner");
        group.members[0].partitions.push(Partition(1));
        assert_eq!(cause(&record, &group), "behind");
        let blocked = Sight::Blocked(Obstacle::Unreadable("damaged".into()));
        assert_eq!(cause(&blocked, &group), "unreadable");
    }
}
