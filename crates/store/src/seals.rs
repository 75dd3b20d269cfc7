//! Sealed years and months, and figures for comparison with a seal.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::{DayRange, YearFigures};
use crate::sql::{Statement, before_ends, statement};
use crate::{InsertToken, Registers, StoreError, Usage};

/// A row of `sealed_years`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SealRow {
    /// Position in the chain, from 1.
    pub number: u32,
    /// Closed year, or year of the closed month.
    pub year: u16,
    /// Closed month, 1 to 12; 0 for a whole year.
    pub month: u8,
    /// Reason for restating the period; empty for its first seal.
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

/// A row of `sealed_years` without its content.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SealHead {
    /// Position in the chain, from 1.
    pub number: u32,
    /// Closed year, or year of the closed month.
    pub year: u16,
    /// Closed month, 1 to 12; 0 for a whole year.
    pub month: u8,
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
    pub async fn seals(&self) -> Result<Vec<SealHead>, StoreError> {
        self.0.rows(statement!("seals")).await
    }

    /// Reads the content of a seal in pieces. That of a country has hundreds of megabytes.
    pub async fn read_content(
        &self,
        seal: &SealHead,
        mut piece: impl FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let query = statement!("seal_content")
            .bind("number", seal.number)
            .bind("hash", &*seal.hash)
            .query(&self.0.client);
        let read = async {
            let mut pieces = query.fetch_bytes("RawBLOB")?;
            while let Some(bytes) = pieces.next().await? {
                piece(&bytes);
            }
            Ok(())
        };
        let what = format!("the content of seal {}", seal.number);
        read.await.map_err(|error| self.0.judge(&what, error))
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
            let query = "SELECT s.hash FROM sealed_years AS s WHERE s.number = {number:UInt32}";
            let query = Statement::from(query).bind("number", seal.number);
            let held: Vec<String> = self.0.rows(query).await?;
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
    /// Returns the versions of the rules in the facts of local days.
    pub async fn rules_of_days(&self, days: DayRange) -> Result<Vec<String>, StoreError> {
        self.0
            .rows(of_days(statement!("rules_of_days"), days))
            .await
    }

    /// Returns the figures of local days from the facts before `ends` (stream, partition, next
    /// offset), with their current classification. Only usage, services and devices. Usage and
    /// services exclude bots.
    pub async fn figures_before(
        &self,
        days: DayRange,
        ends: &[(String, u32, u64)],
    ) -> Result<YearFigures, StoreError> {
        if ends.is_empty() {
            return Ok(YearFigures::default());
        }
        let before = before_ends(ends);
        let usage = statement!("used_before").put("before", &before);
        let services = statement!("services_before").put("before", &before);
        let devices = statement!("devices_before").put("before", before);
        Ok(YearFigures {
            usage: self.0.rows(of_days(usage, days)).await?,
            services: self.0.rows(of_days(services, days)).await?,
            devices: self.0.rows(of_days(devices, days)).await?,
            ..YearFigures::default()
        })
    }
}

fn of_days(statement: Statement, days: DayRange) -> Statement {
    statement.bind("first", days.first).bind("last", days.last)
}

fn no_row(seal: &SealRow, cause: String) -> StoreError {
    StoreError::Query {
        what: format!("seal {}", seal.number),
        cause,
    }
}
