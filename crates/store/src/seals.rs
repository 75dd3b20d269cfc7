//! Closed years, and what has moved since.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::YearFigures;
use crate::{InsertToken, Store, StoreError};

/// A row of `sealed_years`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SealRow {
    /// Place in the chain, from 1.
    pub number: u32,
    /// Which year was closed.
    pub year: u16,
    /// Why it was restated; empty for the first seal of a year.
    pub cause: String,
    /// When, in seconds since 1970.
    pub sealed_at: u32,
    /// What was sealed.
    pub content: String,
    /// Hash of the seal before.
    pub previous: String,
    /// Hash of this one.
    pub hash: String,
}

/// What became of a seal that was offered for its place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is in the chain.
    Here,
    /// Another one took the place first, and this one is not stored.
    Taken,
}

/// ClickHouse may remember the token of a row that it lost, or that was deleted: then the next token
/// is tried. A lost row is rare, so a few are enough.
const ATTEMPTS_MAX: u32 = 16;

impl Store {
    /// Every seal, in order.
    pub async fn seals(&self) -> Result<Vec<SealRow>, StoreError> {
        self.rows(
            "SELECT s.number AS number, s.year AS year, s.cause AS cause, toUnixTimestamp(s.sealed_at) AS sealed_at,
                    s.content AS content, s.previous AS previous, s.hash AS hash
             FROM sealed_years AS s ORDER BY number, hash",
        )
        .await
    }

    /// How many seals there are.
    pub async fn seal_count(&self) -> Result<u64, StoreError> {
        self.count("SELECT count() FROM sealed_years").await
    }

    /// Adds a seal, unless its place in the chain is taken.
    ///
    /// ClickHouse stores one insert under a token and drops every other, also when two come at the same
    /// moment from two machines. So the token of a place is what makes the chain one chain.
    ///
    /// # Errors
    /// ClickHouse does not answer, or keeps the row nowhere.
    pub async fn add_seal(&self, seal: &SealRow) -> Result<Placed, StoreError> {
        let no_row = |cause: String| StoreError::Query {
            what: format!("seal {}", seal.number),
            cause,
        };
        let row = serde_json::to_string(seal).map_err(|error| no_row(error.to_string()))?;
        let statement = "INSERT INTO sealed_years FORMAT JSONEachRow";
        for attempt in 0..ATTEMPTS_MAX {
            let token = InsertToken::of_seal(seal.number, attempt);
            let row = row.clone().into();
            self.insert("sealed_years", statement.to_owned(), row, &token)
                .await?;
            let held: Vec<String> = self
                .rows(&format!(
                    "SELECT s.hash FROM sealed_years AS s WHERE s.number = {}",
                    seal.number
                ))
                .await?;
            if held.contains(&seal.hash) {
                return Ok(Placed::Here);
            }
            if !held.is_empty() {
                return Ok(Placed::Taken);
            }
        }
        Err(no_row(format!("no row after {ATTEMPTS_MAX} inserts")))
    }

    /// Rules that the facts of a local year carry.
    pub async fn rules_of_year(&self, year: i16) -> Result<Vec<String>, StoreError> {
        self.rows(&format!(
            "SELECT DISTINCT toString(rules) FROM usage_events WHERE toYear(local_date) = {year} ORDER BY 1"
        ))
        .await
    }

    /// Figures of a local year by the facts that came before `ends` (stream, partition, next
    /// offset), as they are classified now: usage, services and devices of people only.
    pub async fn year_figures_before(
        &self,
        year: i16,
        ends: &[(String, u32, u64)],
    ) -> Result<YearFigures, StoreError> {
        let before: Vec<String> = ends
            .iter()
            .map(|(stream, partition, next)| {
                let stream = stream.replace('\\', "\\\\").replace('\'', "\\'");
                format!("(stream = '{stream}' AND kafka_partition = {partition} AND kafka_offset < {next})")
            })
            .collect();
        if before.is_empty() {
            return Ok(YearFigures::default());
        }
        let facts = format!(
            "usage_events AS e WHERE toYear(local_date) = {year} AND ({})",
            before.join(" OR ")
        );
        let used = "device != 'bot' AND activity = 'service-use' AND outcome = 'completed'";
        Ok(YearFigures {
            months_in_doubt: Vec::new(),
            usage: self
                .rows(&format!(
                    "SELECT toString(e.ente) AS ente, toString(e.category) AS category, toString(e.kind) AS kind, count() AS service_uses
                     FROM {facts} AND {used} GROUP BY ente, category, kind ORDER BY ente, category, kind"
                ))
                .await?,
            services: self
                .rows(&format!(
                    "SELECT toString(e.service) AS service, toString(e.category) AS category, count() AS service_uses, uniqExact(e.ente) AS enti
                     FROM {facts} AND {used} GROUP BY service, category ORDER BY service_uses DESC, service"
                ))
                .await?,
            devices: self
                .rows(&format!(
                    "SELECT toString(e.device) AS device, countIf(e.resource = 'page') AS accesses,
                            countIf(e.activity = 'service-use' AND e.outcome = 'completed') AS service_uses
                     FROM {facts} GROUP BY device ORDER BY device"
                ))
                .await?,
            ..YearFigures::default()
        })
    }
}
