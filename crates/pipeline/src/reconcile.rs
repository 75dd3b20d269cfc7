//! Restores ClickHouse from the log after a loss: a crash that kept an insert's token but lost its
//! part, a restored disk, a row deleted by hand.
//!
//! Facts are restored block by block: missing facts are read from the log again and inserted under
//! a token of the repair. Hour rows are corrected from the facts, hour by hour. Copies of an event
//! in two partitions are reduced to one fact. Reconciling is safe during ingestion: differences
//! caused by running inserts do not last, and [`crate::settle`] corrects hour rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use affluenza_kafka::{BusError, Config as BusConfig, Partition, Watermarks, scan_range};
use affluenza_store::accounts::{BlockDifference, CheckScope, LedgerGap, UnexplainedOffsets};
use affluenza_store::copies::Suspects;
use affluenza_store::hour_rows::AggregateDifference;
use affluenza_store::retention::Boundary;
use affluenza_store::{
    BlockOrigin, Fate, InsertToken, Ledger, LedgerRow, LogRange, Store, Times, Usage,
};

use crate::PipelineError;
use crate::accounts::{
    block_findings, gap_findings, offset_findings, partition_findings, partitions,
};
use crate::classify::Classifier;
use crate::copies::{precedence, remove_copies};
use crate::draft::Draft;
use crate::finding::Finding;
use crate::gaps::Gaps;
use crate::place::{check_log, signed};
use crate::recent::Recent;
use crate::settle::{COMPARING, Consumers, is_settled, settle};
use crate::write::months_of;

/// Pause between the first two comparisons of the aggregates: longer than an insert takes from its
/// facts to its hour rows.
const LOOK: Duration = Duration::from_secs(2);
/// Further comparisons of cells whose difference changes each time, and of cells of a month whose
/// block is being written.
const LOOKS_MORE: usize = 5;
const LOOKS_IN_FLIGHT: usize = 30;
/// Pause between further comparisons.
const PAUSE: Duration = Duration::from_millis(300);
/// Time without a merge after which the missing projections of a part are built explicitly.
const UNMERGED: Duration = Duration::from_secs(3600);

/// Offsets of a gap that are read as one block.
const GAP_OFFSETS: u64 = 50_000;
/// Maximum number of offsets of overlapping blocks that are read as one.
const OVERLAP_OFFSETS_MAX: u64 = 1_000_000;

/// Repairs of a reconciliation, and its failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Facts restored from the log.
    pub facts_restored: u64,
    /// Surplus facts of doubled offsets, removed before the restore.
    pub facts_doubled: u64,
    /// Facts removed as copies of an event, such as one from another partition.
    pub copies_removed: u64,
    /// Ledger rows written for missing ranges or with corrected fates.
    pub ledger_rows: u64,
    /// Cells of the aggregate corrected.
    pub cells_corrected: u64,
    /// Enti and months whose precomputed hours differed from the aggregate.
    pub hours_corrected: u64,
    /// Differences that could not be repaired, each with its place and cause.
    pub failures: Vec<String>,
}

impl Reconciled {
    /// True if nothing was repaired and nothing failed.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// Repairs missing or surplus data that was written within `scope`.
pub async fn reconcile(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
    classifier: &mut Classifier,
    scope: CheckScope,
) -> Result<Reconciled, PipelineError> {
    let work = Work::new(store, bus, stream, classifier, Consumers::Running).await?;
    work.reconcile(scope).await
}

/// Repairs missing or surplus data before the first consumer starts. Months with a block in flight
/// stay in doubt: the consumer compares them as soon as it has completed the block.
pub async fn reconcile_before_start(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
    classifier: &mut Classifier,
    scope: CheckScope,
) -> Result<Reconciled, PipelineError> {
    let work = Work::new(store, bus, stream, classifier, Consumers::NotStarted).await?;
    work.reconcile(scope).await
}

/// Splits a gap into parts that fit in memory. The parts end at multiples of [`GAP_OFFSETS`], so
/// that two processes filling the same gap use the same tokens.
pub(crate) fn parts(gap: &LedgerGap) -> Vec<LedgerGap> {
    debug_assert!(
        gap.ends_at <= gap.begins_at,
        "an overlap is replaced as a whole"
    );
    let mut parts = Vec::new();
    let mut from = gap.ends_at;
    while from < gap.begins_at {
        let to = ((from / GAP_OFFSETS + 1) * GAP_OFFSETS).min(gap.begins_at);
        parts.push(LedgerGap {
            ends_at: from,
            begins_at: to,
            ..gap.clone()
        });
        from = to;
    }
    parts
}

/// Connections and tools of a repair.
pub(crate) struct Work<'w> {
    pub(crate) store: &'w Store,
    pub(crate) bus: &'w BusConfig,
    pub(crate) stream: &'w str,
    pub(crate) gaps: Gaps,
    pub(crate) classifier: &'w mut Classifier,
    /// Start of the retention period: facts of earlier days are not restored.
    pub(crate) boundary: Boundary,
    pub(crate) consumers: Consumers,
}

impl<'w> Work<'w> {
    async fn new(
        store: &'w Store,
        bus: &'w BusConfig,
        stream: &'w str,
        classifier: &'w mut Classifier,
        consumers: Consumers,
    ) -> Result<Self, PipelineError> {
        let boundary = store.facts().boundary().await?;
        classifier.keep_from(boundary);
        Ok(Self {
            store,
            bus,
            stream,
            gaps: Gaps::new(bus),
            classifier,
            boundary,
            consumers,
        })
    }

    async fn reconcile(mut self, scope: CheckScope) -> Result<Reconciled, PipelineError> {
        let Self {
            store, bus, stream, ..
        } = self;
        let mut done = Reconciled::default();
        let mut months = store.facts().months(scope).await?;
        // Between two restored blocks, hour rows that are right would be corrected to fewer facts.
        let comparing = COMPARING.lock().await;
        let differing = check_log(store.ledger(), bus, stream).await?;
        if differing.is_empty() {
            let partitions = partitions(store, bus, stream, &[]).await?;
            let mut findings = partition_findings(&partitions, stream);
            findings.extend(gap_findings(store).await?);
            for finding in findings {
                self.repair(&finding, &mut done).await?;
            }
            let suspects = match scope {
                CheckScope::All => Suspects::All,
                CheckScope::Hours(_) => Suspects::Written(scope),
            };
            let precedence = precedence(bus, stream)?;
            months.extend(remove_copies(store.facts(), &suspects, &precedence, &mut done).await?);
            months.sort_unstable();
            months.dedup();
            for finding in block_findings(store, scope).await? {
                self.repair(&finding, &mut done).await?;
            }
            // A restored block has its offsets without a record counted again.
            for finding in offset_findings(store).await? {
                self.repair(&finding, &mut done).await?;
            }
        }
        // A log that differs from the ledger must not restore anything.
        done.failures
            .extend(differing.iter().map(ToString::to_string));
        drop(comparing);
        correct_with(store, stream, &months, self.consumers, &mut done).await?;
        for month in months {
            let differing = store.usage().hours_differences(month).await?.len();
            if differing > 0 {
                store.usage().forget_hours(month).await?;
                tracing::warn!(month, enti = differing, "hours of a month calculated again");
                done.hours_corrected += differing as u64;
            }
        }
        // A month that has changed since is no fault: its hours are only slower to query until they
        // are computed again.
        store.usage().keep_hours().await?;
        store.admin().keep_projections(UNMERGED).await?;
        Ok(done)
    }

    /// Repairs a finding about the ledger or a block. Copies are removed and hour rows corrected for
    /// many findings at once; other findings need an operator.
    async fn repair(
        &mut self,
        finding: &Finding,
        done: &mut Reconciled,
    ) -> Result<(), PipelineError> {
        match finding {
            Finding::LedgerGap(_) | Finding::CommittedBeyondLedger { .. } => {
                let gap = finding.gap(self.stream);
                for part in gap.iter().flat_map(parts) {
                    self.fill_gap(&part, done).await?;
                }
                Ok(())
            }
            Finding::LedgerOverlap(gap) => self.fill_gap(gap, done).await,
            Finding::FactsMissing(block) | Finding::FactsTooMany(block) => {
                self.restore(block, done).await
            }
            Finding::OffsetsWithoutRecord(block) => self.explain(block, done).await,
            _ => Ok(()),
        }
    }

    /// Writes the ledger row of a gap and its missing facts. Overlapping blocks are replaced by one
    /// row.
    pub(crate) async fn fill_gap(
        &mut self,
        gap: &LedgerGap,
        done: &mut Reconciled,
    ) -> Result<(), PipelineError> {
        let mut offsets = gap.ends_at..gap.begins_at;
        let is_overlap = offsets.end < offsets.start;
        if is_overlap {
            offsets = overlapping(self.store.ledger(), gap).await?;
        }
        let place = format!(
            "ledger of partition {} from {} to {}",
            gap.kafka_partition, offsets.start, offsets.end
        );
        if is_overlap && offsets.end - offsets.start > OVERLAP_OFFSETS_MAX {
            done.failures.push(format!(
                "{place}: too many blocks overlap to be read at once"
            ));
            return Ok(());
        }
        let Some(draft) =
            self.read_again(&gap.stream, gap.kafka_partition, &offsets, &place, done)?
        else {
            return Ok(());
        };
        let origin = self.origin(&gap.stream, gap.kafka_partition);
        let is_new = !is_overlap;
        let Some(row) = self.mend(draft, &origin, &offsets, is_new, done).await? else {
            return Ok(());
        };
        self.write_row(&row, &origin, done).await?;
        if is_overlap {
            let inner = offsets.start + 1..offsets.end;
            let inner = LogRange::of(&gap.stream, gap.kafka_partition, inner);
            self.store.ledger().delete_rows(&inner).await?;
        }
        Ok(())
    }

    /// Checks offsets without a record again, which Kafka did not explain when their block was
    /// written.
    async fn explain(
        &mut self,
        block: &UnexplainedOffsets,
        done: &mut Reconciled,
    ) -> Result<(), PipelineError> {
        let offsets = block.first_offset..block.next_offset;
        let place = format!(
            "ledger of partition {} from {} to {}: {} offsets held no record",
            block.kafka_partition,
            offsets.start,
            offsets.end,
            block.offsets()
        );
        let Some(draft) =
            self.read_again(&block.stream, block.kafka_partition, &offsets, &place, done)?
        else {
            return Ok(());
        };
        let partition = Partition(i32::try_from(block.kafka_partition).unwrap_or(i32::MAX));
        let control = self.gaps.control(partition, &draft.gaps).await?;
        let offsets = block.next_offset - block.first_offset;
        if draft.read > block.records_read || draft.read + control != offsets {
            done.failures.push(format!(
                "{place}, and the log has {} records and shows {control} offsets of markers, aborted records or compaction there",
                draft.read
            ));
            return Ok(());
        }
        self.store
            .ledger()
            .set_control(block, offsets - block.records_read)
            .await?;
        done.ledger_rows += 1;
        Ok(())
    }

    async fn write_row(
        &self,
        row: &LedgerRow,
        origin: &BlockOrigin,
        done: &mut Reconciled,
    ) -> Result<(), PipelineError> {
        let ledger = self.store.ledger();
        let range = LogRange::of(
            &origin.stream,
            origin.kafka_partition,
            row.first_offset..row.next_offset,
        );
        let times = ledger.repairs_of(&range).await?;
        let token = InsertToken::of(origin, row.first_offset, row.next_offset).of_repair(times);
        ledger.insert(row, &token).await?;
        ledger.note_repair("ledger", &range, 1).await?;
        done.ledger_rows += 1;
        Ok(())
    }

    async fn restore(
        &mut self,
        block: &BlockDifference,
        done: &mut Reconciled,
    ) -> Result<(), PipelineError> {
        let offsets = block.first_offset..block.next_offset;
        let place = format!(
            "facts of partition {} from {} to {}: {} instead of {}",
            block.kafka_partition, offsets.start, offsets.end, block.facts, block.stored
        );
        let Some(draft) =
            self.read_again(&block.stream, block.kafka_partition, &offsets, &place, done)?
        else {
            return Ok(());
        };
        // A block with compacted records, or with an accepted loss, cannot be reproduced.
        let as_read = (block.records_read, block.checksum);
        if block.lost > 0 || (draft.read, draft.checksum) != as_read {
            done.failures.push(format!(
                "{place}: the log holds other records there than were read; nothing was restored"
            ));
            return Ok(());
        }
        let range = LogRange::of(&block.stream, block.kafka_partition, offsets.clone());
        if block.facts > block.offsets {
            done.facts_doubled += block.facts - block.offsets;
            self.store.facts().delete(&range).await?;
        }
        let origin = self.origin(&block.stream, block.kafka_partition);
        let Some(row) = self.mend(draft, &origin, &offsets, false, done).await? else {
            return Ok(());
        };
        let kept = row.fates.iter();
        let kept = kept.filter(|(group, _)| group.fate == Fate::Stored && self.keeps(group.day));
        let stored: u64 = kept.map(|(_, records)| records).sum();
        if stored == block.stored {
            return Ok(());
        }
        // The fates of records whose facts have expired cannot be determined again.
        if row.fates.iter().any(|(group, _)| !self.keeps(group.day)) {
            done.failures
                .push(format!("{place}: some of its facts may have expired"));
            return Ok(());
        }
        // The fate of a copy depends on which block was written first. The ledger follows if the
        // facts confirm it.
        let facts = self.store.facts().offsets(&range).await?;
        if facts.len() as u64 == stored {
            self.write_row(&row, &origin, done).await
        } else {
            done.failures
                .push(format!("{place}: the log gives {stored}"));
            Ok(())
        }
    }

    /// True if the facts of a local day are within the retention period.
    fn keeps(&self, day: u16) -> bool {
        day >= self.boundary.day
    }

    fn origin(&self, stream: &str, kafka_partition: u32) -> BlockOrigin {
        BlockOrigin {
            stream: stream.to_owned(),
            kafka_partition,
            rules: self.classifier.rules().to_owned(),
        }
    }

    /// Reads the records of a range from the log again. Returns `None` and notes a failure if the
    /// log no longer holds them.
    fn read_again(
        &mut self,
        stream: &str,
        kafka_partition: u32,
        offsets: &Range<u64>,
        place: &str,
        done: &mut Reconciled,
    ) -> Result<Option<Draft>, PipelineError> {
        if stream != self.stream {
            done.failures
                .push(format!("{place}: they came from another log, {stream}"));
            return Ok(None);
        }
        let range = Watermarks {
            low: signed(offsets.start),
            high: signed(offsets.end),
        };
        let partition = Partition(i32::try_from(kafka_partition).unwrap_or(i32::MAX));
        let mut draft = Draft::begin(range.low);
        let read = tokio::task::block_in_place(|| {
            scan_range(self.bus, &self.bus.topic, partition, range, |record| {
                draft.take(record, self.classifier);
            })
        });
        match read {
            Ok(()) => {
                draft.extend(range.high);
                draft.decide(&mut Recent::blank());
                Ok(Some(draft))
            }
            Err(BusError::OutOfRange { .. }) => {
                done.failures
                    .push(format!("{place}: the log does not hold them any more"));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Inserts the missing facts of a block, and returns its complete ledger row. Returns `None`
    /// and notes a failure if the stored facts belong to other events than the log's records. A block
    /// is new if the ledger has no row of it.
    async fn mend(
        &self,
        mut draft: Draft,
        origin: &BlockOrigin,
        offsets: &Range<u64>,
        is_new: bool,
        done: &mut Reconciled,
    ) -> Result<Option<LedgerRow>, PipelineError> {
        let (store, partition) = (self.store, origin.kafka_partition);
        let range = LogRange::of(&origin.stream, partition, offsets.clone());
        let events: Vec<(i64, u64)> = draft.facts.identities().collect();
        let elsewhere = store
            .facts()
            .stored_before(origin, offsets.start, &events, Times::Any)
            .await?;
        draft.settle(&elsewhere);
        // Read each time: an order may have arrived since the reconciliation began.
        let erasures = store.facts().erasures().await?;
        if !erasures.is_empty() {
            draft.erase(&erasures, origin);
        }
        draft.close();
        let present = store.facts().identities(&range).await?;
        let identities = draft.facts.identities().map(|(_, identity)| identity);
        let has_other = draft
            .facts
            .offsets()
            .zip(identities)
            .any(|(offset, identity)| {
                let stored = present.get(&offset);
                stored.is_some_and(|stored| *stored != identity)
            });
        if has_other {
            done.failures.push(format!(
                "partition {partition}, offsets {} to {}: the facts are of other events than the log holds there; nothing was restored",
                offsets.start, offsets.end
            ));
            return Ok(None);
        }
        // A block that was begun may have facts without hour rows, and hour rows may have kept the
        // events that the facts lost.
        let mut months = months_of(&draft.facts);
        let stored = store.facts().stored(&range, &origin.rules).await?;
        months.extend(stored.iter().map(|fact| fact.month));
        store.ledger().doubt_months(&months, None).await?;
        let keep: Vec<bool> = draft
            .facts
            .offsets()
            .enumerate()
            .map(|(row, offset)| {
                let (_, day) = draft.facts.ente_and_day(row);
                !present.contains_key(&offset) && self.keeps(day)
            })
            .collect();
        draft.facts.retain(&keep);
        let missing = draft.facts.rows() as u64;
        if missing > 0 {
            let times = store.ledger().repairs_of(&range).await?;
            let token = InsertToken::of(origin, offsets.start, offsets.end).of_repair(times);
            let rows = draft.facts.encode(origin);
            store.facts().insert(rows.facts, &token).await?;
            // Without a ledger row and without facts, the block has no hour rows. Otherwise the
            // comparison adds what is missing.
            if is_new && present.is_empty() {
                store.facts().insert_hours(rows.hours, &token).await?;
            }
            // A comparison may have settled the first doubt before the facts were there.
            store.ledger().doubt_months(&months, None).await?;
            store.ledger().note_repair("facts", &range, missing).await?;
            tracing::warn!(
                partition,
                first = offsets.start,
                next = offsets.end,
                facts = missing,
                "facts restored from the log"
            );
            done.facts_restored += missing;
        }
        let kafka_partition = Partition(i32::try_from(partition).unwrap_or(i32::MAX));
        let control = self.gaps.control(kafka_partition, &draft.gaps).await?;
        Ok(Some(LedgerRow {
            stream: origin.stream.clone(),
            kafka_partition: partition,
            first_offset: offsets.start,
            next_offset: offsets.end,
            records_read: draft.read,
            control,
            lost: 0,
            fates: draft.fates.sorted(),
            checksum: draft.checksum,
            rules: origin.rules.clone(),
        }))
    }
}

/// Returns the offsets of all blocks that overlap at `gap`, directly or through other blocks.
async fn overlapping(ledger: &Ledger, gap: &LedgerGap) -> Result<Range<u64>, PipelineError> {
    let mut offsets = gap.begins_at..gap.ends_at;
    while offsets.end - offsets.start <= OVERLAP_OFFSETS_MAX {
        let range = LogRange::of(&gap.stream, gap.kafka_partition, offsets.clone());
        let rows = ledger.rows_in(&range).await?;
        let first = rows.iter().map(|(first, _)| *first).min();
        let next = rows.iter().map(|(_, next)| *next).max();
        let wider = first.unwrap_or(offsets.start)..next.unwrap_or(offsets.end);
        if wider == offsets {
            break;
        }
        offsets = wider;
    }
    Ok(offsets)
}

/// Corrects the hour rows of `months`, and of every month in doubt, until they agree with the
/// facts. Differing months are in doubt until then.
pub(crate) async fn correct(
    store: &Store,
    stream: &str,
    months: &[u32],
    done: &mut Reconciled,
) -> Result<(), PipelineError> {
    correct_with(store, stream, months, Consumers::Running, done).await
}

async fn correct_with(
    store: &Store,
    stream: &str,
    months: &[u32],
    consumers: Consumers,
    done: &mut Reconciled,
) -> Result<(), PipelineError> {
    let differing = lasting_differences(store, stream, months, consumers).await?;
    let differing: BTreeSet<u32> = differing.into_iter().map(|(month, _)| month).collect();
    store.ledger().doubt_months(&differing, None).await?;
    // Hour rows follow the facts, even if the facts were changed by another program.
    let changes = match differing.is_empty() {
        true => Vec::new(),
        false => store.facts().changes().await?,
    };
    done.failures.extend(changes.iter().map(|change| {
        format!(
            "facts were changed after they were stored ({change}), and hour rows of {differing:?} were corrected to them: `affluenza rebuild` reads the facts from the log again"
        )
    }));
    let settled = settle(store, stream, consumers).await?;
    done.cells_corrected += settled.cells;
    if consumers == Consumers::NotStarted {
        return Ok(());
    }
    done.failures.extend(settled.left.iter().map(|month| {
        format!(
            "hour rows of month {month}: a block of it is in flight, or they still differ; the month stays in doubt and is compared again"
        )
    }));
    Ok(())
}

/// Returns the months in which aggregate and facts differ, with the hours of enti whose difference
/// lasts.
///
/// A block has facts before it has hour rows. A difference lasts if it is the same in two
/// comparisons and no block of its month is being written. During constant ingestion its size may
/// change each time; then it lasts if it is present in every one of several comparisons.
pub(crate) async fn lasting_differences(
    store: &Store,
    stream: &str,
    months: &[u32],
    consumers: Consumers,
) -> Result<Vec<(u32, Vec<AggregateDifference>)>, PipelineError> {
    let mut doubtful = Differences::look(store.usage(), months.iter().copied()).await?;
    let mut lasting = Differences::default();
    let (mut pause, mut looks) = (LOOK, 0);
    while !doubtful.0.is_empty() {
        tokio::time::sleep(pause).await;
        pause = PAUSE;
        let ends = store.ledger().settled_ends(stream).await?;
        let again = Differences::look(store.usage(), doubtful.months()).await?;
        let mut in_flight = BTreeSet::new();
        for month in again.months() {
            if !is_settled(store, stream, month, &ends).await? {
                in_flight.insert(month);
            }
        }
        doubtful = doubtful.seen_again(again, &in_flight, &mut lasting);
        looks += 1;
        let enough = match consumers {
            Consumers::Running if !in_flight.is_empty() => LOOKS_IN_FLIGHT,
            // A block in flight stays so until its consumer starts.
            Consumers::Running | Consumers::NotStarted => LOOKS_MORE,
        };
        if looks > enough {
            break;
        }
    }
    lasting.0.extend(doubtful.0);
    Ok(lasting.by_month())
}

/// Differences by month, start of the hour and ente.
#[derive(Default)]
struct Differences(BTreeMap<(u32, u32, String), AggregateDifference>);

impl Differences {
    async fn look(
        usage: &Usage,
        months: impl IntoIterator<Item = u32>,
    ) -> Result<Self, PipelineError> {
        let mut found = BTreeMap::new();
        for month in months {
            for cell in usage.aggregate_differences(month).await? {
                found.insert((month, cell.hour_start, cell.ente.clone()), cell);
            }
        }
        Ok(Self(found))
    }

    fn months(&self) -> Vec<u32> {
        let mut months: Vec<u32> = self.0.keys().map(|(month, ..)| *month).collect();
        months.dedup();
        months
    }

    /// Keeps the differences of `again` that were there before. Equal ones move to `lasting`, unless
    /// a block of their month is in flight. The others are returned.
    fn seen_again(self, again: Self, in_flight: &BTreeSet<u32>, lasting: &mut Self) -> Self {
        let mut changing = Self::default();
        for (place, cell) in again.0 {
            let is_settled = !in_flight.contains(&place.0);
            match self.0.get(&place) {
                Some(before) if *before == cell && is_settled => lasting.0.insert(place, cell),
                Some(_) => changing.0.insert(place, cell),
                None => None,
            };
        }
        changing
    }

    fn by_month(self) -> Vec<(u32, Vec<AggregateDifference>)> {
        let mut months: BTreeMap<u32, Vec<AggregateDifference>> = BTreeMap::new();
        for ((month, ..), cell) in self.0 {
            months.entry(month).or_default().push(cell);
        }
        months.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(cells: &[(u32, i64)]) -> Differences {
        let cell = |(hour_start, events_missing): &(u32, i64)| {
            let cell = AggregateDifference {
                hour_start: *hour_start,
                ente: "c_a".into(),
                events_missing: *events_missing,
                accesses_missing: 0,
                service_uses_missing: 0,
                users_missing: 0,
            };
            ((201_701, *hour_start, cell.ente.clone()), cell)
        };
        Differences(cells.iter().map(cell).collect())
    }

    #[test]
    fn only_equal_differences_last() {
        let mut lasting = Differences::default();
        let first = differences(&[(1, 5), (2, 5), (3, 5)]);
        let again = differences(&[(1, 5), (2, 6), (4, 5)]);
        let in_flight = BTreeSet::new();
        let changing = first.seen_again(again, &in_flight, &mut lasting);
        assert_eq!(changing.0, differences(&[(2, 6)]).0);
        assert_eq!(lasting.by_month(), differences(&[(1, 5)]).by_month());
        let mut lasting = Differences::default();
        let in_flight = BTreeSet::from([201_701]);
        let changing = changing.seen_again(differences(&[(2, 6)]), &in_flight, &mut lasting);
        assert_eq!(changing.0, differences(&[(2, 6)]).0);
        assert!(lasting.0.is_empty());
    }
}
