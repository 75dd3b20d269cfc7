//! Fills the shadow facts: from the log where it holds the records, else from the present facts.

use std::ops::Range;

use affluenza_kafka::{BusError, Partition, Record, Watermarks, scan_range};
use affluenza_store::rebuild::{FactCopy, OffsetWindow, Run, Settled};
use affluenza_store::{BlockOrigin, FactBlock, LogRange, Rebuilds, StoreError};
use tokio::runtime::Handle;

use super::blocks::Blocks;
use super::{RebuildError, Step, Tools, codes};
use crate::Classifier;
use crate::decode::usage;
use crate::place::signed;

/// Offsets in a block: some megabytes of facts. Blocks end at multiples of it, so that a second
/// attempt makes the same blocks with the same tokens.
const BLOCK_OFFSETS: u64 = 50_000;
/// Attempts to read a window while retention deletes its records.
const RETENTIONS_MAX: usize = 10;

/// Fills the shadow of some months.
pub(super) struct Fill<'f, 't> {
    tools: &'f mut Tools<'t>,
    blocks: &'f mut Blocks<'t>,
    run: &'f Run,
    months: &'f [u32],
    settled: &'f Settled,
    attempt: u32,
    codes_are_there: bool,
}

impl<'f, 't> Fill<'f, 't> {
    pub(super) fn new(
        tools: &'f mut Tools<'t>,
        blocks: &'f mut Blocks<'t>,
        run: &'f Run,
        months: &'f [u32],
        settled: &'f Settled,
        attempt: u32,
    ) -> Self {
        Self {
            tools,
            blocks,
            run,
            months,
            settled,
            attempt,
            codes_are_there: false,
        }
    }

    /// Writes the settled facts that the shadow lacks.
    pub(super) async fn run(mut self) -> Result<(), RebuildError> {
        let store = self.tools.store;
        let windows = store
            .rebuilds()
            .differing_windows(self.run, self.months, self.settled)
            .await?;
        let total = windows.iter().map(|window| window.facts).sum();
        let mut done = 0;
        for window in windows {
            (self.tools.watch)(Step::Filling { done, total });
            self.fill(&window).await?;
            done += window.facts;
            (self.tools.watch)(Step::Filling { done, total });
        }
        Ok(())
    }

    async fn fill(&mut self, window: &OffsetWindow) -> Result<(), RebuildError> {
        for _ in 0..RETENTIONS_MAX {
            let store = self.tools.store;
            let offsets = window.offsets(self.settled);
            let missing = store
                .rebuilds()
                .missing_offsets(self.run, self.months, window, offsets.clone())
                .await?;
            let held = self.held(window, missing.last())?;
            let older = missing.partition_point(|offset| *offset < held.start);
            let later = missing.partition_point(|offset| *offset < held.end);
            if older > 0 {
                self.copy(window, offsets.start..held.start.min(offsets.end), &[])
                    .await?;
            }
            if later < missing.len() {
                self.copy(window, held.end.max(offsets.start)..offsets.end, &[])
                    .await?;
            }
            let readable = &missing[older..later];
            if readable.is_empty() {
                return Ok(());
            }
            match self.read(window, readable).await? {
                Some(unreadable) if unreadable.is_empty() => return Ok(()),
                Some(unreadable) => {
                    tracing::warn!(
                        partition = window.kafka_partition,
                        facts = unreadable.len(),
                        "the log cannot reproduce these facts, copying them"
                    );
                    return self.copy(window, offsets, &unreadable).await;
                }
                // Retention has deleted records meanwhile: the next round copies their facts.
                None => self.blocks.look_again()?,
            }
        }
        Err(BusError::OutOfRange {
            topic: self.tools.bus.topic.clone(),
        }
        .into())
    }

    /// Returns the offsets in the log, queried again if the log may have grown.
    fn held(
        &mut self,
        window: &OffsetWindow,
        last: Option<&u64>,
    ) -> Result<Range<u64>, RebuildError> {
        let held = self.blocks.held(&window.stream, window.kafka_partition);
        if window.stream != self.settled.stream || last.is_none_or(|last| *last < held.end) {
            return Ok(held);
        }
        self.blocks.look_again()?;
        Ok(self.blocks.held(&window.stream, window.kafka_partition))
    }

    async fn copy(
        &mut self,
        window: &OffsetWindow,
        offsets: Range<u64>,
        only: &[u64],
    ) -> Result<(), RebuildError> {
        let store = self.tools.store;
        if !self.codes_are_there {
            let (found, days) = store.rebuilds().fact_codes(self.months).await?;
            let codes = codes::derive(self.tools.register, &found, days);
            store.rebuilds().put_codes(self.run, &codes).await?;
            self.codes_are_there = true;
        }
        let copy = FactCopy {
            months: self.months,
            range: LogRange::of(&window.stream, window.kafka_partition, offsets),
            only,
            register: self.tools.register.version(),
        };
        Ok(store.rebuilds().copy_facts(self.run, &copy).await?)
    }

    /// Reads the records at `offsets`, which are sorted, and writes their facts. Returns the
    /// offsets without an event; `None` if the log no longer holds all of them.
    async fn read(
        &mut self,
        window: &OffsetWindow,
        offsets: &[u64],
    ) -> Result<Option<Vec<u64>>, RebuildError> {
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Ok(Some(Vec::new()));
        };
        let range = Watermarks {
            low: signed(*first),
            high: signed(last + 1),
        };
        let partition = Partition(i32::try_from(window.kafka_partition).unwrap_or(i32::MAX));
        let mut projection = Projection {
            rebuilds: self.tools.store.rebuilds(),
            run: self.run,
            attempt: self.attempt,
            classifier: self.tools.classifier,
            origin: BlockOrigin {
                stream: window.stream.clone(),
                kafka_partition: window.kafka_partition,
                rules: self.run.rules.clone(),
            },
            wanted: offsets,
            unreadable: Vec::new(),
            block: FactBlock::default(),
            failed: None,
        };
        let bus = self.tools.bus;
        let read = tokio::task::block_in_place(|| {
            scan_range(bus, &bus.topic, partition, range, |record| {
                projection.take(record);
            })?;
            projection.end();
            Ok::<_, BusError>(())
        });
        match (read, projection.failed) {
            (_, Some(error)) => Err(error.into()),
            (Ok(()), None) => Ok(Some(projection.unreadable)),
            (Err(BusError::OutOfRange { .. }), None) => Ok(None),
            (Err(error), None) => Err(error.into()),
        }
    }
}

/// Classifies records of the log as facts of the shadow.
struct Projection<'p> {
    rebuilds: &'p Rebuilds,
    run: &'p Run,
    attempt: u32,
    classifier: &'p mut Classifier,
    origin: BlockOrigin,
    /// Remaining offsets of facts, in order.
    wanted: &'p [u64],
    unreadable: Vec<u64>,
    block: FactBlock,
    /// First error. Nothing is written after it, as the scan cannot be stopped.
    failed: Option<StoreError>,
}

impl Projection<'_> {
    fn take(&mut self, record: &Record<'_>) {
        let offset = record.offset().0.unsigned_abs();
        self.pass_over(offset);
        // All other records were duplicates or refused, which is not decided again.
        if self.failed.is_some() || self.wanted.first() != Some(&offset) {
            return;
        }
        self.wanted = &self.wanted[1..];
        let begun = self.block.offsets().next();
        if begun.is_some_and(|begun| begun / BLOCK_OFFSETS != offset / BLOCK_OFFSETS) {
            self.write();
        }
        match usage(record) {
            Some(event) => self
                .classifier
                .push(&event, record.offset(), &mut self.block),
            None => self.unreadable.push(offset),
        }
    }

    fn end(&mut self) {
        self.pass_over(u64::MAX);
        self.write();
    }

    /// Marks the wanted offsets before `offset` as unreadable: the log has no record there.
    fn pass_over(&mut self, offset: u64) {
        while let Some((first, rest)) = self.wanted.split_first()
            && *first < offset
        {
            self.unreadable.push(*first);
            self.wanted = rest;
        }
    }

    fn write(&mut self) {
        let block = std::mem::take(&mut self.block);
        let (first, last) = (block.offsets().next(), block.offsets().last());
        if let (Some(first), Some(last), None) = (first, last, &self.failed) {
            let insert = self.rebuilds.insert_rebuilt(
                self.run,
                &block,
                &self.origin,
                first..last + 1,
                self.attempt,
            );
            self.failed = Handle::current().block_on(insert).err();
        }
    }
}
