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
use affluenza_store::accounts::{
    BlockDifference, CheckScope, DayDifference, FactCount, LedgerGap, PartitionAccount, StrayFacts,
    UnexplainedOffsets,
};
use affluenza_store::copies::{Copy, Suspects};
use affluenza_store::doubts::DoubtfulMonth;
use affluenza_store::hour_rows::AggregateDifference;
use affluenza_store::hours::HoursDifference;
use affluenza_store::place::LedgerEnd;
use affluenza_store::producers::{ProducerGap, ReportedDrops};
use affluenza_store::rebuild::Settled;
use affluenza_store::{Admin, SchemaFault, Store, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use crate::copies::precedence;
use crate::erase::open_erasures;
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

/// Accounts of one partition of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionAudit {
    /// Stream of the partition. A stream other than the present one is history.
    pub stream: String,
    /// Partition number in that stream.
    pub partition: u32,
    /// First offset in the log. `None` for a former log.
    pub log_first_offset: Option<i64>,
    /// End of the readable log: the high watermark, or the first record of an open transaction.
    pub log_next_offset: Option<i64>,
    /// Committed offset of the group.
    pub committed_offset: Option<i64>,
    /// First offset in the ledger.
    pub ledger_first_offset: u64,
    /// One past the last offset in the ledger.
    pub ledger_next_offset: u64,
    /// Number of blocks in the ledger.
    pub blocks: u64,
    /// Records read: stored + duplicate + rejected + quarantined + reports + erased.
    pub records_read: u64,
    /// Records stored as facts.
    pub stored: u64,
    /// Records of events that were stored before.
    pub duplicate: u64,
    /// Records that can never become events.
    pub rejected: u64,
    /// Records set aside for review by the operator.
    pub quarantined: u64,
    /// Client reports.
    pub reports: u64,
    /// Records whose events were erased by order.
    pub erased: u64,
    /// Offsets without a record of a producer: transaction markers, aborted records, compaction.
    pub control: u64,
    /// Offsets whose records were accepted as lost.
    pub lost: u64,
    /// Facts found in the database.
    pub facts: u64,
}

/// Inconsistency found by an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Finding {
    /// The sum of a partition's fates differs from the number of records read.
    #[error("partition {partition}: {records_read} records were read, but {fates} have a fate")]
    FatesDoNotAddUp {
        /// Partition number.
        partition: u32,
        /// Records read.
        records_read: u64,
        /// Sum of the fates.
        fates: u64,
    },
    /// Records have been unread for longer than the limit.
    #[error("partition {}, offsets {} to {}: records wait and are not read{}: {}", .0.partition, .0.offset, .0.log_next_offset, waiting(.0), .0.detail)]
    UnreadRecords(UnreadRecords),
    /// A view is missing or altered.
    #[error("{0}")]
    SchemaDiffers(SchemaFault),
    /// A topic is missing.
    #[error(
        "topic {topic} does not exist, so the next bad record stops its partition: create it, or run `affluenza migrate`"
    )]
    TopicMissing {
        /// Name of the topic.
        topic: String,
    },
    /// The ledger has no block for a range of offsets.
    #[error("partition {}: the ledger has no block for offsets {} to {}", .0.kafka_partition, .0.ends_at, .0.begins_at)]
    LedgerGap(LedgerGap),
    /// Two blocks of the ledger share offsets.
    #[error("partition {}: two blocks of the ledger share offsets {} to {}", .0.kafka_partition, .0.begins_at, .0.ends_at)]
    LedgerOverlap(LedgerGap),
    /// The group's offset lies beyond the end of the ledger.
    #[error(
        "partition {partition}: the group reads on at {committed_offset}, but the ledger ends at {ledger_next_offset}"
    )]
    CommittedBeyondLedger {
        /// Partition number.
        partition: u32,
        /// Committed offset of the group.
        committed_offset: i64,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// A block has offsets without a record, and the log does not explain them.
    #[error("partition {}, offsets {} to {}: {} offsets held no record, and there is no evidence that they are transaction markers, aborted records or compaction", .0.kafka_partition, .0.first_offset, .0.next_offset, .0.offsets())]
    OffsetsWithoutRecord(UnexplainedOffsets),
    /// The group's offset lies before the end of the ledger, and no block is being written.
    #[error(
        "partition {partition}: the group stands at {committed_offset}, but the ledger reaches to {ledger_next_offset}: reading on would count records twice"
    )]
    PlaceBehindLedger {
        /// Partition number.
        partition: u32,
        /// Committed offset of the group.
        committed_offset: i64,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// The group has no offset, although the ledger has rows.
    #[error(
        "partition {partition}: the group has no offset, but the ledger reaches to {ledger_next_offset}"
    )]
    OffsetForgotten {
        /// Partition number.
        partition: u32,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// Records were deleted before the group read them.
    #[error(
        "partition {partition}: the next record to read is {committed_offset}, but the log begins at {log_first_offset}"
    )]
    DeletedUnread {
        /// Partition number.
        partition: u32,
        /// Committed offset of the group.
        committed_offset: i64,
        /// First offset of the log.
        log_first_offset: i64,
    },
    /// The log ends before the ledger does.
    #[error(
        "partition {partition}: the ledger reaches to {ledger_next_offset}, but the log ends at {log_next_offset}: it was truncated or restored to an older copy"
    )]
    LogShorter {
        /// Partition number.
        partition: u32,
        /// End of the log, as the next offset.
        log_next_offset: i64,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// The log holds other records than the last block of the ledger.
    #[error(
        "partition {partition}: the log holds other records at offsets {first_offset} to {next_offset} than were read: it was restored to an older copy"
    )]
    LogDiffers {
        /// Partition number.
        partition: u32,
        /// First offset of the block.
        first_offset: u64,
        /// One past the last offset of the block.
        next_offset: u64,
    },
    /// A block has fewer facts than its ledger row counts.
    #[error("partition {}, offsets {} to {}: {} of {} facts are missing", .0.kafka_partition, .0.first_offset, .0.next_offset, .0.stored - .0.facts, .0.stored)]
    FactsMissing(BlockDifference),
    /// A block has more facts than its ledger row counts, or two facts of one offset.
    #[error("partition {}, offsets {} to {}: {} facts of {} offsets instead of {}", .0.kafka_partition, .0.first_offset, .0.next_offset, .0.facts, .0.offsets, .0.stored)]
    FactsTooMany(BlockDifference),
    /// Facts that no block of the ledger covers.
    #[error("partition {}, offsets {} to {}: {} facts that no block of the ledger covers", .0.kafka_partition, .0.first_offset, .0.last_offset, .0.facts)]
    FactsOutsideLedger(StrayFacts),
    /// A fact that is a copy of another fact's event.
    #[error("partition {} offset {}, {}, day {}: the same event as partition {} offset {}", .0.kafka_partition, .0.kafka_offset, .0.ente, .0.day, .0.first_partition, .0.first_offset)]
    EventStoredTwice(Copy),
    /// An hour of the aggregate differs from the facts.
    #[error("hour {}, {}: the aggregate lacks {} events, {} accesses, {} service uses and {} users of the facts", hour(.0), .0.ente, .0.events_missing, .0.accesses_missing, .0.service_uses_missing, .0.users_missing)]
    AggregateDiffers(AggregateDifference),
    /// A month whose hour rows may be incomplete or doubled, until it is compared.
    #[error(
        "month {0}: its hour rows may lack events or have some twice; a consumer or `affluenza audit --repair` compares them with the facts"
    )]
    MonthInDoubt(DoubtfulMonth),
    /// Precomputed hours of a month that count as current differ from the aggregate.
    #[error("month {:.7}, {}: its precalculated hours have {} users, or other accesses or uses; the aggregate has {} users", .0.month, .0.ente, .0.users_kept, .0.users)]
    HoursDiffer(HoursDifference),
    /// The facts of an ente's day differ in number from the ledger.
    #[error("day {}, {}: {} events were stored according to the ledger, {} are facts", .0.day, .0.ente, .0.stored, .0.facts)]
    DayDiffers(DayDifference),
    /// An erasure is recorded outside the database, but not carried out in it, as after a restore.
    #[error(
        "{ente}: erasure {id} is noted but was not applied to this database: erased events may be back"
    )]
    ErasureOpen {
        /// Id of the erasure.
        id: String,
        /// Public body whose events are to be erased.
        ente: String,
        /// First local day of the order, in days since 1970.
        first_day: u16,
        /// Last local day of the order, inclusive.
        last_day: u16,
    },
}

/// Formats the waiting time of unread records.
fn waiting(unread: &UnreadRecords) -> String {
    let seconds = unread.waiting_seconds;
    seconds.map_or(String::new(), |seconds| {
        format!(", the first for {seconds} s")
    })
}

/// Formats the hour of a difference.
fn hour(cell: &AggregateDifference) -> String {
    Timestamp::from_second(i64::from(cell.hour_start))
        .map_or_else(|_| cell.hour_start.to_string(), |hour| hour.to_string())
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

/// Returns the accounts of a partition of a log.
pub(crate) fn partition_of<'a>(
    partitions: &'a [PartitionAudit],
    stream: &str,
    number: u32,
) -> Option<&'a PartitionAudit> {
    let mut partitions = partitions.iter();
    partitions.find(|one| one.stream == stream && one.partition == number)
}

/// Runs all checks and returns the accounts with their findings.
pub async fn audit(
    store: &Store,
    bus: &BusConfig,
    period: &AuditPeriod,
) -> Result<Audit, PipelineError> {
    let mut findings = schema_findings(store.admin(), bus).await?;
    let (stream, partitions) = partitions(store, bus).await?;
    findings.extend(
        partitions
            .iter()
            .flat_map(|partition| of_partition(partition, partition.stream == stream)),
    );
    let max = Duration::from_secs(period.unread_seconds_max);
    let waiting = tokio::task::block_in_place(|| unread(bus, &partitions, max))?;
    findings.extend(waiting.into_iter().map(Finding::UnreadRecords));
    let unexplained = store.ledger().unexplained_offsets().await?.into_iter();
    findings.extend(unexplained.map(Finding::OffsetsWithoutRecord));
    findings.extend(store.ledger().gaps().await?.into_iter().map(|gap| {
        if gap.begins_at > gap.ends_at {
            Finding::LedgerGap(gap)
        } else {
            Finding::LedgerOverlap(gap)
        }
    }));
    findings.extend(
        store
            .ledger()
            .block_differences(CheckScope::All)
            .await?
            .into_iter()
            .map(|block| {
                if block.facts < block.stored && block.facts == block.offsets {
                    Finding::FactsMissing(block)
                } else {
                    Finding::FactsTooMany(block)
                }
            }),
    );
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

async fn partitions(
    store: &Store,
    bus: &BusConfig,
) -> Result<(String, Vec<PartitionAudit>), PipelineError> {
    // Read the group's offsets first: what is committed is in the ledger by then.
    let stream = stream::present(store.ledger(), bus).await?;
    let (held, committed) = tokio::task::block_in_place(|| {
        let cluster = Cluster::new(bus)?;
        Ok::<_, PipelineError>((cluster.watermarks(&bus.topic)?, cluster.committed(bus)?))
    })?;
    let accounts = store.ledger().partition_accounts().await?;
    let facts = store.facts().counts().await?;
    let mut partitions: Vec<PartitionAudit> = accounts
        .iter()
        .map(|account| of_account(account, &facts))
        .collect();
    for (partition, held) in &held {
        let number = partition.0.unsigned_abs();
        let at = partitions
            .iter()
            .position(|p| p.stream == stream && p.partition == number);
        let at = at.unwrap_or_else(|| {
            let untouched = PartitionAccount {
                stream: stream.clone(),
                kafka_partition: number,
                first_offset: held.low.0.unsigned_abs(),
                next_offset: held.low.0.unsigned_abs(),
                blocks: 0,
                records_read: 0,
                stored: 0,
                duplicate: 0,
                rejected: 0,
                quarantined: 0,
                reports: 0,
                erased: 0,
                control: 0,
                lost: 0,
            };
            partitions.push(of_account(&untouched, &facts));
            partitions.len() - 1
        });
        let found = &mut partitions[at];
        found.log_first_offset = Some(held.low.0);
        found.log_next_offset = Some(held.high.0);
        let committed = committed
            .iter()
            .find(|committed| committed.partition == *partition);
        found.committed_offset = committed
            .and_then(|committed| committed.next)
            .map(|next| next.0);
    }
    Ok((stream, partitions))
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

fn of_account(account: &PartitionAccount, facts: &[FactCount]) -> PartitionAudit {
    let facts = facts.iter().find(|facts| {
        facts.stream == account.stream && facts.kafka_partition == account.kafka_partition
    });
    PartitionAudit {
        stream: account.stream.clone(),
        partition: account.kafka_partition,
        log_first_offset: None,
        log_next_offset: None,
        committed_offset: None,
        ledger_first_offset: account.first_offset,
        ledger_next_offset: account.next_offset,
        blocks: account.blocks,
        records_read: account.records_read,
        stored: account.stored,
        duplicate: account.duplicate,
        rejected: account.rejected,
        quarantined: account.quarantined,
        reports: account.reports,
        erased: account.erased,
        control: account.control,
        lost: account.lost,
        facts: facts.map_or(0, |facts| facts.facts),
    }
}

fn of_partition(partition: &PartitionAudit, is_present: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let fates = partition.stored
        + partition.duplicate
        + partition.rejected
        + partition.quarantined
        + partition.reports
        + partition.erased;
    if fates != partition.records_read {
        findings.push(Finding::FatesDoNotAddUp {
            partition: partition.partition,
            records_read: partition.records_read,
            fates,
        });
    }
    // A consumer begins with the first record of the log, so a later start of the ledger is a gap.
    let log_first = partition.log_first_offset.unwrap_or(i64::MAX);
    if is_present && u64::try_from(log_first).is_ok_and(|at| at < partition.ledger_first_offset) {
        findings.push(Finding::LedgerGap(LedgerGap {
            stream: partition.stream.clone(),
            kafka_partition: partition.partition,
            ends_at: log_first.unsigned_abs(),
            begins_at: partition.ledger_first_offset,
        }));
    }
    let ledger_end = i64::try_from(partition.ledger_next_offset).unwrap_or(i64::MAX);
    if let Some(committed) = partition.committed_offset
        && committed > ledger_end
    {
        findings.push(Finding::CommittedBeyondLedger {
            partition: partition.partition,
            committed_offset: committed,
            ledger_next_offset: ledger_end,
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> PartitionAudit {
        PartitionAudit {
            stream: "c/t".into(),
            partition: 0,
            log_first_offset: Some(0),
            log_next_offset: Some(12),
            committed_offset: Some(10),
            ledger_first_offset: 0,
            ledger_next_offset: 10,
            blocks: 1,
            records_read: 10,
            stored: 7,
            duplicate: 1,
            rejected: 1,
            quarantined: 1,
            reports: 0,
            erased: 0,
            control: 0,
            lost: 0,
            facts: 7,
        }
    }

    #[test]
    fn a_balanced_partition_has_no_finding() {
        assert_eq!(of_partition(&partition(), true), []);
    }

    #[test]
    fn each_imbalance_is_found() {
        let fates = PartitionAudit {
            stored: 6,
            ..partition()
        };
        assert!(matches!(
            of_partition(&fates, true)[..],
            [Finding::FatesDoNotAddUp { fates: 9, .. }]
        ));
        let ahead = PartitionAudit {
            committed_offset: Some(11),
            ..partition()
        };
        assert!(matches!(
            of_partition(&ahead, true)[..],
            [Finding::CommittedBeyondLedger { .. }]
        ));
    }

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
