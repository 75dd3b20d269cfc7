//! Copies to the second database: settings, and the history that the log cannot give again.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{FACTS, LONG, SecondDatabase};
use crate::cluster::FIRST_SHARD;
use crate::hour_rows::{facts_of, hour_rows_of};
use crate::retention::Boundary;
use crate::sql::{Statement, joined, statement};
use crate::{BlockOrigin, InsertToken, Rebuilds, Settled, StoreError};

/// Tables that the replay reads: accepted losses, orders, closed years and the numbers of shards.
const SETTINGS: [&str; 4] = ["acceptances", "erasures", "sealed_years", "shard_layouts"];
/// Register entries of the codes in copied facts.
const CODES: &str = "rebuild_codes";
/// Columns of the ledger that do not depend on the register.
const LEDGER: &str = "stream, kafka_partition, first_offset, next_offset, records_read, stored, duplicate, rejected, quarantined, reports, erased, control, lost, checksum, rules";

/// First offsets that a replay may read.
#[derive(Debug, Clone)]
pub struct Lows {
    /// Name of the present log.
    pub stream: String,
    /// Partition, and its first offset.
    pub lows: Vec<(u32, u64)>,
    /// True if the topic is compacted: any record may be gone.
    pub is_compacted: bool,
}

/// Codes in facts, and the range of their local days, in days since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct FactCodes {
    /// Public body.
    pub ente: String,
    /// Portal.
    pub portal: String,
    /// Service.
    pub service: String,
    /// First day.
    pub first_day: u16,
    /// Last day.
    pub last_day: u16,
}

/// Register entry for the codes of a copied fact.
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
    /// Kind of the portal.
    pub portal_kind: &'static str,
}

/// Facts that were copied.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CopiedFacts {
    /// Log that the facts were originally read from.
    pub stream: String,
    /// Partition of that log.
    pub kafka_partition: u32,
    /// First offset of the facts.
    pub first_offset: u64,
    /// Last offset of the facts.
    pub last_offset: u64,
    /// Number of facts.
    pub facts: u64,
}

impl Rebuilds {
    /// Returns the facts that were copied. They keep the time of their first insert, before the
    /// start of the run.
    pub async fn copied(&self, started_at: u32) -> Result<Vec<CopiedFacts>, StoreError> {
        let query = statement!("copied_facts")
            .put("long", LONG)
            .bind("started_at", started_at);
        self.0.rows(query).await
    }
}

impl SecondDatabase {
    /// Creates the second database and copies what the replay needs to know.
    pub async fn create(&self) -> Result<(), StoreError> {
        let admin = self.store.admin();
        admin.migrate().await?;
        for table in SETTINGS {
            self.copy_rows(table, "", "1".into()).await?;
        }
        self.keep_from(self.live.boundary().await?).await?;
        self.follow_retention().await?;
        let template = include_str!("../../sql/codes.sql");
        self.second.create_from(template, CODES, FIRST_SHARD).await
    }

    /// Lets facts expire as in the present table. The boundary moves only if they may have expired:
    /// a month that begins during the replay changes nothing.
    pub async fn follow_retention(&self) -> Result<(), StoreError> {
        let months = self.live.facts_months().await?;
        let expiry = format!("toIntervalMonth({})", u32::from(months) + 1);
        let tables = self.second.definitions_of(&[FACTS]).await?;
        let follows = tables.iter().all(|table| match months {
            0 => !table.statement.contains(" TTL "),
            _ => table.statement.contains(&expiry),
        });
        if !follows {
            self.store.admin().keep_facts(months).await?;
        }
        self.keep_from(self.second.boundary().await?).await
    }

    /// Fixes the boundary of the second database.
    async fn keep_from(&self, boundary: Boundary) -> Result<(), StoreError> {
        let row = format!(
            "INSERT INTO retention (facts_months, facts_from) VALUES (0, toDate({}))",
            boundary.day
        );
        self.second.execute(row).await
    }

    /// Returns where the replay begins in each partition: at the end of the last block that the log
    /// cannot give again. Its first records are gone, its records were accepted as lost, or some of
    /// its facts may have expired. A partition without such a block is replayed from its beginning.
    pub async fn replay_starts(&self, lows: &Lows) -> Result<Settled, StoreError> {
        let (partitions, offsets): (Vec<u32>, Vec<u64>) = lows.lows.iter().copied().unzip();
        let query = statement!("replay_starts")
            .put("live", self.live.name())
            .bind("stream", &*lows.stream)
            .bind("is_compacted", lows.is_compacted)
            .bind("partitions", partitions)
            .bind("lows", offsets)
            .bind("day", self.second.boundary().await?.day);
        Ok(Settled {
            stream: lows.stream.clone(),
            ends: self.second.rows(query).await?,
        })
    }

    /// Returns the codes in the facts before `starts`.
    pub async fn fact_codes(&self, starts: &Settled) -> Result<Vec<FactCodes>, StoreError> {
        let query = statement!("fact_codes")
            .put("live", self.live.name())
            .put("condition", self.kept_before(starts).await?)
            .put("long", LONG);
        self.second.rows(starts.bind(query)).await
    }

    /// Stores the register entries for the codes.
    pub async fn put_codes(&self, codes: &[CodesRow]) -> Result<(), StoreError> {
        const ROWS_AN_INSERT: usize = 100_000;
        for (number, rows) in codes.chunks(ROWS_AN_INSERT).enumerate() {
            let mut body = String::new();
            for row in rows {
                let [ente, portal, service] = row.before.each_ref().map(|text| escaped(text));
                let [to_ente, to_portal, to_service] =
                    row.after.each_ref().map(|text| escaped(text));
                body.push_str(&format!(
                    "{ente}\t{portal}\t{service}\t{}\t{to_ente}\t{to_portal}\t{to_service}\t{}\t{}\n",
                    row.from_day,
                    escaped(&row.category),
                    row.portal_kind
                ));
            }
            let origin = BlockOrigin {
                stream: CODES.to_owned(),
                kafka_partition: 0,
                rules: String::new(),
            };
            let token = InsertToken::of(&origin, number as u64, number as u64 + 1);
            let statement = format!(
                "INSERT INTO {CODES} (ente, portal, service, from_day, to_ente, to_portal, to_service, to_category, to_portal_kind) FORMAT TabSeparated"
            );
            self.second
                .insert(CODES, statement, body.into(), &token)
                .await?;
        }
        Ok(())
    }

    /// Copies the facts before `starts` with their codes in the present register, and then their
    /// hour rows. A page with an error answer becomes an error, as the consumer classifies it now.
    /// The device class stays, and so does its part of the rules. Months whose facts may
    /// have expired are copied as they are.
    pub async fn copy_facts(&self, starts: &Settled, register: &str) -> Result<(), StoreError> {
        let columns = self.columns_of(FACTS).await?;
        let values = columns.iter().map(|name| match name.as_str() {
            "ente" | "portal" | "service" | "category" | "portal_kind" => {
                format!("c.to_{name}")
            }
            "resource" => include_str!("../../sql/copied_resource.sql").to_owned(),
            // The rules have the parts device rules, register and geography. Only the register
            // changes.
            "rules" => include_str!("../../sql/copied_rules.sql").to_owned(),
            _ => format!("e.{name}"),
        });
        let copy = statement!("copy_facts")
            .put("live", self.live.name())
            .put("columns", columns.join(", "))
            .put("values", joined(values))
            .put("condition", self.kept_before(starts).await?)
            .put("long", LONG)
            .bind("register", register);
        self.second.execute(starts.bind(copy)).await?;
        let boundary = self.second.boundary().await?;
        let hour_columns = self.columns_of("usage_hourly").await?.join(", ");
        let months = statement!("months_written")
            .put("written", "1")
            .put("hour_rows", "")
            .put("of_months", boundary.of_months("month"));
        for month in self.second.rows::<u32>(months).await? {
            let hours = statement!("copy_hours")
                .put("columns", &hour_columns)
                .put(
                    "hours",
                    hour_rows_of(&format!("{FACTS} WHERE {}", facts_of(month))),
                )
                .put("long", LONG);
            self.second.execute(hours).await?;
        }
        if boundary.month > 0 {
            let before = |column: &str| format!("toYYYYMM({column}) < {}", boundary.month);
            self.copy_rows(FACTS, "", before("time").into()).await?;
            self.copy_rows("usage_hourly", "", before("hour_start").into())
                .await?;
        }
        Ok(())
    }

    /// Copies the ledger rows before `starts`. Their enti, days and rules follow the copied facts;
    /// their totals stay. Records without a fact follow `renamed`: codes of enti before and after.
    pub async fn copy_ledger(
        &self,
        starts: &Settled,
        renamed: &[(String, String)],
    ) -> Result<(), StoreError> {
        let condition = starts.bind(starts.condition("first_offset").into());
        self.copy_rows("ingest_ledger", "FINAL", condition).await?;
        let (before, after): (Vec<String>, Vec<String>) = renamed.iter().cloned().unzip();
        let boundary = self.second.boundary().await?;
        let follow = statement!("follow_facts")
            .put("columns", LEDGER)
            .put("rows", rows_that_follow(renamed, boundary).text())
            .put("long", LONG)
            .bind("renamed_before", before)
            .bind("renamed_after", after);
        self.second.execute(follow).await
    }

    /// Returns the public bodies of ledger records that are not facts.
    pub async fn ledger_enti(&self) -> Result<Vec<String>, StoreError> {
        let query = statement!("ledger_enti").put("live", self.live.name());
        self.second.rows(query).await
    }

    /// Returns the condition on facts before `starts` whose month is kept.
    async fn kept_before(&self, starts: &Settled) -> Result<String, StoreError> {
        let boundary = self.second.boundary().await?;
        Ok(format!(
            "{} AND {}",
            boundary.of_months("toYYYYMM(time)"),
            starts.condition("kafka_offset")
        ))
    }

    async fn copy_rows(
        &self,
        table: &str,
        read: &str,
        condition: Statement,
    ) -> Result<(), StoreError> {
        let before = format!(
            "INSERT INTO {table} SELECT * FROM {}.{table} {read} WHERE ",
            self.live.name()
        );
        let copy = condition.within(&before, &format!(" SETTINGS {LONG}"));
        self.second.execute(copy).await
    }
}

/// Returns the query for the changed ledger rows. Entries for days with expired facts stay unchanged.
fn rows_that_follow(renamed: &[(String, String)], boundary: Boundary) -> Statement {
    let of_days = boundary.of_days("f.day");
    let ente = match renamed {
        [] => "toString(f.ente)".to_owned(),
        _ => format!(
            "if({of_days}, transform(toString(f.ente), {{renamed_before:Array(String)}}, {{renamed_after:Array(String)}}, toString(f.ente)), toString(f.ente))"
        ),
    };
    let kept = LEDGER.split(", ").filter(|name| *name != "rules");
    statement!("ledger_after_rebuild")
        .put(
            "kept",
            joined(kept.map(|name| format!("l.{name} AS {name}"))),
        )
        .put("ente", ente)
        .put("of_facts", boundary.of_days("e.local_date"))
        .put("of_days", of_days)
}

/// Escapes a text for TabSeparated.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
}
