//! Accounts of the log's partitions and their blocks, and the findings that follow from them.

use affluenza_kafka::{Cluster, Config as BusConfig};
use affluenza_store::Store;
use affluenza_store::accounts::{CheckScope, FactCount, LedgerGap, PartitionAccount};
use serde::Serialize;

use crate::PipelineError;
use crate::finding::Finding;

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

/// Returns the accounts of a partition of a log.
pub(crate) fn partition_of<'a>(
    partitions: &'a [PartitionAudit],
    stream: &str,
    number: u32,
) -> Option<&'a PartitionAudit> {
    let mut partitions = partitions.iter();
    partitions.find(|one| one.stream == stream && one.partition == number)
}

/// Returns the accounts of every partition, of the present log `stream` and of former logs, with the
/// numbers of `facts`.
pub(crate) async fn partitions(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
    facts: &[FactCount],
) -> Result<Vec<PartitionAudit>, PipelineError> {
    // Read the group's offsets before the ledger: it then has every block before them.
    let (held, committed) = tokio::task::block_in_place(|| {
        let cluster = Cluster::new(bus)?;
        let committed = cluster.committed(bus)?;
        Ok::<_, PipelineError>((cluster.watermarks(&bus.topic)?, committed))
    })?;
    let accounts = store.ledger().partition_accounts().await?;
    let mut partitions: Vec<PartitionAudit> = accounts
        .iter()
        .map(|account| of_account(account, facts))
        .collect();
    for (partition, held) in &held {
        let number = partition.0.unsigned_abs();
        let at = partitions
            .iter()
            .position(|p| p.stream == stream && p.partition == number);
        let at = at.unwrap_or_else(|| {
            let untouched = PartitionAccount {
                stream: stream.to_owned(),
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
            partitions.push(of_account(&untouched, facts));
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
    Ok(partitions)
}

/// Returns the findings about the accounts, and about the ends of the ledger.
pub(crate) fn partition_findings(partitions: &[PartitionAudit], stream: &str) -> Vec<Finding> {
    let partitions = partitions.iter();
    partitions
        .flat_map(|partition| of_partition(partition, partition.stream == stream))
        .collect()
}

/// Returns the gaps and overlaps between the blocks of the ledger.
pub(crate) async fn gap_findings(store: &Store) -> Result<Vec<Finding>, PipelineError> {
    let gaps = store.ledger().gaps().await?.into_iter();
    let findings = gaps.map(|gap| match gap.begins_at > gap.ends_at {
        true => Finding::LedgerGap(gap),
        false => Finding::LedgerOverlap(gap),
    });
    Ok(findings.collect())
}

/// Returns the findings about offsets without a record.
pub(crate) async fn offset_findings(store: &Store) -> Result<Vec<Finding>, PipelineError> {
    let unexplained = store.ledger().unexplained_offsets().await?.into_iter();
    Ok(unexplained.map(Finding::OffsetsWithoutRecord).collect())
}

/// Returns the findings about the facts of blocks written within `scope`.
pub(crate) async fn block_findings(
    store: &Store,
    scope: CheckScope,
) -> Result<Vec<Finding>, PipelineError> {
    let blocks = store.ledger().block_differences(scope).await?.into_iter();
    let findings = blocks
        .map(
            |block| match block.facts < block.stored && block.facts == block.offsets {
                true => Finding::FactsMissing(block),
                false => Finding::FactsTooMany(block),
            },
        )
        .collect();
    Ok(findings)
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
    fn records_before_the_ledger_are_a_gap_of_the_present_log() {
        let late = PartitionAudit {
            ledger_first_offset: 3,
            ..partition()
        };
        let found = of_partition(&late, true);
        let gap = found[0].gap("c/t").expect("it is a gap");
        assert_eq!((gap.ends_at, gap.begins_at), (0, 3));
        assert_eq!(of_partition(&late, false), []);
        // A partition that was never read ends where it begins.
        let untouched = PartitionAudit {
            committed_offset: Some(9),
            ledger_next_offset: 0,
            records_read: 0,
            stored: 0,
            duplicate: 0,
            rejected: 0,
            quarantined: 0,
            ..partition()
        };
        let found = of_partition(&untouched, true);
        let gap = found[0].gap("c/t").expect("it is a gap");
        assert_eq!((gap.ends_at, gap.begins_at, found.len()), (0, 9, 1));
        assert_eq!(gap.stream, "c/t");
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
}
