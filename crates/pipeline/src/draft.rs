//! A block in the making: consecutive records of one partition.

use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, Instant};

use affluenza_bus::{NextOffset, Record};
use affluenza_event::{Message, Mode, Quarantine, Refusal, origin_of_refused};
use affluenza_store::erasure::Erasure;
use affluenza_store::{BlockOrigin, FactBlock, Fate, FateGroup};
use affluenza_telemetry::trace::{Links, TRACEPARENT, Tracing};
use hashbrown::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::classify::Classifier;
use crate::decode::{add_headers, decode};
use crate::invariants::Extent;
use crate::mark::Intent;
use crate::recent::{Recent, Sighting};
use crate::sequences::Sequences;
use crate::{Config, write::DeadLetter};

/// The fates of a block's records. Stored events are counted when the block is settled; the
/// facts themselves tell their ente and day.
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

    /// In a fixed order: a block written twice is written with the same bytes.
    pub(crate) fn sorted(&self) -> Vec<(FateGroup, u64)> {
        let mut groups: Vec<_> = self
            .groups()
            .map(|(group, records)| (group.clone(), records))
            .collect();
        groups.sort();
        groups
    }
}

/// The checksum of a block after one more record of it.
fn add_read(record: &Record<'_>, mode: Mode, checksum: u64) -> u64 {
    let offset = record.offset().0.unsigned_abs();
    let checksum = xxh3_64_with_seed(record.payload(), checksum ^ offset);
    match mode {
        Mode::Binary => add_headers(record, checksum),
        Mode::Structured => checksum,
    }
}

/// The same for a record that is only compared.
pub(crate) fn add_to_checksum(record: &Record<'_>, checksum: u64) -> u64 {
    add_read(record, decode(record).mode, checksum)
}

const DAY_MS: i64 = 86_400_000;

/// The UTC day of a moment, in days since 1970.
fn day(ms: i64) -> u16 {
    u16::try_from(ms.div_euclid(DAY_MS)).unwrap_or(0)
}

/// An event that memory could not decide on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undecided {
    pub(crate) row: usize,
    pub(crate) time_ms: i64,
    pub(crate) identity: u64,
}

/// A block in the making.
pub(crate) struct Draft {
    /// Where it begins: the committed offset.
    pub(crate) first: NextOffset,
    /// Where reading goes on after it.
    pub(crate) end: NextOffset,
    pub(crate) facts: FactBlock,
    pub(crate) undecided: Vec<Undecided>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    dead_letter_bytes: usize,
    /// Records taken in.
    pub(crate) read: u64,
    pub(crate) fates: Fates,
    /// What the records tell of who made them.
    pub(crate) sequences: Sequences,
    /// The traces that the records belong to.
    pub(crate) traces: Links,
    /// Of offset and payload of every record, and the headers of one in binary mode, in order:
    /// what was read, whatever was made of it.
    pub(crate) checksum: u64,
    opened: Option<Instant>,
    /// Time of its first record in the log, in milliseconds since 1970, where the log says it.
    pub(crate) oldest_ms: Option<i64>,
    /// Ranges of offsets that held no record, in order.
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

    /// The draft that goes on where this one ends.
    pub(crate) fn next(&self) -> Self {
        Self {
            facts: self.facts.another(),
            ..Self::begin(self.end)
        }
    }

    /// True before it covers any offset. One that covers offsets without a record is written, too.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == self.first
    }

    /// Whether it must not take in more.
    pub(crate) fn is_full(&self, config: &Config) -> bool {
        self.reaches(config.block_records_max, config.block_bytes_max)
    }

    /// Whether it is worth writing: two thirds full. The rest is room for what is read during the
    /// last steps of the block before it.
    pub(crate) fn is_large(&self, config: &Config) -> bool {
        let enough = |limit: usize| limit - limit / 3;
        self.reaches(
            enough(config.block_records_max),
            enough(config.block_bytes_max),
        )
    }

    fn reaches(&self, records: usize, bytes: usize) -> bool {
        self.read >= records as u64 || self.facts.bytes() + self.dead_letter_bytes >= bytes
    }

    /// Whether its oldest record has waited long enough.
    pub(crate) fn is_due(&self, now: Instant, wait: Duration) -> bool {
        self.opened
            .is_some_and(|opened| now.duration_since(opened) >= wait)
    }

    /// Goes on to `next` without a record.
    pub(crate) fn extend(&mut self, next: NextOffset) {
        if next > self.end {
            self.gaps.push(self.end.0..next.0);
            self.end = next;
            self.opened.get_or_insert_with(Instant::now);
        }
    }

    /// Takes in a record: from here on it has a fate.
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
            Ok(Message::Usage(event)) if !classifier.keeps(&event) => {
                let refusal = Refusal::Quarantine(Quarantine::BeyondRetention);
                self.refuse(record, reading.mode, &refusal);
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
        let fate = match refusal {
            Refusal::Reject(_) => Fate::Rejected,
            Refusal::Quarantine(_) => Fate::Quarantined,
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

    /// Drops the events that memory has seen before, and notes those that it cannot decide on. All
    /// of a block at once: look-ups that follow one another at once wait for memory together.
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

    /// Drops the undecided events that are facts already, or stand in this block twice: memory
    /// may have let go of an event of this very block.
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
        let (stream, partition) = (&*origin.stream, origin.kafka_partition);
        let offsets = self.facts.offsets().enumerate();
        let keep: Vec<bool> = offsets
            .map(|(row, offset)| {
                let (ente, day) = self.facts.ente_and_day(row);
                let (fact, place) = (
                    (ente, self.facts.portal(row), day),
                    (stream, partition, offset),
                );
                !erasures.iter().any(|erasure| erasure.covers(fact, place))
            })
            .collect();
        self.drop_as(Fate::Erased, &keep);
    }

    /// Drops the duplicates: those whose place in `keep` says no.
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

    /// Counts the events that are stored. From here on every record has its fate.
    pub(crate) fn close(&mut self) {
        for ((ente, day), facts) in self.facts.by_ente_and_day() {
            self.fates.add(Fate::Stored, "", ente, day, facts);
        }
    }

    /// What is the same whenever its records are read.
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
            at: crate::mark::now(),
        }
    }
}
