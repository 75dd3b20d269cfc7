#![doc = include_str!("README.md")]

mod book;
mod chart;
mod data;
mod html;
mod ods;
mod pdf;
mod sheet;
mod tidy;
mod typeface;

pub(crate) use chart::{ChartRoom, Plot, across, svg};
pub use data::json;
pub use html::html;
pub use ods::ods;
#[cfg(test)]
pub(crate) use pdf::pages;
pub use pdf::{pdf, slides};
pub use sheet::xlsx;
pub use tidy::{Separators, csv};

use crate::document::Document;
use thiserror::Error;

/// A document that could not be printed. No valid document causes it: only a limit of the format
/// does.
#[derive(Debug, Error)]
pub enum PrintError {
    /// A chart could not be drawn.
    #[error("the chart {chart} could not be drawn: {cause}")]
    Chart {
        /// Id of the chart.
        chart: &'static str,
        /// Error of the drawing library.
        cause: String,
    },
    /// The part of the typeface that a page needs could not be written.
    #[error("the typeface could not be reduced: {0}")]
    Typeface(String),
    /// The PDF could not be written.
    #[error("the PDF could not be made: {0}")]
    Pdf(String),
    /// The workbook could not be written.
    #[error("the workbook could not be made: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// The OpenDocument spreadsheet could not be written.
    #[error("the spreadsheet could not be made: {0}")]
    Spreadsheet(#[from] zip::result::ZipError),
    /// The CSV rows could not be written.
    #[error("the rows could not be written: {0}")]
    Rows(#[from] csv_error::Error),
}

/// The CSV library, renamed because this crate has a function `csv`.
mod csv_error {
    pub(crate) use ::csv::{Error, Terminator, WriterBuilder};
}

/// Returns the creation date of printed files. It is the day of the seal, or the last day of the
/// counted days for a provisional edition, so that the same figures give the same bytes.
pub fn day(document: &Document) -> jiff::civil::Date {
    let sealed = document
        .sealed_at
        .as_deref()
        .and_then(|time| time.get(..10)?.parse().ok());
    sealed.unwrap_or_else(|| document.period.last())
}
