//! Update of the ledger after a rebuild of the facts: totals stay, enti and days follow the facts.

use super::{LONG, Run, listed};
use crate::retention::Boundary;
use crate::sql::quoted;
use crate::{Store, StoreError};

const COLUMNS: [&str; 15] = [
    "stream",
    "kafka_partition",
    "first_offset",
    "next_offset",
    "records_read",
    "stored",
    "duplicate",
    "rejected",
    "quarantined",
    "reports",
    "erased",
    "control",
    "lost",
    "checksum",
    "rules",
];

impl Store {
    /// Returns the public bodies of ledger records that are not facts.
    pub async fn ledger_enti(&self) -> Result<Vec<String>, StoreError> {
        self.rows(
            "SELECT DISTINCT toString(f.ente) FROM (SELECT * FROM ingest_ledger FINAL) ARRAY JOIN fates AS f
             WHERE f.fate != 'stored' AND f.ente != '' ORDER BY 1",
        )
        .await
    }

    /// Writes the ledger rows of blocks again whose facts now have other enti, days or rules.
    /// Returns the number of rows.
    ///
    /// A block with missing facts stays unchanged, so that the gap remains visible. Other records
    /// on days of the run's months are renamed by `renamed`. The new row is one second younger than
    /// the old row: enough to replace it, without looking like a block written today.
    pub async fn follow_facts(
        &self,
        run: &Run,
        renamed: &[(String, String)],
    ) -> Result<u64, StoreError> {
        let body = rows_that_follow(run, renamed, self.boundary().await?);
        let rows = self
            .count(&format!("SELECT count() FROM ({body}) SETTINGS {LONG}"))
            .await?;
        if rows > 0 {
            self.execute(&format!(
                "INSERT INTO ingest_ledger ({}, `fates.ente`, `fates.day`, `fates.fate`, `fates.reason`, `fates.records`, written_at)
                 {body} SETTINGS {LONG}, insert_deduplicate = 0",
                COLUMNS.join(", ")
            ))
            .await?;
        }
        Ok(rows)
    }
}

/// Returns the query for the rows. Entries for days with expired facts stay unchanged.
fn rows_that_follow(run: &Run, renamed: &[(String, String)], boundary: Boundary) -> String {
    let list = |texts: &mut dyn Iterator<Item = &String>| {
        let texts: Vec<String> = texts.map(|text| quoted(text)).collect();
        texts.join(",")
    };
    let ente = if renamed.is_empty() {
        "toString(f.ente)".to_owned()
    } else {
        format!(
            "if(toYYYYMM(f.day) IN ({}), transform(toString(f.ente), [{}], [{}], toString(f.ente)), toString(f.ente))",
            listed(&run.swapped),
            list(&mut renamed.iter().map(|(from, _)| from)),
            list(&mut renamed.iter().map(|(_, to)| to)),
        )
    };
    let kept: Vec<String> = COLUMNS
        .iter()
        .filter(|name| **name != "rules")
        .map(|name| format!("l.{name} AS {name}"))
        .collect();
    format!(
            "SELECT {kept}, if(n.oldest = n.newest AND n.oldest != '', n.oldest, toString(l.rules)) AS rules,
                    arrayMap(g -> g.1, n.fates), arrayMap(g -> g.2, n.fates), arrayMap(g -> g.3, n.fates),
                    arrayMap(g -> g.4, n.fates), arrayMap(g -> g.5, n.fates), l.written_at + 1
             FROM (SELECT * FROM ingest_ledger FINAL) AS l
             INNER JOIN (
                SELECT stream, kafka_partition, first_offset, arraySort(groupArray((ente, day, fate, reason, records))) AS fates,
                       sumIf(records, fate = 'stored') AS facts, minIf(lo, fate = 'stored') AS oldest, maxIf(hi, fate = 'stored') AS newest
                FROM (
                    SELECT toString(b.stream) AS stream, b.kafka_partition AS kafka_partition, b.first_offset AS first_offset,
                           toString(e.ente) AS ente, e.local_date AS day,
                           CAST('stored', 'Enum8(\\'stored\\' = 1, \\'duplicate\\' = 2, \\'rejected\\' = 3, \\'quarantined\\' = 4, \\'report\\' = 5, \\'erased\\' = 6)') AS fate,
                           '' AS reason, toUInt64(count()) AS records, min(toString(e.rules)) AS lo, max(toString(e.rules)) AS hi
                    FROM usage_events AS e
                    ASOF JOIN (SELECT stream, kafka_partition, first_offset, next_offset FROM ingest_ledger FINAL) AS b
                    ON e.stream = b.stream AND e.kafka_partition = b.kafka_partition AND e.kafka_offset >= b.first_offset
                    WHERE e.kafka_offset < b.next_offset AND {of_facts}
                    GROUP BY stream, kafka_partition, first_offset, ente, day
                    UNION ALL
                    SELECT toString(o.stream), o.kafka_partition, o.first_offset, {ente} AS ente, f.day AS day, f.fate AS fate,
                           toString(f.reason) AS reason, sum(f.records) AS records, '' AS lo, '' AS hi
                    FROM (SELECT * FROM ingest_ledger FINAL) AS o ARRAY JOIN fates AS f
                    WHERE f.fate != 'stored' OR NOT ({of_days})
                    GROUP BY o.stream, o.kafka_partition, o.first_offset, ente, day, fate, reason)
                GROUP BY stream, kafka_partition, first_offset) AS n
             ON l.stream = n.stream AND l.kafka_partition = n.kafka_partition AND l.first_offset = n.first_offset
             WHERE n.facts = l.stored AND (
                arraySort(arrayMap((a, b, c, d, r) -> (toString(a), b, c, toString(d), r),
                    l.`fates.ente`, l.`fates.day`, l.`fates.fate`, l.`fates.reason`, l.`fates.records`)) != n.fates
                OR rules != toString(l.rules))",
            kept = kept.join(", "),
            of_facts = boundary.of_days("e.local_date"),
            of_days = boundary.of_days("f.day"),
        )
}
