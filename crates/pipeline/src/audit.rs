//! Read-only check that the log, the group's offsets, the ledger, the facts and the aggregates
//! agree. [`crate::reconcile`] repairs the differences.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use affluenza_kafka::{
    BusError, Cluster, Committed, Config as BusConfig, NextOffset, OpenTransaction,
    OpenTransactions, Partition, Watermarks,
};
use affluenza_store::accept::Acceptance;
use affluenza_store::accounts::{CheckScope, StrayFacts};
use affluenza_store::copies::Suspects;
use affluenza_store::place::LedgerEnd;
use affluenza_store::producers::{ProducerGap, ReportedDrops};
use affluenza_store::{Admin, Settled, Store, StoreError};
use serde::Serialize;

pub use crate::accounts::PartitionAudit;
use crate::accounts::{
    block_findings, gap_findings, offset_findings, partition_findings, partition_of, partitions,
};
use crate::copies::precedence;
use crate::erase::open_erasures;
pub use crate::finding::Finding;
use crate::offset_metadata::OffsetMetadata;
use crate::place::{check_log, signed};
use crate::reconcile::lasting_differences;
use crate::settle::Consumers;
pub use crate::unread::UnreadRecords;
use crate::unread::unread;
use crate::{PipelineError, stream};

/// Range of an audit. Partitions and blocks are always checked completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPeriod {
    /// Months to compare with the facts, as `YYYYMM`, both ends included.
    pub months: std::ops::RangeInclusive<u32>,
    /// Local days to compare, in days since 1970.
    pub days: Range<u16>,
    /// Minutes to wait for late events before a missing producer sequence number counts as lost.
    pub on_their_way_minutes: u32,
    /// Age, in seconds, from which an unread record is a finding.
    pub unread_seconds_max: u64,
}

/// Maximum age of facts without a ledger row, in seconds: an insert and its retries.
const IN_FLIGHT_SECONDS_MAX: u64 = 300;

/// Default for `on_their_way_minutes`: portals retry what they could not send.
pub const ON_THEIR_WAY_MINUTES: u32 = 10;
/// Default for `unread_seconds_max`, equal to the default of `consume.stuck_seconds`.
pub const UNREAD_SECONDS_MAX: u64 = 180;

impl AuditPeriod {
    /// Range without limits.
    pub const ALL: Self = Self {
        months: 0..=u32::MAX,
        days: 0..u16::MAX,
        on_their_way_minutes: ON_THEIR_WAY_MINUTES,
        unread_seconds_max: UNREAD_SECONDS_MAX,
    };
}

/// Result of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// True if there is no finding.
    pub balanced: bool,
    /// Stream of the present log.
    pub stream: String,
    /// Accounts of each partition.
    pub partitions: Vec<PartitionAudit>,
    /// Number of months of the aggregate that were compared with the facts.
    pub months_compared: usize,
    /// First month, as `YYYYMM`, that can be compared with the facts. `None` if facts never expire.
    pub compared_from: Option<u32>,
    /// Inconsistencies; empty when balanced.
    pub findings: Vec<Finding>,
    /// Open transactions of producers. They are no fault, but the records behind them cannot be
    /// read before they end.
    pub open_transactions: Vec<OpenTransaction>,
    /// Losses and changes of position that an operator accepted.
    pub accepted: Vec<Acceptance>,
    /// Events that never reached the log, detected by the sequence numbers of their producers. They
    /// are no fault of the accounts, which begin with the log.
    pub producer_gaps: Vec<ProducerGap>,
    /// Events that portals reported as dropped.
    pub reported_drops: Vec<ReportedDrops>,
}

impl Audit {
    /// Returns the number of records that the group has not read yet.
    pub fn lag(&self) -> i64 {
        let lags = self.partitions.iter().filter_map(|partition| {
            let high = partition.log_next_offset?;
            let at = partition.committed_offset.or(partition.log_first_offset)?;
            Some((high - at).max(0))
        });
        lags.sum()
    }
}

/// Runs all checks and returns the accounts with their findings.
pub async fn audit(
    store: &Store,
    bus: &BusConfig,
    period: &AuditPeriod,
) -> Result<Audit, PipelineError> {
    let mut findings = schema_findings(store.admin(), bus).await?;
    let stream = stream::present(store.ledger(), bus).await?;
    let facts = store.facts().counts().await?;
    let partitions = partitions(store, bus, &stream, &facts).await?;
    findings.extend(partition_findings(&partitions, &stream));
    let max = Duration::from_secs(period.unread_seconds_max);
    let waiting = tokio::task::block_in_place(|| unread(bus, &partitions, max))?;
    findings.extend(waiting.into_iter().map(Finding::UnreadRecords));
    findings.extend(offset_findings(store).await?);
    findings.extend(gap_findings(store).await?);
    findings.extend(block_findings(store, CheckScope::All).await?);
    let stray = store.facts().strays().await?;
    // Kafka is queried after the facts: a record is in the log before it is a fact.
    let places = place_findings(store, bus, &stream).await?;
    findings.extend(places.findings);
    let outside = stray.into_iter().filter(|facts| {
        let end = places.held.get(&facts.kafka_partition);
        let is_in_log = end.is_some_and(|end| signed(facts.last_offset) < *end);
        !(is_in_log && facts.stream == stream && is_in_flight(facts, &partitions))
    });
    findings.extend(outside.map(Finding::FactsOutsideLedger));
    let mut months = store.facts().months(CheckScope::All).await?;
    months.retain(|month| period.months.contains(month));
    let suspects = match *period == AuditPeriod::ALL {
        true => Suspects::All,
        false => Suspects::Months(period.months.clone()),
    };
    let copies = store
        .facts()
        .copies(&suspects, &precedence(bus, &stream)?)
        .await?;
    findings.extend(copies.into_iter().map(Finding::EventStoredTwice));
    for (_, differences) in lasting_differences(store, &stream, &months, Consumers::Running).await?
    {
        findings.extend(differences.into_iter().map(Finding::AggregateDiffers));
    }
    let doubtful = store.ledger().months_in_doubt().await?.into_iter();
    findings.extend(
        doubtful
            .filter(|doubt| period.months.contains(&doubt.month))
            .map(Finding::MonthInDoubt),
    );
    for month in &months {
        let hours = store.usage().hours_differences(*month).await?;
        findings.extend(hours.into_iter().map(Finding::HoursDiffer));
    }
    let settled = Settled {
        stream: stream.clone(),
        ends: partitions
            .iter()
            .filter(|partition| partition.stream == stream)
            .map(|partition| (partition.partition, partition.ledger_next_offset))
            .collect(),
    };
    let days = store
        .ledger()
        .day_differences(period.days.clone(), &settled)
        .await?;
    findings.extend(days.into_iter().map(Finding::DayDiffers));
    let open = open_erasures(store, bus, &stream).await?.into_iter();
    findings.extend(open.flatten().map(|erasure| Finding::ErasureOpen {
        id: erasure.id,
        ente: erasure.ente,
        first_day: erasure.first_day,
        last_day: erasure.last_day,
    }));
    Ok(Audit {
        balanced: findings.is_empty(),
        stream,
        partitions,
        months_compared: months.len(),
        compared_from: Some(store.facts().boundary().await?.month).filter(|month| *month > 0),
        findings,
        open_transactions: open_transactions(bus)?,
        accepted: store.ledger().acceptances().await?,
        producer_gaps: store
            .ledger()
            .producer_gaps(period.on_their_way_minutes)
            .await?,
        reported_drops: store.ledger().reported_drops().await?,
    })
}

fn open_transactions(bus: &BusConfig) -> Result<Vec<OpenTransaction>, PipelineError> {
    tokio::task::block_in_place(|| {
        let cluster = Cluster::new(bus)?;
        let partitions = cluster.replicas(&bus.topic)?.into_iter();
        let partitions: Vec<Partition> = partitions.map(|(partition, _)| partition).collect();
        Ok(OpenTransactions::new(bus)?.of(&cluster, &partitions)?)
    })
}

/// True for facts of a block that is being written: they are stored before its ledger row.
fn is_in_flight(facts: &StrayFacts, partitions: &[PartitionAudit]) -> bool {
    let partition = partition_of(partitions, &facts.stream, facts.kafka_partition);
    facts.age_seconds <= IN_FLIGHT_SECONDS_MAX
        && partition.is_some_and(|partition| {
            facts.first_offset >= partition.ledger_next_offset
                && partition
                    .committed_offset
                    .is_some_and(|at| at.unsigned_abs() <= partition.ledger_next_offset)
        })
}

/// Checks topics and views. A missing or altered table is an error, as the other checks need all
/// tables.
async fn schema_findings(admin: &Admin, bus: &BusConfig) -> Result<Vec<Finding>, PipelineError> {
    let faults = admin.schema_faults().await?;
    let (views, tables): (Vec<_>, Vec<_>) = faults.into_iter().partition(|fault| fault.is_view);
    if !tables.is_empty() {
        let faults = tables.iter().map(ToString::to_string).collect();
        return Err(StoreError::Schema { faults }.into());
    }
    let mut findings: Vec<Finding> = views.into_iter().map(Finding::SchemaDiffers).collect();
    let checked =
        tokio::task::block_in_place(|| Cluster::new(bus)?.check_topics(&[&bus.dead_letter_topic]));
    match checked {
        Err(BusError::NoTopic { topic }) => findings.push(Finding::TopicMissing { topic }),
        other => other?,
    }
    Ok(findings)
}

/// Findings about positions, and the ends of the log's partitions.
struct PositionFindings {
    findings: Vec<Finding>,
    held: BTreeMap<u32, NextOffset>,
}

/// Compares the group's offsets and the log with the end of the ledger.
async fn place_findings(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
) -> Result<PositionFindings, PipelineError> {
    // Read the ledger first: the group only advances, and the log only grows.
    let ledger = store.ledger().end_rows(stream).await?;
    let (held, committed) = tokio::task::block_in_place(|| {
        let cluster = Cluster::new(bus)?;
        let committed = cluster.committed(bus)?;
        Ok::<_, PipelineError>((cluster.watermarks(&bus.topic)?, committed))
    })?;
    let mut findings: Vec<Finding> = check_log(store.ledger(), bus, stream)
        .await?
        .iter()
        .filter_map(of_log)
        .collect();
    for (committed, (_, held)) in committed.iter().zip(&held) {
        let end = ledger.get(&committed.partition.0.unsigned_abs());
        findings.extend(of_place(committed, *held, end, stream));
    }
    let held = held.into_iter();
    Ok(PositionFindings {
        findings,
        held: held
            .map(|(partition, held)| (partition.0.unsigned_abs(), held.high))
            .collect(),
    })
}

fn of_log(differs: &PipelineError) -> Option<Finding> {
    Some(match differs {
        PipelineError::LogShorter {
            partition,
            ledger_end,
            high,
        } => Finding::LogShorter {
            partition: partition.0.unsigned_abs(),
            log_next_offset: *high,
            ledger_next_offset: *ledger_end,
        },
        PipelineError::LogDiffers {
            partition,
            first,
            end,
        } => Finding::LogDiffers {
            partition: partition.0.unsigned_abs(),
            first_offset: *first,
            next_offset: *end,
        },
        _ => return None,
    })
}

fn of_place(
    committed: &Committed,
    held: Watermarks,
    ledger: Option<&LedgerEnd>,
    stream: &str,
) -> Option<Finding> {
    let partition = committed.partition.0.unsigned_abs();
    let ledger_next_offset = ledger.map(|end| signed(end.next_offset).0);
    let Some(next) = committed.next else {
        return Some(Finding::OffsetForgotten {
            partition,
            ledger_next_offset: ledger_next_offset?,
        });
    };
    let mark = OffsetMetadata::parse(&committed.metadata).filter(|mark| mark.stream == stream);
    let begun = mark.and_then(|mark| mark.intent).map(|intent| intent.end.0);
    if next < held.low {
        return Some(Finding::DeletedUnread {
            partition,
            committed_offset: next.0,
            log_first_offset: held.low.0,
        });
    }
    let ledger_next_offset = ledger_next_offset?;
    // The block of an intent may be in the ledger already.
    let is_behind = next.0.max(begun.unwrap_or(i64::MIN)) < ledger_next_offset;
    is_behind.then_some(Finding::PlaceBehindLedger {
        partition,
        committed_offset: next.0,
        ledger_next_offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_fits_at_the_ledgers_end_and_within_a_block_that_was_begun() {
        let end = LedgerEnd {
            next_offset: 20,
            ..LedgerEnd::default()
        };
        let held = Watermarks {
            low: NextOffset(5),
            high: NextOffset(30),
        };
        let place = |next: Option<i64>, metadata: &str| {
            let committed = Committed {
                partition: affluenza_kafka::Partition(0),
                next: next.map(NextOffset),
                metadata: metadata.to_owned(),
            };
            of_place(&committed, held, Some(&end), "c/t")
        };
        let begun = "affluenza/1 stream=c/t end=20 records=1 sum=0000000000000001 rules=r at=1";
        assert_eq!(place(Some(20), ""), None);
        assert_eq!(place(Some(25), ""), None);
        assert_eq!(place(Some(10), begun), None);
        assert!(matches!(
            place(Some(10), ""),
            Some(Finding::PlaceBehindLedger { .. })
        ));
        assert!(matches!(
            place(None, ""),
            Some(Finding::OffsetForgotten { .. })
        ));
        assert!(matches!(
            place(Some(4), ""),
            Some(Finding::DeletedUnread { .. })
        ));
    }
}
