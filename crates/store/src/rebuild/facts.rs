//! Rebuild of the facts: the current facts, their shadow table, and the copied facts.

use std::ops::Range;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, LONG, Run, Settled};
use crate::cluster::FIRST_SHARD;
use crate::sql::{joined, statement};
use crate::{BlockOrigin, FactBlock, InsertToken, LogRange, Rebuilds, StoreError};

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

/// Codes in a fact.
#[derive(Row, Serialize, Deserialize)]
struct FactCodes {
    ente: String,
    portal: String,
    service: String,
}

/// Condition on the facts of [`crate::sql::Statement::bind_range`] in the parameter `months`.
const IN_RANGE: &str = include_str!("../../sql/facts_in_range.sql");

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
    /// Range of offsets.
    pub range: LogRange<'c>,
    /// Offsets to copy within the range; empty for all of them.
    pub only: &'c [u64],
    /// Version of the current register, as a part of the rules.
    pub register: &'c str,
}

impl Rebuilds {
    /// Returns the months of event time with retained facts.
    pub async fn fact_months(&self) -> Result<Vec<u32>, StoreError> {
        let of_months = self.0.boundary().await?.of_months("month");
        let query = statement!("fact_months").put("of_months", of_months);
        self.0.rows(query).await
    }

    pub(super) async fn create_codes(&self, run: &Run) -> Result<(), StoreError> {
        let table = run.shadow("codes");
        let template = include_str!("../../sql/codes.sql");
        self.0.create_from(template, &table, FIRST_SHARD).await
    }

    /// Returns the windows of offsets in which the shadow table has a different number of facts.
    pub async fn differing_windows(
        &self,
        run: &Run,
        months: &[u32],
        settled: &Settled,
    ) -> Result<Vec<OffsetWindow>, StoreError> {
        let query = statement!("offset_windows")
            .put("long", LONG)
            .bind("window_offsets", WINDOW_OFFSETS)
            .bind("months", months);
        let present = query
            .clone()
            .put("table", FACTS)
            .put("condition", settled.condition("kafka_offset"));
        let mut present: Vec<OffsetWindow> = self.0.rows(settled.bind(present)).await?;
        let shadow = query.put("table", run.shadow("events")).put("condition", 1);
        let shadow: Vec<OffsetWindow> = self.0.rows(shadow).await?;
        present.retain(|window| shadow.binary_search(window).is_err());
        Ok(present)
    }

    /// Returns the offsets of the facts missing in the shadow table, in order.
    pub async fn missing_offsets(
        &self,
        run: &Run,
        months: &[u32],
        window: &OffsetWindow,
        offsets: Range<u64>,
    ) -> Result<Vec<u64>, StoreError> {
        let range = LogRange::of(&window.stream, window.kafka_partition, offsets);
        let query = statement!("offsets_in_order")
            .put("in_range", IN_RANGE)
            .put("long", LONG)
            .bind("months", months)
            .bind_range(&range);
        let mut missing: Vec<u64> = self.0.rows(query.clone().put("table", FACTS)).await?;
        let there = query.put("table", run.shadow("events"));
        let there: Vec<u64> = self.0.rows(there).await?;
        let mut there = there.into_iter().peekable();
        missing.dedup();
        missing.retain(|offset| {
            while there.next_if(|at| at < offset).is_some() {}
            there.peek() != Some(offset)
        });
        Ok(missing)
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
        let statement = FactBlock::insert_facts(&shadow);
        let facts = block.encode_facts(origin).into();
        self.0.insert(&shadow, statement, facts, &token).await
    }

    /// Returns the combinations of ente, portal and service in the facts of `months`, and the range
    /// of their local days.
    pub async fn fact_codes(
        &self,
        months: &[u32],
    ) -> Result<(Vec<[String; 3]>, Range<u16>), StoreError> {
        let codes = statement!("fact_codes")
            .put("long", LONG)
            .bind("months", months);
        let codes: Vec<FactCodes> = self.0.rows(codes).await?;
        let codes = codes
            .into_iter()
            .map(|fact| [fact.ente, fact.portal, fact.service]);
        let days = statement!("fact_days")
            .put("long", LONG)
            .bind("months", months);
        let days: Vec<(u16, u16)> = self.0.rows(days).await?;
        let days = days
            .first()
            .map_or(0..0, |(first, last)| *first..last.saturating_add(1));
        Ok((codes.collect(), days))
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
        let columns = self.columns_of(FACTS).await?;
        let columns = columns.into_iter().map(|column| column.name);
        let columns: Vec<String> = columns.collect();
        let values = columns.iter().map(|name| match name.as_str() {
            "ente" | "portal" | "service" | "category" => format!("c.to_{name}"),
            // The rules have the parts device rules, register and geography. Only the register
            // changes.
            "rules" => include_str!("../../sql/copied_rules.sql").to_owned(),
            _ => format!("e.{name}"),
        });
        let named = match only {
            [] => String::new(),
            _ => format!(
                "AND kafka_offset IN ({})",
                joined(only.iter().map(u64::to_string))
            ),
        };
        // No insert token: the insert may produce several blocks, which a retry would split
        // differently. Existing facts are excluded by offset instead.
        let statement = statement!("copy_facts")
            .put("shadow", run.shadow("events"))
            .put("codes", run.shadow("codes"))
            .put("columns", columns.join(", "))
            .put("values", joined(values))
            .put("in_range", IN_RANGE)
            .put("named", named)
            .put("long", LONG)
            .bind("register", copy.register)
            .bind("months", copy.months)
            .bind_range(&copy.range);
        self.0.execute(statement).await
    }
}

/// Escapes a text for TabSeparated.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
}
