mod hours;

use bytes::Bytes;
use hashbrown::HashMap;

use self::hours::each_shared_column;
use crate::dimension::{ATTRIBUTES, AttributeColumns, VisitAttributes};
use crate::native::{Numbers, Ranked as _, Words, constant_word, put_column, put_head};

/// A classified event to be inserted into `usage_events`. Enumerations use the codes of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// Time of the event, in milliseconds since 1970.
    pub time_ms: i64,
    /// Start of the local hour, in seconds since 1970.
    pub hour_start: u32,
    /// Local day, in days since 1970.
    pub local_date: u16,
    /// Local hour, 0 to 23.
    pub local_hour: u8,
    /// Code of the hour band.
    pub band: i8,
    /// Code of the public body.
    pub ente: &'a str,
    /// Code of the portal.
    pub portal: &'a str,
    /// Code of the service, or empty.
    pub service: &'a str,
    /// Code of the category, `unregistered`, or empty.
    pub category: &'a str,
    /// Code of the activity.
    pub activity: i8,
    /// Code of the kind, 0 for an access.
    pub kind: i8,
    /// Code of the resource, 0 for a service use.
    pub resource: i8,
    /// Code of the outcome.
    pub outcome: i8,
    /// Attributes of the visit.
    pub attributes: VisitAttributes<'a>,
    /// Hash of the session, or 0.
    pub session: u64,
    /// Hash of the visitor, or 0.
    pub visitor: u64,
    /// Hash of source and id.
    pub identity: u64,
    /// Offset in the partition.
    pub kafka_offset: u64,
}

/// Attributes shared by all facts of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOrigin {
    /// Log that the block was read from.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Version of the rules that classified the facts.
    pub rules: String,
}

/// A block in Native format.
#[derive(Debug, Clone)]
pub struct EncodedBlock {
    /// Rows of `usage_events`.
    pub facts: Bytes,
    /// Rows of `usage_hourly`, with the visitors as a list.
    pub hours: Bytes,
}

/// Facts in columns, ready to be sent as one block.
#[derive(Debug, Clone, Default)]
pub struct FactBlock {
    time_ms: Numbers<i64>,
    hour_start: Numbers<u32>,
    local_date: Numbers<u16>,
    local_hour: Numbers<u8>,
    band: Numbers<i8>,
    ente: Words,
    portal: Words,
    service: Words,
    category: Words,
    activity: Numbers<i8>,
    kind: Numbers<i8>,
    resource: Numbers<i8>,
    outcome: Numbers<i8>,
    attributes: AttributeColumns,
    session: Numbers<u64>,
    visitor: Numbers<u64>,
    identity: Numbers<u64>,
    kafka_offset: Numbers<u64>,
}

/// Calls `$each!` with field, name and ClickHouse type of every column of the facts that is no
/// attribute.
macro_rules! each_column {
    ($self:ident, $each:ident) => {
        each_shared_column!($self, $each);
        $each!($self, time_ms, "time", "DateTime64(3, 'UTC')");
        $each!($self, resource, "resource", "Int8");
        $each!($self, session, "session", "UInt64");
        $each!($self, visitor, "visitor", "UInt64");
        $each!($self, identity, "identity", "UInt64");
        $each!($self, kafka_offset, "kafka_offset", "UInt64");
    };
}

/// Columns from the block's origin.
const ORIGIN_COLUMNS: [&str; 3] = ["stream", "rules", "kafka_partition"];

impl FactBlock {
    /// Adds a fact.
    pub fn push(&mut self, fact: &Fact<'_>) {
        macro_rules! put {
            ($self:ident, $field:ident, $name:literal, $type:literal) => {
                $self.$field.push(fact.$field);
            };
        }
        each_column!(self, put);
        self.attributes.push(&fact.attributes);
    }

    /// Creates an empty block with the capacity of this one. Consecutive blocks are similar in
    /// size, so this avoids reallocation.
    pub fn another(&self) -> Self {
        let rows = self.rows();
        let mut block = Self::default();
        macro_rules! reserve {
            ($block:ident, $field:ident, $name:literal, $type:literal) => {
                $block.$field.reserve(rows);
            };
        }
        each_column!(block, reserve);
        block.attributes.reserve(rows);
        block
    }

    /// Returns the number of facts.
    pub fn rows(&self) -> usize {
        self.time_ms.0.len()
    }

    /// Returns true if the block has no facts.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Returns the approximate memory use, in bytes.
    pub fn bytes(&self) -> usize {
        let mut bytes = self.attributes.bytes();
        macro_rules! add {
            ($self:ident, $field:ident, $name:literal, $type:literal) => {
                bytes += $self.$field.bytes();
            };
        }
        each_column!(self, add);
        bytes
    }

    /// Returns event time and identity of each fact.
    pub fn identities(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.time_ms
            .0
            .iter()
            .copied()
            .zip(self.identity.0.iter().copied())
    }

    /// Returns the offset of each fact.
    pub fn offsets(&self) -> impl Iterator<Item = u64> + '_ {
        self.kafka_offset.0.iter().copied()
    }

    /// Returns the start of the local hour of each fact, in seconds since 1970.
    pub fn hours(&self) -> impl Iterator<Item = u32> + '_ {
        self.hour_start.0.iter().copied()
    }

    /// Returns public body and local day of the fact in `row`.
    pub fn ente_and_day(&self, row: usize) -> (&str, u16) {
        (self.ente.word(row), self.local_date.0[row])
    }

    /// Returns the portal of the fact in `row`.
    pub fn portal(&self, row: usize) -> &str {
        self.portal.word(row)
    }

    /// Returns the number of facts by public body and local day, in days since 1970.
    pub fn by_ente_and_day(&self) -> Vec<((&str, u16), u64)> {
        let mut counts: HashMap<(u32, u16), u64> = HashMap::new();
        for key in self.ente.places().zip(self.local_date.0.iter().copied()) {
            *counts.entry(key).or_default() += 1;
        }
        counts
            .into_iter()
            .map(|((place, day), facts)| ((self.ente.key(place), day), facts))
            .collect()
    }

    /// Keeps the facts whose entry in `keep` is true. Facts beyond the end of `keep` stay.
    pub fn retain(&mut self, keep: &[bool]) {
        macro_rules! retain {
            ($self:ident, $field:ident, $name:literal, $type:literal) => {
                $self.$field.retain(keep);
            };
        }
        each_column!(self, retain);
        self.attributes.retain(keep);
    }

    /// Encodes the facts and their hour rows in Native format, each sorted by the key of its table.
    pub fn encode(&self, origin: &BlockOrigin) -> EncodedBlock {
        EncodedBlock {
            facts: self.encode_facts(origin).into(),
            hours: self.encode_hours().into(),
        }
    }

    /// Returns the facts in the order of the table's key.
    fn order(&self) -> Vec<u32> {
        let [ente, category, service] =
            [&self.ente, &self.category, &self.service].map(Words::ranks);
        let mut keys: Vec<_> = (0..)
            .zip(&self.time_ms.0)
            .enumerate()
            .map(|(row, (fact, time_ms))| {
                let codes = [
                    self.ente.rank(&ente, row),
                    self.category.rank(&category, row),
                    self.service.rank(&service, row),
                ];
                (codes, *time_ms, fact)
            })
            .collect();
        keys.sort_unstable();
        keys.into_iter().map(|(.., fact)| fact).collect()
    }

    pub(crate) fn encode_facts(&self, origin: &BlockOrigin) -> Vec<u8> {
        let (rows, order) = (self.rows(), self.order());
        let mut bytes = Vec::with_capacity(self.bytes() + 4096);
        let out = &mut bytes;
        put_head(Self::column_names().len(), rows, out);
        macro_rules! encode {
            ($self:ident, $field:ident, $name:literal, $type:literal) => {
                put_column($name, $type, out);
                $self.$field.encode(&order, out);
            };
        }
        each_column!(self, encode);
        self.attributes.encode(|_| true, &order, out);
        let [stream, rules, kafka_partition] = ORIGIN_COLUMNS;
        put_column(stream, "LowCardinality(String)", out);
        constant_word(&origin.stream, rows, out);
        put_column(rules, "LowCardinality(String)", out);
        constant_word(&origin.rules, rows, out);
        put_column(kafka_partition, "UInt32", out);
        for _ in 0..rows {
            out.extend_from_slice(&origin.kafka_partition.to_le_bytes());
        }
        bytes
    }

    /// Returns the statement for the facts of a block in `table`.
    pub fn insert_facts(table: &str) -> String {
        let columns = Self::column_names().join(", ");
        format!("INSERT INTO {table} ({columns}) FORMAT Native")
    }

    fn column_names() -> Vec<&'static str> {
        let mut names = Vec::new();
        macro_rules! name {
            ($names:ident, $field:ident, $name:literal, $type:literal) => {
                $names.push($name);
            };
        }
        each_column!(names, name);
        names.extend(ATTRIBUTES.iter().map(|one| one.name));
        names.extend(ORIGIN_COLUMNS);
        names
    }
}
