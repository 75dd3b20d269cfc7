//! A block under construction: consecutive records of one partition.

use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, Instant};

use affluenza_event::{Message, Mode, Refusal, origin_of_refused};
use affluenza_http::telemetry::trace::{Links, TRACEPARENT, Tracing};
use affluenza_kafka::{NextOffset, Record};
use affluenza_store::erasure::Erasure;
use affluenza_store::{BlockOrigin, FactBlock, Fate, FateGroup};
use hashbrown::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::classify::Classifier;
use crate::config::BlockLimits;
use crate::decode::{add_headers, decode};
use crate::invariants::Extent;
use crate::offset_metadata::Intent;
use crate::recent::{Recent, Sighting};
use crate::sequences::Sequences;
use crate::write::DeadLetter;

/// Counts of records by fate. Stored events are added in `close`, as the facts already know their
/// ente and day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fates(HashMap<FateGroup, u64>);

impl Fates {
    fn add(&mut self, fate: Fate, reason: &'static str, ente: &str, day: u16, records: u64) {
        let group = FateGroup {
            ente: ente.to_owned(),
            day,
            fate,
            reason: Cow::Borrowed(reason),
        };
        *self.0.entry(group).or_default() += records;
    }

    pub(crate) fn of(&self, fate: Fate) -> u64 {
        self.groups()
            .filter(|(group, _)| group.fate == fate)
            .map(|(_, records)| records)
            .sum()
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&FateGroup, u64)> {
        self.0.iter().map(|(group, records)| (group, *records))
    }

    /// Returns the counts in a fixed order, so that writing a block twice sends the same bytes.
    pub(crate) fn sorted(&self) -> Vec<(FateGroup, u64)> {
        let mut groups: Vec<_> = self
            .groups()
            .map(|(group, records)| (group.clone(), records))
            .collect();
        groups.sort();
        groups
    }
}

/// Returns the checksum of a block after one more record.
fn add_read(record: &Record<'_>, mode: Mode, checksum: u64) -> u64 {
    let offset = record.offset().0.unsigned_abs();
    let checksum = xxh3_64_with_seed(record.payload(), checksum ^ offset);
    match mode {
        Mode::Binary => add_headers(record, checksum),
        Mode::Structured => checksum,
    }
}

/// Like `add_read`, for a record that is only compared and not stored.
pub(crate) fn add_to_checksum(record: &Record<'_>, checksum: u64) -> u64 {
    add_read(record, decode(record).mode, checksum)
}

const DAY_MS: i64 = 86_400_000;

/// Returns the UTC day of a time in milliseconds, in days since 1970.
fn day(ms: i64) -> u16 {
    u16::try_from(ms.div_euclid(DAY_MS)).unwrap_or(0)
}

/// Event older than the memory's horizon: the facts decide whether it is a duplicate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undecided {
    pub(crate) row: usize,
    pub(crate) time_ms: i64,
    pub(crate) identity: u64,
}

/// Block under construction.
pub(crate) struct Draft {
    /// First offset of the block: the committed offset.
    pub(crate) first: NextOffset,
    /// Next offset to read.
    pub(crate) end: NextOffset,
    pub(crate) facts: FactBlock,
    pub(crate) undecided: Vec<Undecided>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    dead_letter_bytes: usize,
    /// Number of records added.
    pub(crate) read: u64,
    pub(crate) fates: Fates,
    /// Sequence numbers of the producers, to detect lost events.
    pub(crate) sequences: Sequences,
    /// Trace contexts of the records.
    pub(crate) traces: Links,
    /// Checksum over offset and payload of every record in order, with the headers of records in
    /// binary mode. It covers the records as read, whatever the rules make of them.
    pub(crate) checksum: u64,
    opened: Option<Instant>,
    /// Time of the first record in the log, in milliseconds since 1970, if the log has it.
    pub(crate) oldest_ms: Option<i64>,
    /// Ranges of offsets without a record, in order.
    pub(crate) gaps: Vec<Range<i64>>,
}

impl Draft {
    pub(crate) fn begin(first: NextOffset) -> Self {
        Self {
            first,
            end: first,
            facts: FactBlock::default(),
            undecided: Vec::new(),
            dead_letters: Vec::new(),
            dead_letter_bytes: 0,
            read: 0,
            fates: Fates::default(),
            sequences: Sequences::default(),
            traces: Links::default(),
            checksum: 0,
            opened: None,
            oldest_ms: None,
            gaps: Vec::new(),
        }
    }

    /// Returns the draft that continues at the end of this one.
    pub(crate) fn next(&self) -> Self {
        Self {
            facts: self.facts.another(),
            ..Self::begin(self.end)
        }
    }

    /// True if the draft covers no offset. A draft that covers only offsets without a record is
    /// written, too.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == self.first
    }

    /// True if no record may be added.
    pub(crate) fn is_full(&self, limits: BlockLimits) -> bool {
        self.reaches(limits.records, limits.bytes)
    }

    /// True if the draft is two thirds full and worth writing. The rest is room for records that
    /// arrive while the previous block is finished.
    pub(crate) fn is_large(&self, limits: BlockLimits) -> bool {
        let BlockLimits { records, bytes } = limits;
        self.reaches(records - records / 3, bytes - bytes / 3)
    }

    fn reaches(&self, records: usize, bytes: usize) -> bool {
        self.read >= records as u64 || self.facts.bytes() + self.dead_letter_bytes >= bytes
    }

    /// Returns the time since the first record, or since the first offset without one.
    pub(crate) fn waited(&self) -> Option<Duration> {
        self.opened.map(|opened| opened.elapsed())
    }

    /// Extends the draft to `next` over offsets without a record.
    pub(crate) fn extend(&mut self, next: NextOffset) {
        if next > self.end {
            self.gaps.push(self.end.0..next.0);
            self.end = next;
            self.opened.get_or_insert_with(Instant::now);
        }
    }

    /// Adds a record and records its fate, except for events that `close` counts.
    pub(crate) fn take(&mut self, record: &Record<'_>, classifier: &mut Classifier) {
        let offset = record.offset();
        self.extend(NextOffset(offset.0));
        self.opened.get_or_insert_with(Instant::now);
        if self.read == 0 {
            self.oldest_ms = record.written_ms();
        }
        self.read += 1;
        self.end = offset.next();
        if Tracing::is_on()
            && let Some(context) = record.header(TRACEPARENT)
        {
            self.traces.note(context);
        }
        let reading = decode(record);
        self.checksum = add_read(record, reading.mode, self.checksum);
        match reading.message {
            Ok(Message::Usage(event)) if !classifier.is_within_retention(&event) => {
                self.refuse(record, reading.mode, &Refusal::beyond_retention());
            }
            Ok(Message::Usage(event)) => {
                self.sequences.note(&event);
                classifier.push(&event, offset, &mut self.facts);
            }
            Ok(Message::Report(report)) => {
                let ente = report.dropped.first().map_or("", |dropped| &*dropped.ente);
                self.fates
                    .add(Fate::Report, "", ente, day(report.time.0), 1);
                self.sequences.report(&report);
            }
            Err(refusal) => self.refuse(record, reading.mode, &refusal),
        }
    }

    fn refuse(&mut self, record: &Record<'_>, mode: Mode, refusal: &Refusal) {
        let fate = match refusal.kind.is_quarantined() {
            false => Fate::Rejected,
            true => Fate::Quarantined,
        };
        let day = day(record.written_ms().unwrap_or(0));
        self.fates.add(fate, refusal.code(), "", day, 1);
        if let Some(origin) = origin_of_refused(record.payload(), record.headers()) {
            self.sequences.note_origin(&origin, "", "");
        }
        let letter = DeadLetter::of(record, mode, refusal);
        self.dead_letter_bytes += letter.bytes();
        self.dead_letters.push(letter);
    }

    /// Drops the events found in memory, and notes those that memory cannot decide. The whole block
    /// is looked up in one pass, so that the cache misses overlap.
    pub(crate) fn decide(&mut self, recent: &mut Recent) {
        let sightings: Vec<Sighting> = self
            .facts
            .identities()
            .map(|(time_ms, identity)| recent.see(time_ms, identity))
            .collect();
        if sightings.contains(&Sighting::Seen) {
            let keep: Vec<bool> = sightings
                .iter()
                .map(|sighting| *sighting != Sighting::Seen)
                .collect();
            self.keep(&keep);
        }
        let kept = sightings
            .into_iter()
            .filter(|sighting| *sighting != Sighting::Seen);
        self.undecided = kept
            .zip(self.facts.identities())
            .enumerate()
            .filter(|(_, (sighting, _))| *sighting == Sighting::BeyondHorizon)
            .map(|(row, (_, (time_ms, identity)))| Undecided {
                row,
                time_ms,
                identity,
            })
            .collect();
    }

    /// Drops the undecided events that are stored already or occur twice in this block. Memory may
    /// have evicted an event of this very block.
    pub(crate) fn settle(&mut self, stored_before: &std::collections::HashSet<u64>) {
        let mut undecided = self.undecided.iter().peekable();
        let mut earlier: HashSet<u64> = HashSet::with_capacity(self.facts.rows());
        let keep: Vec<bool> = self
            .facts
            .identities()
            .enumerate()
            .map(|(row, (_, identity))| {
                let is_undecided = undecided
                    .next_if(|undecided| undecided.row == row)
                    .is_some();
                let is_repeated = !earlier.insert(identity);
                !(is_undecided && (is_repeated || stored_before.contains(&identity)))
            })
            .collect();
        self.keep(&keep);
        self.undecided.clear();
    }

    /// Drops the events that were erased by order.
    pub(crate) fn erase(&mut self, erasures: &[Erasure], origin: &BlockOrigin) {
        let offsets = self.facts.offsets().enumerate();
        let keep: Vec<bool> = offsets
            .map(|(row, offset)| {
                let (ente, day) = self.facts.ente_and_day(row);
                let portal = self.facts.portal(row);
                !erasures
                    .iter()
                    .any(|erasure| erasure.covers(ente, portal, day, origin, offset))
            })
            .collect();
        self.drop_as(Fate::Erased, &keep);
    }

    /// Drops the duplicates: the rows with `false` in `keep`.
    fn keep(&mut self, keep: &[bool]) {
        self.drop_as(Fate::Duplicate, keep);
    }

    fn drop_as(&mut self, fate: Fate, keep: &[bool]) {
        for (row, keep) in keep.iter().enumerate() {
            if !keep {
                let (ente, day) = self.facts.ente_and_day(row);
                self.fates.add(fate, "", ente, day, 1);
            }
        }
        self.facts.retain(keep);
    }

    /// Counts the remaining facts as stored. After this, every record has a fate.
    pub(crate) fn close(&mut self) {
        for ((ente, day), facts) in self.facts.by_ente_and_day() {
            self.fates.add(Fate::Stored, "", ente, day, facts);
        }
    }

    /// Returns the properties that are the same on every reading of the records.
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            end: self.end,
            records: self.read,
            checksum: self.checksum,
        }
    }

    pub(crate) fn intent(&self, rules: &str) -> Intent {
        Intent {
            end: self.end,
            records: self.read,
            checksum: self.checksum,
            rules: rules.to_owned(),
            at: crate::clock::seconds(),
        }
    }
}
