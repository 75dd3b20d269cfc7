//! Sealed years, and figures for comparison with a seal.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::YearFigures;
use crate::{InsertToken, Registers, StoreError, Usage};

/// A row of `sealed_years`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SealRow {
    /// Position in the chain, from 1.
    pub number: u32,
    /// Closed year.
    pub year: u16,
    /// Reason for restating the year; empty for the first seal of a year.
    pub cause: String,
    /// Time of the seal, in seconds since 1970.
    pub sealed_at: u32,
    /// Sealed content.
    pub content: String,
    /// Hash of the previous seal.
    pub previous: String,
    /// Hash of this seal.
    pub hash: String,
}

/// Result of adding a seal to the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// The seal is in the chain.
    Here,
    /// Another seal has this position, and this one is not stored.
    Taken,
}

/// Maximum number of tokens tried for a seal. ClickHouse may remember the token of a lost or
/// deleted row. Lost rows are rare, so a few attempts are enough.
const ATTEMPTS_MAX: u32 = 16;

impl Registers {
    /// Returns all seals, in order.
    pub async fn seals(&self) -> Result<Vec<SealRow>, StoreError> {
        self.0.rows(
            "SELECT s.number AS number, s.year AS year, s.cause AS cause, toUnixTimestamp(s.sealed_at) AS sealed_at,
                    s.content AS content, s.previous AS previous, s.hash AS hash
             FROM sealed_years AS s ORDER BY number, hash",
        )
        .await
    }

    /// Adds a seal, unless its position in the chain is taken.
    ///
    /// ClickHouse stores one insert per token and drops all others, even concurrent ones from two
    /// machines. So the token of the position prevents a second branch of the chain.
    ///
    /// # Errors
    /// If ClickHouse does not respond, or stores no row after all attempts.
    pub async fn add_seal(&self, seal: &SealRow) -> Result<Placed, StoreError> {
        let row = serde_json::to_string(seal).map_err(|error| no_row(seal, error.to_string()))?;
        let statement = "INSERT INTO sealed_years FORMAT JSONEachRow";
        for attempt in 0..ATTEMPTS_MAX {
            let token = InsertToken::of_seal(seal.number, attempt);
            let row = row.clone().into();
            self.0
                .insert("sealed_years", statement.to_owned(), row, &token)
                .await?;
            let held: Vec<String> = self
                .0
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
        Err(no_row(seal, format!("no row after {ATTEMPTS_MAX} inserts")))
    }
}

impl Usage {
    /// Returns the versions of the rules in the facts of a local year.
    pub async fn rules_of_year(&self, year: i16) -> Result<Vec<String>, StoreError> {
        self.0.rows(&format!(
            "SELECT DISTINCT toString(rules) FROM usage_events WHERE toYear(local_date) = {year} ORDER BY 1"
        ))
        .await
    }

    /// Returns the figures of a local year from the facts before `ends` (stream, partition, next
    /// offset), with their current classification. Only usage, services and devices. Usage and
    /// services exclude bots.
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
            usage: self.0
                .rows(&format!(
                    "SELECT toString(e.ente) AS ente, toString(e.category) AS category, toString(e.kind) AS kind, count() AS service_uses
                     FROM {facts} AND {used} GROUP BY ente, category, kind ORDER BY ente, category, kind"
                ))
                .await?,
            services: self.0
                .rows(&format!(
                    "SELECT toString(e.service) AS service, toString(e.category) AS category, count() AS service_uses, uniqExact(e.ente) AS enti
                     FROM {facts} AND {used} GROUP BY service, category ORDER BY service_uses DESC, service"
                ))
                .await?,
            devices: self.0
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

fn no_row(seal: &SealRow, cause: String) -> StoreError {
    StoreError::Query {
        what: format!("seal {}", seal.number),
        cause,
    }
}
