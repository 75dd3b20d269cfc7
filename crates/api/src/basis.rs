//! State of the data that an answer is made of: its period, the enti of the client, and the register.
//! The ETag and the key of the cache contain it, so events of other enti and other months change
//! neither.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher as _};
use std::ops::RangeInclusive;

use affluenza_classify::hours::{date_since_1970, days_since_1970};
use affluenza_disclosure::edition::Editions;
use affluenza_store::usage::{EnteEvents, UNREGISTERED, Watermark};
use affluenza_store::{StoreError, Usage};
use jiff::Timestamp;
use tokio::sync::{Mutex, RwLock};
use xxhash_rust::xxh3::Xxh3;

use crate::asked::Asked;
use crate::compose::Viewer;
use crate::question::Resource;
use crate::state::Snapshot;

/// State of the data of an answer. Answers to the same question are equal while it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Basis {
    /// Hash of the figures' state and of the register's version. All pages of an answer have the
    /// same.
    pub figures: u64,
    /// Hash of the days with data.
    coverage: u64,
    /// Minute of an answer about the last minutes.
    minute: i64,
}

/// Returns the minute, if it changes the answer.
pub(crate) fn minute(resource: Resource) -> i64 {
    match resource {
        Resource::Live => Timestamp::now().as_second() / 60,
        _ => 0,
    }
}

/// Numbers of events by month and ente.
///
/// Events are only added within a generation of the watermark. So figures have changed only if the
/// number of events of their months and enti has. The numbers are read once for each watermark, and
/// only of months that have changed since the watermark before, however many clients ask. While
/// nothing is written, ClickHouse is not asked.
#[derive(Default)]
pub(crate) struct EventCounts {
    table: RwLock<EventTable>,
    /// Held while the numbers are read from ClickHouse.
    reading: Mutex<()>,
}

#[derive(Default)]
struct EventTable {
    watermark: Watermark,
    /// Months that were read under the watermark, by their first days.
    read: Option<RangeInclusive<i32>>,
    months: BTreeMap<i32, EventsOfMonth>,
    /// Place of each ente in the lists of the months.
    places: HashMap<String, usize>,
}

/// Numbers of events that were read under a watermark.
struct EventReading {
    watermark: Watermark,
    months: RangeInclusive<i32>,
    changed: Vec<i32>,
    rows: Vec<EnteEvents>,
}

#[derive(Default)]
struct EventsOfMonth {
    all: u64,
    /// Events by the place of the ente. Enti beyond the end have none.
    of_enti: Vec<u64>,
}

impl EventCounts {
    /// Returns the state of the data of an answer. The watermark is older than the number of
    /// events, and that is older than the figures: an answer may hold more than its ETag covers,
    /// never less.
    pub async fn basis(
        &self,
        asked: &Asked<'_>,
        viewer: &Viewer,
        snapshot: &Snapshot,
        usage: &Usage,
    ) -> Result<Basis, StoreError> {
        let resource = asked.question.resource;
        let enti = asked.enti(viewer.scope());
        let mut hasher = Xxh3::new();
        let days = (asked.compared, asked.reached);
        (snapshot.register.version(), days).hash(&mut hasher);
        if !matches!(resource, Resource::Catalogue | Resource::Register) {
            // The row of codes that the register does not know has those of any ente.
            let enti = enti.filter(|enti| !enti.iter().any(|ente| ente == UNREGISTERED));
            let events = self.events(months(asked), enti, snapshot, usage).await?;
            (&snapshot.watermark.generation, events).hash(&mut hasher);
        }
        Ok(Basis {
            figures: hasher.finish(),
            coverage: match resource {
                Resource::Catalogue | Resource::Live => 0,
                _ => snapshot
                    .coverage
                    .digest(asked.period, asked.enti(viewer.scope())),
            },
            minute: minute(resource),
        })
    }

    /// Returns the number of events of some enti in these months.
    async fn events(
        &self,
        months: RangeInclusive<i32>,
        enti: Option<&[String]>,
        snapshot: &Snapshot,
        usage: &Usage,
    ) -> Result<u64, StoreError> {
        let watermark = &snapshot.watermark;
        if let Some(events) = self.table.read().await.current(watermark, &months, enti) {
            return Ok(events);
        }
        let _reading = self.reading.lock().await;
        // Another question may have read them meanwhile.
        if let Some(events) = self.table.read().await.current(watermark, &months, enti) {
            return Ok(events);
        }
        let read = self.read(watermark, &months, usage).await?;
        let mut table = self.table.write().await;
        table.take(read);
        Ok(table.sum(&months, enti))
    }

    /// Reads the months that have changed, and those that were not read yet.
    async fn read(
        &self,
        watermark: &Watermark,
        months: &RangeInclusive<i32>,
        usage: &Usage,
    ) -> Result<EventReading, StoreError> {
        let (months, known) = self.table.read().await.known(watermark, months);
        let all = usage
            .events_of_months(*months.start(), *months.end())
            .await?;
        let changed = all
            .iter()
            .filter(|now| known.get(&now.month) != Some(&now.events));
        let changed: Vec<i32> = changed.map(|now| now.month).collect();
        let rows = match changed.is_empty() {
            true => Vec::new(),
            false => usage.events_of_enti(&changed).await?,
        };
        Ok(EventReading {
            watermark: watermark.clone(),
            months,
            changed,
            rows,
        })
    }
}

impl EventTable {
    /// Returns the number of events under the watermark, if it was read.
    fn current(
        &self,
        watermark: &Watermark,
        months: &RangeInclusive<i32>,
        enti: Option<&[String]>,
    ) -> Option<u64> {
        let is_read = self.watermark == *watermark && self.has_read(months);
        is_read.then(|| self.sum(months, enti))
    }

    fn has_read(&self, months: &RangeInclusive<i32>) -> bool {
        let read = self.read.as_ref();
        read.is_some_and(|read| read.contains(months.start()) && read.contains(months.end()))
    }

    /// Returns the months to read, and the numbers of events by month that are known.
    fn known(
        &self,
        watermark: &Watermark,
        months: &RangeInclusive<i32>,
    ) -> (RangeInclusive<i32>, BTreeMap<i32, u64>) {
        let read = self.read.as_ref().filter(|_| self.watermark == *watermark);
        let read = read.unwrap_or(months);
        let first = *months.start().min(read.start());
        let last = *months.end().max(read.end());
        if self.watermark.generation != watermark.generation {
            return (first..=last, BTreeMap::new());
        }
        let known = self
            .months
            .iter()
            .map(|(month, events)| (*month, events.all));
        (first..=last, known.collect())
    }

    fn take(&mut self, read: EventReading) {
        if self.watermark.generation != read.watermark.generation {
            self.months.clear();
        }
        self.replace(&read.changed, read.rows);
        self.watermark = read.watermark;
        self.read = Some(read.months);
    }

    fn replace(&mut self, changed: &[i32], rows: Vec<EnteEvents>) {
        for month in changed {
            self.months.insert(*month, EventsOfMonth::default());
        }
        for row in rows {
            let next = self.places.len();
            let place = *self.places.entry(row.ente).or_insert(next);
            let month = self.months.entry(row.month).or_default();
            if month.of_enti.len() <= place {
                month.of_enti.resize(place + 1, 0);
            }
            month.of_enti[place] = row.events;
            month.all += row.events;
        }
    }

    fn sum(&self, months: &RangeInclusive<i32>, enti: Option<&[String]>) -> u64 {
        let months = self.months.range(months.clone()).map(|(_, month)| month);
        let Some(enti) = enti else {
            return months.map(|month| month.all).sum();
        };
        let places = enti.iter().filter_map(|ente| self.places.get(ente));
        let places = Vec::from_iter(places.collect::<BTreeSet<_>>());
        months
            .flat_map(|month| places.iter().filter_map(|place| month.of_enti.get(**place)))
            .sum()
    }
}

impl Basis {
    /// Returns the state of a public answer: the seals of its periods, and the register.
    pub fn of_public(asked: &Asked<'_>, editions: &Editions, snapshot: &Snapshot) -> Self {
        let mut hasher = Xxh3::new();
        snapshot.register.version().hash(&mut hasher);
        for period in asked.closed() {
            // A month may be read from its year.
            let of_year = editions.version(period.year);
            (period, editions.version(period), of_year).hash(&mut hasher);
        }
        Self {
            figures: hasher.finish(),
            coverage: 0,
            minute: 0,
        }
    }
}

/// Returns the first days of the first and the last month of an answer.
fn months(asked: &Asked<'_>) -> RangeInclusive<i32> {
    let spans = asked
        .periods()
        .map(|period| (period.first(), period.last()));
    let (mut first, mut last) = spans
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .unwrap_or_default();
    if asked.question.resource == Resource::Live {
        // The local days of an instant differ by one from its day in UTC.
        let today = Timestamp::now().as_second() / 86_400;
        let today = i32::try_from(today).unwrap_or_default();
        (first, last) = (date_since_1970(today - 2), date_since_1970(today + 1));
    }
    days_since_1970(first.first_of_month())..=days_since_1970(last.first_of_month())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(month: i32, ente: &str, events: u64) -> EnteEvents {
        let ente = ente.to_owned();
        EnteEvents {
            month,
            ente,
            events,
        }
    }

    #[test]
    fn events_are_summed_by_month_and_ente() {
        let mut table = EventTable::default();
        table.replace(
            &[0, 31],
            vec![row(0, "a", 5), row(31, "a", 7), row(31, "b", 11)],
        );
        let [a, b, none] = ["a", "b", "c"].map(|ente| [ente.to_owned()]);
        assert_eq!(table.sum(&(0..=31), None), 23);
        assert_eq!(table.sum(&(0..=30), None), 5);
        assert_eq!(table.sum(&(0..=31), Some(&a)), 12);
        assert_eq!(table.sum(&(0..=31), Some(&none)), 0);
        let twice = [a[0].clone(), b[0].clone(), a[0].clone()];
        assert_eq!(table.sum(&(31..=31), Some(&twice)), 18);
        // A month that is read again replaces the earlier reading.
        table.replace(&[31], vec![row(31, "b", 12)]);
        assert_eq!(
            (table.sum(&(0..=31), None), table.sum(&(0..=31), Some(&b))),
            (17, 12)
        );
    }

    #[test]
    fn months_are_read_once_for_a_watermark() {
        let watermark = |generation: &str, blocks: &str| Watermark {
            generation: generation.to_owned(),
            blocks: blocks.to_owned(),
            ..Watermark::default()
        };
        let (first, next) = (watermark("a", "1"), watermark("a", "2"));
        let mut table = EventTable::default();
        table.take(EventReading {
            watermark: first.clone(),
            months: 31..=90,
            changed: vec![31],
            rows: vec![row(31, "a", 5)],
        });
        let months = 31..=59;
        assert_eq!(table.current(&first, &months, None), Some(5));
        assert_eq!(table.current(&first, &(0..=90), None), None);
        assert_eq!(table.current(&next, &months, None), None);
        assert_eq!(
            table.known(&next, &months),
            (31..=59, BTreeMap::from([(31, 5)]))
        );
    }
}
