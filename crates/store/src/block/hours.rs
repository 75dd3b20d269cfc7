//! Hour rows of a block of facts, summed up before they are sent. `sql/hour_rows.sql` makes the same
//! rows from stored facts, for repairs, comparisons and rebuilds.

use hashbrown::HashMap;

use super::FactBlock;
use crate::dimension::ATTRIBUTES;
use crate::native::{Number as _, Ranked as _, Words, put_column, put_head};
use crate::sql::filled;

/// Codes of the schema that decide what an event counts as.
const NO_RESOURCE: i8 = 0;
const PAGE: i8 = 1;
const SERVICE_USE: i8 = 2;
const COMPLETED: i8 = 1;

/// Number of columns that the sums are grouped by, without attributes.
const FIXED: usize = 11;
const KEYS: usize = FIXED + attributes();

/// Ranks of the columns that the sums are grouped by, in the order of the table's key.
type Key = [u32; KEYS];

/// Returns the number of attributes that the hour rows have.
const fn attributes() -> usize {
    let (mut count, mut at) = (0, 0);
    while at < ATTRIBUTES.len() {
        if ATTRIBUTES[at].attribute.hours.is_some() {
            count += 1;
        }
        at += 1;
    }
    count
}

/// Sums of an hour row.
struct Sums {
    /// A fact of the row, for the columns that the sums are grouped by.
    fact: u32,
    events: u64,
    accesses: u64,
    service_uses: u64,
    /// Number of facts with a visitor.
    visits: u64,
}

/// Calls `$each!` with field, name and ClickHouse type of every column that facts and hour rows
/// share and that is no attribute.
macro_rules! each_shared_column {
    ($self:ident, $each:ident) => {
        $each!($self, hour_start, "hour_start", "DateTime('UTC')");
        $each!($self, local_date, "local_date", "Date");
        $each!($self, local_hour, "local_hour", "UInt8");
        $each!($self, band, "band", "Int8");
        $each!($self, ente, "ente", "LowCardinality(String)");
        $each!($self, portal, "portal", "LowCardinality(String)");
        $each!($self, service, "service", "LowCardinality(String)");
        $each!($self, category, "category", "LowCardinality(String)");
        $each!($self, activity, "activity", "Int8");
        $each!($self, kind, "kind", "Int8");
        $each!($self, outcome, "outcome", "Int8");
    };
}
pub(super) use each_shared_column;

/// Columns with the sums. `visitor_ids` become a sketch of distinct visitors on the server.
const SUMS: [(&str, &str); 4] = [
    ("events", "UInt64"),
    ("accesses", "UInt64"),
    ("service_uses", "UInt64"),
    ("visitor_ids", "Array(UInt64)"),
];

impl FactBlock {
    /// Encodes the hour rows of the block in Native format, sorted by the key of their table.
    pub(super) fn encode_hours(&self) -> Vec<u8> {
        let keys = self.hour_keys();
        let mut rows_by_key: HashMap<&Key, u32> = HashMap::new();
        let mut all: Vec<Sums> = Vec::new();
        let mut of_facts = Vec::with_capacity(keys.len());
        for (fact, key) in (0..).zip(&keys) {
            let next = u32::try_from(all.len()).expect("a block has fewer than 2^32 rows");
            let place = *rows_by_key.entry(key).or_insert(next);
            if place == next {
                all.push(Sums {
                    fact,
                    events: 0,
                    accesses: 0,
                    service_uses: 0,
                    visits: 0,
                });
            }
            let (sums, fact) = (&mut all[place as usize], fact as usize);
            let is_use = self.activity.0[fact] == SERVICE_USE && self.outcome.0[fact] == COMPLETED;
            sums.events += 1;
            sums.accesses += u64::from(self.resource.0[fact] == PAGE);
            sums.service_uses += u64::from(is_use);
            sums.visits += u64::from(self.has_visitor(fact));
            of_facts.push(place);
        }
        let mut sorted: Vec<u32> = (0..).take(all.len()).collect();
        sorted.sort_unstable_by_key(|place| &keys[all[*place as usize].fact as usize]);
        self.put_hours(&all, &sorted, &of_facts)
    }

    /// Encodes hour rows in the order of `sorted`. `of_facts` is the hour row of each fact.
    fn put_hours(&self, all: &[Sums], sorted: &[u32], of_facts: &[u32]) -> Vec<u8> {
        let ordered = || sorted.iter().map(|place| &all[*place as usize]);
        let order: Vec<u32> = ordered().map(|sums| sums.fact).collect();
        let mut bytes = Vec::with_capacity(all.len() * 64 + of_facts.len() * 8);
        let out = &mut bytes;
        put_head(KEYS + SUMS.len(), order.len(), out);
        macro_rules! encode {
            ($self:ident, $field:ident, $name:literal, $type:literal) => {
                put_column($name, $type, out);
                $self.$field.encode(&order, out);
            };
        }
        each_shared_column!(self, encode);
        self.attributes
            .encode(|attribute| attribute.hours.is_some(), &order, out);
        let [events, accesses, service_uses, visitor_ids] = SUMS;
        put_column(events.0, events.1, out);
        u64::put_all(ordered().map(|sums| sums.events), out);
        put_column(accesses.0, accesses.1, out);
        u64::put_all(ordered().map(|sums| sums.accesses), out);
        put_column(service_uses.0, service_uses.1, out);
        u64::put_all(ordered().map(|sums| sums.service_uses), out);
        put_column(visitor_ids.0, visitor_ids.1, out);
        // An array column is the ends of the arrays, followed by all values.
        let mut end = 0;
        let mut begins = vec![0; all.len()];
        for place in sorted {
            begins[*place as usize] = end;
            end += all[*place as usize].visits;
            end.put(out);
        }
        let mut visitors = vec![0; usize::try_from(end).unwrap_or(0)];
        for (fact, place) in of_facts.iter().enumerate() {
            if self.has_visitor(fact) {
                let at = &mut begins[*place as usize];
                visitors[usize::try_from(*at).unwrap_or(0)] = self.visitor.0[fact];
                *at += 1;
            }
        }
        u64::put_all(visitors.into_iter(), out);
        bytes
    }

    /// True if the fact counts for the distinct visitors of pages and services.
    fn has_visitor(&self, fact: usize) -> bool {
        self.visitor.0[fact] != 0 && matches!(self.resource.0[fact], NO_RESOURCE | PAGE)
    }

    /// Returns the key of each fact's hour row.
    fn hour_keys(&self) -> Vec<Key> {
        let [ente, category, service, portal] =
            [&self.ente, &self.category, &self.service, &self.portal].map(Words::ranks);
        let mut keys: Vec<Key> = (0..self.rows())
            .map(|row| {
                let mut key = [0; KEYS];
                key[..FIXED - 1].copy_from_slice(&[
                    self.ente.rank(&ente, row),
                    self.category.rank(&category, row),
                    u32::from(self.local_date.0[row]),
                    u32::from(self.local_hour.0[row]),
                    self.hour_start.0[row],
                    self.service.rank(&service, row),
                    self.portal.rank(&portal, row),
                    self.activity.rank(&[], row),
                    self.kind.rank(&[], row),
                    self.outcome.rank(&[], row),
                ]);
                key[KEYS - 1] = self.band.rank(&[], row);
                key
            })
            .collect();
        let mut attributes = Vec::with_capacity(KEYS - FIXED);
        self.attributes
            .each_rank(self.rows(), |place, ranks| attributes.push((place, ranks)));
        attributes.sort_unstable_by_key(|(place, _)| *place);
        for (at, (_, ranks)) in (FIXED - 1..).zip(attributes) {
            for (key, rank) in keys.iter_mut().zip(ranks) {
                key[at] = rank;
            }
        }
        keys
    }

    /// Returns the statement for the hour rows of a block.
    pub fn insert_hours() -> String {
        let mut columns: Vec<(&str, &str)> = Vec::with_capacity(KEYS);
        macro_rules! name {
            ($columns:ident, $field:ident, $name:literal, $type:literal) => {
                $columns.push(($name, $type));
            };
        }
        each_shared_column!(columns, name);
        let attributes = ATTRIBUTES
            .iter()
            .filter(|one| one.attribute.hours.is_some());
        columns.extend(attributes.map(|one| (one.name, one.attribute.native_type())));
        let keys: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let keys = keys.join(", ");
        columns.extend(SUMS);
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, kind)| format!("{name} {}", kind.replace('\'', "\\'")))
            .collect();
        let names = [("keys", &*keys), ("columns", &*columns.join(", "))];
        filled(include_str!("../../sql/insert_hours.sql"), &names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fact, VisitAttributes};

    fn fact(ente: &str, hour: u32, visitor: u64) -> Fact<'_> {
        Fact {
            time_ms: i64::from(hour) * 3_600_000,
            hour_start: hour * 3_600,
            local_date: 0,
            local_hour: 0,
            band: 1,
            ente,
            portal: "",
            service: "",
            category: "",
            activity: 1,
            kind: 0,
            resource: PAGE,
            outcome: COMPLETED,
            attributes: VisitAttributes {
                portal_kind: 0,
                device: 1,
                device_rule: "",
                login: 1,
                channel: 1,
                country: "",
                region: "",
            },
            session: 0,
            visitor,
            identity: 0,
            kafka_offset: 0,
        }
    }

    /// Returns the numbers at the end of a block: the ends of the arrays of visitors, and the
    /// visitors.
    fn last_numbers<const COUNT: usize>(rows: &[u8]) -> [u64; COUNT] {
        let numbers = rows.rchunks_exact(8).take(COUNT);
        let mut numbers: Vec<u64> = numbers
            .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        numbers.reverse();
        numbers.try_into().unwrap()
    }

    #[test]
    fn rows_are_sorted_and_have_the_visitors_of_their_facts() {
        let mut block = FactBlock::default();
        let [asset, error] = [2, 3].map(|resource| Fact {
            resource,
            ..fact("a", 2, 9)
        });
        for fact in [
            fact("b", 1, 7),
            fact("a", 2, 3),
            fact("b", 1, 0),
            asset,
            error,
        ] {
            block.push(&fact);
        }
        let other = Fact {
            visitor: 8,
            ..fact("b", 1, 0)
        };
        block.push(&other);
        let rows = block.encode_hours();
        assert_eq!(rows[..2], [u8::try_from(KEYS + SUMS.len()).unwrap(), 2]);
        // The row of `a` comes first: one visitor, an asset and an error answer that are no visits.
        assert_eq!(last_numbers(&rows), [1, 3, 3, 7, 8]);
    }

    #[test]
    fn keys_are_those_of_the_table() {
        let schema = crate::migrations()
            .iter()
            .find(|one| one.object_name() == "usage_hourly")
            .unwrap()
            .sql;
        let key = schema.split_once("ORDER BY (").unwrap().1;
        let key = key.split_once(')').unwrap().0;
        let expected = "ente, category, local_date, local_hour, hour_start, service, portal, activity, kind, outcome, channel, login, device, country, portal_kind, band";
        assert_eq!(key, expected);
        assert_eq!(KEYS, expected.split(", ").count());
        for column in expected.split(", ") {
            assert!(FactBlock::insert_hours().contains(column), "{column}");
        }
    }
}
