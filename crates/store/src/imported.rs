//! Figures from other sources.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::register::lines_into;
use crate::sql::statement;
use crate::{Registers, StoreError};

/// A row of `imported_figures`.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ImportedRow {
    /// Number of the import, from 1.
    pub number: u32,
    /// Kind of figures.
    pub kind: String,
    /// Organisation or publication that the figures are from.
    pub source: String,
    /// Publication date of the source, `2018-03-01`.
    pub source_date: String,
    /// Licence of the figures.
    pub licence: String,
    /// Account that imported the figures.
    pub imported_by: String,
    /// Time of the import, in seconds since 1970.
    pub imported_at: u32,
    /// Hash of kind, provenance and figures.
    pub hash: String,
    /// Provenance and figures, as JSON.
    pub content: String,
}

impl Registers {
    /// Returns all imports, in order.
    pub async fn imported(&self) -> Result<Vec<ImportedRow>, StoreError> {
        self.0.rows(statement!("imported_figures")).await
    }

    /// Stores an import.
    pub async fn add_imported(&self, row: &ImportedRow) -> Result<(), StoreError> {
        let row = serde_json::to_string(row).map_err(|error| StoreError::Query {
            what: "the figures as JSON".into(),
            cause: error.to_string(),
        })?;
        self.0
            .send_rows(&lines_into("imported_figures"), row.into())
            .await
    }
}
