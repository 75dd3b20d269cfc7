//! Figures of other sources.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// A row of `imported_figures`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ImportedRow {
    /// Order of the imports, from 1.
    pub number: u32,
    /// What the figures are of.
    pub kind: String,
    /// Who or what they are from.
    pub source: String,
    /// When the source said so, `2018-03-01`.
    pub source_date: String,
    /// Licence of the figures.
    pub licence: String,
    /// Who imported them.
    pub imported_by: String,
    /// When, in seconds since 1970.
    pub imported_at: u32,
    /// Of kind, provenance and figures.
    pub hash: String,
    /// Provenance and figures, as JSON.
    pub content: String,
}

impl Store {
    /// Every import, in order.
    pub async fn imported(&self) -> Result<Vec<ImportedRow>, StoreError> {
        self.rows(
            "SELECT i.number AS number, toString(i.kind) AS kind, i.source AS source, toString(i.source_date) AS source_date,
                    i.licence AS licence, i.imported_by AS imported_by, toUnixTimestamp(i.imported_at) AS imported_at,
                    i.hash AS hash, i.content AS content
             FROM imported_figures AS i ORDER BY number, hash",
        )
        .await
    }

    /// Adds an import.
    pub async fn add_imported(&self, row: &ImportedRow) -> Result<(), StoreError> {
        let row = serde_json::to_string(row).map_err(|error| StoreError::Query {
            what: "the figures as JSON".into(),
            cause: error.to_string(),
        })?;
        self.send_rows("imported_figures", row.into()).await
    }
}
