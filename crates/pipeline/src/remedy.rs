//! Commands that resolve the findings of an audit, and the days that findings may concern.

use std::ops::Range;

use affluenza_store::accounts::{BlockDifference, LedgerGap, StrayFacts, UnexplainedOffsets};

use crate::accounts::partition_of;
use crate::audit::{Audit, Finding};

const REPAIR: &str = "affluenza audit --repair";
const LOG: &str = "affluenza accept log --reason TEXT (with all consumers stopped)";

impl Finding {
    /// Returns true if the finding may concern events of these local days, in days since 1970.
    /// Records that were never read may belong to any day.
    pub fn can_concern(&self, days: &Range<u16>) -> bool {
        let (first, last) = match self {
            Self::FactsMissing(block) | Self::FactsTooMany(block) => {
                (block.first_day, block.last_day)
            }
            Self::FactsOutsideLedger(facts) => (facts.first_day, facts.last_day),
            Self::ErasureOpen {
                first_day,
                last_day,
                ..
            } => (*first_day, *last_day),
            // Other findings by day were already limited to the audited period.
            _ => return true,
        };
        first < days.end && last >= days.start
    }

    /// Returns the command that resolves the finding.
    pub fn remedy(&self, audit: &Audit) -> String {
        match self {
            Self::LedgerGap(_) | Self::CommittedBeyondLedger { .. } => {
                let gap = self.gap(&audit.stream);
                gap.map_or(REPAIR.to_owned(), |gap| of_gap(&gap, audit))
            }
            Self::LedgerOverlap(gap) => of_gap(
                &LedgerGap {
                    ends_at: gap.begins_at,
                    begins_at: gap.ends_at,
                    ..gap.clone()
                },
                audit,
            ),
            Self::FactsMissing(block) | Self::FactsTooMany(block) => of_block(block, audit),
            Self::FactsOutsideLedger(facts) => of_facts(facts, audit),
            Self::PlaceBehindLedger { partition, .. } | Self::OffsetForgotten { partition, .. } => {
                format!(
                    "affluenza accept place --partition {partition} --reason TEXT (with all consumers stopped)"
                )
            }
            Self::DeletedUnread {
                partition,
                committed_offset,
                log_first_offset,
            } => loss(*partition, *committed_offset, *log_first_offset),
            Self::LogShorter { .. } | Self::LogDiffers { .. } => LOG.to_owned(),
            Self::FatesDoNotAddUp { .. } => {
                "affluenza restore, from a backup in which they add up".to_owned()
            }
            Self::OffsetsWithoutRecord(block) => {
                format!("{REPAIR}; if it stays, {}", of_unexplained(block, audit))
            }
            Self::UnreadRecords(unread) => match unread.cause {
                "no-owner" => "affluenza consume".to_owned(),
                "unreadable" => format!(
                    "affluenza accept loss --partition {} --from {} --to OFFSET --reason TEXT (with all consumers stopped, OFFSET one past the damaged batch)",
                    unread.partition, unread.offset
                ),
                _ => "affluenza consume, when its log and its /status name no cause any more"
                    .to_owned(),
            },
            Self::SchemaDiffers(_) | Self::TopicMissing { .. } => "affluenza migrate".to_owned(),
            Self::EventStoredTwice(_)
            | Self::AggregateDiffers(_)
            | Self::HoursDiffer(_)
            | Self::DayDiffers(_)
            | Self::MonthInDoubt(_)
            | Self::ErasureOpen { .. } => REPAIR.to_owned(),
        }
    }
}

fn loss(partition: u32, from: impl std::fmt::Display, to: impl std::fmt::Display) -> String {
    format!("affluenza accept loss --partition {partition} --from {from} --to {to} --reason TEXT")
}

/// True if the present log holds all of these records.
fn is_held(stream: &str, partition: u32, offsets: &Range<u64>, audit: &Audit) -> bool {
    let one = partition_of(&audit.partitions, stream, partition);
    one.is_some_and(|one| {
        let first = one.log_first_offset.unwrap_or(i64::MAX);
        let next = one.log_next_offset.unwrap_or(0);
        stream == audit.stream
            && u64::try_from(first).is_ok_and(|first| first <= offsets.start)
            && u64::try_from(next).is_ok_and(|next| offsets.end <= next)
    })
}

fn of_gap(gap: &LedgerGap, audit: &Audit) -> String {
    let (partition, offsets) = (gap.kafka_partition, gap.ends_at..gap.begins_at);
    if is_held(&gap.stream, partition, &offsets, audit) {
        return REPAIR.to_owned();
    }
    let of = match gap.stream == audit.stream {
        true => String::new(),
        false => format!(" --stream {}", gap.stream),
    };
    // Records that the log still holds are not lost.
    let one = partition_of(&audit.partitions, &gap.stream, partition);
    let low = one.and_then(|one| u64::try_from(one.log_first_offset?).ok());
    let to = low.filter(|low| offsets.contains(low));
    loss(partition, offsets.start, to.unwrap_or(offsets.end)) + &of
}

fn of_unexplained(block: &UnexplainedOffsets, audit: &Audit) -> String {
    let (partition, offsets) = (block.kafka_partition, block.first_offset..block.next_offset);
    let of = match block.stream == audit.stream {
        true => String::new(),
        false => format!(" --stream {}", block.stream),
    };
    loss(partition, offsets.start, offsets.end) + &of
}

fn of_block(block: &BlockDifference, audit: &Audit) -> String {
    let offsets = block.first_offset..block.next_offset;
    if block.lost == 0 && is_held(&block.stream, block.kafka_partition, &offsets, audit) {
        return REPAIR.to_owned();
    }
    if block.facts > block.stored {
        return "affluenza restore, from a backup without them".to_owned();
    }
    let gap = LedgerGap {
        stream: block.stream.clone(),
        kafka_partition: block.kafka_partition,
        ends_at: offsets.start,
        begins_at: offsets.end,
    };
    format!(
        "affluenza restore, from a backup that has them, or {}",
        of_gap(&gap, audit)
    )
}

fn of_facts(facts: &StrayFacts, audit: &Audit) -> String {
    let (partition, first, next) = (
        facts.kafka_partition,
        facts.first_offset,
        facts.last_offset.saturating_add(1),
    );
    let one = partition_of(&audit.partitions, &facts.stream, partition);
    let is_gap = one.is_some_and(|one| facts.last_offset < one.ledger_next_offset);
    if is_gap && is_held(&facts.stream, partition, &(first..next), audit) {
        return REPAIR.to_owned();
    }
    let of = match facts.stream == audit.stream {
        true => String::new(),
        false => format!(" --stream {}", facts.stream),
    };
    format!(
        "affluenza accept facts --partition {partition} --from {first} --to {next}{of} --reason TEXT, unless a block is in flight: `affluenza consume` finishes it"
    )
}
