//! Rebuild of the facts: the current facts, their shadow table, and the copied facts.

use std::ops::Range;

use bytes::Bytes;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, LONG, Run, Settled, listed};
use crate::cluster::FIRST_SHARD;
use crate::sql::quoted;
use crate::{BlockOrigin, FactBlock, InsertToken, Rebuilds, StoreError};

/// Offsets compared at once: their list needs 8 MB.
pub const WINDOW_OFFSETS: u64 = 1_000_000;
/// Maximum number of offsets listed in a statement.
const NAMED_MAX: usize = 5_000;

/// Number of facts in a window of offsets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Row, Serialize, Deserialize)]
pub struct OffsetWindow {
    /// Name of the log.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Offset divided by [`WINDOW_OFFSETS`].
    pub window: u64,
    /// Number of facts.
    pub facts: u64,
}

impl OffsetWindow {
    /// Returns the settled offsets of the window.
    pub fn offsets(&self, settled: &Settled) -> Range<u64> {
        let first = self.window * WINDOW_OFFSETS;
        let end = settled.end(&self.stream, self.kafka_partition);
        first..(first + WINDOW_OFFSETS).min(end)
    }
}

/// Current register entry for the codes of a copied fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodesRow {
    /// Ente, portal and service stored in the fact.
    pub before: [String; 3],
    /// First local day of this entry, in days since 1970.
    pub from_day: u16,
    /// Ente, portal and service in the register.
    pub after: [String; 3],
    /// Category of the service from that day on.
    pub category: String,
}

/// Selection of facts to copy.
#[derive(Debug, Clone)]
pub struct FactCopy<'c> {
    /// Months of event time, as `YYYYMM`.
    pub months: &'c [u32],
    /// Name of the log.
    pub stream: &'c str,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// Range of offsets.
    pub offsets: Range<u64>,
    /// Offsets to copy within the range; empty for all of them.
    pub only: &'c [u64],
    /// Version of the current register, as a part of the rules.
    pub register: &'c str,
}

impl Rebuilds {
    /// Returns the months of event time with retained facts.
    pub async fn fact_months(&self) -> Result<Vec<u32>, StoreError> {
        self.0
            .rows(&format!(
                "SELECT DISTINCT toYYYYMM(time) AS month FROM {FACTS} WHERE {} ORDER BY month",
                self.0.boundary().await?.of_months("month")
            ))
            .await
    }

    pub(super) async fn create_codes(&self, run: &Run) -> Result<(), StoreError> {
        let table = run.shadow("codes");
        self.0
            .create_from(include_str!("../../sql/codes.sql"), &table, FIRST_SHARD)
            .await
    }

    /// Returns the windows of offsets in which the shadow table has a different number of facts.
    pub async fn differing_windows(
        &self,
        run: &Run,
        months: &[u32],
        settled: &Settled,
    ) -> Result<Vec<OffsetWindow>, StoreError> {
        let condition = settled.condition("kafka_offset");
        let mut present = self.windows(FACTS, months, &condition).await?;
        let shadow = self.windows(&run.shadow("events"), months, "1").await?;
        present.retain(|window| shadow.binary_search(window).is_err());
        Ok(present)
    }

    async fn windows(
        &self,
        table: &str,
        months: &[u32],
        condition: &str,
    ) -> Result<Vec<OffsetWindow>, StoreError> {
        self.0.rows(&format!(
            "SELECT toString(t.stream) AS stream, kafka_partition, intDiv(kafka_offset, {WINDOW_OFFSETS}) AS window, count() AS facts
             FROM {table} AS t WHERE toYYYYMM(time) IN ({}) AND {condition}
             GROUP BY stream, kafka_partition, window ORDER BY stream, kafka_partition, window SETTINGS {LONG}",
            listed(months)
        ))
        .await
    }

    /// Returns the offsets of the facts missing in the shadow table, in order.
    pub async fn missing_offsets(
        &self,
        run: &Run,
        months: &[u32],
        window: &OffsetWindow,
        offsets: Range<u64>,
    ) -> Result<Vec<u64>, StoreError> {
        let within = within(months, &window.stream, window.kafka_partition, &offsets);
        let mut missing = self.offsets_within(FACTS, &within).await?;
        let there = self.offsets_within(&run.shadow("events"), &within).await?;
        let mut there = there.into_iter().peekable();
        missing.dedup();
        missing.retain(|offset| {
            while there.next_if(|at| at < offset).is_some() {}
            there.peek() != Some(offset)
        });
        Ok(missing)
    }

    async fn offsets_within(&self, table: &str, within: &str) -> Result<Vec<u64>, StoreError> {
        self.0.rows(&format!(
            "SELECT kafka_offset FROM {table} WHERE {within} ORDER BY kafka_offset SETTINGS {LONG}"
        ))
        .await
    }

    /// Inserts facts read from the log into the shadow table, once for the run and the range.
    pub async fn insert_rebuilt(
        &self,
        run: &Run,
        block: &FactBlock,
        origin: &BlockOrigin,
        offsets: Range<u64>,
        attempt: u32,
    ) -> Result<(), StoreError> {
        let shadow = run.shadow("events");
        let of_run = BlockOrigin {
            stream: format!("rebuild-{}/{}", run.id, origin.stream),
            ..origin.clone()
        };
        let token =
            InsertToken::of(&of_run, offsets.start, offsets.end).of_repair(u64::from(attempt));
        let statement = format!(
            "INSERT INTO {shadow} ({}) FORMAT Native",
            FactBlock::columns()
        );
        self.0
            .insert(
                &shadow,
                statement,
                Bytes::from(block.encode(origin)),
                &token,
            )
            .await
    }

    /// Returns the combinations of ente, portal and service in the facts of `months`, and the range
    /// of their local days.
    pub async fn fact_codes(
        &self,
        months: &[u32],
    ) -> Result<(Vec<[String; 3]>, Range<u16>), StoreError> {
        let months = listed(months);
        let codes: Vec<(String, String, String)> = self.0
            .rows(&format!(
                "SELECT DISTINCT toString(ente), toString(portal), toString(service) FROM {FACTS} WHERE toYYYYMM(time) IN ({months}) SETTINGS {LONG}"
            ))
            .await?;
        let days: Vec<(u16, u16)> = self.0
            .rows(&format!(
                "SELECT toUInt16(min(local_date)), toUInt16(max(local_date)) FROM {FACTS} WHERE toYYYYMM(time) IN ({months}) SETTINGS {LONG}"
            ))
            .await?;
        let days = days
            .first()
            .map_or(0..0, |(first, last)| *first..last.saturating_add(1));
        Ok((codes.into_iter().map(|(a, b, c)| [a, b, c]).collect(), days))
    }

    /// Replaces the register entries for the codes.
    pub async fn put_codes(&self, run: &Run, codes: &[CodesRow]) -> Result<(), StoreError> {
        const ROWS_AN_INSERT: usize = 100_000;
        let table = run.shadow("codes");
        self.0.truncate(&table).await?;
        for (number, rows) in codes.chunks(ROWS_AN_INSERT).enumerate() {
            let mut body = String::new();
            for row in rows {
                let [ente, portal, service] = row.before.each_ref().map(|text| escaped(text));
                let [to_ente, to_portal, to_service] =
                    row.after.each_ref().map(|text| escaped(text));
                body.push_str(&format!(
                    "{ente}\t{portal}\t{service}\t{}\t{to_ente}\t{to_portal}\t{to_service}\t{}\n",
                    row.from_day,
                    escaped(&row.category)
                ));
            }
            let origin = BlockOrigin {
                stream: table.clone(),
                kafka_partition: 0,
                rules: String::new(),
            };
            let token = InsertToken::of(&origin, number as u64, number as u64 + 1);
            let statement = format!(
                "INSERT INTO {table} (ente, portal, service, from_day, to_ente, to_portal, to_service, to_category) FORMAT TabSeparated"
            );
            self.0
                .insert(&table, statement, body.into(), &token)
                .await?;
        }
        Ok(())
    }

    /// Copies facts to the shadow table with their current codes from the register. The device
    /// class stays unchanged, and so does its part of the rules. Facts already in the shadow table
    /// are skipped. Facts without register entries are skipped too, and are later found to be
    /// missing.
    pub async fn copy_facts(&self, run: &Run, copy: &FactCopy<'_>) -> Result<(), StoreError> {
        let chunks: Vec<&[u64]> = if copy.only.is_empty() {
            vec![&[]]
        } else {
            copy.only.chunks(NAMED_MAX).collect()
        };
        for only in chunks {
            self.copy_chunk(run, copy, only).await?;
        }
        Ok(())
    }

    async fn copy_chunk(
        &self,
        run: &Run,
        copy: &FactCopy<'_>,
        only: &[u64],
    ) -> Result<(), StoreError> {
        let shadow = run.shadow("events");
        let columns: Vec<String> = self
            .columns_of(FACTS)
            .await?
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let values: Vec<String> = columns
            .iter()
            .map(|name| match name.as_str() {
                "ente" | "portal" | "service" | "category" => format!("c.to_{name}"),
                // The rules have the parts device rules, register and geography. Only the register
                // changes.
                "rules" => format!(
                    "arrayStringConcat(arrayMap((part, place) -> if(place = 2, {}, part), splitByChar('+', e.rules), arrayEnumerate(splitByChar('+', e.rules))), '+')",
                    quoted(copy.register)
                ),
                _ => format!("e.{name}"),
            })
            .collect();
        let within = within(
            copy.months,
            copy.stream,
            copy.kafka_partition,
            &copy.offsets,
        );
        let named = if only.is_empty() {
            String::new()
        } else {
            let only: Vec<String> = only.iter().map(u64::to_string).collect();
            format!(" AND kafka_offset IN ({})", only.join(","))
        };
        // No insert token: the insert may produce several blocks, which a retry would split
        // differently. Existing facts are excluded by offset instead.
        self.0.execute(&format!(
            "INSERT INTO {shadow} ({}) SELECT {} FROM (
                SELECT * FROM {FACTS} WHERE {within}{named}
                AND kafka_offset NOT IN (SELECT kafka_offset FROM {shadow} WHERE {within})) AS e
             ASOF INNER JOIN {} AS c
             ON e.ente = c.ente AND e.portal = c.portal AND e.service = c.service AND toUInt16(e.local_date) >= c.from_day
             SETTINGS {LONG}, insert_deduplicate = 0, max_query_size = 1048576",
            columns.join(", "),
            values.join(", "),
            run.shadow("codes")
        ))
        .await
    }
}

fn within(months: &[u32], stream: &str, kafka_partition: u32, offsets: &Range<u64>) -> String {
    format!(
        "toYYYYMM(time) IN ({}) AND stream = {} AND kafka_partition = {kafka_partition} AND kafka_offset >= {} AND kafka_offset < {}",
        listed(months),
        quoted(stream),
        offsets.start,
        offsets.end
    )
}

/// Escapes a text for TabSeparated.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
}
